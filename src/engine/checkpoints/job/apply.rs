//! Converting: temporary file, read back, sync, name. Small files share their syncs; large ones go by themselves.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind as Io, Read as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::super::arena::Arena;
use super::super::envelope::{DATE_CHARS, Envelope};
use super::super::finding::{Code, Finding, Severity};
use super::super::json::{self, Sink, Written};
use super::report::{FileReport, Notes, Status, Totals, View};
use super::scan::Prepared;
use super::sink::{self, HashedFile};
use super::source::name_text;
use super::target::{LEDGER, Target, Unfinished};
use super::{Request, one, pool};
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice, Outcome, ProofLine};
use crate::engine::text::inert;
use crate::engine::workspace::files::hex;

/// Files whose syncs are shared; bounds open files too.
const WAVE: usize = 256;
/// Results of this size are synced and named as soon as they are written.
const LARGE: u64 = 8 << 20;
/// Threads that sync the files of a wave: their waits fall together.
const SYNCERS: usize = 16;

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

/// A result that is written and waits for its name.
struct Waiting {
    unfinished: Unfinished,
    target: OsString,
    replace: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    target.log(&format!(
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
    let mut run = Run {
        request,
        target: &target,
        full: AtomicBool::new(false),
        number: AtomicUsize::new(0),
        ledger: Vec::new(),
        log: String::new(),
        written: 0,
    };
    let ended = waves(&mut run, prepared, control, &tracker, &mut view);
    tracker.finish();
    view.totals.elapsed_s = started.elapsed().as_secs_f64();
    view.sort();
    let closing = match &ended {
        Ok(()) => format!("{} ended: {}\n", request.date(), view.summary()),
        Err(error) => format!("{} stopped: {}\n", request.date(), inert(&error.message)),
    };
    run.log.push_str(&closing);
    // A full disk must not hide its own reason behind the log's.
    let logged = target.log(&run.log);
    ended?;
    logged?;
    target.write_sidecar(LEDGER, &run.ledger)?;
    let proof = proof(&view, run.written);
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

struct Run<'r> {
    request: &'r Request,
    target: &'r Target,
    /// The disk is full: nothing more is begun.
    full: AtomicBool,
    number: AtomicUsize,
    ledger: Vec<u8>,
    log: String,
    written: u64,
}

fn waves(
    run: &mut Run<'_>,
    prepared: &Prepared,
    control: &Control,
    tracker: &pool::Tracker<'_>,
    view: &mut View,
) -> Result<()> {
    let gate = pool::Gate::new(run.request.memory_bytes);
    let workers = Request::workers(control);
    for wave in prepared.items.list.chunks(WAVE) {
        let mut reports: Vec<(FileReport, Option<Waiting>)> = Vec::with_capacity(wave.len());
        let worked = {
            let run: &Run<'_> = run;
            pool::in_order(
                control,
                workers,
                wave.len(),
                |at| {
                    let item = &wave[at];
                    let name = inert(&name_text(&item.name));
                    let _share = gate.enter(one::memory(item));
                    tracker.begin(&name);
                    let done = run.convert(&prepared.items.folder, item);
                    tracker.end(&name);
                    done
                },
                |_, done| {
                    reports.push(done);
                    if run.full.load(Ordering::Relaxed) {
                        return Err(run.disk_full());
                    }
                    Ok(())
                },
            )
        };
        run.publish(&mut reports)?;
        for (report, _) in &reports {
            if report.status == Status::Converted {
                run.written += 1;
            }
            view.take(report);
            tracker.done(
                report.bytes,
                report.refusal.is_some(),
                matches!(report.status, Status::Converted | Status::Unchanged),
            );
            if let Some(item) = report.quarantined() {
                control.notice(Notice::Quarantined(item));
            }
            run.record(report)?;
        }
        run.target.log(&std::mem::take(&mut run.log))?;
        worked?;
    }
    Ok(())
}

impl Run<'_> {
    fn disk_full(&self) -> Error {
        Error::unavailable(format!("no space is left on {}", self.request.to.display()))
            .hint("Free space, then run again: what is finished stays.")
    }

    /// One file up to a written and read-back temporary file.
    fn convert(&self, folder: &super::Folder, item: &super::Item) -> (FileReport, Option<Waiting>) {
        let mut waiting = None;
        let mut then =
            |report: &mut FileReport, inspected: &mut super::super::inspect::Inspected<'_>, envelope| {
                let limit = self
                    .request
                    .limits
                    .output_bytes(inspected.arena.source().len() as u64);
                match self.write(report, &inspected.arena, envelope, item, limit) {
                    Ok(written) => waiting = written,
                    Err(finding) => report.refuse(&finding),
                }
            };
        let report = one::look(self.request, folder, item, item.print, Some(&mut then));
        (report, waiting)
    }

