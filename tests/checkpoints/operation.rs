//! The operation over a folder: what it writes, what it leaves alone, and how it goes on after a kill.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::checkpoints::finding::{Code, Severity};
use maos_migrate::engine::checkpoints::job::Status;
use maos_migrate::engine::checkpoints::{ClassMap, Survey, View, apply, plan, scan, verify};
use maos_migrate::engine::operation::{Control, Notice};
use serde_json::{Value, json};

use crate::support::{GOOD, HOSTILE, Place, reason};

/// Defects 35 and 36: nothing of the legacy checkpoint is lost, its own time stays, and the source is named by checksum.
#[test]
fn defect_35_36_every_key_crosses_and_the_time_is_the_checkpoints_own() {
    let place = Place::new(&[("batch_1.checkpoint", GOOD)]);
    let applied = place.apply();
    assert!(applied.outcome.proved());
    assert_eq!((applied.totals.total, applied.totals.converted), (1, 1));
    let result = place.result("batch_1_maos.checkpoint");
    assert_eq!(result["version"], "2.0.0");
    assert_eq!(result["timestamp"], "2024-05-06T07:08:09");
    assert_eq!(result["migrated_from"], "batch_1.checkpoint");
    assert_eq!(
        result["system_state"],
        json!({"tasks": [{"id": 1}], "agents": {"a": 1}, "shared_state": {"k": "v"}})
    );
    let metadata = &result["metadata"];
    assert_eq!(metadata["migration_date"], "2026-11-22T12:00:00Z");
    assert_eq!(metadata["legacy_version"], "1.4");
    assert_eq!(
        metadata["unmapped"],
        json!({"timestamp": "2024-05-06T07:08:09", "owner": "ops"})
    );
    assert_eq!(metadata["source"]["bytes"], GOOD.len());
    assert_eq!(metadata["source"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(
        metadata["migration_tool"],
        concat!("maos-migrate ", env!("CARGO_PKG_VERSION"))
    );
    assert!(
        fs::read_to_string(place.to.join("checkpoint_migration.log"))
            .expect("a log")
            .contains("converted batch_1.checkpoint")
    );
}

/// Without a time of its own a checkpoint has none; epoch numbers and datetimes are read.
#[test]
fn the_timestamp_is_read_from_what_the_checkpoint_says() {
    let place = Place::new(&[
        ("none.checkpoint", b"}.".as_slice()),
        ("epoch.checkpoint", b"}Vsaved_at\nI1700000000\ns."),
        ("millis.checkpoint", b"}Vcreated_at\nL1700000000500L\ns."),
        (
            "moment.checkpoint",
            b"\x80\x02}U\ttimestampcdatetime\ndatetime\nC\x0a\x07\xe8\x05\x06\x07\x08\x09\0\0\0\x85Rs.",
        ),
    ]);
    place.apply();
    for (name, want, from) in [
        ("none", Value::Null, Value::Null),
        (
            "epoch",
            json!("2023-11-14T22:13:20Z"),
            json!("saved_at (seconds since 1970)"),
        ),
        (
            "millis",
            json!("2023-11-14T22:13:20.5Z"),
            json!("created_at (milliseconds since 1970)"),
        ),
        ("moment", json!("2024-05-06T07:08:09"), json!("timestamp")),
    ] {
        let result = place.result(&format!("{name}_maos.checkpoint"));
        assert_eq!(result["timestamp"], want, "{name}");
        assert_eq!(result["metadata"]["timestamp_source"], from, "{name}");
    }
}

/// Defects 31, 33 and 34: one refused file never stops the others; values JSON cannot hold are tagged, and nothing is
/// ever left half-written.
#[test]
fn defect_31_33_34_refused_files_are_counted_and_the_others_go_on() {
    let place = Place::new(&[
        ("a.checkpoint", GOOD),
        ("b.checkpoint", HOSTILE),
        ("c.checkpoint", &GOOD[..40]),
        ("d.checkpoint", b"\x80\x04\x8f(K\x01K\x02\x90."),
        ("e.checkpoint", b"\x80\x04}(\x8c\x05tasks}(K\x01\x8c\x01aK\x01K\x02\x86Nu\x8c\x04when\x8e\x02\0\0\0\0\0\0\0\x00\xffu."),
    ]);
    let applied = place.apply();
    let totals = applied.totals;
    assert_eq!(
        (totals.total, totals.converted, totals.refused, totals.failed),
        (5, 3, 2, 0)
    );
    assert!(totals.complete() && applied.outcome.proved());
    assert_eq!(
        reason(&applied.view, "b.checkpoint"),
        (Severity::Critical, Code::ForbiddenName)
    );
    assert_eq!(reason(&applied.view, "c.checkpoint").0, Severity::Malformed);
    assert_eq!(
        applied.view.refused[0].file, "b.checkpoint",
        "the worst comes first"
    );
    let refusal = applied.view.refused[0].refusal.as_ref().expect("a reason");
    assert_eq!(refusal.reason, "would call os.system");
    assert_eq!(
        refusal.place,
        "byte 2, GLOBAL; called by REDUCE at byte 26; its value is thrown away by POP at byte 27"
    );
    // A set is no mapping: it is kept whole.
    assert_eq!(
        place.result("d_maos.checkpoint")["metadata"]["legacy_value"],
        json!({"$t": "set", "v": [1, 2]})
    );
    assert_eq!(
        place.result("e_maos.checkpoint")["system_state"]["tasks"],
        json!({"$t": "dict", "v": [[1, "a"], [{"$t": "tuple", "v": [1, 2]}, null]]})
    );
    assert_eq!(place.results().len(), 3);
    assert_eq!(
        applied.outcome.summary,
        "3 converted, 2 refused: 5 accounted for."
    );
}

/// Defect 32: a file name is a name, whatever it looks like.
#[test]
fn defect_32_file_names_are_never_code() {
    let canary = tempfile::tempdir().expect("a folder");
    let path = canary.path().join("x");
    let names = [
        format!("$(touch {}).checkpoint", path.display()).replace('/', "_"),
        "`id`.checkpoint".to_owned(),
        "\"; import os; os.system('id') #.checkpoint".to_owned(),
        "a'b.checkpoint".to_owned(),
    ];
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), GOOD)).collect();
    let place = Place::new(&files);
    assert_eq!(place.apply().totals.converted, 4);
    assert_eq!(
        place.result("a'b_maos.checkpoint")["migrated_from"],
        "a'b.checkpoint"
    );
}

