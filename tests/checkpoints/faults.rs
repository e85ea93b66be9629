//! Damaged, oversized and strange content: refused cleanly, in bounded time, or read right.

use std::io::Write as _;
use std::time::{Duration, Instant};

use maos_migrate::engine::checkpoints::finding::{Code, Severity};
use maos_migrate::engine::checkpoints::inspect::{inspect, unwrap_gzip};
use maos_migrate::engine::checkpoints::{ClassMap, Limits};

use crate::support::{json_of, refusal, verdict};

/// One of everything that has operations of its own, by CPython: protocols 0, 2 and 4.
const SAMPLES: &[&[u8]] = &[
    b"(dp0\nVtasks\np1\n(lp2\n(dp3\nVid\np4\nI1\nsVname\np5\nVfirst\np6\nsa(dp7\ng4\nI2\nsas.",
    b"\x80\x02}q\x00(X\x05\x00\x00\x00tasksq\x01]q\x02(K\x01M\xe8\x03J\x70\x11\x01\x00\x8a\x05\x00\x00\x00\x00\x01G?\xf8\x00\x00\x00\x00\x00\x00\x88\x89Ne\x86q\x03u.",
    b"\x80\x04\x95\x2a\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x05tasks\x94]\x94(K\x01\x8c\x03abc\x94e\x8c\x04time\x94G?\xf8\x00\x00\x00\x00\x00\x00u.",
];

/// Fault 1: whatever the place of the cut, the file is refused and a byte within it is named.
#[test]
fn fault_a01_every_prefix_is_refused_with_a_byte() {
    let whole = SAMPLES[0];
    assert!(verdict(whole).findings.is_empty());
    let generated: Vec<u8> = {
        // A longer one with text, numbers and shared values.
        let mut out = b"\x80\x04](".to_vec();
        for n in 0..60_u8 {
            out.extend_from_slice(&[
                b'}',
                0x94,
                b'(',
                0x8c,
                2,
                b'i',
                b'd',
                b'K',
                n,
                0x8c,
                1,
                b'n',
                0x8c,
                3,
                b'a',
                b'b',
                n % 26 + b'a',
                b'u',
            ]);
        }
        out.extend_from_slice(b"e.");
        out
    };
    assert!(
        verdict(&generated).findings.is_empty(),
        "{:?}",
        verdict(&generated).findings
    );
    for sample in SAMPLES.iter().copied().chain([&generated[..]]) {
        for cut in 0..sample.len() {
            let finding = refusal(&sample[..cut]);
            assert_eq!(finding.severity, Severity::Malformed, "cut at {cut}: {finding:?}");
            if cut > 2 {
                let offset = finding.offset().expect("a byte");
                assert!(offset <= cut as u64, "cut at {cut}: {finding:?}");
            }
        }
    }
}

/// Fault 2: nothing in it.
#[test]
fn fault_a02_files_without_a_value() {
    for bytes in [&b""[..], b".", b"\x80\x04", b"\x80\x04."] {
        assert_eq!(refusal(bytes).code, Code::NoValue, "{bytes:?}");
    }
}

/// Fault 3: other files are told by what they look like.
#[test]
fn fault_a03_foreign_files_are_named() {
    let cases: &[(&[u8], &str)] = &[
        (b"PK\x03\x04\x14\0\0\0\0\0", "zip"),
        (
            b"PK\x03\x04\x14\0\0\0\0\0xxxxxxxxxxxxxxxxarchive/data.pkl",
            "PyTorch",
        ),
        (b"SQLite format 3\0\x10\0", "SQLite"),
        (b"\x89HDF\r\n\x1a\n\0\0", "HDF5"),
        (b"\x93NUMPY\x01\0v\0{'descr'", "NumPy"),
        (b"\x7fELF\x02\x01\x01", "program"),
        (b"\xfd7zXZ\0\0", "xz"),
        (b"Dear operator,\nthis is a letter.\n", "text"),
        (b"id,name,status\n1,first,done\n", "text"),
        (b"created_at,name\n2024-01-01,x y\nfoo,bar\n", "text"),
        (b"\xf3\x91\x07\xee\x12\xaa\xbb", "no kind"),
    ];
    for (bytes, word) in cases {
        let finding = refusal(bytes);
        assert_eq!(finding.code, Code::ForeignFile, "{word}: {finding:?}");
        assert!(finding.what.contains(word), "{word}: {finding:?}");
    }
    let mut tar = vec![0_u8; 1024];
    tar[..5].copy_from_slice(b"a.txt");
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refusal(&tar).what.contains("tar"));
    assert_eq!(refusal(b"{\"tasks\": [1, 2").code, Code::Truncated);
    assert_eq!(refusal(b"\x1f\x8b\x08\0damaged").code, Code::BadGzip);
    assert_eq!(
        json_of(b"{\"tasks\": [1, 2]}"),
        "{\n  \"tasks\": [\n    1,\n    2\n  ]\n}"
    );
}

