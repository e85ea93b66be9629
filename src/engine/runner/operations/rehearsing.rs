//! `rollback rehearse` of the workspace: the same steps on a copy, and timed.

use super::backup::duration;
use super::rollback::{Known1, gather, lines, name_of, runner};
use super::{Prepared, World};
use crate::engine::backup::{self, Listed};
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Outcome, ProofLine};
use crate::engine::rollback::{Params, RehearsePlan};
use crate::engine::steps::unfinished;
use crate::engine::text;

/// Rehearses.
///
/// # Errors
/// What stands in the way.
pub(super) async fn prepare(world: World) -> Result<Prepared> {
    let Known1 {
        mut place,
        preflight,
        going,
        ..
    } = gather(&world).await?;
    if going.is_some() {
        return Err(Error::blocked("a rollback was interrupted; finish it first"));
    }
    let Some(backup) = place.backup.clone().filter(Listed::usable) else {
        return Err(preflight
            .blocked
            .unwrap_or_else(|| Error::blocked("there is no verified backup to rehearse with")));
    };
    if !place.restores() {
        return Err(Error::input("the backup has no database to rehearse with"));
    }
    let before = lines(&world, "rehearse");
    // Copies of a rehearsal that was ended are found again by their names.
    if let Some((run, _)) = unfinished(&before)
        && let Ok(params) = serde_json::from_value::<Params>(run.params.clone())
        && params.backup == place.params.backup
    {
        place.run = run.id;
        place.params = params;
    }
    let plan = RehearsePlan {
        id: &backup.id,
        rows: backup.manifest.as_ref().map_or(0, backup::Manifest::rows),
        beside: name_of(&place),
        target: name_of(&place),
    }
    .plan();
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(async move {
                let rows = backup.manifest.as_ref().map_or(0, backup::Manifest::rows);
                let (_, run) = runner(place, "rehearse", false);
                let lines = run.go(&before, &control).await?;
                let total: u64 = lines
                    .iter()
                    .filter(|line| line.key != "clear")
                    .filter_map(|line| line.ms)
                    .sum();
                let swap = lines
                    .iter()
                    .find(|line| line.key == "swap")
                    .and_then(|line| line.data.get("memo")?.get("ms")?.as_u64())
                    .unwrap_or(0);
                Ok(Outcome {
                    source: rows,
                    converted: rows,
                    unchanged: 0,
                    quarantined: 0,
                    proof: vec![ProofLine {
                        what: "rows and contents of the copy".to_owned(),
                        source: text::count(rows),
                        target: text::count(rows),
                        equal: true,
                    }],
                    summary: format!(
                        "Rehearsed in {}: {} restored and proved, swap {swap} ms",
                        duration(total),
                        text::plural(rows, "row", "rows")
                    ),
                    artifacts: Vec::new(),
                })
            })
        }),
    })
}
