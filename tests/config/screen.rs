//! The Config screen: keys in, pictures and requests out, with the real conversion behind it.

use std::sync::Arc;
use std::time::Duration;

use maos_migrate::engine::Capability;
use maos_migrate::engine::assess::Questionnaire;
use maos_migrate::engine::command::Command;
use maos_migrate::engine::config::Profile;
use maos_migrate::engine::readiness::{Facts, score};
use maos_migrate::engine::runner::Reply;
use maos_migrate::engine::snapshot::Snapshot;
use maos_migrate::engine::views::{Mode, Slot, Views};
use maos_migrate::engine::workspace::{Environment, MigrationType};
use maos_migrate::tui::app::{App, Out};
use maos_migrate::tui::clock::Now;
use maos_migrate::tui::keymap::{Key, KeyMap};
use maos_migrate::tui::style::{Look, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use crate::Case;

/// A wizard on the Config screen, and an engine that decides and reads, and does nothing else.
struct Wizard {
    case: Case,
    app: App,
    snapshot: Snapshot,
    views: Views,
    now: Now,
    size: (u16, u16),
    sent: Vec<String>,
}

impl Wizard {
    fn new(case: Case, size: (u16, u16), ascii: bool) -> Self {
        let at = "2026-11-22T14:26:30Z".parse().expect("a time");
        let questionnaire = Questionnaire::built_in().expect("the questionnaire");
        let mut snapshot = Snapshot {
            name: "acme-billing".to_owned(),
            migration: Some(MigrationType::Brownfield),
            environment: Environment::Rehearsal,
            target: "target/maos.db".to_owned(),
            ..Snapshot::default()
        };
        let readiness = score(&questionnaire, &snapshot.answers, &Facts::default());
        snapshot.readiness = Some((at, Box::new(readiness)));
        let views = Views {
            mode: Mode::Operating,
            ..Views::default()
        };
        let now = Now {
            mono: Duration::from_secs(10),
            at,
            zone: jiff::tz::TimeZone::UTC,
        };
        let app = App::new(
            Look::new(Theme::Dark, ascii),
            KeyMap::default(),
            Size::new(size.0, size.1),
        );
        let mut wizard = Self {
            case,
            app,
            snapshot,
            views,
            now,
            size,
            sent: Vec::new(),
        };
        wizard.update();
        // Start, Assess, Readiness, Tasks, Environment, Config.
        wizard.keys("]]]]]");
        wizard
    }

    fn update(&mut self) {
        self.app.update(
            Arc::new(self.snapshot.clone()),
            Arc::new(self.views.clone()),
            &self.now,
        );
        self.serve();
    }

    /// Does what the engine would do with the requests.
    fn serve(&mut self) {
        loop {
            let out = self.app.take_out();
            if out.is_empty() {
                return;
            }
            for request in out {
                let (purpose, order) = match request {
                    Out::Send(order) => (None, order),
                    Out::Ask(purpose, order) => (Some(purpose), order),
                    _ => continue,
                };
                self.sent.push(format!("{order:?}"));
                self.obey(&order);
                if let Some(purpose) = purpose {
                    let reply = match &order {
                        Command::Plan { .. } => self
                            .case
                            .plan()
                            .map(|prepared| Reply::Plan(Box::new(prepared.plan))),
                        _ => Ok(Reply::Done),
                    };
                    self.app.answered(&(purpose, reply), &self.now);
                }
                self.app.update(
                    Arc::new(self.snapshot.clone()),
                    Arc::new(self.views.clone()),
                    &self.now,
                );
            }
        }
    }

    fn obey(&mut self, order: &Command) {
        let request = &mut self.case.request;
        match order {
            Command::Decide { subject, choice, .. } => {
                if let Some(path) = subject.strip_prefix("choice:") {
                    match choice.as_u64() {
                        Some(n) => request
                            .decisions
                            .choices
                            .insert(path.to_owned(), usize::try_from(n).expect("small")),
                        None => request.decisions.choices.remove(path),
                    };
                }
                if let Some(key) = subject.strip_prefix("edit:") {
                    match choice.as_str() {
                        Some(text) => request.decisions.edits.insert(key.to_owned(), text.into()),
                        None => request.decisions.edits.remove(key),
                    };
                }
            }
            Command::KeepSecret { name, value } => {
                request
                    .decisions
                    .edits
                    .insert(name.clone(), value.clone().into_secret());
            }
            Command::Set { value, .. } => request.profile = Profile::named(value).expect("a profile"),
            Command::Read(Capability::Config) => {
                let read = self.case.plan().map(|prepared| prepared.view);
                self.views.config = Slot::read_shared(self.now.at, read);
            }
            _ => {}
        }
    }

    fn keys(&mut self, keys: &str) -> &mut Self {
        for key in Key::sequence(keys).expect("keys") {
            self.now.mono += Duration::from_millis(10);
            self.app.key(&key.event(), &self.now);
            self.serve();
        }
        self
    }

    fn text(&mut self) -> String {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buffer = Buffer::empty(area);
        self.app.draw(&mut buffer, &self.now);
        let rows = buffer.content().chunks(usize::from(area.width));
        let lines: Vec<String> = rows
            .map(|row| {
                row.iter()
                    .map(ratatui::buffer::Cell::symbol)
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
            })
            .collect();
        lines.join("\n")
    }
}

fn sample() -> Case {
    let text = std::fs::read_to_string("assets/sample/legacy/config.yml").expect("the sample");
    Case::with("config.yml", &text, |request| request.require_decisions = true)
}

#[test]
fn the_screen_at_every_size() {
    for (width, height) in [(40, 10), (60, 18), (80, 24), (100, 30), (140, 45)] {
        let mut wizard = Wizard::new(sample(), (width, height), false);
        insta::assert_snapshot!(format!("screen_{width}x{height}"), wizard.keys("n").text());
    }
    let mut wizard = Wizard::new(sample(), (80, 24), true);
    insta::assert_snapshot!("screen_ascii_80x24", wizard.keys("n").text());
}

#[test]
fn conflicts_are_decided_by_number_and_then_the_plan_is_confirmed() {
    let mut wizard = Wizard::new(sample(), (100, 30), false);
    assert!(
        wizard.text().contains("2 conflicts need a decision."),
        "{}",
        wizard.text()
    );
    wizard.keys("n2");
    assert!(
        wizard.text().contains("1 conflict needs a decision."),
        "{}",
        wizard.text()
    );
    assert!(
        wizard.text().contains("redis://cache.acme.example:6379/0"),
        "{}",
        wizard.text()
    );
    wizard.keys("n1");
    assert!(
        wizard.text().contains("n writes maos_config.yml"),
        "{}",
        wizard.text()
    );
    wizard.keys("u");
    assert!(
        wizard.text().contains("1 conflict needs a decision."),
        "{}",
        wizard.text()
    );
    wizard.keys("2n");
    assert!(
        wizard.sent.last().expect("a request").contains("Plan"),
        "{:?}",
        wizard.sent
    );
    assert!(
        wizard.text().contains("Write maos_config.yml"),
        "{}",
        wizard.text()
    );
}

#[test]
fn values_are_edited_and_refused_with_the_reason() {
    let mut wizard = Wizard::new(sample(), (100, 30), false);
    wizard.keys("ge<ctrl-u>many<enter>");
    assert!(
        wizard
            .text()
            .contains("Many is not a whole number. Nothing was saved."),
        "{}",
        wizard.text()
    );
    wizard.keys("<ctrl-u>12<enter>");
    assert!(
        wizard.text().contains("system.max_agents: 12"),
        "{}",
        wizard.text()
    );
    assert_eq!(wizard.case.plan().expect("a plan").report.mapped[0].value, 12);
    wizard.keys("u");
    assert!(
        wizard.text().contains("system.max_agents: 8"),
        "{}",
        wizard.text()
    );
}

#[test]
fn a_secret_is_neither_shown_nor_journaled() {
    let mut wizard = Wizard::new(sample(), (100, 30), false);
    for _ in 0..10 {
        wizard.keys("j");
    }
    assert!(
        wizard.text().contains("database.password: ******"),
        "{}",
        wizard.text()
    );
    wizard.keys("ehunter2");
    let typing = wizard.text();
    assert!(
        !typing.contains("hunter2") && !typing.contains("hunt"),
        "{typing}"
    );
    assert!(typing.contains("A secret is never shown."), "{typing}");
    wizard.keys("<enter>");
    let kept = wizard.text();
    assert!(!kept.contains("hunter2"), "{kept}");
    assert!(
        wizard.sent.iter().any(|sent| sent.contains("KeepSecret"))
            && !wizard.sent.iter().any(|sent| sent.contains("hunter2")),
        "{:?}",
        wizard.sent
    );
    // It is written where secrets are kept, and nowhere else.
    wizard.case.request.require_decisions = false;
    wizard.case.apply();
    assert!(wizard.case.environment().contains("=hunter2\n"));
    let written = std::fs::read_to_string(&wizard.case.request.out).expect("the written file");
    assert!(!written.contains("hunter2"), "{written}");
    assert_eq!(crate::mode(&wizard.case.path("out/maos.env")), 0o600);
    // An empty field keeps what there is; a reference is a decision like any other.
    let sent = wizard.sent.len();
    wizard.keys("e<enter>");
    assert_eq!(wizard.sent.len(), sent, "{:?}", wizard.sent);
    wizard.keys("e${PW}<enter>");
    assert!(
        wizard.sent[sent..]
            .iter()
            .any(|sent| sent.contains("Decide") && sent.contains("${PW}")),
        "{:?}",
        wizard.sent
    );
    let all = wizard.text();
    assert!(!all.contains("Heron"), "{all}");
}

#[test]
fn the_profile_changes_and_an_unreadable_file_says_where() {
    let mut wizard = Wizard::new(sample(), (100, 30), false);
    wizard.keys("oo");
    assert!(wizard.text().contains("profile shipped"), "{}", wizard.text());
    assert!(
        wizard.text().contains("logging.level: WARNING"),
        "{}",
        wizard.text()
    );
    std::fs::write(wizard.case.source(), "a: 1\na: 2\n").expect("the file");
    wizard.keys("r");
    assert!(wizard.text().contains("line 2, column 1"), "{}", wizard.text());
}

/// A choice made for one profile decides nothing in another, and never keeps anybody from going on.
#[test]
fn a_decision_of_another_profile_is_left_out_and_told() {
    let mut wizard = Wizard::new(sample(), (100, 30), false);
    // The second conflict is none in the shipped profile: there each key has its own place.
    wizard.keys("nn2");
    wizard.keys("oo");
    let shown = wizard.text();
    assert!(shown.contains("profile shipped"), "{shown}");
    assert!(shown.contains("choice 2 is left out"), "{shown}");
    // It is still there where it belongs.
    wizard.keys("o");
    let shown = wizard.text();
    assert!(
        shown.contains("profile guide") && !shown.contains("left out"),
        "{shown}"
    );
}

/// The reading that follows a change is asked for when the change is made, not beside it: it would show the old profile.
#[test]
fn both_sides_are_read_after_the_change_and_the_profile_changes_without_them() {
    let mut wizard = Wizard::new(sample(), (100, 30), false);
    wizard.now.mono += Duration::from_millis(10);
    for key in Key::sequence("o").expect("a key") {
        wizard.app.key(&key.event(), &wizard.now);
    }
    let out = wizard.app.take_out();
    assert!(
        matches!(&out[..], [Out::Ask(_, Command::Set { value, .. })] if value == "reference"),
        "{out:?}"
    );
    // Where nothing can be shown, another profile may be readable.
    std::fs::write(wizard.case.source(), "a: 1\na: 2\n").expect("the file");
    wizard.keys("ro");
    assert!(
        wizard.sent.last().expect("a request").contains("Read"),
        "{:?}",
        wizard.sent
    );
    let sets = wizard.sent.iter().filter(|sent| sent.contains("Set")).count();
    assert_eq!(sets, 1, "{:?}", wizard.sent);
}
