//! The encoding of values that JSON has no form for: `{"$t": TAG, "v": …}`, version `tagged/1`.
//!
//! Text, integers, finite floats, booleans, `None`, lists and dicts whose keys are all text are plain JSON. Everything
//! else is an object whose first key is `$t`. A dict that itself has a key `$t`, or any key that is no text, is written
//! as `{"$t":"dict","v":[[key,value],…]}`, so an ordinary value can never be mistaken for a tagged one.
//!
//! | tag | `v` | further keys |
//! |---|---|---|
//! | `tuple`, `set`, `frozenset` | array of values | |
//! | `dict` | array of `[key, value]` | |
//! | `bytes`, `bytearray` | base64 | |
//! | `str8` | a Python 2 byte string, each byte as the character of that number | |
//! | `text` | text with lone surrogates as `\udXXX` and backslashes doubled | |
//! | `float` | `nan`, `inf` or `-inf` | |
//! | `complex`, `range`, `slice`, `timedelta` | array: re, im · start, stop, step · days, seconds, microseconds | |
//! | `OrderedDict`, `Counter`, `SimpleNamespace` | object, or array of pairs when a key is no text | |
//! | `defaultdict` | the same | `factory` |
//! | `deque` | array of values | `maxlen` |
//! | `datetime`, `time` | ISO 8601, with its offset when the zone is a plain one | `fold` 1, `tz` any other zone |
//! | `date`, `Decimal`, `Fraction` | text | |
//! | `timezone` | `+05:30` | `name` |
//! | `UUID` | text | `is_safe` |
//! | `path`, `exception`, `record`, `namedtuple` | array of values | `class`, `state` |
//! | `enum` | its value | `class` |
//! | `object` | object of fields | `class`; `items` of a dict base, `members` of a list base |
//! | `global` | `module.name` of a built-in type that is only named | |

use super::arena::{Arena, Kind, Object, ObjectKind, Ref};

/// The name and version of the encoding, as files state it.
pub const ENCODING: &str = "tagged/1";

/// The key that marks a tagged value.
pub const TAG_KEY: &str = "$t";

/// One part of a tagged object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// Any value.
    Value(Ref),
    /// The items of a container as an array.
    Items(u32),
    /// A dict as an object, or as an array of pairs.
    Map(u32),
    /// Bytes as base64.
    Base64(Ref),
    /// The name of a class.
    Name(u32),
}

/// The tag and the parts of an object, in the order they are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) tag: &'static str,
    parts: [Option<(&'static str, Part)>; 3],
}

impl Fields {
    pub(super) fn get(&self, at: usize) -> Option<(&'static str, Part)> {
        self.parts.get(at).copied().flatten()
    }

    pub(super) const fn one(tag: &'static str, part: Part) -> Self {
        Self {
            tag,
            parts: [Some(("v", part)), None, None],
        }
    }

    const fn with(mut self, key: &'static str, part: Part) -> Self {
        if self.parts[1].is_none() {
            self.parts[1] = Some((key, part));
        } else {
            self.parts[2] = Some((key, part));
        }
        self
    }

    fn with_value(self, key: &'static str, value: Ref) -> Self {
        if value == Ref::NONE {
            self
        } else {
            self.with(key, Part::Value(value))
        }
    }

    const fn classed(tag: &'static str, class: u32, body: Part) -> Self {
        Self {
            tag,
            parts: [Some(("class", Part::Name(class))), Some(("v", body)), None],
        }
    }
}

/// The items of a body as an array part.
const fn items(body: Ref) -> Part {
    match body.kind() {
        Kind::List(seq) | Kind::Tuple(seq) => Part::Items(seq),
        Kind::Dict(seq) => Part::Map(seq),
        _ => Part::Value(body),
    }
}

/// How an object is written.
pub(super) fn fields(object: &Object) -> Fields {
    let body = items(object.body);
    match object.kind {
        ObjectKind::Set => Fields::one("set", body),
        ObjectKind::FrozenSet => Fields::one("frozenset", body),
        ObjectKind::ByteArray => Fields::one("bytearray", Part::Base64(object.body)),
        ObjectKind::Complex => Fields::one("complex", body),
        ObjectKind::Range => Fields::one("range", body),
        ObjectKind::Slice => Fields::one("slice", body),
        ObjectKind::OrderedDict => Fields::one("OrderedDict", body),
        ObjectKind::DefaultDict => match object.extra.kind() {
            Kind::Name(name) => Fields::one("defaultdict", body).with("factory", Part::Name(name)),
            _ => Fields::one("defaultdict", body),
        },
        ObjectKind::Counter => Fields::one("Counter", body),
        ObjectKind::Deque => Fields::one("deque", body).with_value("maxlen", object.extra),
        ObjectKind::DateTime | ObjectKind::Time => {
            let tag = if object.kind == ObjectKind::DateTime {
                "datetime"
            } else {
                "time"
            };
            let fields = Fields::one(tag, body).with_value("tz", object.extra);
            match Ref::int(1) {
                Some(one) if object.flag => fields.with("fold", Part::Value(one)),
                _ => fields,
            }
        }
        ObjectKind::Date => Fields::one("date", body),
        ObjectKind::TimeDelta => Fields::one("timedelta", body),
        ObjectKind::TimeZone => Fields::one("timezone", body).with_value("name", object.extra),
        ObjectKind::Decimal => Fields::one("Decimal", body),
        ObjectKind::Fraction => Fields::one("Fraction", body),
        ObjectKind::Uuid => Fields::one("UUID", body).with_value("is_safe", object.extra),
        ObjectKind::Namespace => Fields::one("SimpleNamespace", body),
        ObjectKind::Path => Fields::classed("path", object.class, body),
        ObjectKind::Exception => {
            Fields::classed("exception", object.class, body).with_value("state", object.extra)
        }
        ObjectKind::Record => Fields::classed("record", object.class, body),
        ObjectKind::NamedTuple => Fields::classed("namedtuple", object.class, body),
        ObjectKind::Enum => Fields::classed("enum", object.class, Part::Value(object.body)),
        ObjectKind::Plain => {
            let fields = Fields::classed("object", object.class, body);
            match object.extra.kind() {
                Kind::None => fields,
                Kind::List(_) => fields.with("members", items(object.extra)),
                _ => fields.with("items", items(object.extra)),
            }
        }
    }
}

/// Whether a dict can be a JSON object: every key is text and none is the tag key.
pub(super) fn plain_keys(arena: &Arena<'_>, seq: u32) -> bool {
    arena.items(seq).chunks(2).all(|pair| match pair[0].kind() {
        Kind::Text => arena.text_bytes(pair[0]) != Some(TAG_KEY.as_bytes()),
        _ => false,
    })
}
