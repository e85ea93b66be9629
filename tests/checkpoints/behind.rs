//! Hostile names behind what is read first: after junk, in archives that lie, in damaged gzip, behind a flood of faults.

use std::io::Write as _;

use maos_migrate::engine::checkpoints::finding::{Code, Finding, Severity};
use maos_migrate::engine::checkpoints::inspect::{refuse_gzip, unwrap_gzip};
use maos_migrate::engine::checkpoints::{ClassMap, Limits};

use crate::support::{json_of, refusal, verdict};

const CALL: &[u8] = b"\x80\x02cos\nsystem\nU\x02idR.";
/// `{"safe": True}`
const HONEST: &[u8] = b"\x80\x02}U\x04safe\x88s.";

fn told(data: &[u8]) -> (Severity, Option<String>, Option<u64>) {
    let finding = refusal(data);
    (finding.severity, finding.name.clone(), finding.offset())
}

fn critical(at: usize) -> (Severity, Option<String>, Option<u64>) {
    (Severity::Critical, Some("os.system".to_owned()), Some(at as u64))
}

#[test]
fn a_call_behind_junk_behind_an_honest_pickle_is_told_with_its_byte() {
    let long = [0_u8; 6_000];
    for junk in [
        &b""[..],
        b"\0",
        b"\xff",
        b"\n",
        b"junk!",
        b"\x80",
        b"\x95",
        b"PK\x03\x04",
        b"c\n",
        &long,
    ] {
        let file = [HONEST, junk, CALL].concat();
        assert_eq!(told(&file), critical(HONEST.len() + junk.len() + 2), "{junk:?}");
        // The text protocols have no mark to look for: a name of a critical module is enough.
        let file = [HONEST, junk, b"\0cos\nsystem\n(S'id'\ntR."].concat();
        assert_eq!(told(&file), critical(HONEST.len() + junk.len() + 1), "{junk:?}");
    }
}

#[test]
fn a_call_behind_the_numbers_of_an_old_model_file_is_told() {
    let numbers: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes())
        .collect();
    let file = [HONEST, b"\x80\x02]U\x010a.", &numbers, CALL].concat();
    assert_eq!(told(&file), critical(file.len() - CALL.len() + 2));
}

/// Names in junk that nothing vouches for are not listed for the operator to declare.
#[test]
fn junk_behind_a_pickle_declares_no_classes() {
    let file = [HONEST, b"\0\x80\x02cacme.jobs\nTask\n)\x81\xff"].concat();
    let read = verdict(&file);
    assert_eq!(
        read.worst().map(|finding| finding.code),
        Some(Code::TrailingBytes)
    );
    assert!(
        read.unknown.is_empty() && read.names.is_empty(),
        "{:?}",
        read.names
    );
}

/// However many faults follow, the file stays refused, and none of them hides a name.
#[test]
fn a_flood_of_faults_behind_a_pickle_leaves_it_refused() {
    let flood = b"\x80\x02".repeat(300_000);
    let file = [HONEST, b"\0", &flood].concat();
    assert_eq!(refusal(&file).code, Code::TrailingBytes);
    let file = [HONEST, &flood, CALL].concat();
    assert_eq!(told(&file), critical(file.len() - CALL.len() + 2));
    let file = [&flood[..], b"P1\n0".repeat(10_000).as_slice(), &CALL[2..]].concat();
    assert_eq!(refusal(&file).severity, Severity::Critical);
}

/// Many places that may be pickles cost no more than a few passes over the file.
#[test]
fn floods_of_beginnings_are_bounded() {
    for unit in [
        &b"\x80\x02c"[..],
        b"c",
        b"cos\n",
        b"\0cos\nsystem\n",
        b"\x80\x04\x8c\xff",
        b"\x80\x02(",
    ] {
        let file = [HONEST, b"\0", &unit.repeat(1_000_000 / unit.len())].concat();
        let begun = std::time::Instant::now();
        assert!(verdict(&file).root.is_none());
        assert!(begun.elapsed().as_secs() < 30, "{unit:?}: {:?}", begun.elapsed());
    }
}

