//! The way back: removes exactly what a run wrote, refuses while any of it was changed since, and proves that it is gone.

use std::sync::Arc;
use std::time::Instant;

use super::lease;
use super::live::Live;
use super::plan::{Block, Prepared};
use super::proof::{Differences, Settling, Subject, Verified, segments, verify};
use super::report::{UndoReport, VerifyReport};
use super::request::Stores;
use super::run::shown;
use super::witness::Witnessed;
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::failpoint;
use crate::engine::operation::{Control, Effect, Outcome, Plan, ProofLine};
use crate::engine::ports::store::{Key, Keyed, RunState, TargetCounts};
use crate::engine::text::{count, last_name, plural};

/// Rows removed in one transaction.
const BATCH: u64 = 20_000;

/// A plan to take a run back.
#[derive(Debug, Clone)]
pub struct UndoPrepared {
    /// The plan to approve.
    pub plan: Plan,
    /// What stands in the way.
    pub blocks: Vec<Block>,
    /// Rows that were changed since they were written, by key.
    pub changed: Vec<Key>,
    /// What the target holds now.
    pub counts: TargetCounts,
}

impl UndoPrepared {
    /// Refuses while something stands in the way.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Blocked`] with the first sentence.
    pub fn ready(&self) -> Result<()> {
        match self.blocks.first() {
            None => Ok(()),
            Some(block) => Err(Error::blocked(block.sentence.clone()).hint(block.hint.clone())),
        }
    }
}

fn subject(prepared: &Prepared, stores: &Stores) -> Subject {
    Subject {
        stores: stores.clone(),
        recipe: Arc::new(prepared.recipe.clone()),
        mapping: Arc::new(prepared.request.mapping.clone()),
        running: prepared.request.running,
        witnessed: Witnessed::default(),
        whole: false,
        alone: false,
    }
}

/// Proves a run again without writing anything. `prepared` comes from [`super::plan::plan`].
///
/// # Errors
/// There is no run, or a store failed; differences are in the report.
pub async fn verify_run(
    prepared: &Prepared,
    stores: &Stores,
    control: &Control,
    live: &Live,
) -> Result<(Verified, VerifyReport)> {
    let began = Instant::now();
    if prepared.run.is_none() {
        return Err(Error::input(format!(
            "{} holds no run of {}",
            prepared.target.words, prepared.recipe.label
        ))
        .hint("Copy the rows first: maos-migrate schema apply."));
    }
    live.begin(prepared.raw.rows, 0);
    let chunks = stores
        .target
        .chunks(&prepared.recipe.target.table, &prepared.recipe.label)
        .await?;
    let found = super::chunks::tiling(&chunks, prepared.recipe.source.key_kind);
    let mut faults = found.faults;
    faults.extend(
        found
            .gaps
            .iter()
            .map(|gap| format!("chunk {} is missing", gap.seq)),
    );
    let verified = verify(
        &subject(prepared, stores),
        &chunks,
        &faults,
        Settling {
            tasks: std::future::ready(Ok(())),
            rest: std::future::ready(Ok(())),
        },
        2,
        control,
        live,
    )
    .await?;
    let text = |keys: &[Key]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    let differences = &verified.differences;
    let mut other = text(&differences.aside);
    other.extend(text(&differences.tracking));
    let report = VerifyReport {
        source_rows: verified.source_rows,
        target_rows: verified.target_rows,
        quarantined: verified.quarantined,
        verified: verified.holds(),
        missing: text(&differences.missing),
        extra: text(&differences.extra),
        changed: text(&differences.changed),
        other,
        elapsed_s: began.elapsed().as_secs_f64(),
    };
    Ok((verified, report))
}

