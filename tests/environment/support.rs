//! A world in a folder of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use maos_migrate::engine::environment::{Found, Key, View, look};
use maos_migrate::engine::error::Result;
use maos_migrate::engine::item::{Item, Items};
use maos_migrate::engine::operation::{Control, Notice, Outcome};
use maos_migrate::engine::runner::operations::World;
use maos_migrate::engine::snapshot::{Snapshot, Step};
use maos_migrate::engine::workspace::{MigrationType, Settings, Workspace};
use maos_migrate::engine::{Capability, environment};
use maos_migrate::wiring;

pub struct Place {
    pub folder: tempfile::TempDir,
    pub world: World,
    items: Mutex<Items>,
}

impl Place {
    /// A workspace with these lines in its settings. The home of MAOS's files is in it too.
    pub fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path()).unwrap();
        let text = format!("name: t\ntype: brownfield\nenvironment: development\n{lines}");
        let settings = Settings::parse(&text, &workspace, &|_| None).unwrap();
        let world = World {
            workspace,
            settings: Arc::new(settings),
            snapshot: Arc::new(Snapshot {
                migration: Some(MigrationType::Brownfield),
                ..Snapshot::default()
            }),
            ports: wiring::ports(),
            now: "2026-11-22T14:00:00Z".parse().unwrap(),
            operator: "alice".to_owned(),
            host: "ops-1".to_owned(),
            secrets: std::collections::BTreeMap::new(),
            interactive: false,
        };
        Self {
            folder,
            world,
            items: Mutex::default(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub async fn look(&self) -> View {
        look(&self.world).await.unwrap()
    }

    /// Plans and applies; the lines that were told are kept for the next look, as the journal keeps them.
    pub async fn apply(&mut self) -> Result<Outcome> {
        let prepared = environment::plan(&self.world).await?;
        let told: Arc<Mutex<Vec<Item>>> = Arc::default();
        let sink = Arc::clone(&told);
        let control = Control::new(move |notice| {
            if let Notice::Item { item, ack } = notice {
                sink.lock().unwrap().push(*item);
                if let Some(ack) = ack {
                    ack.done();
                }
            }
        });
        let result = environment::apply(&self.world, &prepared, &control).await;
        let mut items = Items::default();
        for item in told.lock().unwrap().drain(..) {
            items.set(item);
        }
        let mut snapshot = Snapshot::clone(&self.world.snapshot);
        let mut step = Step::default();
        step.items.insert(environment::APPLY.to_owned(), items.clone());
        snapshot.steps.insert(Capability::Environment, step);
        self.world.snapshot = Arc::new(snapshot);
        *self.items.lock().unwrap() = items;
        result
    }

    /// `done done failed waiting …` of the last run.
    pub fn states(&self) -> String {
        let items = self.items.lock().unwrap();
        items
            .all()
            .iter()
            .map(|item| item.state.word())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// `place`, `needs`, `skipped`, `refused` of each line, in order.
pub fn found(view: &View) -> String {
    assert_eq!(
        view.lines.iter().map(|line| line.key).collect::<Vec<_>>(),
        Key::ALL
    );
    view.lines
        .iter()
        .map(|line| match line.found {
            Found::InPlace(_) => "place",
            Found::Needs(..) => "needs",
            Found::Skipped(_) => "skipped",
            Found::Refused(_) => "refused",
        })
        .collect::<Vec<_>>()
        .join(" ")
}
