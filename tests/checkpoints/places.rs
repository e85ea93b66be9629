//! Files, folders and names that are not as they should be, by fault number; and what a message may say.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::checkpoints::finding::{Code, Finding, Severity};
use maos_migrate::engine::checkpoints::job::Folder;
use maos_migrate::engine::checkpoints::{ClassMap, Limits, Survey, apply, plan};
use maos_migrate::engine::operation::{Approval, Control};

use crate::support::{GOOD, HOSTILE, Place, reason};

/// Fault 22: a change while reading is noticed; one is forgiven, two are not.
#[test]
fn fault_a22_a_file_that_changes_while_being_read_is_refused_after_one_retry() {
    let place = Place::new(&[("live.checkpoint", GOOD)]);
    let path = place.from.join("live.checkpoint");
    let folder = Folder::open(&place.from).expect("a folder");
    let listed = || {
        folder
            .list(false, &[])
            .expect("a listing")
            .entries
            .swap_remove(0)
            .print
    };
    let read = |change: &dyn Fn(u32)| {
        let name = "live.checkpoint".as_ref();
        // With and without the state in which it was listed; the file is made anew in between where it was removed.
        let known = folder.read(name, listed(), &Limits::default(), change);
        fs::write(&path, GOOD).expect("a file");
        let unknown = folder.read(name, None, &Limits::default(), change);
        let code = |read: &Result<_, Finding>| read.as_ref().map(|_| ()).map_err(|finding| finding.code);
        assert_eq!(code(&known), code(&unknown));
        unknown
    };
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

/// Faults 22 and 23: a FIFO in the place of a listed file is neither waited for nor read.
#[test]
fn fault_a22_a_special_file_in_the_place_of_a_listed_one_is_refused() {
    let place = Place::new(&[("live.checkpoint", GOOD)]);
    let folder = Folder::open(&place.from).expect("a folder");
    let listed = folder
        .list(false, &[])
        .expect("a listing")
        .entries
        .swap_remove(0)
        .print;
    let path = place.from.join("live.checkpoint");
    fs::remove_file(&path).expect("removed");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).expect("a FIFO");
    let read = folder.read("live.checkpoint".as_ref(), listed, &Limits::default(), &|_| {});
    assert_eq!(read.expect_err("no file").code, Code::SpecialFile);
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
    assert_eq!(Place::convert(&request).totals.converted, 1);
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
    let applied = Place::convert(&request);
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
    let lines = fs::read_to_string(place.to.join("checkpoint_migration.log")).expect("a log");
    assert!(
        lines.contains("new\\nline.checkpoint") && !lines.contains('\x1b'),
        "{lines}"
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
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o000)).expect("rights");
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
    let giant = applied
        .view
        .refused
        .iter()
        .find(|report| report.file == "giant.checkpoint")
        .expect("refused");
    assert_eq!(
        giant.refusal.as_ref().expect("a reason").reason,
        "has 21,474,836,480 bytes; a file is read as a whole, and 4,294,967,295 are the most for one"
    );
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
    let again = Place::convert(&later);
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
    let refused = Place::convert(&later);
    assert_eq!(reason(&refused.view, "a.checkpoint").1, Code::TargetExists);
    assert_eq!(fs::read(&path).expect("a result"), changed, "not touched");
    fs::write(&path, &changed[..changed.len() / 2]).expect("cut");
    assert_eq!(
        reason(&Place::convert(&later).view, "a.checkpoint").1,
        Code::TargetExists
    );

    for name in ["a.checkpoint", "a_maos.checkpoint"] {
        fs::write(&path, &changed).expect("changed");
        later.replace = [name.to_owned()].into();
        let prepared = plan(&later, Survey::Full, &Control::silent()).expect("a plan");
        assert!(prepared.plan.needs_approval && !prepared.plan.reversible());
        assert_eq!(Place::convert(&later).totals.converted, 1, "{name}");
    }
    assert_eq!(
        place.result("a_maos.checkpoint")["metadata"]["unmapped"]["owner"],
        "ops"
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
        writeln!(bomb, "  a.B{n}: &a{n} [{refs}]").expect("text");
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
    let control =
        Control::new(move |notice| writeln!(sink.lock().expect("text"), "{notice:?}").expect("text"));
    let prepared = plan(&place.request(), Survey::Full, &control).expect("a plan");
    let applied = apply(&prepared, &control).expect("applied");
    assert_eq!(
        applied.totals.refused,
        cases.len() as u64,
        "{:?}",
        place.results().keys()
    );
    let mut all = told.lock().expect("text").clone();
    write!(
        all,
        "{:?} {:?} {:?}",
        applied.view, applied.outcome, prepared.plan
    )
    .expect("text");
    for name in ["checkpoint_migration.log", "checkpoint_ledger.jsonl"] {
        all.push_str(&fs::read_to_string(place.to.join(name)).expect("a sidecar"));
    }
    assert!(!all.contains(CANARY), "a value leaked");
}
