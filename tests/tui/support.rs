//! Drawing into a buffer and looking at it: as text, and as a map of roles.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use maos_migrate::engine::Capability;
use maos_migrate::engine::assess::{Answer, Kind, Questionnaire, Source};
use maos_migrate::engine::error::Result;
use maos_migrate::engine::operation::{Effect as Planned, Outcome, Plan, Progress, ProofLine, Quarantined};
use maos_migrate::engine::readiness::{self, Facts};
use maos_migrate::engine::runner::Reply;
use maos_migrate::engine::snapshot::{Activity, RatePoint, Snapshot, Step};
use maos_migrate::engine::views::{Check, Line, Mode, Slot, Sources, Views};
use maos_migrate::engine::workspace::{Environment, Holder, MigrationType};
use maos_migrate::tui::app::{App, Out};
use maos_migrate::tui::clock::Now;
use maos_migrate::tui::keymap::{Key, KeyMap};
use maos_migrate::tui::style::{Look, Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

/// The sizes every screen is looked at in.
pub const SIZES: [(u16, u16); 5] = [(40, 10), (60, 18), (80, 24), (100, 30), (140, 45)];

/// The buffer as lines; trailing blanks are kept visible by the frame, so they are cut.
pub fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    buffer
        .content()
        .chunks(width)
        .map(|row| {
            let mut line = String::new();
            let mut skip = 0;
            for cell in row {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                line.push_str(cell.symbol());
                skip = maos_migrate::tui::text::width(cell.symbol()).saturating_sub(1);
            }
            line.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The buffer as one letter a cell for its role; blanks without a style are spaces.
pub fn roles(buffer: &Buffer, look: &Look) -> String {
    let width = usize::from(buffer.area.width).max(1);
    buffer
        .content()
        .chunks(width)
        .map(|row| {
            let letters: String = row
                .iter()
                .map(|cell| {
                    let style = cell.style();
                    if style.add_modifier.contains(ratatui::style::Modifier::REVERSED) {
                        return if style.add_modifier.contains(ratatui::style::Modifier::BOLD) {
                            'B'
                        } else {
                            's'
                        };
                    }
                    if cell.symbol() == " " {
                        return ' ';
                    }
                    let same = |role: &&Role| {
                        let wanted = look.style(**role);
                        wanted.fg.unwrap_or(ratatui::style::Color::Reset) == cell.fg
                            && wanted.add_modifier == cell.modifier
                    };
                    Role::ALL.iter().find(same).map_or('#', |role| role.letter())
                })
                .collect();
            letters.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// A wizard without a terminal or an engine: keys as text in, pictures and requests out.
pub struct Harness {
    pub app: App,
    pub snapshot: Snapshot,
    pub views: Views,
    pub now: Now,
    pub size: (u16, u16),
    pub look: Look,
    pub out: Vec<Out>,
}

impl Harness {
    /// An open session of alice's on a brownfield migration, at 14:06:30 UTC.
    pub fn new(size: (u16, u16)) -> Self {
        Self::with_look(size, Look::new(Theme::Dark, false))
    }

    pub fn with_look(size: (u16, u16), look: Look) -> Self {
        let now = Now {
            mono: Duration::from_secs(10),
            at: at("14:06:30"),
            zone: jiff::tz::TimeZone::UTC,
        };
        let mut harness = Self {
            app: App::new(look, KeyMap::default(), Size::new(size.0, size.1)),
            snapshot: snapshot(),
            views: views(),
            now,
            size,
            look,
            out: Vec::new(),
        };
        harness.update();
        harness
    }

    /// Hands the present snapshot and views to the wizard.
    pub fn update(&mut self) {
        self.app.update(
            Arc::new(self.snapshot.clone()),
            Arc::new(self.views.clone()),
            &self.now,
        );
        self.out.extend(self.app.take_out());
    }

    /// Presses keys, 10 ms apart.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        for key in Key::sequence(keys).expect("keys") {
            self.now.mono += Duration::from_millis(10);
            self.app.key(&key.event(), &self.now);
        }
        self.out.extend(self.app.take_out());
        self
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) -> &mut Self {
        self.now.mono += time;
        self.now.at = self.now.at.checked_add(time).expect("time");
        self
    }

    /// Answers the oldest question that waits for an answer.
    pub fn answer(&mut self, result: Result<Reply>) -> &mut Self {
        let index = self
            .out
            .iter()
            .position(|out| matches!(out, Out::Ask(..)))
            .expect("nothing was asked");
        let Out::Ask(purpose, _) = self.out.remove(index) else {
            unreachable!()
        };
        self.app.answered(&(purpose, result), &self.now);
        self.out.extend(self.app.take_out());
        self
    }

    /// Answers if something was asked; where there is no room for a screen, nothing is.
    pub fn answer_if_asked(&mut self, result: Result<Reply>) {
        if self.out.iter().any(|out| matches!(out, Out::Ask(..))) {
            self.answer(result);
        }
    }

    pub fn buffer(&mut self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        self.app.draw(&mut buffer, &self.now);
        buffer
    }

    pub fn text(&mut self) -> String {
        text(&self.buffer())
    }

    pub fn roles(&mut self) -> String {
        let look = self.look;
        roles(&self.buffer(), &look)
    }

    /// What was sent to the engine, and what it was asked, in words.
    pub fn sent(&self) -> Vec<String> {
        self.out
            .iter()
            .filter_map(|out| match out {
                Out::Send(order) | Out::Ask(_, order) => Some(format!("{order:?}")),
                _ => None,
            })
            .collect()
    }
}

/// A state of a screen by its name, and the way there.
pub type Scene = (&'static str, fn(&mut Harness));

/// The scene of that name.
pub fn scene(scenes: &[Scene], name: &str, size: (u16, u16), look: Look) -> Harness {
    let (_, build) = scenes.iter().find(|(known, _)| *known == name).expect("a scene");
    let mut harness = Harness::with_look(size, look);
    build(&mut harness);
    harness
}

/// Opens the screen, draws it once, goes to each of the scenes and gives `check` the picture, with `NAME_WIDTHxHEIGHT`: at every size.
pub fn each_scene(scenes: &[Scene], open: fn(&mut Harness), check: impl Fn(String, String)) {
    const WIDE: [(u16, u16); 6] = [(40, 10), (60, 18), (80, 24), (100, 30), (120, 36), (140, 45)];
    for (name, scene) in scenes {
        for size in WIDE {
            let mut harness = Harness::new(size);
            open(&mut harness);
            harness.text();
            scene(&mut harness);
            check(format!("{name}_{}x{}", size.0, size.1), harness.text());
        }
    }
}

/// Goes to the step that comes `down` steps below the start, with everything answered and the environment proved.
pub fn go_down(harness: &mut Harness, down: usize) {
    scored(&mut harness.snapshot);
    answered(&mut harness.snapshot, &[]);
    let proved = Step {
        activity: Activity::Done,
        ..Step::default()
    };
    harness.snapshot.steps.insert(Capability::Environment, proved);
    harness.update();
    harness.keys(&"]".repeat(down));
    harness.out.clear();
}

/// A moment of the day the tests take place on.
pub fn at(clock: &str) -> Timestamp {
    format!("2026-11-22T{clock}Z").parse().expect("a time")
}

/// Brownfield on a production server, settings read, nothing else done.
pub fn snapshot() -> Snapshot {
    Snapshot {
        seq: 12,
        at: Some(at("14:06:00")),
        name: "acme-billing".to_owned(),
        migration: Some(MigrationType::Brownfield),
        environment: Environment::Production,
        target: "db.acme:5432/maos".to_owned(),
        session: Some(alice()),
        sessions: 1,
        ..Snapshot::default()
    }
}

pub fn alice() -> Holder {
    Holder {
        operator: "alice".to_owned(),
        host: "ops-1".to_owned(),
        pid: 4211,
        since: at("13:58:00"),
    }
}

/// An operating session with a questionnaire and checked sources.
pub fn views() -> Views {
    let line = |path, shown: &str, check| Line {
        path,
        shown: shown.to_owned(),
        needed: true,
        check,
    };
    let sources = Sources {
        lines: vec![
            line(
                ["sources", "tasks"],
                "legacy/tasks.json",
                Check::Good("40 records".to_owned()),
            ),
            line(
                ["sources", "config"],
                "legacy/config.yml",
                Check::Good("14 keys".to_owned()),
            ),
            line(
                ["sources", "checkpoints"],
                "legacy/checkpoints/",
                Check::Good("12,480 files".to_owned()),
            ),
            line(
                ["sources", "database"],
                "postgres://app@db.acme:5432/app",
                Check::Good("1,204,311 rows".to_owned()),
            ),
            line(
                ["target", "database"],
                "postgres://maos@db.acme:5432/maos",
                Check::Good("empty".to_owned()),
            ),
            line(
                ["target", "maos"],
                "shipped CLI 0.9.4 in ./.venv",
                Check::Note("6/14 commands".to_owned()),
            ),
        ],
    };
    Views {
        mode: Mode::Operating,
        me: Some(alice()),
        sources: Slot::Ready(at("14:06:24"), Arc::new(sources)),
        questionnaire: Some(Ok(Arc::new(
            Questionnaire::built_in().expect("the questionnaire"),
        ))),
        ..Views::default()
    }
}

/// Answers to all questions but those named.
pub fn answered(snapshot: &mut Snapshot, open: &[&str]) {
    let questionnaire = Questionnaire::built_in().expect("the questionnaire");
    for question in &questionnaire.questions {
        if open.contains(&question.id.as_str()) {
            continue;
        }
        let typed = match &question.kind {
            Kind::Choice(options) => options[0].id.clone(),
            Kind::Number { max, .. } => max.to_string(),
            Kind::Integer { max, .. } => max.to_string(),
            Kind::YesNo => "yes".to_owned(),
            Kind::Text => "as today".to_owned(),
            Kind::Version => "15.7".to_owned(),
        };
        let value = question.parse(&typed).expect("an answer");
        let probed = !question.probe.is_empty();
        let answer = Answer {
            value,
            source: if probed { Source::Probed } else { Source::Stated },
            evidence: if probed {
                question.probe.clone()
            } else {
                String::new()
            },
            by: if probed {
                "alice".to_owned()
            } else {
                "lena".to_owned()
            },
            at: at(if probed { "14:01:00" } else { "14:05:00" }),
        };
        snapshot.answers.given.insert(question.id.clone(), answer);
    }
    snapshot.answers_at = Some(at("14:06:02"));
}

/// The readiness of the answers there are.
pub fn scored(snapshot: &mut Snapshot) {
    let questionnaire = Questionnaire::built_in().expect("the questionnaire");
    let result = readiness::score(&questionnaire, &snapshot.answers, &Facts::default());
    snapshot.readiness = Some((at("14:06:10"), Box::new(result)));
    snapshot.steps.insert(
        Capability::Readiness,
        Step {
            activity: Activity::Done,
            ..Step::default()
        },
    );
}

/// A plan to copy rows.
pub fn plan() -> Plan {
    Plan {
        capability: Capability::Schema,
        verb: "apply".to_owned(),
        title: "Copy 1,204,266 rows".to_owned(),
        target: "db.acme:5432/maos".to_owned(),
        effects: vec![
            Planned::counted("insert", 1_204_266, "rows into tasks"),
            Planned::counted("insert", 45, "rows into quarantine"),
            Planned::counted("read", 1_204_311, "rows of legacy_tasks, changed 0"),
        ],
        undo: Some("u on this screen removes exactly these rows.".to_owned()),
        needs_approval: true,
        basis: vec![],
        digest: String::new(),
    }
    .sealed()
}

/// A plan without a way back.
pub fn undo_plan() -> Plan {
    Plan {
        verb: "undo".to_owned(),
        title: "Remove 1,204,266 rows".to_owned(),
        undo: None,
        ..plan()
    }
    .sealed()
}

/// Rows being copied.
pub fn running(snapshot: &mut Snapshot, done: u64) {
    answered(snapshot, &[]);
    scored(snapshot);
    let progress = Progress {
        done,
        total: Some(1_204_266),
        quarantined: 30,
        unit: "rows".to_owned(),
        phase: "copying".to_owned(),
        running: vec!["chunk 742, 640 rows".to_owned(), "chunk 743, 118 rows".to_owned()],
        elapsed_s: 10.4,
        ..Progress::default()
    };
    let point = |elapsed_s, done| RatePoint {
        elapsed_s,
        done,
        bytes: 0,
    };
    let step = Step {
        activity: Activity::Running,
        verb: "apply".to_owned(),
        plan: Some(plan()),
        approved_by: Some("alice".to_owned()),
        progress: Some(progress),
        rate: [point(8.4, done.saturating_sub(142_600)), point(10.4, done)].into(),
        started: Some(at("14:06:20")),
        ..Step::default()
    };
    snapshot.steps.insert(Capability::Schema, step);
    snapshot.at = Some(at("14:06:29"));
}

/// Rows copied and proved, some set aside.
pub fn finished(snapshot: &mut Snapshot) {
    running(snapshot, 1_204_266);
    let item = |key: &str, reason: &str, place: &str, why: &str, raw: &str| Quarantined {
        kind: "row".to_owned(),
        key: key.to_owned(),
        reason: reason.to_owned(),
        place: place.to_owned(),
        why: why.to_owned(),
        hint: "mend the row in legacy_tasks and run the step again".to_owned(),
        raw: raw.to_owned(),
    };
    let line = |what: &str, source: &str, target: &str| ProofLine {
        what: what.to_owned(),
        source: source.to_owned(),
        target: target.to_owned(),
        equal: true,
    };
    let step = snapshot.steps.entry(Capability::Schema).or_default();
    step.activity = Activity::DoneWithQuarantine;
    step.ended = Some(at("14:06:28"));
    step.outcome = Some(Outcome {
        source: 1_204_311,
        converted: 1_204_266,
        unchanged: 0,
        quarantined: 45,
        proof: vec![
            line("rows = migrated + quarantined", "1,204,311", "1,204,266 + 45"),
            line("totals for each status", "6", "6"),
            line("row hashes, read separately", "1,204,266", "1,204,266"),
        ],
        summary: "1,204,266 rows copied, 45 set aside".to_owned(),
        artifacts: vec!["schema/quarantine.jsonl".to_owned()],
    });
    step.quarantine = vec![
        item(
            "id 88213",
            "unknown_status",
            "column status",
            "status \"archived\" has no rule",
            "88213|archived|Close \x1b[2J",
        ),
        item(
            "id 88240",
            "unknown_status",
            "column status",
            "status \"archived\" has no rule",
            "88240|archived|…",
        ),
        item(
            "id 91177",
            "nul_in_text",
            "column description",
            "a NUL cannot be stored as text",
            "91177|…",
        ),
    ];
}
