//! From the bytes of a file to a verdict and its values: gzip, JSON, pickle or something foreign. Pure.

use std::borrow::Cow;

use super::arena::{Arena, Ref};
use super::classes::ClassMap;
use super::envelope;
use super::finding::{At, Code, Finding, Severity, worst};
use super::foreign::{self, Inflate};
use super::json;
use super::limits::Limits;
use super::measure::{Measured, measure};
use super::pickle::{self, ClassUse};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Format {
    /// Inside gzip.
    pub gzip: bool,
    /// JSON; otherwise a pickle.
    pub json: bool,
    /// The greatest protocol mark of a pickle.
    pub protocol: u8,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.gzip {
            f.write_str("gzip of ")?;
        }
        if self.json {
            f.write_str("JSON")
        } else {
            write!(f, "pickle protocol {}", self.protocol)
        }
    }
}

/// The verdict on one file's content.
#[derive(Debug)]
pub struct Inspected<'a> {
    /// What it holds, as far as it was recognised.
    pub format: Format,
    /// All values.
    pub arena: Arena<'a>,
    /// The checkpoint's value, when there is no finding.
    pub root: Option<Ref>,
    /// What writing it costs.
    pub measured: Measured,
    /// How many tasks it holds.
    pub tasks: Option<u64>,
    /// Reasons to refuse it.
    pub findings: Vec<Finding>,
    /// Classes and functions named, with how often.
    pub names: Vec<(String, u64)>,
    /// Classes an operator could declare.
    pub unknown: Vec<ClassUse>,
}

impl Inspected<'_> {
    fn refused(format: Format, finding: Finding) -> Self {
        Self {
            format,
            arena: Arena::new(b""),
            root: None,
            measured: Measured::default(),
            tasks: None,
            findings: vec![finding],
            names: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// The finding that speaks for the file.
    #[must_use]
    pub fn worst(&self) -> Option<&Finding> {
        worst(&self.findings)
    }
}

/// Takes gzip off, within the limits. The content is what [`inspect`] reads and what byte offsets refer to.
///
/// # Errors
/// A finding: damaged, or larger than allowed.
pub fn unwrap_gzip<'d>(data: &'d [u8], limits: &Limits) -> Result<(Cow<'d, [u8]>, bool), Finding> {
    if !data.starts_with(b"\x1f\x8b") {
        return Ok((Cow::Borrowed(data), false));
    }
    match foreign::gunzip(data, limits.inflated_bytes(data.len() as u64)) {
        Ok(content) => Ok((Cow::Owned(content), true)),
        Err(Inflate::Damaged) => Err(Finding::malformed(
            Code::BadGzip,
            "holds damaged or cut gzip data",
        )),
        Err(Inflate::TooLarge) => Err(Finding::malformed(
            Code::SizeLimit,
            "inflates to more bytes than allowed",
        )),
    }
}

/// The verdict on gzip data that could not be taken off: `finding`, and the hostile names in what can be inflated.
#[must_use]
pub fn refuse_gzip(data: &[u8], finding: Finding, limits: &Limits, classes: &ClassMap) -> Inspected<'static> {
    let format = Format {
        gzip: true,
        ..Format::default()
    };
    let mut inspected = Inspected::refused(format, finding);
    look_into(&mut inspected, foreign::inside(data), limits, classes);
    inspected
}

/// Reads the content of one file. `source_bytes` is the size of the content, for the output's limit.
#[must_use]
pub fn inspect<'a>(data: &'a [u8], gzip: bool, limits: &Limits, classes: &ClassMap) -> Inspected<'a> {
    let mut format = Format {
        gzip,
        ..Format::default()
    };
    if data.is_empty() {
        return Inspected::refused(format, Finding::malformed(Code::NoValue, "is empty"));
    }
    if json::looks_like(data) {
        format.json = true;
        return match json::read(data, limits) {
            Ok((arena, root)) => {
                let mut inspected = Inspected::refused(format, Finding::malformed(Code::NoValue, ""));
                inspected.findings.clear();
                inspected.arena = arena;
                inspected.root = Some(root);
                judge(inspected, data, limits)
            }
            Err(finding) => Inspected::refused(format, finding),
        };
    }
    let read = pickle::read(data, limits, classes);
    format.protocol = read.protocol;
    let mut inspected = Inspected {
        format,
        arena: read.arena,
        root: read.root,
        measured: Measured::default(),
        tasks: None,
        findings: read.findings,
        names: read.names,
        unknown: read.unknown,
    };
    if let Some(what) = foreign_kind(data, &inspected) {
        return refuse_foreign(data, inspected, what, limits, classes);
    }
    if inspected.findings.is_empty() {
        return judge(inspected, data, limits);
    }
    inspected.root = None;
    // A pickle for one reader and an archive for another.
    let end = inspected
        .findings
        .iter()
        .find(|finding| matches!(finding.code, Code::TrailingBytes | Code::SeveralPickles));
    if let Some(end) = end.and_then(Finding::offset) {
        let from = usize::try_from(end).unwrap_or(usize::MAX);
        look_into(&mut inspected, foreign::behind(data, from), limits, classes);
    }
    inspected
}

