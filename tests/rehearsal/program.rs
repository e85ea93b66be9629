//! The stand-in's command line: MAOS's documented words, shapes and exit codes, over state that processes share.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Runs it; the exit code, standard output, standard error.
fn maos(state: &Path, words: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_maos-migrate"))
        .arg("rehearsal-maos")
        .args(words)
        .env("MAOS_REHEARSAL_DIR", state)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Runs it for JSON, which must be all of its standard output.
fn json_of(state: &Path, words: &[&str]) -> Value {
    let words = [&["--format", "json"], words].concat();
    let (code, out, err) = maos(state, &words);
    assert_eq!((code, err.as_str()), (0, ""), "{words:?} {out}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"))
}

/// A started one that is stopped when the test ends, however it ends.
struct Started(tempfile::TempDir);

impl Started {
    fn new(knobs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in knobs {
            assert_eq!(maos(folder.path(), &["knob", name, value]).0, 0);
        }
        let (code, out, err) = maos(folder.path(), &["start", "--daemon"]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        maos(self.0.path(), &["stop", "--force"]);
    }
}

#[test]
fn what_one_process_submits_another_executes_and_a_third_sees() {
    let started = Started::new(&[("seconds", "0.01")]);
    let state = started.path();
    let first = json_of(
        state,
        &[
            "task",
            "submit",
            "--metadata",
            r#"{"reference":"legacy_001"}"#,
            "--",
            "--it's \"hostile\"; $(rm -rf /) `x`\n'",
        ],
    );
    let id = first["task_id"].as_str().unwrap();
    let second = json_of(
        state,
        &[
            "task",
            "submit",
            "Second",
            "--depends-on",
            id,
            "--max-agents",
            "2",
            "--type",
            "coding",
        ],
    );
    let second = second["task_id"].as_str().unwrap();
    let waited = json_of(state, &["task", "wait", second, "--timeout", "60"]);
    assert_eq!(
        (&waited["status"], &waited["depends_on"]),
        (&json!("COMPLETED"), &json!([id]))
    );
    let shown = json_of(state, &["task", "show", id]);
    assert_eq!(
        shown["description"],
        json!("--it's \"hostile\"; $(rm -rf /) `x`\n'")
    );
    assert_eq!(shown["metadata"]["reference"], json!("legacy_001"));
    assert!(shown["performance_metrics"]["completion_time"].as_f64().unwrap() > 0.0);
    let listed = json_of(state, &["task", "list", "--status", "completed,FAILED"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(
        json_of(state, &["task", "list", "--status", "RUNNING", "--count"]),
        json!(0)
    );
    let status = json_of(state, &["status"]);
    assert_eq!(
        (&status["tasks"]["total"], &status["health"]["total"]),
        (&json!(2), &json!(6))
    );
    let health = json_of(state, &["health", "--all-components"]);
    assert_eq!(health["components"]["task_planner"], json!("healthy"));
    let made = json_of(state, &["checkpoint", "create", "--description", "before"]);
    let made = made["checkpoint_id"].as_str().unwrap();
    let held = json_of(state, &["checkpoint", "show", made]);
    assert_eq!(held["state"]["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(
        json_of(state, &["checkpoint", "list"])[0]["description"],
        json!("before")
    );
    assert_eq!(maos(state, &["checkpoint", "restore", made]).0, 0);
    let (code, out, _) = maos(state, &["version", "--short"]);
    assert_eq!((code, out.as_str()), (0, "0.9.4\n"));
    assert!(maos(state, &["version"]).1.contains("0.9.4"));
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    std::fs::write(state.join("good.yml"), "system:\n  log_level: DEBUG\n").unwrap();
    std::fs::write(state.join("bad.yml"), "system: [\n").unwrap();
    let good = state.join("good.yml").display().to_string();
    let bad = state.join("bad.yml").display().to_string();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["init"], 0, ""),
        (&["init"], 0, ""),
        (&["nonsense"], 2, "No such command 'nonsense'"),
        (&["task", "explode"], 2, "No such command 'explode'"),
        (&["status", "--nonsense"], 2, "No such option: --nonsense"),
        (&["task", "--help"], 0, ""),
        (&["task", "submit", "x"], 4, "not running"),
        (&["task", "submit", ""], 2, "empty"),
        (&["task", "submit", "x", "--priority", "urgent"], 2, "priority"),
        (&["task", "submit", "x", "--metadata", "[]"], 2, "JSON object"),
        (&["task", "show", "m-99"], 6, "not found"),
        (&["checkpoint", "restore", "cp-9"], 6, "not found"),
        (&["checkpoint", "create"], 4, "not running"),
        (&["health"], 1, ""),
        (&["stop"], 0, ""),
        (&["config", "validate", "--file", &good], 0, ""),
        (&["config", "validate", "--file", &bad], 3, "bad.yml"),
        (&["db", "migrate"], 0, ""),
        (&["db", "migrate"], 0, ""),
    ];
    for (words, code, said) in cases {
        let (got, out, err) = maos(state, words);
        assert_eq!(got, *code, "{words:?}: {out}{err}");
        assert!(err.contains(said), "{words:?}: {err}");
    }
    assert!(maos(state, &["--help"]).1.contains("REHEARSAL"));
}

/// The only process whose words name the folder is its executor.
fn executor(state: &Path) -> Option<i32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<i32>().ok())
        .find(|pid| {
            let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.contains("execute") && words.contains(state.to_str().unwrap())
        })
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "looks for the end of another process until a deadline"
)]
fn an_executor_whose_folder_was_removed_ends_by_itself() {
    let started = Started::new(&[]);
    let state = started.path().to_owned();
    assert!(executor(&state).is_some());
    std::fs::remove_dir_all(&state).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while executor(&state).is_some() {
        assert!(Instant::now() < deadline, "nobody can reach it, and it lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_executor_is_noticed_and_the_next_start_goes_on() {
    let started = Started::new(&[("seconds", "20"), ("agents", "1")]);
    let state = started.path();
    let ids: Vec<String> = (0..3)
        .map(|n| {
            let task = json_of(state, &["task", "submit", &format!("Task {n}")]);
            task["task_id"].as_str().unwrap().to_owned()
        })
        .collect();
    let deadline = Instant::now() + Duration::from_secs(30);
    while json_of(state, &["task", "list", "--status", "RUNNING"])
        .as_array()
        .unwrap()
        .is_empty()
    {
        assert!(Instant::now() < deadline);
    }
    let executor = executor(state).expect("an executor");
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(executor).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    while maos(state, &["health"]).0 == 0 {
        assert!(
            Instant::now() < deadline,
            "the dead executor is still taken for a living one"
        );
    }
    assert_eq!(maos(state, &["task", "submit", "x"]).0, 4);
    assert_eq!(maos(state, &["knob", "seconds", "0.05"]).0, 0);
    assert_eq!(maos(state, &["start"]).0, 0);
    for id in &ids {
        assert_eq!(
            json_of(state, &["task", "wait", id])["status"],
            json!("COMPLETED")
        );
    }
    assert_eq!(json_of(state, &["task", "list"]).as_array().unwrap().len(), 3);
}

#[test]
fn the_sample_legacy_system_does_one_part_after_the_other() {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_maos-migrate"))
        .args(["rehearsal-legacy", "--seconds", "0.1"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let task = json!({"id": "legacy_001", "description": "Test login, search and checkout"});
    child
        .stdin
        .take()
        .unwrap()
        .write_all(task.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let parts = result["results"].as_array().unwrap().len();
    assert!(parts >= 3, "{result}");
    assert_eq!(
        (&result["id"], &result["simulated"]),
        (&json!("legacy_001"), &json!(true))
    );
    let took = result["execution_time"].as_f64().unwrap();
    assert!(
        took >= f64::from(u32::try_from(parts).unwrap()) * 0.1,
        "{took} s for {parts} parts"
    );
}
