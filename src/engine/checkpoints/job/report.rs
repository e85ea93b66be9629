//! What is said about each file and about all of them: for the screen, for scripts, for the ledger.

use serde::{Deserialize, Serialize};

use super::super::finding::{At, Code, Finding, Severity};
use super::super::pickle::{ClassUse, opcode_name};
use crate::engine::operation::Quarantined;
use crate::engine::text::{count, inert, inert_short};

/// How a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can be converted.
    Convertible,
    /// Its result is written, read back and in place.
    Converted,
    /// Its result was in place already, identical.
    Unchanged,
    /// It is refused; the file stays where it is.
    Refused,
    /// It could not be read, or its result not be written.
    Failed,
}

/// Why a file is refused, in codes and in sentences. All text is inert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// How bad.
    pub severity: Severity,
    /// The stable code.
    pub code: Code,
    /// For a list: `would call os.system`.
    pub reason: String,
    /// The class or function, as the file names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The byte, in the content after gzip.
    pub offset: Option<u64>,
    /// The operation there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opcode: Option<String>,
    /// Where: `byte 2, GLOBAL; called by REDUCE at byte 26`.
    pub place: String,
    /// Why, in a sentence.
    pub why: String,
    /// What to do, in a sentence.
    pub advice: String,
}

fn at_text(at: At) -> String {
    if at.opcode == 0 {
        format!("byte {}", count(u64::from(at.offset)))
    } else {
        format!("byte {}, {}", count(u64::from(at.offset)), opcode_name(at.opcode))
    }
}

fn by_text(at: At) -> String {
    format!(
        "{} at byte {}",
        opcode_name(at.opcode),
        count(u64::from(at.offset))
    )
}

impl From<&Finding> for Refusal {
    fn from(finding: &Finding) -> Self {
        let name = finding.name.as_deref().map(|name| inert_short(name, 200));
        let reason = match (&finding.called, &name, finding.code) {
            (Some(_), Some(name), Code::ForbiddenName) => {
                let rest = finding.what.split_once(" in ").map_or("", |(_, rest)| rest);
                if rest.is_empty() {
                    format!("would call {name}")
                } else {
                    format!("would call {name} in {rest}")
                }
            }
            (_, Some(name), Code::UnknownClass) => format!("class {name}"),
            _ => finding.what.clone(),
        };
        let mut place = finding.at.map_or_else(|| "the whole file".to_owned(), at_text);
        if let Some(called) = finding.called
            && finding.at != Some(called)
        {
            place += "; called by ";
            place += &by_text(called);
        }
        if let Some(discarded) = finding.discarded {
            place += "; its value is thrown away by ";
            place += &by_text(discarded);
        }
        let why = match (&name, finding.code) {
            (Some(name), Code::ForbiddenName) => format!("{name} is not on the allow-list. Nothing was run."),
            (Some(name), Code::UnknownClass) => format!(
                "Class {name} is not known; it is used {}. Nothing was run.",
                if finding.count == 1 {
                    "once".to_owned()
                } else {
                    format!("{} times", count(finding.count))
                }
            ),
            _ => format!("The file {}.", inert(&finding.what)),
        };
        Self {
            severity: finding.severity,
            code: finding.code,
            reason: inert_short(&reason, 300),
            name,
            offset: finding.offset(),
            opcode: finding
                .at
                .filter(|at| at.opcode != 0)
                .map(|at| opcode_name(at.opcode).to_owned()),
            place,
            why,
            advice: finding.code.advice().to_owned(),
        }
    }
}

/// A class or function named in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// `module.name`, inert.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// A class that the operator could declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownClass {
    /// `module.Class`.
    pub name: String,
    /// How often it is used in the file, or in all files.
    pub count: u64,
    /// In how many files; 1 in a file's own report.
    pub files: u64,
    /// Whether it is called with one value, as enums are.
    pub called_with_one: bool,
    /// Field names seen.
    pub fields: Vec<String>,
}

impl From<&ClassUse> for UnknownClass {
    fn from(class: &ClassUse) -> Self {
        Self {
            name: inert(&class.name),
            count: class.count,
            files: 1,
            called_with_one: class.called_with_one,
            fields: class.fields.iter().map(|field| inert(field)).collect(),
        }
    }
}

/// Values that are kept but that some readers of the result cannot hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Strings with a NUL: not storable as PostgreSQL text or jsonb.
    pub nul_strings: u64,
    /// Strings with lone surrogates: not storable as jsonb untagged.
    pub surrogate_strings: u64,
    /// Integers beyond 2^53: rounded by readers that use floats.
    pub wide_integers: u64,
}

/// One file. All text is inert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Its name in the source folder.
    pub file: String,
    /// The name of its result.
    pub target: String,
    /// How it stands.
    pub status: Status,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of the file in hex, when it was read.
    pub sha256: Option<String>,
    /// `pickle protocol 4`, `JSON`, with `gzip of` before it.
    pub format: Option<String>,
    /// The protocol of a pickle.
    pub protocol: Option<u8>,
    /// How many tasks it holds.
    pub tasks: Option<u64>,
    /// Classes and functions named.
    pub globals: Vec<Named>,
    /// Classes that could be declared.
    pub unknown: Vec<UnknownClass>,
    /// Why it is refused.
    pub refusal: Option<Refusal>,
    /// Bytes of its result.
    pub output_bytes: u64,
    /// SHA-256 of its result in hex.
    pub output_sha256: Option<String>,
    /// What was noticed about its values.
    pub notes: Notes,
}

impl FileReport {
    pub(super) fn new(file: String, target: String, bytes: u64) -> Self {
        Self {
            file,
            target,
            status: Status::Convertible,
            bytes,
            sha256: None,
            format: None,
            protocol: None,
            tasks: None,
            globals: Vec::new(),
            unknown: Vec::new(),
            refusal: None,
            output_bytes: 0,
            output_sha256: None,
            notes: Notes::default(),
        }
    }

