use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::assess::answers_file;
use maos_migrate::engine::assess::derive::{Standing, derive, standings};
use maos_migrate::engine::assess::{Answers, Decimal, Finding, Question, Source, Value};

use super::{at, built_in};

fn number(text: &str) -> Value {
    Value::Number(Decimal::parse(text).expect("a number"))
}

#[test]
fn typed_text_becomes_a_value_or_a_sentence() {
    let questionnaire = built_in();
    let question = |id: &str| -> Question { questionnaire.question(id).expect("there").clone() };
    let cases: &[(&str, &str, Result<Value, &str>)] = &[
        ("network_mbps", "1000", Ok(Value::Integer(1000))),
        ("network_mbps", " 1000 Mbps ", Ok(Value::Integer(1000))),
        ("network_mbps", "LOCAL", Ok(Value::Word("local".to_owned()))),
        (
            "network_mbps",
            "1200x",
            Err("1200x is not a whole number. Nothing was saved."),
        ),
        (
            "network_mbps",
            "0",
            Err("0 is not from 1 to 400000. Nothing was saved."),
        ),
        (
            "network_mbps",
            "99999999999999999999",
            Err("99999999999999999999 is not from 1 to 400000. Nothing was saved."),
        ),
        ("network_mbps", "", Err("Nothing was typed. Nothing was saved.")),
        ("failure_rate", "4.2 %", Ok(number("4.2"))),
        (
            "failure_rate",
            "101",
            Err("101 is not from 0 to 100. Nothing was saved."),
        ),
        (
            "failure_rate",
            "a lot",
            Err("a lot is not a number. Nothing was saved."),
        ),
        ("team_ready", "YES", Ok(Value::YesNo(true))),
        ("team_ready", "N", Ok(Value::YesNo(false))),
        (
            "team_ready",
            "maybe",
            Err("maybe is neither yes nor no. Nothing was saved."),
        ),
        ("task_types", "research", Ok(Value::Choice("research".to_owned()))),
        ("task_types", "2", Ok(Value::Choice("coding".to_owned()))),
        (
            "task_types",
            "5",
            Err("5 is none of: Research, Coding, Analysis, Mixed. Nothing was saved."),
        ),
        ("python_version", "3.10", Ok(Value::Version("3.10".to_owned()))),
        (
            "python_version",
            "Not Installed",
            Ok(Value::Word("not installed".to_owned())),
        ),
        (
            "python_version",
            "new",
            Err("new is not a version such as 15.7. Nothing was saved."),
        ),
        (
            "python_version",
            "\u{1b}[2J",
            Err("\\x1b[2J is not a version such as 15.7. Nothing was saved."),
        ),
    ];
    for (id, typed, expected) in cases {
        let got = question(id).parse(typed).map_err(|refusal| refusal.to_string());
        assert_eq!(got, expected.clone().map_err(str::to_owned), "{id}: {typed}");
    }
}

#[test]
fn an_answers_file_is_read_as_written() {
    let questionnaire = built_in();
    let text = "# what we know\nparallelization_score: 7\npython_version: 3.10\nnetwork_mbps: local\nteam_ready: y\n\
                business_ready:\n";
    let values = answers_file::read("answers.yml", text, &questionnaire).expect("reads");
    assert_eq!(values["parallelization_score"], number("7"));
    // Not the number 3.1.
    assert_eq!(values["python_version"], Value::Version("3.10".to_owned()));
    assert_eq!(values["team_ready"], Value::YesNo(true));
    assert!(
        !values.contains_key("business_ready"),
        "an empty answer leaves the question open"
    );
    assert!(
        answers_file::read("answers.yml", "# nothing\n", &questionnaire)
            .expect("reads")
            .is_empty()
    );
}

#[test]
fn fault_e77_an_answers_file_is_refused_with_line_and_column() {
    let questionnaire = built_in();
    for (text, message, hint) in [
        (
            "team_ready: y\nteam_redy: y\n",
            "answers.yml line 2, column 1: unknown key team_redy",
            "Did you mean team_ready?",
        ),
        (
            "team_ready: maybe\n",
            "answers.yml line 1, column 13: maybe is neither yes nor no",
            "team_ready takes yes or no.",
        ),
        (
            "cpu_cores: 1200x\n",
            "answers.yml line 1, column 12: 1200x is not a whole number",
            "cpu_cores takes a whole number from 1 to 100000.",
        ),
    ] {
        let error = answers_file::read("answers.yml", text, &questionnaire).expect_err("refused");
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Input, message));
        assert_eq!(error.hint.as_deref(), Some(hint));
    }
    for (text, place) in [
        ("team_ready: y\nteam_ready: n\n", "line 2"),
        ("team_ready: [y]\n", "line 1"),
        ("- team_ready\n", "line 1"),
        ("team_ready: {a: b}\n", "line 1"),
        ("team_ready: y\n\tcpu_cores: 4\n", "line "),
    ] {
        let error = answers_file::read("answers.yml", text, &questionnaire).expect_err(text);
        assert!(error.message.contains(place), "{text}: {error}");
    }
}

fn finding(question: &str, value: Option<Value>, evidence: &str, minute: u32) -> Finding {
    Finding {
        question: question.to_owned(),
        value,
        evidence: evidence.to_owned(),
        withdraws: false,
        at: at(minute),
    }
}