fn zip(method: u8, size: u32, content: &[u8]) -> Vec<u8> {
    let mut out = b"PK\x03\x04\x14\0\0\0".to_vec();
    out.extend_from_slice(&[method, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(b"\x08\0\0\0data.pkl");
    out.extend_from_slice(content);
    out
}

fn deflated() -> Vec<u8> {
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(CALL).expect("in memory");
    packed.finish().expect("in memory")
}

#[test]
fn an_archive_that_lies_about_an_entry_hides_nothing() {
    let packed = deflated();
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("small");
    let end = b"PK\x01\x02and so on";
    for (what, entry) in [
        ("a size that is too small", zip(0, 3, CALL)),
        ("a size that is too large", zip(0, u32::MAX, CALL)),
        ("stored, and says deflated", zip(8, len(CALL), CALL)),
        ("deflated, and says stored", zip(0, len(&packed), &packed)),
        ("deflated, with a size too small", zip(8, 3, &packed)),
        ("a way to pack that does not exist", zip(99, len(CALL), CALL)),
    ] {
        let (severity, name, _) = told(&[&entry[..], end].concat());
        assert_eq!(
            (severity, name.as_deref()),
            (Severity::Critical, Some("os.system")),
            "{what}"
        );
    }
}

#[test]
fn a_call_behind_thousands_of_small_entries_is_found() {
    let mut archive = zip(0, 1, b"x").repeat(3_000);
    archive.extend_from_slice(&zip(
        8,
        u32::try_from(deflated().len()).expect("small"),
        &deflated(),
    ));
    assert_eq!(refusal(&archive).name.as_deref(), Some("os.system"));
}

#[test]
fn damaged_gzip_tells_the_names_in_what_can_be_inflated() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(CALL).expect("in memory");
    let mut packed = packed.finish().expect("in memory");
    packed.extend_from_slice(b"trailing");
    let refused = |data: &[u8]| -> Finding {
        let (limits, classes) = (Limits::default(), ClassMap::default());
        let finding = unwrap_gzip(data, &limits).expect_err("damaged");
        let inspected = refuse_gzip(data, finding, &limits, &classes);
        inspected.worst().expect("refused").clone()
    };
    let finding = refused(&packed);
    assert_eq!(
        (finding.severity, finding.name.as_deref()),
        (Severity::Critical, Some("os.system"))
    );
    assert_eq!(refused(b"\x1f\x8b\x08nothing").code, Code::BadGzip);
}

/// Classes that save themselves as plain data call a built-in type with nothing, or with a container of its kind.
#[test]
fn plain_types_made_of_plain_data_are_read() {
    for (bytes, json) in [
        (&b"cbuiltins\nint\n)R."[..], "0"),
        (b"cbuiltins\nfloat\n)R.", "0.0"),
        (b"cbuiltins\nbool\n)R.", "false"),
        (b"c__builtin__\nunicode\n)R.", "\"\""),
        (b"cbuiltins\ndict\n)R(S'a'\nI1\nu.", "{\n  \"a\": 1\n}"),
        (b"cbuiltins\ndict\n(}S'a'\nI1\nstR.", "{\n  \"a\": 1\n}"),
        (b"cbuiltins\nlist\n((I1\nttR.", "[\n  1\n]"),
        (b"cbuiltins\nlist\n)R(I1\ne.", "[\n  1\n]"),
    ] {
        assert_eq!(json_of(bytes), json, "{}", String::from_utf8_lossy(bytes));
    }
    for bytes in [
        &b"cbuiltins\nint\n(S'1'\ntR."[..],
        b"cbuiltins\nlist\n(S'ab'\ntR.",
        b"cbuiltins\ndict\n(]tR.",
        b"cbuiltins\nint\n)\x81.",
    ] {
        assert_eq!(refusal(bytes).code, Code::BadArguments);
    }
}
