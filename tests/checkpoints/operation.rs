//! The operation over a folder: what it writes, what it leaves alone, and how it goes on after a kill.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::checkpoints::finding::{Code, Severity};
use maos_migrate::engine::checkpoints::job::{Applied, Folder, Status};
use maos_migrate::engine::checkpoints::{ClassMap, Limits, Request, Survey, View, apply, plan, scan, verify};
use maos_migrate::engine::operation::{Approval, Control, Notice};
use serde_json::{Value, json};

/// `{"tasks": [{"id": 1}], "agents": {"a": 1}, "shared_data": {"k": "v"}, "version": "1.4", "timestamp": "2024-05-06T07:08:09", "owner": "ops"}`
const GOOD: &[u8] = b"(dVtasks\n(l(dVid\nI1\nsasVagents\n(dVa\nI1\nssVshared_data\n(dVk\nVv\nssVversion\nV1.4\nsVtimestamp\nV2024-05-06T07:08:09\nsVowner\nVops\ns.";
const HOSTILE: &[u8] = b"\x80\x04cos\nsystem\n(S'echo hi'\ntR0}.";

struct Place {
    _folder: tempfile::TempDir,
    from: PathBuf,
    to: PathBuf,
}

impl Place {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("legacy");
        let to = folder.path().join("maos");
        fs::create_dir(&from).expect("a folder");
        for (name, content) in files {
            fs::write(from.join(name), content).expect("a file");
        }
        Self {
            _folder: folder,
            from,
            to,
        }
    }

    fn request(&self) -> Request {
        Request::new(
            &self.from,
            &self.to,
            "2026-11-22T12:00:00.75Z".parse().expect("a time"),
        )
    }

    fn apply(&self) -> Applied {
        self.apply_as(&self.request())
    }

    fn apply_as(&self, request: &Request) -> Applied {
        let control = Control::silent();
        let prepared = plan(request, Survey::Names, &control).expect("a plan");
        apply(&prepared, &control).expect("applied")
    }

    fn scan(&self) -> View {
        scan(&self.request(), &Control::silent(), |_| {}).expect("scanned")
    }

    fn result(&self, name: &str) -> Value {
        let text = fs::read(self.to.join("migrated").join(name)).expect("a result");
        serde_json::from_slice(&text).expect("JSON")
    }

    fn results(&self) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(self.to.join("migrated"))
            .expect("results")
            .map(|entry| entry.expect("an entry"))
            .map(|entry| {
                (
                    entry.file_name().to_string_lossy().into_owned(),
                    fs::read(entry.path()).expect("a result"),
                )
            })
            .collect()
    }
}

fn reason(view: &View, file: &str) -> (Severity, Code) {
    let report = view
        .refused
        .iter()
        .find(|report| report.file == file)
        .unwrap_or_else(|| panic!("{file} is not refused: {:?}", view.refused));
    let refusal = report.refusal.as_ref().expect("a reason");
    (refusal.severity, refusal.code)
}

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
    let applied = place.apply_as(&request);
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

/// Fault 22: a change while reading is noticed; one is forgiven, two are not.
#[test]
fn fault_a22_a_file_that_changes_while_being_read_is_refused_after_one_retry() {
    let place = Place::new(&[("live.checkpoint", GOOD)]);
    let path = place.from.join("live.checkpoint");
    let folder = Folder::open(&place.from).expect("a folder");
    let read = |change: &dyn Fn(u32)| folder.read("live.checkpoint".as_ref(), &Limits::default(), change);
    let grow = |_: u32| {
        let mut content = fs::read(&path).expect("a file");
        content.push(b'.');
        fs::write(&path, content).expect("a file");
    };
    assert_eq!(
        read(&grow).expect_err("changes each time").code,
        Code::ChangedFile
    );
    let once = |attempt: u32| {
        if attempt == 1 {
            grow(attempt);
        }
    };
    let loaded = read(&once).expect("stable at the second attempt");
    assert_eq!(loaded.data, fs::read(&path).expect("a file"));
    // Exchanged for another file of the same size.
    let exchange = |_: u32| {
        let other = place.from.join(".other");
        fs::write(&other, fs::read(&path).expect("a file")).expect("a file");
        fs::rename(&other, &path).expect("renamed");
    };
    assert_eq!(read(&exchange).expect_err("another file").code, Code::ChangedFile);
    let remove = |_: u32| fs::remove_file(&path).expect("removed");
    assert_eq!(read(&remove).expect_err("gone").code, Code::ChangedFile);
}

