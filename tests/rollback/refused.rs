//! What keeps the wrong rollback from happening: another name, another plan, a dry run; what never leaves: secrets; what is no obstacle:
//! names that a shell would not survive.

use std::process::{Command, Stdio};

use crate::program::finish;
use crate::sql::sql;
use crate::support::{Kind, Site};

#[test]
fn fault_d65_defect_90_a_command_meant_for_another_target_is_refused() {
    let site = Site::new(Kind::Upgrade, true, 30);
    site.backup();
    site.go_on();
    let before = site.state();
    for confirm in ["maos2", "MAOS", "maos ", ""] {
        let ran = site.run(&["rollback", "apply", "--yes", "--confirm", confirm]);
        assert_eq!(ran.code, Some(5), "{confirm:?}: {ran:#?}");
        assert!(
            ran.error()["message"].as_str().unwrap().contains("maos"),
            "{ran:#?}"
        );
    }
    // The digest of what was planned before a choice is not an approval of what is planned after it.
    let plan = site.run(&["rollback", "plan"]).document();
    let digest = plan["plan"]["digest"].as_str().unwrap().to_owned();
    let other = site.run(&[
        "rollback",
        "apply",
        "--rows",
        "export",
        "--approve",
        &digest,
        "--confirm",
        "maos",
    ]);
    assert_eq!(other.code, Some(5), "{other:#?}");
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
}

/// Everything of a tree of files that could change: names, lengths, times of change.
fn tree(root: &std::path::Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            if meta.is_dir() {
                open.push(path);
            } else {
                all.push(format!(
                    "{} {} {:?}",
                    path.display(),
                    meta.len(),
                    meta.modified().unwrap()
                ));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn fault_e80_a_dry_run_says_the_same_and_writes_nothing() {
    let site = Site::new(Kind::Upgrade, true, 30);
    site.backup();
    site.go_on();
    let planned = site.run(&["rollback", "plan"]).document()["plan"]["digest"].clone();
    let databases = || sql(&site.url, "SELECT datname FROM pg_database ORDER BY 1");
    let looked = || {
        let files: Vec<Vec<String>> = ["ws/backups", "etc", "checkpoints"]
            .iter()
            .map(|part| tree(&site.path(part)))
            .collect();
        (
            site.state(),
            databases(),
            files,
            site.path("ws/rollback").exists(),
        )
    };
    let before = looked();
    for verb in [
        &["rollback", "apply"][..],
        &["rollback", "rehearse"],
        &["backup", "create"],
        &["backup", "verify"],
        &["backup", "prune"],
    ] {
        for flag in ["--dry-run", "--read-only"] {
            let words: Vec<&str> = [&[flag][..], verb, &["--yes"][..]].concat();
            let ran = site.run(&words);
            let expected = if flag == "--dry-run" { Some(0) } else { Some(5) };
            assert_eq!(ran.code, expected, "{words:?}: {ran:#?}");
            if flag == "--dry-run" && verb == ["rollback", "apply"] {
                assert_eq!(ran.document()["plan"]["digest"], planned);
            }
            assert_eq!(looked(), before, "{words:?}");
        }
    }
    // A refusal is the same one, too.
    let id = before.2[0][0].clone();
    assert!(!id.is_empty());
    std::fs::remove_dir_all(site.path("ws/backups")).unwrap();
    let (dry, real) = (
        site.run(&["--dry-run", "rollback", "apply", "--yes"]),
        site.back(&[]),
    );
    assert_eq!((dry.code, dry.error()), (real.code, real.error()));
}

const CANARY: &str = "c4n4ry-pass%40word";

#[test]
fn fault_e78_a_password_is_in_no_file_and_no_output() {
    let site = Site::new(Kind::Upgrade, true, 30);
    let settings = site.read("ws/migration.yml");
    site.write(
        "ws/migration.yml",
        &settings.replace("postgres://maos@", "postgres://maos:${CANARY_WORD}@"),
    );
    let with_secret = |args: &[&str], point: Option<&str>| {
        let workspace = site.path("ws").display().to_string();
        let words = [&["-w", workspace.as_str(), "--json"], args].concat();
        let mut command = crate::program::command(std::path::Path::new("/"), &words);
        command.env("CANARY_WORD", CANARY);
        if let Some(point) = point {
            command.env("MAOS_MIGRATE_FAIL_POINT", point);
        }
        finish(command)
    };
    let mut said = Vec::new();
    let made = with_secret(&["backup", "create", "--yes"], None);
    assert_eq!(made.code, Some(0), "{made:#?}");
    said.push(made);
    site.go_on();
    said.push(with_secret(&["rollback", "rehearse", "--yes"], None));
    said.push(with_secret(
        &site.confirmed("apply"),
        Some("rollback.carry.effect"),
    ));
    let ran = with_secret(&site.confirmed("apply"), None);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    said.push(ran);
    said.push(with_secret(&["report", "--yes"], None));
    said.push(with_secret(&["journal", "export"], None));
    // The driver's own words about a database that is not there.
    let settings = site.read("ws/migration.yml");
    site.write("ws/migration.yml", &settings.replace("/maos?", "/nowhere?"));
    said.push(with_secret(&["backup", "create", "--yes"], None));
    said.push(with_secret(&["rollback", "plan"], None));
    let secret = |text: &str| text.contains("c4n4ry");
    for ran in &said {
        assert!(!secret(&ran.out) && !secret(&ran.err), "{ran:#?}");
    }
    let found = Command::new("grep")
        .args(["-rla", "c4n4ry"])
        .arg(site.path(""))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "files that hold it");
}

/// Defect 72: no shell reads a path, and no name is taken apart.
#[test]
fn defect_72_names_that_a_shell_would_not_survive_go_back_as_well() {
    let site = Site::new(Kind::Upgrade, false, 20);
    let odd = "check points; $(touch pwned) 'a' \"b\" *";
    std::fs::rename(site.path("checkpoints"), site.path(odd)).unwrap();
    let settings = site.read("ws/migration.yml");
    let root = site.path("").display().to_string();
    let quoted = serde_json::to_string(&format!("{root}{odd}")).unwrap();
    site.write(
        "ws/migration.yml",
        &settings.replace(
            &format!("checkpoints: {root}checkpoints"),
            &format!("checkpoints: {quoted}"),
        ),
    );
    site.backup();
    site.write(&format!("{odd}/a.checkpoint"), "changed");
    sql(&site.url, "UPDATE tasks SET status = 'FAILED'");
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(site.read(&format!("{odd}/a.checkpoint")), "{\"n\": 1}");
    let pwned = Command::new("find")
        .arg(site.path(""))
        .args(["-name", "pwned"])
        .output()
        .unwrap();
    assert!(pwned.stdout.is_empty() && !std::path::Path::new("pwned").exists());
}

/// Defect 64: readiness is polled. What is ready at once is not waited for.
#[test]
fn defect_64_a_maos_that_is_ready_is_not_waited_for() {
    let site = Site::new(Kind::Upgrade, false, 20);
    site.backup();
    site.go_on();
    assert_eq!(site.back(&[]).code, Some(0));
    let events = site.run(&["journal", "list", "--capability", "rollback"]);
    let ready = events
        .out
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|event| event["item"]["key"] == "ready" && event["item"]["state"] == "done")
        .expect("the line of the step");
    assert!(ready["item"]["ms"].as_u64().unwrap() < 15_000, "{ready}");
}