    fn failed(&self, error: &std::io::Error) -> Finding {
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

    /// Compares with what stands there, or writes a temporary file and reads it back.
    fn write(
        &self,
        report: &mut FileReport,
        arena: &Arena<'_>,
        envelope: Envelope,
        item: &super::Item,
        limit: u64,
    ) -> std::result::Result<Option<Waiting>, Finding> {
        let replace = self.request.replace.contains(&name_text(&item.name));
        match self.target.existing(&item.target) {
            Ok(None) => {}
            Ok(Some(file)) => match compare(file, arena, envelope) {
                Ok(Some((written, digest))) => {
                    note(report, &written, &digest);
                    report.status = Status::Unchanged;
                    return Ok(None);
                }
                Ok(None) if replace => {}
                Ok(None) => {
                    return Err(Finding::new(
                        Severity::Changed,
                        Code::TargetExists,
                        None,
                        format!("has a result, {}, that exists and differs", report.target),
                    ));
                }
                Err(error) => return Err(self.failed(&error)),
            },
            Err(error) if error.kind() == Io::AlreadyExists => {
                return Err(Finding::new(
                    Severity::Changed,
                    Code::TargetSpecial,
                    None,
                    format!(
                        "has something that is no plain file in the place of its result, {}",
                        report.target
                    ),
                ));
            }
            Err(error) => return Err(self.failed(&error)),
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let mut unfinished = self.target.begin(number).map_err(|error| self.failed(&error))?;
        match self.fill(&mut unfinished, arena, envelope, limit) {
            Ok((written, digest)) => {
                note(report, &written, &digest);
                report.status = Status::Converted;
                let waiting = Waiting {
                    unfinished,
                    target: item.target.clone(),
                    replace,
                };
                if written.bytes < LARGE {
                    return Ok(Some(waiting));
                }
                // A large one does not wait for its wave.
                match self.name_large(&waiting) {
                    Ok(()) => Ok(None),
                    Err(error) => {
                        self.target.abandon(&waiting.unfinished);
                        Err(self.failed(&error))
                    }
                }
            }
            Err(finding) => {
                self.target.abandon(&unfinished);
                Err(finding)
            }
        }
    }

    fn fill(
        &self,
        unfinished: &mut Unfinished,
        arena: &Arena<'_>,
        envelope: Envelope,
        limit: u64,
    ) -> std::result::Result<(Written, [u8; 32]), Finding> {
        let limit = limit.saturating_mul(8);
        let large = arena.source().len() >= one::BESIDE;
        let written = if large {
            sink::beside(&mut unfinished.file, limit, |sink| {
                json::write(arena, envelope.root, envelope.date, sink)
            })
        } else {
            let mut sink = HashedFile::new(&mut unfinished.file, limit);
            json::write(arena, envelope.root, envelope.date, &mut sink)
                .map(|written| (written, sink.finish()))
        };
        let (written, digest) = match written {
            Ok(written) => written,
            Err(error) if error.kind() == Io::FileTooLarge => {
                return Err(Finding::malformed(
                    Code::OutputLimit,
                    "expands to more bytes than are allowed",
                ));
            }
            Err(error) => return Err(self.failed(&error)),
        };
        let unfinished = &*unfinished;
        let back = if written.bytes >= LARGE {
            // Nobody waits for the disk while there is something to read.
            std::thread::scope(|scope| {
                let synced = scope.spawn(|| unfinished.sync());
                let back = unfinished.read_back();
                synced
                    .join()
                    .map_err(|_| std::io::Error::other("the sync ended without a word"))??;
                back
            })
        } else {
            unfinished.read_back()
        };
        let back = back.map_err(|error| self.failed(&error))?;
        if back != digest {
            return Err(Finding::new(
                Severity::Changed,
                Code::WriteFailed,
                None,
                "was written, but did not read back equal",
            ));
        }
        Ok((written, digest))
    }

    fn name(&self, waiting: &Waiting) -> std::io::Result<()> {
        self.target
            .publish(&waiting.unfinished, &waiting.target, waiting.replace)
    }

    /// Names a result that was synced beside its reading back.
    fn name_large(&self, waiting: &Waiting) -> std::io::Result<()> {
        self.name(waiting)?;
        self.target.sync_results()
    }

    /// Syncs the temporary files of a wave together and gives them their names.
    fn publish(&self, reports: &mut [(FileReport, Option<Waiting>)]) -> Result<()> {
        let next = AtomicUsize::new(0);
        let waiting: Vec<&Waiting> = reports
            .iter()
            .filter_map(|(_, waiting)| waiting.as_ref())
            .collect();
        let errors: Mutex<Vec<(OsString, std::io::Error)>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..SYNCERS.min(waiting.len()) {
                scope.spawn(|| {
                    while let Some(one) = waiting.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if let Err(error) = one.unfinished.sync() {
                            lock(&errors).push((one.target.clone(), error));
                        }
                    }
                });
            }
        });
        let named = !waiting.is_empty();
        drop(waiting);
        let errors = errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (report, waiting) in reports.iter_mut() {
            let Some(one) = waiting.take() else { continue };
            let synced = errors.iter().find(|(target, _)| *target == one.target);
            let result = match synced {
                Some((_, error)) => Err(std::io::Error::new(error.kind(), error.to_string())),
                None => self.name(&one),
            };
            if let Err(error) = result {
                let finding = if error.kind() == Io::AlreadyExists {
                    Finding::new(
                        Severity::Changed,
                        Code::TargetExists,
                        None,
                        format!("has a result, {}, that appeared meanwhile", report.target),
                    )
                } else {
                    self.failed(&error)
                };
                report.refuse(&finding);
                self.target.abandon(&one.unfinished);
            }
        }
        if named {
            self.target
                .sync_results()
                .map_err(|error| Error::io("sync", &self.target.results_path(), &error))?;
        }
        Ok(())
    }

    /// The lines of one file in log and ledger.
    fn record(&mut self, report: &FileReport) -> Result<()> {
        let line = match &report.refusal {
            Some(refusal) => format!(
                "{} {} {}: {} ({})\n",
                self.request.date(),
                if report.status == Status::Failed {
                    "failed"
                } else {
                    "refused"
                },
                report.file,
                refusal.reason,
                refusal.place
            ),
            None => format!(
                "{} {} {} -> {}\n",
                self.request.date(),
                if report.status == Status::Unchanged {
                    "unchanged"
                } else {
                    "converted"
                },
                report.file,
                report.target
            ),
        };
        self.log.push_str(&line);
        let entry = serde_json::to_string(report)
            .map_err(|error| Error::bug(format!("cannot write a ledger entry: {error}")))?;
        self.ledger.extend_from_slice(entry.as_bytes());
        self.ledger.push(b'\n');
        Ok(())
    }
}

