use maos_migrate::engine::assess::{Answers, Finding, Value, document};

use super::{at, built_in};

fn some_answers() -> Answers {
    let mut answers = Answers::default();
    answers.state(
        "current_system",
        Value::Choice("sequential".to_owned()),
        "alice",
        at(1),
    );
    answers.state("business_ready", Value::YesNo(true), "lena | <b>", at(2));
    let mut report = |question: &str, value: Option<Value>, evidence: &str| {
        answers.report(
            Finding {
                question: question.to_owned(),
                value,
                evidence: evidence.to_owned(),
                withdraws: false,
                at: at(3),
            },
            "alice",
        );
    };
    report("cpu_cores", Some(Value::Integer(1)), "sched affinity");
    report(
        "postgresql_version",
        Some(Value::Version("15.7".to_owned())),
        "server_version",
    );
    report("network_mbps", None, "eth0 does not report a link speed");
    answers
}

#[test]
fn defect_01_the_file_says_what_was_measured_and_what_is_open() {
    let text = document::markdown(&built_in(), &some_answers(), "acme-billing");
    for line in [
        "# Assessment of acme-billing",
        "## Workflow Analysis",
        "Current system: Sequential  ",
        "Task types: not answered  ",
        "## Performance Baseline",
        "Resource utilization: CPU not answered, Memory not answered  ",
        "## Technical Requirements",
        "- CPU cores: 1",
        "- Database: PostgreSQL 15.7 (server_version)",
        "| CPU cores | 1 | probed | sched affinity | 2026-11-22T14:03:00Z |",
        "| Network link | not answered | - | no figure: eth0 does not report a link speed | - |",
        "| Performance justifies cost | yes | stated | by lena \\| \\<b\\> | 2026-11-22T14:02:00Z |",
        "- CPU cores: 1, needs at least 2. Risk: below 2: agents take turns and nothing is gained. Instead: run MAOS on a \
         machine with at least 2 cores, better 4.",
    ] {
        assert!(text.lines().any(|have| have == line), "missing: {line}\n{text}");
    }
    assert!(!text.contains("[X"), "no placeholder of the checklist is left");
}

#[test]
fn the_json_gives_every_answer_with_its_source() {
    let text = document::json(&built_in(), &some_answers(), "acme-billing");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (json["answered"].as_u64(), json["total"].as_u64()),
        (Some(4), Some(22))
    );
    let cores = &json["sections"][2]["questions"][0];
    assert_eq!(cores["id"], "cpu_cores");
    assert_eq!(
        (&cores["answer"], &cores["source"]),
        (&1.into(), &"probed".into())
    );
    assert_eq!(cores["requirement"]["met"], false);
    assert_eq!(
        json["sections"][2]["questions"][3]["answer"],
        serde_json::Value::Null
    );
    assert_eq!(json["open"].as_array().map(Vec::len), Some(18));
}

#[test]
fn equal_answers_give_equal_files() {
    let (one, two) = (built_in(), built_in());
    assert_eq!(
        document::markdown(&one, &some_answers(), "a"),
        document::markdown(&two, &some_answers(), "a")
    );
    assert_eq!(
        document::json(&one, &some_answers(), "a"),
        document::json(&two, &some_answers(), "a")
    );
}
