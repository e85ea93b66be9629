//! What the report says of the watch, and its plots.

use jiff::Timestamp;
use maos_migrate::engine::Capability;
use maos_migrate::engine::event::{Event, EventKind};
use maos_migrate::engine::monitor::watch::Begin;
use maos_migrate::engine::monitor::{Criteria, Gap, Health, Probe, Sample, Taken, Tasks};
use maos_migrate::engine::report::{PartState, Report, gather, html_report, markdown_report, pictures};
use maos_migrate::engine::snapshot::Snapshot;
use maos_migrate::engine::validate::Catalogue;
use maos_migrate::engine::workspace::{Settings, Workspace};
use serde_json::{Value, json};

const EVERY: i64 = 300;

fn settings() -> Settings {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("migration.yml"),
        "name: acme-billing\ntype: brownfield\n",
    )
    .expect("written");
    let workspace = Workspace::at(folder.path()).expect("a workspace");
    Settings::load(&workspace, &|_| None).expect("settings")
}

/// A journal as its events are told.
struct Told {
    snapshot: Snapshot,
    at: Timestamp,
    tasks: Tasks,
}

impl Told {
    fn new() -> Self {
        let mut told = Self {
            snapshot: Snapshot::default(),
            at: "2026-11-22T13:00:00Z".parse().expect("a time"),
            tasks: Tasks {
                failed: 4,
                completed: 900,
                total: None,
            },
        };
        told.tell(EventKind::WatchBegan {
            begin: Box::new(Begin {
                criteria: Criteria::embedded().expect("criteria"),
                baseline: Some(2.4),
                baseline_from: "from the assessment".to_owned(),
                source: "shipped CLI <b>maos</b>".to_owned(),
                by: "alice".to_owned(),
            }),
        });
        told
    }

    fn tell(&mut self, kind: EventKind) {
        let event = Event {
            seq: self.snapshot.seq + 1,
            at: self.at,
            kind,
        };
        self.snapshot.apply(&event);
    }

    /// A sample five minutes later.
    fn sample(&mut self, failed: u64, completed: u64) {
        self.take(failed, completed, true);
    }

    fn take(&mut self, failed: u64, completed: u64, answered: bool) {
        self.at = self
            .at
            .checked_add(jiff::SignedDuration::from_secs(EVERY))
            .expect("a time");
        self.tasks.failed += failed;
        self.tasks.completed += completed;
        let at = Some(self.at.as_microsecond());
        let sample = Sample {
            tasks: Ok(self.tasks),
            health: Ok(Health {
                healthy: 10,
                total: 10,
            }),
            response: Ok(2.6),
            validation: Ok(Probe::Pass),
            ..Sample::lost(at, Gap::Absent)
        };
        let (sample, why) = if answered {
            (sample, Vec::new())
        } else {
            (
                Sample::lost(at, Gap::NoAnswer),
                vec!["status: no answer in 60 s".to_owned()],
            )
        };
        self.tell(EventKind::Sampled {
            taken: Box::new(Taken {
                sample,
                source: "shipped CLI".to_owned(),
                ms: 400,
                why,
            }),
        });
    }

    fn decide(&mut self, subject: &str, choice: Value) {
        self.tell(EventKind::Decided {
            capability: Capability::Monitor,
            subject: subject.to_owned(),
            choice,
            by: "lena".to_owned(),
        });
    }

    fn report(&self) -> Report {
        gather(
            &self.snapshot,
            &settings(),
            &Catalogue::shipped().unwrap(),
            "UTC".to_owned(),
        )
    }
}

/// Well, then lost for a while, then a breach that somebody acknowledges.
fn breach() -> Told {
    let mut told = Told::new();
    for _ in 0..8 {
        told.sample(1, 26);
    }
    told.decide(
        "mark",
        json!({"text": "workers 2.4 <script>alert(1)</script> | x"}),
    );
    for _ in 0..3 {
        told.take(0, 0, false);
    }
    told.sample(0, 60);
    for _ in 0..3 {
        told.sample(20, 10);
    }
    told.decide("acknowledge", json!({"reason": "I look"}));
    told
}

#[test]
fn the_history_of_the_watch_is_told_with_its_figures_and_decisions() {
    let report = breach().report();
    let text = markdown_report(&report);
    for line in [
        "## Monitoring",
        "> **Note.** The verdict is to roll back, and it stays until a named person takes it back.",
        "| Baseline | 2.4 s, from the assessment |",
        "| Samples | 15, 3 lost, 0 late or doubled |",
        "| Judged | every 5 min over a window of 30 min, for 60 min; roll back at score 3, at once at 5 |",
        "| Acknowledged | by lena: I look |",
        "| Automatic rollback | off |",
        "| Availability | 95 %, weight 3 | 100 % | 100 % | 100 % | OK | 3 |",
        "| 2026-11-22 13:40:00 UTC | mark | workers 2.4 \\<script\\>alert(1)\\</script\\> \\| x |",
        "| 2026-11-22 14:15:00 UTC | decision | lena: acknowledge: I look |",
    ] {
        assert!(text.lines().any(|have| have == line), "missing: {line}\n{text}");
    }
    // The verdict's changes, one by one.
    let changes: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("| verdict | verdict "))
        .collect();
    assert!(
        changes
            .last()
            .is_some_and(|line| line.contains("to breach, score 3")),
        "{changes:?}"
    );
    // Every sample that fits the table, with its verdict and what was missing.
    let samples = text
        .lines()
        .filter(|line| line.contains("status: no answer in 60 s"))
        .count();
    assert_eq!(samples, 3, "{text}");
    assert!(!text.contains("The newest"), "all fifteen are shown");
    // Nothing of it is markup.
    let page = html_report(&report, None);
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
}