/// Fault 22: what was planned is what is converted.
#[test]
fn fault_a22_a_file_modified_after_the_plan_is_refused() {
    let place = Place::new(&[("a.checkpoint", GOOD), ("b.checkpoint", GOOD)]);
    let control = Control::silent();
    let prepared = plan(&place.request(), Survey::Full, &control).expect("a plan");
    fs::write(place.from.join("b.checkpoint"), b"}.").expect("a file");
    let applied = apply(&prepared, &control).expect("applied");
    assert_eq!(
        reason(&applied.view, "b.checkpoint"),
        (Severity::Changed, Code::ChangedFile)
    );
    assert_eq!(applied.totals.converted, 1);
    let again = plan(&place.request(), Survey::Full, &control).expect("a plan");
    let approval = Approval {
        digest: prepared.plan.digest.clone(),
        operator: "alice".to_owned(),
        at: "2026-11-22T12:00:00Z".parse().expect("a time"),
    };
    assert_eq!(
        approval.check(&again.plan).expect_err("another plan").kind,
        ErrorKind::Blocked
    );
}

/// Fault 23: nothing but plain files with one name is read.
#[test]
fn fault_a23_links_and_special_files_are_refused() {
    let place = Place::new(&[("good.checkpoint", GOOD), ("twice.checkpoint", GOOD)]);
    let outside = place.to.with_extension("outside");
    fs::write(&outside, GOOD).expect("a file");
    symlink(&outside, place.from.join("link.checkpoint")).expect("a link");
    symlink("loop.checkpoint", place.from.join("loop.checkpoint")).expect("a link");
    symlink("/dev/zero", place.from.join("zero.checkpoint")).expect("a link");
    fs::hard_link(
        place.from.join("twice.checkpoint"),
        outside.with_extension("hard"),
    )
    .expect("a hard link");
    rustix::fs::mkfifoat(rustix::fs::CWD, place.from.join("fifo.checkpoint"), 0o600.into()).expect("a FIFO");
    let _socket = std::os::unix::net::UnixListener::bind(place.from.join("s.checkpoint")).expect("a socket");
    let applied = place.apply();
    assert_eq!((applied.totals.total, applied.totals.converted), (7, 1));
    for name in ["link", "loop", "zero"] {
        assert_eq!(
            reason(&applied.view, &format!("{name}.checkpoint")).1,
            Code::SymbolicLink
        );
    }
    assert_eq!(reason(&applied.view, "fifo.checkpoint").1, Code::SpecialFile);
    assert_eq!(reason(&applied.view, "s.checkpoint").1, Code::SpecialFile);
    assert_eq!(reason(&applied.view, "twice.checkpoint").1, Code::HardLink);
    let mut request = place.request();
    request.hard_links = true;
    assert_eq!(place.apply_as(&request).totals.converted, 1);
}

/// Fault 23, the other side: a result is never written through a link.
#[test]
fn fault_a23_links_in_the_target_are_not_followed() {
    let place = Place::new(&[("a.checkpoint", GOOD), ("b.checkpoint", GOOD)]);
    let victim = place.from.with_extension("victim");
    fs::write(&victim, b"precious").expect("a file");
    fs::create_dir_all(place.to.join("migrated")).expect("a folder");
    symlink(&victim, place.to.join("migrated/a_maos.checkpoint")).expect("a link");
    let mut request = place.request();
    request.replace.insert("a.checkpoint".to_owned());
    let applied = place.apply_as(&request);
    assert_eq!(reason(&applied.view, "a.checkpoint").1, Code::TargetSpecial);
    assert_eq!(fs::read(&victim).expect("a file"), b"precious");
    fs::remove_dir_all(place.to.join("migrated")).expect("removed");
    symlink(&place.from, place.to.join("migrated")).expect("a link");
    let control = Control::silent();
    let prepared = plan(&place.request(), Survey::Names, &control).expect("a plan");
    assert_eq!(
        apply(&prepared, &control).expect_err("a link").kind,
        ErrorKind::Input
    );
}

