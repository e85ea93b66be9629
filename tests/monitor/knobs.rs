//! The watch over the rehearsal MAOS while its knobs are turned, in process and through its own program: the first look
//! that begins after the turn has it, and so has the screen.

use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::monitor::watch::time;
use maos_migrate::engine::monitor::{Criterion, Gap, Judged, Point, Probe, State, Watch, Word};
use maos_migrate::engine::ports::clock::{Clock as _, SystemClock};
use maos_migrate::engine::ports::maos::{Known, Maos};
use maos_migrate::engine::runner::{Engine, Options};
use maos_migrate::engine::workspace::{Holder, Settings, Workspace};
use maos_migrate::tui::app::App;
use maos_migrate::tui::clock::Now;
use maos_migrate::tui::keymap::{Key, KeyMap};
use maos_migrate::tui::style::{Look, Theme};
use maos_migrate::wiring;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use serde_json::{Value, json};

use super::program::PROGRAM;

/// Tasks a second that the rehearsal gives itself: an interval has enough of them for the fast path.
const TRAFFIC: f64 = 25.0;
/// Seconds of a simulated task, and what is recorded to compare with.
const TASK: f64 = 0.02;
const BASELINE: f64 = 0.1;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    InProcess,
    Program,
}

impl Way {
    /// Seconds between two samples. Half of it is the time limit of a call, which must do for a program that is started
    /// anew each time on a busy machine.
    const fn interval(self) -> u32 {
        match self {
            Self::InProcess => 2,
            Self::Program => 5,
        }
    }
}

/// A watched rehearsal and a wizard that looks at it.
struct Place {
    folder: tempfile::TempDir,
    way: Way,
    maos: Arc<dyn Maos>,
    engine: Engine,
    app: App,
    began: std::time::Instant,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.way == Way::Program {
            program(&self.state(), &["stop", "--force"]);
        }
    }
}

