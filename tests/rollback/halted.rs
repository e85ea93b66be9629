//! What is refused before anything happens, and what is taken back when it fails half-way.

use crate::sql::sql;
use crate::support::{Kind, Site};

fn harmed(site: &Site, harm: impl FnOnce(&std::path::Path)) {
    let id = site.run(&["backup", "list"]).document()["backups"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    harm(&site.path("ws/backups").join(id));
}

#[test]
fn fault_c53_defect_71_90_a_damaged_or_unproved_backup_is_refused_and_nothing_is_moved() {
    type Harm = fn(&std::path::Path);
    let harms: [(Harm, &str); 4] = [
        (
            |folder| {
                let path = folder.join("database.sqlite");
                let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(file.metadata().unwrap().len() - 41).unwrap();
            },
            "41 bytes shorter than its manifest",
        ),
        (
            |folder| std::fs::remove_file(folder.join("manifest.json")).unwrap(),
            "manifest.json is missing",
        ),
        (
            |folder| std::fs::remove_file(folder.join("verification.json")).unwrap(),
            "not verified",
        ),
        (
            |folder| std::fs::remove_dir_all(folder.join("checkpoints")).unwrap(),
            "missing",
        ),
    ];
    let site = Site::new(Kind::Upgrade, false, 30);
    for (harm, words) in harms {
        let id = site.backup();
        let before = site.state();
        harmed(&site, harm);
        let chosen = site.back(&["--backup", &id]);
        assert_eq!(chosen.code, Some(5), "{words}: {chosen:#?}");
        let message = chosen.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{message}");
        assert_eq!((site.state(), site.copies()), (before, (0, 0)));
        std::fs::remove_dir_all(site.path("ws/backups")).unwrap();
    }
    let none = site.run(&["rollback", "plan", "--backup", "nowhere"]);
    assert_eq!(none.code, Some(3), "{none:#?}");
}

fn flip(path: &std::path::Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.len() - 500;
    bytes[at] ^= 4;
    std::fs::write(path, bytes).unwrap();
}

/// The dump is harmed without a change of its length: its hash tells before anything is stopped, and from then on the shelf says so.
#[test]
fn fault_c53_a_flipped_bit_is_refused_while_everything_still_runs() {
    let site = Site::new(Kind::Upgrade, true, 300);
    site.backup();
    site.go_on();
    let before = site.state();
    harmed(&site, |folder| flip(&folder.join("database.dump")));
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(5), "{ran:#?}");
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("not as it was written") && message.contains("Nothing was stopped"),
        "{message}"
    );
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
    // No step was begun, and MAOS never went away.
    let journal = site.run(&["journal", "list", "--capability", "rollback"]).out;
    assert!(
        journal.contains("of no use") && !journal.contains("\"key\":\"stop\""),
        "{journal}"
    );
    let listed = site.run(&["backup", "list"]).document();
    assert_eq!(listed["backups"][0]["state"], "damaged", "{listed}");
    assert_eq!(site.run(&["rollback", "plan"]).code, Some(5));
}

/// A dump that goes bad between the look at it and its restore is found by the restore, and everything is taken back.
#[test]
fn a_bit_that_flips_half_way_ends_the_rollback_and_maos_runs_again() {
    let site = Site::new(Kind::Upgrade, true, 300);
    site.backup();
    site.go_on();
    let before = site.state();
    let args = site.applying(&[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let killed = site.run_with(&args, Some("rollback.restore.before"));
    assert_eq!(killed.code, None, "{killed:#?}");
    harmed(&site, |folder| flip(&folder.join("database.dump")));
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("not as it was written"), "{message}");
    assert!(
        message.contains("State: the database, files and version in use are those from before"),
        "{message}"
    );
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
    assert_eq!(site.result()["success"], false);
}

/// Defect 89: success is not the end of a command. MAOS that will not be ready takes everything back.
#[test]
fn defect_68_89_maos_that_will_not_start_takes_everything_back() {
    let site = Site::new(Kind::Upgrade, true, 100);
    site.backup();
    site.go_on();
    let before = site.state();
    let settings = site.read("ws/migration.yml");
    // From now on a start does nothing at all, though it says that it did.
    let broken = settings.replace(
        "  ready_within: 20\n",
        "  ready_within: 1\n  commands: { start: [\"true\"] }\n",
    );
    site.write("ws/migration.yml", &broken);
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(6), "{ran:#?}");
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("failed"), "{message}");
    site.maos(&["start", "--daemon"]);
    assert_eq!((site.state(), site.copies()), (before, (0, 0)), "{message}");
    assert!(site.result()["error"].as_str().unwrap().contains("taken back"));
    // With MAOS mended it goes through.
    site.write("ws/migration.yml", &settings);
    assert_eq!(site.back(&[]).code, Some(0));
}

