//! What the screen lists: refused files as the scan and the run tell of them, and classes that can be declared.

use std::collections::BTreeSet;

use crate::engine::Capability;
use crate::engine::checkpoints::finding::{Code, Severity};
use crate::engine::checkpoints::job::UnknownClass;
use crate::engine::checkpoints::{Class, ClassKind, FileReport};
use crate::engine::operation::Quarantined;
use crate::engine::text::{count, inert, plural};
use crate::tui::app::context::Cx;
use crate::tui::text;

/// The subject of a decision that declares a class.
pub const CLASS: &str = "class:";
/// The subject of a decision that names a result to replace.
pub const REPLACE: &str = "replace:";

/// A refused file: from the scan of this session, or from the run in the journal.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// The scan's report, with everything it found.
    Report(&'a FileReport),
    /// The item that a run set aside.
    Item(&'a Quarantined, Code),
}

/// Which codes only a run can find.
const fn only_in_a_run(code: Code) -> bool {
    matches!(code, Code::TargetExists | Code::TargetSpecial | Code::WriteFailed)
}

/// The severity that a code has as a rule; a report says it itself.
const fn usual(code: Code) -> Severity {
    match code {
        Code::ForbiddenName | Code::BadArguments => Severity::Critical,
        Code::UnknownClass
        | Code::UndeclaredField
        | Code::PersistentId
        | Code::ExtensionCode
        | Code::OutOfBandBuffer => Severity::Unknown,
        Code::ForeignFile
        | Code::AlreadyMigrated
        | Code::SymbolicLink
        | Code::SpecialFile
        | Code::HardLink
        | Code::ChangedFile
        | Code::Unreadable
        | Code::BadName
        | Code::NameCollision
        | Code::TargetExists
        | Code::TargetSpecial
        | Code::WriteFailed => Severity::Changed,
        _ => Severity::Malformed,
    }
}

impl<'a> Entry<'a> {
    pub fn severity(self) -> Severity {
        match self {
            Self::Report(report) => report
                .refusal
                .as_ref()
                .map_or(Severity::Changed, |refusal| refusal.severity),
            Self::Item(_, code) => usual(code),
        }
    }

    pub fn file(self) -> &'a str {
        match self {
            Self::Report(report) => &report.file,
            Self::Item(item, _) => &item.key,
        }
    }

    /// Whether a result that differs stands in its place, so that it can be named to be replaced.
    pub fn replaceable(self) -> bool {
        matches!(self, Self::Item(_, Code::TargetExists))
    }

    /// For the list: `would call os.system, byte 214`.
    pub fn reason(self) -> String {
        match self {
            Self::Report(report) => report.refusal.as_ref().map_or_else(String::new, |refusal| {
                let place = refusal
                    .offset
                    .map_or_else(String::new, |at| format!(", byte {}", count(at)));
                format!("{}{place}", refusal.reason)
            }),
            Self::Item(item, _) => {
                let reason = item
                    .why
                    .split_once(": ")
                    .map_or(item.why.as_str(), |(reason, _)| reason);
                let place = item.place.split([',', ';']).next().unwrap_or_default();
                if place.starts_with("byte ") {
                    inert(&format!("{reason}, {place}"))
                } else {
                    inert(reason)
                }
            }
        }
    }

    /// `pickle protocol 4 · 1,204 bytes · sha256 9c41…e07a`.
    pub fn facts(self) -> String {
        match self {
            Self::Report(report) => {
                let mut parts: Vec<String> = report.format.iter().cloned().collect();
                parts.push(plural(report.bytes, "byte", "bytes"));
                if let Some(sha) = &report.sha256 {
                    parts.push(format!("sha256 {}", text::elide_middle(sha, 9, "…")));
                }
                parts.join(" · ")
            }
            Self::Item(item, _) => match item.raw.split_once(", sha256 ") {
                Some((bytes, sha)) => {
                    format!("{bytes} · sha256 {}", text::elide_middle(&inert(sha), 9, "…"))
                }
                None => inert(&item.raw),
            },
        }
    }

    pub fn place(self) -> String {
        match self {
            Self::Report(report) => report
                .refusal
                .as_ref()
                .map_or_else(String::new, |refusal| refusal.place.clone()),
            Self::Item(item, _) => inert(&item.place),
        }
    }

    pub fn why(self) -> String {
        match self {
            Self::Report(report) => report
                .refusal
                .as_ref()
                .map_or_else(String::new, |refusal| refusal.why.clone()),
            Self::Item(item, _) => {
                let why = item
                    .why
                    .split_once(": ")
                    .map_or(item.why.as_str(), |(_, why)| why);
                inert(why)
            }
        }
    }

    pub fn advice(self) -> &'a str {
        match self {
            Self::Report(report) => report
                .refusal
                .as_ref()
                .map_or("", |refusal| refusal.advice.as_str()),
            Self::Item(item, _) => &item.hint,
        }
    }

    /// Names that the file uses, most telling for the one who looks into it; empty when only the run is known.
    pub fn names(self) -> String {
        match self {
            Self::Report(report) => report
                .globals
                .iter()
                .map(|named| format!("{} {}×", named.name, count(named.count)))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Item(..) => String::new(),
        }
    }
}

