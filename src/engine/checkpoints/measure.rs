//! What writing a value would cost, found before a byte is written: cycles, depth, unusable keys, expanded size.
//!
//! Each container is visited once however often it is used, so a file that would expand to gigabytes costs no more
//! than its own size. The size is a lower bound (escapes are not counted): what is refused here is surely too large, and
//! the writer's own limit stands behind it.

use std::collections::HashSet;

use super::arena::{Arena, Kind, ObjectKind, Ref, SpanKind};
use super::finding::{Code, Finding};
use super::limits::Limits;
use super::tagged::{Part, fields, plain_keys};
use crate::engine::text::inert_short;

/// What a value costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// Output bytes at least, shared values counted each time they are written.
    pub bytes: u64,
    /// JSON containers inside each other.
    pub depth: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Array(u32),
    Map(u32),
    Object(u32),
}

/// Bytes without indentation, lines that take the indentation of where the value stands, and levels.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    bytes: u64,
    lines: u64,
    depth: u32,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    New,
    Open,
    Done(Cost),
}

struct Frame {
    node: Node,
    at: usize,
    /// Levels between the value's own bracket and its children's.
    inner: u32,
    cost: Cost,
}

struct Measure<'w, 'a> {
    arena: &'w Arena<'a>,
    seqs: Vec<State>,
    objects: Vec<State>,
    frames: Vec<Frame>,
    limits: &'w Limits,
    budget: u64,
}

/// Measures `root` for a source of `source_bytes`.
///
/// # Errors
/// A finding: cycle with its path, depth, duplicate or unhashable key, expanded size.
pub fn measure(
    arena: &Arena<'_>,
    root: Ref,
    limits: &Limits,
    source_bytes: u64,
) -> Result<Measured, Finding> {
    let mut measure = Measure {
        arena,
        seqs: vec![State::New; arena.seq_count()],
        objects: vec![State::New; arena.object_count()],
        frames: Vec::new(),
        limits,
        budget: limits.output_bytes(source_bytes),
    };
    let mut total = Cost::default();
    if let Some(cost) = measure.enter(root, &mut total)? {
        add(&mut total, cost, 0);
    }
    while let Some(mut frame) = measure.frames.pop() {
        if let Some(done) = measure.advance(&mut frame)? {
            measure.finish(frame.node, done);
            if let Some(parent) = measure.frames.last_mut() {
                add(&mut parent.cost, done, parent.inner);
            } else {
                add(&mut total, done, 0);
            }
        } else if let Some(child) = measure.frames.pop() {
            // A child was opened; it is done first.
            measure.frames.push(frame);
            measure.frames.push(child);
        }
        if measure.frames.len() > limits.depth as usize {
            return Err(measure.too_deep());
        }
    }
    if total.depth > limits.depth {
        return Err(measure.too_deep());
    }
    if total.bytes > measure.budget {
        return Err(measure.too_large(total.bytes));
    }
    Ok(Measured {
        bytes: total.bytes,
        depth: total.depth,
    })
}

/// Adds what a child costs, `inner` levels deeper.
fn add(parent: &mut Cost, child: Cost, inner: u32) {
    parent.bytes = parent
        .bytes
        .saturating_add(child.bytes)
        .saturating_add(child.lines.saturating_mul(2 * u64::from(inner)));
    parent.lines = parent.lines.saturating_add(child.lines);
    parent.depth = parent.depth.max(child.depth.saturating_add(inner));
}

/// A bracket pair around `items` items of which each stands on a line of its own.
const fn bracket(items: u64) -> Cost {
    if items == 0 {
        return Cost {
            bytes: 2,
            lines: 0,
            depth: 1,
        };
    }
    Cost {
        // Brackets, commas, line ends, and the two spaces of each item.
        bytes: 2 + (items - 1) + (items + 1) + 2 * items,
        lines: items + 1,
        depth: 1,
    }
}

/// A leaf that needs a tag: `{"$t": "bytes", "v": …}` on lines of its own.
const fn tagged_leaf(bytes: u64) -> Cost {
    let outer = bracket(2);
    Cost {
        bytes: outer.bytes + 17 + bytes,
        lines: outer.lines,
        depth: 1,
    }
}

