//! What every verb promises: help, streams, exit codes, errors as JSON, and the files for shells.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::{command, finish, run};

/// Every verb of the design, in this version or not.
const VERBS: &[&str] = &[
    "wizard",
    "demo",
    "assess",
    "readiness",
    "tasks",
    "environment",
    "config",
    "checkpoints",
    "schema",
    "cutover",
    "upgrade",
    "rollback",
    "compare",
    "validate",
    "report",
    "backup",
    "monitor",
    "journal",
    "doctor",
    "completions",
    "man",
];

fn here() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn version() {
    let ran = run(here().path(), &["--version"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), concat!("maos-migrate ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[test]
fn help_names_every_verb_and_every_verb_has_help() {
    let folder = here();
    let help = run(folder.path(), &["--help"]);
    assert_eq!(help.code, Some(0));
    for verb in VERBS {
        let named = help
            .out
            .lines()
            .any(|line| line.split_whitespace().next() == Some(verb));
        assert!(named, "{verb} is not in:\n{}", help.out);
        let own = run(folder.path(), &[verb, "--help"]);
        assert_eq!(own.code, Some(0), "{verb}: {own:?}");
        assert!(
            own.out.contains("Usage") && !own.out.contains('\x1b'),
            "{verb}: {own:?}"
        );
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "asking for help makes nothing"
    );
}

#[test]
fn usage_errors_are_2_and_say_so_on_standard_error() {
    for args in [
        &["frobnicate"][..],
        &["readiness", "--no-such-option"],
        &["tasks"],
        &["completions", "klingon"],
        &["schema", "apply", "--yes", "--approve", "0"],
    ] {
        let ran = run(here().path(), args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
}

#[test]
fn a_usage_error_in_json_names_what_is_missing_or_possible() {
    let folder = here();
    for (args, words) in [
        (
            &["tasks", "stages", "--json"][..],
            &["the following required arguments were not provided: <FILE>"][..],
        ),
        (
            &[
                "--json",
                "config",
                "convert",
                "a.yml",
                "-o",
                "b.yml",
                "--profile",
                "nope",
            ],
            &["invalid value 'nope'", "[possible values: ", "guide", "shipped"],
        ),
        (&["--json", "readines"], &["unrecognized subcommand 'readines'"]),
    ] {
        let ran = run(folder.path(), args);
        let error = ran.error();
        let message = error["message"].as_str().unwrap();
        assert_eq!(ran.code, Some(2));
        for word in words {
            assert!(message.contains(word), "{word}: {error}");
        }
        assert!(!message.contains('\n') && !message.contains("Usage"), "{error}");
    }
}

#[test]
fn a_password_in_a_word_that_is_refused_is_not_shown() {
    let folder = here();
    let url = "postgres://app:canary-4711@127.0.0.1:1/d";
    let cut = "postgres://app:canary-4711:w@rd-canary/x@127.0.0.1:1/d";
    for json in [false, true] {
        for url in [url, cut] {
            let option = format!("--sorce={url}");
            for args in [
                &["schema", "plan", url][..],
                &["schema", url],
                &[url],
                &["schema", "plan", &option],
                &["tasks", "stages", "x", "--agents", url],
                &["schema", "plan", "--source", url, "--target", url],
                &["checkpoints", "scan", url],
            ] {
                let mut args = args.to_vec();
                if json {
                    args.push("--json");
                }
                let ran = run(folder.path(), &args);
                let said = format!("{}{}", ran.out, ran.err);
                assert_ne!(ran.code, Some(0), "{args:?}");
                assert!(!said.is_empty() && !said.contains("canary"), "{args:?}: {said}");
            }
        }
    }
}

#[test]
fn a_help_text_that_cannot_be_written_is_no_success() {
    let folder = here();
    for args in [&["--help"][..], &["--version"], &["tasks", "--help"]] {
        let mut command = command(folder.path(), args);
        command.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
        let ended = command
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(6), "{args:?}");
        assert!(String::from_utf8_lossy(&ended.stderr).contains("cannot write the output"));
    }
}

#[test]
fn with_json_every_error_is_one_document_on_standard_error() {
    let folder = here();
    let not_yaml = folder.path().join("bad.yml");
    std::fs::write(&not_yaml, "parallelization_score: [1\n").unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["frobnicate", "--json"], 2, "usage"),
        (&["--json", "readiness", "--no-such-option"], 2, "usage"),
        (&["wizard", "--json"], 2, "usage"),
        (&["tasks", "submit", "--json"], 3, "input"),
        (&["readiness", "--json", "--answers", "missing.yml"], 3, "input"),
        (&["readiness", "--json", "--answers", "bad.yml"], 3, "input"),
        (&["tasks", "score", "--json", "missing.json"], 3, "input"),
        (&["report", "--json", "-w", "nowhere"], 3, "input"),
        (&["journal", "list", "--json", "-w", "nowhere"], 3, "input"),
    ];
    for (args, code, kind) in cases {
        let ran = run(folder.path(), args);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(*code), ""),
            "{args:?}: {ran:?}"
        );
        let error = ran.error();
        assert_eq!(error["kind"], *kind, "{args:?}: {ran:?}");
        assert!(
            error["message"].as_str().is_some_and(|text| !text.is_empty()),
            "{args:?}: {ran:?}"
        );
        assert!(
            error["hint"].is_string() || *kind == "input",
            "{args:?} does not say what to do: {ran:?}"
        );
    }
}