/// The last questions to a value that was read without a finding.
fn judge<'a>(mut inspected: Inspected<'a>, data: &[u8], limits: &Limits) -> Inspected<'a> {
    let Some(root) = inspected.root else {
        return inspected;
    };
    match measure(&inspected.arena, root, limits, data.len() as u64) {
        Ok(measured) => inspected.measured = measured,
        Err(finding) => {
            inspected.findings.push(finding);
            inspected.root = None;
            return inspected;
        }
    }
    if envelope::is_migrated(&inspected.arena, root) {
        inspected.findings.push(Finding::malformed(
            Code::AlreadyMigrated,
            "is a migrated checkpoint already",
        ));
        inspected.root = None;
        return inspected;
    }
    inspected.tasks = envelope::task_count(&inspected.arena, root);
    inspected
}

/// What the file is when it is no pickle. A pickle that only begins like something else stays a pickle.
fn foreign_kind(data: &[u8], inspected: &Inspected<'_>) -> Option<&'static str> {
    let has = |code| inspected.findings.iter().any(|finding| finding.code == code);
    if inspected.findings.is_empty() {
        return None;
    }
    if let Some(what) = foreign::sniff(data) {
        return Some(what);
    }
    if has(Code::NoValue) {
        return None;
    }
    let named = inspected.findings.iter().any(Finding::credible);
    let no_mark = inspected.format.protocol == 0;
    if named || !no_mark || inspected.root.is_some() {
        return None;
    }
    // Text can begin like the operations that name something; what they name then is no name.
    let babble = has(Code::ForbiddenName);
    let broken = has(Code::BadOpcode) || babble;
    // The first operations that picklers write without a protocol mark.
    let begins = matches!(
        data[0],
        b'(' | b']'
            | b'}'
            | b')'
            | b'I'
            | b'L'
            | b'F'
            | b'S'
            | b'V'
            | b'N'
            | b'c'
            | b'i'
            | b'K'
            | b'J'
            | b'M'
            | b'X'
            | b'U'
            | b'G'
    );
    if foreign::is_text(data) && (broken || !begins) {
        return Some("text");
    }
    (broken && !begins).then_some("no kind of file that is known here")
}

/// A foreign file is refused; hostile names in it, or in pickles inside it, still decide how bad that is.
fn refuse_foreign<'a>(
    data: &'a [u8],
    mut inspected: Inspected<'a>,
    what: &'static str,
    limits: &Limits,
    classes: &ClassMap,
) -> Inspected<'a> {
    inspected.root = None;
    inspected.findings.retain(Finding::credible);
    look_into(&mut inspected, foreign::inside(data), limits, classes);
    let verb = if what.starts_with("no kind") {
        "is"
    } else {
        "looks like"
    };
    inspected.findings.push(Finding::new(
        Severity::Malformed,
        Code::ForeignFile,
        Some(At::new(0, 0)),
        format!("{verb} {what}"),
    ));
    inspected
}

/// Adds the hostile names in what a file contains.
fn look_into(inspected: &mut Inspected<'_>, parts: Vec<foreign::Inner>, limits: &Limits, classes: &ClassMap) {
    for inner in parts {
        let read = pickle::read(&inner.data, limits, classes);
        for mut finding in read.findings {
            if finding.severity != Severity::Critical || !finding.credible() {
                continue;
            }
            let shown = crate::engine::text::inert_short(&inner.name, 80);
            finding.what = format!("{} in {shown}", finding.what);
            if let (Some(at), Some(offset)) = (finding.at.as_mut(), inner.offset) {
                at.offset = at
                    .offset
                    .saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
            }
            inspected.findings.push(finding);
        }
        inspected.names.extend(read.names);
    }
}
