//! Tagged JSON back to values: the proof that the encoding loses nothing.

use std::collections::HashMap;

use super::arena::{Arena, Full, Kind, Name, Object, ObjectKind, Ref, SpanKind};
use super::base64;
use super::pickle::push_code_point;
use super::tagged::TAG_KEY;

/// Why a tagged value cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A tag this version does not know.
    #[error("unknown tag {0}")]
    UnknownTag(String),
    /// A tagged value without its parts, or with others.
    #[error("malformed value of tag {0}")]
    Malformed(String),
    /// Too many values.
    #[error(transparent)]
    Full(#[from] Full),
}

type Decoded = Result<Ref, DecodeError>;

struct Decoder<'w, 'a> {
    from: &'w Arena<'a>,
    to: Arena<'static>,
    names: HashMap<Name, u32>,
}

/// Reads `value` of a JSON document back into the values it was written from. The document's depth was limited when
/// it was read, so this may recurse.
///
/// # Errors
/// [`DecodeError`]: it was not written by this encoding.
pub fn decode(from: &Arena<'_>, value: Ref) -> Result<(Arena<'static>, Ref), DecodeError> {
    let mut decoder = Decoder {
        from,
        to: Arena::new(b""),
        names: HashMap::new(),
    };
    let root = decoder.value(value)?;
    Ok((decoder.to, root))
}

fn malformed(tag: &str) -> DecodeError {
    DecodeError::Malformed(tag.to_owned())
}

impl Decoder<'_, '_> {
    fn value(&mut self, value: Ref) -> Decoded {
        let from = self.from;
        match value.kind() {
            Kind::Text => Ok(self.to.text(from.text_of(value).unwrap_or_default())?),
            Kind::Float(at) => Ok(self.to.float(from.float_at(at))?),
            Kind::Span(at) => {
                let (kind, bytes) = from.span(at);
                Ok(self.to.owned_span(bytes, kind)?)
            }
            Kind::List(seq) => {
                let seq = self.items(seq)?;
                Ok(Ref::list(seq))
            }
            Kind::Dict(seq) => match from.items(seq) {
                [key, tag, rest @ ..] if from.text_bytes(*key) == Some(TAG_KEY.as_bytes()) => {
                    let tag = from.text_of(*tag).ok_or_else(|| malformed("?"))?;
                    self.tagged(tag, rest)
                }
                _ => {
                    let seq = self.items(seq)?;
                    Ok(Ref::dict(seq))
                }
            },
            _ => Ok(value),
        }
    }

    fn items(&mut self, seq: u32) -> Result<u32, DecodeError> {
        let from = self.from;
        let mut items = Vec::with_capacity(from.items(seq).len());
        for item in from.items(seq) {
            items.push(self.value(*item)?);
        }
        Ok(self.to.seq(&items)?)
    }

    fn list(&mut self, value: Ref, tag: &str) -> Result<u32, DecodeError> {
        match value.kind() {
            Kind::List(seq) => self.items(seq),
            _ => Err(malformed(tag)),
        }
    }

    /// An object of text keys, or an array of pairs.
    fn map(&mut self, value: Ref, tag: &str) -> Result<u32, DecodeError> {
        match value.kind() {
            Kind::Dict(seq) => self.items(seq),
            Kind::List(seq) => {
                let from = self.from;
                let mut items = Vec::with_capacity(from.items(seq).len() * 2);
                for pair in from.items(seq) {
                    let Kind::List(pair) = pair.kind() else {
                        return Err(malformed(tag));
                    };
                    let [key, value] = *from.items(pair) else {
                        return Err(malformed(tag));
                    };
                    items.push(self.value(key)?);
                    items.push(self.value(value)?);
                }
                Ok(self.to.seq(&items)?)
            }
            _ => Err(malformed(tag)),
        }
    }

    fn name(&mut self, value: Ref, tag: &str) -> Result<u32, DecodeError> {
        let text = self.from.text_of(value).ok_or_else(|| malformed(tag))?;
        let (module, name) = text.rsplit_once('.').ok_or_else(|| malformed(tag))?;
        let name = Name {
            module: module.to_owned(),
            name: name.to_owned(),
        };
        if let Some(at) = self.names.get(&name) {
            return Ok(*at);
        }
        let at = u32::try_from(self.to.names.len()).map_err(|_| Full)?;
        self.to.names.push(name.clone());
        self.names.insert(name, at);
        Ok(at)
    }

    fn bytes(&mut self, value: Ref, tag: &str) -> Decoded {
        let text = self.from.text_bytes(value).ok_or_else(|| malformed(tag))?;
        let bytes = base64::decode(text).ok_or_else(|| malformed(tag))?;
        Ok(self.to.owned_span(&bytes, SpanKind::Bytes)?)
    }

