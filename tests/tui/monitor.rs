//! The Monitor screen in its states and at its sizes, what its keys ask for, and what a frame costs. Every state is folded
//! from samples by the engine itself.

use std::time::{Duration, Instant};

use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::event::{Event, EventKind};
use maos_migrate::engine::monitor::watch::Begin;
use maos_migrate::engine::monitor::{Criteria, Gap, Health, Probe, Sample, Taken, Tasks};
use maos_migrate::engine::operation::Outcome;
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::engine::views::{Mode, Slot};
use maos_migrate::engine::workspace::Holder;
use maos_migrate::tui::app::Out;
use maos_migrate::tui::style::{Look, Theme};
use serde_json::{Value, json};

use super::support::{Harness, SIZES, answered, at, scored};

pub(super) const STEP: Capability = Capability::Monitor;
pub(super) const PATIENT: Duration = Duration::from_millis(400);
/// Seconds between samples.
const EVERY: i64 = 300;

/// A stream of samples, one every five minutes; the last one at 14:05:11, 79 s before the present.
struct Stream {
    n: i64,
    failed: u64,
    completed: u64,
}

impl Stream {
    /// Of so many samples.
    fn of(samples: i64) -> Self {
        Self {
            n: samples - 1,
            failed: 4,
            completed: 900,
        }
    }

    fn next(&mut self, failed: u64, completed: u64, response: f64) -> Taken {
        self.failed += failed;
        self.completed += completed;
        let at = at("14:05:11").as_second() - self.n * EVERY;
        self.n -= 1;
        taken(Sample {
            at: Some(at * 1_000_000),
            tasks: Ok(Tasks {
                failed: self.failed,
                completed: self.completed,
                total: None,
            }),
            health: Ok(Health {
                healthy: 10,
                total: 10,
            }),
            response: Ok(response),
            throughput: Err(Gap::Absent),
            validation: Ok(Probe::Pass),
            lifetime_errors: None,
            share_healthy: None,
        })
    }

    fn well(&mut self) -> Taken {
        let wave = [1, 2, 0, 1, 3, 1, 2, 1];
        let failed = wave[usize::try_from(self.n).unwrap_or(0) % wave.len()];
        self.next(failed, 26, 2.61)
    }
}

fn taken(sample: Sample) -> Taken {
    Taken {
        sample,
        source: "shipped CLI ./.venv/bin/maos".to_owned(),
        ms: 412,
        why: Vec::new(),
    }
}

fn lost(mut taken: Taken, why: &str) -> Taken {
    taken.sample = Sample {
        validation: Err(Gap::NoAnswer),
        ..Sample::lost(taken.sample.at, Gap::NoAnswer)
    };
    taken.why = vec![why.to_owned()];
    taken
}

fn tell(h: &mut Harness, when: jiff::Timestamp, kind: EventKind) {
    let event = Event {
        seq: h.snapshot.seq + 1,
        at: when,
        kind,
    };
    h.snapshot.apply(&event);
}

fn begin(h: &mut Harness, baseline: Option<f64>, clock: &str) {
    let begin = Begin {
        criteria: Criteria::embedded().expect("criteria"),
        baseline,
        baseline_from: "from the assessment".to_owned(),
        source: "shipped CLI ./.venv/bin/maos".to_owned(),
        by: "alice".to_owned(),
    };
    tell(
        h,
        at(clock),
        EventKind::WatchBegan {
            begin: Box::new(begin),
        },
    );
}

fn sample(h: &mut Harness, taken: Taken) {
    let micros = taken.sample.at.expect("a time");
    let when = jiff::Timestamp::from_microsecond(micros).expect("a time");
    tell(
        h,
        when,
        EventKind::Sampled {
            taken: Box::new(taken),
        },
    );
}

fn decide(h: &mut Harness, clock: &str, subject: &str, choice: Value) {
    tell(
        h,
        at(clock),
        EventKind::Decided {
            capability: STEP,
            subject: subject.to_owned(),
            choice,
            by: "alice".to_owned(),
        },
    );
}

