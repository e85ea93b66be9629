//! The six steps, each with its proof and its way back.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::drain;
use super::legacy::LegacySide;
use super::plan::Mode;
use crate::engine::error::{Error, Result};
use crate::engine::ports::clock::Clock;
use crate::engine::ports::maos::{Known, Maos};
use crate::engine::ports::store::Key;
use crate::engine::schema::{self, Live, Request, Stores};
use crate::engine::serving;
use crate::engine::steps::{Did, Scene, Standing, Step};
use crate::engine::text::{count, plural};

/// The step whose memo holds the monitor's first figures: `{at, status, health}`.
pub const START_SNAPSHOT: &str = "start_snapshot";

/// Seconds that a full disk or a lost server is waited for: nobody serves meanwhile.
const PATIENCE_S: u64 = 20;
/// Rows that are named where some differ.
const NAMED: usize = 5;

/// What the steps share.
pub struct Over {
    /// The legacy side.
    pub legacy: LegacySide,
    /// MAOS.
    pub maos: Arc<dyn Maos>,
    /// What the last catch-up copies.
    pub request: Request,
    /// Between which databases.
    pub stores: Stores,
    /// Drain or freeze.
    pub mode: Mode,
    /// How long running tasks are waited for.
    pub drain_within: Duration,
    /// Whether a person is there to decide about tasks that do not end in that time; else legacy is opened again.
    pub asks: bool,
    /// How long MAOS may take to be ready.
    pub ready_within: Duration,
    /// How long MAOS may take to end on the way back, before it is ended.
    pub stop_within: Duration,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// When the legacy side was closed: told by the first step, or by the journal of a run that goes on.
    pub closed_at: OnceLock<Timestamp>,
    /// The conversion time that rows of the catch-up get.
    pub started: Timestamp,
}

impl std::fmt::Debug for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Over")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// The list.
#[must_use]
pub fn steps(mode: Mode) -> Vec<Step<Over>> {
    let open_again = |scene: Scene<Over>| async move { scene.world.legacy.open().await };
    let freeze = mode == Mode::Freeze;
    vec![
        Step::new(
            "close",
            "legacy takes no new tasks",
            move |scene: Scene<Over>| async move {
                let at = scene.world.clock.now();
                scene.world.legacy.close(freeze, &scene.control).await?;
                let at = *scene.world.closed_at.get_or_init(|| at);
                Ok(Did::said("closed").with(json!({"closed_at": at})))
            },
        )
        .undo("open it again", open_again),
        Step::new("drain", drain_title(mode), drain::drain),
        Step::new("catch_up", "last catch-up", catch_up),
        Step::new("both_ways", "rows on one side only, both ways", both_ways),
        Step::new("start", "start MAOS, ready", |scene: Scene<Over>| async move {
            let said = scene.world.maos.start().await.map_err(Error::from)?;
            Ok(Did::said(said))
        })
        .check(|scene| async move {
            match scene.world.maos.running().await.map_err(Error::from)? {
                Known::Value(true) => Ok(Standing::There(Did::said("runs already"))),
                Known::Value(false) | Known::Unknown(_) => Ok(Standing::Open),
            }
        })
        .proof(ready)
        .undo("stop it", stop)
        .rechecked(),
        Step::new(START_SNAPSHOT, "start snapshot for the monitor", snapshot).best_effort(),
    ]
}

const fn drain_title(mode: Mode) -> &'static str {
    match mode {
        Mode::Drain => "drain running tasks",
        Mode::Freeze => "no task runs any more",
    }
}

async fn catch_up(scene: Scene<Over>) -> Result<Did> {
    let world = &scene.world;
    let prepared = schema::plan(&request(&scene), &world.stores, &scene.control).await?;
    prepared.ready()?;
    let live = Live::default();
    let applied = schema::apply(&prepared, &world.stores, world.started, &scene.control, &live).await?;
    if !applied.outcome.proved() {
        let words = |keys: &[Key]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        let found = &applied.differences;
        let changed = [words(&found.changed), words(&found.aside), words(&found.tracking)].concat();
        return Err(differs(&words(&found.missing), &words(&found.extra), &changed)
            .unwrap_or_else(|| applied.outcome.not_proved()));
    }
    let report = &applied.report;
    Ok(
        Did::said(format!("{} caught up", plural(report.migrated, "row", "rows"))).with(json!({
            "caught_up": report.migrated,
            "source_rows": report.source_rows,
            "quarantined": report.quarantined,
        })),
    )
}

/// The request of the rows, with what a person decided about those that still run.
fn request(scene: &Scene<Over>) -> Request {
    let memo = scene.memos.get("drain");
    let decided = memo.and_then(|memo| serde_json::from_value(memo["running"].clone()).ok());
    let rows = memo.and_then(|memo| serde_json::from_value(memo["rows"].clone()).ok());
    let request = scene.world.request.clone();
    Request {
        running: decided.or(request.running),
        rows: rows.unwrap_or(request.rows),
        patience_s: request.patience_s.min(PATIENCE_S),
        ..request
    }
}

/// The rows that are on one side only, or differ: only in legacy, only in MAOS, in both. They are named, so that somebody can look at
/// them. `None` where no row does.
fn differs(missing: &[String], extra: &[String], changed: &[String]) -> Option<Error> {
    let named: Vec<&str> = [missing, changed, extra]
        .into_iter()
        .flatten()
        .take(NAMED)
        .map(String::as_str)
        .collect();
    (!named.is_empty()).then(|| {
        Error::blocked(format!(
            "{} only in legacy, {} only in MAOS, {} otherwise there: {}",
            plural(missing.len() as u64, "row", "rows"),
            count(extra.len() as u64),
            count(changed.len() as u64),
            named.join(", ")
        ))
        .hint("See what still writes to these tables, then cut over again.")
    })
}

async fn both_ways(scene: Scene<Over>) -> Result<Did> {
    let world = &scene.world;
    let prepared = schema::plan(&request(&scene), &world.stores, &scene.control).await?;
    let (_, report) = schema::verify_run(&prepared, &world.stores, &scene.control, &Live::default()).await?;
    if !report.verified {
        let changed = [report.changed.as_slice(), &report.other].concat();
        return Err(differs(&report.missing, &report.extra, &changed)
            .unwrap_or_else(|| Error::blocked("not proved: no row differs, and the counts do")));
    }
    Ok(Did::said(format!(
        "none; {} = {} + {}",
        count(report.source_rows),
        count(report.target_rows),
        count(report.quarantined)
    )))
}

async fn ready(scene: Scene<Over>) -> Result<String> {
    serving::ready(scene.world.maos.as_ref(), scene.world.ready_within).await
}

async fn stop(scene: Scene<Over>) -> Result<String> {
    serving::ended(scene.world.maos.as_ref(), scene.world.stop_within).await
}

async fn snapshot(scene: Scene<Over>) -> Result<Did> {
    let world = &scene.world;
    let at = world.clock.now();
    let status = world.maos.status().await.map_err(Error::from)?;
    let health = world.maos.health().await.map_err(Error::from)?;
    let words = match &status {
        Known::Value(status) => status.total.map_or_else(
            || "taken, without a number of tasks".to_owned(),
            |total| format!("taken, {total:.0} tasks so far"),
        ),
        Known::Unknown(why) => return Err(Error::unavailable(format!("no status document: {why}"))),
    };
    Ok(Did::said(words).with(json!({"at": at, "status": status.value(), "health": health.value()})))
}
