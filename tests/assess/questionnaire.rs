use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::assess::{Kind, Questionnaire};

use super::built_in;

#[test]
fn the_built_in_one_asks_22_questions_in_4_sections() {
    let questionnaire = built_in();
    let counts: Vec<(&str, usize)> = questionnaire
        .sections
        .iter()
        .map(|section| {
            (
                section.heading.as_str(),
                questionnaire.in_section(&section.id).count(),
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            ("Workflow Analysis", 4),
            ("Performance Baseline", 6),
            ("Technical Requirements", 8),
            ("Migration Readiness", 4),
        ]
    );
    assert_eq!(questionnaire.questions.len(), 22);
    for question in &questionnaire.questions {
        for (what, text) in [
            ("text", &question.text),
            ("explanation", &question.explanation),
            ("risk", &question.risk),
            ("rationale", &question.rationale),
            ("mitigation", &question.mitigation),
        ] {
            assert!(!text.trim().is_empty(), "{} has no {what}", question.id);
        }
        let numeric = matches!(question.kind, Kind::Number { .. } | Kind::Integer { .. });
        assert!(numeric || question.unit.is_empty(), "{}", question.id);
    }
    assert_eq!(questionnaire.sha256.len(), 64);
}

/// The built-in text with one change.
fn changed(from: &str, to: &str) -> String {
    let text = Questionnaire::built_in_text();
    assert!(text.contains(from), "the test's text is not there: {from}");
    text.replacen(from, to, 1)
}

#[test]
fn fault_e77_every_mistake_is_refused_with_its_place() {
    let cases = [
        (changed("version: 1\n", "version: 2\n"), "version 1"),
        (changed("id: task_types", "id: current_system"), "second question"),
        (changed("id: baseline\n", "id: workflow\n"), "second section"),
        (changed("id: cpu_cores", "id: CPU cores"), "a to z"),
        (changed("type: choice", "type: chioce"), "the type must be"),
        (changed("type: choice", "type: text"), "only a choice has options"),
        (
            changed("min: 0\n        max: 100000\n", "max: 100000\n"),
            "min and max",
        ),
        (
            changed("min: 0\n        max: 100000\n", "min: 5\n        max: 5\n"),
            "greater than min",
        ),
        (
            changed("min: 0\n        max: 100000\n", "min: x\n        max: 5\n"),
            "six digits",
        ),
        (changed("probe: task_duration", "prob: task_duration"), "prob"),
        (changed("at_least: \"13\"", "at_least: new"), "at_least must be"),
        (
            changed("words: [local]}", "words: [remote]}"),
            "a word that the question does not take",
        ),
        (
            changed("{task_types}", "{task_type}"),
            "no question has the id task_type",
        ),
        (changed("{task_types}", "{task_types.why}"), "only .evidence"),
        (
            changed("title: CPU cores\n", "title: CPU cores\n        title: again\n"),
            "duplicate",
        ),
    ];
    for (text, word) in cases {
        let error = Questionnaire::read("questionnaire.yml", &text).expect_err(word);
        assert_eq!(error.kind, ErrorKind::Input);
        assert!(
            error.message.starts_with("questionnaire.yml line ") && error.message.contains(", column "),
            "{error}"
        );
        assert!(error.message.contains(word), "{word}: {error}");
    }
}

#[test]
fn the_four_readiness_questions_must_be_there_with_their_kinds() {
    for (text, word) in [
        (
            changed("id: team_ready", "id: team_raedy").replace("{team_ready}", "-"),
            "team_ready is missing",
        ),
        (
            changed("min: 0\n        max: 10\n", "min: 0\n        max: 100\n"),
            "parallelization_score must be a number from 0 to 10",
        ),
    ] {
        let error = Questionnaire::read("questionnaire.yml", &text).expect_err(word);
        assert!(error.message.contains(word), "{error}");
    }
}
