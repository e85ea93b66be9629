//! What a killed upgrade leaves: no installer that goes on behind anybody's back, no half package taken for a whole one. And the way
//! back by a rollback, which reinstalls the version of the backup.

use std::net::TcpListener;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::support::Site;

const APPLY: [&str; 5] = ["upgrade", "apply", "--to", "0.9.4", "--yes"];

fn packages(site: &Site) -> PathBuf {
    let lib = site.path("venv/lib");
    let python = std::fs::read_dir(lib).unwrap().next().unwrap().unwrap().path();
    python.join("site-packages")
}

#[test]
fn a_killed_upgrade_leaves_no_installer_that_goes_on() {
    let Some(site) = Site::released(false) else { return };
    let site = site.backed_up();
    // A package index that takes every call and answers none.
    let index = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/simple", index.local_addr().unwrap());
    let mut command = site.asking_index(&[&APPLY[..], &["--confirm", "acme"]].concat(), &address);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    // pip has called: it is at work, and known.
    let (_call, _) = index.accept().unwrap();
    let mark = site.path("ws/upgrade/installing.json");
    let known: serde_json::Value = serde_json::from_slice(&std::fs::read(&mark).unwrap()).unwrap();
    let pip = Pid::from_raw(i32::try_from(known["pid"].as_i64().unwrap()).unwrap()).unwrap();
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    assert!(test_kill_process(pip).is_ok());
    site.done(&APPLY);
    // It would have waited for its index for longer than this test may take.
    let alive = std::fs::read_to_string(format!("/proc/{}/stat", pip.as_raw_nonzero()))
        .is_ok_and(|stat| !stat.contains(") Z "));
    assert!(!alive && !mark.exists());
    assert_eq!(site.metadata(), "0.9.4");
}

#[test]
fn half_a_package_is_not_taken_for_a_whole_one() {
    let Some(site) = Site::released(false) else { return };
    let site = site.backed_up();
    assert!(site.killed(&APPLY, "upgrade.install.effect"));
    assert_eq!(site.metadata(), "0.9.4");
    // As a machine that lost its power in the middle leaves it: metadata without a record, files that are missing, and the folder
    // that pip renamed.
    let packages = packages(&site);
    let info = packages.join("maos_cli-0.9.4.dist-info");
    let record = std::fs::read_to_string(info.join("RECORD")).unwrap();
    let files = record.lines().filter_map(|line| line.split(',').next());
    let mut gone = 0;
    for file in files.filter(|file| file.strip_suffix(".py").is_some()).take(5) {
        std::fs::remove_file(packages.join(file)).unwrap();
        gone += 1;
    }
    assert_eq!(gone, 5);
    std::fs::remove_file(info.join("RECORD")).unwrap();
    std::fs::create_dir(packages.join("~aos_cli-0.8.9.1.dist-info")).unwrap();
    std::fs::create_dir_all(site.path("ws/upgrade")).unwrap();
    site.write("ws/upgrade/installing.json", r#"{"pid": 4000000, "started": 1}"#);
    site.done(&APPLY);
    assert_eq!(site.metadata(), "0.9.4");
    assert!(info.join("RECORD").exists() && !packages.join("~aos_cli-0.8.9.1.dist-info").exists());
    let first = record.lines().find_map(|line| {
        line.split(',')
            .next()
            .filter(|file| file.strip_suffix(".py").is_some())
    });
    assert!(packages.join(first.unwrap()).exists());
    // A file that is missing is found also where the record is there.
    std::fs::remove_file(packages.join(first.unwrap())).unwrap();
    site.done(&APPLY);
    assert!(packages.join(first.unwrap()).exists());
    let said = site.refused(&["upgrade", "plan", "--to", "0.9.4"], 5);
    assert!(said.contains("installed already"), "{said}");
}

/// Defects 55 and 89: the version of the backup is known and is put back by the real pip, and what is proved is what is there.
#[test]
fn defect_55_a_rollback_of_an_upgrade_returns_the_version_of_the_backup() {
    let Some(site) = Site::released(true) else { return };
    let site = site.backed_up();
    site.done(&APPLY);
    assert!(site.metadata() == "0.9.4" && site.runs());
    let beside = site.beside();
    let target = site.done(&["rollback", "plan"])["plan"]["target"]
        .as_str()
        .unwrap()
        .to_owned();
    site.done(&["rollback", "apply", "--yes", "--confirm", &target]);
    assert_eq!(site.metadata(), "0.8.9.1");
    assert!(site.runs());
    assert_ne!(
        site.beside(),
        beside,
        "the older release does not run with the newer typer"
    );
    // And forth again, as if nothing had been.
    site.done(&APPLY);
    assert!(site.metadata() == "0.9.4" && site.runs());
}

/// The same from the middle of an upgrade, whose lines are no longer those of a run that could go on.
#[test]
fn a_rollback_from_the_middle_of_an_upgrade_ends_it() {
    let Some(site) = Site::released(true) else { return };
    let site = site.backed_up();
    assert!(site.killed(&APPLY, "upgrade.install.effect"));
    assert_eq!(site.metadata(), "0.9.4");
    let target = site.done(&["rollback", "plan"])["plan"]["target"]
        .as_str()
        .unwrap()
        .to_owned();
    site.done(&["rollback", "apply", "--yes", "--confirm", &target]);
    assert!(site.metadata() == "0.8.9.1" && site.runs());
    site.refused(&["upgrade", "undo", "--yes"], 3);
    site.done(&APPLY);
    assert!(site.metadata() == "0.9.4" && site.runs());
}