/// Everything before the monitor is done.
fn ready(h: &mut Harness) {
    h.views.backups = Slot::Ready(at("14:06:26"), super::rollback::backups().into());
    answered(&mut h.snapshot, &[]);
    scored(&mut h.snapshot);
    for capability in [
        Capability::Environment,
        Capability::Schema,
        Capability::Cutover,
        Capability::Validate,
    ] {
        let outcome = Outcome {
            source: 8,
            converted: 8,
            unchanged: 0,
            quarantined: 0,
            proof: Vec::new(),
            summary: "8 of 8".to_owned(),
            artifacts: Vec::new(),
        };
        let mut step = Step {
            activity: Activity::Done,
            outcome: Some(outcome.clone()),
            ..Step::default()
        };
        step.outcomes.insert("apply".to_owned(), outcome);
        h.snapshot.steps.insert(capability, step);
    }
}

fn open(h: &mut Harness) {
    h.update();
    for _ in 0..20 {
        if h.app.current() == STEP {
            break;
        }
        h.keys("]");
    }
    assert_eq!(h.app.current(), STEP);
    h.out.clear();
}

fn never(h: &mut Harness) {
    ready(h);
    open(h);
}

fn first(h: &mut Harness) {
    ready(h);
    begin(h, Some(2.4), "14:06:28");
    open(h);
}

pub(super) fn pass(h: &mut Harness) {
    ready(h);
    begin(h, Some(2.4), "13:30:00");
    let mut stream = Stream::of(8);
    for _ in 0..8 {
        let taken = stream.well();
        sample(h, taken);
    }
    open(h);
}

/// Slower by 40 % and confirmed, nothing else: score 2.
fn closely(h: &mut Harness) {
    ready(h);
    begin(h, Some(2.4), "13:30:00");
    let mut stream = Stream::of(14);
    for n in 0..14 {
        let taken = stream.next(1, 26, if n < 2 { 2.5 } else { 3.36 });
        sample(h, taken);
    }
    open(h);
}

fn unknown(h: &mut Harness) {
    ready(h);
    begin(h, None, "13:30:00");
    let mut stream = Stream::of(8);
    for n in 0..8 {
        let taken = stream.well();
        sample(
            h,
            if n < 6 {
                taken
            } else {
                lost(taken, "status: no answer in 60 s")
            },
        );
    }
    open(h);
}

fn spent(h: &mut Harness) {
    ready(h);
    begin(h, Some(2.4), "13:30:00");
    let mut stream = Stream::of(10);
    for n in 0..10 {
        let taken = stream.well();
        sample(
            h,
            if n < 4 {
                taken
            } else {
                lost(taken, "status: no answer in 60 s")
            },
        );
    }
    open(h);
}

fn few(h: &mut Harness) {
    ready(h);
    begin(h, Some(2.4), "14:00:00");
    let mut stream = Stream::of(2);
    for _ in 0..2 {
        let taken = stream.next(1, 15, 2.6);
        sample(h, taken);
    }
    open(h);
}

/// The last sample is 12 min 40 s old.
fn stale(h: &mut Harness) {
    pass(h);
    h.wait(Duration::from_secs(760 - 79));
}

pub(super) fn breach(h: &mut Harness) {
    ready(h);
    begin(h, Some(2.4), "12:00:00");
    let mut stream = Stream::of(24);
    for n in 0..24 {
        let mut taken = match n {
            0..18 => stream.well(),
            18..20 => stream.next(5, 26, 3.1),
            _ => stream.next(12, 18, 3.7),
        };
        if n > 21 {
            taken.sample.validation = Err(Gap::NoAnswer);
            taken.why = vec!["running: no answer in 60 s".to_owned()];
        }
        sample(h, taken);
    }
    let called = EventKind::HookCalled {
        hook: "page-oncall".to_owned(),
        said: "exit 0".to_owned(),
        rollback: false,
    };
    tell(h, at("14:05:12"), called);
    decide(h, "13:20:00", "mark", json!({"text": "workers 2.4 deployed"}));
    open(h);
}

pub(super) fn countdown(h: &mut Harness) {
    breach(h);
    decide(
        h,
        "12:10:00",
        "armed",
        json!({"reason": "night shift", "target": "maos"}),
    );
    decide(
        h,
        "14:06:12",
        "countdown",
        json!({"until": at("14:07:12"), "reason": "armed"}),
    );
    h.update();
    h.out.clear();
}