#[test]
fn a_late_probe_never_overwrites_a_stated_answer_but_offers() {
    let mut answers = Answers::default();
    answers.report(
        finding("cpu_cores", Some(Value::Integer(16)), "sched affinity", 1),
        "alice",
    );
    assert_eq!(answers.get("cpu_cores").expect("answered").source, Source::Probed);
    answers.state("cpu_cores", Value::Integer(8), "alice", at(2));
    answers.report(
        finding("cpu_cores", Some(Value::Integer(16)), "sched affinity", 3),
        "alice",
    );
    assert_eq!(answers.value("cpu_cores"), Some(&Value::Integer(8)));
    assert_eq!(
        answers.offer("cpu_cores").expect("an offer").value,
        Value::Integer(16)
    );
    assert!(answers.take_offer("cpu_cores", "alice"));
    let taken = answers.get("cpu_cores").expect("answered");
    assert_eq!(
        (&taken.value, taken.source),
        (&Value::Integer(16), Source::Probed)
    );
    assert!(
        !answers.take_offer("cpu_cores", "alice"),
        "an offer is taken once"
    );
    // A probe that agrees makes no offer, one without a figure takes nothing away.
    answers.state("ram_gb", number("64"), "alice", at(4));
    answers.report(finding("ram_gb", Some(number("64")), "/proc/meminfo", 5), "alice");
    assert!(answers.offer("ram_gb").is_none());
    answers.report(finding("cpu_cores", None, "no answer within 5 s", 6), "alice");
    assert_eq!(answers.value("cpu_cores"), Some(&Value::Integer(16)));
}

#[test]
fn answers_survive_the_journal() {
    let mut answers = Answers::default();
    answers.state("parallelization_score", number("3.6"), "lena", at(1));
    answers.state("task_types", Value::Choice("mixed".to_owned()), "lena", at(1));
    answers.report(
        finding("network_mbps", None, "eth0 does not report a link speed", 2),
        "lena",
    );
    let text = serde_json::to_string(&answers).expect("writes");
    assert_eq!(serde_json::from_str::<Answers>(&text).expect("reads"), answers);
}

#[test]
fn infrastructure_follows_from_the_requirements() {
    let questionnaire = built_in();
    let mut answers = Answers::default();
    let found = |answers: &Answers| -> (Option<Value>, String) {
        let finding = derive(&questionnaire, answers, at(9))
            .into_iter()
            .find(|finding| finding.question == "infrastructure_ready")
            .expect("derived");
        (finding.value, finding.evidence)
    };
    let (value, evidence) = found(&answers);
    assert_eq!(value, None, "nothing known is no figure, not a no");
    assert!(
        evidence.starts_with("0 of 8 met; open: CPU cores, RAM"),
        "{evidence}"
    );

    let known = "cpu_cores: 16\nram_gb: 64\nstorage_free_gb: 412\nnetwork_mbps: 1000\npostgresql_version: 15.7\n\
                 redis_version: 7.2.4, no cluster\npython_version: 3.11.9\nmaos_version: not installed\n";
    for (id, value) in answers_file::read("a.yml", known, &questionnaire).expect("reads") {
        answers.state(&id, value, "alice", at(1));
    }
    assert_eq!(
        found(&answers),
        (Some(Value::YesNo(true)), "8 of 8 met".to_owned())
    );

    answers.state(
        "python_version",
        Value::Version("3.9.2".to_owned()),
        "alice",
        at(2),
    );
    assert_eq!(
        found(&answers),
        (Some(Value::YesNo(false)), "7 of 8 met; not Python".to_owned())
    );
    let python = standings(&questionnaire, &answers)
        .into_iter()
        .find(|(question, _)| question.id == "python_version")
        .expect("there");
    assert_eq!(python.1, Standing::NotMet);

    // An answer that follows from others goes when one of them goes.
    for finding in derive(&questionnaire, &answers, at(3)) {
        answers.report(finding, "alice");
    }
    assert_eq!(answers.value("infrastructure_ready"), Some(&Value::YesNo(false)));
    answers.clear("python_version");
    for finding in derive(&questionnaire, &answers, at(3)) {
        answers.report(finding, "alice");
    }
    assert_eq!(answers.value("infrastructure_ready"), None);

    // Reported once, deriving again gives nothing new.
    for finding in derive(&questionnaire, &answers, at(3)) {
        answers.report(finding, "alice");
    }
    assert!(derive(&questionnaire, &answers, at(4)).is_empty());
}

#[test]
fn the_next_open_question_goes_round() {
    let questionnaire = built_in();
    let mut answers = Answers::default();
    for question in &questionnaire.questions {
        if !["network_mbps", "business_ready"].contains(&question.id.as_str()) {
            answers.state(&question.id, Value::Text("x".to_owned()), "alice", at(1));
        }
    }
    let next = |after: Option<&str>| {
        answers
            .next_open(&questionnaire, after)
            .map(|question| question.id.as_str())
    };
    assert_eq!(next(None), Some("network_mbps"));
    assert_eq!(next(Some("network_mbps")), Some("business_ready"));
    assert_eq!(next(Some("business_ready")), Some("network_mbps"));
}
