//! The readiness score against the guide's calculator, and what goes beyond it.

#![cfg(test)]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maos_migrate::engine::assess::answers_file;
use maos_migrate::engine::assess::{Answers, Decimal, Finding, Questionnaire, Value};
use maos_migrate::engine::readiness::{Band, Blocker, Facts, Readiness, TaskFacts, score, sentences};

fn at() -> Timestamp {
    "2026-11-22T14:06:00Z".parse().expect("a time")
}

fn questionnaire() -> Questionnaire {
    Questionnaire::built_in().expect("the built-in questionnaire reads")
}

fn from_yaml(text: &str) -> Readiness {
    let questionnaire = questionnaire();
    let answers =
        answers_file::read_answers("answers.yml", text, &questionnaire, "lena", at()).expect("reads");
    score(&questionnaire, &answers, &Facts::default())
}

/// What the guide's calculator printed for every combination, recorded once.
const RECORDED: &str = include_str!("guide_scores.tsv");

#[test]
fn all_88_combinations_give_the_guides_number_and_sentence() {
    let mut seen = 0;
    for line in RECORDED.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [parallel, infrastructure, team, business, number, sentence] = cells[..] else {
            panic!("six cells: {line}")
        };
        let result = from_yaml(&format!(
            "parallelization_score: {parallel}\ninfrastructure_ready: {infrastructure}\nteam_ready: {team}\nbusiness_ready: {business}\n"
        ));
        assert_eq!(result.score.to_string(), number, "{line}");
        assert_eq!(result.recommendation, sentence, "{line}");
        assert!(result.blockers.is_empty() && result.unanswered.is_empty());
        // The formula, by itself: the recording and the formula must agree as well.
        let yes = |answer: &str| i64::from(answer == "y") * 25;
        let own = parallel.parse::<i64>().expect("a number") * 25 / 10
            + yes(infrastructure)
            + yes(team)
            + yes(business);
        assert_eq!(result.score, own, "{line}");
        seen += 1;
    }
    assert_eq!(seen, 88);
}

#[test]
fn defect_04_yes_is_taken_in_any_case_and_nonsense_is_refused() {
    let result = from_yaml(
        "parallelization_score: 10\ninfrastructure_ready: Y\nteam_ready: YES\nbusiness_ready: true\n",
    );
    assert_eq!(result.score, 100);
    let questionnaire = questionnaire();
    for bad in ["11", "-1", "a[$(reboot)]", "x", "1e1"] {
        let error = answers_file::read(
            "a.yml",
            &format!("parallelization_score: '{bad}'\n"),
            &questionnaire,
        )
        .expect_err("refused");
        assert!(error.message.starts_with("a.yml line 1, column 24: "), "{error}");
    }
}

#[test]
fn fractional_means_are_floored_exactly() {
    for (mean, points, arithmetic) in [
        ("3.6", 9, "3.6 x 25 / 10 = 9"),
        ("3.7", 9, "3.7 x 25 / 10 = 9.25, cut to 9"),
        ("0.4", 1, "0.4 x 25 / 10 = 1"),
        ("0.399999", 0, "0.399999 x 25 / 10 = 0.999997, cut to 0"),
        ("9.999999", 24, "9.999999 x 25 / 10 = 24.999997, cut to 24"),
    ] {
        let result = from_yaml(&format!("parallelization_score: {mean}\n"));
        assert_eq!(result.score, points, "{mean}");
        assert_eq!(result.dimensions[0].arithmetic, arithmetic);
    }
}

#[test]
fn the_mean_of_task_scores_never_gains_a_point_by_rounding() {
    // Against the exact fraction: floor(sum × 25 ÷ (10 × tasks)).
    for tasks in 1..60_u64 {
        for sum in 0..=tasks * 10 {
            let Some(Value::Number(mean)) = maos_migrate::engine::assess::derive::mean_score(sum, tasks)
            else {
                panic!("a mean")
            };
            assert_eq!(
                mean.scaled_floor(25, 10),
                i64::try_from(sum * 25 / (10 * tasks)).ok(),
                "{sum} over {tasks}"
            );
        }
    }
}

#[test]
fn unanswered_is_zero_and_listed_and_lowers_the_confidence() {
    let result = from_yaml("parallelization_score: 4\ninfrastructure_ready: yes\n");
    assert_eq!((result.score, result.confidence), (35, 50));
    assert_eq!(result.unanswered, ["team_ready", "business_ready"]);
    assert_eq!(
        sentences::unanswered(&result),
        "2 not answered, counted as 0: Team, Business. Answering them can add 50."
    );
    let empty = from_yaml("");
    assert_eq!((empty.score, empty.confidence, empty.band), (0, 0, Band::Improve));
    assert_eq!(empty.unanswered.len(), 4);
}

