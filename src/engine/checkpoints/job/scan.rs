//! Reading only: the verdict on each file, and the plan made of them.

use super::report::{FileReport, Status, Totals, View};
use super::source::name_text;
use super::target::standing;
use super::{Items, Request, items, one, pool};
use crate::engine::Capability;
use crate::engine::error::Result;
use crate::engine::operation::{Control, Effect, Notice, Plan};
use crate::engine::text::{count, plural};

/// How closely a plan looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survey {
    /// Names, sizes and times only: for a run that approves whatever is planned now. Files are judged when they are
    /// converted.
    Names,
    /// Every file is read and judged, and every existing result is looked at.
    Full,
}

/// A plan with what [`super::apply()`] needs to carry it out.
#[derive(Debug)]
pub struct Prepared {
    /// The effects and their digest.
    pub plan: Plan,
    /// The verdicts; empty but for the counts after [`Survey::Names`].
    pub view: View,
    pub(super) request: Request,
    pub(super) items: Items,
}

/// Reads every file of the source folder and tells `each` its report, in the order of names. Writes nothing.
///
/// # Errors
/// Input when the folder is missing, unavailable when it cannot be listed, interrupted at a safe point.
pub fn scan(request: &Request, control: &Control, each: impl FnMut(&FileReport)) -> Result<View> {
    let items = items(request)?;
    survey(request, &items, control, each)
}

fn empty_view(items: &Items) -> View {
    View {
        totals: Totals {
            total: items.list.len() as u64,
            ..Totals::default()
        },
        bytes: items.bytes,
        folders: items.folders,
        hidden: items.hidden,
        twins: items.twins.clone(),
        ..View::default()
    }
}

fn survey(
    request: &Request,
    items: &Items,
    control: &Control,
    mut each: impl FnMut(&FileReport),
) -> Result<View> {
    let mut view = empty_view(items);
    let tracker = pool::Tracker::new(control, "scanning", view.totals.total, view.bytes);
    let gate = pool::Gate::new(request.memory_bytes);
    let started = std::time::Instant::now();
    pool::in_order(
        control,
        Request::workers(control),
        items.list.len(),
        |at| {
            let item = &items.list[at];
            let _share = gate.enter(one::memory(item));
            let name = crate::engine::text::inert(&name_text(&item.name));
            tracker.begin(&name);
            let report = one::look(request, &items.folder, item, None, None);
            tracker.end(&name);
            report
        },
        |_, report| {
            view.take(&report);
            tracker.done(report.bytes, report.refusal.is_some(), false);
            if let Some(item) = report.quarantined() {
                control.notice(Notice::Quarantined(item));
            }
            each(&report);
            Ok(())
        },
    )?;
    tracker.finish();
    view.totals.elapsed_s = started.elapsed().as_secs_f64();
    view.sort();
    Ok(view)
}

/// Plans the conversion: reads only. Equal folders and equal requests give equal digests; the time does not count.
///
/// # Errors
/// As [`scan`].
pub fn plan(request: &Request, survey_depth: Survey, control: &Control) -> Result<Prepared> {
    let items = items(request)?;
    let mut basis = request.classes.facts();
    let mut refused = 0;
    let view = match survey_depth {
        Survey::Names => empty_view(&items),
        Survey::Full => survey(request, &items, control, |report| {
            refused += u64::from(report.refusal.is_some());
            basis.push(format!(
                "{} {} {}",
                report.file,
                report.sha256.as_deref().unwrap_or("-"),
                report
                    .refusal
                    .as_ref()
                    .map_or("convertible", |refusal| refusal.reason.as_str())
            ));
        })?,
    };
    if survey_depth == Survey::Names {
        for item in &items.list {
            refused += u64::from(item.finding.is_some());
            basis.push(format!(
                "{} {}",
                name_text(&item.name),
                item.print.map_or_else(|| "-".to_owned(), |print| print.fact())
            ));
        }
    }
    let there = standing(&request.to);
    let (mut standing_there, mut replaced) = (0, 0);
    for item in items.list.iter().filter(|item| item.finding.is_none()) {
        if !there.contains(&item.target) {
            continue;
        }
        standing_there += 1;
        if item.replaced_by(request) {
            replaced += 1;
            basis.push(format!("replace {}", name_text(&item.name)));
        }
    }
    let plan = describe(
        request,
        &view,
        survey_depth,
        [refused, standing_there, replaced],
        basis,
    );
    Ok(Prepared {
        plan,
        view,
        request: request.clone(),
        items,
    })
}

