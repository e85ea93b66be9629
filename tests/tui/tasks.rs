//! The tasks screen: its pictures, and what its keys do to plans. Pictures are drawn into the pane alone.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};
use maos_migrate::engine::Capability;
use maos_migrate::engine::command::Command as Order;
use maos_migrate::engine::operation::Control;
use maos_migrate::engine::snapshot::{Snapshot, Step};
use maos_migrate::engine::tasks::convert::Accepted;
use maos_migrate::engine::tasks::input::Records;
use maos_migrate::engine::tasks::view::View;
use maos_migrate::engine::tasks::{Rules, TaskId, decompose};
use maos_migrate::engine::views::Views;
use maos_migrate::tui::app::context::{Cx, Effect, Handled};
use maos_migrate::tui::clock::Now;
use maos_migrate::tui::keymap::{Key, KeyMap};
use maos_migrate::tui::layout;
use maos_migrate::tui::paint::Painter;
use maos_migrate::tui::screens::Screen;
use maos_migrate::tui::screens::tasks::TasksScreen;
use maos_migrate::tui::screens::tasks::reading::Reading;
use maos_migrate::tui::style::{Look, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use serde_json::{Value, json};

use super::support::{self, at};

const TASKS: [(&str, &str); 8] = [
    (
        "legacy_001",
        "Research AWS, Azure, and GCP pricing, then compare their features",
    ),
    (
        "legacy_002",
        "Implement user authentication, password reset, and profile management",
    ),
    (
        "legacy_014",
        "Translate the release notes into French, German, Spanish and Italian",
    ),
    (
        "legacy_017",
        "Test login on three browsers, then write up the results",
    ),
    ("legacy_033", "Debug the authentication bug in login.py"),
    ("legacy_034", "Write the installation guide and the tutorial"),
    (
        "legacy_035",
        "Collect the invoices, check them, and then pay them",
    ),
    (
        "legacy_036",
        "Design the schema, then implement the importer based on the schema",
    ),
];

fn reading(tasks: &[(&str, &str)]) -> Arc<Reading> {
    let rules = Arc::new(Rules::default_with(None).expect("the rules"));
    let mut file: Vec<String> = tasks
        .iter()
        .map(|(id, text)| json!({ "id": id, "description": text }).to_string())
        .collect();
    file.extend(["{\"id\": 97}", "{\"id\": 98}", "{\"id\": 99}"].map(str::to_owned));
    let lines = Box::new(Cursor::new(file.join("\n")));
    let records = Records::new(lines, Some("jsonl"), "legacy/tasks.json").expect("records");
    let source = "legacy/tasks.json";
    let view = View::read(source, records, &rules, &Accepted::new(), &Control::silent()).expect("a view");
    Arc::new(Reading {
        view: Arc::new(view),
        rules,
        at: at("14:06:18"),
    })
}

/// The screen on a desk: keys as text in, pictures and decisions out.
pub(super) struct Desk {
    screen: TasksScreen,
    pub(super) snapshot: Snapshot,
    views: Views,
    pub(super) now: Now,
    keys: KeyMap,
    look: Look,
    size: (u16, u16),
    pub(super) sent: Vec<(String, Value)>,
}

impl Desk {
    pub(super) fn new(size: (u16, u16)) -> Self {
        Self::with(size, &TASKS)
    }

    pub(super) fn with(size: (u16, u16), tasks: &[(&str, &str)]) -> Self {
        let mut desk = Self {
            screen: TasksScreen::with_reading(reading(tasks)),
            snapshot: support::snapshot(),
            views: support::views(),
            now: Now {
                mono: Duration::from_secs(10),
                at: at("14:06:30"),
                zone: jiff::tz::TimeZone::UTC,
            },
            keys: KeyMap::default(),
            look: Look::new(Theme::Mono, false),
            size,
            sent: Vec::new(),
        };
        desk.picture();
        desk
    }

    pub(super) fn ask<T>(&mut self, ask: impl FnOnce(&mut TasksScreen, &Cx<'_>) -> T) -> T {
        let density = layout::areas(Size::new(self.size.0, self.size.1)).density;
        let cx = Cx::new(
            &self.snapshot,
            &self.views,
            &self.now,
            self.look,
            &self.keys,
            density,
        );
        ask(&mut self.screen, &cx)
    }

    pub(super) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in Key::sequence(keys).expect("keys") {
            self.now.mono += Duration::from_millis(10);
            let event = key.event();
            if self.screen.editing() {
                let ends = matches!(event.code, KeyCode::Esc | KeyCode::Tab)
                    || (event.code == KeyCode::Char('c') && event.modifiers == KeyModifiers::CONTROL);
                if !ends {
                    let handled = self.ask(|screen, cx| screen.typed(&event, cx));
                    if self.handled(handled) {
                        continue;
                    }
                }
            }
            let commands = self.ask(|screen, cx| screen.commands(cx));
            let Some(action) = self.keys.resolve(key, &commands) else {
                panic!("{key:?} means nothing here");
            };
            let off = commands
                .iter()
                .find(|command| command.is(action))
                .and_then(|command| command.off.clone());
            if off.is_none() {
                let handled = self.ask(|screen, cx| screen.act(action, cx));
                self.handled(handled);
            }
            self.picture();
        }
        self
    }

    fn handled(&mut self, handled: Handled) -> bool {
        let Handled::Yes(effects) = handled else {
            return false;
        };
        for effect in effects {
            if let Effect::Send(Order::Decide {
                capability: Capability::Tasks,
                subject,
                choice,
            }) = effect
            {
                self.sent.push((subject, choice));
            }
        }
        true
    }

    pub(super) fn picture(&mut self) -> String {
        let pane = layout::areas(Size::new(self.size.0, self.size.1)).pane;
        let mut buffer = Buffer::empty(Rect::new(0, 0, pane.width, pane.height));
        let area = buffer.area;
        let look = self.look;
        self.ask(|screen, cx| screen.render(&mut Painter::new(&mut buffer, area, look), cx));
        support::text(&buffer)
    }

    pub(super) fn news(&mut self) -> String {
        self.ask(|screen, cx| {
            let news = screen.news(cx);
            format!("{} ▸ {}", news.what, news.next)
        })
    }

    fn subjects(&self) -> Vec<&str> {
        self.sent.iter().map(|(subject, _)| subject.as_str()).collect()
    }

    /// The parts of the last plan sent.
    fn parts(&self) -> Vec<String> {
        let plan = self
            .sent
            .iter()
            .rev()
            .find(|(subject, _)| subject.starts_with("plan:"));
        let (_, plan) = plan.expect("a plan was kept");
        let parts = plan["subtasks"].as_array().expect("its parts");
        parts
            .iter()
            .map(|part| part["description"].as_str().expect("a description").to_owned())
            .collect()
    }
}

#[test]
fn pictures() {
    for size in [(80, 24), (120, 36), (140, 45), (60, 18), (40, 10)] {
        let name = format!("tasks_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name.clone(), Desk::new(size).picture());
        let mut desk = Desk::new(size);
        desk.keys("<enter>");
        insta::assert_snapshot!(format!("{name}_stages"), desk.picture());
    }
    let mut desk = Desk::new((80, 24));
    desk.look = Look::new(Theme::Mono, true);
    insta::assert_snapshot!("tasks_ascii_80x24", desk.picture());
    insta::assert_snapshot!(
        "tasks_zoomed_80x24",
        Desk::new((80, 24)).keys("<enter>z").picture()
    );
    insta::assert_snapshot!("tasks_edit_80x24", Desk::new((80, 24)).keys("e").picture());
    insta::assert_snapshot!("tasks_empty_80x24", Desk::with((80, 24), &[]).picture());
}

#[test]
fn nothing_is_drawn_outside_and_nothing_panics_at_any_size() {
    for width in (1..150).step_by(7) {
        for height in (1..50).step_by(3) {
            let mut desk = Desk::with((width, height), &TASKS[..3]);
            desk.keys("<enter>l<esc>e<tab>");
            desk.picture();
        }
    }
}

#[test]
fn the_now_line_and_the_next_thing() {
    let mut desk = Desk::new((80, 24));
    assert_eq!(
        desk.news(),
        "8 plans, 0 accepted, 3 records quarantined. ▸ n accepts the 8 plans"
    );
    desk.keys("<space><space>");
    assert!(
        desk.news().ends_with("n accepts the 2 marked plans"),
        "{}",
        desk.news()
    );
    desk.keys("n");
    assert_eq!(desk.sent[0].0, "accepted");
    assert_eq!(desk.sent[0].1.as_array().map(Vec::len), Some(2));
    desk.keys("n");
    assert_eq!(desk.sent[1], ("accepted".to_owned(), Value::from("all")));
    assert!(desk.news().starts_with("8 plans accepted."), "{}", desk.news());
}

#[test]
fn filter_and_sort_keep_the_cursor_on_its_task() {
    let mut desk = Desk::new((80, 24));
    desk.keys("/pricing<enter>");
    let picture = desk.picture();
    assert!(
        picture.contains("legacy_001") && !picture.contains("legacy_014"),
        "{picture}"
    );
    desk.keys("<esc>");
    assert!(desk.picture().contains("legacy_014"));
    let here = |desk: &mut Desk| {
        let picture = desk.picture();
        let row = picture
            .lines()
            .find(|line| line.starts_with(" ▸ legacy"))
            .map(str::to_owned);
        row.expect("a cursor")[..16].to_owned()
    };
    let before = here(&mut desk);
    desk.keys("o");
    assert!(desk.picture().contains("sort score ↑"));
    assert_eq!(here(&mut desk), before);
}

#[test]
fn the_stages_follow_the_text_150_ms_after_the_last_key() {
    let mut desk = Desk::with((80, 24), &TASKS[4..5]);
    let stages = |desk: &mut Desk| {
        desk.picture()
            .lines()
            .filter(|line| line.contains("Stage 1"))
            .map(str::to_owned)
            .collect::<String>()
    };
    assert!(stages(&mut desk).contains("Stage 1 · 1"), "{}", desk.picture());
    desk.keys("e<ctrl-u>Test Chrome, Firefox and Safari");
    assert!(stages(&mut desk).contains("Stage 1 · 1"), "{}", desk.picture());
    desk.now.mono += Duration::from_millis(149);
    assert!(stages(&mut desk).contains("Stage 1 · 1"), "{}", desk.picture());
    desk.now.mono += Duration::from_millis(1);
    assert!(stages(&mut desk).contains("Stage 1 · 3"), "{}", desk.picture());
    // Left, the plan is as before; kept, the journal has it.
    desk.keys("<ctrl-c>");
    assert!(stages(&mut desk).contains("Stage 1 · 1"), "{}", desk.picture());
    assert_eq!(
        desk.sent.last(),
        Some(&("draft:legacy_033".to_owned(), Value::Null))
    );
    desk.keys("e<ctrl-u>Test Chrome, Firefox and Safari<tab>");
    assert!(stages(&mut desk).contains("Stage 1 · 3"), "{}", desk.picture());
    assert_eq!(
        desk.sent.last().map(|sent| sent.0.as_str()),
        Some("plan:legacy_033")
    );
    desk.keys("u");
    assert!(stages(&mut desk).contains("Stage 1 · 1"), "{}", desk.picture());
    assert_eq!(
        desk.sent.last(),
        Some(&("plan:legacy_033".to_owned(), Value::Null))
    );
}

#[test]
fn drafts_and_plans_survive_a_crash() {
    let mut desk = Desk::with((80, 24), &TASKS[4..5]);
    desk.keys("eX<tab>A").keys("Read the log<tab>n");
    desk.keys("e").keys("Y");
    let mut decisions: BTreeMap<String, Value> = BTreeMap::new();
    for (subject, choice) in &desk.sent {
        if choice.is_null() {
            decisions.remove(subject);
        } else {
            decisions.insert(subject.clone(), choice.clone());
        }
    }
    let mut again = Desk::with((80, 24), &TASKS[4..5]);
    again.snapshot.steps.insert(
        Capability::Tasks,
        Step {
            decisions,
            ..Step::default()
        },
    );
    again.ask(Screen::entered);
    let picture = again.picture();
    assert!(picture.contains("Read the log"), "{picture}");
    assert!(again.news().contains("1 plan accepted"), "{}", again.news());
    again.keys("e");
    assert!(again.picture().contains("login.pyXY"), "{}", again.picture());
}

#[test]
fn parts_are_added_dropped_split_and_joined_and_taken_back() {
    let mut desk = Desk::with((120, 36), &TASKS[1..2]);
    let before = decompose(
        TaskId::from("x"),
        TASKS[1].1,
        &Rules::default_with(None).expect("rules"),
    )
    .subtasks
    .len();
    desk.keys("<enter>AWrite the manual<enter>");
    assert_eq!(desk.parts().len(), before + 1);
    assert!(desk.parts().iter().any(|part| part == "Write the manual"));
    desk.keys("D");
    assert_eq!(desk.parts().len(), before);
    desk.keys("S<ctrl-u>One<ctrl-j>Two<tab>");
    assert_eq!(desk.parts().len(), before + 1);
    assert!(desk.parts().contains(&"One".to_owned()) && desk.parts().contains(&"Two".to_owned()));
    desk.keys("g<space>j<space>J");
    assert_eq!(desk.parts().len(), before);
    assert!(
        desk.parts().iter().any(|part| part.contains(';')),
        "{:?}",
        desk.parts()
    );
    desk.keys("uuuu");
    assert_eq!(desk.sent.last().map(|sent| sent.1.clone()), Some(Value::Null));
}

#[test]
fn from_the_list_a_part_is_shown_before_it_is_dropped() {
    let mut desk = Desk::with((120, 36), &TASKS[1..2]);
    desk.keys("D");
    assert!(desk.sent.is_empty(), "{:?}", desk.subjects());
    assert!(desk.news().contains("D drops"), "{}", desk.news());
    desk.keys("D");
    assert_eq!(desk.subjects(), ["plan:legacy_002"]);
    let mut desk = Desk::with((120, 36), &TASKS[7..8]);
    desk.keys("d");
    assert!(desk.news().starts_with("What does "), "{}", desk.news());
}

#[test]
fn a_cycle_is_refused_on_the_spot_in_the_sentence_of_the_engine() {
    let mut desk = Desk::with((120, 36), &TASKS[7..8]);
    // The first part shall wait for the second, which waits for the first.
    desk.keys("<enter>gd");
    assert!(desk.news().starts_with("What does "), "{}", desk.news());
    desk.keys("<right><space>");
    assert!(desk.news().starts_with("Not allowed: "), "{}", desk.news());
    assert!(desk.sent.is_empty(), "{:?}", desk.subjects());
    // And taking the dependency off is allowed.
    desk.keys("<enter>d<left><space>");
    assert_eq!(desk.subjects(), ["plan:legacy_036"]);
}

#[test]
fn agents_change_the_makespan_at_once() {
    let mut desk = Desk::with((80, 24), &TASKS[1..2]);
    let line = |desk: &mut Desk| {
        let picture = desk.picture();
        let line = picture
            .lines()
            .find(|line| line.contains("makespan"))
            .map(str::to_owned);
        line.expect("the agents' line")
    };
    assert!(
        line(&mut desk).contains("agents 3") && line(&mut desk).contains("makespan 2.0"),
        "{}",
        line(&mut desk)
    );
    desk.keys("-");
    assert!(
        line(&mut desk).contains("agents 2") && line(&mut desk).contains("makespan 3.0"),
        "{}",
        line(&mut desk)
    );
    desk.keys("-----");
    assert!(
        line(&mut desk).contains("agents 1") && line(&mut desk).contains("makespan 4.0"),
        "{}",
        line(&mut desk)
    );
    desk.keys("a3<enter>");
    assert!(line(&mut desk).contains("makespan 2.0"), "{}", line(&mut desk));
    desk.keys("a0<enter>");
    assert!(
        desk.news().contains("is not a number of agents"),
        "{}",
        desk.news()
    );
}

#[test]
fn a_watcher_looks_and_changes_nothing() {
    let mut desk = Desk::new((80, 24));
    let mut bob = support::alice();
    bob.operator = "bob".to_owned();
    desk.views.mode = maos_migrate::engine::views::Mode::Watching(bob);
    desk.keys("<enter>D").keys("<esc>en");
    assert!(desk.sent.is_empty(), "{:?}", desk.subjects());
    assert!(!desk.screen.editing());
}
