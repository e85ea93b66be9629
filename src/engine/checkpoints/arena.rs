//! The values of one checkpoint, flat in memory: a value is one word, containers are ranges of one pool.
//!
//! Text and bytes point into the file that was read, so nothing is copied; a container that is used twice is stored
//! once and named twice; dropping an arena frees a handful of vectors however deep the value was.
//!
//! To add one more kind of object: add it to [`ObjectKind`], give it its fields in `tagged::fields` and read them
//! back in `tagged::decode`.

/// Every position in a file fits in 32 bits; larger files are refused before they are read.
pub const MAX_FILE_BYTES: u64 = (1 << 32) - 1;

const TAG_SHIFT: u32 = 60;
const PAYLOAD: u64 = (1 << TAG_SHIFT) - 1;
const TEXT_LEN_BITS: u32 = 28;

const ATOM: u64 = 0;
const INT: u64 = 1;
const TEXT: u64 = 2;
const OWNED: u64 = 3;
const SPAN: u64 = 4;
const FLOAT: u64 = 5;
const LIST: u64 = 6;
const TUPLE: u64 = 7;
const DICT: u64 = 8;
const OBJECT: u64 = 9;
const NAME: u64 = 10;
const OPAQUE: u64 = 11;

/// One value in one word: a small value itself, or where it lies in its [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ref(u64);

/// Which table a [`Ref`] points into, with its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 60 bits.
    Int(i64),
    /// Text without lone surrogates.
    Text,
    /// Text, bytes or a number that needs a table entry.
    Span(u32),
    /// A float, by its place in the table.
    Float(u32),
    /// A list.
    List(u32),
    /// A tuple.
    Tuple(u32),
    /// A dict; its pool range alternates keys and values.
    Dict(u32),
    /// Anything with a decoder of its own.
    Object(u32),
    /// A class or function named, but not called.
    Name(u32),
    /// A value that was refused; the number is the finding's.
    Opaque(u32),
    /// A hole in the memo.
    Unset,
}

impl Ref {
    /// `None`.
    pub const NONE: Self = Self(0);
    /// A hole in the memo.
    pub const UNSET: Self = Self(3);

    const fn new(tag: u64, payload: u64) -> Self {
        Self(tag << TAG_SHIFT | payload)
    }

    /// `True` or `False`.
    #[must_use]
    pub const fn bool(value: bool) -> Self {
        Self(1 + value as u64)
    }

    /// The integer as a word, when it fits in 60 bits.
    #[must_use]
    pub const fn int(value: i64) -> Option<Self> {
        if value >= -(1 << 59) && value < (1 << 59) {
            Some(Self::new(INT, value.cast_unsigned() & PAYLOAD))
        } else {
            None
        }
    }

    pub(super) const fn list(seq: u32) -> Self {
        Self::new(LIST, seq as u64)
    }

    pub(super) const fn tuple(seq: u32) -> Self {
        Self::new(TUPLE, seq as u64)
    }

    pub(super) const fn dict(seq: u32) -> Self {
        Self::new(DICT, seq as u64)
    }

    pub(super) const fn name(index: u32) -> Self {
        Self::new(NAME, index as u64)
    }

    pub(super) const fn opaque(finding: u32) -> Self {
        Self::new(OPAQUE, finding as u64)
    }

    const fn at_len(self) -> (usize, usize) {
        (
            (self.0 & 0xffff_ffff) as usize,
            ((self.0 >> 32) & ((1 << TEXT_LEN_BITS) - 1)) as usize,
        )
    }

    /// What it is.
    #[must_use]
    pub const fn kind(self) -> Kind {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "every index was a u32 when the word was made"
        )]
        let index = self.0 as u32;
        match self.0 >> TAG_SHIFT {
            ATOM => match self.0 {
                0 => Kind::None,
                1 => Kind::Bool(false),
                2 => Kind::Bool(true),
                _ => Kind::Unset,
            },
            INT => Kind::Int((self.0 << 4).cast_signed() >> 4),
            TEXT | OWNED => Kind::Text,
            SPAN => Kind::Span(index),
            FLOAT => Kind::Float(index),
            LIST => Kind::List(index),
            TUPLE => Kind::Tuple(index),
            DICT => Kind::Dict(index),
            OBJECT => Kind::Object(index),
            NAME => Kind::Name(index),
            _ => Kind::Opaque(index),
        }
    }
}