/// Fault 18: a NUL is kept, escaped, and counted.
#[test]
fn fault_a18_strings_with_nul_are_counted() {
    let place = Place::new(&[("a.checkpoint", b"\x80\x04}\x8c\x01a\x8c\x03x\0ys.".as_slice())]);
    let applied = place.apply();
    assert_eq!(applied.view.notes.nul_strings, 1);
    assert_eq!(
        place.result("a_maos.checkpoint")["metadata"]["unmapped"]["a"],
        "x\0y"
    );
}

/// Fault 21: a declared class is plain data with its name; what the declaration does not say is refused.
#[test]
fn fault_a21_declared_classes_cross_as_data() {
    let object: &[u8] = b"\x80\x02}U\x05tasks](cacme.tasks\nTask\n)\x81}(U\x02idK\x01U\x08prioritycacme.tasks\nPriority\nK\x03\x85Rubes.";
    let point: &[u8] = b"\x80\x02}U\x01pcacme.geo\nPoint\nK\x01K\x02\x86\x81s.";
    let subclass: &[u8] = b"\x80\x02}U\x01scacme.util\nSettings\n)\x81U\x01aK\x01s}U\x01bK\x02sbs.";
    let place = Place::new(&[
        ("a.checkpoint", object),
        ("b.checkpoint", point),
        ("c.checkpoint", subclass),
    ]);
    let view = place.scan();
    assert_eq!(view.totals.refused, 3);
    let names: Vec<_> = view.classes.iter().map(|class| class.name.as_str()).collect();
    assert!(
        names.contains(&"acme.tasks.Task") && names.contains(&"acme.tasks.Priority"),
        "{names:?}"
    );
    assert!(
        view.classes
            .iter()
            .any(|class| class.name == "acme.tasks.Priority" && class.called_with_one)
    );
    assert!(!place.to.exists(), "a scan writes nothing");

    let map = "classes:\n  acme.tasks.Task: {kind: object, fields: [id, priority]}\n  acme.tasks.Priority: {kind: enum}\n  \
               acme.geo.Point: {kind: named_tuple, fields: [x, y]}\n  acme.util.Settings: {kind: dict}\n";
    let mut request = place.request();
    request.classes = ClassMap::from_yaml("classes.yml", map).expect("a map");
    let applied = Place::convert(&request);
    assert_eq!(applied.totals.converted, 3, "{:?}", applied.view.refused);
    assert_eq!(
        place.result("a_maos.checkpoint")["system_state"]["tasks"][0],
        json!({"$t": "object", "class": "acme.tasks.Task", "v": {
            "id": 1, "priority": {"$t": "enum", "class": "acme.tasks.Priority", "v": 3}}})
    );
    assert_eq!(
        place.result("b_maos.checkpoint")["metadata"]["unmapped"]["p"],
        json!({"$t": "namedtuple", "class": "acme.geo.Point", "v": [1, 2]})
    );
    assert_eq!(
        place.result("c_maos.checkpoint")["metadata"]["unmapped"]["s"],
        json!({"$t": "object", "class": "acme.util.Settings", "v": {"b": 2}, "items": {"a": 1}})
    );
    assert!(
        verify(&request, &Control::silent())
            .expect("verified")
            .outcome
            .proved()
    );

    request.classes =
        ClassMap::from_yaml("classes.yml", &map.replace("[id, priority]", "[id]")).expect("a map");
    let view = scan(&request, &Control::silent(), |_| {}).expect("scanned");
    assert_eq!(
        reason(&view, "a.checkpoint"),
        (Severity::Unknown, Code::UndeclaredField)
    );
}

