//! What must be so before an upgrade, by the numbers of the guide's defects.

use crate::support::Site;

/// Defect 58: the table is on this machine; nothing asks a service, and a version that it does not know counts neither way.
#[test]
fn defect_58_compatibility_needs_no_service() {
    let Some(site) = Site::released(false) else { return };
    let site = site.backed_up();
    site.done(&["upgrade", "plan", "--to", "0.9.9"]);
    let said = site.refused(&["upgrade", "plan", "--to", "0.1.0"], 5);
    assert!(said.contains("0.1.0 cannot be used"), "{said}");
    for hostile in ["latest", "--index-url=x", "0.9.4; rm -rf /"] {
        let to = format!("--to={hostile}");
        let said = site.refused(&["upgrade", "plan", &to], 3);
        assert!(said.contains("no version"), "{hostile}: {said}");
    }
}

/// Defect 59: tasks that run are counted, not compared as text; they are waited for only when that is asked for. Defect 65: nothing is
/// submitted to prove the upgrade.
#[test]
fn defect_59_and_65_running_tasks_are_counted_and_none_is_made() {
    let site = Site::rehearsal().backed_up();
    let tasks = |site: &Site| {
        let state = site.path("state").display().to_string();
        let ran = Site::run_maos(&["--state", &state, "--format", "json", "task", "list"]);
        serde_json::from_str::<serde_json::Value>(&ran).unwrap()
    };
    let apply = ["upgrade", "apply", "--to", "9.9.9", "--yes"];
    let before = tasks(&site);
    site.done(&apply);
    assert_eq!(tasks(&site), before);
    site.knob("seconds", "4");
    site.submit("Something that takes its time");
    let said = site.refused(&apply, 5);
    assert!(said.contains("1 task is running"), "{said}");
    // A wait that was asked for once is taken back as it was given.
    let waits = site
        .done(&["upgrade", "plan", "--to", "9.9.9", "--wait"])
        .to_string();
    assert!(waits.contains("running tasks"), "{waits}");
    let said = site.refused(&["upgrade", "plan", "--no-wait"], 5);
    assert!(said.contains("1 task is running"), "{said}");
    site.done(&["upgrade", "apply", "--to", "9.9.9", "--wait", "--yes"]);
    assert!(site.runs());
}

/// Fault C53: a backup that was damaged since it was verified opens nothing, and neither does one that is too old: no step is begun.
#[test]
fn fault_c53_a_damaged_or_old_backup_opens_nothing() {
    let site = Site::rehearsal().backed_up();
    let plan = ["upgrade", "plan", "--to", "9.9.9"];
    let apply = ["upgrade", "apply", "--to", "9.9.9", "--yes"];
    let refused = |why: &str| {
        for args in [&plan[..], &apply] {
            let said = site.refused(args, 5);
            assert!(said.contains(why) && said.contains("backup create"), "{said}");
        }
        assert!(site.runs() && site.lines().iter().all(|line| line.0 != "stop"));
    };
    site.done(&plan);
    let one = std::fs::read_dir(site.path("ws/backups")).unwrap().next();
    let manifest = one.unwrap().unwrap().path().join("manifest.json");
    let whole = std::fs::read_to_string(&manifest).unwrap();
    let other = whole.replacen("acme", "else", 1);
    assert_ne!(whole, other);
    std::fs::write(&manifest, other).unwrap();
    refused("No verified backup younger than 60 min");
    std::fs::remove_file(&manifest).unwrap();
    refused("No verified backup younger than 60 min");
    std::fs::write(&manifest, whole).unwrap();
    site.done(&plan);
    // A flipped bit changes no length: it is found before anything is stopped, and from then on the gate is closed.
    let dump = std::fs::read_dir(manifest.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_none_or(|ending| ending != "json"))
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let (before, mut after) = (std::fs::read(&dump).unwrap(), std::fs::read(&dump).unwrap());
    let middle = after.len() / 2;
    after[middle] ^= 1;
    std::fs::write(&dump, after).unwrap();
    let said = site.refused(&apply, 5);
    assert!(said.contains("is not as it was written"), "{said}");
    refused("No verified backup younger than 60 min");
    std::fs::write(&dump, before).unwrap();
    site.done(&["backup", "verify", "--yes"]);
    site.done(&plan);
    site.also("backup:\n  max_age: 0\n");
    refused("No verified backup younger than 0 min");
}

/// Defect 64: readiness is looked for until a deadline, not slept for.
#[test]
fn defect_64_a_deadline_and_no_sleep() {
    let site = Site::rehearsal();
    site.also("  ready_within: 2\n  commands: {start: ['true']}\n");
    let site = site.backed_up();
    let from = std::time::Instant::now();
    let said = site.refused(&["upgrade", "apply", "--to", "9.9.9", "--yes"], 6);
    assert!(said.contains("not ready after 2 s"), "{said}");
    assert!(from.elapsed() < std::time::Duration::from_secs(25));
}

#[test]
fn fault_e80_a_dry_run_says_the_same_and_does_nothing() {
    let site = Site::rehearsal().backed_up();
    let ran = site.run(&["--dry-run", "upgrade", "apply", "--to", "9.9.9", "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(site.runs() && site.lines().iter().all(|line| line.0 != "install"));
}
