//! Two operators, the point of no return, and secrets.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::finish;
use crate::support::{Site, TOKEN, running};

/// Fault D61: while one cuts over, nobody else does; the other is told who.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a look at another process, with a deadline"
)]
fn fault_d61_of_two_operators_one_cuts_over() {
    let site = Site::sqlite().backed_up();
    running(&site, r#"["legacy_088"]"#);
    site.set("drain_within: 1", "drain_within: 600");
    let args = site.apply(&[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut first = site.command(&args);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let from = Instant::now();
    while !site.closed() && from.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut second = site.command(&args);
    second.env("USER", "bob");
    let ran = finish(second);
    assert_eq!(ran.code, Some(5), "{ran:#?}");
    let said = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(said.contains("alice operates this workspace"), "{said}");
    assert!(site.closed(), "the other's attempt changed nothing");
    kill_process(Pid::from_child(&first), Signal::TERM).unwrap();
    first.wait().unwrap();
    assert!(!site.closed());
}

/// Fault E76: once MAOS serves, legacy is not opened beside it; the way back is named.
#[test]
fn fault_e76_past_the_point_of_no_return_only_a_rollback_leads_back() {
    let site = Site::sqlite().backed_up();
    let args = site.apply(&[]);
    let mut command = site.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
    command.env("MAOS_MIGRATE_FAIL_POINT", "cutover.start.done");
    assert_eq!(finish(command).code, None);
    assert!(site.closed() && site.serves());
    let said = site.refused(&["cutover", "undo", "--yes"], 5);
    assert!(
        said.contains("MAOS serves already") && said.contains("rollback"),
        "{said}"
    );
    assert!(site.closed() && site.serves());
    site.over(&[]);
    let said = site.refused(&["cutover", "undo", "--yes"], 5);
    assert!(said.contains("the cut over is done"), "{said}");
}

/// Fault E78: a password of the settings, written there or named, is told nowhere, though the legacy side says it.
#[test]
fn fault_e78_a_secret_of_the_settings_is_not_told_though_the_legacy_side_says_it() {
    said_by_the_legacy_side(["written", "named"]);
}

/// Fault E78: the same of what is set for MAOS, and of what the conversion of the configuration wrote for it.
#[test]
fn fault_e78_a_secret_of_maos_is_not_told_though_the_legacy_side_says_it() {
    said_by_the_legacy_side(["for MAOS", "converted"]);
}

/// Fault E78: the same of what every program inherits, which no settings name.
#[test]
fn fault_e78_an_inherited_secret_is_not_told_though_the_legacy_side_says_it() {
    let inherited = [
        ("PGPASSWORD", "canary-a1b2c3d4e5"),
        ("REDISCLI_AUTH", "canary-f6a7b8c9d0"),
    ];
    let site = Site::sqlite().backed_up();
    site.write(
        "ws/drain.sh",
        "echo \"cannot log in with $PGPASSWORD or $REDISCLI_AUTH\" >&2; exit 3\n",
    );
    site.set("  drain: [touch, legacy/closed]", "  drain: [sh, drain.sh]");
    let args = site.apply(&[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let masked = "cannot log in with ****** or ******";
    for (asked, args) in [
        (&["--json"][..], &args[..]),
        (&[], &args[..]),
        (&["--json"], &["report"]),
        (&["--json"], &["journal", "export"]),
    ] {
        let mut command = site.as_asked(asked, args);
        command.envs(inherited);
        let ran = finish(command);
        if args[0] == "cutover" {
            assert_eq!(ran.code, Some(6), "{ran:#?}");
            assert!(ran.err.contains(masked), "{ran:#?}");
        }
        for (_, secret) in inherited {
            assert!(!ran.err.contains(secret) && !ran.out.contains(secret), "{ran:#?}");
        }
    }
    // Asked without them, the journal tells what it holds.
    let journal = site.run(&["journal", "export"]);
    assert!(journal.out.contains(masked), "{journal:#?}");
    assert!(site.path("ws/report/report.md").exists());
    for (name, secret) in inherited {
        let written = site.holding(secret);
        assert!(written.is_empty(), "{name}: {written:?}");
    }
}

fn said_by_the_legacy_side(origins: [&str; 2]) {
    for origin in origins {
        let site = match origin {
            "written" => Site::postgres_as(&format!("maos:{TOKEN}")),
            "named" => Site::postgres_as("maos:${LEGACY_WORD}"),
            _ => Site::sqlite(),
        };
        let site = site.backed_up();
        match origin {
            "for MAOS" => site.set(
                "  ready_within: 20\n",
                &format!("  ready_within: 20\n  env: {{API_TOKEN: {TOKEN}}}\n"),
            ),
            "converted" => {
                let written = std::fs::read_to_string(site.path("ws/config/maos.env")).unwrap();
                site.write(
                    "ws/config/maos.env",
                    &format!("{written}MAOS_OTHER_PASSWORD='{TOKEN}'\n"),
                );
            }
            _ => {}
        }
        site.write(
            "ws/drain.sh",
            &format!("echo 'cannot log in with {TOKEN}' >&2; exit 3\n"),
        );
        site.set("  drain: [touch, legacy/closed]", "  drain: [sh, drain.sh]");
        let args = site.apply(&[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        for asked in [&["--json"][..], &[]] {
            let ran = finish(site.as_asked(asked, &args));
            assert_eq!(ran.code, Some(6), "{ran:#?}");
            assert!(ran.err.contains("cannot log in with ******"), "{ran:#?}");
            assert!(!ran.err.contains(TOKEN) && !ran.out.contains(TOKEN), "{ran:#?}");
        }
        let journal = site.run(&["journal", "export"]);
        assert!(journal.out.contains("cannot log in with ******"), "{journal:#?}");
        assert!(!site.closed());
        let written = site.holding(TOKEN);
        assert!(written.is_empty(), "{origin}: {written:?}");
    }
}