fn frozen(h: &mut Harness) {
    pass(h);
    h.keys("f");
    let mut stream = Stream {
        n: -1,
        failed: 15,
        completed: 1_108,
    };
    let taken = stream.next(1, 26, 2.61);
    sample(h, taken);
    h.wait(Duration::from_mins(5));
    h.update();
}

fn ended(h: &mut Harness) {
    ready(h);
    begin(h, Some(2.4), "12:55:00");
    let mut stream = Stream::of(14);
    for _ in 0..14 {
        let taken = stream.well();
        sample(h, taken);
    }
    let reason = "watched long enough without a breach".to_owned();
    tell(h, at("14:05:12"), EventKind::WatchEnded { reason });
    open(h);
}

type State = (&'static str, fn(&mut Harness));

const STATES: [State; 12] = [
    ("never", never),
    ("first", first),
    ("pass", pass),
    ("closely", closely),
    ("unknown", unknown),
    ("spent", spent),
    ("few", few),
    ("stale", stale),
    ("breach", breach),
    ("countdown", countdown),
    ("frozen", frozen),
    ("ended", ended),
];

fn snap(name: &str, size: (u16, u16), text: &str) {
    insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
}

#[test]
fn states_at_all_sizes() {
    for (name, make) in STATES {
        for size in SIZES {
            let mut h = Harness::new(size);
            make(&mut h);
            h.wait(Duration::from_secs(6));
            snap(name, size, &h.text());
        }
    }
}

#[test]
fn in_ascii_and_by_roles() {
    for (name, make) in [("pass", pass as fn(&mut Harness)), ("breach", breach)] {
        let mut h = Harness::with_look((140, 45), Look::new(Theme::Mono, true));
        make(&mut h);
        h.wait(Duration::from_secs(6));
        let text = h.text();
        assert!(text.is_ascii(), "{text}");
        snap(&format!("{name}_ascii"), (140, 45), &text);
        let mut h = Harness::new((80, 24));
        make(&mut h);
        h.wait(Duration::from_secs(6));
        snap(&format!("{name}_roles"), (80, 24), &h.roles());
    }
}

#[test]
fn overlays() {
    type Shown = (&'static str, &'static str, fn(&mut Harness));
    let shown: [Shown; 5] = [
        ("explained", "v", breach),
        ("explained_by_the_guide", "vo", breach),
        ("explained_unknown", "v", unknown),
        ("arm", "a", pass),
        ("keep_on", "K", breach),
    ];
    for (name, keys, make) in shown {
        for size in [(60, 18), (80, 24), (140, 45)] {
            let mut h = Harness::new(size);
            make(&mut h);
            h.keys(keys).wait(Duration::from_secs(6));
            snap(name, size, &h.text());
        }
    }
}

#[test]
fn charts_go_through_the_criteria() {
    let mut h = Harness::new((80, 24));
    breach(&mut h);
    h.keys("w").wait(Duration::from_secs(6));
    snap("chart", (80, 24), &h.text());
    for title in [
        "Degradation, last",
        "Checks not healthy, last",
        "Validation failures in a row, last",
    ] {
        assert!(h.keys("w").text().contains(title), "{title}");
    }
    assert!(h.keys("w").text().contains("share of the limit"));
}

/// What a person must see in every state, at every size: the word, and how old it is.
#[test]
fn the_verdict_and_its_age_are_never_cut() {
    let said = [
        ("pass", vec!["pass", "79 s old"]),
        ("stale", vec!["12 min 40 s"]),
        ("breach", vec!["BREACH", "79 s old"]),
        ("unknown", vec!["unknown", "79 s old"]),
        ("countdown", vec!["ROLLBACK in 0:42", "X stop"]),
        ("frozen", vec!["pass"]),
    ];
    for (name, words) in said {
        let (_, make) = STATES.iter().find(|state| state.0 == name).expect("a state");
        for size in SIZES {
            let mut h = Harness::new(size);
            make(&mut h);
            let text = h.text();
            for word in &words {
                assert!(text.contains(word), "{name} at {size:?} lacks {word}:\n{text}");
            }
        }
    }
}

#[test]
fn ages_tick_once_a_second_while_watched_and_rest_when_not() {
    let mut h = Harness::new((80, 24));
    pass(&mut h);
    let mut buffer = h.buffer();
    assert_eq!(h.app.draw(&mut buffer, &h.now), Some(Duration::from_secs(1)));
    h.wait(Duration::from_secs(1));
    assert!(h.text().contains("last sample 80 s old"));
    let mut h = Harness::new((80, 24));
    ended(&mut h);
    h.wait(Duration::from_secs(6));
    assert_eq!(h.app.draw(&mut buffer, &h.now), None);
}

pub(super) fn decisions(h: &Harness) -> Vec<(String, Value)> {
    h.out
        .iter()
        .filter_map(|out| match out {
            Out::Send(Command::Decide {
                capability: STEP,
                subject,
                choice,
            }) => Some((subject.clone(), choice.clone())),
            _ => None,
        })
        .collect()
}

#[test]
fn n_begins_rolls_back_reports_and_is_off_while_all_is_well() {
    let mut h = Harness::new((80, 24));
    never(&mut h);
    h.keys("n");
    assert_eq!(decisions(&h), [("watching".to_owned(), json!(true))]);

    let mut h = Harness::new((80, 24));
    pass(&mut h);
    h.keys("n");
    assert_eq!(h.app.current(), STEP);
    assert!(h.out.is_empty(), "{:?}", h.sent());
    assert!(h.text().contains("Nothing to do: no breach."));

    let mut h = Harness::new((80, 24));
    breach(&mut h);
    h.keys("n");
    assert_eq!(h.app.current(), Capability::Rollback);

    let mut h = Harness::new((80, 24));
    ended(&mut h);
    h.keys("n");
    assert_eq!(h.app.current(), Capability::Report);

    let mut h = Harness::new((80, 24));
    unknown(&mut h);
    h.keys("n");
    assert!(h.text().contains("status: no answer in 60 s"));
}

#[test]
fn pausing_ends_the_watch_and_goes_on_with_it() {
    let mut h = Harness::new((80, 24));
    pass(&mut h);
    h.keys("p");
    assert_eq!(decisions(&h), [("watching".to_owned(), json!(false))]);
    tell(
        &mut h,
        at("14:06:31"),
        EventKind::WatchEnded {
            reason: "paused by alice".to_owned(),
        },
    );
    h.update();
    h.out.clear();
    assert!(h.text().contains("Paused by alice. ▸ n goes on"), "{}", h.text());
    h.keys("p");
    assert_eq!(decisions(&h), [("watching".to_owned(), json!(true))]);
}

/// Somebody else operates; this wizard only looks.
pub(super) fn watched_by_lena(h: &mut Harness) {
    h.views.mode = Mode::Watching(Holder {
        operator: "bob".to_owned(),
        host: "ops-2".to_owned(),
        pid: 7,
        since: at("13:41:00"),
    });
    h.update();
    h.out.clear();
}

pub(super) fn saved(h: &Harness) -> Vec<jiff::Timestamp> {
    h.out
        .iter()
        .filter_map(|out| match out {
            Out::Send(Command::SaveSamples { until }) => Some(*until),
            _ => None,
        })
        .collect()
}

#[test]
fn w_in_the_explanation_saves_the_input_of_the_sample_that_is_shown() {
    let mut h = Harness::new((80, 24));
    pass(&mut h);
    h.keys("vw");
    h.keys("<left><left>w");
    assert_eq!(saved(&h), [at("14:05:11"), at("13:55:11")]);
    // On the screen below, w is the chart.
    h.out.clear();
    h.keys("<esc>w");
    assert!(saved(&h).is_empty() && h.text().contains("w next criterion"));
}

/// In the hour of need nobody scrolls: the sum stands on the first page, whatever the size.
#[test]
fn the_explanation_shows_every_criterion_and_the_sum_without_scrolling() {
    for make in [breach as fn(&mut Harness), pass, unknown, closely] {
        let mut h = Harness::new((80, 24));
        make(&mut h);
        let text = h.keys("v").wait(Duration::from_secs(6)).text();
        for name in [
            "Error rate",
            "Degradation",
            "Availability",
            "Validation",
            "Score",
            "Source",
        ] {
            assert!(
                text.lines().any(|line| line.contains(&format!("│ {name} "))),
                "{name}:\n{text}"
            );
        }
    }
}

/// What must be seen in the smallest size that has gauges.
#[test]
fn at_60x18_the_way_back_and_the_way_on_are_stated() {
    for make in [pass as fn(&mut Harness), closely, few] {
        let mut h = Harness::new((60, 18));
        make(&mut h);
        let text = h.wait(Duration::from_secs(6)).text();
        for words in [
            "VERDICT",
            "score ",
            "Error rate",
            "Validation fails",
            "If you roll back",
            "To promote",
        ] {
            assert!(text.contains(words), "{words}:\n{text}");
        }
    }
}

#[test]
fn the_way_back_is_told_by_the_backups_that_are_there() {
    let mut h = Harness::new((100, 30));
    closely(&mut h);
    assert!(
        h.text().contains("not rehearsed; backup 11:20 verified"),
        "{}",
        h.text()
    );
    // It was made and proved once, and somebody removed it: nothing is there to go back to.
    h.views.backups = Slot::Ready(at("14:06:26"), Vec::new().into());
    h.update();
    assert!(
        h.text().contains("not rehearsed; no verified backup"),
        "{}",
        h.text()
    );
}

#[test]
fn the_way_back_says_so_while_the_backups_are_read_and_when_they_cannot_be() {
    let mut h = Harness::new((100, 30));
    closely(&mut h);
    h.views.backups = Slot::Empty;
    h.update();
    assert!(h.text().contains("the backups are being read"), "{}", h.text());
    let error = maos_migrate::engine::Error::unavailable("no such disk");
    h.views.backups = Slot::Failed(at("14:06:26"), error);
    h.update();
    assert!(
        h.text().contains("the backups cannot be read: no such disk"),
        "{}",
        h.text()
    );
}

/// Pass, fail, no answer, fail: what was lost between two failures neither counts nor starts over, and is said.
#[test]
fn readings_that_were_lost_between_failures_are_counted() {
    let mut h = Harness::new((80, 24));
    ready(&mut h);
    begin(&mut h, Some(2.4), "13:30:00");
    let mut stream = Stream::of(8);
    for n in 0..8 {
        let mut taken = stream.well();
        taken.sample.validation = match n {
            5 | 7 => Ok(Probe::Fail),
            6 => Err(Gap::NoAnswer),
            _ => Ok(Probe::Pass),
        };
        sample(&mut h, taken);
    }
    open(&mut h);
    let text = h.text();
    assert!(text.contains("2 of 3") && text.contains("last 8"), "{text}");
    assert!(text.contains("unknown between failures: 1"), "{text}");
}

#[test]
fn arming_needs_the_name_and_a_reason_and_the_button() {
    let mut h = Harness::new((80, 24));
    pass(&mut h);
    h.keys("a").wait(Duration::from_millis(301));
    // Enter goes from field to field and ends on Cancel; it never arms by itself.
    h.keys("night shift<enter>mao<enter><tab><enter>");
    assert!(decisions(&h).is_empty());
    assert!(h.text().contains("not yet equal"));
    h.keys("<shift-tab><shift-tab>s<tab><tab><enter>");
    assert_eq!(
        decisions(&h),
        [(
            "armed".to_owned(),
            json!({"reason": "night shift", "target": "maos"})
        )]
    );
}

#[test]
fn keeping_on_acknowledges_silences_or_takes_back() {
    let mut h = Harness::new((80, 24));
    breach(&mut h);
    h.keys("K").wait(Duration::from_millis(301));
    h.keys("<enter>I look<tab><tab><enter>");
    assert_eq!(
        decisions(&h),
        [("acknowledge".to_owned(), json!({"reason": "I look"}))]
    );

    h.out.clear();
    h.keys("K").wait(Duration::from_millis(301));
    h.keys("<down><enter>known<tab><tab><enter>");
    let until = h
        .now
        .at
        .checked_add(jiff::SignedDuration::from_mins(30))
        .expect("a time");
    assert_eq!(
        decisions(&h),
        [("snooze".to_owned(), json!({"reason": "known", "until": until}))]
    );

    h.out.clear();
    h.keys("K").wait(Duration::from_millis(301));
    h.keys("<down><down><down><enter>test load<tab><tab><tab><enter>");
    assert!(decisions(&h).is_empty(), "without the name");
    h.keys("<shift-tab><shift-tab>maos<tab><tab><enter>");
    assert_eq!(
        decisions(&h),
        [("unlatch".to_owned(), json!({"reason": "test load"}))]
    );
}

#[test]
fn freezing_keeps_the_picture_but_never_hides_a_breach() {
    let mut h = Harness::new((80, 24));
    frozen(&mut h);
    assert!(h.text().contains("FROZEN 14:06, 1 newer"));
    let mut stream = Stream {
        n: -2,
        failed: 16,
        completed: 1_134,
    };
    let taken = stream.next(20, 0, 2.6);
    sample(&mut h, taken);
    h.wait(Duration::from_mins(5));
    h.update();
    let text = h.text();
    assert!(text.contains("BREACH") && !text.contains("FROZEN"), "{text}");
}

#[test]
fn a_breach_rings_and_names_the_window() {
    let mut h = Harness::new((80, 24));
    pass(&mut h);
    let mut stream = Stream {
        n: -1,
        failed: 15,
        completed: 1_108,
    };
    let taken = stream.next(20, 0, 2.6);
    sample(&mut h, taken);
    h.wait(Duration::from_mins(5));
    h.update();
    assert!(h.out.contains(&Out::Bell), "{:?}", h.out);
    assert!(
        h.out.contains(&Out::Title("BREACH acme-billing".to_owned())),
        "{:?}",
        h.out
    );
}

#[test]
#[ignore = "a measurement: tests/bench/monitor_screen.sh runs it in release"]
fn a_frame_takes_less_than_4_ms() {
    for size in SIZES.into_iter().chain([(300, 90)]) {
        let mut h = Harness::new(size);
        ready(&mut h);
        begin(&mut h, Some(2.4), "00:00:00");
        // Ten days, as many as a watch keeps.
        let mut stream = Stream::of(2_880);
        for _ in 0..2_880 {
            let taken = stream.well();
            sample(&mut h, taken);
        }
        open(&mut h);
        let mut times: Vec<Duration> = (0..200)
            .map(|_| {
                h.wait(Duration::from_secs(1));
                let begun = Instant::now();
                let _ = h.buffer();
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        let (median, slow) = (times[100], times[190]);
        println!("{}x{}: median {median:?}, 95 % under {slow:?}", size.0, size.1);
        assert!(slow < Duration::from_millis(4), "{slow:?}");
    }
}

#[test]
fn below_the_steps_stands_what_a_decision_in_the_night_rests_on() {
    let line = |text: &str, label: &str| {
        let rail = text
            .lines()
            .filter_map(|line| line.strip_prefix('│')?.split('│').next());
        let found = rail.map(str::trim).find(|line| line.starts_with(label));
        found
            .unwrap_or_else(|| panic!("no {label}:\n{text}"))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut h = Harness::new((120, 36));
    breach(&mut h);
    let text = h.text();
    let said = ["alice", "Backup", "Rehearsed", "Bell"].map(|label| line(&text, label));
    assert_eq!(
        said,
        ["alice operates", "Backup 11:20 ✓", "Rehearsed never", "Bell on"]
    );
    decide(
        &mut h,
        "14:06:00",
        "snooze",
        json!({"reason": "known", "until": at("15:30:00")}),
    );
    h.views.backups = Slot::Ready(at("14:06:26"), Vec::new().into());
    watched_by_lena(&mut h);
    let me = h.views.me.clone().expect("somebody");
    let text = h.text();
    let said = ["bob", &me.operator, "Backup", "Bell"].map(|label| line(&text, label));
    assert_eq!(said[0], "bob operates");
    assert!(
        said[1].starts_with(&format!("{} {}", me.operator, me.host)),
        "{}",
        said[1]
    );
    assert_eq!(said[2..], ["Backup none", "Bell off to 15:30"]);
    h.views.backups = Slot::Empty;
    h.update();
    assert_eq!(line(&h.text(), "Backup"), "Backup being read");
    // Elsewhere the journal stands there; a backup that was not looked for is not said to be missing.
    h.keys("]");
    assert_eq!(h.app.current(), Capability::Report);
    assert!(line(&h.text(), "Journal").starts_with("Journal "));
    assert!(!h.text().contains("Rehearsed"));
}

/// The watch is no operation with an outcome of its own: the list of the report asks it how it stands.
#[test]
fn the_report_screen_says_how_the_watch_stands() {
    type Case = (fn(&mut Harness), &'static str, Option<&'static str>);
    let open = Some("Monitor is not proved; the report says so in its first line.");
    let cases: [Case; 4] = [
        (never, "not run", None),
        (breach, "breach since", open),
        (pass, "not over: 8 samples, verdict pass", open),
        (ended, "watched long enough without a breach: 14 samples", None),
    ];
    for (make, said, news) in cases {
        let mut h = Harness::new((140, 45));
        make(&mut h);
        h.keys("]").wait(Duration::from_secs(6));
        assert_eq!(h.app.current(), Capability::Report);
        let text = h.text();
        let pane = || text.lines().filter_map(|line| line.split('│').nth(2));
        let row = pane()
            .find_map(|line| line.split_once(" Monitor  "))
            .unwrap_or_else(|| panic!("no row of the monitor:\n{text}"));
        assert!(row.1.trim_start().starts_with(said), "{said}: {row:?}");
        let not_done = pane().find(|line| line.contains(" Not done ")).expect("a line");
        let well = said.starts_with("watched");
        assert_eq!(not_done.contains("Monitor"), !well, "{not_done}");
        assert_eq!(
            not_done.contains("not run: Monitor") || not_done.contains(", Monitor"),
            said == "not run",
            "{not_done}"
        );
        if let Some(news) = news {
            assert!(text.contains(news), "{said}:\n{text}");
        }
    }
}

/// A verdict that a rollback has answered alarms nobody any more: the screen says so, and the way leads on.
#[test]
fn a_breach_that_was_answered_says_so_and_leads_to_the_report() {
    let mut h = Harness::new((80, 24));
    breach(&mut h);
    assert!(h.text().contains("n roll back"), "{}", h.text());
    let outcome = Outcome {
        source: 1,
        converted: 1,
        unchanged: 0,
        quarantined: 0,
        proof: Vec::new(),
        summary: "Rolled back and proved in 3:31: 1,204,311 rows, contents equal".to_owned(),
        artifacts: Vec::new(),
    };
    let ended = |undone| Step {
        activity: Activity::Done,
        verb: "apply".to_owned(),
        outcomes: [("apply".to_owned(), outcome.clone())].into(),
        outcomes_at: [("apply".to_owned(), at("14:06:00"))].into(),
        undone,
        ..Step::default()
    };
    h.snapshot.steps.insert(Capability::Rollback, ended(None));
    let reason = "rolled back".to_owned();
    tell(&mut h, at("14:06:01"), EventKind::WatchEnded { reason });
    h.update();
    h.wait(Duration::from_secs(6));
    snap("rolled_back", (80, 24), &h.text());
    let text = h.text();
    assert!(text.contains("rolled back 14:06:00 and proved"), "{text}");
    assert!(
        text.contains("└ n report") && !text.contains("n opens the rollback"),
        "{text}"
    );
    let title = h.out.iter().rev().find_map(|out| match out {
        Out::Title(title) => Some(title.clone()),
        _ => None,
    });
    assert!(title.is_some_and(|title| title.starts_with("rolled back ")));
    // Where the rollback itself was taken back, the verdict stands as before.
    h.snapshot
        .steps
        .insert(Capability::Rollback, ended(Some(at("14:06:10"))));
    h.update();
    assert!(h.text().contains("└ n roll back"), "{}", h.text());
}

/// The rollback tells what asks for it, not only that somebody opened it.
#[test]
fn the_rollback_names_the_breach_that_asks_for_it() {
    let mut h = Harness::new((100, 30));
    breach(&mut h);
    h.keys("R");
    let text = h.text();
    assert!(text.contains("Why     BREACH latched 1"), "{text}");
    assert!(text.contains(": error rate 3"), "{text}");
}