/// Fault 24: names of any bytes work, and none reaches a screen or log raw.
#[test]
fn fault_a24_strange_names_are_shown_inert() {
    let long = format!("{}.checkpoint", "n".repeat(244));
    let place = Place::new(&[
        ("new\nline.checkpoint", GOOD),
        ("esc\x1b[2J.checkpoint", HOSTILE),
        ("..x.checkpoint", GOOD),
        ("x..checkpoint", GOOD),
        (&long, GOOD),
        ("Twin.checkpoint", GOOD),
        ("twin.checkpoint", GOOD),
        ("same.pkl", GOOD),
        ("same.checkpoint", GOOD),
    ]);
    fs::write(
        place
            .from
            .join(std::ffi::OsStr::from_bytes(b"raw\xff.checkpoint")),
        GOOD,
    )
    .expect("a file");
    let applied = place.apply();
    assert_eq!(reason(&applied.view, &long).1, Code::BadName);
    assert_eq!(reason(&applied.view, "same.pkl").1, Code::NameCollision);
    assert_eq!(
        reason(&applied.view, "esc\\x1b[2J.checkpoint").0,
        Severity::Critical
    );
    assert_eq!(applied.view.twins, ["Twin.checkpoint and twin.checkpoint"]);
    assert_eq!(applied.view.hidden, 1, "a name with a dot first is left alone");
    assert_eq!(applied.totals.converted, 6, "{:?}", applied.view.refused);
    let log = fs::read_to_string(place.to.join("checkpoint_migration.log")).expect("a log");
    assert!(
        log.contains("new\\nline.checkpoint") && !log.contains('\x1b'),
        "{log}"
    );
    assert!(place.results().contains_key("new\nline_maos.checkpoint"));
}

/// Fault 25: a place that cannot be read or written is told before anything is begun.
#[test]
fn fault_a25_unusable_places_are_found_first() {
    let place = Place::new(&[("a.checkpoint", GOOD)]);
    let control = Control::silent();
    let mut request = place.request();
    request.from = place.from.join("missing");
    assert_eq!(
        plan(&request, Survey::Full, &control).expect_err("missing").kind,
        ErrorKind::Input
    );
    request.from = place.from.join("a.checkpoint");
    assert_eq!(
        plan(&request, Survey::Full, &control).expect_err("a file").kind,
        ErrorKind::Input
    );
    for bad in ["/proc/no/such", "/dev/null/x"] {
        let mut request = place.request();
        request.to = bad.into();
        let prepared = plan(&request, Survey::Names, &control).expect("a plan");
        let kind = apply(&prepared, &control).expect_err("not writable").kind;
        assert!(matches!(kind, ErrorKind::Input | ErrorKind::Unavailable), "{bad}");
    }
    // The superuser reads everything; for others the right is missing.
    let secret = place.from.join("b.checkpoint");
    fs::write(&secret, GOOD).expect("a file");
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0)).expect("rights");
    let totals = place.apply().totals;
    let superuser = rustix::process::geteuid().is_root();
    assert_eq!(
        (totals.converted, totals.failed),
        if superuser { (2, 0) } else { (1, 1) }
    );
}

