//! The documents that scripts and prompts rest on: every field of the contract is there, of its kind and by its name. More
//! fields may come; a name that goes or changes breaks these tests.

use serde_json::{Value, json};

use super::live::{self, status};
use super::program::{Ran, run};

/// The fields of a document with their kinds, in order.
fn shape(value: &Value) -> Vec<(&str, &'static str)> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    object
        .iter()
        .map(|(name, value)| (name.as_str(), kind(value)))
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// The first fields of a judged sample, as `monitor replay` and `monitor run` print it.
const JUDGED: [(&str, &str); 7] = [
    ("at", "text"),
    ("verdict", "text"),
    ("latched", "bool"),
    ("score", "number"),
    ("should_rollback", "bool"),
    ("reasons", "list"),
    ("recommendation", "text"),
];

fn watch(folder: &std::path::Path) -> Ran {
    run(folder, &["monitor", "run", "--json"])
}

#[test]
fn before_anything_is_watched_every_question_is_refused_with_what_to_do() {
    let folder = live::workspace("  interval: 1\n  duration: 2\n");
    let ran = run(folder.path(), &["monitor", "status", "--json"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:#?}");
    assert_eq!(
        ran.error()["hint"],
        "Nothing has been done in this workspace yet."
    );
    // A journal that knows of no watch.
    assert_eq!(run(folder.path(), &["readiness", "--json"]).code, Some(0));
    for verb in ["status", "explain", "handover"] {
        let ran = run(folder.path(), &["monitor", verb, "--json"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(5), ""), "{verb}: {ran:#?}");
        let error = ran.error();
        assert_eq!(error["kind"], "blocked");
        assert_eq!(error["message"], "nothing is watched yet");
        assert!(
            error["hint"]
                .as_str()
                .is_some_and(|hint| hint.contains("monitor run")),
            "{error}"
        );
    }
}

#[test]
fn status_explain_and_handover_have_their_fields_while_all_is_well() {
    let folder = live::workspace("  interval: 1\n  duration: 3\n");
    let ran = watch(folder.path());
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    for line in ran.out.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(shape(&line)[..7], JUDGED, "{line}");
        for (field, of) in [("source", "text"), ("took_ms", "number"), ("missing", "list")] {
            assert_eq!(kind(&line[field]), of, "{line}");
        }
    }
    let ran = run(folder.path(), &["monitor", "status", "--json"]);
    assert_eq!(
        (ran.code, ran.err.as_str(), ran.out.lines().count()),
        (Some(0), "", 1)
    );
    let expected = [
        ("verdict", "text"),
        ("should_rollback", "bool"),
        ("latched", "bool"),
        ("score", "number"),
        ("age_s", "number"),
        ("stale", "bool"),
        ("on", "bool"),
        ("samples", "number"),
        ("lost", "number"),
        ("frozen", "bool"),
        ("armed", "bool"),
        ("countdown", "null"),
        ("acknowledged", "bool"),
        ("snoozed", "bool"),
    ];
    let document = ran.document();
    assert_eq!(shape(&document)[..expected.len()], expected, "{document}");
    assert_eq!(
        (&document["on"], &document["should_rollback"]),
        (&json!(false), &json!(false))
    );

    let ran = run(folder.path(), &["monitor", "explain", "--json"]);
    assert_eq!(
        (ran.code, ran.err.as_str(), ran.out.lines().count()),
        (Some(0), "", 1)
    );
    let document = ran.document();
    assert_eq!(shape(&document)[..7], JUDGED, "{document}");
    let lines = document["explanation"].as_array().expect("a list");
    for line in lines {
        assert_eq!(
            shape(line)[..3],
            [("name", "text"), ("text", "text"), ("result", "text")],
            "{line}"
        );
    }
    let names: Vec<&str> = lines.iter().filter_map(|line| line["name"].as_str()).collect();
    for name in ["Error rate", "Degradation", "Availability", "Validation", "Score"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert_eq!(document["figures"]["criteria"].as_array().map(Vec::len), Some(4));

    let ran = run(folder.path(), &["monitor", "handover", "--json"]);
    assert_eq!(
        (ran.code, ran.err.as_str(), ran.out.lines().count()),
        (Some(0), "", 1)
    );
    let document = ran.document();
    let expected = [
        ("since", "text"),
        ("stands", "list"),
        ("changes", "list"),
        ("samples", "number"),
        ("lost", "number"),
    ];
    assert_eq!(shape(&document), expected, "{document}");
    // Nothing is left over from before the time that was asked for.
    let ran = run(
        folder.path(),
        &["monitor", "handover", "--json", "--since", "2030-01-01T00:00:00Z"],
    );
    assert_eq!(
        (&ran.document()["changes"], &ran.document()["samples"]),
        (&json!([]), &json!(0))
    );
    // A time without a zone is refused, and one before every sample has nothing to explain.
    let ran = run(
        folder.path(),
        &["monitor", "explain", "--json", "--at", "3 in the morning"],
    );
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    let ran = run(
        folder.path(),
        &["monitor", "explain", "--json", "--at", "2020-01-01T00:00:00Z"],
    );
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
}

#[test]
fn a_breach_is_exit_10_in_every_question_until_somebody_takes_it_back() {
    let folder = live::workspace("  interval: 1\n  duration: 600\n");
    let mut child = live::watching(folder.path());
    live::until("two samples", || live::samples(folder.path()) >= 2);
    status(folder.path(), 660, 400, 10);
    assert_eq!(child.wait().expect("ends").code(), Some(10));
    for verb in ["status", "explain", "handover"] {
        let ran = run(folder.path(), &["monitor", verb, "--json"]);
        assert_eq!(
            (ran.code, ran.out.lines().count()),
            (Some(10), 1),
            "{verb}: {ran:#?}"
        );
        ran.document();
    }
    let status = run(folder.path(), &["monitor", "status", "--json"]).document();
    assert_eq!(
        (&status["verdict"], &status["latched"], &status["score"]),
        (&json!("breach"), &json!(true), &json!(3))
    );
    let note = run(folder.path(), &["monitor", "handover", "--json"]).document();
    let changes = note["changes"].as_array().expect("a list");
    for change in changes {
        assert_eq!(
            shape(change),
            [("at", "text"), ("kind", "text"), ("text", "text")],
            "{change}"
        );
    }
    assert!(
        changes.iter().any(|change| change["text"]
            .as_str()
            .is_some_and(|text| text.contains("to breach, score 3"))),
        "{note}"
    );
    // A decision tells what became of it.
    let ran = run(folder.path(), &["monitor", "ack", "--reason", "I look", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let document = ran.document();
    assert_eq!(
        shape(&document),
        [("subject", "text"), ("by", "text"), ("state", "text")]
    );
    assert_eq!(
        (&document["subject"], &document["by"]),
        (&json!("acknowledge"), &json!("alice"))
    );
    assert_eq!(run(folder.path(), &["monitor", "status"]).code, Some(10));
    run(
        folder.path(),
        &["monitor", "unlatch", "--reason", "a bad worker, replaced"],
    );
    for verb in ["status", "explain", "handover"] {
        assert_eq!(
            run(folder.path(), &["monitor", verb, "--json"]).code,
            Some(0),
            "{verb}"
        );
    }
}