/// The bytes of a list of lists, each ten times the one before, `levels` deep: what pickling `o = [o] * 10` gives.
fn laughs(levels: u8) -> Vec<u8> {
    let mut out = b"\x80\x04".to_vec();
    for level in (0..levels).rev() {
        let _ = level;
        out.extend_from_slice(b"]\x94(");
    }
    out.extend_from_slice(b"\x8c\x03lol\x94");
    // The innermost value was stored last; each list repeats its first item nine times and ends.
    let mut memo = levels;
    for _ in 0..levels {
        for _ in 0..9 {
            out.extend_from_slice(&[b'h', memo]);
        }
        out.push(b'e');
        memo -= 1;
    }
    out.push(b'.');
    out
}

/// Fault 7: some hundred bytes that would write gigabytes cost nothing.
#[test]
fn fault_a07_a_bomb_of_shared_lists_is_refused_at_once() {
    assert_eq!(verdict(&laughs(2)).measured.depth, 2);
    for levels in [7, 9, 12, 20, 100] {
        let bytes = laughs(levels);
        // The best of a few: what the reading costs, not what else the machine does meanwhile.
        let times = (0..5).map(|_| {
            let clock = Instant::now();
            let read = verdict(&bytes);
            let took = clock.elapsed();
            let finding = read.worst().expect("refused");
            assert_eq!(finding.code, Code::OutputLimit, "{levels}: {finding:?}");
            assert!(read.arena.bytes() < 1 << 20);
            took
        });
        let took = times.min().expect("read");
        assert!(took < Duration::from_millis(50), "{levels}: {took:?}");
    }
}

/// Fault 8: depth is a limit, not a stack overflow.
#[test]
fn fault_a08_deep_nesting_is_refused_without_recursion() {
    for n in [1_000_usize, 100_000, 1_000_000] {
        let mut bytes = b"\x80\x04".to_vec();
        bytes.resize(bytes.len() + n, b']');
        bytes.resize(bytes.len() + n - 1, b'a');
        bytes.push(b'.');
        assert_eq!(refusal(&bytes).code, Code::DepthLimit, "{n}");
        let mut tuples = b"\x80\x04)".to_vec();
        tuples.resize(tuples.len() + n, 0x85);
        tuples.push(b'.');
        assert_eq!(refusal(&tuples).code, Code::DepthLimit, "{n} tuples");
        let json = vec![b'['; n];
        assert!(matches!(refusal(&json).code, Code::DepthLimit | Code::Truncated));
    }
    let mut honest = b"\x80\x04".to_vec();
    honest.resize(honest.len() + 800, b']');
    honest.resize(honest.len() + 799, b'a');
    honest.push(b'.');
    assert!(verdict(&honest).findings.is_empty());
}

/// Fault 9: a value that contains itself is refused with its path.
#[test]
fn fault_a09_cycles_are_refused_with_their_path() {
    for (bytes, path) in [
        (&b"\x80\x04]\x94h\x00a."[..], "$[0]"),
        (b"\x80\x04}\x94\x8c\x01ah\x00s.", "$.a"),
        (
            b"\x80\x04}\x94\x8c\x05tasks]\x94(K\x01}\x8c\x06parenth\x00ses.",
            "$.tasks[1].parent",
        ),
        (b"\x80\x04]\x94h\x00\x85a.", "$[0][0]"),
        (b"ccollections\nOrderedDict\n)Rp0\nVa\ng0\ns.", "$"),
    ] {
        let finding = refusal(bytes);
        assert_eq!(finding.code, Code::Cycle, "{finding:?}");
        assert!(finding.what.contains(path), "{path}: {}", finding.what);
    }
}

/// Fault 10: duplications and fetches have limits.
#[test]
fn fault_a10_endless_repetition_is_refused() {
    let mut dup = b"\x80\x04]".to_vec();
    dup.resize(dup.len() + 1_000_000, b'2');
    dup.push(b'.');
    assert_eq!(refusal(&dup).code, Code::RepeatLimit);
    let mut fetches = b"\x80\x04]\x94]\x940(".to_vec();
    for _ in 0..1_000_000 {
        fetches.extend_from_slice(b"h\x01");
    }
    fetches.extend_from_slice(b"e.");
    assert_eq!(refusal(&fetches).code, Code::RepeatLimit);
    // The keys of a million small dicts are fetched as often, and are honest.
    let mut keys = b"\x80\x04](\x8c\x02id\x940".to_vec();
    for _ in 0..200_000 {
        keys.extend_from_slice(b"}h\x00K\x01s");
    }
    keys.extend_from_slice(b"e.");
    assert!(
        verdict(&keys).findings.is_empty(),
        "{:?}",
        verdict(&keys).findings
    );
}