/// What the bytes of a `Span` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Text of 256 MiB or more.
    LongText,
    /// Text with lone surrogates, in the bytes Python's `surrogatepass` writes.
    Surrogates,
    /// A Python 2 byte string that is not ASCII.
    Str8,
    /// Bytes.
    Bytes,
    /// An integer beyond 60 bits, in decimal digits with an optional `-`.
    BigInt,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    at: u32,
    len: u32,
    owned: bool,
    kind: SpanKind,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seq {
    start: u32,
    len: u32,
    cap: u32,
}

/// Which decoder made an object. The doc of each says what `body` and `extra` hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// `body` list of members.
    Set,
    /// `body` list of members.
    FrozenSet,
    /// `body` bytes.
    ByteArray,
    /// `body` tuple of two floats.
    Complex,
    /// `body` tuple of three integers.
    Range,
    /// `body` tuple of three values.
    Slice,
    /// `body` dict.
    OrderedDict,
    /// `body` dict, `extra` name of the factory or `None`.
    DefaultDict,
    /// `body` dict.
    Counter,
    /// `body` list, `extra` the greatest length or `None`.
    Deque,
    /// `body` ISO text, with its offset if the zone is a plain offset; `extra` any other zone; `flag` is the fold.
    DateTime,
    /// `body` ISO text.
    Date,
    /// As `DateTime`.
    Time,
    /// `body` tuple of days, seconds, microseconds.
    TimeDelta,
    /// `body` text `+05:30`, `extra` its own name or `None`.
    TimeZone,
    /// `body` text.
    Decimal,
    /// `body` text `1/3`.
    Fraction,
    /// `body` text, `extra` the `is_safe` number or `None`.
    Uuid,
    /// `class`, `body` tuple of parts.
    Path,
    /// `class`, `body` tuple of arguments, `extra` its dict or `None`.
    Exception,
    /// `body` dict.
    Namespace,
    /// `class`, `body` tuple of arguments: plain data whose class needs no other form.
    Record,
    /// A class of the operator's map: `class`, `body` dict of fields, `extra` items of a dict or list base, or `None`.
    Plain,
    /// A class of the operator's map: `class`, `body` tuple of values.
    NamedTuple,
    /// A class of the operator's map: `class`, `body` its value.
    Enum,
}

/// A decoded object; see [`ObjectKind`] for the meaning of the fields.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// Which decoder made it.
    pub kind: ObjectKind,
    /// The fold of a datetime; otherwise unused.
    pub flag: bool,
    /// Its class as an index of names, where the kind needs one; otherwise `u32::MAX`.
    pub class: u32,
    /// Its content.
    pub body: Ref,
    /// Its second part, or `None`.
    pub extra: Ref,
}

/// A class or function as the file names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The module.
    pub module: String,
    /// The name in it.
    pub name: String,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}

/// The arena is full: more values than 32 bits can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more values than can be held")]
pub struct Full;

/// All values of one file.
#[derive(Debug)]
pub struct Arena<'a> {
    source: &'a [u8],
    owned: Vec<u8>,
    spans: Vec<Span>,
    floats: Vec<f64>,
    seqs: Vec<Seq>,
    pool: Vec<Ref>,
    objects: Vec<Object>,
    /// Classes and functions, each once.
    pub names: Vec<Name>,
}

fn index(len: usize) -> Result<u32, Full> {
    u32::try_from(len).map_err(|_| Full)
}