/// Looking writes nothing, and equal folders have equal plans.
#[test]
fn scan_and_plan_write_nothing_and_are_deterministic() {
    let place = Place::new(&[
        ("a.checkpoint", GOOD),
        ("b.checkpoint", HOSTILE),
        ("c.pkl", b"cacme\nTask\n."),
    ]);
    let mut lines = Vec::new();
    scan(&place.request(), &Control::silent(), |report| {
        lines.push(serde_json::to_value(report.scan_line()).expect("JSON"));
    })
    .expect("scanned");
    let names: Vec<_> = lines
        .iter()
        .map(|line| line["file"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        names,
        ["a.checkpoint", "b.checkpoint", "c.pkl"],
        "in the order of names"
    );
    assert_eq!(
        (&lines[0]["status"], &lines[0]["reason"], &lines[0]["tasks"]),
        (&json!("convertible"), &Value::Null, &json!(1))
    );
    assert_eq!(lines[1]["status"], "refused");
    assert_eq!(
        (&lines[1]["reason"], &lines[1]["offset"]),
        (&json!("would call os.system"), &json!(2))
    );
    assert_eq!(lines[1]["globals"], json!(["os.system"]));
    let control = Control::silent();
    let one = plan(&place.request(), Survey::Full, &control)
        .expect("a plan")
        .plan;
    let mut later = place.request();
    later.started = "2030-01-01T00:00:00Z".parse().expect("a time");
    assert_eq!(
        one.digest,
        plan(&later, Survey::Full, &control).expect("a plan").plan.digest
    );
    assert!(!one.needs_approval && one.reversible());
    assert_eq!(one.title, "Convert 1 file");
    assert!(!place.to.exists());
}

/// The proof after the fact finds what was tampered with, and what is missing.
#[test]
fn verify_decodes_every_result_and_finds_each_difference() {
    let place = Place::new(&[
        ("a.checkpoint", GOOD),
        ("b.checkpoint", GOOD),
        ("c.checkpoint", GOOD),
        ("d.checkpoint", HOSTILE),
    ]);
    place.apply();
    let verified = verify(&place.request(), &Control::silent()).expect("verified");
    assert_eq!((verified.total, verified.proved, verified.refused), (4, 3, 1));
    assert!(verified.outcome.proof.iter().all(|line| line.equal));
    fs::remove_file(place.to.join("migrated/a_maos.checkpoint")).expect("removed");
    let path = place.to.join("migrated/b_maos.checkpoint");
    let text = fs::read_to_string(&path).expect("a result");
    fs::write(&path, text.replace("\"k\": \"v\"", "\"k\": \"w\"")).expect("changed");
    let verified = verify(&place.request(), &Control::silent()).expect("verified");
    assert_eq!((verified.proved, verified.missing, verified.different), (1, 1, 1));
    assert!(!verified.outcome.proved());
}

/// Progress counts files and bytes, and each refused file is told once.
#[test]
fn progress_and_refusals_are_told() {
    let place = Place::new(&[("a.checkpoint", GOOD), ("b.checkpoint", HOSTILE)]);
    let told: Arc<Mutex<Vec<Notice>>> = Arc::default();
    let sink = Arc::clone(&told);
    let control = Control::new(move |notice| sink.lock().expect("a list").push(notice));
    let prepared = plan(&place.request(), Survey::Names, &control).expect("a plan");
    apply(&prepared, &control).expect("applied");
    let told = told.lock().expect("a list");
    let last = told.iter().rev().find_map(|notice| match notice {
        Notice::Progress(progress) => Some(progress.clone()),
        _ => None,
    });
    let last = last.expect("progress");
    assert_eq!(
        (last.done, last.total, last.proved, last.quarantined),
        (2, Some(2), 1, 1)
    );
    assert_eq!(Some(last.bytes), last.bytes_total);
    let refused: Vec<_> = told
        .iter()
        .filter_map(|notice| match notice {
            Notice::Quarantined(item) => Some((item.key.as_str(), item.reason.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [("b.checkpoint", "forbidden_name")]);
}

/// A stop ends at a safe point with everything finished in place; the next run completes it.
#[test]
fn a_stop_is_clean_and_a_second_run_is_blocked_meanwhile() {
    let place = Place::new(&[]);
    for n in 0..600 {
        fs::write(place.from.join(format!("{n:03}.checkpoint")), GOOD).expect("a file");
    }
    let handle: Arc<OnceLock<Control>> = Arc::default();
    let own = Arc::clone(&handle);
    let control = Control::new(move |notice| {
        if matches!(notice, Notice::Progress(progress) if progress.phase == "converting" && !progress.running.is_empty())
            && let Some(control) = own.get()
        {
            control.stop();
        }
    });
    handle.set(control.clone()).expect("set once");
    let prepared = plan(&place.request(), Survey::Names, &control).expect("a plan");
    let halt = apply(&prepared, &control).expect_err("stopped");
    assert_eq!(halt.kind, ErrorKind::Interrupted);
    let before = place.results().len();
    assert!(before < 600);
    let applied = place.apply();
    assert_eq!(applied.totals.converted + applied.totals.unchanged, 600);
    assert_eq!(place.results().len(), 600);
    // The lock of a run that goes on.
    let lock = fs::File::open(place.to.join(".checkpoints.lock")).expect("a lock");
    lock.lock().expect("locked");
    let prepared = plan(&place.request(), Survey::Names, &Control::silent()).expect("a plan");
    assert_eq!(
        apply(&prepared, &Control::silent()).expect_err("locked").kind,
        ErrorKind::Blocked
    );
}

/// Killed at any moment: the next run ends as if nothing had happened.
#[test]
fn a_killed_run_is_completed_by_the_next() {
    let place = Place::new(&[]);
    for n in 0..400 {
        let mut content = GOOD[..GOOD.len() - 1].to_vec();
        content.extend_from_slice(format!("Vn\nI{n}\ns.").as_bytes());
        fs::write(place.from.join(format!("{n:03}.checkpoint")), content).expect("a file");
    }
    let undisturbed = place.to.with_extension("undisturbed");
    let mut request = place.request();
    request.to.clone_from(&undisturbed);
    request.started = "2026-11-22T12:00:00Z".parse().expect("a time");
    Place::convert(&request);
    let exe = std::env::current_exe().expect("this test");
    let start = |to: &Path, point: &str| {
        std::process::Command::new(&exe)
            .args(["--ignored", "--exact", "driver::drive"])
            .env("BENCH_FROM", &place.from)
            .env("BENCH_TO", to)
            .env("MAOS_MIGRATE_FAIL_POINT", point)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("started")
    };
    // Where a run can end: with a wave written and not synced, synced and not named, half named, settled, before the ledger; and
    // killed from outside once so many results are in place.
    let points = [
        ("checkpoints.wave_written:1", Some(0)),
        ("checkpoints.wave_synced:1", Some(0)),
        ("checkpoints.one_named:1", Some(1)),
        ("checkpoints.one_named:100", Some(101)),
        ("checkpoints.wave_settled:1", None),
        ("none", None),
        ("checkpoints.before_ledger:1", Some(400)),
    ];
    for (point, in_place) in points {
        let mut child = start(&place.to, point);
        let results = || fs::read_dir(place.to.join("migrated")).map_or(0, Iterator::count);
        if point == "none" {
            while results() < 380 && child.try_wait().is_ok_and(|ended| ended.is_none()) {
                std::thread::yield_now();
            }
            child.kill().expect("killed");
        }
        let ended = child.wait().expect("ended");
        // The one that is killed from outside may have been faster.
        assert!(
            point == "none" || !ended.success(),
            "{point}: the run must not end by itself"
        );
        if let Some(in_place) = in_place {
            assert_eq!(results(), in_place, "{point}");
        }
        if let Ok(entries) = fs::read_dir(place.to.join("migrated")) {
            for entry in entries {
                let path = entry.expect("an entry").path();
                let text = fs::read(&path).expect("a result");
                assert!(
                    serde_json::from_slice::<Value>(&text).is_ok(),
                    "{} is cut",
                    path.display()
                );
            }
        }
    }
    request.to.clone_from(&place.to);
    let applied = Place::convert(&request);
    assert!(applied.outcome.proved());
    let read = |folder: &Path| -> BTreeMap<_, _> {
        fs::read_dir(folder.join("migrated"))
            .expect("results")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| {
                (
                    path.file_name().map(ToOwned::to_owned),
                    fs::read(&path).expect("a result"),
                )
            })
            .collect()
    };
    assert_eq!(read(&place.to), read(&undisturbed));
    assert_eq!(
        fs::read_dir(place.to.join(".partial")).expect("a folder").count(),
        0
    );
}

/// A folder without files is a fact, not an error.
#[test]
fn an_empty_folder_is_fine() {
    let place = Place::new(&[]);
    let applied = place.apply();
    assert_eq!(applied.totals.total, 0);
    assert!(applied.outcome.proved());
    assert_eq!(
        applied.outcome.summary,
        "No checkpoint files in the source folder."
    );
    assert_eq!(applied.view.refused.len(), 0);
    assert!(!View::good(Status::Refused));
}