fn code(id: &str) -> Code {
    serde_json::from_value(serde_json::Value::String(id.to_owned())).unwrap_or(Code::BadStack)
}

/// Refused files, worst first and by name within a severity.
pub fn entries<'a>(cx: &Cx<'a>) -> Vec<Entry<'a>> {
    let read = cx.views.checkpoints.value();
    let step = cx.step(Capability::Checkpoints);
    let mut entries: Vec<Entry<'a>> = Vec::new();
    if let Some((_, view)) = read {
        entries.extend(view.refused.iter().map(Entry::Report));
    }
    if let Some(step) = step.filter(|step| !step.quarantine.is_empty()) {
        let known: BTreeSet<&str> = entries.iter().map(|entry| entry.file()).collect();
        // A scan that is newer than the run knows better which files are refused, but it looks at no results.
        let newer = |at: jiff::Timestamp| step.ended.is_some_and(|ended| ended < at);
        let superseded = read.is_some_and(|(at, _)| newer(at));
        let items: Vec<Entry<'a>> = step
            .quarantine
            .iter()
            .map(|item| Entry::Item(item, code(&item.reason)))
            .filter(|entry| {
                let Entry::Item(_, code) = entry else { return false };
                !known.contains(entry.file()) && (!superseded || only_in_a_run(*code))
            })
            .collect();
        entries.extend(items);
    }
    entries.sort_by(|a, b| {
        a.severity()
            .cmp(&b.severity())
            .then_with(|| a.file().cmp(b.file()))
    });
    entries
}

/// `critical 1 · unknown 8 · changed 1`.
pub fn by_severity(entries: &[Entry<'_>]) -> String {
    [
        Severity::Critical,
        Severity::Unknown,
        Severity::Malformed,
        Severity::Changed,
    ]
    .into_iter()
    .filter_map(|severity| {
        let n = entries
            .iter()
            .filter(|entry| entry.severity() == severity)
            .count();
        (n > 0).then(|| format!("{severity} {}", count(n as u64)))
    })
    .collect::<Vec<_>>()
    .join(" · ")
}

/// A class of the legacy application: not known yet, or declared by the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRow {
    /// `module.Class`.
    pub name: String,
    /// How the files use it; `None` when it is declared and so no longer unknown.
    pub seen: Option<UnknownClass>,
    /// As declared.
    pub declared: Option<Class>,
}

impl ClassRow {
    /// What the uses suggest.
    pub fn suggestion(&self) -> Class {
        let Some(seen) = &self.seen else {
            return self.declared.clone().unwrap_or(Class {
                kind: ClassKind::Object,
                fields: None,
            });
        };
        if seen.called_with_one && seen.fields.is_empty() {
            return Class {
                kind: ClassKind::Enum,
                fields: None,
            };
        }
        Class {
            kind: ClassKind::Object,
            fields: (!seen.fields.is_empty()).then(|| seen.fields.clone()),
        }
    }
}

/// Classes that files name and nobody has declared, most used first, then those that are declared here.
pub fn classes(cx: &Cx<'_>) -> Vec<ClassRow> {
    let mut rows: Vec<ClassRow> = cx
        .views
        .checkpoints
        .value()
        .map(|(_, view)| view.classes.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|class| ClassRow {
            name: class.name.clone(),
            seen: Some(class.clone()),
            declared: None,
        })
        .collect();
    if let Some(step) = cx.step(Capability::Checkpoints) {
        for (subject, choice) in &step.decisions {
            let Some(name) = subject.strip_prefix(CLASS) else {
                continue;
            };
            let declared = serde_json::from_value(choice.clone()).ok();
            match rows.iter_mut().find(|row| row.name == name) {
                Some(row) => row.declared = declared,
                None => rows.push(ClassRow {
                    name: name.to_owned(),
                    seen: None,
                    declared,
                }),
            }
        }
    }
    rows
}

/// How many classes wait for a declaration.
pub fn undeclared(rows: &[ClassRow]) -> u64 {
    rows.iter().filter(|row| row.declared.is_none()).count() as u64
}

/// The word of a kind.
pub const fn kind_word(kind: ClassKind) -> &'static str {
    match kind {
        ClassKind::Object => "object",
        ClassKind::Enum => "enum",
        ClassKind::NamedTuple => "named tuple",
        ClassKind::Dict => "dict",
        ClassKind::List => "list",
    }
}

/// What declaring a kind means.
pub const fn kind_about(kind: ClassKind) -> &'static str {
    match kind {
        ClassKind::Object => "named fields, as ordinary classes and dataclasses have",
        ClassKind::Enum => "one value",
        ClassKind::NamedTuple => "a tuple whose places have names",
        ClassKind::Dict => "a subclass of dict",
        ClassKind::List => "a subclass of list",
    }
}

/// The kind after this one.
pub const fn next_kind(kind: ClassKind) -> ClassKind {
    match kind {
        ClassKind::Object => ClassKind::Enum,
        ClassKind::Enum => ClassKind::NamedTuple,
        ClassKind::NamedTuple => ClassKind::Dict,
        ClassKind::Dict => ClassKind::List,
        ClassKind::List => ClassKind::Object,
    }
}