/// Fault 10, its cousin: a few bytes that have a large value copied again and again.
#[test]
fn fault_a10_repeated_copies_of_a_large_value_are_refused_quickly() {
    let mut bytes = b"\x80\x04cbuiltins\nset\n\x940](".to_vec();
    bytes.resize(bytes.len() + 100_000, b'N');
    bytes.extend_from_slice(b"e\x85\x940");
    for _ in 0..100_000 {
        bytes.extend_from_slice(b"h\x00h\x01R0");
    }
    bytes.extend_from_slice(b"N.");
    let clock = Instant::now();
    assert_eq!(refusal(&bytes).code, Code::RepeatLimit);
    assert!(clock.elapsed() < Duration::from_secs(5));
}

/// Fault 11: a number of a megabyte is not printed.
#[test]
fn fault_a11_numbers_have_a_limit_of_digits() {
    let mut long = b"\x80\x04\x8b\x00\x00\x10\x00".to_vec();
    long.resize(long.len() + (1 << 20), 0x11);
    long.push(b'.');
    assert_eq!(refusal(&long).code, Code::DigitLimit);
    let mut text = b"L".to_vec();
    text.resize(1_000_000, b'7');
    text.extend_from_slice(b"L\n.");
    assert_eq!(refusal(&text).code, Code::DigitLimit);
    let mut json = b"[".to_vec();
    json.resize(1_000_000, b'7');
    json.push(b']');
    assert_eq!(refusal(&json).code, Code::DigitLimit);
}

/// Fault 12: a claimed length is only believed when the bytes are there.
#[test]
fn fault_a12_claimed_lengths_allocate_nothing() {
    for bytes in [
        &b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc."[..],
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.",
        b"\x80\x05\x96\x00\x00\x00\x00\x00\x00\x00\x80abc.",
        b"\x80\x03B\xff\xff\xff\xffabc.",
        b"\x80\x02T\xff\xff\xff\x7fabc.",
    ] {
        assert_eq!(refusal(bytes).code, Code::Truncated, "{bytes:?}");
    }
    assert_eq!(refusal(b"\x80\x02\x8b\xff\xff\xff\xffabc.").code, Code::BadNumber);
}

