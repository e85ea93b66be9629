//! What a report says in one line: for screens, summaries and its own first paragraph.

use super::model::{Counts, PartState, Report};
use crate::engine::text::{count, inert};

/// The counts of every part in one line: `tasks 40 = 37 + 3 · files 12 = 10 + 2`; empty when nothing was converted.
#[must_use]
pub fn accounted_for(report: &Report) -> String {
    let sentences: Vec<String> = report
        .parts
        .iter()
        .filter_map(|part| part.counts.as_ref())
        .map(Counts::sentence)
        .collect();
    sentences.join(" · ")
}

/// Items in quarantine: those of the groups, or those that the parts count where that is more, because the groups may
/// name only the first of many.
#[must_use]
pub fn open_items(report: &Report) -> u64 {
    grouped(report).max(
        report
            .parts
            .iter()
            .filter_map(|part| part.counts.as_ref())
            .map(|counts| counts.quarantined)
            .sum(),
    )
}

pub(super) fn grouped(report: &Report) -> u64 {
    report.quarantine.iter().map(|group| group.count).sum()
}

/// The sentence of the now line: `Every item is accounted for; 60 are in quarantine.`
#[must_use]
pub fn now_line(report: &Report) -> String {
    let gap = report.parts.iter().find(|part| part.state.is_gap());
    if let Some(part) = gap {
        return format!(
            "{} is not proved ({}). The report can be written and says so in its first line.",
            part.capability.title(),
            inert(&part.outcome)
        );
    }
    if !ran(report) {
        return "Nothing has run yet. Report has nothing to say.".to_owned();
    }
    let open = open_items(report);
    let balanced = report
        .parts
        .iter()
        .filter_map(|part| part.counts.as_ref())
        .all(Counts::balanced);
    let accounted = if balanced {
        "Every item is accounted for"
    } else {
        "Not every item is accounted for"
    };
    match open {
        0 => format!("{accounted}; none is in quarantine."),
        1 => format!("{accounted}; 1 is in quarantine."),
        open => format!("{accounted}; {} are in quarantine.", count(open)),
    }
}

pub(super) fn ran(report: &Report) -> bool {
    report.parts.iter().any(|part| part.state != PartState::NotRun)
}