    fn tagged(&mut self, tag: &str, rest: &[Ref]) -> Decoded {
        let mut parts: Vec<(&str, Ref)> = Vec::new();
        for pair in rest.chunks(2) {
            match (self.from.text_of(pair[0]), pair.get(1)) {
                (Some(key), Some(value)) => parts.push((key, *value)),
                _ => return Err(malformed(tag)),
            }
        }
        let take = |parts: &mut Vec<(&str, Ref)>, key: &str| {
            parts
                .iter()
                .position(|(known, _)| *known == key)
                .map(|at| parts.remove(at).1)
        };
        let v = take(&mut parts, "v").ok_or_else(|| malformed(tag))?;
        if let Some(plain) = self.untabled(tag, v)? {
            return if parts.is_empty() {
                Ok(plain)
            } else {
                Err(malformed(tag))
            };
        }
        let kind = kind_of(tag).ok_or_else(|| DecodeError::UnknownTag(tag.chars().take(40).collect()))?;
        let class = match take(&mut parts, "class") {
            Some(name) => self.name(name, tag)?,
            None => u32::MAX,
        };
        let body = self.body(kind, v, tag)?;
        let mut object = Object {
            kind,
            flag: false,
            class,
            body,
            extra: Ref::NONE,
        };
        match kind {
            ObjectKind::DefaultDict => {
                if let Some(name) = take(&mut parts, "factory") {
                    object.extra = Ref::name(self.name(name, tag)?);
                }
            }
            ObjectKind::DateTime | ObjectKind::Time => {
                object.flag = take(&mut parts, "fold").is_some();
                object.extra = self.optional(take(&mut parts, "tz"))?;
            }
            ObjectKind::Plain => {
                if let Some(items) = take(&mut parts, "items") {
                    object.extra = Ref::dict(self.map(items, tag)?);
                } else if let Some(members) = take(&mut parts, "members") {
                    object.extra = Ref::list(self.list(members, tag)?);
                }
            }
            ObjectKind::Deque => object.extra = self.optional(take(&mut parts, "maxlen"))?,
            ObjectKind::TimeZone => object.extra = self.optional(take(&mut parts, "name"))?,
            ObjectKind::Uuid => object.extra = self.optional(take(&mut parts, "is_safe"))?,
            ObjectKind::Exception => object.extra = self.optional(take(&mut parts, "state"))?,
            _ => {}
        }
        if !parts.is_empty() {
            return Err(malformed(tag));
        }
        Ok(self.to.object(object)?)
    }

    fn optional(&mut self, value: Option<Ref>) -> Decoded {
        value.map_or(Ok(Ref::NONE), |value| self.value(value))
    }

    /// The tags whose values are no objects.
    fn untabled(&mut self, tag: &str, v: Ref) -> Result<Option<Ref>, DecodeError> {
        let text = |decoder: &Self| {
            decoder
                .from
                .text_of(v)
                .map(str::to_owned)
                .ok_or_else(|| malformed(tag))
        };
        Ok(Some(match tag {
            "tuple" => Ref::tuple(self.list(v, tag)?),
            "dict" => Ref::dict(self.map(v, tag)?),
            "bytes" => self.bytes(v, tag)?,
            "global" => Ref::name(self.name(v, tag)?),
            "float" => {
                let value = match text(self)?.as_str() {
                    "nan" => f64::NAN,
                    "inf" => f64::INFINITY,
                    "-inf" => f64::NEG_INFINITY,
                    _ => return Err(malformed(tag)),
                };
                self.to.float(value)?
            }
            "str8" => {
                let bytes: Option<Vec<u8>> = text(self)?
                    .chars()
                    .map(|c| u8::try_from(u32::from(c)).ok())
                    .collect();
                self.to
                    .owned_span(&bytes.ok_or_else(|| malformed(tag))?, SpanKind::Str8)?
            }
            "text" => {
                let bytes = unescape(&text(self)?).ok_or_else(|| malformed(tag))?;
                self.to.owned_span(&bytes, SpanKind::Surrogates)?
            }
            _ => return Ok(None),
        }))
    }

