//! The guide's checkpoint format, 2.0.0, around the values of a legacy checkpoint.
//!
//! `tasks`, `agents` and `shared_data` have places of their own; `version` becomes `metadata.legacy_version`; every
//! other key is kept under `metadata.unmapped`, in order. The timestamp is the legacy checkpoint's own; when it has
//! none it is `null`, because neither the time of conversion nor that of the file says when the state was saved. The
//! time of conversion is in `metadata.migration_date` only, and is left out whenever two results are compared.

use super::arena::{Arena, Full, Kind, Object, ObjectKind, Ref};
use super::finding::{Code, Finding};
use super::tagged::ENCODING;

/// The version of the format.
pub const FORMAT_VERSION: &str = "2.0.0";

/// Characters of a conversion time: `2026-11-22T18:50:00Z`.
pub const DATE_CHARS: usize = 20;

/// Keys under which legacy systems keep the time of a checkpoint, best first.
const TIME_KEYS: &[&str] = &[
    "timestamp",
    "created_at",
    "saved_at",
    "checkpoint_time",
    "created",
    "saved",
    "time",
    "date",
];

/// What is recorded about the source.
#[derive(Debug, Clone, Copy)]
pub struct SourceFacts<'s> {
    /// The file's name without its folder.
    pub file: &'s str,
    /// SHA-256 of the file as it lies there, in hex.
    pub sha256: &'s str,
    /// Its size in bytes.
    pub bytes: u64,
    /// `pickle protocol 4`, `JSON`, with `gzip of` before it.
    pub format: &'s str,
}

/// The finished checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// The whole document.
    pub root: Ref,
    /// The conversion time in it.
    pub date: Ref,
}

/// How many tasks a legacy checkpoint holds; `None` when it has no countable `tasks`.
#[must_use]
pub fn task_count(arena: &Arena<'_>, legacy: Ref) -> Option<u64> {
    let pairs = arena.items(mapping(arena, legacy)?);
    let tasks = pairs
        .chunks(2)
        .find(|pair| arena.text_bytes(pair[0]) == Some(b"tasks"))?[1];
    let (seq, each) = match tasks.kind() {
        Kind::List(seq) | Kind::Tuple(seq) => (seq, 1),
        Kind::Dict(seq) => (seq, 2),
        Kind::Object(at) => match arena.object_at(at)?.body.kind() {
            Kind::Dict(seq) => (seq, 2),
            Kind::List(seq) => (seq, 1),
            _ => return None,
        },
        _ => return None,
    };
    Some(arena.items(seq).len() as u64 / each)
}

