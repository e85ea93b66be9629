//! Workspaces with a rehearsal MAOS, and runs of the tests in them.

use std::path::Path;
use std::sync::{Arc, Mutex};

use maos_migrate::engine::Capability;
use maos_migrate::engine::error::Result;
use maos_migrate::engine::item::{Item, Items};
use maos_migrate::engine::operation::{Control, Notice, Outcome};
use maos_migrate::engine::ports::maos::Maos;
use maos_migrate::engine::runner::operations::{Prepared, World, prepare};
use maos_migrate::engine::snapshot::{Activity, Snapshot, Step};
use maos_migrate::engine::workspace::{MigrationType, Settings, Workspace};
use serde_json::Value;

/// The world of a workspace with these settings, its environment proved.
pub fn world(folder: &Path, settings: &str) -> World {
    let text = format!(
        "name: test\ntype: greenfield\nenvironment: rehearsal\ntarget:\n  maos: rehearsal\n{settings}\n"
    );
    std::fs::write(folder.join("migration.yml"), text).unwrap();
    of(folder, Step::default())
}

/// The same folder once more, with what the step has done so far.
pub fn of(folder: &Path, step: Step) -> World {
    let workspace = Workspace::at(folder).unwrap();
    let settings = Settings::load(&workspace, &|name| std::env::var(name).ok()).unwrap();
    let ports = maos_migrate::wiring::ports();
    let mut snapshot = Snapshot {
        migration: Some(MigrationType::Greenfield),
        ..Snapshot::default()
    };
    let proved = Step {
        activity: Activity::Done,
        ..Step::default()
    };
    snapshot.steps.insert(Capability::Environment, proved);
    snapshot.steps.insert(Capability::Validate, step);
    World {
        workspace,
        settings: Arc::new(settings),
        snapshot: Arc::new(snapshot),
        now: ports.clock.now(),
        ports,
        operator: "alice".to_owned(),
        host: "ops-1".to_owned(),
        secrets: std::collections::BTreeMap::new(),
        interactive: false,
    }
}

pub fn maos(world: &World) -> Arc<dyn Maos> {
    world.ports.maos.open(&world.workspace, &world.settings).unwrap()
}

pub async fn start(world: &World) {
    let maos = maos(world);
    maos.init().await.unwrap();
    maos.start().await.unwrap();
}

pub async fn plan(world: World, verb: &str) -> Result<Prepared> {
    prepare(world, Capability::Validate, verb, Control::silent()).await
}

/// Runs `verb`, and gives the outcome, the lines as the journal would hold them, and the document.
pub async fn run(world: World, verb: &str) -> (Outcome, Items, Value) {
    let path = world.workspace.path("validate/migration_test_results.json");
    let lines: Arc<Mutex<Items>> = Arc::default();
    let into = Arc::clone(&lines);
    let control = Control::new(move |notice| match notice {
        Notice::Item { item, ack } => {
            into.lock().unwrap().set(*item);
            if let Some(ack) = ack {
                ack.done();
            }
        }
        Notice::ItemsCleared => *into.lock().unwrap() = Items::default(),
        _ => {}
    });
    let prepared = plan(world, verb).await.unwrap();
    let outcome = (prepared.run)(control).await.unwrap();
    let document = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let lines = lines.lock().unwrap().clone();
    (outcome, lines, document)
}

/// A line in words: `latency_test done 3 ms …`.
pub fn told(item: &Item) -> String {
    let found = item.data["found"].as_str().unwrap_or_default();
    let evidence = item.data["evidence"].to_string();
    format!(
        "{} {}: {} | {found} | {evidence}",
        item.key,
        item.state.word(),
        item.text
    )
}