impl Measure<'_, '_> {
    /// The cost of a leaf or of a container that is done; opens a frame and gives `None` for one that is new.
    fn enter(&mut self, value: Ref, parent: &mut Cost) -> Result<Option<Cost>, Finding> {
        let flat = |bytes: u64| {
            Some(Cost {
                bytes,
                lines: 0,
                depth: 0,
            })
        };
        Ok(match value.kind() {
            Kind::None | Kind::Bool(_) | Kind::Unset => flat(4),
            Kind::Int(n) => flat(u64::from(n.unsigned_abs().checked_ilog10().unwrap_or(0)) + 1),
            Kind::Text => flat(self.arena.text_bytes(value).map_or(0, <[u8]>::len) as u64 + 2),
            Kind::Float(at) => {
                if self.arena.float_at(at).is_finite() {
                    flat(3)
                } else {
                    Some(tagged_leaf(5))
                }
            }
            Kind::Span(at) => match self.arena.span(at) {
                (SpanKind::BigInt | SpanKind::LongText, bytes) => flat(bytes.len() as u64),
                (SpanKind::Bytes, bytes) => Some(tagged_leaf(bytes.len() as u64 / 3 * 4)),
                (_, bytes) => Some(tagged_leaf(bytes.len() as u64)),
            },
            Kind::Name(_) => Some(tagged_leaf(10)),
            Kind::Opaque(_) => flat(0),
            Kind::List(seq) => self.open(Node::Array(seq))?,
            Kind::Tuple(seq) => self.wrapped(Node::Array(seq), parent)?,
            Kind::Dict(seq) if plain_keys(self.arena, seq) => self.open(Node::Map(seq))?,
            Kind::Dict(seq) => self.wrapped(Node::Map(seq), parent)?,
            Kind::Object(at) => self.open(Node::Object(at))?,
        })
    }

    /// A container inside a tag of its own: one level more, which the parent pays.
    fn wrapped(&mut self, node: Node, parent: &mut Cost) -> Result<Option<Cost>, Finding> {
        let outer = bracket(2);
        parent.bytes = parent.bytes.saturating_add(outer.bytes + 17);
        parent.lines = parent.lines.saturating_add(outer.lines);
        Ok(self.open(node)?.map(|mut cost| {
            cost.bytes = cost.bytes.saturating_add(cost.lines.saturating_mul(2));
            cost.depth = cost.depth.saturating_add(1);
            cost
        }))
    }

    fn state(&mut self, node: Node) -> Option<&mut State> {
        match node {
            Node::Array(seq) | Node::Map(seq) => self.seqs.get_mut(seq as usize),
            Node::Object(at) => self.objects.get_mut(at as usize),
        }
    }

    fn open(&mut self, node: Node) -> Result<Option<Cost>, Finding> {
        let Some(state) = self.state(node) else {
            return Ok(Some(Cost::default()));
        };
        match *state {
            State::Done(cost) => return Ok(Some(cost)),
            State::Open => return Err(Finding::malformed(Code::Cycle, "contains itself at $")),
            State::New => *state = State::Open,
        }
        let (cost, inner) = match node {
            Node::Array(seq) => (bracket(self.arena.items(seq).len() as u64), 1),
            Node::Map(seq) => {
                self.check_keys(seq)?;
                let pairs = self.arena.items(seq).len() as u64 / 2;
                let mut cost = bracket(pairs);
                if plain_keys(self.arena, seq) {
                    // The `: ` of each pair; the key counts as an item.
                    cost.bytes += 2 * pairs;
                    (cost, 1)
                } else {
                    // Each pair is an array of its own.
                    cost.bytes = cost.bytes.saturating_add(pairs * (bracket(2).bytes + 6));
                    cost.lines = cost.lines.saturating_add(pairs * 3);
                    cost.depth = 2;
                    (cost, 2)
                }
            }
            Node::Object(at) => {
                let parts = self.parts(at)?;
                let mut cost = bracket(parts as u64 + 1);
                cost.bytes += 10;
                (cost, 1)
            }
        };
        self.frames.push(Frame {
            node,
            at: 0,
            inner,
            cost,
        });
        Ok(None)
    }

