//! The guide's formula as written, and the defects of its decomposition and staging with the correct behaviour.
//!
//! `guide_golden.tsv` holds what the guide's own formula gives: score, type, description. It is matched exactly, its
//! substring matching (defects 3 and 9) and its labels (defect 2) being the formula as written.

use maos_migrate::engine::tasks::stages::file::{GraphError, StageReport, read};
use maos_migrate::engine::tasks::{Band, Decomposition, Rules, decompose, types};

fn default(text: &str) -> Decomposition {
    decompose(0.into(), text, &Rules::default_with(None).expect("rules"))
}

#[test]
fn guide_rules_give_the_guides_scores_and_types_on_a_thousand_descriptions() {
    let rules = Rules::guide().expect("rules");
    let mut cases = 0;
    for line in include_str!("guide_golden.tsv").lines() {
        let mut cells = line.splitn(3, '\t');
        let (score, kind, text) = (
            cells.next().expect("score"),
            cells.next().expect("type"),
            cells.next().expect("text"),
        );
        let made = decompose(0.into(), text, &rules);
        assert_eq!(made.parallelism.score.to_string(), score, "{text}");
        assert_eq!(types::of_task(text, &rules), kind, "{text}");
        cases += 1;
    }
    assert_eq!(cases, 1000);
}

#[test]
fn defect_02_the_band_follows_the_score_and_the_words_are_shown() {
    let made = decompose(
        0.into(),
        "Research top 5 cloud providers and compare pricing",
        &Rules::guide().expect("rules"),
    );
    assert_eq!((made.parallelism.score, made.parallelism.band), (2, Band::Low));
    assert!(
        made.reasons.iter().any(|reason| reason.contains("\"compare\"")),
        "{:?}",
        made.reasons
    );
    let made = default("Research top 5 cloud providers and compare pricing");
    assert_eq!(made.parallelism.band, Band::High);
    assert!(!made.reasons.is_empty());
}

#[test]
fn defect_03_words_are_matched_whole() {
    let made = default("Comparex the multipler");
    assert!(
        made.reasons
            .iter()
            .all(|reason| !reason.contains("\"compare\"") && !reason.contains("\"multiple\"")),
        "{:?}",
        made.reasons
    );
}

#[test]
fn defect_25_the_coordinator_waits_for_every_subtask() {
    for count in 2..=9 {
        let text = (1..=count)
            .map(|i| format!("- Check part {i}"))
            .collect::<Vec<_>>()
            .join("\n");
        let made = default(&text);
        let last = made.subtasks.last().expect("a coordinator");
        assert_eq!(last.kind, "coordination");
        assert_eq!(last.dependencies, (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn defect_26_lists_are_split_whole_and_nothing_is_invented() {
    let words = |text: &str| {
        default(text)
            .subtasks
            .into_iter()
            .filter(|s| s.kind != "coordination")
            .map(|s| s.description)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words("Research cats and dogs"),
        ["Research cats", "Research dogs"]
    );
    assert_eq!(
        words("Research cats, cats and dogs"),
        ["Research cats", "Research dogs"]
    );
    assert_eq!(
        words("Implement user authentication, password reset, and profile management features").len(),
        3
    );
    assert_eq!(
        words("Research AWS, Azure and GCP pricing"),
        [
            "Research AWS pricing",
            "Research Azure pricing",
            "Research GCP pricing"
        ]
    );
}

#[test]
fn defect_27_the_bound_says_what_the_guides_efficiency_does_not() {
    let star = StageReport::read(br#"[{"id":1,"dependencies":[]},{"id":2,"dependencies":[]},{"id":3,"dependencies":[]},{"id":4,"dependencies":[1,2,3]}]"#).expect("plan");
    assert!((star.metrics.parallelization_efficiency - 0.5).abs() < 1e-12);
    assert!((star.metrics.speedup_bound - 2.0).abs() < 1e-12);
    let weighted = StageReport::read(br#"[{"id":"a","dependencies":[],"weight":9},{"id":"b","dependencies":[],"weight":1},{"id":"c","dependencies":["b"],"weight":1}]"#).expect("plan");
    assert!((weighted.metrics.speedup_bound - 11.0 / 9.0).abs() < 1e-12);
    assert_eq!(
        weighted.metrics.critical_path_length, 2,
        "the guide counts stages"
    );
    assert!((weighted.path.length - 9.0).abs() < 1e-12);
    let single = StageReport::read(br#"[{"id":1,"dependencies":[]}]"#).expect("plan");
    assert!((single.metrics.parallelization_efficiency - 1.0).abs() < 1e-12);
    assert!((single.metrics.speedup_bound - 1.0).abs() < 1e-12);
}

#[test]
fn defect_28_missing_and_self_dependencies_are_named() {
    let missing = read(br#"[{"id":"a","dependencies":["x"]},{"id":"b","dependencies":["a","y"]}]"#)
        .expect_err("refused");
    assert_eq!(
        missing,
        GraphError::Missing(vec![("a".into(), "x".into()), ("b".into(), "y".into())])
    );
    assert!(missing.to_string().contains("b waits for y"));
    let itself = read(br#"[{"id":"a","dependencies":["a"]}]"#).expect_err("refused");
    assert_eq!(itself, GraphError::Itself(vec!["a".into()]));
    let empty = StageReport::read(b"[]").expect("an empty graph is a graph");
    assert_eq!(
        (empty.metrics.total_tasks, empty.metrics.execution_stages),
        (0, 0)
    );
}

#[test]
fn defect_29_stages_stand_in_the_order_of_the_file() {
    let report = StageReport::read(br#"[{"id":"z","dependencies":[]},{"id":9,"dependencies":["z"]},{"id":"a","dependencies":[]},{"id":3,"dependencies":["a"]}]"#).expect("plan");
    let json = serde_json::to_value(&report).expect("json");
    assert_eq!(json["stages"], serde_json::json!([["z", "a"], [9, 3]]));
}