fn describe(
    request: &Request,
    view: &View,
    depth: Survey,
    [refused, standing_there, replaced]: [u64; 3],
    basis: Vec<String>,
) -> Plan {
    let convertible = view.totals.total - refused;
    let results = request.to.join(super::RESULTS);
    let mut effects = vec![Effect::counted(
        "write",
        convertible - standing_there.min(convertible),
        format!("checkpoints under {}", results.display()),
    )];
    let kept = standing_there - replaced;
    if kept > 0 {
        effects.push(Effect::counted(
            "keep",
            kept,
            "results that exist; one that differs is refused, not overwritten",
        ));
    }
    if replaced > 0 {
        effects.push(Effect::counted(
            "replace",
            replaced,
            "results that exist and are named",
        ));
    }
    effects.push(Effect::counted(
        "refuse",
        refused,
        if depth == Survey::Full {
            "files; they stay where they are"
        } else {
            "files by their kind or name; others are judged as they are read"
        },
    ));
    Plan {
        capability: Capability::Checkpoints,
        verb: "apply".to_owned(),
        title: format!("Convert {}", plural(convertible, "file", "files")),
        target: results.display().to_string(),
        effects,
        undo: (replaced == 0).then(|| {
            format!(
                "Remove the new files under {}; the legacy files are only read.",
                results.display()
            )
        }),
        needs_approval: replaced > 0,
        basis,
        digest: String::new(),
    }
    .sealed()
}

impl View {
    /// The sentence that closes a scan or a conversion: `12,468 converted, 12 refused: 12,480 accounted for.`
    #[must_use]
    pub fn summary(&self) -> String {
        let totals = &self.totals;
        if totals.total == 0 {
            return "No checkpoint files in the source folder.".to_owned();
        }
        let mut parts = vec![format!("{} converted", count(totals.converted))];
        for (n, word) in [
            (totals.unchanged, "unchanged"),
            (totals.refused, "refused"),
            (totals.failed, "failed"),
        ] {
            if n > 0 {
                parts.push(format!("{} {word}", count(n)));
            }
        }
        format!("{}: {} accounted for.", parts.join(", "), count(totals.total))
    }

    /// What else is worth a sentence: what was not looked at, and values that other programs handle otherwise.
    #[must_use]
    pub fn noticed(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.folders > 0 {
            said.push(format!(
                "{} not entered",
                plural(self.folders, "folder", "folders")
            ));
        }
        if self.hidden > 0 {
            said.push(format!(
                "{} left alone",
                plural(self.hidden, "hidden file", "hidden files")
            ));
        }
        if let Some(first) = self.twins.first() {
            said.push(format!("{first} differ only in case"));
        }
        if self.notes.nul_strings > 0 {
            said.push(format!(
                "{} with a NUL: kept, but PostgreSQL text cannot hold them",
                plural(self.notes.nul_strings, "string", "strings")
            ));
        }
        if self.notes.surrogate_strings > 0 {
            said.push(format!(
                "{} with half a surrogate pair: kept, but jsonb cannot hold them",
                plural(self.notes.surrogate_strings, "string", "strings")
            ));
        }
        if self.notes.wide_integers > 0 {
            said.push(format!(
                "{} beyond 2^53: kept exactly, but readers that use floats round them",
                plural(self.notes.wide_integers, "integer", "integers")
            ));
        }
        said
    }

    /// How many files can be converted, after a scan.
    #[must_use]
    pub const fn convertible(&self) -> u64 {
        self.totals.converted
    }

    /// Whether a report stands for a file that can be or was converted.
    #[must_use]
    pub const fn good(status: Status) -> bool {
        matches!(
            status,
            Status::Convertible | Status::Converted | Status::Unchanged
        )
    }
}