    fn parts(&self, at: u32) -> Result<usize, Finding> {
        let Some(object) = self.arena.object_at(at) else {
            return Ok(0);
        };
        if object.kind == ObjectKind::Uuid && object.body == Ref::NONE {
            return Err(Finding::malformed(
                Code::BadArguments,
                "holds a UUID without its value",
            ));
        }
        if matches!(object.kind, ObjectKind::Set | ObjectKind::FrozenSet)
            && let Kind::List(seq) = object.body.kind()
            && let Some(bad) = self.arena.items(seq).iter().find(|item| !self.hashable(**item))
        {
            return Err(self.unhashable(*bad));
        }
        let fields = fields(object);
        Ok((0..3).take_while(|part| fields.get(*part).is_some()).count())
    }

    /// Goes on with a frame until a child must be opened (`None`) or it is done.
    fn advance(&mut self, frame: &mut Frame) -> Result<Option<Cost>, Finding> {
        loop {
            let entered = match frame.node {
                Node::Array(seq) | Node::Map(seq) => {
                    let Some(value) = self.arena.items(seq).get(frame.at).copied() else {
                        return Ok(Some(frame.cost));
                    };
                    frame.at += 1;
                    self.enter(value, &mut frame.cost)
                }
                Node::Object(at) => {
                    let part = self
                        .arena
                        .object_at(at)
                        .and_then(|object| fields(object).get(frame.at));
                    let Some((_, part)) = part else {
                        return Ok(Some(frame.cost));
                    };
                    frame.at += 1;
                    match part {
                        Part::Value(value) => self.enter(value, &mut frame.cost),
                        Part::Items(seq) => self.open(Node::Array(seq)),
                        Part::Map(seq) => self.open(Node::Map(seq)),
                        Part::Base64(value) => Ok(Some(Cost {
                            bytes: self.arena.bytes_of(value).map_or(0, <[u8]>::len) as u64 / 3 * 4,
                            ..Cost::default()
                        })),
                        Part::Name(_) => Ok(Some(Cost {
                            bytes: 8,
                            ..Cost::default()
                        })),
                    }
                }
            };
            match entered {
                Ok(Some(cost)) => add(&mut frame.cost, cost, frame.inner),
                Ok(None) => return Ok(None),
                Err(mut finding) => {
                    if finding.code == Code::Cycle {
                        finding.what = format!("contains itself at {}", self.path(Some(frame)));
                    }
                    return Err(finding);
                }
            }
            if frame.cost.bytes > self.budget {
                return Err(self.too_large(frame.cost.bytes));
            }
        }
    }

    fn finish(&mut self, node: Node, cost: Cost) {
        if let Some(state) = self.state(node) {
            *state = State::Done(cost);
        }
    }

    // ---- keys ---------------------------------------------------------------------------------------------------

    fn check_keys(&self, seq: u32) -> Result<(), Finding> {
        let pairs = self.arena.items(seq).chunks(2);
        let mut mask = 0_u64;
        let mut seen: HashSet<KeyText<'_>> = HashSet::new();
        let large = pairs.len() > 24;
        for (at, pair) in pairs.enumerate() {
            let key = pair[0];
            if !self.hashable(key) {
                return Err(self.unhashable(key));
            }
            let Some(text) = self.key_text(key) else { continue };
            let twice = if large {
                !seen.insert(text)
            } else {
                // A small filter: only keys alike in length and ends are compared with those before them.
                let bit = 1 << (text.mix() % 64);
                let alike = mask & bit != 0;
                mask |= bit;
                alike
                    && self
                        .arena
                        .items(seq)
                        .chunks(2)
                        .take(at)
                        .any(|before| self.key_text(before[0]).is_some_and(|known| known == text))
            };
            if twice {
                return Err(Finding::malformed(
                    Code::DuplicateKey,
                    format!("has the key {} twice in one dict", self.shown(key)),
                ));
            }
        }
        Ok(())
    }