impl<'a> Arena<'a> {
    /// An empty arena over the bytes that its values may point into.
    #[must_use]
    pub fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            owned: Vec::new(),
            spans: Vec::new(),
            floats: Vec::new(),
            seqs: Vec::new(),
            pool: Vec::new(),
            objects: Vec::new(),
            names: Vec::new(),
        }
    }

    /// The bytes that were read.
    #[must_use]
    pub const fn source(&self) -> &'a [u8] {
        self.source
    }

    /// Bytes of memory held, the source not counted.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.owned.capacity()
            + self.spans.capacity() * size_of::<Span>()
            + self.floats.capacity() * 8
            + self.seqs.capacity() * size_of::<Seq>()
            + self.pool.capacity() * 8
            + self.objects.capacity() * size_of::<Object>()) as u64
    }

    // ---- making -------------------------------------------------------------------------------------------------

    /// An integer of 64 bits.
    ///
    /// # Errors
    /// [`Full`].
    pub fn int(&mut self, value: i64) -> Result<Ref, Full> {
        match Ref::int(value) {
            Some(word) => Ok(word),
            None => self.owned_span(value.to_string().as_bytes(), SpanKind::BigInt),
        }
    }

    /// A float.
    ///
    /// # Errors
    /// [`Full`].
    pub fn float(&mut self, value: f64) -> Result<Ref, Full> {
        let at = index(self.floats.len())?;
        self.floats.push(value);
        Ok(Ref::new(FLOAT, u64::from(at)))
    }

    /// Text at a place of the source; the caller has checked that it is UTF-8.
    ///
    /// # Errors
    /// [`Full`].
    pub fn text_at(&mut self, at: usize, len: usize) -> Result<Ref, Full> {
        if len < 1 << TEXT_LEN_BITS {
            return Ok(Ref::new(TEXT, (len as u64) << 32 | u64::from(index(at)?)));
        }
        self.span_at(at, len, SpanKind::LongText)
    }

    /// Text that is not in the source.
    ///
    /// # Errors
    /// [`Full`].
    pub fn text(&mut self, text: &str) -> Result<Ref, Full> {
        if text.len() >= 1 << TEXT_LEN_BITS {
            return self.owned_span(text.as_bytes(), SpanKind::LongText);
        }
        let at = index(self.owned.len())?;
        self.owned.extend_from_slice(text.as_bytes());
        Ok(Ref::new(OWNED, (text.len() as u64) << 32 | u64::from(at)))
    }

    /// A span of the source.
    ///
    /// # Errors
    /// [`Full`].
    pub fn span_at(&mut self, at: usize, len: usize, kind: SpanKind) -> Result<Ref, Full> {
        let entry = Span {
            at: index(at)?,
            len: index(len)?,
            owned: false,
            kind,
        };
        self.push_span(entry)
    }

    /// A span that is not in the source.
    ///
    /// # Errors
    /// [`Full`].
    pub fn owned_span(&mut self, bytes: &[u8], kind: SpanKind) -> Result<Ref, Full> {
        let entry = Span {
            at: index(self.owned.len())?,
            len: index(bytes.len())?,
            owned: true,
            kind,
        };
        self.owned.extend_from_slice(bytes);
        self.push_span(entry)
    }

    fn push_span(&mut self, entry: Span) -> Result<Ref, Full> {
        let at = index(self.spans.len())?;
        self.spans.push(entry);
        Ok(Ref::new(SPAN, u64::from(at)))
    }

    /// A container holding `items`; dicts alternate keys and values.
    ///
    /// # Errors
    /// [`Full`].
    pub fn seq(&mut self, items: &[Ref]) -> Result<u32, Full> {
        let at = index(self.seqs.len())?;
        let start = index(self.pool.len())?;
        index(self.pool.len() + items.len())?;
        let len = index(items.len())?;
        self.pool.extend_from_slice(items);
        self.seqs.push(Seq { start, len, cap: len });
        Ok(at)
    }

    /// Adds `items` at the end of container `seq`, in amortised constant time each.
    ///
    /// # Errors
    /// [`Full`].
    pub fn extend(&mut self, seq: u32, items: &[Ref]) -> Result<(), Full> {
        let Some(mut entry) = self.seqs.get(seq as usize).copied() else {
            return Err(Full);
        };
        let more = index(items.len())?;
        let need = entry.len.checked_add(more).ok_or(Full)?;
        let end = self.pool.len();
        if need <= entry.cap {
            let from = (entry.start + entry.len) as usize;
            self.pool[from..from + items.len()].copy_from_slice(items);
        } else if (entry.start + entry.cap) as usize == end {
            // It is the last in the pool: it grows where it stands.
            self.pool.truncate((entry.start + entry.len) as usize);
            self.pool.extend_from_slice(items);
            index(self.pool.len())?;
            entry.cap = need;
        } else {
            let old = entry.start as usize..(entry.start + entry.len) as usize;
            let start = index(end)?;
            // The first fill takes what it needs; only a container that grows again gets room to spare.
            let cap = if entry.len == 0 {
                need
            } else {
                need.max(entry.len.saturating_mul(2))
            };
            index(end + cap as usize)?;
            self.pool.extend_from_within(old);
            self.pool.extend_from_slice(items);
            self.pool.resize(end + cap as usize, Ref::NONE);
            entry.start = start;
            entry.cap = cap;
        }
        entry.len = need;
        self.seqs[seq as usize] = entry;
        Ok(())
    }

    /// An object.
    ///
    /// # Errors
    /// [`Full`].
    pub fn object(&mut self, object: Object) -> Result<Ref, Full> {
        let at = index(self.objects.len())?;
        self.objects.push(object);
        Ok(Ref::new(OBJECT, u64::from(at)))
    }

    /// Changes an object in place, as `BUILD` does.
    pub fn object_mut(&mut self, at: u32) -> Option<&mut Object> {
        self.objects.get_mut(at as usize)
    }

    // ---- reading ------------------------------------------------------------------------------------------------

    /// The text of a [`Kind::Text`] or a long text; `None` for anything else.
    #[must_use]
    pub fn text_of(&self, value: Ref) -> Option<&str> {
        std::str::from_utf8(self.text_bytes(value)?).ok()
    }

    /// The UTF-8 bytes of a text, without checking them again.
    #[must_use]
    pub fn text_bytes(&self, value: Ref) -> Option<&[u8]> {
        match value.0 >> TAG_SHIFT {
            TEXT => {
                let (at, len) = value.at_len();
                self.source.get(at..at + len)
            }
            OWNED => {
                let (at, len) = value.at_len();
                self.owned.get(at..at + len)
            }
            SPAN => match value.kind() {
                Kind::Span(i) => match self.span(i) {
                    (SpanKind::LongText, bytes) => Some(bytes),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// A span with its bytes.
    #[must_use]
    pub fn span(&self, at: u32) -> (SpanKind, &[u8]) {
        let Some(entry) = self.spans.get(at as usize) else {
            return (SpanKind::Bytes, &[]);
        };
        let range = entry.at as usize..entry.at as usize + entry.len as usize;
        let bytes = if entry.owned {
            self.owned.get(range)
        } else {
            self.source.get(range)
        };
        (entry.kind, bytes.unwrap_or_default())
    }

    /// The bytes of a value that is bytes.
    #[must_use]
    pub fn bytes_of(&self, value: Ref) -> Option<&[u8]> {
        match value.kind() {
            Kind::Span(i) => match self.span(i) {
                (SpanKind::Bytes, bytes) => Some(bytes),
                _ => None,
            },
            _ => None,
        }
    }

    /// A float by its place.
    #[must_use]
    pub fn float_at(&self, at: u32) -> f64 {
        self.floats.get(at as usize).copied().unwrap_or(f64::NAN)
    }

    /// The items of container `seq`.
    #[must_use]
    pub fn items(&self, seq: u32) -> &[Ref] {
        let Some(entry) = self.seqs.get(seq as usize) else {
            return &[];
        };
        let start = entry.start as usize;
        self.pool
            .get(start..start + entry.len as usize)
            .unwrap_or_default()
    }

    /// How many containers there are.
    #[must_use]
    pub fn seq_count(&self) -> usize {
        self.seqs.len()
    }

    /// How many values are held in containers, each use counted once.
    #[must_use]
    pub fn value_count(&self) -> usize {
        self.pool.len()
    }

    /// How many objects there are.
    #[must_use]
    pub fn object_count(&self) -> usize {
        self.objects.len()
    }

    /// An object by its place.
    #[must_use]
    pub fn object_at(&self, at: u32) -> Option<&Object> {
        self.objects.get(at as usize)
    }

    /// A class by its place.
    #[must_use]
    pub fn name_at(&self, at: u32) -> Option<&Name> {
        self.names.get(at as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_an_integer_of_60_bits() {
        for value in [0, 1, -1, 255, (1 << 59) - 1, -(1 << 59)] {
            assert_eq!(Ref::int(value).map(Ref::kind), Some(Kind::Int(value)));
        }
        assert_eq!(Ref::int(1 << 59), None);
        assert_eq!(Ref::int(i64::MIN), None);
    }

    #[test]
    fn containers_that_grow_in_turns_keep_their_items() {
        let mut arena = Arena::new(b"");
        let seqs: Vec<u32> = (0..3).map(|_| arena.seq(&[]).expect("fits")).collect();
        for round in 0..100_i64 {
            for (k, seq) in seqs.iter().enumerate() {
                let word = Ref::int(round * 3 + i64::try_from(k).expect("small")).expect("small");
                arena.extend(*seq, &[word]).expect("fits");
            }
        }
        for (k, seq) in seqs.iter().enumerate() {
            let k = i64::try_from(k).expect("small");
            let want: Vec<_> = (0..100).map(|r| Kind::Int(r * 3 + k)).collect();
            let got: Vec<_> = arena.items(*seq).iter().map(|item| item.kind()).collect();
            assert_eq!(got, want);
        }
        // Doubling leaves at most a few times the content behind.
        assert!(arena.value_count() < 300 * 5);
    }
}
