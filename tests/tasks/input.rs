//! Reading task files of every shape; what is broken is set aside with line, reason and raw form.

use std::io::Cursor;
use std::sync::OnceLock;

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::tasks::Rules;
use maos_migrate::engine::tasks::input::{Format, Item, LegacyTask, Records};
use maos_migrate::engine::tasks::verbs::{Line, score_stream};

pub fn records(text: &[u8], suffix: Option<&str>) -> Records {
    Records::new(Box::new(Cursor::new(text.to_vec())), suffix, "test").expect("opens")
}

/// Each record as `id|description`, or `!line reason`.
fn read(text: &[u8], suffix: Option<&str>) -> Vec<String> {
    static RULES: OnceLock<Rules> = OnceLock::new();
    let rules = RULES.get_or_init(|| Rules::default_with(None).expect("rules"));
    let mut records = records(text, suffix);
    let mut out = Vec::new();
    while let Some(item) = records.next_item().expect("reads") {
        let number = out.len() as u64 + 1;
        out.push(match item {
            Item::Bad(refused) => format!("!{} {}", refused.line, refused.reason),
            Item::Record(raw) => match LegacyTask::read(&raw, number, rules) {
                Ok(task) => format!("{}|{}", task.id, task.description),
                Err(refused) => format!("!{} {}", refused.line, refused.reason),
            },
        });
    }
    out
}

#[test]
fn every_shape_gives_the_same_tasks() {
    let wanted = ["7|Fix it", "b|Test, it"];
    for (text, suffix) in [
        (
            r#"[{"id":7,"description":"Fix it"},{"id":"b","description":"Test, it"}]"#,
            None,
        ),
        (
            "\u{feff}[{\"id\":7,\"description\":\"Fix it\"},\n {\"id\":\"b\",\"description\":\"Test, it\"}]\n",
            Some("json"),
        ),
        (
            r#"{"version":{"tasks":[1]},"tasks":[{"id":7,"description":"Fix it"},{"id":"b","description":"Test, it"}],"more":1}"#,
            None,
        ),
        (
            r#"{"jobs":[{"id":7,"title":"Fix it"}],"sessions":[{"id":"b","prompt":"Test, it"}]}"#,
            None,
        ),
        (
            "{\"id\":7,\"name\":\"Fix it\"}\n\n{\"ID\":\"b\",\"Description\":\"Test, it\"}\n",
            Some("jsonl"),
        ),
        (
            "{\n  \"id\": 7,\n  \"description\": \"Fix it\"\n}\n{\n  \"id\": \"b\",\n  \"description\": \"Test, it\"\n}",
            None,
        ),
        ("id,description\n7,Fix it\nb,\"Test, it\"\n", Some("csv")),
        ("id;title\r\n7;Fix it\r\nb;\"Test, it\"\r\n", None),
        ("\u{feff}id\tdescription\n7\tFix it\nb\tTest, it\n", None),
        (
            "- id: 7\n  description: Fix it\n- id: b\n  description: Test, it\n",
            None,
        ),
        (
            "# tasks\ntasks:\n  - id: 7\n    title: Fix it\n  - {id: b, title: \"Test, it\"}\n",
            Some("yml"),
        ),
    ] {
        assert_eq!(read(text.as_bytes(), suffix), wanted, "{text}");
    }
}

