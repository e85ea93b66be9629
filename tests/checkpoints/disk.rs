//! A disk that is full, for real: a file system of a megabyte, in a name space of the test's own.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs `script` where `$DISK` is a small file system of its own; `None` where this machine allows no such thing.
fn on_a_small_disk(folder: &Path, script: &str) -> Option<String> {
    let disk = folder.join("disk");
    fs::create_dir_all(&disk).expect("a folder");
    let script = format!("mount -t tmpfs -o size=1m tmpfs \"$DISK\" && echo mounted && ({script})");
    // A name space of its own: root may, and elsewhere whoever may map itself to root.
    for flags in ["-m", "-Urm"] {
        let output = Command::new("unshare")
            .args([flags, "sh", "-c", &script])
            .env("DISK", &disk)
            .env("TOOL", env!("CARGO_BIN_EXE_maos-migrate"))
            .env("FROM", folder.join("legacy"))
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.starts_with("mounted\n") {
            return Some(said);
        }
    }
    eprintln!("skipped: no file system can be mounted here");
    None
}

/// The disk fills up: the run stops with the place and what is needed, leaves no partial file, and goes on once there is room.
#[test]
fn a_full_disk_stops_the_run_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let legacy = folder.path().join("legacy");
    fs::create_dir(&legacy).expect("a folder");
    for n in 0..40 {
        // A text of 50 kB each: two megabytes of results.
        let text = "x".repeat(50_000);
        fs::write(
            legacy.join(format!("{n:02}.checkpoint")),
            format!("}}Vtext\nV{text}\ns."),
        )
        .expect("a file");
    }
    let script = r#"
        "$TOOL" checkpoints apply --json --from "$FROM" --to "$DISK" --yes 2>&1; echo "exit $?"
        for file in "$DISK"/migrated/*; do tail -c 2 "$file" | grep -q "}" || echo "cut $file"; done
        echo "results $(ls "$DISK/migrated" | wc -l)"
        echo "partial $(ls -A "$DISK/.partial" | wc -l)"
        mount -o remount,size=8m "$DISK"
        "$TOOL" checkpoints apply --json --from "$FROM" --to "$DISK" --yes 2>&1; echo "exit $?"
        echo "results $(ls "$DISK/migrated" | wc -l)"
        "$TOOL" checkpoints verify --json --from "$FROM" --to "$DISK" >/dev/null; echo "verify $?"
    "#;
    let Some(said) = on_a_small_disk(folder.path(), script) else {
        return;
    };
    let lines: Vec<&str> = said.lines().collect();
    let [_, error, first, results, partial, second, again, all, verified] = lines[..] else {
        panic!("{said}");
    };
    let error: serde_json::Value = serde_json::from_str(error).expect("JSON");
    let message = error["error"]["message"].as_str().expect("a message");
    let hint = error["error"]["hint"].as_str().expect("a hint");
    assert!(
        message.starts_with("Stopped: ")
            && message.contains(" left on ")
            && message.ends_with("/disk. No partial file."),
        "{message}"
    );
    assert!(
        hint.starts_with("Free about ") && hint.ends_with(", then run again: what is finished stays."),
        "{hint}"
    );
    assert_eq!(error["error"]["kind"], "unavailable");
    assert_eq!((first, partial), ("exit 6", "partial 0"), "{said}");
    let in_place: u32 = results
        .strip_prefix("results ")
        .and_then(|n| n.trim().parse().ok())
        .expect("a count");
    assert!((1..40).contains(&in_place), "{said}");
    let totals: serde_json::Value = serde_json::from_str(second).expect("JSON");
    assert_eq!(totals["unchanged"], in_place);
    assert_eq!(totals["converted"], 40 - in_place);
    assert_eq!(
        (again, all, verified),
        ("exit 0", "results 40", "verify 0"),
        "{said}"
    );
}