/// Defect 87: the emergency checkpoint fails exactly when a rollback is needed.
#[test]
fn defect_87_88_a_maos_that_answers_nothing_is_rolled_back_all_the_same() {
    let site = Site::new(Kind::Upgrade, false, 40);
    let then = site.state();
    site.backup();
    site.go_on();
    let settings = site.read("ws/migration.yml");
    let deaf = "  commands: { checkpoint create: [\"false\"] }\n";
    site.write(
        "ws/migration.yml",
        &settings.replace("  ready_within: 20\n", &format!("  ready_within: 20\n{deaf}")),
    );
    let ran = site.back(&["--rows", "export"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(site.state(), then);
    let log = site.result()["log"].to_string();
    assert!(log.contains("not done:"), "{log}");
}

/// A disk that fills while files are staged: nothing in use has changed, and everything is taken back.
#[test]
fn fault_c52_a_full_disk_is_taken_back() {
    let site = Site::new(Kind::Upgrade, false, 30);
    let small = site.path("small");
    std::fs::create_dir_all(&small).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(&small)
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("no right to mount: not tested here");
        return;
    }
    site.write("small/checkpoints/big.checkpoint", &"x".repeat(40_000));
    let settings = site.read("ws/migration.yml");
    let moved = settings.replace(
        &format!(
            "checkpoints: {}/checkpoints",
            site.path("").display().to_string().trim_end_matches('/')
        ),
        &format!("checkpoints: {}/checkpoints", small.display()),
    );
    assert_ne!(settings, moved);
    site.write("ws/migration.yml", &moved);
    site.backup();
    sql(&site.url, "UPDATE tasks SET status = 'COMPLETED'");
    site.write("small/checkpoints/big.checkpoint", &"y".repeat(40_000));
    let before = site.state();
    let ran = site.back(&[]);
    let unmount = || {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&small)
            .status();
    };
    if ran.code != Some(6) {
        unmount();
        panic!("{ran:#?}");
    }
    let left: Vec<String> = std::fs::read_dir(&small)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let kept = site.read("small/checkpoints/big.checkpoint");
    unmount();
    assert_eq!(left, ["checkpoints"]);
    assert!(kept.starts_with('y'));
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
}

/// Taken back, it is as it was found: a MAOS that did not run is not started, also where the run was killed behind its stop.
#[test]
fn maos_that_did_not_run_is_not_started_by_the_way_back() {
    for killed in [None, Some("rollback.stop.done"), Some("rollback.restore.effect")] {
        let site = Site::new(Kind::Upgrade, false, 30);
        site.backup();
        site.go_on();
        site.maos(&["stop", "--force"]);
        let before = site.state();
        assert!(!site.runs());
        if let Some(point) = killed {
            let args = site.applying(&[]);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            assert_eq!(site.run_with(&args, Some(point)).code, None, "{point}");
        }
        deaf(&site);
        let ran = site.back(&[]);
        assert_eq!(ran.code, Some(6), "{killed:?} {ran:#?}");
        let message = ran.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("it did not run before"), "{message}");
        hearing(&site);
        assert_eq!((site.state(), site.copies()), (before, (0, 0)), "{killed:?}");
    }
}

/// A MAOS that ran is started again, though the run was killed before it could note that it stopped it.
#[test]
fn maos_that_ran_is_started_by_the_way_back_of_a_run_that_was_killed_in_its_stop() {
    let site = Site::new(Kind::Upgrade, false, 30);
    site.backup();
    site.go_on();
    let before = site.state();
    let args = site.applying(&[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    assert_eq!(site.run_with(&args, Some("rollback.stop.effect")).code, None);
    assert!(!site.runs());
    // The way back meets a copy that cannot be made.
    harmed(&site, |folder| {
        let path = folder.join("database.sqlite");
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.len() - 500;
        bytes[at] ^= 4;
        std::fs::write(path, bytes).unwrap();
    });
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
}

/// From now on a start does nothing at all, though it says that it did.
fn deaf(site: &Site) {
    let settings = site.read("ws/migration.yml");
    let broken = settings.replace(
        "  ready_within: 20\n",
        "  ready_within: 1\n  commands: { start: [\"true\"] }\n",
    );
    assert_ne!(settings, broken);
    site.write("ws/migration.yml", &broken);
}

fn hearing(site: &Site) {
    let settings = site.read("ws/migration.yml");
    let mended = settings.replace(
        "  ready_within: 1\n  commands: { start: [\"true\"] }\n",
        "  ready_within: 20\n",
    );
    site.write("ws/migration.yml", &mended);
}

/// Where nothing tells whether MAOS runs, and nothing could be stopped, it is not started by the way back.
#[test]
fn maos_that_was_not_known_to_run_is_not_started_by_the_way_back() {
    let site = Site::new(Kind::Upgrade, false, 30);
    site.backup();
    site.go_on();
    site.maos(&["stop", "--force"]);
    let started = site.path("started").display().to_string();
    let settings = site.read("ws/migration.yml");
    let silent = settings.replace(
        "  ready_within: 20\n",
        &format!(
            "  ready_within: 1\n  commands: {{ status: [echo, '{{}}'], stop: [\"false\"], start: [touch, {started}] }}\n"
        ),
    );
    assert_ne!(settings, silent);
    site.write("ws/migration.yml", &silent);
    // Between the look at the backup and its restore a bit of it flips: the restore finds that, and the way back begins.
    let args = site.applying(&[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let killed = site.run_with(&args, Some("rollback.restore.before"));
    assert_eq!(killed.code, None, "{killed:#?}");
    harmed(&site, |folder| flip(&folder.join("database.sqlite")));
    let ran = site.back(&[]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(!site.path("started").exists(), "{ran:#?}");
}