#[test]
fn a_bad_record_is_set_aside_with_its_line_and_the_rest_goes_on() {
    for (text, suffix, wanted) in [
        (
            "[\n{\"id\":1,\"description\":\"a b\"},\n{\"id\":2 \"description\":\"x\"},\n{\"id\":3},\n5,\n{\"id\":4,\"description\":\"c d\"}\n]",
            None,
            vec![
                "1|a b",
                "!3 bad_json",
                "!4 no_description",
                "!5 not_an_object",
                "4|c d",
            ],
        ),
        (
            "[\n{\"id\":1,\"description\":\"runs over},\n{\"id\":2,\"description\":\"a b\"}\n]",
            None,
            vec!["!2 bad_json", "2|a b"],
        ),
        (
            "[\n{\"id\":1,\"description\":\"no brace\",\n{\"id\":2,\"description\":\"a b\"}\n]",
            None,
            vec!["!2 bad_json", "2|a b"],
        ),
        (
            "{\"id\":1,\"description\":\"a b\"}\nnot json\n{\"id\":2,\"description\":\"c\n{\"id\":3,\"description\":\"d e\"}\n",
            Some("jsonl"),
            vec!["1|a b", "!2 bad_json", "!3 bad_json", "3|d e"],
        ),
        (
            "[{\"id\":1,\"description\":\"a b\"},{\"id\":2,\"descr",
            None,
            vec!["1|a b", "!1 truncated"],
        ),
        (
            "[{\"id\":1,\"description\":\"a b\"}",
            None,
            vec!["1|a b", "!1 truncated"],
        ),
        (
            "[{\"id\":1,\"description\":\"a b\"}] tail",
            None,
            vec!["1|a b", "!1 trailing_data"],
        ),
        (
            "id,description\n1,a b\n2\n3,\"c\nd\"\n4,e f\n",
            Some("csv"),
            vec!["1|a b", "!3 wrong_field_count", "3|c\nd", "4|e f"],
        ),
        (
            "- id: 1\n  description: a b\n- id: 2\n  description: [x\n- id: 3\n  description: c d\n",
            Some("yaml"),
            vec!["1|a b", "!3 bad_yaml", "3|c d"],
        ),
    ] {
        assert_eq!(read(text.as_bytes(), suffix), wanted, "{text}");
    }
}

