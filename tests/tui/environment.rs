//! The environment step in its states, for the scenes.

use maos_migrate::engine::Capability;
use maos_migrate::engine::environment::{APPLY, Found, Key, Line, MaosFound, View};
use maos_migrate::engine::error::Error;
use maos_migrate::engine::item::ItemState;
use maos_migrate::engine::operation::Progress;
use maos_migrate::engine::ports::maos::{Ability, Capabilities, Dialect, Finding, Presence};
use maos_migrate::engine::snapshot::{Activity, Step};
use maos_migrate::engine::views::Slot;

use super::support::{Harness, answered, at, scored};

/// The released program in an environment of its own, without click, and a server that has no database yet.
fn view() -> View {
    let needs = |act: &str, what: &str| Found::Needs(act.to_owned(), what.to_owned());
    let skipped = || Found::Skipped("no release has it".to_owned());
    let finding = |ability: Ability| Finding {
        ability,
        presence: match ability {
            Ability::Init | Ability::DbMigrate => Presence::Absent,
            Ability::Version | Ability::Start | Ability::Stop => Presence::Present,
            _ => Presence::Broken,
        },
        command: ability.words().to_owned(),
        why: "as it was run".to_owned(),
    };
    View {
        lines: vec![
            Line::new(Key::Python, "./.venv", Found::InPlace("runs 3.11.9".to_owned())),
            Line::new(
                Key::Install,
                "0.9.4, no click",
                needs("add", "click 8.1 or newer"),
            ),
            Line::new(Key::Init, "not in this MAOS", skipped()),
            Line::new(Key::Settings, "absent", needs("write", "13 lines, mode 0600")),
            Line::new(Key::Database, "absent", needs("create", "db.acme:5432/maos")),
            Line::new(Key::Migrate, "not in this MAOS", skipped()),
            Line::new(
                Key::Tracking,
                "absent",
                needs("create", "migration_tracking with a unique key, and its ledger"),
            ),
        ],
        maos: MaosFound::Table(Capabilities {
            dialect: Dialect::Shipped,
            place: ".venv/bin/maos".to_owned(),
            findings: Ability::ALL.into_iter().map(finding).collect(),
            notes: Vec::new(),
        }),
        rehearsal: false,
        settings_path: "~/.maos/migration-config.yml".to_owned(),
        settings_lines: [
            "migration:",
            "  mode: parallel_transition",
            "  legacy_support: true",
            "system:",
            "  max_agents: 5",
            "  log_level: DEBUG",
        ]
        .map(str::to_owned)
        .to_vec(),
        warnings: vec![
            "\"maos\" on the package index is not this product. maos-cli is installed.".to_owned(),
        ],
    }
}

fn go(harness: &mut Harness) {
    harness.update();
    harness.keys("]]]]");
}

pub fn ready(harness: &mut Harness) {
    answered(&mut harness.snapshot, &[]);
    scored(&mut harness.snapshot);
    harness.views.environment = Slot::Ready(at("14:06:20"), view().into());
    go(harness);
}

/// The run stands at the database, with the settings written.
fn begun(harness: &mut Harness, activity: Activity, database: ItemState, text: &str) {
    answered(&mut harness.snapshot, &[]);
    scored(&mut harness.snapshot);
    let mut step = Step {
        activity,
        verb: APPLY.to_owned(),
        progress: Some(Progress {
            done: 2,
            total: Some(4),
            unit: "effects".to_owned(),
            phase: "applying".to_owned(),
            running: vec!["create db.acme:5432/maos".to_owned()],
            ..Progress::default()
        }),
        started: Some(at("14:06:10")),
        ..Step::default()
    };
    for line in view().lines {
        let item = line.item();
        let item = match line.key {
            Key::Install => item.now(ItemState::Done, "metadata 0.9.4, click there"),
            Key::Settings => item.now(ItemState::Done, "13 lines read back"),
            Key::Database => item.now(database, text),
            _ => item,
        };
        step.items.entry(APPLY.to_owned()).or_default().set(item);
    }
    if activity == Activity::Failed {
        let error =
            Error::unavailable("Migration database: permission denied for user maos to create database maos")
                .hint("Ask for CREATEDB, or create db.acme:5432/maos yourself, then try again.");
        step.error = Some(error);
    }
    harness.snapshot.steps.insert(Capability::Environment, step);
    harness.views.environment = Slot::Ready(at("14:06:20"), view().into());
    go(harness);
}

pub fn running(harness: &mut Harness) {
    begun(harness, Activity::Running, ItemState::Running, "create");
}

pub fn failed(harness: &mut Harness) {
    begun(
        harness,
        Activity::Failed,
        ItemState::Failed,
        "permission denied for user maos",
    );
}

pub fn detail(harness: &mut Harness) {
    ready(harness);
    harness.keys("jjj<enter>");
}