fn program(state: &Path, words: &[&str]) -> String {
    let output = Program::new(PROGRAM)
        .args(["rehearsal-maos", "--state"])
        .arg(state)
        .args(words)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Place {
    /// MAOS runs and is busy; nobody watches yet.
    async fn new(way: Way) -> Self {
        Self::with(way, "").await
    }

    /// The same with more lines under `monitor:`.
    async fn with(way: Way, monitor: &str) -> Self {
        let interval = way.interval();
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("rehearsal");
        let command = match way {
            Way::InProcess => String::new(),
            Way::Program => format!(
                "maos: {{ command: [{PROGRAM}, rehearsal-maos, --state, {}] }}\n",
                state.display()
            ),
        };
        let settings = format!(
            "name: watched\ntype: greenfield\nenvironment: rehearsal\ntarget: {{ maos: rehearsal }}\n{command}\
             rehearsal: {{ agents: 32, seconds: {TASK}, traffic: {TRAFFIC} }}\n\
             monitor:\n  interval: {interval}\n  window: {}\n  duration: 3600\n{monitor}",
            interval * 10
        );
        std::fs::write(folder.path().join("migration.yml"), settings).expect("written");
        let workspace = Workspace::at(folder.path()).expect("a workspace");
        let settings = Settings::load(&workspace, &|_| None).expect("settings");
        let ports = wiring::ports();
        let maos = ports.maos.open(&workspace, &settings).expect("opens");
        match way {
            Way::InProcess => {
                maos.start().await.expect("starts");
            }
            Way::Program => {
                for (knob, value) in [
                    ("agents", "32".to_owned()),
                    ("seconds", TASK.to_string()),
                    ("traffic", TRAFFIC.to_string()),
                ] {
                    program(&state, &["knob", knob, &value]);
                }
                program(&state, &["start"]);
            }
        }
        let me = Holder {
            operator: "alice".to_owned(),
            host: "ops-1".to_owned(),
            pid: std::process::id(),
            since: SystemClock.now(),
        };
        let options = Options {
            me,
            read_only: false,
            dry_run: false,
            interactive: true,
            restart: false,
        };
        let engine = Engine::start(workspace, ports, options);
        engine.opened().await.expect("opens");
        let place = Self {
            folder,
            way,
            maos,
            engine,
            app: App::new(
                Look::new(Theme::Dark, false),
                KeyMap::default(),
                Size::new(80, 24),
            ),
            began: std::time::Instant::now(),
        };
        // Something has ended, so that the first sample has all figures.
        place.busy().await;
        place
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("rehearsal")
    }

    async fn busy(&self) {
        let deadline = std::time::Instant::now() + Duration::from_mins(1);
        loop {
            if let Ok(Known::Value(status)) = self.maos.status().await
                && status.completed.is_some_and(|n| n >= 1.0)
            {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "nothing ever ends");
        }
    }

    async fn turn(&self, knob: &str, value: Option<Value>) -> Timestamp {
        match (self.way, value) {
            (Way::InProcess, value) => self.maos.turn(knob.to_owned(), value).await.expect("turns"),
            (Way::Program, Some(value)) => {
                program(&self.state(), &["knob", knob, &value.to_string()]);
            }
            (Way::Program, None) => {
                program(&self.state(), &["knob", knob]);
            }
        }
        SystemClock.now()
    }

    async fn decide(&self, subject: &str, choice: Value) {
        self.engine
            .ask(Command::Decide {
                capability: Capability::Monitor,
                subject: subject.to_owned(),
                choice,
            })
            .await
            .expect("taken");
    }

    /// Begins to watch and waits until `samples` with an error rate to judge are there.
    async fn watched(&mut self, samples: usize) {
        self.decide("watching", json!(true)).await;
        self.decide("baseline", json!({"seconds": BASELINE, "reason": "a test"}))
            .await;
        self.until("figures", |watch| {
            let known = |point: &&Point| !point.verdict.of(Criterion::Availability).is_unknown();
            watch.history.iter().filter(known).count() >= samples
                && !watch
                    .verdict()
                    .expect("judged")
                    .of(Criterion::ErrorRate)
                    .is_unknown()
        })
        .await;
    }

    /// The watch when `holds` first does.
    async fn until(&mut self, what: &str, holds: impl Fn(&Watch) -> bool) -> Watch {
        let mut snapshot = self.engine.snapshot();
        let seen = snapshot.wait_for(|snapshot| snapshot.monitor.as_deref().is_some_and(&holds));
        let seen = tokio::time::timeout(Duration::from_mins(1), seen)
            .await
            .unwrap_or_else(|_| panic!("never: {what}: {:#?}", self.engine.snapshot().borrow().monitor))
            .expect("the engine lives")
            .clone();
        Watch::clone(seen.monitor.as_deref().expect("watched"))
    }

    /// The first look that began after `turned`, with the screen of that moment. It began within one interval.
    async fn next_look(&mut self, turned: Timestamp) -> (Point, String) {
        let after = turned.as_microsecond();
        let watch = self
            .until("a sample after the turn", |watch| {
                watch.last().is_some_and(|point| point.at() >= after)
            })
            .await;
        let point = watch
            .history
            .iter()
            .find(|point| point.at() >= after)
            .expect("there it is")
            .clone();
        let began = time(point.at())
            .expect("a time")
            .duration_since(turned)
            .as_secs_f64();
        // A busy machine may be late by itself; the next tick but one would be later than this.
        let interval = f64::from(self.way.interval());
        assert!(began < interval * 1.9, "the look began {began} s after the turn");
        (point, self.screen())
    }

    fn now(&self) -> Now {
        Now {
            mono: self.began.elapsed(),
            at: SystemClock.now(),
            zone: jiff::tz::TimeZone::UTC,
        }
    }

    /// The Monitor screen as a person sees it now.
    fn screen(&mut self) -> String {
        let (snapshot, views) = (
            self.engine.snapshot().borrow().clone(),
            self.engine.views().borrow().clone(),
        );
        self.app.update(snapshot, views, &self.now());
        for _ in 0..20 {
            if self.app.current() == Capability::Monitor {
                break;
            }
            for key in Key::sequence("]").expect("a key") {
                let now = self.now();
                self.app.key(&key.event(), &now);
            }
        }
        assert_eq!(self.app.current(), Capability::Monitor);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        let now = self.now();
        self.app.draw(&mut buffer, &now);
        buffer
            .content()
            .chunks(80)
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n")
            .collect()
    }
}

fn of(point: &Point, criterion: Criterion) -> &Judged {
    point.verdict.of(criterion)
}

/// The line of the screen that begins with `title`.
fn line<'a>(screen: &'a str, title: &str) -> &'a str {
    screen
        .lines()
        .find(|line| line.trim_start_matches(['│', ' ']).starts_with(title))
        .unwrap_or_else(|| panic!("{title} is not on the screen:\n{screen}"))
}