#[test]
fn without_a_terminal_there_is_no_wizard_but_the_verb_to_use() {
    let folder = here();
    for args in [&[][..], &["wizard"], &["-w", "here"]] {
        let ran = run(folder.path(), args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(
            ran.err.contains("maos-migrate ") && ran.err.contains("terminal"),
            "{ran:?}"
        );
    }
    let demo = run(folder.path(), &["demo"]);
    assert_eq!(demo.code, Some(2));
    assert!(demo.err.contains("demo --headless"), "{demo:?}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a refusal makes nothing"
    );
}

#[test]
fn standard_output_is_pure_json_with_json() {
    let folder = here();
    std::fs::write(
        folder.path().join("t.json"),
        r#"[{"id": 1, "description": "a and b"}, {"id": "x"}]"#,
    )
    .unwrap();
    std::fs::write(folder.path().join("g.json"), r#"[{"id": 1, "dependencies": []}]"#).unwrap();
    std::fs::write(
        folder.path().join("a.yml"),
        "parallelization_score: 7\ninfrastructure_ready: y\nteam_ready: n\nbusiness_ready: y\n",
    )
    .unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for args in [
        &["doctor", "--json"][..],
        &["readiness", "--json", "--answers", "a.yml"],
        &["tasks", "score", "--json", "t.json"],
        &["tasks", "decompose", "--json", "t.json"],
        &["tasks", "stages", "--json", "g.json"],
        &["tasks", "convert", "--json", "t.json", "-o", "out.json"],
        &["checkpoints", "scan", "--json", "empty"],
    ] {
        let ran = run(folder.path(), args);
        assert!(matches!(ran.code, Some(0 | 4)), "{args:?}: {ran:?}");
        for line in ran.out.lines() {
            let value: Result<Value, _> = serde_json::from_str(line);
            assert!(value.is_ok_and(|v| v.is_object()), "{args:?} prints {line:?}");
        }
    }
}

/// Folders below, hidden files and names that another file system takes for one are no part of the counts.
#[test]
fn what_a_scan_of_checkpoints_does_not_look_at_is_told() {
    let folder = here();
    let source = folder.path().join("legacy");
    std::fs::create_dir_all(source.join("below")).unwrap();
    for name in [".hidden", "Twin.checkpoint", "twin.checkpoint"] {
        std::fs::write(source.join(name), b"\x80\x04]K\x01a.").unwrap();
    }
    for args in [
        &["checkpoints", "scan", "legacy"][..],
        &["checkpoints", "scan", "--json", "legacy"],
        &["checkpoints", "apply", "--from", "legacy", "--to", "out", "--yes"],
    ] {
        let ran = run(folder.path(), args);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        for sentence in [
            "1 folder not entered",
            "1 hidden file left alone",
            "Twin.checkpoint and twin.checkpoint differ only in case",
        ] {
            assert!(ran.err.contains(sentence), "{args:?}: {ran:?}");
            assert!(!ran.out.contains(sentence), "{args:?}: {ran:?}");
        }
    }
    let ran = run(folder.path(), &["checkpoints", "scan", "legacy"]);
    assert!(ran.out.contains("no list of tasks"), "unknown is not 0: {ran:?}");
}

#[test]
fn a_reader_that_leaves_is_no_crash() {
    let folder = here();
    let mut child = command(folder.path(), &["man"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), err.as_ref()), (Some(0), ""));
}

#[test]
fn completions_are_accepted_by_their_shells() {
    let folder = here();
    for (shell, check) in [
        (
            "bash",
            &[
                "bash",
                "--norc",
                "-c",
                "source completions && complete -p maos-migrate",
            ][..],
        ),
        ("zsh", &["zsh", "-f", "-n", "completions"]),
        ("fish", &["fish", "--no-execute", "completions"]),
    ] {
        let ran = run(folder.path(), &["completions", shell]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(
            ran.out.contains("checkpoints") && ran.out.contains("workspace"),
            "{shell}"
        );
        std::fs::write(folder.path().join("completions"), &ran.out).unwrap();
        let verdict = Command::new(check[0])
            .args(&check[1..])
            .current_dir(folder.path())
            .output();
        let verdict = verdict.unwrap_or_else(|error| panic!("{shell}: {error}; bash tests/run installs it"));
        assert!(verdict.status.success(), "{shell}: {verdict:?}");
    }
}

#[test]
fn the_manual_page_is_one() {
    let ran = run(here().path(), &["man"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.out.contains(".TH maos-migrate 1") && ran.out.contains("readiness"),
        "{}",
        ran.out
    );
}

#[test]
fn tasks_may_come_through_a_pipe() {
    let folder = here();
    let mut child = command(folder.path(), &["tasks", "score", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"{\"id\": 5, \"description\": \"Compare A, B and C\"}\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &line["id"]), (Some(0), &Value::from(5)));
}

#[test]
fn a_replay_from_an_open_pipe_ends_when_it_is_told_to() {
    for signal in ["-INT", "-TERM"] {
        let folder = here();
        let mut child = command(folder.path(), &["monitor", "replay", "--json", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut open = child.stdin.take().unwrap();
        open.write_all(b"{\"at\":\"2026-01-01T00:00:00Z\",\"tasks\":{\"failed\":0,\"completed\":9}}\n")
            .unwrap();
        // It answers, so it listens for signals by now.
        let mut answer = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut answer)
            .unwrap();
        assert!(answer.contains("verdict"), "{answer}");
        let told = std::process::Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        drop(open);
    }
}

fn contains_file(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}

#[test]
fn standalone_verbs_make_no_workspace() {
    let folder = here();
    std::fs::write(
        folder.path().join("a.yml"),
        "parallelization_score: 7\ninfrastructure_ready: y\n",
    )
    .unwrap();
    let ran = finish(command(
        folder.path(),
        &["readiness", "--json", "--answers", "a.yml"],
    ));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.document()["max"], 100);
    assert!(!contains_file(folder.path(), "migration"));
}
