//! The run: lease, ledger, copy, catch up, prove. Every step can be repeated, so a run that died anywhere is simply run again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chunks::tiling;
use super::copying::{Copier, Totals};
use super::lease;
use super::live::{Live, Tile};
use super::plan::{FORMAT, Prepared, boundary, explain, merge, recompile};
use super::proof::{Settling, Subject, Verified, segments, verify};
use super::report::{Applied, ApplyReport};
use super::request::Stores;
use super::witness::Witnessed;
use super::{retry, watch};
use crate::engine::error::{Error, Result};
use crate::engine::failpoint;
use crate::engine::operation::{Control, Notice, Outcome, Quarantined};
use crate::engine::ports::store::{
    Answer, ChunkRow, Dialect, Fence, Key, Keyed, RawCensus, Reason, Recipe, RunRow, RunState, Setup, Store,
};
use crate::engine::text::{count, inert_short, plural};

/// How often rows that appeared or changed are caught up before the run gives up.
const PASSES: usize = 4;
/// From so many rows on, keys of an empty tracking table are built after the rows.
const MANY: u64 = 5_000;
/// Quarantined rows told one by one.
const TOLD: u64 = 1_000;

/// Runs a plan. `now` becomes the run's start when it is a new one.
///
/// # Errors
/// Something stands in the way, another operator runs it, a database failed for good, or the work was stopped. Rows that differ are no error:
/// they are in the outcome's proof.
pub async fn apply(
    prepared: &Prepared,
    stores: &Stores,
    now: jiff::Timestamp,
    control: &Control,
    live: &Live,
) -> Result<Applied> {
    prepared.ready()?;
    let began = Instant::now();
    let target = prepared.recipe.target.table.clone();
    if prepared.ledger_missing || prepared.setup.create_tasks {
        let setup = Setup {
            adopt: false,
            ..prepared.setup.clone()
        };
        stores.target.prepare(&prepared.recipe, &setup).await?;
        failpoint::hit("schema.after_prepare");
    }
    let patience = Duration::from_millis(prepared.request.stall_ms);
    let _watch = watch::begin(stores, live, control, patience);
    let held = lease::take(&prepared.request, stores, &target, control).await?;
    let done = Run {
        prepared,
        stores,
        control,
        live,
        fence: held.fence.clone(),
        recipe: prepared.recipe.clone(),
        raw: prepared.raw.clone(),
        witnessed: Witnessed::default(),
    }
    .go(now, began)
    .await;
    lease::give_back(held, stores).await;
    done
}

struct Run<'a> {
    prepared: &'a Prepared,
    stores: &'a Stores,
    control: &'a Control,
    live: &'a Live,
    fence: Fence,
    recipe: Recipe,
    raw: RawCensus,
    witnessed: Witnessed,
}

