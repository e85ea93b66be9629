//! The second pass: converts batch by batch in parallel and writes in order.

use std::fs::File;
use std::io::{BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::census::{BATCH, Census, Checked, Kept, check};
use super::maos::{self, Settings};
use super::piece::{Piece, Work};
use super::report::{finish, report, same_but_moment};
use super::{Converted, Request, Statistics};
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice, Progress};
use crate::engine::tasks::input::{Digest, Digesting, Item, Records};
use crate::engine::workspace::files::{self, AtomicFile, SHARED};

/// Keeps a file that is about to be replaced by another content. A killed conversion of the same records may have left its
/// log and its quarantine behind: they say the same but for the moment, and are not worth keeping.
fn keep_before(path: &Path, new: &AtomicFile) -> Result<()> {
    if path.exists() && !files::sha256_file(path).is_ok_and(|there| there == new.sha256()) {
        std::fs::copy(path, before(path)).map_err(|error| Error::io("copy", path, &error))?;
    }
    Ok(())
}

/// Where a file that is replaced is kept.
pub(super) fn before(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".before");
    PathBuf::from(name)
}

/// The moment an earlier conversion wrote into its tasks, when there is one.
fn earlier_start(path: &Path) -> Option<jiff::Timestamp> {
    let file = std::fs::File::open(path).ok()?;
    let mut lines = std::io::BufReader::new(file.take(FIRST_TASK)).lines();
    let line = lines.nth(1)?.ok()?;
    let task: maos::MaosTask = serde_json::from_str(line.trim_end_matches(',')).ok()?;
    Some(task.metadata.converted_at)
}

/// Bytes of an earlier result in which its first task is looked for.
const FIRST_TASK: u64 = 16 * 1024 * 1024;
/// Records set aside that are told again when an earlier result is found in place.
const TOLD: usize = 1_000;

/// Converts. A result that differs from the one in place by nothing but its moment is left alone, moment and all.
pub(super) fn run(request: &Request, census: &Census, control: &Control) -> Result<Converted> {
    if let Some(before) = earlier_start(&request.targets.tasks).filter(|before| *before != request.started) {
        let as_before = Request {
            started: before,
            ..request.clone()
        };
        if let Some(converted) = pass(&as_before, census, control, true)? {
            return Ok(converted);
        }
    }
    pass(request, census, control, false)?
        .ok_or_else(|| Error::bug("a conversion that replaces gave no result"))
}

/// Where the records of the second pass come from: the first pass, when it kept them all, with the file read beside only for
/// its digest; else the file again.
enum Feed<'a> {
    Kept {
        kept: &'a Kept,
        next: usize,
        file: Digesting<File>,
        read: u64,
        path: &'a Path,
    },
    Again(Records),
}

/// A batch of records.
enum Batch<'a> {
    Kept(&'a [Checked]),
    Again(Vec<Item>),
}

impl Batch<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Kept(kept) => kept.len(),
            Self::Again(items) => items.len(),
        }
    }
}

impl<'a> Feed<'a> {
    fn open(request: &'a Request, census: &'a Census, control: &Control) -> Result<(Self, Digest)> {
        if let Some(kept) = census.complete() {
            let path = request.input.as_path();
            let file = File::open(path).map_err(|error| Error::io("read", path, &error))?;
            let (file, digest) = Digesting::new(file);
            let feed = Self::Kept {
                kept,
                next: 0,
                file,
                read: 0,
                path,
            };
            return Ok((feed, digest));
        }
        let (mut records, digest) = Records::open_digested(&request.input)?;
        records.heed(control);
        Ok((Self::Again(records), digest))
    }

    /// The next records; an empty batch at the end, when the whole file has gone through the digest.
    fn next(&mut self) -> Result<Batch<'a>> {
        match self {
            Self::Again(records) => {
                let items = records.batch(BATCH)?;
                if items.is_empty() {
                    records.skip_rest()?;
                }
                Ok(Batch::Again(items))
            }
            Self::Kept {
                kept,
                next,
                file,
                read,
                path,
            } => {
                let batch = kept.batches.get(*next).map_or(&[][..], Vec::as_slice);
                *next += 1;
                let limit = if batch.is_empty() { u64::MAX } else { BATCH as u64 };
                *read += std::io::copy(&mut file.by_ref().take(limit), &mut std::io::sink())
                    .map_err(|error| Error::io("read", path, &error))?;
                Ok(Batch::Kept(batch))
            }
        }
    }

    const fn bytes_read(&self) -> u64 {
        match self {
            Self::Again(records) => records.bytes_read(),
            Self::Kept { read, .. } => *read,
        }
    }
}

/// Converts a batch whose first record has number `first`, in parallel, in order.
fn convert_all(work: &Work<'_>, batch: &Batch<'_>, first: u64) -> Vec<Piece> {
    let number = |chunk: usize, i: usize| first + (chunk * PIECE + i) as u64;
    match batch {
        Batch::Kept(kept) => kept
            .par_chunks(PIECE)
            .enumerate()
            .map(|(chunk, kept)| {
                let mut piece = Piece::default();
                for (i, checked) in kept.iter().enumerate() {
                    piece.add(work, checked, number(chunk, i), b"");
                }
                piece
            })
            .collect(),
        Batch::Again(items) => items
            .par_chunks(PIECE)
            .enumerate()
            .map(|(chunk, items)| {
                let mut piece = Piece::default();
                for (i, item) in items.iter().enumerate() {
                    let number = number(chunk, i);
                    let checked = check(item, number, &work.request.rules);
                    piece.add(work, &checked, number, item.raw());
                }
                piece
            })
            .collect(),
    }
}