/// Fault 13: protocols and frames are checked.
#[test]
fn fault_a13_protocol_and_frame_must_be_right() {
    assert_eq!(refusal(b"\x80\x63N.").code, Code::BadProtocol);
    assert_eq!(refusal(b"\x80\x04\x80\x04N.").code, Code::BadProtocol);
    // A frame may end before the last operation, as CPython lets it; it must end between two.
    for len in [3_u8, 9] {
        let mut bytes = b"\x80\x04\x95".to_vec();
        bytes.extend_from_slice(&[len, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(b"N.");
        assert_eq!(refusal(&bytes).code, Code::BadFrame, "{len}");
    }
    assert_eq!(
        refusal(b"\x80\x04\x95\x01\0\0\0\0\0\0\0K\x01.").code,
        Code::BadFrame
    );
}

/// Fault 14: what needs something outside the file is refused as such.
#[test]
fn fault_a14_external_objects_are_refused() {
    for (bytes, code) in [
        (&b"Pabc\n."[..], Code::PersistentId),
        (b"\x80\x02U\x03abcQ.", Code::PersistentId),
        (b"\x80\x02\x82\x01.", Code::ExtensionCode),
        (b"\x80\x02\x83\x01\x02.", Code::ExtensionCode),
        (b"\x80\x02\x84\x01\x02\x03\x04.", Code::ExtensionCode),
        (b"\x80\x05\x97.", Code::OutOfBandBuffer),
        (b"\x80\x05\x97\x98.", Code::OutOfBandBuffer),
    ] {
        let finding = refusal(bytes);
        assert_eq!(
            (finding.severity, finding.code),
            (Severity::Unknown, code),
            "{finding:?}"
        );
    }
}

/// Fault 15: what follows the value is never dropped silently.
#[test]
fn fault_a15_trailing_bytes_and_further_pickles_are_refused() {
    assert_eq!(refusal(b"\x80\x04N.\x00").code, Code::TrailingBytes);
    assert_eq!(refusal(b"\x80\x04N.garbage").code, Code::TrailingBytes);
    let several = refusal(b"\x80\x04N.\x80\x04N.");
    assert_eq!((several.code, several.offset()), (Code::SeveralPickles, Some(4)));
    assert_eq!(refusal(b"{\"a\": 1} {\"b\": 2}").code, Code::TrailingBytes);
}

/// Fault 16: Python 2 text.
#[test]
fn fault_a16_python_2_strings_are_decoded() {
    assert_eq!(json_of(b"S'it\\'s \\x41\\101'\n."), "\"it's AA\"");
    assert_eq!(json_of(b"S\"two \\\" quotes '\"\n."), "\"two \\\" quotes '\"");
    let latin = "{\n  \"$t\": \"str8\",\n  \"v\": \"caf\\u00e9\"\n}";
    assert_eq!(json_of(b"S'caf\\xe9'\n."), latin);
    assert_eq!(json_of(b"U\x04caf\xe9."), latin);
    assert_eq!(json_of(b"V\\u20ac\\U0001f600\n."), "\"\\u20ac\\ud83d\\ude00\"");
}

/// Fault 17: a lone surrogate is tagged, reversible and counted.
#[test]
fn fault_a17_lone_surrogates_are_tagged() {
    let bytes = b"\x80\x04\x95\x08\0\0\0\0\0\0\0\x8c\x04\xed\xa0\x80x\x94.";
    assert_eq!(
        json_of(bytes),
        "{\n  \"$t\": \"text\",\n  \"v\": \"\\\\ud800x\"\n}"
    );
    assert_eq!(
        json_of(b"[\"\\ud800\"]"),
        "[\n  {\n    \"$t\": \"text\",\n    \"v\": \"\\\\ud800\"\n  }\n]"
    );
    assert_eq!(refusal(b"\x80\x04\x8c\x02\xff\xfe.").code, Code::BadText);
}

/// Fault 20: keys that JSON would make equal stay apart; keys that Python holds equal are refused.
#[test]
fn fault_a20_keys_never_collide() {
    let text = json_of(b"}(I1\nVa\nV1\nVb\nNVc\nVnull\nVd\nu.");
    assert!(
        text.starts_with("{\n  \"$t\": \"dict\",\n  \"v\": [\n    [\n      1,\n      \"a\"\n    ],"),
        "{text}"
    );
    assert!(text.contains("[\n      \"1\",\n      \"b\"\n    ]") && text.contains("null,"));
    for twice in [
        &b"}(Va\nI1\nVa\nI2\nu."[..],
        b"}(I1\nN\x88Nu.",
        b"}(F1.0\nNI1\nNu.",
        b"{\"a\": 1, \"a\": 2}",
    ] {
        assert_eq!(refusal(twice).code, Code::DuplicateKey, "{twice:?}");
    }
    assert_eq!(refusal(b"}(]Nu.").code, Code::UnhashableKey);
    let mut many = b"\x80\x04}(".to_vec();
    for n in 0..100_u8 {
        many.extend_from_slice(&[0x8c, 2, b'k', n, b'N']);
    }
    many.extend_from_slice(b"\x8c\x02k\x07Nu.");
    assert_eq!(refusal(&many).code, Code::DuplicateKey);
}

/// Fault 3 and a limit: gzip inflates within bounds, every member of it, once.
#[test]
fn gzip_is_bounded_and_taken_off_once() {
    let pack = |data: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).expect("in memory");
        encoder.finish().expect("in memory")
    };
    let limits = Limits {
        inflate_floor: 1 << 20,
        ..Limits::default()
    };
    let bomb = pack(&vec![b']'; 64 << 20]);
    let refused = unwrap_gzip(&bomb, &limits).expect_err("a bomb");
    assert_eq!(refused.code, Code::SizeLimit);
    assert!(refusal(&pack(&pack(b"N."))).what.contains("gzip"));
    assert_eq!(refusal(&pack(b"N.")[..15]).code, Code::BadGzip);
    let (content, gzip) = unwrap_gzip(&pack(b"{\"a\": 1}"), &limits)
        .map(|(c, g)| (c.into_owned(), g))
        .expect("fine");
    let read = inspect(&content, gzip, &limits, &ClassMap::default());
    assert_eq!(read.format.to_string(), "gzip of JSON");
    assert!(read.findings.is_empty());
}

/// Memory stays within a multiple of the file, whatever the operations make.
#[test]
fn hostile_allocation_is_bounded_by_the_file() {
    let mut lists = b"\x80\x04".to_vec();
    lists.resize(20 << 20, b']');
    let finding = refusal(&lists);
    assert!(
        matches!(finding.code, Code::NodeLimit | Code::Truncated),
        "{finding:?}"
    );
    let mut stray = b"\x80\x04N".to_vec();
    for n in 0..1_000_000_u32 {
        stray.push(b'r');
        stray.extend_from_slice(&(n * 4_000).to_le_bytes());
    }
    stray.push(b'.');
    assert!(verdict(&stray).findings.is_empty());
}