impl Run<'_> {
    async fn go(mut self, now: jiff::Timestamp, began: Instant) -> Result<Applied> {
        let store = Arc::clone(&self.stores.target);
        // The world may have moved between the plan and the lease: what the ledger says now counts.
        let mut run = self.open_run(store.as_ref(), now).await?;
        self.recipe.started.clone_from(&run.started);
        if self.prepared.setup.adopt {
            let adopted = store
                .prepare(
                    &self.recipe,
                    &Setup {
                        create_tasks: false,
                        adopt: true,
                    },
                )
                .await?;
            self.control.notice(Notice::Log(format!(
                "replaced {} of the guide's script",
                plural(adopted, "row", "rows")
            )));
        }
        failpoint::hit("schema.after_lease");
        self.live.begin(self.prepared.raw.rows, self.fence.token);
        let mut totals = Totals::default();
        let mut there = 0;
        let mut conflicts: Vec<Key> = Vec::new();
        let mut verified = Verified::default();
        for pass in 0..PASSES {
            if pass > 0 && !self.moved_on(&mut run, store.as_ref()).await? && verified.holds() {
                break;
            }
            let from = Instant::now();
            let chunks = self.copy(&mut run, &mut totals, pass, &mut there).await?;
            totals.took += from.elapsed();
            failpoint::hit("schema.after_copy");
            verified = self.prove(&chunks).await?;
            self.live.proof(&verified.lines);
            if verified.holds() {
                if self.behind(&run).await? {
                    continue;
                }
                break;
            }
            let keys = verified.differences.keys();
            if keys.is_empty() || pass + 1 == PASSES {
                break;
            }
            let (ours, touched) = self.sort_out(&chunks, &run, &verified).await?;
            conflicts = touched;
            if ours.is_empty() {
                break;
            }
            self.live.phase("catching up");
            self.control.notice(Notice::Log(format!(
                "{} differ and are written again",
                plural(ours.len() as u64, "row", "rows")
            )));
            self.copier().rewrite(&ours, &mut totals).await?;
            failpoint::hit("schema.after_rewrite");
        }
        if verified.holds() {
            self.seal(&mut run, &verified, store.as_ref()).await?;
        }
        self.tell_quarantine(store.as_ref()).await?;
        Ok(conclude(&verified, totals, conflicts, began))
    }

    /// Reads the run's ledger row under the lease, or begins one.
    async fn open_run(&self, store: &dyn Store, now: jiff::Timestamp) -> Result<RunRow> {
        let digest = self
            .prepared
            .request
            .mapping
            .digest(self.prepared.request.running);
        let found = store.run(&self.fence.target, &self.fence.label).await?;
        if found.as_ref().is_some_and(|run| run.state == RunState::Undone) {
            // Nothing of it is left but, in ledgers of earlier versions, its chunks, which would be taken for copied ones.
            self.steadily(|| store.remove(&self.recipe, &self.fence, 1))
                .await?;
        }
        let begun = found.filter(|run| run.state != RunState::Undone);
        let run = match begun {
            Some(run) if run.format > FORMAT => {
                return Err(Error::blocked("the ledger was written by a newer program")
                    .hint("Use the newer program."));
            }
            Some(run) => RunRow {
                format: FORMAT,
                source: self.prepared.source.identity.clone(),
                mapping: digest,
                boundary: boundary(&self.raw)
                    .max(
                        run.boundary
                            .as_deref()
                            .and_then(|text| Key::parse(self.recipe.source.key_kind, text)),
                    )
                    .map(|key| key.to_string()),
                state: RunState::Copying,
                ..run
            },
            None => RunRow {
                format: FORMAT,
                source: self.prepared.source.identity.clone(),
                mapping: digest,
                state: RunState::Copying,
                started: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                boundary: boundary(&self.raw).map(|key| key.to_string()),
                hash: None,
                token: self.fence.token,
            },
        };
        self.steadily(|| store.note(&self.fence, &run)).await?;
        Ok(run)
    }

    fn copier(&self) -> Copier {
        Copier {
            stores: self.stores.clone(),
            recipe: Arc::new(self.recipe.clone()),
            fence: Arc::new(self.fence.clone()),
            source: Arc::new(self.prepared.source.clone()),
            local: self.prepared.local,
            workers: self.prepared.request.workers,
            patience: Duration::from_secs(self.prepared.request.patience_s),
            row_bytes: self.raw.row_bytes,
            close: close(&self.recipe, &self.raw),
            subject: Arc::new(self.subject()),
            control: self.control.clone(),
            live: self.live.clone(),
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            stores: self.stores.clone(),
            recipe: Arc::new(self.recipe.clone()),
            mapping: Arc::new(self.prepared.request.mapping.clone()),
            running: self.prepared.request.running,
            witnessed: self.witnessed.clone(),
            whole: false,
            alone: self.prepared.setup.create_tasks,
        }
    }

    async fn chunks(&self) -> Result<Vec<ChunkRow>> {
        let (target, fence) = (&self.stores.target, &self.fence);
        self.steadily(|| target.chunks(&fence.target, &fence.label)).await
    }

    /// Copies until the ledger has no gap up to the boundary.
    async fn copy(
        &self,
        run: &mut RunRow,
        totals: &mut Totals,
        pass: usize,
        there: &mut u64,
    ) -> Result<Vec<ChunkRow>> {
        self.live.phase("copying");
        let copier = self.copier();
        let kind = self.recipe.source.key_kind;
        let mut chunks = self.chunks().await?;
        if pass == 0 && chunks.is_empty() && self.raw.rows >= MANY {
            let made = self.prepared.setup.create_tasks;
            let target = &self.stores.target;
            self.steadily(|| target.put_off(&self.recipe, &self.fence, made))
                .await?;
            failpoint::hit("schema.after_put_off");
        }
        if pass == 0 {
            *there = chunks.iter().map(|chunk| chunk.rows_out).sum();
            for chunk in &chunks {
                self.live.tile(chunk.seq, Tile::Copied);
                self.live.copied(chunk.rows_out, chunk.quarantined);
            }
        }
        let boundary = run.boundary.as_deref().and_then(|text| Key::parse(kind, text));
        let Some(boundary) = boundary else {
            return Ok(chunks);
        };
        // A server that lost its last commits shows a gap again; then it is copied again, as often as it takes within reason.
        for _ in 0..PASSES {
            let found = tiling(&chunks, kind);
            if !found.faults.is_empty() {
                return Err(
                    Error::blocked(format!("the ledger is damaged: {}", found.faults.join(", ")))
                        .hint("Undo this run, then copy again."),
                );
            }
            let whole = found.gaps.is_empty() && found.end.as_ref().is_some_and(|end| *end >= boundary);
            if whole {
                return Ok(chunks);
            }
            copier.copy_to(&found, &boundary, totals).await?;
            chunks = self.chunks().await?;
            let found = tiling(&chunks, kind);
            if found.gaps.is_empty() {
                return Ok(chunks);
            }
        }
        Err(Error::unavailable("the target loses committed chunks")
            .hint("Check the target's replication and disks."))
    }

    /// Lets the target build what waited for the rows.
    async fn settle(&self, whose: Keyed) -> Result<()> {
        self.steadily(|| self.stores.target.settle(&self.recipe, whose))
            .await
    }

    /// Asks a database again while its connections are cut.
    async fn steadily<'a, T>(&self, ask: impl Fn() -> Answer<'a, T>) -> Result<T> {
        let patience = Duration::from_secs(self.prepared.request.patience_s);
        retry::until(ask, patience, self.control, self.live).await
    }

    async fn prove(&self, chunks: &[ChunkRow]) -> Result<Verified> {
        let found = tiling(chunks, self.recipe.source.key_kind);
        let mut faults = found.faults;
        faults.extend(
            found
                .gaps
                .iter()
                .map(|gap| format!("chunk {} is missing", gap.seq)),
        );
        // A file takes one writer and its readers in turn; a server builds keys while it is read.
        let beside = self.stores.target.dialect() == Dialect::Postgres;
        if !beside {
            self.settle(Keyed::Tasks).await?;
            self.settle(Keyed::Tracking).await?;
        }
        let settle = async |whose| if beside { self.settle(whose).await } else { Ok(()) };
        verify(
            &self.subject(),
            chunks,
            &faults,
            Settling {
                tasks: settle(Keyed::Tasks),
                rest: settle(Keyed::Tracking),
            },
            self.copier().wished().max(2),
            self.control,
            self.live,
        )
        .await
    }

    /// What the source holds behind the boundary.
    async fn later(&self, run: &RunRow) -> Result<RawCensus> {
        let key = run
            .boundary
            .as_deref()
            .and_then(|text| Key::parse(self.recipe.source.key_kind, text));
        let source = &self.stores.source;
        self.steadily(|| source.census(&self.recipe.source, key.as_ref()))
            .await
    }

    /// Whether rows after the boundary appeared since it was recorded.
    async fn behind(&self, run: &RunRow) -> Result<bool> {
        Ok(self.later(run).await?.rows > 0)
    }

    /// Moves the boundary to the greatest key there is now, and learns the values of the new rows. Tells whether there were any.
    async fn moved_on(&mut self, run: &mut RunRow, store: &dyn Store) -> Result<bool> {
        let later = self.later(run).await?;
        if later.rows == 0 {
            return Ok(false);
        }
        merge(&mut self.raw, &later);
        recompile(&self.prepared.request, &mut self.recipe, &self.raw);
        run.boundary = later.greatest.map(|key| key.to_string());
        self.steadily(|| store.note(&self.fence, run)).await?;
        self.control.notice(Notice::Log(format!(
            "{} appeared after the boundary and are caught up",
            plural(later.rows, "row", "rows")
        )));
        Ok(true)
    }

    /// Parts the keys that differ: those in chunks whose target side is as it was proved (so the source changed) or was never proved may be
    /// written again; rows of chunks that somebody changed in the target since are left alone and listed.
    async fn sort_out(
        &self,
        chunks: &[ChunkRow],
        run: &RunRow,
        verified: &Verified,
    ) -> Result<(Vec<Key>, Vec<Key>)> {
        let subject = self.subject();
        let mut touched_ranges = Vec::new();
        for segment in segments(&self.recipe, chunks) {
            if !verified.differing.contains(&segment.chunk) {
                continue;
            }
            let known = match segment.chunk {
                Some(seq) => chunks
                    .iter()
                    .find(|chunk| chunk.seq == seq)
                    .and_then(|chunk| chunk.hash.clone()),
                None => run.hash.clone(),
            };
            if let Some(known) = known
                && !self
                    .steadily(|| Box::pin(subject.untouched(&segment, &known)))
                    .await?
            {
                touched_ranges.push(segment.range);
            }
        }
        let inside = |key: &Key| {
            touched_ranges.iter().any(|range| {
                range.after.as_ref().is_none_or(|after| key > after)
                    && range.upto.as_ref().is_none_or(|upto| key <= upto)
            })
        };
        let new_rows = &verified.differences;
        let (touched, ours): (Vec<Key>, Vec<Key>) = new_rows.keys().into_iter().partition(inside);
        Ok((ours, touched))
    }

    /// Records the proof.
    async fn seal(&self, run: &mut RunRow, verified: &Verified, store: &dyn Store) -> Result<()> {
        failpoint::hit("schema.before_proved");
        let known: Vec<(i64, Option<String>)> = self
            .chunks()
            .await?
            .into_iter()
            .map(|c| (c.seq, c.hash))
            .collect();
        let mut hashes = Vec::new();
        for (chunk, hash) in &verified.hashes {
            match chunk {
                Some(seq) if !known.contains(&(*seq, Some(hash.clone()))) => {
                    hashes.push((*seq, hash.clone()));
                }
                Some(_) => {}
                None => run.hash = Some(hash.clone()),
            }
        }
        if !hashes.is_empty() {
            self.steadily(|| store.note_chunks(&self.fence, &hashes)).await?;
        }
        run.state = RunState::Proved;
        self.steadily(|| store.note(&self.fence, run)).await?;
        failpoint::hit("schema.after_proved");
        Ok(())
    }

    async fn tell_quarantine(&self, store: &dyn Store) -> Result<()> {
        let fence = &self.fence;
        let rows = self
            .steadily(|| store.quarantine(&fence.target, &fence.label, None, TOLD))
            .await?;
        for row in rows {
            self.control.notice(Notice::Quarantined(quarantined(&row)));
        }
        Ok(())
    }
}