    /// What makes two keys equal in Python, for the keys that can be compared cheaply.
    fn key_text(&self, key: Ref) -> Option<KeyText<'_>> {
        Some(match key.kind() {
            Kind::Text => KeyText::Text(self.arena.text_bytes(key)?),
            Kind::Int(n) => KeyText::Int(n),
            Kind::Bool(b) => KeyText::Int(i64::from(b)),
            Kind::None => KeyText::None,
            Kind::Float(at) => {
                let float = self.arena.float_at(at);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "checked to be a whole number in range"
                )]
                if float.fract() == 0.0 && float.abs() < 1e15 {
                    KeyText::Int(float as i64)
                } else if float.is_nan() {
                    return None;
                } else {
                    KeyText::Float(float.to_bits())
                }
            }
            Kind::Span(at) => match self.arena.span(at) {
                (SpanKind::Bytes, bytes) => KeyText::Bytes(bytes),
                (SpanKind::BigInt, bytes) => KeyText::Digits(bytes),
                (_, bytes) => KeyText::Other(bytes),
            },
            _ => return None,
        })
    }

    fn hashable(&self, key: Ref) -> bool {
        match key.kind() {
            Kind::List(_) | Kind::Dict(_) => false,
            Kind::Object(at) => self.arena.object_at(at).is_none_or(|object| {
                !matches!(
                    object.kind,
                    ObjectKind::Set
                        | ObjectKind::ByteArray
                        | ObjectKind::Slice
                        | ObjectKind::OrderedDict
                        | ObjectKind::DefaultDict
                        | ObjectKind::Counter
                        | ObjectKind::Deque
                        | ObjectKind::Namespace
                )
            }),
            _ => true,
        }
    }

    fn unhashable(&self, key: Ref) -> Finding {
        Finding::malformed(
            Code::UnhashableKey,
            format!(
                "uses {} as a key or member, which Python cannot hash",
                self.shown(key)
            ),
        )
    }

    // ---- words --------------------------------------------------------------------------------------------------

    fn shown(&self, key: Ref) -> String {
        match key.kind() {
            Kind::Text => inert_short(self.arena.text_of(key).unwrap_or_default(), 60),
            Kind::Int(n) => n.to_string(),
            Kind::None => "None".to_owned(),
            Kind::Bool(true) => "True".to_owned(),
            Kind::Bool(false) => "False".to_owned(),
            Kind::Float(at) => self.arena.float_at(at).to_string(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Dict(_) => "a dict".to_owned(),
            _ => "a value".to_owned(),
        }
    }

    /// Where the reading stands, as a path: `$.tasks[3].parent`.
    fn path(&self, last: Option<&Frame>) -> String {
        let mut path = String::from("$");
        for frame in self.frames.iter().chain(last) {
            let at = frame.at.saturating_sub(1);
            match frame.node {
                Node::Array(_) => index(&mut path, &at.to_string()),
                Node::Map(seq) => {
                    let key = self.arena.items(seq).get(at & !1).copied().unwrap_or(Ref::NONE);
                    match key.kind() {
                        Kind::Text => {
                            path.push('.');
                            path.push_str(&self.shown(key));
                        }
                        _ => index(&mut path, &self.shown(key)),
                    }
                }
                Node::Object(_) => {}
            }
            if path.len() > 400 {
                path.push('…');
                break;
            }
        }
        path
    }

    fn too_deep(&self) -> Finding {
        Finding::malformed(
            Code::DepthLimit,
            format!("is nested deeper than {} levels", self.limits.depth),
        )
    }

    fn too_large(&self, bytes: u64) -> Finding {
        let size = if bytes == u64::MAX {
            "more bytes than can be counted".to_owned()
        } else {
            format!("at least {} bytes", crate::engine::text::count(bytes))
        };
        Finding::malformed(
            Code::OutputLimit,
            format!(
                "would expand to {size}, {} are allowed",
                crate::engine::text::count(self.budget)
            ),
        )
    }
}

fn index(path: &mut String, at: &str) {
    path.push('[');
    path.push_str(at);
    path.push(']');
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum KeyText<'k> {
    Text(&'k [u8]),
    Bytes(&'k [u8]),
    Digits(&'k [u8]),
    Other(&'k [u8]),
    Int(i64),
    Float(u64),
    None,
}

impl KeyText<'_> {
    /// A cheap number that equal keys share.
    fn mix(&self) -> u64 {
        match self {
            Self::Text(bytes) | Self::Bytes(bytes) | Self::Digits(bytes) | Self::Other(bytes) => {
                let first = bytes.first().copied().unwrap_or(0);
                let last = bytes.last().copied().unwrap_or(0);
                (bytes.len() as u64)
                    .wrapping_mul(31)
                    .wrapping_add(u64::from(first).wrapping_mul(7))
                    .wrapping_add(u64::from(last).wrapping_mul(13))
            }
            Self::Int(n) => n.cast_unsigned(),
            Self::Float(bits) => bits >> 40,
            Self::None => 0,
        }
    }
}
