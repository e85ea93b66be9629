//! Pairs made by hand, and workspaces with a legacy command and the rehearsal MAOS.

use std::path::Path;
use std::sync::Arc;

use maos_migrate::engine::Capability;
use maos_migrate::engine::compare::{Ended, Pair, Run, Side};
use maos_migrate::engine::error::Result;
use maos_migrate::engine::operation::{Control, Notice, Outcome};
use maos_migrate::engine::runner::operations::{Prepared, World, prepare};
use maos_migrate::engine::snapshot::{Activity, Snapshot, Step};
use maos_migrate::engine::workspace::{MigrationType, Settings, Workspace};
use serde_json::{Value, json};

/// A run that succeeded after so many seconds.
pub fn good(seconds: f64) -> Run {
    Run {
        ended: Ended::Succeeded,
        seconds,
        uncertainty_s: 0.0,
        why: String::new(),
        id: None,
        agents: None,
        efficiency: None,
        used: None,
    }
}

/// A run that did not.
pub fn bad(seconds: f64) -> Run {
    Run {
        ended: Ended::Failed,
        why: "exit 1".to_owned(),
        ..good(seconds)
    }
}

/// A pair of runs.
pub fn pair(task: &str, repeat: usize, legacy: Run, maos: Run) -> Pair {
    let mut pair = Pair::new(task, repeat, Side::Legacy, "setup");
    pair.keep(Side::Legacy, legacy);
    pair.keep(Side::Maos, maos);
    pair
}

/// A workspace: settings, legacy tasks, the same converted.
pub fn workspace(folder: &Path, settings: &str, tasks: &[Value]) -> Workspace {
    let text = format!(
        "name: test\ntype: brownfield\nenvironment: rehearsal\nsources:\n  tasks: tasks.json\n{settings}\n"
    );
    std::fs::write(folder.join("migration.yml"), text).unwrap();
    std::fs::write(folder.join("tasks.json"), json!(tasks).to_string()).unwrap();
    let converted: Vec<Value> = tasks
        .iter()
        .map(|task| {
            json!({
                "description": task["description"], "type": "general", "max_agents": 8, "priority": "NORMAL",
                "metadata": {
                    "legacy_id": task["id"], "converted_at": "2026-11-22T14:00:00Z", "parallel_components": [],
                    "parallel_score": 5, "parallel_band": "medium", "plan": "made",
                },
            })
        })
        .collect();
    std::fs::create_dir_all(folder.join("tasks")).unwrap();
    std::fs::write(folder.join("tasks/maos_tasks.json"), json!(converted).to_string()).unwrap();
    Workspace::at(folder).unwrap()
}

/// A program in the workspace.
pub fn script(folder: &Path, name: &str, body: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The world of a workspace whose environment is proved.
pub fn world(workspace: &Workspace, snapshot: Snapshot) -> World {
    let settings = Settings::load(workspace, &|name| std::env::var(name).ok()).unwrap();
    let ports = maos_migrate::wiring::ports();
    let now = ports.clock.now();
    World {
        workspace: workspace.clone(),
        settings: Arc::new(settings),
        snapshot: Arc::new(snapshot),
        ports,
        now,
        operator: "alice".to_owned(),
        host: "ops-1".to_owned(),
        secrets: std::collections::BTreeMap::new(),
        interactive: false,
    }
}

/// A snapshot in which the environment is proved.
pub fn proved() -> Snapshot {
    let mut snapshot = Snapshot {
        migration: Some(MigrationType::Brownfield),
        ..Snapshot::default()
    };
    let step = Step {
        activity: Activity::Done,
        ..Step::default()
    };
    snapshot.steps.insert(Capability::Environment, step);
    snapshot
}

/// Starts the rehearsal MAOS of a workspace, in this process.
pub async fn start(world: &World) {
    let maos = world.ports.maos.open(&world.workspace, &world.settings).unwrap();
    maos.init().await.unwrap();
    maos.start().await.unwrap();
}

pub async fn plan(world: World) -> Result<Prepared> {
    prepare(world, Capability::Compare, "run", Control::silent()).await
}

/// A control that keeps every line it is told, as the journal would.
pub fn recording() -> (
    Control,
    Arc<std::sync::Mutex<Vec<maos_migrate::engine::item::Item>>>,
) {
    let lines: Arc<std::sync::Mutex<Vec<_>>> = Arc::default();
    let into = Arc::clone(&lines);
    let control = Control::new(move |notice| match notice {
        Notice::Item { item, ack } => {
            into.lock().unwrap().push(*item);
            if let Some(ack) = ack {
                ack.done();
            }
        }
        Notice::ItemsCleared => into.lock().unwrap().clear(),
        _ => {}
    });
    (control, lines)
}

/// Plans and runs, and gives the outcome with the report.
pub async fn run(world: World) -> (Outcome, Value) {
    let path = world.workspace.path("compare/migration_test_report.json");
    let prepared = plan(world).await.unwrap();
    let outcome = (prepared.run)(Control::silent()).await.unwrap();
    let report = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    (outcome, report)
}