#[test]
fn the_part_says_how_the_watch_stands_and_is_never_left_out() {
    let part = |told: &Told| {
        let report = told.report();
        let part = report
            .parts
            .iter()
            .find(|part| part.capability == Capability::Monitor);
        let part = part.cloned().expect("the step");
        (part.state, part.outcome, part.by)
    };
    let migration = EventKind::WatchEnded {
        reason: "paused by alice".to_owned(),
    };
    let mut told = Told::new();
    told.snapshot.migration = Some(maos_migrate::engine::workspace::MigrationType::Brownfield);
    assert_eq!(
        part(&told),
        (
            PartState::Stopped,
            "begun, no sample yet".to_owned(),
            "alice".to_owned()
        )
    );
    for _ in 0..3 {
        told.sample(0, 30);
    }
    assert_eq!(part(&told).0, PartState::Stopped);
    assert_eq!(part(&told).1, "not over: 3 samples, verdict pass");
    told.tell(migration);
    assert_eq!(part(&told).1, "paused by alice: 3 samples, verdict pass");

    let mut told = breach();
    told.snapshot.migration = Some(maos_migrate::engine::workspace::MigrationType::Brownfield);
    let (state, outcome, _) = part(&told);
    assert_eq!(state, PartState::Failed);
    assert!(outcome.starts_with("breach since 2026-11-22T14:"), "{outcome}");
    let text = markdown_report(&told.report());
    let first = text.lines().find(|line| line.starts_with('>')).expect("a note");
    assert!(first.contains("Monitor is not proved (breach since"), "{first}");
}

/// Tags open and close in order, and attributes hold no bare sign.
fn well_formed(svg: &str) {
    let mut open = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, _) = piece
            .split_once('>')
            .unwrap_or_else(|| panic!("a tag that does not end: {piece}"));
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.to_owned()), "{svg}");
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().expect("a name").to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// Numbers in the picture: all are finite and lie in it.
fn within(svg: &str) {
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    for points in svg.split("points=\"").skip(1) {
        let points = points.split('"').next().expect("points");
        for point in points.split(' ') {
            let (x, y) = point.split_once(',').expect("a point");
            let (x, y): (i64, i64) = (x.parse().expect("a number"), y.parse().expect("a number"));
            assert!((0..=720).contains(&x) && (0..=190).contains(&y), "{point}");
        }
    }
}

#[test]
fn every_criterion_has_a_plot_with_its_limit_its_gaps_and_its_marks() {
    let report = breach().report();
    let pictures = pictures(&report);
    let files: Vec<&str> = pictures.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(
        files,
        [
            "monitor-error_rate.svg",
            "monitor-degradation.svg",
            "monitor-availability.svg",
            "monitor-validation.svg"
        ]
    );
    for (file, svg) in &pictures {
        well_formed(svg);
        within(svg);
        // The text alone says what it shows.
        assert!(svg.contains("role=\"img\"") && svg.contains("<title>"), "{svg}");
        assert!(
            svg.contains("limit ") && svg.contains("stroke-dasharray=\"6 4\""),
            "{file}"
        );
        assert!(svg.contains(">?</text>"), "{file} has no gap: {svg}");
        assert!(
            svg.contains(">d</text>") && svg.contains(">B</text>"),
            "{file}: {svg}"
        );
        // Before the gap and after it: two lines.
        assert_eq!(
            svg.matches("<polyline").count() + svg.matches("<circle").count(),
            2,
            "{file}: {svg}"
        );
    }
    // The page holds them, the text points to them.
    let (text, page) = (markdown_report(&report), html_report(&report, None));
    assert_eq!(page.matches("<svg").count(), 4);
    for file in files {
        assert!(text.contains(&format!("]({file})")), "{text}");
    }
    // Nothing is fetched from anywhere.
    assert!(
        !page.replace("http://www.w3.org/2000/svg", "").contains("http"),
        "{page}"
    );
}

#[test]
fn ten_days_of_samples_make_a_plot_of_bounded_size_that_keeps_the_worst() {
    let mut told = Told::new();
    for n in 0..3_000 {
        told.sample(if n == 1_500 { 30 } else { 0 }, 30);
    }
    let report = told.report();
    for (file, svg) in pictures(&report) {
        assert!(svg.len() < 16_000, "{file}: {} bytes", svg.len());
        well_formed(&svg);
        within(&svg);
    }
    let text = markdown_report(&report);
    assert!(text.contains(
        "The newest 24 of 2,880; all that are kept are in monitor/post_migration_monitoring.json."
    ));
    // The one peak is in the picture: some point lies far above the rest.
    let (_, svg) = &pictures(&report)[0];
    let heights: Vec<i64> = svg
        .split("points=\"")
        .nth(1)
        .and_then(|points| points.split('"').next())
        .expect("a line")
        .split(' ')
        .filter_map(|point| point.split_once(',')?.1.parse().ok())
        .collect();
    let (top, bottom) = (
        heights.iter().min().expect("some"),
        heights.iter().max().expect("some"),
    );
    assert!(bottom - top > 50, "{heights:?}");
}

#[test]
fn equal_journals_give_equal_pictures_and_without_a_watch_there_is_no_section() {
    assert_eq!(pictures(&breach().report()), pictures(&breach().report()));
    assert_eq!(
        markdown_report(&breach().report()),
        markdown_report(&breach().report())
    );
    let none = gather(
        &Snapshot::default(),
        &settings(),
        &Catalogue::shipped().unwrap(),
        "UTC".to_owned(),
    );
    assert!(pictures(&none).is_empty());
    assert!(!markdown_report(&none).contains("## Monitoring"));
    // Before the first sample there is nothing to draw either.
    assert!(pictures(&Told::new().report()).is_empty());
}