/// The least key, if every second number at least up to the greatest is a key.
fn close(recipe: &Recipe, raw: &RawCensus) -> Option<i64> {
    match (&raw.least, &raw.greatest) {
        (Some(Key::Integer(least)), Some(Key::Integer(greatest))) if recipe.source.unique_key => {
            let span = i128::from(*greatest) - i128::from(*least) + 1;
            (i128::from(raw.rows) * 2 >= span).then_some(*least)
        }
        _ => None,
    }
}

fn conclude(verified: &Verified, totals: Totals, conflicts: Vec<Key>, began: Instant) -> Applied {
    let elapsed = began.elapsed().as_secs_f64();
    let written = totals.rows_out.min(verified.target_rows);
    let proved = verified.holds() && conflicts.is_empty();
    let summary = if proved {
        format!(
            "Proved: {} = {} + {}",
            count(verified.source_rows),
            count(verified.target_rows),
            count(verified.quarantined)
        )
    } else if conflicts.is_empty() {
        format!(
            "{} differ: {}",
            plural(verified.differences.total.max(1), "row", "rows"),
            shown(&verified.differences.keys())
        )
    } else {
        format!(
            "{} in chunks changed in the target since they were proved: {}",
            plural(conflicts.len() as u64, "row differs", "rows differ"),
            shown(&conflicts)
        )
    };
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = if elapsed > 0.0 {
        totals.rows_in as f64 / elapsed
    } else {
        0.0
    };
    Applied {
        outcome: Outcome {
            source: verified.source_rows,
            converted: verified.target_rows,
            unchanged: verified.target_rows - written,
            quarantined: verified.quarantined,
            proof: verified.lines.clone(),
            summary,
            artifacts: Vec::new(),
        },
        report: ApplyReport {
            source_rows: verified.source_rows,
            migrated: written,
            unchanged: verified.target_rows - written,
            quarantined: verified.quarantined,
            verified: proved,
            elapsed_s: elapsed,
            elapsed_copying_s: totals.took.as_secs_f64(),
            rows_per_s: rate,
        },
        differences: verified.differences.clone(),
        conflicts,
    }
}

/// The first keys of a list, for a sentence.
pub(super) fn shown(keys: &[Key]) -> String {
    let mut text = keys
        .iter()
        .take(20)
        .map(|key| inert_short(&key.to_string(), 40))
        .collect::<Vec<_>>()
        .join(", ");
    if keys.len() > 20 {
        text.push_str(", …");
    }
    text
}

/// A stored quarantine row as everyone shows it.
#[must_use]
pub fn quarantined(row: &crate::engine::ports::store::QuarantineRow) -> Quarantined {
    let reason = Reason::of(&row.reason);
    let (why, hint) = reason.map_or(("", ""), explain);
    Quarantined {
        kind: "row".to_owned(),
        key: row.key.clone(),
        reason: row.reason.clone(),
        place: reason
            .and_then(Reason::field)
            .map_or_else(String::new, |field| format!("column {}", field.name())),
        why: why.to_owned(),
        hint: hint.to_owned(),
        raw: row.raw.chars().take(400).collect(),
    }
}
