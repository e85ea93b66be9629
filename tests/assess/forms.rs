use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use maos_migrate::engine::assess::dialogue;
use maos_migrate::engine::assess::view::{AssessView, State, detail};
use maos_migrate::engine::assess::{Answers, Decimal, Finding, Question, Questionnaire, Value};

use super::{at, built_in};

fn report(answers: &mut Answers, question: &str, value: Option<Value>, evidence: &str, minute: u32) {
    answers.report(
        Finding {
            question: question.to_owned(),
            value,
            evidence: evidence.to_owned(),
            withdraws: false,
            at: at(minute),
        },
        "alice",
    );
}

fn question<'q>(questionnaire: &'q Questionnaire, id: &str) -> &'q Question {
    questionnaire.question(id).expect("there")
}

#[test]
fn the_form_counts_marks_and_explains() {
    let questionnaire = built_in();
    let mut answers = Answers::default();
    report(
        &mut answers,
        "cpu_cores",
        Some(Value::Integer(16)),
        "sched affinity",
        1,
    );
    report(
        &mut answers,
        "network_mbps",
        None,
        "10.0.4.7 does not report a link speed",
        1,
    );
    answers.state(
        "ram_gb",
        Value::Number(Decimal::whole(32).expect("in range")),
        "alice",
        at(2),
    );
    report(
        &mut answers,
        "ram_gb",
        Some(Value::Number(Decimal::whole(64).expect("in range"))),
        "/proc/meminfo",
        3,
    );
    let probing = BTreeSet::from(["redis_version".to_owned()]);
    let view = AssessView::new(&questionnaire, &answers, &probing);
    assert_eq!(view.headline(), "2 of 22 answered · 1 probed, 1 stated");
    let labels: Vec<String> = view
        .sections
        .iter()
        .map(maos_migrate::engine::assess::view::SectionView::label)
        .collect();
    assert_eq!(
        labels,
        [
            "Workflow 0/4",
            "Baseline 0/6",
            "Requirements 2/8",
            "Readiness 0/4"
        ]
    );
    let rows = &view.rows[2];
    let row = |title: &str| rows.iter().find(|row| row.title == title).expect("a row");
    assert_eq!(
        (
            row("CPU cores").answer.as_str(),
            row("CPU cores").source,
            row("CPU cores").evidence.as_str()
        ),
        ("16", "probed", "sched affinity")
    );
    assert_eq!(
        (row("RAM").state, row("RAM").answer.as_str()),
        (State::Offer, "32 GB")
    );
    assert_eq!(
        (row("Redis").state, row("Redis").source),
        (State::Probing, "probing")
    );
    assert_eq!(row("Network link").state, State::NotAnswered);
    assert!(
        view.now_line().starts_with("20 open: Current system, Task types"),
        "{}",
        view.now_line()
    );

    let network = detail(question(&questionnaire, "network_mbps"), &answers, false, Some(5));
    let lines: Vec<String> = network
        .iter()
        .map(|line| format!("{} | {} | {}", line.label, line.text, line.key))
        .collect();
    assert_eq!(
        lines,
        [
            "Answer | a whole number from 1 to 400000, in Mbps, or local | ",
            "Needs | at least 100 Mbps, or local | ",
            "Why | It sets the pace of the checkpoint and schema steps. | ",
            "Risk | below 100: copying 1.2 M rows may take hours | ",
            "Instead | run both sides on one network, or plan a longer window | ",
            "Probe | no figure: 10.0.4.7 does not report a link speed (5 s) | r again",
        ]
    );
    let ram = detail(question(&questionnaire, "ram_gb"), &answers, false, Some(5));
    let probe = ram.last().expect("a line");
    assert_eq!(
        (probe.text.as_str(), probe.key.as_str()),
        ("says 64 GB, from /proc/meminfo", "r use 64 GB")
    );
}

#[test]
fn the_prompts_say_what_the_form_shows() {
    let questionnaire = built_in();
    let mut answers = Answers::default();
    let four = Value::Number(Decimal::whole(4).expect("in range"));
    report(
        &mut answers,
        "parallelization_score",
        Some(four.clone()),
        "37 tasks read",
        9,
    );
    report(
        &mut answers,
        "infrastructure_ready",
        Some(Value::YesNo(true)),
        "8 of 8 met",
        1,
    );
    let zone = TimeZone::UTC;
    let score = question(&questionnaire, "parallelization_score");
    assert_eq!(
        dialogue::question_line(score, &answers, 1, 4, Some(25), &zone),
        "Question 1 of 4. Average task parallelization score, 0 to 10. Suggested: 4, from 37 tasks read 14:09. Up to 25 \
         points."
    );
    assert_eq!(
        dialogue::prompt(score, &answers),
        "Press Enter for 4, or type a number >"
    );
    assert_eq!(dialogue::typed(score, &answers, ""), Ok(None));
    assert_eq!(
        dialogue::kept(score, &four, Some((10, 25))),
        "Kept: 4. 10 of 25 points."
    );

    let infrastructure = question(&questionnaire, "infrastructure_ready");
    assert_eq!(
        dialogue::question_line(infrastructure, &answers, 2, 4, Some(25), &zone),
        "Question 2 of 4. Infrastructure meets MAOS requirements. 1 yes, 2 no. Probed: 8 of 8 met, 14:01."
    );
    assert_eq!(
        dialogue::prompt(infrastructure, &answers),
        "Press Enter for yes, or type 1 or 2 >"
    );

    let team = question(&questionnaire, "team_ready");
    assert_eq!(
        dialogue::question_line(team, &answers, 3, 4, Some(25), &zone),
        "Question 3 of 4. Team familiar with async and parallel concepts. 1 yes, 2 no. Not probed."
    );
    assert_eq!(dialogue::prompt(team, &answers), "Type 1 or 2 >");
    assert_eq!(
        dialogue::explain(team),
        "Explain: work no longer ends in the order it was started. A no costs 25 points and adds training to the actions."
    );
    let refusal = dialogue::typed(team, &answers, "maybe").expect_err("refused");
    assert_eq!(
        dialogue::refused(team, "maybe", &refusal),
        "Not understood: maybe. Nothing was saved."
    );
    assert_eq!(dialogue::typed(team, &answers, "1"), Ok(Some(Value::YesNo(true))));
    assert_eq!(
        dialogue::typed(team, &answers, "2"),
        Ok(Some(Value::YesNo(false)))
    );
    assert!(
        dialogue::typed(team, &answers, "").is_err(),
        "there is nothing to keep"
    );
}