/// Records that one thread converts in one go.
const PIECE: usize = 128;

/// One pass over the input. `only_compare`: nothing is written, and `None` says that the results in place are others.
#[expect(
    clippy::too_many_lines,
    reason = "one pass, told from its beginning to its end"
)]
fn pass(
    request: &Request,
    census: &Census,
    control: &Control,
    only_compare: bool,
) -> Result<Option<Converted>> {
    let work = Work {
        request,
        census,
        settings: Settings {
            dialect: request.dialect,
            started: request.started,
        },
    };
    let (mut feed, digest) = Feed::open(request, census, control)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| Error::io("write", &path, &error)
    };
    let mut out = AtomicFile::create(&request.targets.tasks, SHARED)?;
    let mut set_aside = AtomicFile::create(&request.targets.quarantine, SHARED)?;
    let mut statistics = Statistics::default();
    let mut told = Vec::new();
    out.write_all(b"[").map_err(failed(&request.targets.tasks))?;
    let mut batch = feed.next()?;
    // What is converted and not written yet.
    let mut pieces: Vec<Piece> = Vec::new();
    // Whether a task was written, so that a comma goes before the next.
    let mut begun = false;
    while batch.len() > 0 {
        control.safe_point()?;
        let first = statistics.total;
        // The tasks before are written and the next records read while these are converted.
        let ((written, next), made) = rayon::join(
            || (write_all(&mut out, &pieces, &mut begun), feed.next()),
            || convert_all(&work, &batch, first),
        );
        written.map_err(failed(&request.targets.tasks))?;
        statistics.total += batch.len() as u64;
        batch = next?;
        pieces = made;
        for piece in &mut pieces {
            statistics.merge(std::mem::take(&mut piece.statistics));
            set_aside
                .write_all(&piece.aside)
                .map_err(failed(&request.targets.quarantine))?;
            for notice in piece.notices.drain(..) {
                if !only_compare {
                    control.notice(Notice::Quarantined(notice));
                } else if told.len() < TOLD {
                    told.push(notice);
                }
            }
        }
        control.progress(Progress {
            done: statistics.converted,
            total: Some(census.fates.len() as u64),
            quarantined: statistics.quarantined,
            unit: "tasks".to_owned(),
            phase: "converting".to_owned(),
            bytes: feed.bytes_read(),
            bytes_total: Some(census.bytes),
            ..Progress::default()
        });
    }
    write_all(&mut out, &pieces, &mut begun).map_err(failed(&request.targets.tasks))?;
    let digest = digest.hex();
    if digest != census.digest || statistics.total != census.fates.len() as u64 {
        return Err(
            Error::blocked(format!("{} changed while it was converted", request.name))
                .hint("Nothing was written. Convert again when nobody writes to it."),
        );
    }
    out.write_all(b"\n]\n").map_err(failed(&request.targets.tasks))?;
    if statistics.converted > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a count far below 2^53")]
        let converted = statistics.converted as f64;
        statistics.average_score /= converted;
    }
    let mut log = AtomicFile::create(&request.targets.log, SHARED)?;
    let told_in_log = report(request, &statistics);
    log.write_all(told_in_log.as_bytes())
        .map_err(failed(&request.targets.log))?;
    control.safe_point()?;
    if only_compare {
        let in_place = |file: &AtomicFile, path: &Path| {
            files::sha256_file(path).is_ok_and(|there| there == file.sha256())
        };
        let same = in_place(&out, &request.targets.tasks)
            && in_place(&set_aside, &request.targets.quarantine)
            && in_place(&log, &request.targets.log);
        if !same {
            return Ok(None);
        }
        for notice in told {
            control.notice(Notice::Quarantined(notice));
        }
        let mut converted = finish(request, census, statistics, &digest);
        converted.outcome.unchanged = converted.outcome.converted;
        return Ok(Some(converted));
    }
    keep_before(&request.targets.tasks, &out)?;
    keep_before(&request.targets.quarantine, &set_aside)?;
    if std::fs::read_to_string(&request.targets.log).is_ok_and(|there| !same_but_moment(&there, &told_in_log))
    {
        keep_before(&request.targets.log, &log)?;
    }
    // The tasks' file comes last: where it is, the other two are.
    log.commit()?;
    set_aside.commit()?;
    out.commit()?;
    Ok(Some(finish(request, census, statistics, &digest)))
}

/// Writes the tasks of pieces, a comma before each but the first.
fn write_all(out: &mut AtomicFile, pieces: &[Piece], begun: &mut bool) -> std::io::Result<()> {
    for piece in pieces.iter().filter(|piece| !piece.tasks.is_empty()) {
        let comma = usize::from(!*begun);
        out.write_all(&piece.tasks[comma..])?;
        *begun = true;
    }
    Ok(())
}
