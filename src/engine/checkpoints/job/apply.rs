//! Converting: workers write and read back, a thread beside them makes what is written durable and names it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::ErrorKind as Io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{TrySendError, sync_channel};

use super::super::finding::{Code, Finding, Severity};
use super::report::{Notes, Totals, View};
use super::scan::Prepared;
use super::settle::{self, Settled, Wave};
use super::source::name_text;
use super::target::{LEDGER, Target, standing};
use super::{Request, one, pool};
use crate::engine::error::{Error, Result};
use crate::engine::failpoint;
use crate::engine::operation::{Control, Outcome, ProofLine};
use crate::engine::text::{count, inert};

/// How a conversion ended.
#[derive(Debug)]
pub struct Applied {
    /// For the journal and the proof.
    pub outcome: Outcome,
    /// For `checkpoints apply --json`.
    pub totals: Totals,
    /// For the screen.
    pub view: View,
}

/// Carries a plan out. The caller has checked the approval against `prepared.plan`.
///
/// One refused file never stops the others; a full disk stops the run with everything finished so far in place.
/// Running it again goes on where it stopped: results in place are compared and left alone.
///
/// # Errors
/// Blocked while another run writes to the folder; unavailable when the folder cannot be written or the disk is full;
/// interrupted at a safe point.
pub fn apply(prepared: &Prepared, control: &Control) -> Result<Applied> {
    let request = &prepared.request;
    let items = &prepared.items;
    let started = std::time::Instant::now();
    let target = Target::open(&request.to)?;
    target.log_soon(&format!(
        "{} started: {} files from {}\n",
        request.date(),
        items.list.len(),
        inert(&request.from.display().to_string())
    ))?;
    let mut view = View {
        refused: Vec::new(),
        classes: Vec::new(),
        notes: Notes::default(),
        totals: Totals {
            total: items.list.len() as u64,
            ..Totals::default()
        },
        ..prepared.view.clone()
    };
    let tracker = pool::Tracker::new(control, "converting", view.totals.total, items.bytes);
    let run = Run {
        request,
        target: &target,
        standing: standing(&request.to),
        full: AtomicBool::new(false),
        number: AtomicUsize::new(0),
        source_bytes: AtomicU64::new(0),
        output_bytes: AtomicU64::new(0),
    };
    let mut settled = Settled::default();
    let ended = waves(&run, prepared, control, &tracker, &mut view, &mut settled);
    tracker.finish();
    view.totals.elapsed_s = started.elapsed().as_secs_f64();
    view.sort();
    let closing = match &ended {
        Ok(()) => format!("{} ended: {}\n", request.date(), view.summary()),
        Err(error) => format!("{} stopped: {}\n", request.date(), inert(&error.message)),
    };
    settled.log.push_str(&closing);
    let named = target
        .sync_results()
        .map_err(|error| Error::io("sync", &target.results_path(), &error));
    // A full disk must not hide its own reason behind the log's.
    let logged = target.log(&settled.log);
    ended?;
    named?;
    logged?;
    failpoint::hit("checkpoints.before_ledger");
    target.write_sidecar(LEDGER, &settled.ledger)?;
    let proof = proof(&view, settled.written);
    let totals = view.totals;
    Ok(Applied {
        outcome: Outcome {
            source: totals.total,
            converted: totals.converted + totals.unchanged,
            unchanged: totals.unchanged,
            quarantined: totals.refused + totals.failed,
            proof,
            summary: view.summary(),
            artifacts: vec![
                target.results_path().display().to_string(),
                request.to.join(super::LOG).display().to_string(),
                request.to.join(LEDGER).display().to_string(),
            ],
        },
        totals,
        view,
    })
}

fn proof(view: &View, written: u64) -> Vec<ProofLine> {
    let totals = &view.totals;
    let line = |what: &str, source: u64, target: u64| ProofLine {
        what: what.to_owned(),
        source: source.to_string(),
        target: target.to_string(),
        equal: source == target,
    };
    vec![
        line(
            "files found = converted + unchanged + refused + failed",
            totals.total,
            totals.converted + totals.unchanged + totals.refused + totals.failed,
        ),
        line(
            "results written = results read back equal and named",
            totals.converted,
            written,
        ),
    ]
}

/// What all threads of a run share.
pub(super) struct Run<'r> {
    pub(super) request: &'r Request,
    pub(super) target: &'r Target,
    /// Names that stood among the results at the start.
    pub(super) standing: HashSet<OsString>,
    /// The disk is full: nothing more is begun.
    full: AtomicBool,
    /// The next unfinished file's number.
    pub(super) number: AtomicUsize,
    /// Bytes of the sources whose results are written, and of those results: what the rest will need is told from them.
    source_bytes: AtomicU64,
    output_bytes: AtomicU64,
}

