//! Names and containers that pretend to be something else.

use maos_migrate::engine::checkpoints::finding::{Code, Severity};

use crate::support::{refusal, verdict};

/// `STACK_GLOBAL` of two short texts.
fn named(module: &str, name: &str) -> Vec<u8> {
    let mut out = b"\x80\x04".to_vec();
    for part in [module, name] {
        out.push(0x8c);
        out.push(u8::try_from(part.len()).expect("short"));
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b"\x93.");
    out
}

/// An operator asked to declare the class `оs.system` must be told that it only looks like `os`.
#[test]
fn a_name_that_only_looks_like_a_known_one_is_critical() {
    for (module, name) in [
        ("\u{43e}s", "system"),
        ("\u{ff4f}\u{ff53}", "system"),
        ("\u{3bf}s", "system"),
        ("\u{1d428}\u{1d42c}", "system"),
        ("p\u{43e}six", "system"),
        ("subpr\u{43e}\u{441}ess", "Popen"),
        ("built\u{456}ns", "eval"),
        ("collection\u{455}", "OrderedDict"),
        ("\u{17f}ys", "modules"),
    ] {
        let finding = refusal(&named(module, name));
        assert_eq!(
            (finding.severity, finding.code),
            (Severity::Critical, Code::ForbiddenName),
            "{module}.{name}: {finding:?}"
        );
    }
}

/// Names in other alphabets are names: an application may have them.
#[test]
fn a_name_in_another_alphabet_that_looks_like_none_is_an_unknown_class() {
    for (module, name) in [
        ("pr\u{fc}fung.auftr\u{e4}ge", "Auftrag"),
        ("задачи", "Задача"),
        ("app.任务", "任务"),
    ] {
        let finding = refusal(&named(module, name));
        assert_eq!(
            finding.severity,
            Severity::Unknown,
            "{module}.{name}: {finding:?}"
        );
    }
}

/// One file that is a pickle for one reader and an archive for another: both are looked into.
#[test]
fn an_archive_behind_a_value_is_looked_into() {
    let hostile = b"\x80\x02cos\nsystem\nU\x07echo hi\x85R.";
    let mut bytes = b"\x80\x04}.".to_vec();
    bytes.extend_from_slice(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let len = u32::try_from(hostile.len()).expect("small");
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(b"\x08\0\0\0data.pkl");
    let at = bytes.len();
    bytes.extend_from_slice(hostile);
    let finding = refusal(&bytes);
    assert_eq!(finding.severity, Severity::Critical, "{finding:?}");
    assert_eq!(finding.name.as_deref(), Some("os.system"));
    assert_eq!(
        finding.at.map(|at| at.offset as usize),
        Some(at + 2),
        "the place in the file"
    );
}

/// Containers that cannot be opened here are refused by their name, not as broken pickles.
#[test]
fn containers_that_are_not_opened_are_called_by_their_name() {
    for (bytes, what) in [
        (&b"Rar!\x1a\x07\x01\0data"[..], "a RAR archive"),
        (b"\x04\x22\x4d\x18data", "LZ4 data"),
        (b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", "LZMA data"),
        (b"\xfd7zXZ\0data", "xz data"),
        (b"BZh91AY&SY", "bzip2 data"),
    ] {
        let read = verdict(bytes);
        let finding = read.worst().expect("refused");
        assert_eq!(finding.code, Code::ForeignFile, "{what}");
        assert!(finding.what.ends_with(what), "{}", finding.what);
    }
}