#[test]
fn a_blocker_stands_first_caps_the_band_and_leaves_the_number() {
    let questionnaire = questionnaire();
    let text = "parallelization_score: 10\ninfrastructure_ready: y\nteam_ready: y\nbusiness_ready: y\n";
    let mut answers = answers_file::read_answers("a.yml", text, &questionnaire, "lena", at()).expect("reads");
    let blocker = Blocker {
        id: "no_space_for_backup".to_owned(),
        text: "no space for a backup on /srv (9.1 GB needed, 2.0 GB free)".to_owned(),
        mitigation: "free 7.1 GB on /srv".to_owned(),
        locks: None,
    };
    let facts = Facts {
        blockers: vec![blocker],
        tasks: None,
    };
    let held = score(&questionnaire, &answers, &facts);
    assert_eq!((held.score, held.band), (100, Band::AddressGaps));
    assert_eq!(
        sentences::now_line(&held),
        "100 of 100, band held at Address gaps before migration by a blocker: no space for a backup on /srv (9.1 GB \
         needed, 2.0 GB free)."
    );
    // A cap never lifts a band.
    answers.clear("team_ready");
    answers.clear("business_ready");
    assert_eq!(score(&questionnaire, &answers, &facts).band, Band::Improve);
    // A stated answer below a requirement that blocks is a blocker of its own.
    answers.state(
        "postgresql_version",
        Value::Version("9.6.24".to_owned()),
        "lena",
        at(),
    );
    let result = score(&questionnaire, &answers, &Facts::default());
    assert_eq!(result.blockers.len(), 1);
    assert_eq!(
        result.blockers[0].text,
        "PostgreSQL 9.6.24, needs at least 13, or not used"
    );
}

#[test]
fn actions_are_ranked_by_gain_and_say_how() {
    let result = from_yaml("parallelization_score: 4\ninfrastructure_ready: n\nteam_ready: n\n");
    let ranked: Vec<(i64, &str)> = result
        .actions
        .iter()
        .map(|action| (action.gain, action.text.as_str()))
        .collect();
    assert_eq!(
        ranked,
        [
            (
                25,
                "Meet the technical requirements that are not met (Environment)"
            ),
            (
                25,
                "Train the team in async and parallel work, on a rehearsal of this migration"
            ),
            (25, "Answer: Performance improvements justify migration cost"),
            (15, "Split tasks scored low into parts that stand alone (Tasks)"),
        ]
    );
    assert_eq!(result.actions[2].command.as_deref(), Some("maos-migrate assess"));
    assert!(
        from_yaml("parallelization_score: 10\ninfrastructure_ready: y\nteam_ready: y\nbusiness_ready: y\n")
            .actions
            .is_empty()
    );
}

#[test]
fn the_gain_of_splitting_is_what_the_new_mean_gives() {
    let questionnaire = questionnaire();
    let mut answers = Answers::default();
    answers.report(
        Finding {
            question: "parallelization_score".to_owned(),
            value: Some(Value::Number(Decimal::whole(4).expect("in range"))),
            evidence: "10 tasks read".to_owned(),
            withdraws: false,
            at: at(),
        },
        "lena",
    );
    let facts = Facts {
        blockers: Vec::new(),
        tasks: Some(TaskFacts {
            tasks: 10,
            sum: 40,
            low: vec![("c".to_owned(), 1), ("a".to_owned(), 0), ("b".to_owned(), 0)],
            split_to: 4,
        }),
    };
    let result = score(&questionnaire, &answers, &facts);
    let split: Vec<(&str, i64)> = result
        .actions
        .iter()
        .filter(|action| action.text.contains("(Tasks)"))
        .map(|action| (action.text.as_str(), action.gain))
        .collect();
    // (40 + 11) ÷ 10 = 5.1: 12 points, +2. (40 + 8) ÷ 10 = 4.8: 12 points, +2.
    assert_eq!(
        split,
        [
            (
                "Split the 3 tasks scored low into parts that stand alone (Tasks)",
                2
            ),
            ("Write a and b as lists (Tasks)", 2),
        ]
    );
}

#[test]
fn the_json_has_the_fields_of_the_contract() {
    let result =
        from_yaml("parallelization_score: 4\ninfrastructure_ready: y\nteam_ready: y\nbusiness_ready: n\n");
    let json = serde_json::to_value(&result).expect("writes");
    assert_eq!(json["score"], 60);
    assert_eq!(json["max"], 100);
    assert_eq!(json["band"], "address_gaps");
    assert_eq!(json["recommendation"], "Address gaps before migration");
    let ids: Vec<&str> = json["dimensions"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|dimension| dimension["id"].as_str().expect("a name"))
        .collect();
    assert_eq!(ids, ["parallelization", "infrastructure", "team", "business"]);
    assert_eq!(json["dimensions"][0]["points"], 10);
    assert_eq!(json["dimensions"][0]["max"], 25);
    assert_eq!(json["blockers"], serde_json::json!([]));
    assert_eq!(json["actions"][0]["gain"], 25);
    assert!(json["actions"][0]["text"].is_string());
    let back: Readiness = serde_json::from_value(json).expect("reads back");
    assert_eq!(back, result);
}

#[test]
fn the_closing_lines_of_the_prompts() {
    let result =
        from_yaml("parallelization_score: 4\ninfrastructure_ready: y\nteam_ready: y\nbusiness_ready: y\n");
    assert_eq!(
        sentences::plain(&result, Some(maos_migrate::engine::Capability::Tasks)),
        [
            "Done. Readiness 85 of 100, band proceed. 4 x 25 / 10 = 10; 10 + 25 + 25 + 25 = 85.",
            "Recommendation: Proceed with migration. Blockers: none. Unanswered: none.",
            "Next 1: split tasks scored low into parts that stand alone (Tasks), gain 15. Next 2: go on to tasks.",
        ]
    );
    assert_eq!(
        sentences::now_line(&result),
        "85 of 100 is in the band 80 to 100."
    );
    assert_eq!(
        sentences::arithmetic(&result),
        "4 × 25 ÷ 10 = 10    10 + 25 + 25 + 25 = 85    80 or more: proceed"
    );
    assert_eq!(
        sentences::evidence(&result.dimensions[2], &TimeZone::UTC),
        "yes, lena 14:06"
    );
}
