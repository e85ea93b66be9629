//! What Python 2 wrote: strings of bytes, its names of modules and types, protocols 0 to 2. Each value with its JSON.

use serde_json::{Value, json};

use crate::support::json_of;

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn fault_a16_the_values_of_python_2_come_out_exactly() {
    let cases: &[(&str, &[u8], Value)] = &[
        (
            "bytes that are latin-1 text",
            b"(dp0\nS'name'\np1\nS'caf\\xe9'\np2\ns.",
            json!({"name": {"$t": "str8", "v": "caf\u{e9}"}}),
        ),
        (
            "unicode with an escape and a raw byte",
            b"(dp0\nS'name'\np1\nVcaf\\u00e9 \xe9\np2\ns.",
            json!({"name": "caf\u{e9} \u{e9}"}),
        ),
        (
            "quotes of both kinds",
            b"(lp0\nS\"it's\"\naS'a\"b'\naS'tab\\tnl\\n'\na.",
            json!(["it's", "a\"b", "tab\tnl\n"]),
        ),
        (
            "a long integer",
            b"L12345678901234567890L\n.",
            json!(12_345_678_901_234_567_890_u64),
        ),
        ("truth values", b"(lp0\nI01\naI00\na.", json!([true, false])),
        (
            "floats",
            b"(lp0\nF1.1\naFnan\naF-inf\naF-0\na.",
            json!([1.1, {"$t": "float", "v": "nan"}, {"$t": "float", "v": "-inf"}, -0.0]),
        ),
        (
            "a set",
            b"c__builtin__\nset\np0\n((lp1\nI1\naI2\natp2\nRp3\n.",
            json!({"$t": "set", "v": [1, 2]}),
        ),
        (
            "an ordered dict of lists of two",
            b"ccollections\nOrderedDict\np0\n((lp1\n(lp2\nS'b'\np3\naI1\naa(lp4\nS'a'\np5\naI2\naatp6\nRp7\n.",
            json!({"$t": "OrderedDict", "v": {"b": 1, "a": 2}}),
        ),
        (
            "a date and time by its bytes, protocol 2",
            b"\x80\x02cdatetime\ndatetime\nq\x00U\n\x07\xe4\x02\x1d\x0c\x1e-\x01\xe2@q\x01\x85q\x02Rq\x03.",
            json!({"$t": "datetime", "v": "2020-02-29T12:30:45.123456"}),
        ),
        (
            "a date by its bytes, protocol 0",
            b"cdatetime\ndate\np0\n(S'\\x07\\xe4\\x02\\x1d'\np1\ntp2\nRp3\n.",
            json!({"$t": "date", "v": "2020-02-29"}),
        ),
        (
            "a time",
            b"cdatetime\ntime\np0\n(S'\\x0c\\x1e-\\x01\\xe2@'\np1\ntp2\nRp3\n.",
            json!({"$t": "time", "v": "12:30:45.123456"}),
        ),
        (
            "a decimal",
            b"cdecimal\nDecimal\np0\n(S'1.10'\np1\ntp2\nRp3\n.",
            json!({"$t": "Decimal", "v": "1.10"}),
        ),
        (
            "a fraction by its text",
            b"\x80\x02cfractions\nFraction\nq\x00U\x031/3q\x01\x85q\x02Rq\x03.",
            json!({"$t": "Fraction", "v": "1/3"}),
        ),
        (
            "a complex number",
            b"c__builtin__\ncomplex\np0\n(F1.0\nF2.0\ntp1\nRp2\n.",
            json!({"$t": "complex", "v": [1.0, 2.0]}),
        ),
        (
            "an xrange",
            b"c__builtin__\nxrange\np0\n(I0\nI10\nI2\ntp1\nRp2\n.",
            json!({"$t": "range", "v": [0, 10, 2]}),
        ),
        (
            "an exception",
            b"cexceptions\nValueError\np0\n(S'bad'\np1\ntp2\nRp3\n.",
            json!({"$t": "exception", "class": "exceptions.ValueError", "v": ["bad"]}),
        ),
        (
            "a bytearray by its latin-1 text",
            b"\x80\x02c__builtin__\nbytearray\nq\x00X\x04\x00\x00\x00ab\xc3\xa9q\x01U\x07latin-1q\x02\x86q\x03Rq\x04.",
            json!({"$t": "bytearray", "v": "YWLp"}),
        ),
        (
            "a bounded deque",
            b"\x80\x02ccollections\ndeque\nq\x00]q\x01(K\x01K\x02eK\x05\x86q\x02Rq\x03.",
            json!({"$t": "deque", "v": [1, 2], "maxlen": 5}),
        ),
        (
            "a defaultdict",
            b"\x80\x02ccollections\ndefaultdict\nq\x00c__builtin__\nlist\nq\x01\x85q\x02Rq\x03U\x01aq\x04]q\x05s.",
            json!({"$t": "defaultdict", "v": {"a": []}, "factory": "__builtin__.list"}),
        ),
        (
            "a counter",
            b"\x80\x02ccollections\nCounter\nq\x00}q\x01(U\x01aq\x02K\x02u\x85q\x03Rq\x04.",
            json!({"$t": "Counter", "v": {"a": 2}}),
        ),
        (
            "a UUID made by copy_reg",
            b"ccopy_reg\n_reconstructor\np0\n(cuuid\nUUID\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n(dp5\nS'int'\np6\nL12345678901234567890123456789L\nsb.",
            json!({"$t": "UUID", "v": "00000000-27e4-1b32-46be-c9b16e398115"}),
        ),
    ];
    for (what, bytes, wanted) in cases {
        let made: Value = serde_json::from_str(&json_of(bytes)).expect("JSON");
        assert_eq!(made, *wanted, "{what}");
    }
}