async fn failures_are_a_breach_at_once(way: Way) {
    let mut place = Place::new(way).await;
    place.watched(3).await;
    assert!(
        line(&place.screen(), "VERDICT").contains("pass"),
        "{}",
        place.screen()
    );
    let turned = place.turn("failure_rate", Some(json!(1.0))).await;
    let (point, screen) = place.next_look(turned).await;
    // The tasks that ended before the turn may still be half of the first look's; the second has none of them.
    let (point, screen) = if point.verdict.should_roll_back {
        (point, screen)
    } else {
        let since = time(point.at() + 1).expect("a time");
        place.next_look(since).await
    };
    let errors = of(&point, Criterion::ErrorRate);
    assert_eq!(
        (errors.state, errors.at_once),
        (State::Breach, true),
        "{point:#?}"
    );
    assert_eq!((point.verdict.word, point.verdict.score), (Word::Breach, 3));
    assert!(
        screen.contains("BREACH since") && screen.contains("BREACH"),
        "{screen}"
    );
    assert!(line(&screen, "Error rate").contains("BREACH"), "{screen}");
    // It stays when all is well again.
    let turned = place.turn("failure_rate", None).await;
    let (point, screen) = place.next_look(turned).await;
    assert!(point.verdict.latched() && point.verdict.should_roll_back);
    assert!(screen.contains("BREACH since"), "{screen}");
}

async fn flapping_health_is_seen_and_never_rolls_back(way: Way) {
    // Without the probe there is one look in each sample.
    let mut place = Place::with(way, "  validation: off\n").await;
    place.watched(2).await;
    let turned = place.turn("flapping", Some(json!(true))).await;
    // Ill at every second look: of two looks in a row one has it.
    let (first, _) = place.next_look(turned).await;
    let (second, screen) = place.next_look(time(first.at() + 1).expect("a time")).await;
    let ill = |point: &Point| {
        let health = point.taken.sample.health.expect("told");
        health.total - health.healthy
    };
    assert_eq!(ill(&first) + ill(&second), 1, "{first:#?} {second:#?}");
    let judged = of(&second, Criterion::Availability);
    assert!(judged.value.is_some_and(|share| share < 1.0), "{judged:?}");
    assert!(!line(&screen, "Availability").contains("100.0 %"), "{screen}");
    let watch = place.until("eight more", |watch| {
        watch
            .history
            .iter()
            .filter(|point| point.at() > second.at())
            .count()
            >= 8
    });
    let watch = watch.await;
    assert!(
        watch
            .history
            .iter()
            .all(|point| !point.verdict.should_roll_back && point.verdict.score == 0),
        "{:#?}",
        watch.history
    );
}

async fn a_hang_is_unknown_and_what_comes_back_is_judged(way: Way) {
    let mut place = Place::new(way).await;
    place.watched(2).await;
    let turned = place.turn("hang", Some(json!(true))).await;
    let (point, screen) = place.next_look(turned).await;
    assert_eq!(
        (point.verdict.word, point.verdict.score),
        (Word::Unknown, 0),
        "{point:#?}"
    );
    assert_eq!(point.taken.sample.tasks, Err(Gap::NoAnswer));
    assert_eq!(point.taken.sample.health, Err(Gap::NoAnswer));
    let limit = format!("status: no answer in {} s", f64::from(way.interval()) / 2.0);
    assert!(point.taken.why.contains(&limit), "{:?}", point.taken.why);
    assert!(line(&screen, "VERDICT").contains("unknown"), "{screen}");
    assert!(line(&screen, "Error rate").contains('?'), "{screen}");
    assert!(
        screen.contains("not known: neither healthy nor failing."),
        "{screen}"
    );
    // The budget is spent after six of them, in as many intervals: promotion freezes and nobody is rolled back.
    let watch = place
        .until("the budget is spent", |watch| {
            watch.verdict().is_some_and(|verdict| verdict.frozen)
        })
        .await;
    let (first, last) = (point.at(), watch.last().expect("there").at());
    assert!(!watch.should_roll_back());
    assert!(
        last - first < i64::from(way.interval()) * 7 * 1_000_000,
        "{} s",
        (last - first) / 1_000_000
    );
    assert!(place.screen().contains("SPENT"), "{}", place.screen());
    if way == Way::Program {
        // No call that was given up is left behind.
        let left = running(&place.state());
        let asked: Vec<_> = left.iter().filter(|words| !words.contains("execute")).collect();
        assert!(asked.len() <= 2, "{asked:#?}");
    }
    let turned = place.turn("hang", None).await;
    let (point, screen) = place.next_look(turned).await;
    assert!(!of(&point, Criterion::Availability).is_unknown(), "{point:#?}");
    assert!(!point.verdict.frozen);
    assert!(!screen.contains("SPENT"), "{screen}");
}

