//! The proof after the fact: every source is read again, every result decoded, and the two compared value by value.

use std::io::Read as _;
use std::path::Path;

use serde::Serialize;

use super::super::arena::Arena;
use super::super::decode::{decode, same};
use super::super::envelope::Envelope;
use super::super::json;
use super::super::limits::Limits;
use super::compare::compare;
use super::report::FileReport;
use super::source::name_text;
use super::target::RESULTS;
use super::{Request, items, one, pool};
use crate::engine::error::Result;
use crate::engine::operation::{Control, Notice, Outcome, ProofLine, Quarantined};
use crate::engine::text::{count, inert};

/// What `checkpoints verify` found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verified {
    /// Source files.
    pub total: u64,
    /// Results equal to what their sources give now, and decoded back to the same values.
    pub proved: u64,
    /// Convertible sources without a result.
    pub missing: u64,
    /// Results that differ from their sources.
    pub different: u64,
    /// Sources that are refused, and so have no result.
    pub refused: u64,
    /// Seconds.
    pub elapsed_s: f64,
    /// The same as an outcome.
    #[serde(skip)]
    pub outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Proved,
    Missing,
    Different,
}

/// Compares all results with their sources. Writes nothing.
///
/// # Errors
/// As [`super::scan()`].
pub fn verify(request: &Request, control: &Control) -> Result<Verified> {
    let items = items(request)?;
    let started = std::time::Instant::now();
    let mut verified = Verified {
        total: items.list.len() as u64,
        proved: 0,
        missing: 0,
        different: 0,
        refused: 0,
        elapsed_s: 0.0,
        outcome: Outcome {
            source: 0,
            converted: 0,
            unchanged: 0,
            quarantined: 0,
            proof: Vec::new(),
            summary: String::new(),
            artifacts: Vec::new(),
        },
    };
    let tracker = pool::Tracker::new(control, "proving", verified.total, items.bytes);
    let gate = pool::Gate::new(request.memory_bytes);
    pool::in_order(
        control,
        Request::workers(control),
        items.list.len(),
        |at| {
            let item = &items.list[at];
            // The result is held in memory beside the source.
            let _share = gate.enter(one::memory(item).saturating_mul(2));
            let name = inert(&name_text(&item.name));
            tracker.begin(&name);
            let mut found = None;
            let path = request.to.join(RESULTS).join(&item.target);
            let mut then =
                |_: &mut FileReport, inspected: &mut super::super::inspect::Inspected<'_>, envelope| {
                    found = Some(prove(&path, &inspected.arena, envelope, &request.limits));
                };
            let report = one::look(request, &items.folder, item, None, Some(&mut then));
            tracker.end(&name);
            (report, found)
        },
        |_, (report, found)| {
            match found {
                None => verified.refused += 1,
                Some(Found::Proved) => verified.proved += 1,
                Some(Found::Missing) => verified.missing += 1,
                Some(Found::Different) => verified.different += 1,
            }
            if let Some(kind @ (Found::Missing | Found::Different)) = found {
                control.notice(Notice::Quarantined(trouble(&report, kind)));
            }
            tracker.done(
                report.bytes,
                found != Some(Found::Proved),
                found == Some(Found::Proved),
            );
            Ok(())
        },
    )?;
    tracker.finish();
    verified.elapsed_s = started.elapsed().as_secs_f64();
    verified.outcome = outcome(&verified);
    Ok(verified)
}

fn trouble(report: &FileReport, kind: Found) -> Quarantined {
    let (reason, why) = match kind {
        Found::Missing => ("missing_result", "The file can be converted and has no result."),
        _ => (
            "different_result",
            "The result does not hold the values of the file.",
        ),
    };
    Quarantined {
        kind: "file".to_owned(),
        key: report.file.clone(),
        reason: reason.to_owned(),
        place: report.target.clone(),
        why: why.to_owned(),
        hint: "Convert it again.".to_owned(),
        raw: String::new(),
    }
}

fn outcome(verified: &Verified) -> Outcome {
    let convertible = verified.total - verified.refused;
    Outcome {
        source: verified.total,
        converted: verified.proved,
        unchanged: verified.proved,
        quarantined: verified.total - verified.proved,
        proof: vec![ProofLine {
            what: "convertible files = results that decode to their values".to_owned(),
            source: convertible.to_string(),
            target: verified.proved.to_string(),
            equal: convertible == verified.proved,
        }],
        summary: format!("{} of {} proved.", count(verified.proved), count(convertible)),
        artifacts: Vec::new(),
    }
}

fn prove(path: &Path, arena: &Arena<'_>, envelope: Envelope, limits: &Limits) -> Found {
    let open = || {
        let meta = std::fs::symlink_metadata(path).ok()?;
        if !meta.file_type().is_file() {
            return None;
        }
        std::fs::File::open(path).ok()
    };
    let Some(file) = open() else { return Found::Missing };
    if !matches!(compare(file, arena, envelope), Ok(Some(_))) {
        return Found::Different;
    }
    let mut data = Vec::new();
    let read = open().map(|mut file| file.read_to_end(&mut data));
    if !matches!(read, Some(Ok(_))) {
        return Found::Different;
    }
    if reads_back(arena, envelope, &data, limits) {
        Found::Proved
    } else {
        Found::Different
    }
}

/// Whether `text` decodes to the values of the envelope, its conversion time left out.
fn reads_back(arena: &Arena<'_>, envelope: Envelope, text: &[u8], limits: &Limits) -> bool {
    // The source was measured against the limit; the envelope adds a few levels to it.
    let limits = Limits {
        depth: limits.depth + 8,
        ..*limits
    };
    let Ok((json_arena, root)) = json::read(text, &limits) else {
        return false;
    };
    let Ok((back, back_root)) = decode(&json_arena, root) else {
        return false;
    };
    same_but_date(arena, envelope, &back, back_root)
}

fn same_but_date(
    arena: &Arena<'_>,
    envelope: Envelope,
    back: &Arena<'_>,
    back_root: super::super::arena::Ref,
) -> bool {
    use super::super::arena::Kind;
    let (Kind::Dict(ours), Kind::Dict(theirs)) = (envelope.root.kind(), back_root.kind()) else {
        return false;
    };
    let (ours, theirs) = (arena.items(ours), back.items(theirs));
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(x, y)| match (x.kind(), y.kind()) {
            // The metadata holds the date first; everything behind it must agree.
            (Kind::Dict(p), Kind::Dict(q)) if arena.items(p).get(1) == Some(&envelope.date) => {
                let (p, q) = (arena.items(p), back.items(q));
                p.len() == q.len()
                    && p.iter()
                        .zip(q)
                        .enumerate()
                        .all(|(at, (x, y))| at == 1 || same(arena, *x, back, *y))
            }
            _ => same(arena, *x, back, *y),
        })
}
