//! One file up to a result that is written and read back, and waits for its name.

use std::io::ErrorKind as Io;
use std::sync::atomic::Ordering;

use super::super::arena::Arena;
use super::super::envelope::Envelope;
use super::super::finding::{Code, Finding, Severity};
use super::super::json::{self, Written};
use super::apply::Run;
use super::compare::compare;
use super::one;
use super::report::{FileReport, Notes, Status};
use super::settle::{Done, Waiting};
use super::sink::{self, Hashed, HashedFile};
use super::target::Unfinished;
use crate::engine::workspace::files::hex;

/// Results of this size are synced and named as soon as they are written.
const LARGE: u64 = 8 << 20;

impl Run<'_> {
    /// One file up to a written and read-back temporary file.
    pub(super) fn convert(&self, folder: &super::Folder, item: &super::Item) -> Done {
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

    /// Compares with what stands there, or writes a temporary file and reads it back.
    fn write(
        &self,
        report: &mut FileReport,
        arena: &Arena<'_>,
        envelope: Envelope,
        item: &super::Item,
        limit: u64,
    ) -> std::result::Result<Option<Waiting>, Finding> {
        let replace = item.replaced_by(self.request);
        // What appears after the start is met when the result gets its name, which replaces nothing.
        let existing = if self.standing.contains(&item.target) {
            self.target.existing(&item.target)
        } else {
            Ok(None)
        };
        match existing {
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
        let mut unfinished = self
            .target
            .begin(number, replace)
            .map_err(|error| self.failed(&error))?;
        match self.fill(&mut unfinished, arena, envelope, limit) {
            Ok((written, digest)) => {
                note(report, &written, &digest);
                report.status = Status::Converted;
                self.count(report.bytes, written.bytes);
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
            .map(|(written, digest)| (written, Hashed { digest, whole: None }))
        } else {
            let mut sink = HashedFile::new(&mut unfinished.file, limit);
            json::write(arena, envelope.root, envelope.date, &mut sink)
                .map(|written| (written, sink.finish()))
        };
        let (written, hashed) = match written {
            Ok(written) => written,
            // The same kind from the system itself means that the file system holds no file of that size.
            Err(error) if error.kind() == Io::FileTooLarge && error.raw_os_error().is_none() => {
                return Err(Finding::malformed(
                    Code::OutputLimit,
                    "expands to more bytes than are allowed",
                ));
            }
            Err(error) => return Err(self.failed(&error)),
        };
        let unfinished = &*unfinished;
        let Hashed { digest, whole } = hashed;
        let equal = if let Some(whole) = whole {
            unfinished.reads_back(&whole)
        } else if written.bytes >= LARGE {
            // Nobody waits for the disk while there is something to read.
            std::thread::scope(|scope| {
                let synced = scope.spawn(|| unfinished.sync());
                let back = unfinished.read_back();
                synced
                    .join()
                    .map_err(|_| std::io::Error::other("the sync ended without a word"))??;
                back
            })
            .map(|back| back == digest)
        } else {
            unfinished.read_back().map(|back| back == digest)
        };
        if !equal.map_err(|error| self.failed(&error))? {
            return Err(Finding::new(
                Severity::Changed,
                Code::WriteFailed,
                None,
                "was written, but did not read back equal",
            ));
        }
        Ok((written, digest))
    }

    /// Names a result that was synced beside its reading back.
    fn name_large(&self, waiting: &Waiting) -> std::io::Result<()> {
        self.target
            .publish(&waiting.unfinished, &waiting.target, waiting.replace)?;
        self.target.sync_results()
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
