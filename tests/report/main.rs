//! The report: what it says, what it never leaves out, and that nothing from outside becomes markup.

#![cfg(test)]

mod measured;
mod monitoring;

use jiff::Timestamp;
use maos_migrate::engine::Capability;
use maos_migrate::engine::assess::{Questionnaire, answers_file};
use maos_migrate::engine::operation::{ProofLine, Quarantined};
use maos_migrate::engine::readiness::{Facts, score};
use maos_migrate::engine::report::model::Counts;
use maos_migrate::engine::report::{
    Artifact, Journal, Part, PartState, QuarantineGroup, Report, Signed, accounted_for, html, html_report,
    markdown, markdown_report, now_line, open_items,
};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn part(
    capability: Capability,
    state: PartState,
    outcome: &str,
    counts: Option<(&str, u64, u64, u64)>,
) -> Part {
    Part {
        capability,
        state,
        outcome: outcome.to_owned(),
        evidence: "journal 1-9".to_owned(),
        by: "alice".to_owned(),
        at: Some(at("2026-11-22T13:12:00Z")),
        counts: counts.map(|(unit, source, converted, quarantined)| Counts {
            unit: unit.to_owned(),
            source,
            converted,
            unchanged: 0,
            quarantined,
        }),
        proof: vec![ProofLine {
            what: "SHA-256 of all rows".to_owned(),
            source: "ab12".to_owned(),
            target: "ab12".to_owned(),
            equal: true,
        }],
    }
}

fn item(kind: &str, reason: &str, key: &str) -> Quarantined {
    Quarantined {
        kind: kind.to_owned(),
        key: key.to_owned(),
        reason: reason.to_owned(),
        place: "column status".to_owned(),
        why: "status \"archived\" has no rule".to_owned(),
        hint: "map archived to COMPLETED".to_owned(),
        raw: "never shown".to_owned(),
    }
}

fn report() -> Report {
    let questionnaire = Questionnaire::built_in().expect("reads");
    let text = "parallelization_score: 4\ninfrastructure_ready: y\nteam_ready: y\nbusiness_ready: y\n";
    let answers =
        answers_file::read_answers("a.yml", text, &questionnaire, "lena", at("2026-11-22T13:06:00Z"))
            .expect("reads");
    let mut items: Vec<Quarantined> = (1..=45)
        .map(|id| item("row", "unknown_status", &format!("id {id}")))
        .collect();
    items.push(item("task", "bad_json", "line 23 <script>alert(1)</script> | x"));
    Report {
        product: "maos-migrate 0.1.0".to_owned(),
        migration: "acme-billing".to_owned(),
        kind: "Brownfield".to_owned(),
        environment: "PRODUCTION".to_owned(),
        rehearsal: false,
        asked: vec![(
            "Target database".to_owned(),
            "postgres://maos:******@db/maos".to_owned(),
        )],
        parts: vec![
            part(Capability::Assess, PartState::Done, "22 of 22 answered", None),
            part(
                Capability::Tasks,
                PartState::DoneWithQuarantine,
                "39 + 1",
                Some(("tasks", 40, 39, 1)),
            ),
            Part {
                capability: Capability::Environment,
                state: PartState::NotRun,
                outcome: String::new(),
                evidence: String::new(),
                by: String::new(),
                at: None,
                counts: None,
                proof: Vec::new(),
            },
            part(
                Capability::Schema,
                PartState::DoneWithQuarantine,
                "1,204,266 + 45",
                Some(("rows", 1_204_311, 1_204_266, 45)),
            ),
        ],
        signed: vec![Signed {
            capability: Capability::Schema,
            title: "Copy 1,204,311 rows".to_owned(),
            digest: "7f3a91c2".to_owned(),
            operator: "alice".to_owned(),
            at: at("2026-11-22T13:13:00Z"),
        }],
        quarantine: QuarantineGroup::of(&items),
        monitoring: None,
        readiness: Some(score(&questionnaire, &answers, &Facts::default())),
        comparison: None,
        validation: None,
        rollback: None,
        artifacts: vec![Artifact {
            path: "tasks/maos_tasks.json".to_owned(),
            bytes: 12_345,
            sha256: "c0ffee".repeat(10) + "beef",
        }],
        journal: Journal {
            events: 412,
            first: Some(at("2026-11-22T12:58:00Z")),
            last: Some(at("2026-11-22T13:44:00Z")),
            gaps: Vec::new(),
        },
        as_of: at("2026-11-22T13:44:00Z"),
        zone: "Europe/Zurich".to_owned(),
    }
}

