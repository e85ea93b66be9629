//! Files made to run something when Python loads them: each is refused with the name and the byte, and nothing runs.

use std::io::Write as _;

use maos_migrate::engine::checkpoints::finding::{Code, Severity};
use maos_migrate::engine::checkpoints::pickle::opcode_name;

use crate::support::{Place, refusal, verdict};

/// A text operation: `SHORT_BINUNICODE`.
fn text(value: &str) -> Vec<u8> {
    let mut out = vec![0x8c, u8::try_from(value.len()).expect("short")];
    out.extend_from_slice(value.as_bytes());
    out
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// `STACK_GLOBAL` of two texts.
fn stack_global(module: &str, name: &str) -> Vec<u8> {
    join(&[&text(module), &text(name), b"\x93"])
}

struct Case {
    what: &'static str,
    bytes: Vec<u8>,
    name: &'static str,
    /// The byte of the operation that names it.
    offset: u64,
    opcode: &'static str,
}

fn case(
    what: &'static str,
    bytes: impl Into<Vec<u8>>,
    name: &'static str,
    offset: u64,
    opcode: &'static str,
) -> Case {
    Case {
        what,
        bytes: bytes.into(),
        name,
        offset,
        opcode,
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases(command: &str) -> Vec<Case> {
    let arg = join(&[&text(command), b"\x85"]);
    let frame = |body: &[u8]| {
        let mut out = vec![0x80, 4, 0x95];
        out.extend_from_slice(&(body.len() as u64).to_le_bytes());
        out.extend_from_slice(body);
        out
    };
    let call = join(&[&stack_global("os", "system"), &arg, b"R."]);
    vec![
        case(
            "GLOBAL, protocol 0",
            format!("cos\nsystem\n(S'{command}'\ntR."),
            "os.system",
            0,
            "GLOBAL",
        ),
        case(
            "GLOBAL alone, never called",
            &b"\x80\x02cos\nsystem\n."[..],
            "os.system",
            2,
            "GLOBAL",
        ),
        case(
            "posix",
            &b"cposix\nsystem\n(S'echo hi'\ntR."[..],
            "posix.system",
            0,
            "GLOBAL",
        ),
        case(
            "nt",
            &b"cnt\nsystem\n(S'echo hi'\ntR."[..],
            "nt.system",
            0,
            "GLOBAL",
        ),
        case(
            "Python 2 eval",
            &b"c__builtin__\neval\n(S'1'\ntR."[..],
            "__builtin__.eval",
            0,
            "GLOBAL",
        ),
        case(
            "builtins exec",
            &b"cbuiltins\nexec\n(S'1'\ntR."[..],
            "builtins.exec",
            0,
            "GLOBAL",
        ),
        case(
            "INST",
            &b"(S'echo hi'\nios\nsystem\n."[..],
            "os.system",
            12,
            "INST",
        ),
        case(
            "INST with POP",
            &b"(S'echo hi'\nios\nsystem\n0}."[..],
            "os.system",
            12,
            "INST",
        ),
        case(
            "OBJ",
            &b"(cos\nsystem\nS'echo hi'\no."[..],
            "os.system",
            1,
            "GLOBAL",
        ),
        case(
            "OBJ with POP",
            &b"(cos\nsystem\nS'echo hi'\no0}."[..],
            "os.system",
            1,
            "GLOBAL",
        ),
        case(
            "NEWOBJ",
            &b"\x80\x02cos\nsystem\nU\x07echo hi\x85\x81."[..],
            "os.system",
            2,
            "GLOBAL",
        ),
        case(
            "NEWOBJ_EX",
            &b"\x80\x04cos\nsystem\n)}\x92."[..],
            "os.system",
            2,
            "GLOBAL",
        ),
        case(
            "REDUCE thrown away by POP",
            &b"\x80\x04cos\nsystem\n(S'echo hi'\ntR0}."[..],
            "os.system",
            2,
            "GLOBAL",
        ),
        case(
            "REDUCE thrown away by POP_MARK",
            &b"(cos\nsystem\n(S'echo hi'\ntR1}."[..],
            "os.system",
            1,
            "GLOBAL",
        ),
        case(
            "left below the value",
            &b"cos\nsystem\n(S'echo hi'\ntR}."[..],
            "os.system",
            0,
            "GLOBAL",
        ),
        case(
            "lost in an overwritten memo entry",
            &b"\x80\x02cos\nsystem\n(S'x'\ntRq\x000Nq\x00."[..],
            "os.system",
            2,
            "GLOBAL",
        ),
        case("STACK_GLOBAL", frame(&call), "os.system", 23, "STACK_GLOBAL"),
        case(
            "STACK_GLOBAL without a frame",
            join(&[b"\x80\x04", &call]),
            "os.system",
            14,
            "STACK_GLOBAL",
        ),
        case(
            "STACK_GLOBAL through the memo",
            join(&[
                b"\x80\x04",
                &text("system"),
                b"\x94",
                &text("os"),
                b"\x940h\x01h\x00\x93",
                &arg,
                b"R.",
            ]),
            "os.system",
            21,
            "STACK_GLOBAL",
        ),
        case(
            "STACK_GLOBAL with DUP and POP in between",
            join(&[
                b"\x80\x04",
                &text("os"),
                &text("x"),
                b"20",
                b"0",
                &text("system"),
                b"\x93",
                &arg,
                b"R.",
            ]),
            "os.system",
            20,
            "STACK_GLOBAL",
        ),
        case(
            "names in Python 2 strings",
            &b"\x80\x04U\x02osU\x06system\x93U\x02id\x85R."[..],
            "os.system",
            14,
            "STACK_GLOBAL",
        ),
        case(
            "dotted name",
            join(&[b"\x80\x04", &stack_global("os", "path.join"), b"."]),
            "os.path.join",
            17,
            "STACK_GLOBAL",
        ),
        case(
            "dotted name of an allowed module",
            join(&[b"\x80\x04", &stack_global("builtins", "str.format"), b"."]),
            "builtins.str.format",
            24,
            "STACK_GLOBAL",
        ),
        case(
            "dotted name below an allowed class",
            join(&[
                b"\x80\x04",
                &stack_global("collections", "OrderedDict.fromkeys"),
                b".",
            ]),
            "collections.OrderedDict.fromkeys",
            37,
            "STACK_GLOBAL",
        ),
        case(
            "getattr",
            &b"cbuiltins\ngetattr\n(cbuiltins\nobject\nS'__subclasses__'\ntR."[..],
            "builtins.getattr",
            0,
            "GLOBAL",
        ),
        case(
            "attrgetter",
            &b"coperator\nattrgetter\n(S'system'\ntR."[..],
            "operator.attrgetter",
            0,
            "GLOBAL",
        ),
        case(
            "methodcaller",
            &b"coperator\nmethodcaller\n(S'x'\ntR."[..],
            "operator.methodcaller",
            0,
            "GLOBAL",
        ),
        case(
            "partial",
            &b"cfunctools\npartial\n(cbuiltins\nint\ntR."[..],
            "functools.partial",
            0,
            "GLOBAL",
        ),
        case(
            "subprocess",
            &b"csubprocess\nPopen\n(S'x'\ntR."[..],
            "subprocess.Popen",
            0,
            "GLOBAL",
        ),
        case(
            "runpy",
            &b"crunpy\n_run_code\n(S'x'\ntR."[..],
            "runpy._run_code",
            0,
            "GLOBAL",
        ),
        case(
            "pickle in pickle",
            &b"cpickle\nloads\n(S'x'\ntR."[..],
            "pickle.loads",
            0,
            "GLOBAL",
        ),
        case(
            "private standard library",
            &b"c_pickle\nloads\n(S'x'\ntR."[..],
            "_pickle.loads",
            0,
            "GLOBAL",
        ),
        case("pty", &b"cpty\nspawn\n(S'x'\ntR."[..], "pty.spawn", 0, "GLOBAL"),
        case(
            "package",
            &b"ctorch.hub\nload\n(S'x'\ntR."[..],
            "torch.hub.load",
            0,
            "GLOBAL",
        ),
        case(
            "sub-package",
            &b"cnumpy.testing._private.utils\nrunstring\n(S'x'\ntR."[..],
            "numpy.testing._private.utils.runstring",
            0,
            "GLOBAL",
        ),
        case(
            "interpreter attribute",
            &b"cacme\n__globals__\n."[..],
            "acme.__globals__",
            0,
            "GLOBAL",
        ),
        case(
            "name over several modules",
            &b"cacme tasks\nTask\n."[..],
            "acme tasks.Task",
            0,
            "GLOBAL",
        ),
        case(
            "as a dict's value",
            &b"}S'a'\ncos\nsystem\ns."[..],
            "os.system",
            6,
            "GLOBAL",
        ),
        case(
            "as a factory",
            &b"ccollections\ndefaultdict\n(cos\nsystem\ntR."[..],
            "os.system",
            26,
            "GLOBAL",
        ),
        case(
            "as a member of a set",
            &b"cbuiltins\nset\n((lcos\nsystem\natR."[..],
            "os.system",
            17,
            "GLOBAL",
        ),
        case(
            "state of a hostile class",
            &b"cos\nsystem\n)R}S'a'\nI1\nsb."[..],
            "os.system",
            0,
            "GLOBAL",
        ),
        case(
            "a codec that runs a decompressor",
            &b"c_codecs\nencode\n(Vx\nVbz2\ntR."[..],
            "_codecs.encode",
            26,
            "REDUCE",
        ),
        case(
            "a codec of three arguments",
            &b"c_codecs\nencode\n(Vx\nVlatin1\nVstrict\ntR."[..],
            "_codecs.encode",
            37,
            "REDUCE",
        ),
        case(
            "_codecs.decode",
            &b"c_codecs\ndecode\n(Vx\nVhex\ntR."[..],
            "_codecs.decode",
            0,
            "GLOBAL",
        ),
        case(
            "a type called with text",
            &b"cbuiltins\nint\n(S'1'\ntR."[..],
            "builtins.int",
            21,
            "REDUCE",
        ),
        case(
            "a set of no list",
            &b"cbuiltins\nset\n(I5\ntR."[..],
            "builtins.set",
            19,
            "REDUCE",
        ),
        case(
            "a class changed by BUILD",
            &b"ccollections\nOrderedDict\n}S'__init__'\nI1\nsb."[..],
            "collections.OrderedDict",
            42,
            "BUILD",
        ),
        case(
            "a class filled by SETITEM",
            &b"ccollections\nCounter\nS'a'\nI1\ns."[..],
            "collections.Counter",
            29,
            "SETITEM",
        ),
        case(
            "the reconstructor with another base",
            &b"ccopyreg\n_reconstructor\n(cuuid\nUUID\ncbuiltins\nlist\n]tR."[..],
            "copyreg._reconstructor",
            53,
            "REDUCE",
        ),
    ]
    .into_iter()
    .chain(after_errors())
    .collect()
}

/// A fault behind the hostile operation, or around it, must not take its place.
#[expect(clippy::too_many_lines, reason = "a table")]
fn after_errors() -> Vec<Case> {
    let hostile = &b"cos\nsystem\n(S'echo hi'\ntR"[..];
    let with = |tail: &[u8]| join(&[hostile, tail]);
    vec![
        case("then the end", hostile, "os.system", 0, "GLOBAL"),
        case(
            "then an unknown operation",
            with(b"\xff."),
            "os.system",
            0,
            "GLOBAL",
        ),
        case("then an empty stack", with(b"000000."), "os.system", 0, "GLOBAL"),
        case(
            "then a missing memo entry",
            with(b"h\x63."),
            "os.system",
            0,
            "GLOBAL",
        ),
        case("then a missing mark", with(b"tttt."), "os.system", 0, "GLOBAL"),
        case("then a persistent id", with(b"Pabc\n."), "os.system", 0, "GLOBAL"),
        case(
            "then bytes after the end",
            with(b".\x00\x01\x02"),
            "os.system",
            0,
            "GLOBAL",
        ),
        case(
            "then a number of a megabyte",
            with(b"\x8b\xff\xff\xff\x7f"),
            "os.system",
            0,
            "GLOBAL",
        ),
        case(
            "before it a missing memo entry",
            join(&[b"h\x63", hostile, b"."]),
            "os.system",
            2,
            "GLOBAL",
        ),
        case(
            "before it a wrong list index",
            join(&[b"](K\x01eK\x00K\x02s", hostile, b"."]),
            "os.system",
            10,
            "GLOBAL",
        ),
        case(
            "protocol 99",
            join(&[b"\x80\x63", hostile, b"."]),
            "os.system",
            2,
            "GLOBAL",
        ),
        case(
            "protocol mark in the middle",
            join(&[b"N0\x80\x04", hostile, b"."]),
            "os.system",
            4,
            "GLOBAL",
        ),
        case(
            "a wrong frame",
            join(&[b"\x80\x04\x95\x03\0\0\0\0\0\0\0", hostile, b"."]),
            "os.system",
            11,
            "GLOBAL",
        ),
        case(
            "a frame longer than the file",
            join(&[b"\x80\x04\x95\xff\xff\0\0\0\0\0\0", hostile, b"."]),
            "os.system",
            11,
            "GLOBAL",
        ),
        case(
            "a second pickle",
            join(&[b"\x80\x04}.", hostile, b"."]),
            "os.system",
            4,
            "GLOBAL",
        ),
        case(
            "a third pickle",
            join(&[b"N.N.", hostile, b"."]),
            "os.system",
            4,
            "GLOBAL",
        ),
        case(
            "a second pickle that is cut",
            join(&[b"\x80\x04}.", hostile]),
            "os.system",
            4,
            "GLOBAL",
        ),
        case(
            "a list that contains itself",
            join(&[b"]q\x00h\x00a0", hostile, b"."]),
            "os.system",
            7,
            "GLOBAL",
        ),
        case(
            "an unknown class first",
            join(&[b"cacme\nTask\n)R0", hostile, b"."]),
            "os.system",
            14,
            "GLOBAL",
        ),
    ]
}

/// Faults 4, 5 and 6: every way of naming something hostile is refused with the name and the byte.
#[test]
fn fault_a04_a05_a06_hostile_names_are_critical_wherever_they_hide() {
    let folder = tempfile::tempdir().expect("a folder");
    let canary = folder.path().join("canary");
    let command = format!("touch {}", canary.display());
    for case in cases(&command) {
        let finding = refusal(&case.bytes);
        assert_eq!(finding.severity, Severity::Critical, "{}: {finding:?}", case.what);
        assert_eq!(
            finding.name.as_deref(),
            Some(case.name),
            "{}: {finding:?}",
            case.what
        );
        let at = finding.at.expect("a place");
        assert_eq!(
            (u64::from(at.offset), opcode_name(at.opcode)),
            (case.offset, case.opcode),
            "{}",
            case.what
        );
        assert!(verdict(&case.bytes).root.is_none(), "{}", case.what);
    }
    assert!(!canary.exists(), "something ran");
}

/// Fault 5: the call and the discard are named beside the name.
#[test]
fn fault_a05_a_discarded_call_is_told_with_both_places() {
    let finding = refusal(b"\x80\x04cos\nsystem\n(S'echo hi'\ntR0}.");
    assert_eq!(finding.called.map(|at| at.offset), Some(26));
    assert_eq!(
        finding
            .discarded
            .map(|at| (u64::from(at.offset), opcode_name(at.opcode))),
        Some((27, "POP"))
    );
}

/// The same in gzip, in archives and behind the header of an array.
#[test]
fn hostile_names_are_found_in_what_is_wrapped() {
    let hostile = b"\x80\x02cos\nsystem\nU\x07echo hi\x85R.";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(hostile).expect("in memory");
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(hostile).expect("in memory");
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    deflated.write_all(hostile).expect("in memory");
    let deflated = deflated.finish().expect("in memory");
    let zip = |method: u8, content: &[u8]| {
        let mut out = b"PK\x03\x04\x14\0\0\0".to_vec();
        out.extend_from_slice(&[method, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&u32::try_from(content.len()).expect("small").to_le_bytes());
        out.extend_from_slice(&u32::try_from(hostile.len()).expect("small").to_le_bytes());
        out.extend_from_slice(b"\x10\0\0\0archive/data.pkl");
        out.extend_from_slice(content);
        out
    };
    let mut npy = b"\x93NUMPY\x01\0\x10\0{'descr': '|O'}\n".to_vec();
    npy.extend_from_slice(hostile);
    let mut tar = vec![0_u8; 512];
    tar[..8].copy_from_slice(b"data.pkl");
    tar[124..135].copy_from_slice(format!("{:011o}", hostile.len()).as_bytes());
    tar[257..262].copy_from_slice(b"ustar");
    tar.extend_from_slice(hostile);
    tar.resize(1024, 0);
    for (what, bytes) in [
        ("gzip", gzip.finish().expect("in memory")),
        ("zlib", zlib.finish().expect("in memory")),
        ("stored zip", zip(0, hostile)),
        ("deflated zip", zip(8, &deflated)),
        ("npy", npy),
        ("tar", tar),
    ] {
        let finding = refusal(&bytes);
        assert_eq!(finding.severity, Severity::Critical, "{what}: {finding:?}");
        assert_eq!(finding.name.as_deref(), Some("os.system"), "{what}");
    }
}

/// Fault 21: an application's own class is unknown, counted, and told with the fields it was given.
#[test]
fn fault_a21_an_unknown_class_is_listed_with_its_count_and_fields() {
    let bytes =
        b"\x80\x02](cacme.tasks\nTask\nq\x00)\x81}(U\x02idK\x01U\x04nameU\x01aubh\x00)\x81}U\x02idK\x02sbe.";
    let read = verdict(bytes);
    let finding = read.worst().expect("refused");
    assert_eq!(
        (finding.severity, finding.code),
        (Severity::Unknown, Code::UnknownClass)
    );
    assert_eq!(finding.name.as_deref(), Some("acme.tasks.Task"));
    let [class] = &read.unknown[..] else {
        panic!("{:?}", read.unknown)
    };
    assert_eq!(class.fields, ["id", "name"]);
    assert!(class.count >= 2, "{class:?}");
}

/// Ordinary content must not be refused for what it resembles.
#[test]
fn honest_files_are_not_refused() {
    let cases: &[(&str, &[u8])] = &[
        (
            "text that names os.system",
            b"\x80\x04}\x8c\x03cmd\x8c\x0cos\nsystem\n()s.",
        ),
        (
            "bytes that are a pickle",
            b"\x80\x04}\x8c\x01xC\x0ecos\nsystem\n)R.s.",
        ),
        (
            "a type as a value",
            b"\x80\x04}\x8c\x01t\x8c\x08builtins\x8c\x03int\x93s.",
        ),
        (
            "protocol 0 from Python 2",
            b"(dp0\nS'tasks'\np1\n(lp2\nI1\naI01\nas.",
        ),
        (
            "a UUID of protocol 0",
            b"ccopy_reg\n_reconstructor\n(cuuid\nUUID\nc__builtin__\nobject\nNtR(dVint\nI5\nsb.",
        ),
        (
            "an ordered dict of Python 2",
            b"ccollections\nOrderedDict\n((lp0\n(lp1\nS'a'\naI1\naatR.",
        ),
    ];
    for (what, bytes) in cases {
        let read = verdict(bytes);
        assert!(
            read.findings.is_empty() && read.root.is_some(),
            "{what}: {:?}",
            read.findings
        );
    }
}

/// One line of `hostile.tsv`: what, name, offset, opcode, severity and bytes.
fn corpus() -> Vec<(String, Vec<u8>, [String; 4])> {
    include_str!("hostile.tsv")
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [what, name, offset, opcode, severity, hex] = fields[..] else {
                panic!("{line}");
            };
            let bytes = hex
                .as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
                .collect();
            let told = [name, offset, opcode, severity].map(str::to_owned);
            (what.to_owned(), bytes, told)
        })
        .collect()
}

/// What public scanners know, made by `hostile.py`: hundreds of names in every way of calling, hiding and breaking, and in
/// containers. Each is told with its name, its byte and its severity; in containers, with its name.
#[test]
fn fault_a04_the_corpus_is_told_by_name_byte_and_severity() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (what, bytes, [name, offset, opcode, severity]) in corpus() {
        seen += 1;
        let finding = refusal(&bytes);
        let at = finding.at.expect("a place");
        let found = [
            finding.name.clone().unwrap_or_else(|| "-".to_owned()),
            if offset == "-" {
                "-".to_owned()
            } else {
                at.offset.to_string()
            },
            if opcode == "-" {
                "-".to_owned()
            } else {
                opcode_name(at.opcode).to_owned()
            },
            format!("{:?}", finding.severity).to_lowercase(),
        ];
        if found != [name.clone(), offset.clone(), opcode.clone(), severity.clone()] {
            wrong.push(format!(
                "{what}: {found:?}, not {:?}",
                [name, offset, opcode, severity]
            ));
        }
    }
    assert!(seen > 700, "{seen}");
    assert!(
        wrong.is_empty(),
        "{} of {seen}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The corpus as files: a scan and a conversion read all of it, and nothing of it runs.
#[test]
fn fault_a04_nothing_of_the_corpus_runs() {
    let place = Place::new(&[]);
    let canary = place.from.with_extension("canary");
    let path = canary.to_str().expect("UTF-8");
    let corpus = corpus();
    for (number, (_, bytes, _)) in corpus.iter().enumerate() {
        // The place holder is shorter than any path; only bytes that need no length are given the real one.
        let text = String::from_utf8_lossy(bytes);
        let content = if text.contains("(S'touch <canary>'") {
            text.replace("<canary>", path).into_bytes()
        } else {
            bytes.clone()
        };
        std::fs::write(place.from.join(format!("{number:04}.checkpoint")), content).expect("a file");
    }
    let applied = place.apply();
    let totals = applied.totals;
    assert_eq!(
        (totals.total, totals.refused),
        (corpus.len() as u64, corpus.len() as u64),
        "{totals:?}"
    );
    assert!(applied.outcome.proved());
    assert!(!canary.exists(), "something ran");
}