/// Command lines that name `state`.
fn running(state: &Path) -> Vec<String> {
    let state = state.display().to_string();
    std::fs::read_dir("/proc")
        .expect("processes")
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .filter(|words| words.contains(&state))
        .collect()
}

async fn lost_metrics_are_unknown_beside_what_is_known(way: Way) {
    let mut place = Place::new(way).await;
    place.watched(2).await;
    let turned = place.turn("lost_metrics", Some(json!(true))).await;
    let (point, screen) = place.next_look(turned).await;
    assert_eq!((point.verdict.word, point.verdict.score), (Word::Unknown, 0));
    for criterion in [Criterion::ErrorRate, Criterion::Degradation] {
        assert!(of(&point, criterion).is_unknown(), "{point:#?}");
    }
    // The health command still answers.
    assert_eq!(of(&point, Criterion::Availability).state, State::Ok, "{point:#?}");
    for title in ["Error rate", "Degradation"] {
        assert!(line(&screen, title).contains('?'), "{screen}");
    }
    assert!(line(&screen, "Availability").contains("100.0 %"), "{screen}");
    let turned = place.turn("lost_metrics", None).await;
    let (point, screen) = place.next_look(turned).await;
    assert!(!of(&point, Criterion::ErrorRate).is_unknown(), "{point:#?}");
    assert!(line(&screen, "VERDICT").contains("pass"), "{screen}");
}

async fn latency_is_a_degradation(way: Way) {
    let mut place = Place::new(way).await;
    place.watched(2).await;
    let turned = place.turn("latency", Some(json!(600))).await;
    let (point, _) = place.next_look(turned).await;
    let before = point.taken.sample.response;
    // The mean of the last hundred tasks moves as they end: at the latest with the second look it is over.
    let (point, screen) = place.next_look(time(point.at() + 1).expect("a time")).await;
    let judged = of(&point, Criterion::Degradation);
    assert!(
        matches!(judged.state, State::Over | State::Breach),
        "{before:?} {judged:?}"
    );
    assert!(
        !point.verdict.should_roll_back,
        "degradation alone does not roll back"
    );
    let shown = line(&screen, "Degradation");
    assert!(shown.contains("over") || shown.contains("BREACH"), "{screen}");
}

async fn a_crash_rolls_back_after_its_confirmations(way: Way) {
    let mut place = Place::new(way).await;
    place.watched(2).await;
    let turned = place.turn("crash", Some(json!(true))).await;
    let (point, screen) = place.next_look(turned).await;
    assert_eq!(point.taken.sample.validation, Ok(Probe::Fail), "{point:#?}");
    assert_eq!(
        of(&point, Criterion::Availability).state,
        State::Over,
        "{point:#?}"
    );
    assert!(line(&screen, "Availability").contains("over"), "{screen}");
    assert!(line(&screen, "Validation").contains("1 of 3"), "{screen}");
    let watch = place.until("the verdict", Watch::should_roll_back).await;
    let verdict = watch.verdict().expect("judged");
    assert_eq!((verdict.score, verdict.word), (5, Word::Breach), "{verdict:#?}");
    assert_eq!(
        watch
            .history
            .iter()
            .filter(|point| point.at() >= turned.as_microsecond())
            .count(),
        3
    );
    assert!(place.screen().contains("BREACH since"));
}

macro_rules! both_ways {
    ($($name:ident),*) => {
        mod in_process {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Way::InProcess).await;
            })*
        }
        mod through_its_program {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Way::Program).await;
            })*
        }
    };
}

both_ways!(
    failures_are_a_breach_at_once,
    flapping_health_is_seen_and_never_rolls_back,
    a_hang_is_unknown_and_what_comes_back_is_judged,
    lost_metrics_are_unknown_beside_what_is_known,
    latency_is_a_degradation,
    a_crash_rolls_back_after_its_confirmations
);
