//! Rehearsing a rollback: restore, prove and swap on copies, so that a person knows beforehand how long it takes and that it works.
//! Nothing that is in use is touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{Params, Place};
use crate::engine::backup;
use crate::engine::error::{Error, Result};
use crate::engine::item::{ItemState, Items};
use crate::engine::operation::{Effect, Plan};
use crate::engine::ports::databases::Database;
use crate::engine::steps::{Did, Scene, Step, memo_of, run_of};
use crate::engine::text::plural;

type At = Scene<Place>;

/// What a rehearsal is planned from.
#[derive(Debug)]
pub struct RehearsePlan<'a> {
    /// The backup.
    pub id: &'a str,
    /// Rows that it restores.
    pub rows: u64,
    /// The database that stands for the one in use.
    pub beside: String,
    /// The target in words.
    pub target: String,
}

impl RehearsePlan<'_> {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan {
            capability: crate::engine::Capability::Rollback,
            verb: "rehearse".to_owned(),
            title: "Rehearse the rollback".to_owned(),
            target: self.target.clone(),
            effects: vec![
                Effect::counted(
                    "restore",
                    self.rows,
                    format!("rows of backup {} into a copy beside {}", self.id, self.beside),
                ),
                Effect::plain("rename", "the copy with an empty stand-in, to time the swap"),
                Effect::plain("drop", "both at the end"),
            ],
            undo: Some("nothing in use is touched; the copies are dropped".to_owned()),
            needs_approval: true,
            basis: vec![self.id.to_owned()],
            digest: String::new(),
        }
        .sealed()
    }
}

/// What each step took in the last rehearsal, in milliseconds, when that was of `backup`; none else. `lines` are those of the verb
/// `rehearse`.
#[must_use]
pub fn rehearsed(lines: &Items, backup: Option<&str>) -> BTreeMap<String, u64> {
    let same = run_of(lines)
        .and_then(|run| serde_json::from_value::<Params>(run.params).ok())
        .is_some_and(|params| params.backup.is_some() && params.backup.as_deref() == backup);
    if !same {
        return BTreeMap::new();
    }
    lines
        .all()
        .iter()
        .filter(|line| line.state == ItemState::Done && line.key != "clear")
        .filter_map(|line| {
            // The swap's own time is the renames'; the line's holds looking as well.
            let memo = memo_of(lines, &line.key);
            let own = memo.and_then(|memo| memo.get("ms").and_then(Value::as_u64));
            Some((line.key.clone(), own.or(line.ms)?))
        })
        .collect()
}

type Copies = (Arc<dyn Database>, Arc<dyn Database>, String);

/// The copy, its stand-in, and the name under which the stand-in is set aside.
fn copies(place: &Place) -> Result<Copies> {
    let live = place.live()?;
    let stamp = &place.params.stamp;
    let copy = live.sibling(&live.named(&format!("rehearse_new_{stamp}")));
    let stand_in = live.sibling(&live.named(&format!("rehearse_live_{stamp}")));
    Ok((copy, stand_in, live.named(&format!("rehearse_old_{stamp}"))))
}

/// The steps of a rehearsal. Their keys are those of the rollback, so that its plan shows their times.
#[must_use]
pub fn rehearse_steps() -> Vec<Step<Place>> {
    vec![
        Step::new("restore", "restore into a copy", |at: At| async move {
            let (place, (copy, stand_in, _)) = (&at.world, copies(&at.world)?);
            let live = place.live()?;
            let backup = place.backup.as_ref().ok_or_else(|| Error::bug("no backup"))?;
            let dump = place
                .dump()
                .ok_or_else(|| Error::input("the backup has no database"))?;
            let about = live.about().await?;
            if let Some(manifest) = &backup.manifest {
                backup::matches(manifest, &about)?;
                backup::check_files(&backup.folder, manifest, &at.control).await?;
            }
            copy.restore(&dump, live.as_ref(), &at.control).await?;
            stand_in.make(live.as_ref()).await?;
            Ok(Did::said(format!("{} restored", copy.name())))
        })
        .undo("drop the copies", |at: At| async move { clear(&at).await }),
        Step::new(
            "prove",
            "prove the copy against the manifest",
            |at: At| async move {
                let (copy, ..) = copies(&at.world)?;
                let manifest = at.world.manifest().ok_or_else(|| {
                    Error::input("a backup in the guide's layout has nothing to be proved against")
                })?;
                let sums = backup::prove(manifest, copy.as_ref()).await?;
                Ok(
                    Did::said(format!("{}, contents equal", plural(sums.rows(), "row", "rows")))
                        .with(json!({"rows": sums.rows()})),
                )
            },
        ),
        Step::new("swap", "swap by rename", |at: At| async move {
            let (copy, stand_in, old) = copies(&at.world)?;
            let swapped = stand_in.swap(&copy.name(), &old, &at.control).await?;
            Ok(Did::said(format!("{} ms", swapped.ms)).with(json!({"ms": swapped.ms})))
        }),
        Step::new("clear", "remove the copies", |at: At| async move {
            Ok(Did::said(clear(&at).await?))
        }),
    ]
}

async fn clear(at: &At) -> Result<String> {
    let (copy, stand_in, old) = copies(&at.world)?;
    copy.remove().await?;
    stand_in.remove().await?;
    at.world.live()?.sibling(&old).remove().await?;
    Ok("the copies are removed".to_owned())
}