#[test]
fn aliases_priorities_timeouts_dependencies_and_times_are_understood() {
    let rules = Rules::default_with(None).expect("rules");
    let one = |text: &str| {
        let mut records = records(text.as_bytes(), Some("json"));
        let Some(Item::Record(raw)) = records.next_item().expect("reads") else {
            panic!("{text}")
        };
        LegacyTask::read(&raw, 1, &rules)
    };
    for (spelling, wanted) in [
        ("\"high\"", "HIGH"),
        ("\"Medium\"", "NORMAL"),
        ("3", "HIGH"),
        ("\"1\"", "LOW"),
        ("\"P0\"", "CRITICAL"),
        ("\" urgent \"", "CRITICAL"),
    ] {
        let task = one(&format!("[{{\"title\":\"x\",\"priority\":{spelling}}}]")).expect("fine");
        assert_eq!(task.priority.as_deref(), Some(wanted), "{spelling}");
    }
    for (field, wanted) in [
        ("\"timeout\":3600", 3600),
        ("\"timeout\":\"90\"", 90),
        ("\"timeout\":\"15m\"", 900),
        ("\"timeout_ms\":1500", 2),
        ("\"timeout\":\"250ms\"", 1),
        ("\"time_limit\":\"1 h\"", 3600),
    ] {
        assert_eq!(
            one(&format!("[{{\"title\":\"x\",{field}}}]"))
                .expect("fine")
                .timeout,
            Some(wanted),
            "{field}"
        );
    }
    let task =
        one(r#"[{"prompt":"x","depends_on":"a, b,7,a","created":1700000000,"Status":"Done","owner":"ann"}]"#)
            .expect("fine");
    assert_eq!(
        task.dependencies
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["a", "b", "7"]
    );
    assert_eq!(
        task.created.map(|t| t.to_string()).as_deref(),
        Some("2023-11-14T22:13:20Z")
    );
    assert!(task.finished());
    assert_eq!(task.extra["owner"], "ann");
    let iso = one(r#"[{"prompt":"x","created_at":"2024-05-06T07:08:09"}]"#).expect("fine");
    assert_eq!(
        iso.created.map(|t| t.to_string()).as_deref(),
        Some("2024-05-06T07:08:09Z")
    );
    let odd = one(r#"[{"prompt":"x","created_at":"infinity"}]"#).expect("fine");
    assert_eq!(
        (odd.created, &odd.extra["created_at"]),
        (None, &serde_json::json!("infinity"))
    );
}

#[test]
fn fault_b33_limits_have_reasons() {
    let long = format!(
        "[{{\"id\":1,\"description\":\"{}\"}}]",
        "x".repeat(10 * 1024 * 1024)
    );
    assert_eq!(read(long.as_bytes(), None), ["!1 description_too_long"]);
    let huge = format!(
        "[{{\"id\":1,\"description\":\"{}\"}},{{\"id\":2,\"description\":\"a b\"}}]",
        "x".repeat(17 * 1024 * 1024)
    );
    assert_eq!(read(huge.as_bytes(), None), ["!1 too_large", "2|a b"]);
    for (fields, reason) in [
        (r#""description":"x","priority":1000000000"#, "unknown_priority"),
        (r#""description":"x","retries":-1"#, "negative_retries"),
        (r#""description":"  ""#, "no_description"),
        (r#""description":{"a":1}"#, "bad_description"),
        (r#""description":"a\u0000b""#, "nul_in_text"),
        (r#""description":"x","timeout":0"#, "bad_timeout"),
        (r#""description":"x","timeout":-5"#, "bad_timeout"),
        (r#""description":"x","timeout":"soon""#, "bad_timeout"),
        (r#""description":"x","timeout":1e300"#, "bad_timeout"),
        (r#""description":"x","dependencies":{"a":1}"#, "bad_dependencies"),
    ] {
        assert_eq!(
            read(format!("[{{\"id\":1,{fields}}}]").as_bytes(), None),
            [format!("!1 {reason}")],
            "{fields}"
        );
    }
}

#[test]
fn fault_b34_invalid_deep_and_doubled_json_is_refused() {
    let deep = format!(
        "[{{\"id\":1,\"description\":\"x\",\"metadata\":{}1{}}},{{\"id\":2,\"description\":\"a b\"}}]",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(read(deep.as_bytes(), None), ["!1 too_deep", "2|a b"]);
    assert_eq!(
        read(br#"[{"id":1,"description":"x","metadata":{"a":1,"a":2}}]"#, None),
        ["!1 duplicate_key"]
    );
    assert_eq!(
        read(br#"[{"id":1,"description":"x","metadata":nul}]"#, None),
        ["!1 bad_json"]
    );
    assert_eq!(
        read(
            b"[{\"id\":1,\"description\":\"\xff\xfe\"},{\"id\":2,\"description\":\"a b\"}]",
            None
        ),
        ["!1 not_utf8", "2|a b"]
    );
}

#[test]
fn other_encodings_are_refused_in_words() {
    let error =
        Records::new(Box::new(Cursor::new(b"\xff\xfe[\x00".to_vec())), None, "x.json").expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Input);
    assert!(error.message.contains("UTF-16"));
    let error = Records::open(std::path::Path::new("no/such/file.json")).expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Input);
    assert_eq!(records(b"  [", None).format(), Format::Json);
}

#[test]
fn a_stop_ends_the_reading_of_what_never_ends() {
    let control = Control::silent();
    let mut records = Records::new(Box::new(std::io::repeat(b'0')), None, "/dev/zero").expect("opens");
    records.heed(&control);
    control.stop();
    let error = records.next_item().expect_err("stopped");
    assert_eq!(error.kind, ErrorKind::Interrupted);
}

#[test]
fn fault_b41_no_one_and_many_rows_work() {
    for text in ["[]", "", "  \n", "{\"tasks\":[]}", "tasks: []\n"] {
        assert!(read(text.as_bytes(), None).is_empty(), "{text:?}");
    }
    assert_eq!(read(b"id,description\n", Some("csv")).len(), 0);
    assert_eq!(read(b"[{\"description\":\"one task\"}]", None), ["1|one task"]);
    let many = (0..50_000)
        .map(|i| format!("{{\"id\":{i},\"description\":\"Test part {i}\"}}"))
        .collect::<Vec<_>>()
        .join("\n");
    let rules = Rules::default_with(None).expect("rules");
    let mut ids = Vec::new();
    let tally = score_stream(
        records(many.as_bytes(), None),
        &rules,
        &Control::silent(),
        |line| {
            if let Line::Result(line) = line {
                ids.push(line.id.to_string());
            }
            Ok(())
        },
    )
    .expect("scores");
    assert_eq!((tally.total, tally.done, tally.quarantined), (50_000, 50_000, 0));
    assert!(
        ids.iter().enumerate().all(|(i, id)| *id == i.to_string()),
        "in the order of the file"
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_end_well(bytes in proptest::collection::vec(proptest::sample::select(b"{}[]\",:\\\n -#ab01\xff".to_vec()), 0..200), suffix in proptest::sample::select(vec![None, Some("csv"), Some("yml"), Some("json")])) {
        read(&bytes, suffix);
    }
}