    pub(super) fn refuse(&mut self, finding: &Finding) {
        self.status = match finding.code {
            Code::Unreadable | Code::WriteFailed => Status::Failed,
            _ => Status::Refused,
        };
        self.refusal = Some(finding.into());
    }

    /// The item for the quarantine, when it is refused or failed.
    #[must_use]
    pub fn quarantined(&self) -> Option<Quarantined> {
        let refusal = self.refusal.as_ref()?;
        Some(Quarantined {
            kind: "file".to_owned(),
            key: self.file.clone(),
            reason: refusal.code.id(),
            place: refusal.place.clone(),
            why: format!("{}: {}", refusal.reason, refusal.why),
            hint: refusal.advice.clone(),
            raw: format!(
                "{} bytes, sha256 {}",
                self.bytes,
                self.sha256.as_deref().unwrap_or("not read")
            ),
        })
    }

    /// The line that `checkpoints scan --json` prints for this file.
    #[must_use]
    pub fn scan_line(&self) -> ScanLine {
        let refusal = self.refusal.as_ref();
        ScanLine {
            file: self.file.clone(),
            status: if refusal.is_some() {
                "refused"
            } else {
                "convertible"
            },
            reason: refusal.map(|refusal| refusal.reason.clone()),
            offset: refusal.and_then(|refusal| refusal.offset),
            globals: self.globals.iter().map(|named| named.name.clone()).collect(),
            tasks: self.tasks,
            code: refusal.map(|refusal| refusal.code),
            severity: refusal.map(|refusal| refusal.severity),
            name: refusal.and_then(|refusal| refusal.name.clone()),
            opcode: refusal.and_then(|refusal| refusal.opcode.clone()),
            place: refusal.map(|refusal| refusal.place.clone()),
            format: self.format.clone(),
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            counts: self.globals.clone(),
        }
    }
}

/// What `checkpoints scan --json` prints for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanLine {
    /// The file's name.
    pub file: String,
    /// `convertible` or `refused`.
    pub status: &'static str,
    /// Why it is refused: `would call os.system`.
    pub reason: Option<String>,
    /// The byte.
    pub offset: Option<u64>,
    /// Every class and function named.
    pub globals: Vec<String>,
    /// How many tasks it holds, when that can be counted.
    pub tasks: Option<u64>,
    /// The stable code of the reason.
    pub code: Option<Code>,
    /// How bad.
    pub severity: Option<Severity>,
    /// The name that is refused.
    pub name: Option<String>,
    /// The operation at the byte.
    pub opcode: Option<String>,
    /// The place in words, with calls and discards.
    pub place: Option<String>,
    /// What the file holds.
    pub format: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Option<String>,
    /// How often each name is used.
    pub counts: Vec<Named>,
}

/// Counts over all files; the sum of the other four is `total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Files found.
    pub total: u64,
    /// Results written now.
    pub converted: u64,
    /// Results that were in place, identical.
    pub unchanged: u64,
    /// Files refused.
    pub refused: u64,
    /// Files that could not be read or written.
    pub failed: u64,
    /// Seconds.
    pub elapsed_s: f64,
}

impl Totals {
    /// Counts one finished file.
    pub fn add(&mut self, status: Status) {
        match status {
            Status::Convertible | Status::Converted => self.converted += 1,
            Status::Unchanged => self.unchanged += 1,
            Status::Refused => self.refused += 1,
            Status::Failed => self.failed += 1,
        }
    }

    /// Whether every file is accounted for.
    #[must_use]
    pub const fn complete(&self) -> bool {
        self.total == self.converted + self.unchanged + self.refused + self.failed
    }
}

/// All that a screen needs. Cheap to keep behind an `Arc`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Counts; `converted` counts convertible files after a scan.
    pub totals: Totals,
    /// Bytes of all files.
    pub bytes: u64,
    /// Refused and failed files, worst first, then by name; at most [`View::KEPT`].
    pub refused: Vec<FileReport>,
    /// Unknown classes over all files, most used first.
    pub classes: Vec<UnknownClass>,
    /// Folders that were not entered.
    pub folders: u64,
    /// Hidden files that were left alone.
    pub hidden: u64,
    /// Names that differ only in case.
    pub twins: Vec<String>,
    /// What was noticed about values, over all files.
    pub notes: Notes,
}

impl View {
    /// Reports kept; the ledger has all of them.
    pub const KEPT: usize = 10_000;

    pub(super) fn take(&mut self, report: &FileReport) {
        self.totals.add(report.status);
        self.notes.nul_strings += report.notes.nul_strings;
        self.notes.surrogate_strings += report.notes.surrogate_strings;
        self.notes.wide_integers += report.notes.wide_integers;
        for class in &report.unknown {
            if let Some(known) = self.classes.iter_mut().find(|known| known.name == class.name) {
                known.count += class.count;
                known.files += 1;
                known.called_with_one |= class.called_with_one;
                for field in &class.fields {
                    if known.fields.len() < 64 && !known.fields.contains(field) {
                        known.fields.push(field.clone());
                    }
                }
            } else if self.classes.len() < Self::KEPT {
                self.classes.push(class.clone());
            }
        }
        if report.refusal.is_some() && self.refused.len() < Self::KEPT {
            self.refused.push(report.clone());
        }
    }

    pub(super) fn sort(&mut self) {
        self.refused.sort_by(|a, b| {
            let severity = |report: &FileReport| report.refusal.as_ref().map(|refusal| refusal.severity);
            severity(a).cmp(&severity(b)).then_with(|| a.file.cmp(&b.file))
        });
        self.classes
            .sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    }
}