/// Converts all files. Whatever ends it, the files finished until then are settled.
fn waves(
    run: &Run<'_>,
    prepared: &Prepared,
    control: &Control,
    tracker: &pool::Tracker<'_>,
    view: &mut View,
    settled: &mut Settled,
) -> Result<()> {
    let items = &prepared.items;
    let gate = pool::Gate::new(run.request.memory_bytes);
    let files = settle::wave_files();
    let mut wave = Wave::default();
    // Nothing is queued between collecting and settling, so no more files wait than `wave_files` counts with.
    let (send, receive) = sync_channel(0);
    let (worked, ended) = std::thread::scope(|scope| {
        let settling = scope.spawn(|| settle::settle(run, receive, control, tracker, view, settled));
        // The settling thread ends early only with an error of its own, which goes before this one.
        let hand_over = |wave: &mut Wave| {
            send.send(std::mem::take(wave))
                .map_err(|_| Error::bug("the settling of results ended without a word"))
        };
        let worked = pool::in_order(
            control,
            Request::workers(control),
            items.list.len(),
            |at| {
                let item = &items.list[at];
                let name = inert(&name_text(&item.name));
                let _share = gate.enter(one::memory(item));
                tracker.begin(&name);
                let done = run.convert(&items.folder, item);
                tracker.end(&name);
                done
            },
            |_, done| {
                wave.add(done);
                if wave.full(files) {
                    hand_over(&mut wave)?;
                } else if wave.worth() {
                    // Taken up only by a thread that has nothing to settle: the waits for the disk follow each other without a gap.
                    match send.try_send(std::mem::take(&mut wave)) {
                        Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => wave = back,
                        Ok(()) => {}
                    }
                }
                if run.full.load(Ordering::Relaxed) {
                    return Err(Error::unavailable("the disk is full"));
                }
                Ok(())
            },
        );
        let rest = hand_over(&mut wave);
        drop(send);
        let ended = settling
            .join()
            .unwrap_or_else(|_| Err(Error::bug("the settling of results broke")));
        (worked.and(rest), ended)
    });
    ended?;
    if run.full.load(Ordering::Relaxed) {
        return Err(run.disk_full(items.bytes));
    }
    worked
}

impl Run<'_> {
    /// The sentences for a full disk. `total` is the bytes of all sources.
    fn disk_full(&self, total: u64) -> Error {
        let free = self.target.free().unwrap_or(0);
        let (source, output) = (
            self.source_bytes.load(Ordering::Relaxed),
            self.output_bytes.load(Ordering::Relaxed),
        );
        let left = total.saturating_sub(source);
        // JSON with two spaces takes about three times the bytes of the pickles; what was written says it better.
        let needed = if source == 0 {
            left.saturating_mul(3)
        } else {
            let needed = u128::from(left) * u128::from(output) / u128::from(source);
            u64::try_from(needed).unwrap_or(u64::MAX)
        };
        let place = inert(&self.request.to.display().to_string());
        Error::unavailable(format!(
            "Stopped: {} left on {place}. No partial file.",
            size(free)
        ))
        .hint(format!(
            "Free about {}, then run again: what is finished stays.",
            size(needed.saturating_sub(free).max(1 << 20))
        ))
    }

    /// Counts a written result.
    pub(super) fn count(&self, source: u64, output: u64) {
        self.source_bytes.fetch_add(source, Ordering::Relaxed);
        self.output_bytes.fetch_add(output, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &std::io::Error) -> Finding {
        if matches!(error.kind(), Io::StorageFull | Io::QuotaExceeded) {
            self.full.store(true, Ordering::Relaxed);
        }
        Finding::new(
            Severity::Changed,
            Code::WriteFailed,
            None,
            format!("could not be written: {error}"),
        )
    }
}

/// A count of bytes in its largest unit, rounded up: `14 GB`.
fn size(bytes: u64) -> String {
    for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")] {
        if bytes >= unit {
            return format!("{} {name}", count(bytes.div_ceil(unit)));
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_rounded_up() {
        for (bytes, want) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (1_500_001, "2 MB"),
            (14_000_000_000, "14 GB"),
            (1_234_000_000_001, "1,235 GB"),
        ] {
            assert_eq!(size(bytes), want);
        }
    }
}