#[test]
fn it_says_what_was_asked_done_by_whom_and_how_it_is_known() {
    let text = markdown_report(&report());
    for line in [
        "# Migration report of acme-billing",
        "Accounted for: tasks 40 = 39 + 1 · rows 1,204,311 = 1,204,266 + 45.",
        "46 items are in quarantine. As of 2026-11-22 14:44:00 CET, written by maos-migrate 0.1.0. Times are in \
         Europe/Zurich.",
        "| Target database | postgres://maos:\\*\\*\\*\\*\\*\\*@db/maos |",
        "| Tasks | done, with quarantine | 39 + 1 | journal 1-9 | alice | 2026-11-22 14:12:00 CET |",
        "| Environment | not run | not run | - | - | - |",
        "| Schema | every one of the rows is accounted for | 1,204,311 | 1,204,266 + 45 | equal |",
        "| Schema | SHA-256 of all rows | ab12 | ab12 | equal |",
        "Score: 85/100 █████████████████░░░",
        "No rollback was made.",
        "Arithmetic: 4 x 25 / 10 = 10; 10 + 25 + 25 + 25 = 85.",
        "| 2026-11-22 14:13:00 CET | alice | Schema | Copy 1,204,311 rows | 7f3a91c2 |",
        "412 events, no gap in their numbers, 2026-11-22 13:58:00 CET to 2026-11-22 14:44:00 CET.",
    ] {
        assert!(text.lines().any(|have| have == line), "missing: {line}\n{text}");
    }
    assert!(
        text.contains("id 5 (column status), 40 more"),
        "five examples, the rest counted"
    );
    assert!(!text.contains("never shown"), "raw forms stay in quarantine");
    assert_eq!(
        now_line(&report()),
        "Every item is accounted for; 46 are in quarantine."
    );
}

#[test]
fn both_forms_say_the_same_and_equal_reports_are_equal() {
    let report = report();
    let (text, page) = (markdown_report(&report), html_report(&report, None));
    assert_eq!(text, markdown_report(&report.clone()));
    assert_eq!(page, html_report(&report.clone(), None));
    let headings = |text: &str, mark: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(mark))
            .map(|line| line.trim_end_matches("</h2>").to_owned())
            .collect()
    };
    assert_eq!(headings(&text, "## "), headings(&page, "<h2>"));
    assert_eq!(headings(&text, "## ").len(), 9);
    let rows = |text: &str, mark: &str| text.lines().filter(|line| line.starts_with(mark)).count();
    // Every table has one more line in Markdown, the rule under its header, and HTML one header line of its own kind.
    assert_eq!(rows(&text, "| ") - rows(&text, "|---"), rows(&page, "<tr>"));
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let mut report = report();
    report.migration = "<img src=x onerror=alert(1)> `a` [l](http://x) \u{1b}[2J".to_owned();
    let page = html_report(&report, None);
    assert!(
        !page.contains("<img") && !page.contains("<script") && !page.contains('\u{1b}'),
        "{page}"
    );
    let text = markdown_report(&report);
    let plain = |mark: char| {
        let chars: Vec<char> = text.chars().collect();
        (1..chars.len()).any(|i| chars[i] == mark && chars[i - 1] != '\\')
    };
    assert!(
        !plain('<') && !plain('[') && !plain('`') && !text.contains('\u{1b}'),
        "{text}"
    );
    assert!(text.contains("\\<script\\>alert(1)\\</script\\> \\| x"), "{text}");
    // A value that looks like a placeholder of the page stays a value.
    report.migration = "{{body}}".to_owned();
    assert_eq!(
        html_report(&report, Some("<h>{{title}}</h>")),
        "<h>Migration report of {{body}}</h>"
    );
    assert_eq!(html::escape("a\"b'c"), "a&quot;b&#39;c");
    assert_eq!(
        markdown::escape("# a_b _c_ *d*\n| e"),
        "\\# a_b \\_c\\_ \\*d\\* \\| e"
    );
}

#[test]
fn a_rehearsal_says_so_in_every_heading() {
    let mut report = report();
    report.rehearsal = true;
    let text = markdown_report(&report);
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(headings.len(), 10);
    assert!(
        headings.iter().all(|heading| heading.contains("REHEARSAL")),
        "{headings:?}"
    );
    assert!(html_report(&report, None).contains("<title>REHEARSAL: "));
}

#[test]
fn what_is_not_proved_comes_first_and_nothing_is_left_out() {
    let mut report = report();
    report.parts[3].state = PartState::Stopped;
    report.parts[3].outcome = "stopped at 60 %".to_owned();
    report.parts[1].counts = Some(Counts {
        unit: "tasks".to_owned(),
        source: 40,
        converted: 37,
        unchanged: 0,
        quarantined: 2,
    });
    let text = markdown_report(&report);
    let mut lines = text.lines().filter(|line| !line.is_empty()).skip(1);
    assert_eq!(
        lines.next(),
        Some("> **Note.** Schema is not proved (stopped at 60 %).")
    );
    assert_eq!(
        lines.next(),
        Some("> **Note.** Not every item is accounted for: tasks 40 ≠ 37 + 2: 1 not accounted for.")
    );
    assert!(text.contains("| 37 + 2 | DIFFERS |"));
    assert!(now_line(&report).starts_with("Schema is not proved (stopped at 60 %)."));

    // More was set aside than is listed: the number is the true one and the gap is named.
    report.quarantine.truncate(0);
    assert_eq!(open_items(&report), 47);
    assert!(markdown_report(&report).contains("The table counts the first 0 of 47 items"));

    for part in &mut report.parts {
        part.state = PartState::NotRun;
        part.outcome = String::new();
        part.counts = None;
    }
    assert!(markdown_report(&report).contains("Nothing has run yet."));
    assert!(markdown_report(&report).contains("| Schema | not run | not run |"));
    assert_eq!(accounted_for(&report), "");
}