/// The key and value pairs of a checkpoint that is a dict, one of its kinds, or an object with fields.
fn mapping(arena: &Arena<'_>, legacy: Ref) -> Option<u32> {
    match legacy.kind() {
        Kind::Dict(seq) => Some(seq),
        Kind::Object(at) => match arena.object_at(at)? {
            Object {
                kind:
                    ObjectKind::OrderedDict
                    | ObjectKind::DefaultDict
                    | ObjectKind::Counter
                    | ObjectKind::Namespace,
                body,
                ..
            }
            | Object {
                kind: ObjectKind::Plain,
                body,
                extra: Ref::NONE,
                ..
            } => match body.kind() {
                Kind::Dict(seq) => Some(seq),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Whether the values are a checkpoint in the guide's format already.
#[must_use]
pub fn is_migrated(arena: &Arena<'_>, legacy: Ref) -> bool {
    let Kind::Dict(seq) = legacy.kind() else {
        return false;
    };
    ["version", "migrated_from", "system_state"].iter().all(|key| {
        arena
            .items(seq)
            .chunks(2)
            .any(|pair| arena.text_bytes(pair[0]) == Some(key.as_bytes()))
    })
}

/// Puts the guide's format around `legacy`. `date` is the run's start in UTC, [`DATE_CHARS`] characters.
///
/// # Errors
/// A finding when the arena is full.
pub fn wrap(
    arena: &mut Arena<'_>,
    legacy: Ref,
    source: SourceFacts<'_>,
    date: &str,
) -> Result<Envelope, Finding> {
    build(arena, legacy, source, date)
        .map_err(|Full| Finding::malformed(Code::NodeLimit, "holds too many values"))
}

#[derive(Default)]
struct Parts {
    tasks: Option<Ref>,
    agents: Option<Ref>,
    shared: Option<Ref>,
    version: Option<Ref>,
    rest: Vec<Ref>,
}

fn build(arena: &mut Arena<'_>, legacy: Ref, source: SourceFacts<'_>, date: &str) -> Result<Envelope, Full> {
    let mut parts = Parts::default();
    let pairs = mapping(arena, legacy).map(|seq| arena.items(seq).to_vec());
    let mut time = None;
    if let Some(pairs) = &pairs {
        for pair in pairs.chunks(2) {
            let slot = match arena.text_bytes(pair[0]) {
                Some(b"tasks") => &mut parts.tasks,
                Some(b"agents") => &mut parts.agents,
                Some(b"shared_data") => &mut parts.shared,
                Some(b"version") => &mut parts.version,
                _ => {
                    parts.rest.extend_from_slice(pair);
                    continue;
                }
            };
            *slot = Some(pair[1]);
        }
        time = find_time(arena, pairs);
    }
    let empty = |arena: &mut Arena<'_>| arena.seq(&[]).map(Ref::dict);
    let mut state = Fields::default();
    for (key, part) in [
        ("tasks", parts.tasks),
        ("agents", parts.agents),
        ("shared_state", parts.shared),
    ] {
        let value = match part {
            Some(value) => value,
            None => empty(arena)?,
        };
        state.push(arena, key, value)?;
    }
    let date = arena.text(date)?;
    let mut about = Fields::default();
    for (key, text) in [
        ("file", source.file),
        ("sha256", source.sha256),
        ("format", source.format),
    ] {
        let value = arena.text(text)?;
        about.push(arena, key, value)?;
    }
    let bytes = arena.int(i64::try_from(source.bytes).unwrap_or(i64::MAX))?;
    about.push(arena, "bytes", bytes)?;

    let mut metadata = Fields::default();
    metadata.push(arena, "migration_date", date)?;
    let version = match parts.version {
        Some(version) => version,
        None => arena.text("unknown")?,
    };
    metadata.push(arena, "legacy_version", version)?;
    let tool = arena.text(concat!("maos-migrate ", env!("CARGO_PKG_VERSION")))?;
    metadata.push(arena, "migration_tool", tool)?;
    let about = about.done(arena)?;
    metadata.push(arena, "source", about)?;
    let encoding = arena.text(ENCODING)?;
    metadata.push(arena, "encoding", encoding)?;
    let (timestamp, from) = match time {
        Some((text, from)) => (arena.text(&text)?, arena.text(&from)?),
        None => (Ref::NONE, Ref::NONE),
    };
    metadata.push(arena, "timestamp_source", from)?;
    if let Some(shell) = shell(arena, legacy)? {
        metadata.push(arena, "legacy_root", shell)?;
    }
    if pairs.is_some() {
        let rest = Ref::dict(arena.seq(&parts.rest)?);
        metadata.push(arena, "unmapped", rest)?;
    } else {
        metadata.push(arena, "legacy_value", legacy)?;
    }

    let mut root = Fields::default();
    let version = arena.text(FORMAT_VERSION)?;
    root.push(arena, "version", version)?;
    root.push(arena, "timestamp", timestamp)?;
    let file = arena.text(source.file)?;
    root.push(arena, "migrated_from", file)?;
    let state = state.done(arena)?;
    root.push(arena, "system_state", state)?;
    let metadata = metadata.done(arena)?;
    root.push(arena, "metadata", metadata)?;
    Ok(Envelope {
        root: root.done(arena)?,
        date,
    })
}

/// What a mapping was besides its content: an `OrderedDict`, a `defaultdict` with its factory, an object of a class.
fn shell(arena: &mut Arena<'_>, legacy: Ref) -> Result<Option<Ref>, Full> {
    let Kind::Object(at) = legacy.kind() else {
        return Ok(None);
    };
    if mapping(arena, legacy).is_none() {
        return Ok(None);
    }
    let Some(mut object) = arena.object_at(at).copied() else {
        return Ok(None);
    };
    object.body = Ref::dict(arena.seq(&[])?);
    arena.object(object).map(Some)
}

#[derive(Default)]
struct Fields(Vec<Ref>);

impl Fields {
    fn push(&mut self, arena: &mut Arena<'_>, key: &str, value: Ref) -> Result<(), Full> {
        let key = arena.text(key)?;
        self.0.extend_from_slice(&[key, value]);
        Ok(())
    }

    fn done(self, arena: &mut Arena<'_>) -> Result<Ref, Full> {
        arena.seq(&self.0).map(Ref::dict)
    }
}

/// The legacy checkpoint's own time, with the key it came from and how it was read.
fn find_time(arena: &Arena<'_>, pairs: &[Ref]) -> Option<(String, String)> {
    for key in TIME_KEYS {
        let value = pairs
            .chunks(2)
            .find(|pair| arena.text_bytes(pair[0]) == Some(key.as_bytes()))
            .map(|pair| pair[1]);
        if let Some((text, how)) = value.and_then(|value| time_text(arena, value)) {
            return Some((text, format!("{key}{how}")));
        }
    }
    None
}

/// Seconds of the year 2100: a larger number is read as milliseconds.
const LATEST_SECOND: f64 = 4_102_444_800.0;

fn time_text(arena: &Arena<'_>, value: Ref) -> Option<(String, &'static str)> {
    match value.kind() {
        Kind::Text => {
            let text = arena.text_of(value)?;
            let iso = text.len() >= 10
                && text.len() <= 40
                && text.bytes().enumerate().take(10).all(|(at, byte)| match at {
                    4 | 7 => byte == b'-',
                    _ => byte.is_ascii_digit(),
                });
            iso.then(|| (text.to_owned(), ""))
        }
        Kind::Object(at) => {
            let object = arena.object_at(at)?;
            let known =
                matches!(object.kind, ObjectKind::DateTime | ObjectKind::Date) && object.extra == Ref::NONE;
            known.then(|| arena.text_of(object.body).map(|text| (text.to_owned(), "")))?
        }
        Kind::Int(n) =>
        {
            #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 it is no time")]
            epoch(n as f64)
        }
        Kind::Float(at) => epoch(arena.float_at(at)),
        _ => None,
    }
}

fn epoch(number: f64) -> Option<(String, &'static str)> {
    let (seconds, how) = if number > 1.0 && number < LATEST_SECOND {
        (number, " (seconds since 1970)")
    } else if (1e11..LATEST_SECOND * 1000.0).contains(&number) {
        (number / 1000.0, " (milliseconds since 1970)")
    } else {
        return None;
    };
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let micros = (seconds * 1e6).round() as i64;
    let stamp = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some((stamp.to_string(), how))
}
