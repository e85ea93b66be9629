//! Why a file is refused: one finding for each name and each fault, with severity, place and words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad it is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Loading the file in Python could have run code.
    Critical,
    /// It names a class or an object that this reader does not know; the operator may declare it.
    Unknown,
    /// It is not a whole, well-formed checkpoint, or it is beyond a limit.
    Malformed,
    /// It could not be read in one piece, or its place or target is not as it should be.
    Changed,
}

impl Severity {
    /// The word shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Unknown => "unknown",
            Self::Malformed => "malformed",
            Self::Changed => "changed",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A stable code for each reason. To add one: add it here with its text and its advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A name that is not on the allow-list and leads to code.
    ForbiddenName,
    /// A class that may be the legacy application's own.
    UnknownClass,
    /// A known class with fields that its declaration does not list.
    UndeclaredField,
    /// An allowed class called with arguments it does not take.
    BadArguments,
    /// A persistent id: an object outside the file.
    PersistentId,
    /// An extension code: a class registered in some process.
    ExtensionCode,
    /// A buffer outside the file.
    OutOfBandBuffer,
    /// The file ends inside a value.
    Truncated,
    /// There is no value.
    NoValue,
    /// An operation or its operand is wrong.
    BadOpcode,
    /// An operation finds nothing or the wrong thing to work on.
    BadStack,
    /// A memo entry that was never stored.
    BadMemo,
    /// A protocol that does not exist, or a second protocol mark.
    BadProtocol,
    /// A frame that does not match what follows.
    BadFrame,
    /// Text that is not UTF-8, or a malformed literal.
    BadText,
    /// A number that cannot be read.
    BadNumber,
    /// The same key twice in one dict.
    DuplicateKey,
    /// A key that Python cannot hash.
    UnhashableKey,
    /// Bytes after the end of the value.
    TrailingBytes,
    /// More than one pickle in the file.
    SeveralPickles,
    /// A value that contains itself.
    Cycle,
    /// Too deep.
    DepthLimit,
    /// Too many values.
    NodeLimit,
    /// Too many memo entries.
    MemoLimit,
    /// Too many digits.
    DigitLimit,
    /// Too many duplications or fetches of the same value.
    RepeatLimit,
    /// The output would be too large.
    OutputLimit,
    /// The file, or what gzip makes of it, is too large.
    SizeLimit,
    /// It is not JSON after all.
    BadJson,
    /// Damaged gzip data.
    BadGzip,
    /// Another kind of file.
    ForeignFile,
    /// It is the result of a migration, not a source.
    AlreadyMigrated,
    /// A symbolic link.
    SymbolicLink,
    /// A FIFO, device or socket.
    SpecialFile,
    /// A file with several names.
    HardLink,
    /// It changed while it was read, twice.
    ChangedFile,
    /// It cannot be read.
    Unreadable,
    /// Its name cannot be used for a target.
    BadName,
    /// Two files lead to the same target.
    NameCollision,
    /// The target exists and differs.
    TargetExists,
    /// The target is not a plain file.
    TargetSpecial,
    /// The target could not be written or did not read back equal.
    WriteFailed,
}

impl Code {
    /// The code as it is written in records: `forbidden_name`.
    #[must_use]
    pub fn id(self) -> String {
        // The derive is the one place that spells the codes.
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// What the person can do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::ForbiddenName | Self::BadArguments => {
                "Keep the file for your security team. The others go on."
            }
            Self::UnknownClass => {
                "If the class is your application's own, declare its fields in the class map and scan again."
            }
            Self::UndeclaredField => "Add the field to the class map if it belongs there, and scan again.",
            Self::PersistentId | Self::ExtensionCode | Self::OutOfBandBuffer => {
                "The file needs objects that lie outside it. Save it again from the legacy system as plain data."
            }
            Self::Truncated | Self::NoValue | Self::BadGzip => {
                "Look for an intact copy, or let the legacy system write it again."
            }
            Self::TrailingBytes | Self::SeveralPickles => {
                "One file must hold one checkpoint. Split it, or save only the last value."
            }
            Self::Cycle => "JSON has no way to say this. Save it without the reference to itself.",
            Self::DepthLimit
            | Self::NodeLimit
            | Self::MemoLimit
            | Self::DigitLimit
            | Self::RepeatLimit
            | Self::OutputLimit
            | Self::SizeLimit => {
                "If the file is honest, save it in smaller parts; else keep it for your security team."
            }
            Self::ForeignFile => "Move it out of the folder if it is not a checkpoint.",
            Self::AlreadyMigrated => "Move results of a migration out of the source folder.",
            Self::SymbolicLink | Self::SpecialFile => "Put a plain copy of the file in its place.",
            Self::HardLink => "Put a copy with one name in its place, or allow hard links.",
            Self::ChangedFile => "Stop the legacy system, or take a snapshot of the folder, and run again.",
            Self::Unreadable => "Give this user the right to read it, and run again.",
            Self::BadName | Self::NameCollision => "Rename one of the files, and run again.",
            Self::TargetExists => "Name the file to replace it, or move the target away.",
            Self::TargetSpecial => "Move what stands in the target's place away.",
            Self::WriteFailed => "Look at the disk and its free space, and run again.",
            Self::BadOpcode
            | Self::BadStack
            | Self::BadMemo
            | Self::BadProtocol
            | Self::BadFrame
            | Self::BadText
            | Self::BadNumber
            | Self::DuplicateKey
            | Self::UnhashableKey
            | Self::BadJson => "No Python writes this. Look for an intact copy of the file.",
        }
    }
}

/// An operation at a place in the file (after gzip, where there is gzip).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// The operation's number; see [`super::pickle::opcode_name`].
    pub opcode: u8,
    /// The byte at which it starts; files are smaller than 4 GiB.
    pub offset: u32,
}

impl At {
    /// An operation, or 0 where none is meant, at a byte.
    #[must_use]
    pub fn new(opcode: u8, offset: usize) -> Self {
        Self {
            opcode,
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
        }
    }
}

/// One reason to refuse a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The stable code.
    pub code: Code,
    /// Where, when it has a place.
    pub at: Option<At>,
    /// The class or function, as the file names it.
    pub name: Option<String>,
    /// The first operation that would have called it.
    pub called: Option<At>,
    /// Where the value of that call is thrown away.
    pub discarded: Option<At>,
    /// How often it is named.
    pub count: u64,
    /// What is wrong, a fragment without its place: `ends inside a value`.
    pub what: String,
}

impl Finding {
    /// A finding without a name.
    pub fn new(severity: Severity, code: Code, at: Option<At>, what: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            at,
            name: None,
            called: None,
            discarded: None,
            count: 1,
            what: what.into(),
        }
    }

    /// Malformed, without an operation.
    pub fn malformed(code: Code, what: impl Into<String>) -> Self {
        Self::new(Severity::Malformed, code, None, what)
    }

    /// Whether its name could be one: random bytes name things too.
    #[must_use]
    pub fn credible(&self) -> bool {
        self.severity < Severity::Malformed
            && self.name.as_ref().is_some_and(|name| {
                name.split('.').all(|part| {
                    let mut chars = part.chars();
                    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
                        && chars.all(|c| c == '_' || c.is_alphanumeric())
                })
            })
    }

    /// The byte, when it has one.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.at.map(|at| u64::from(at.offset))
    }
}

/// The finding that speaks for the file: the most severe, and of those the first.
#[must_use]
pub fn worst(findings: &[Finding]) -> Option<&Finding> {
    findings
        .iter()
        .min_by_key(|finding| (finding.severity, finding.offset().unwrap_or(u64::MAX)))
}
