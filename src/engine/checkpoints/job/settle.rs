//! From written files to finished ones: a wave is made durable on a thread of its own while the next one is being converted, and named and
//! accounted for on another while the next one is being made durable.

use std::ffi::OsString;
use std::io::ErrorKind as Io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::super::finding::{Code, Finding, Severity};
use super::Request;
use super::apply::Run;
use super::durable::Durable;
use super::pool::{self, Tracker};
use super::report::{FileReport, Status, View};
use super::target::Unfinished;
use crate::engine::error::{Error, Result};
use crate::engine::failpoint;
use crate::engine::operation::{Control, Notice};

/// A result that is written and waits for its name.
pub(super) struct Waiting {
    pub(super) unfinished: Unfinished,
    pub(super) target: OsString,
    pub(super) replace: bool,
}

/// One file up to its name, or up to the reason why it gets none.
pub(super) type Done = (FileReport, Option<Waiting>);

/// Bytes of results after which a wave does not wait for more files.
const WAVE_BYTES: u64 = 64 << 20;
/// Files that are worth settling by themselves when nothing else is being settled.
const FEW: usize = 128;
/// Files in a wave at most.
const WAVE_FILES: usize = 1024;
/// What the process opens beside results.
const OTHERS: usize = 128;

/// Files that are settled together.
#[derive(Default)]
pub(super) struct Wave {
    done: Vec<Done>,
    bytes: u64,
}

impl Wave {
    /// Adds one.
    pub(super) fn add(&mut self, done: Done) {
        if done.1.is_some() {
            self.bytes += done.0.output_bytes;
        }
        self.done.push(done);
    }

    /// Whether it takes no more, of `files` or of bytes.
    pub(super) fn full(&self, files: usize) -> bool {
        self.done.len() >= files || self.bytes >= WAVE_BYTES
    }

    /// Whether it is worth a settling of its own.
    pub(super) fn worth(&self) -> bool {
        self.done.len() >= FEW
    }
}

/// Files in a wave. The files of three waves are open at once, one being collected, one being made durable and one being named, and those
/// that wait for their turn in the order.
pub(super) fn wave_files() -> usize {
    let left = pool::open_files().saturating_sub(pool::ahead() + OTHERS) / 3;
    left.clamp(8, WAVE_FILES)
}

/// What the settling thread has kept account of.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// A line for each file.
    pub(super) ledger: Vec<u8>,
    /// Lines that are not in the log file yet.
    pub(super) log: String,
    /// Results that got their names.
    pub(super) written: u64,
}

/// A wave that was made durable, but for what could not be written, by its place among the files that wait for their names.
struct Lasting {
    wave: Wave,
    errors: Vec<(usize, std::io::Error)>,
}

/// Settles waves until there are no more. The first failure ends it; what was named before stays.
///
/// # Errors
/// Unavailable when the folder of results or the log cannot be written.
pub(super) fn settle(
    run: &Run<'_>,
    waves: Receiver<Wave>,
    control: &Control,
    tracker: &Tracker<'_>,
    view: &mut View,
    settled: &mut Settled,
) -> Result<()> {
    // Nothing is queued in between, so no more files are open than those of one wave at each stage.
    let (send, receive) = sync_channel(0);
    std::thread::scope(|scope| {
        scope.spawn(move || last(run, waves, &send));
        for Lasting { mut wave, errors } in receive {
            publish(run, &mut wave, errors);
            for (report, _) in &wave.done {
                if report.status == Status::Converted {
                    settled.written += 1;
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
                record(settled, run.request, report)?;
            }
            run.target.log_soon(&std::mem::take(&mut settled.log))?;
            failpoint::hit("checkpoints.wave_settled");
        }
        Ok(())
    })
}

/// Makes waves durable and hands them on, as long as somebody names them.
fn last(run: &Run<'_>, waves: Receiver<Wave>, send: &SyncSender<Lasting>) {
    let durable = Durable::of(run.target);
    for wave in waves {
        let files: Vec<&Unfinished> = wave
            .done
            .iter()
            .filter_map(|(_, one)| one.as_ref().map(|one| &one.unfinished))
            .collect();
        let errors = if files.is_empty() {
            Vec::new()
        } else {
            failpoint::hit("checkpoints.wave_written");
            durable.sync(run.target, &files, wave.bytes)
        };
        drop(files);
        if send.send(Lasting { wave, errors }).is_err() {
            return;
        }
    }
}

/// Data first, names second: see [`super::durable`] for why a name then means a whole file. The names themselves last when
/// the folder is synced, after the last wave.
fn publish(run: &Run<'_>, wave: &mut Wave, mut errors: Vec<(usize, std::io::Error)>) {
    if wave.done.iter().any(|(_, one)| one.is_some()) {
        failpoint::hit("checkpoints.wave_synced");
    }
    let waited = wave
        .done
        .iter_mut()
        .filter_map(|(report, waiting)| waiting.take().map(|one| (report, one)));
    for (at, (report, one)) in waited.enumerate() {
        let synced = errors.iter().position(|(failed, _)| *failed == at);
        let named = match synced {
            Some(place) => Err(errors.swap_remove(place).1),
            None => run.target.publish(&one.unfinished, &one.target, one.replace),
        };
        failpoint::hit("checkpoints.one_named");
        if let Err(error) = named {
            let finding = if error.kind() == Io::AlreadyExists {
                Finding::new(
                    Severity::Changed,
                    Code::TargetExists,
                    None,
                    format!("has a result, {}, that appeared meanwhile", report.target),
                )
            } else {
                run.failed(&error)
            };
            report.refuse(&finding);
            run.target.abandon(&one.unfinished);
        }
    }
}

/// The lines of one file in log and ledger.
fn record(settled: &mut Settled, request: &Request, report: &FileReport) -> Result<()> {
    let date = request.date();
    let line = match &report.refusal {
        Some(refusal) => format!(
            "{date} {} {}: {} ({})\n",
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
            "{date} {} {} -> {}\n",
            if report.status == Status::Unchanged {
                "unchanged"
            } else {
                "converted"
            },
            report.file,
            report.target
        ),
    };
    settled.log.push_str(&line);
    serde_json::to_writer(&mut settled.ledger, report)
        .map_err(|error| Error::bug(format!("cannot write a ledger entry: {error}")))?;
    settled.ledger.push(b'\n');
    Ok(())
}