    fn body(&mut self, kind: ObjectKind, v: Ref, tag: &str) -> Decoded {
        Ok(match kind {
            ObjectKind::Set | ObjectKind::FrozenSet | ObjectKind::Deque => Ref::list(self.list(v, tag)?),
            ObjectKind::Complex
            | ObjectKind::Range
            | ObjectKind::Slice
            | ObjectKind::TimeDelta
            | ObjectKind::Path
            | ObjectKind::Exception
            | ObjectKind::Record
            | ObjectKind::NamedTuple => Ref::tuple(self.list(v, tag)?),
            ObjectKind::OrderedDict
            | ObjectKind::DefaultDict
            | ObjectKind::Counter
            | ObjectKind::Namespace
            | ObjectKind::Plain => Ref::dict(self.map(v, tag)?),
            ObjectKind::ByteArray => self.bytes(v, tag)?,
            ObjectKind::Enum => self.value(v)?,
            ObjectKind::DateTime
            | ObjectKind::Date
            | ObjectKind::Time
            | ObjectKind::TimeZone
            | ObjectKind::Decimal
            | ObjectKind::Fraction
            | ObjectKind::Uuid => {
                let text = self.from.text_of(v).ok_or_else(|| malformed(tag))?.to_owned();
                self.to.text(&text)?
            }
        })
    }
}

fn kind_of(tag: &str) -> Option<ObjectKind> {
    Some(match tag {
        "set" => ObjectKind::Set,
        "frozenset" => ObjectKind::FrozenSet,
        "bytearray" => ObjectKind::ByteArray,
        "complex" => ObjectKind::Complex,
        "range" => ObjectKind::Range,
        "slice" => ObjectKind::Slice,
        "OrderedDict" => ObjectKind::OrderedDict,
        "defaultdict" => ObjectKind::DefaultDict,
        "Counter" => ObjectKind::Counter,
        "deque" => ObjectKind::Deque,
        "datetime" => ObjectKind::DateTime,
        "date" => ObjectKind::Date,
        "time" => ObjectKind::Time,
        "timedelta" => ObjectKind::TimeDelta,
        "timezone" => ObjectKind::TimeZone,
        "Decimal" => ObjectKind::Decimal,
        "Fraction" => ObjectKind::Fraction,
        "UUID" => ObjectKind::Uuid,
        "SimpleNamespace" => ObjectKind::Namespace,
        "path" => ObjectKind::Path,
        "exception" => ObjectKind::Exception,
        "record" => ObjectKind::Record,
        "namedtuple" => ObjectKind::NamedTuple,
        "enum" => ObjectKind::Enum,
        "object" => ObjectKind::Plain,
        _ => return None,
    })
}

/// Undoes the escapes of text with surrogates.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('\\') {
            out.push(b'\\');
            rest = tail;
        } else {
            let digits = rest.strip_prefix('u')?.get(..4)?;
            push_code_point(&mut out, u32::from_str_radix(digits, 16).ok()?);
            rest = &rest[5..];
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Some(out)
}

/// Whether two values are the same: kinds, order, digits and bits; all NaN are one. Shared values are compared at each
/// use, which ends because one side came from text.
#[must_use]
pub fn same(left: &Arena<'_>, one: Ref, right: &Arena<'_>, other: Ref) -> bool {
    let mut todo = vec![(one, other)];
    while let Some((x, y)) = todo.pop() {
        let (ours, theirs) = match (x.kind(), y.kind()) {
            (Kind::None, Kind::None) => continue,
            (Kind::Bool(x), Kind::Bool(y)) if x == y => continue,
            (Kind::Int(x), Kind::Int(y)) if x == y => continue,
            (Kind::Float(x), Kind::Float(y)) => {
                let (x, y) = (left.float_at(x), right.float_at(y));
                if x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan() {
                    continue;
                }
                return false;
            }
            (Kind::Name(x), Kind::Name(y)) if left.name_at(x) == right.name_at(y) => continue,
            (Kind::List(x), Kind::List(y))
            | (Kind::Tuple(x), Kind::Tuple(y))
            | (Kind::Dict(x), Kind::Dict(y)) => (left.items(x), right.items(y)),
            (Kind::Object(x), Kind::Object(y)) => {
                let (Some(x), Some(y)) = (left.object_at(x), right.object_at(y)) else {
                    return false;
                };
                if x.kind != y.kind || x.flag != y.flag || left.name_at(x.class) != right.name_at(y.class) {
                    return false;
                }
                todo.push((x.body, y.body));
                todo.push((x.extra, y.extra));
                continue;
            }
            (Kind::Span(x), Kind::Span(y)) if left.span(x) == right.span(y) => continue,
            _ => {
                if left.text_bytes(x).is_some() && left.text_bytes(x) == right.text_bytes(y) {
                    continue;
                }
                return false;
            }
        };
        if ours.len() != theirs.len() {
            return false;
        }
        todo.extend(ours.iter().copied().zip(theirs.iter().copied()));
    }
    true
}