fn note(report: &mut FileReport, written: &Written, digest: &[u8; 32]) {
    report.output_bytes = written.bytes;
    report.output_sha256 = Some(hex(digest));
    report.notes = Notes {
        nul_strings: written.nul,
        surrogate_strings: written.surrogates,
        wide_integers: written.wide_integers,
    };
}

/// Compares what would be written with a file, the conversion time left out. `None` when they differ.
pub(super) fn compare(
    file: File,
    arena: &Arena<'_>,
    envelope: Envelope,
) -> std::io::Result<Option<(Written, [u8; 32])>> {
    let mut sink = Comparer {
        file,
        hasher: Sha256::new(),
        at: 0,
        buffer: Vec::new(),
        differing: 0,
        first: 0,
        last: 0,
    };
    let written = match json::write(arena, envelope.root, envelope.date, &mut sink) {
        Ok(written) => written,
        Err(error) if error.kind() == Io::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    // Nothing may follow, and every differing byte must lie in the conversion time.
    if sink.file.read(&mut [0])? != 0 {
        return Ok(None);
    }
    let in_date = written
        .watched_at
        .is_some_and(|at| sink.first >= at && sink.last < at + DATE_CHARS as u64);
    if sink.differing > 0 && !in_date {
        return Ok(None);
    }
    Ok(Some((written, sink.hasher.finalize().into())))
}

struct Comparer {
    file: File,
    hasher: Sha256,
    at: u64,
    buffer: Vec<u8>,
    differing: u64,
    first: u64,
    last: u64,
}

impl Sink for Comparer {
    type Error = std::io::Error;

    fn take(&mut self, piece: &mut Vec<u8>) -> std::io::Result<()> {
        self.buffer.resize(piece.len(), 0);
        self.file.read_exact(&mut self.buffer)?;
        self.hasher.update(&self.buffer);
        if self.buffer != *piece {
            for (offset, (ours, theirs)) in piece.iter().zip(&self.buffer).enumerate() {
                if ours != theirs {
                    let at = self.at + offset as u64;
                    if self.differing == 0 {
                        self.first = at;
                    }
                    self.last = at;
                    self.differing += 1;
                }
            }
            // More than a time can differ by: no need to read on.
            if self.differing > DATE_CHARS as u64 {
                return Err(Io::UnexpectedEof.into());
            }
        }
        self.at += piece.len() as u64;
        Ok(())
    }
}
