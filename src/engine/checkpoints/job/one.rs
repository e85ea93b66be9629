//! One file: read, judge, wrap, and hand the values on.

use super::super::envelope::{self, Envelope, SourceFacts};
use super::super::finding::{Code, Finding, Severity};
use super::super::inspect::{Inspected, inspect, refuse_gzip, unwrap_gzip};
use super::report::{FileReport, Named};
use super::source::{Fingerprint, Folder, name_text, sha256};
use super::{Item, Request};
use crate::engine::text::inert;

/// Files of this size have their checksum computed beside the reading, and their result written beside the formatting.
pub(super) const BESIDE: usize = 4 << 20;

/// Names kept in a report; a file with more is refused anyway.
const MAX_NAMES: usize = 1_000;

/// Memory a file of this size may take while it is in work.
pub(super) fn memory(item: &Item) -> u64 {
    let size = item.print.map_or(0, |print| print.size);
    let factor = if item.name.as_encoded_bytes().ends_with(b".gz") {
        20
    } else {
        5
    };
    size.saturating_mul(factor).saturating_add(64 << 10)
}

/// A report with what is known before reading.
pub(super) fn blank(item: &Item) -> FileReport {
    FileReport::new(
        inert(&name_text(&item.name)),
        inert(&name_text(&item.target)),
        item.print.map_or(0, |print| print.size),
    )
}

/// What is done with the values of a good file.
pub(super) type Then<'t> = &'t mut dyn FnMut(&mut FileReport, &mut Inspected<'_>, Envelope);

/// Reads and judges one file. A good one is wrapped and given to `then`; the report says everything else.
///
/// `expected` is the state in which it was planned: another one is refused.
pub(super) fn look(
    request: &Request,
    folder: &Folder,
    item: &Item,
    expected: Option<Fingerprint>,
    then: Option<Then<'_>>,
) -> FileReport {
    let mut report = blank(item);
    if let Some(finding) = &item.finding {
        report.refuse(finding);
        return report;
    }
    let loaded = match folder.read(&item.name, expected, &request.limits, &|_| {}) {
        Ok(loaded) => loaded,
        Err(finding) => {
            report.refuse(&finding);
            return report;
        }
    };
    report.bytes = loaded.print.size;
    if expected.is_some_and(|expected| expected != loaded.print) {
        report.refuse(&Finding::new(
            Severity::Changed,
            Code::ChangedFile,
            None,
            "was modified after the plan was made",
        ));
        return report;
    }
    let content = unwrap_gzip(&loaded.data, &request.limits);
    let (content, gzip) = match content {
        Ok(content) => content,
        Err(finding) => {
            report.sha256 = Some(sha256(&loaded.data));
            let inspected = refuse_gzip(&loaded.data, finding.clone(), &request.limits, &request.classes);
            report.refuse(inspected.worst().unwrap_or(&finding));
            return report;
        }
    };
    let (digest, mut inspected) = digest_and_inspect(request, &loaded.data, &content, gzip);
    fill(&mut report, &inspected);
    report.sha256 = Some(digest);
    if let Some(worst) = inspected.worst() {
        report.refuse(worst);
        return report;
    }
    let (Some(root), Some(then)) = (inspected.root, then) else {
        return report;
    };
    let format = inspected.format.to_string();
    let facts = SourceFacts {
        file: &name_text(&item.name),
        sha256: report.sha256.as_deref().unwrap_or_default(),
        bytes: report.bytes,
        format: &format,
    };
    match envelope::wrap(&mut inspected.arena, root, facts, &request.date()) {
        Ok(envelope) => then(&mut report, &mut inspected, envelope),
        Err(finding) => report.refuse(&finding),
    }
    report
}

/// The checksum of the file and the verdict on its content; beside each other when the file is large.
fn digest_and_inspect<'c>(
    request: &Request,
    data: &[u8],
    content: &'c [u8],
    gzip: bool,
) -> (String, Inspected<'c>) {
    let judge = || inspect(content, gzip, &request.limits, &request.classes);
    if data.len() < BESIDE {
        return (sha256(data), judge());
    }
    rayon::join(|| sha256(data), judge)
}

fn fill(report: &mut FileReport, inspected: &Inspected<'_>) {
    report.format = Some(inspected.format.to_string());
    report.protocol = (!inspected.format.json).then_some(inspected.format.protocol);
    report.tasks = inspected.tasks;
    report.globals = inspected
        .names
        .iter()
        .take(MAX_NAMES)
        .map(|(name, count)| Named {
            name: inert(name),
            count: *count,
        })
        .collect();
    report.unknown = inspected.unknown.iter().take(MAX_NAMES).map(Into::into).collect();
}