/// Looks for rows that were changed since, and makes the plan. Reads only.
///
/// # Errors
/// There is no run to take back, or a store failed.
pub async fn undo_plan(prepared: &Prepared, stores: &Stores, control: &Control) -> Result<UndoPrepared> {
    let recipe = &prepared.recipe;
    let run = prepared
        .run
        .as_ref()
        .filter(|run| run.state != RunState::Undone)
        .ok_or_else(|| {
            Error::input(format!(
                "{} holds no run of {} to undo",
                prepared.target.words, recipe.label
            ))
        })?;
    let subject = subject(prepared, stores);
    let chunks = stores.target.chunks(&recipe.target.table, &recipe.label).await?;
    let counts = stores.target.counts(recipe).await?;
    let mut differences = Differences::default();
    let mut held = 0_u64;
    for segment in segments(recipe, &chunks) {
        control.safe_point_async().await?;
        let known = match segment.chunk {
            Some(seq) => chunks
                .iter()
                .find(|chunk| chunk.seq == seq)
                .and_then(|chunk| chunk.hash.clone()),
            None => run.hash.clone(),
        };
        if let Some(known) = known
            && subject.untouched(&segment, &known).await?
        {
            continue;
        }
        // Never proved, or touched since: the source is the judge of what was written.
        let read = subject.compare(&segment).await?;
        held += 1;
        differences.join(subject.descend(&segment, &read).await?);
    }
    // A row that the source has and the target lacks is only worth a word when it was once written.
    let mut changed = differences.changed;
    changed.extend(differences.extra);
    changed.sort();
    let mut blocks = Vec::new();
    if !changed.is_empty() {
        blocks.push(Block {
            sentence: format!(
                "{} since they were written: {}",
                plural(changed.len() as u64, "row was changed", "rows were changed"),
                shown(&changed)
            ),
            hint: "Nothing is removed. Put these rows back as they were, or remove them by hand, then plan again.".to_owned(),
        });
    }
    let table = &recipe.target.table;
    let plan = Plan {
        capability: Capability::Schema,
        verb: "undo".to_owned(),
        title: format!("Remove {}", plural(counts.tracked, "row", "rows")),
        target: last_name(&prepared.target.words).to_owned(),
        effects: vec![
            Effect::counted(
                "remove",
                counts.tracked,
                format!("rows from {table} and migration_tracking"),
            ),
            Effect::counted("remove", counts.quarantined, "rows from migration_quarantine"),
            Effect::counted("remove", chunks.len() as u64, "rows from migration_chunk"),
        ],
        undo: Some("schema apply copies them again, with the same ids".to_owned()),
        needs_approval: true,
        basis: vec![
            format!("target {} label {}", prepared.target.identity, recipe.label),
            format!("tasks {} held {held}", counts.tasks),
        ],
        digest: String::new(),
    }
    .sealed();
    Ok(UndoPrepared {
        plan,
        blocks,
        changed,
        counts,
    })
}

/// Takes the run back.
///
/// # Errors
/// Rows were changed since, another operator runs it, or a store failed; run it again then.
pub async fn undo(
    prepared: &Prepared,
    undo: &UndoPrepared,
    stores: &Stores,
    control: &Control,
    live: &Live,
) -> Result<(Outcome, UndoReport)> {
    undo.ready()?;
    let began = Instant::now();
    let recipe = &prepared.recipe;
    let held = lease::take(&prepared.request, stores, &recipe.target.table, control).await?;
    let done = remove(prepared, undo, stores, control, live, &held.fence).await;
    lease::give_back(held, stores).await;
    let (removed, after) = done?;
    let left = after.tasks;
    let lines = vec![
        ProofLine {
            what: "rows of this run".to_owned(),
            source: count(0),
            target: count(after.tracked),
            equal: after.tracked == 0,
        },
        ProofLine {
            what: "rows in quarantine".to_owned(),
            source: count(0),
            target: count(after.quarantined),
            equal: after.quarantined == 0,
        },
        ProofLine {
            what: "rows of others".to_owned(),
            source: count(undo.counts.tasks.saturating_sub(removed)),
            target: count(left),
            equal: undo.counts.tasks.saturating_sub(removed) == left,
        },
    ];
    let verified = lines.iter().all(|line| line.equal);
    let outcome = Outcome {
        source: removed,
        converted: removed,
        unchanged: 0,
        quarantined: 0,
        proof: lines,
        summary: format!(
            "Removed {}; {} of others left alone",
            plural(removed, "row", "rows"),
            plural(left, "row", "rows")
        ),
        artifacts: Vec::new(),
    };
    let report = UndoReport {
        removed,
        left,
        verified,
        elapsed_s: began.elapsed().as_secs_f64(),
    };
    Ok((outcome, report))
}

async fn remove(
    prepared: &Prepared,
    undo: &UndoPrepared,
    stores: &Stores,
    control: &Control,
    live: &Live,
    fence: &crate::engine::ports::store::Fence,
) -> Result<(u64, TargetCounts)> {
    let recipe = &prepared.recipe;
    live.begin(undo.counts.tracked, fence.token);
    live.phase("undoing");
    let mut run = stores
        .target
        .run(&fence.target, &fence.label)
        .await?
        .ok_or_else(|| Error::blocked("the run is gone"))?;
    run.state = RunState::Undoing;
    stores.target.note(fence, &run).await?;
    // A run that died while it copied has left keys to be built; without them every batch reads the whole table.
    stores.target.settle(recipe, Keyed::Tasks).await?;
    stores.target.settle(recipe, Keyed::Tracking).await?;
    let mut removed = 0;
    loop {
        control.safe_point_async().await?;
        let gone = stores.target.remove(recipe, fence, BATCH).await?;
        failpoint::hit("schema.after_remove");
        removed += gone;
        live.copied(gone, 0);
        live.tell(control, Vec::new());
        let counts = stores.target.counts(recipe).await?;
        if counts.tracked == 0 {
            run.state = RunState::Undone;
            run.hash = None;
            run.boundary = None;
            stores.target.note(fence, &run).await?;
            return Ok((removed, counts));
        }
    }
}