/// Fault 26: many small files need few handles, and a giant is refused by its size, unread.
#[test]
fn fault_a26_many_files_and_a_giant() {
    let place = Place::new(&[]);
    for n in 0..1_500 {
        fs::write(place.from.join(format!("{n:04}.checkpoint")), GOOD).expect("a file");
    }
    let giant = fs::File::create(place.from.join("giant.checkpoint")).expect("a file");
    giant.set_len(20 << 30).expect("a sparse file");
    let applied = place.apply();
    assert_eq!((applied.totals.converted, applied.totals.refused), (1_500, 1));
    assert_eq!(reason(&applied.view, "giant.checkpoint").1, Code::SizeLimit);
    assert_eq!(place.results().len(), 1_500);
}

/// Fault 27: what is in place and equal stays as it is; what differs is not touched unless it is named.
#[test]
fn fault_a27_existing_results_are_kept_or_refused_or_replaced_by_name() {
    let place = Place::new(&[("a.checkpoint", GOOD), ("b.checkpoint", GOOD)]);
    place.apply();
    let path = place.to.join("migrated/a_maos.checkpoint");
    let stamp = fs::metadata(&path).expect("a result").modified().expect("a time");
    let mut later = place.request();
    later.started = "2027-01-01T00:00:00Z".parse().expect("a time");
    let again = place.apply_as(&later);
    assert_eq!((again.totals.converted, again.totals.unchanged), (0, 2));
    assert!(again.outcome.proved());
    assert_eq!(
        fs::metadata(&path).expect("a result").modified().expect("a time"),
        stamp
    );

    let mut changed = fs::read(&path).expect("a result");
    let at = changed
        .windows(3)
        .position(|window| window == b"ops")
        .expect("a value");
    changed[at] = b'O';
    fs::write(&path, &changed).expect("changed");
    let refused = place.apply_as(&later);
    assert_eq!(reason(&refused.view, "a.checkpoint").1, Code::TargetExists);
    assert_eq!(fs::read(&path).expect("a result"), changed, "not touched");
    fs::write(&path, &changed[..changed.len() / 2]).expect("cut");
    assert_eq!(
        reason(&place.apply_as(&later).view, "a.checkpoint").1,
        Code::TargetExists
    );

    later.replace.insert("a.checkpoint".to_owned());
    let prepared = plan(&later, Survey::Full, &Control::silent()).expect("a plan");
    assert!(prepared.plan.needs_approval && !prepared.plan.reversible());
    assert_eq!(place.apply_as(&later).totals.converted, 1);
    assert_eq!(
        place.result("a_maos.checkpoint")["metadata"]["unmapped"]["owner"],
        "ops"
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
        lines.push(serde_json::to_value(report.scan_line()).expect("JSON"))
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
    let control = Control::silent();
    let stopper = control.clone();
    let control = Control::new(move |notice| {
        if matches!(notice, Notice::Progress(progress) if progress.done > 100) {
            stopper.stop();
        }
    });
    let inner = control.clone();
    let prepared = plan(&place.request(), Survey::Names, &control).expect("a plan");
    inner.stop();
    let stopped = apply(&prepared, &control).expect_err("stopped");
    assert_eq!(stopped.kind, ErrorKind::Interrupted);
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
    place.apply_as(&request);
    let exe = std::env::current_exe().expect("this test");
    for round in 0..6_u64 {
        let mut child = std::process::Command::new(&exe)
            .args(["--ignored", "--exact", "driver::drive"])
            .env("BENCH_FROM", &place.from)
            .env("BENCH_TO", &place.to)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("started");
        std::thread::sleep(std::time::Duration::from_millis(15 + round * 17));
        child.kill().expect("killed");
        child.wait().expect("ended");
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
    let applied = place.apply_as(&request);
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

/// Faults 77 and 79: a class map with a slip is refused with its line, and nothing is guessed.
#[test]
fn fault_e77_e79_a_wrong_class_map_is_refused_with_its_line() {
    for (text, word) in [
        ("classes:\n  acme.Task: {kind: objct}\n", "line 2"),
        ("classes:\n  acme.Task: {kind: object, feilds: [a]}\n", "line 2"),
        (
            "classes:\n  acme.Task: {kind: object}\n  acme.Task: {kind: enum}\n",
            "line 3",
        ),
        ("clases:\n  acme.Task: {kind: object}\n", "line 1"),
        ("classes:\n\tacme.Task: {kind: object}\n", "line"),
        ("classes:\n  os.system: {kind: object}\n", "os.system"),
        ("classes:\n  acme.P: {kind: named_tuple}\n", "acme.P"),
    ] {
        let error = ClassMap::from_yaml("classes.yml", text).expect_err(text);
        assert_eq!(error.kind, ErrorKind::Input);
        assert!(
            error.message.contains("classes.yml") && error.message.contains(word),
            "{}",
            error.message
        );
    }
    let mut bomb = String::from("classes:\n  a.B: &a0 {kind: object, fields: [x, x, x, x, x, x, x, x, x]}\n");
    for n in 1..20 {
        let refs = vec![format!("*a{}", n - 1); 9].join(", ");
        bomb.push_str(&format!("  a.B{n}: &a{n} [{refs}]\n"));
    }
    assert!(ClassMap::from_yaml("classes.yml", &bomb).is_err());
}

/// Fault 78: values of a file never appear in a refusal, the log, the ledger or a notice.
#[test]
fn fault_e78_values_never_leak_into_messages() {
    const CANARY: &str = "hunter2-canary";
    let text = |value: &str| {
        let mut out = vec![0x8c, u8::try_from(value.len()).expect("short")];
        out.extend_from_slice(value.as_bytes());
        out
    };
    let secret = text(CANARY);
    let cases: Vec<Vec<u8>> = vec![
        [b"\x80\x04}(\x8c\x08password".as_slice(), &secret, b"u"].concat(),
        [b"\x80\x04cos\nsystem\n".as_slice(), &secret, b"\x85R."].concat(),
        [
            b"\x80\x04c_codecs\nencode\n".as_slice(),
            &secret,
            b"\x8c\x04bz2 \x86R.",
        ]
        .concat(),
        [b"\x80\x04cdatetime\ndate\n".as_slice(), &secret, b"\x85R."].concat(),
        [b"\x80\x04cdecimal\nDecimal\n".as_slice(), &secret, b"\x85R."].concat(),
        [
            b"\x80\x04cacme\nTask\n)\x81}\x8c\x01k".as_slice(),
            &secret,
            b"sb.",
        ]
        .concat(),
        [b"\x80\x04".as_slice(), &secret, b"Q."].concat(),
        [b"\x80\x04".as_slice(), &secret, b"."].concat().repeat(2),
        format!("I{CANARY}\n.").into_bytes(),
        format!("S{CANARY}\n.").into_bytes(),
        format!("P{CANARY}\n.").into_bytes(),
        format!("{{\"a\": {CANARY}}}").into_bytes(),
    ];
    let names: Vec<String> = (0..cases.len()).map(|n| format!("{n}.checkpoint")).collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .map(String::as_str)
        .zip(cases.iter().map(Vec::as_slice))
        .collect();
    let place = Place::new(&files);
    let told: Arc<Mutex<String>> = Arc::default();
    let sink = Arc::clone(&told);
    let control = Control::new(move |notice| sink.lock().expect("text").push_str(&format!("{notice:?}\n")));
    let prepared = plan(&place.request(), Survey::Full, &control).expect("a plan");
    let applied = apply(&prepared, &control).expect("applied");
    assert_eq!(
        applied.totals.refused,
        cases.len() as u64,
        "{:?}",
        place.results().keys()
    );
    let mut all = told.lock().expect("text").clone();
    all.push_str(&format!(
        "{:?} {:?} {:?}",
        applied.view, applied.outcome, prepared.plan
    ));
    for name in ["checkpoint_migration.log", "checkpoint_ledger.jsonl"] {
        all.push_str(&fs::read_to_string(place.to.join(name)).expect("a sidecar"));
    }
    assert!(!all.contains(CANARY), "a value leaked");
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
