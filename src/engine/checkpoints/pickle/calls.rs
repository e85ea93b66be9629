//! Calls: `REDUCE`, `NEWOBJ`, `OBJ`, `INST`. A class on the allow-list is decoded from its arguments; nothing is called.

use super::super::arena::{Kind, Object, ObjectKind, Ref, SpanKind};
use super::super::classes::ClassKind;
use super::super::finding::{Code, Finding, Severity};
use super::super::names::Callable;
use super::machine::{Machine, Stop};
use super::state;

/// Why an allowed class cannot be made of these arguments.
pub(super) enum Refusal {
    /// The arguments are not those its pickler writes.
    Arguments(&'static str),
    /// The reader is full.
    Stop(Stop),
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<super::super::arena::Full> for Refusal {
    fn from(full: super::super::arena::Full) -> Self {
        Self::Stop(full.into())
    }
}

pub(super) type Made = Result<Ref, Refusal>;

const SHAPE: Refusal = Refusal::Arguments("with arguments it does not take");

/// Which operation makes the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Via {
    Call,
    New,
}

impl Machine<'_, '_> {
    pub(super) fn reduce(&mut self) -> Result<(), Stop> {
        let args = self.pop();
        let callee = self.pop();
        self.instantiate(callee, args, Via::Call)
    }

    pub(super) fn new_object(&mut self, extended: bool) -> Result<(), Stop> {
        let kwargs = if extended { Some(self.pop()) } else { None };
        let args = self.pop();
        let class = self.pop();
        let plain = match kwargs.map(Ref::kind) {
            None => true,
            Some(Kind::Dict(seq)) => self.arena.items(seq).is_empty(),
            Some(_) => false,
        };
        if !plain && matches!(class.kind(), Kind::Name(_)) {
            let value = self.refuse_call(class, "with named arguments");
            self.push(value);
            return Ok(());
        }
        self.instantiate(class, args, Via::New)
    }

    pub(super) fn obj(&mut self) -> Result<(), Stop> {
        let start = self.pop_mark();
        if start >= self.stack.len() {
            let value = self.fault(Code::BadStack, "makes an object without a class");
            self.push(value);
            return Ok(());
        }
        let seq = self.take_seq(start + 1)?;
        let class = self.pop();
        self.instantiate(class, Ref::tuple(seq), Via::Call)
    }

    pub(super) fn inst(&mut self) -> Result<(), Stop> {
        let (module, name) = (self.line()?, self.line()?);
        let class = self.global(module, name)?;
        let start = self.pop_mark();
        let seq = self.take_seq(start)?;
        self.instantiate(class, Ref::tuple(seq), Via::Call)
    }

    fn instantiate(&mut self, class: Ref, args: Ref, via: Via) -> Result<(), Stop> {
        let items: Option<Vec<Ref>> = match args.kind() {
            Kind::Tuple(seq) => {
                self.work(self.arena.items(seq).len())?;
                Some(self.arena.items(seq).to_vec())
            }
            _ => None,
        };
        let value = match (class.kind(), items) {
            (Kind::Opaque(_), items) => {
                self.called(class);
                self.note_use(class, Some(items.as_deref().unwrap_or_default()), None);
                class
            }
            (Kind::Name(_), None) => match args.kind() {
                Kind::Opaque(_) => args,
                _ => self.refuse_call(class, "with something that is no tuple"),
            },
            (Kind::Name(name), Some(items)) => {
                // An argument that was refused already makes the whole call refused, under the argument's name.
                let opaque = items
                    .iter()
                    .find(|item| matches!(item.kind(), Kind::Opaque(_)))
                    .copied();
                if let Some(opaque) = opaque {
                    opaque
                } else {
                    match self.decode(name, &items, via) {
                        Ok(value) => value,
                        Err(Refusal::Arguments(what)) => self.refuse_call(class, what),
                        Err(Refusal::Stop(stop)) => return Err(stop),
                    }
                }
            }
            _ => self.fault(Code::BadStack, "calls something that is no class"),
        };
        self.push(value);
        Ok(())
    }

    /// The finding for an allowed name that is used in a way its pickler never does.
    pub(super) fn refuse_call(&mut self, class: Ref, what: &str) -> Ref {
        let Kind::Name(index) = class.kind() else {
            return self.fault(Code::BadStack, "calls something that is no class");
        };
        let name = self
            .arena
            .name_at(index)
            .map(ToString::to_string)
            .unwrap_or_default();
        let at = self.here();
        let mut finding = Finding::new(
            Severity::Critical,
            Code::BadArguments,
            Some(at),
            format!("would call {name} {what}"),
        );
        finding.name = Some(name);
        finding.called = Some(at);
        self.report(finding)
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each class of the allow-list")]
    fn decode(&mut self, name: u32, args: &[Ref], via: Via) -> Made {
        let Some(callable) = self.globals.callable(name) else {
            return Err(SHAPE);
        };
        if via == Via::New {
            return self.decode_new(name, callable, args);
        }
        match callable {
            Callable::Set => self.collection(ObjectKind::Set, args),
            Callable::FrozenSet => self.collection(ObjectKind::FrozenSet, args),
            Callable::ByteArray => {
                let body = match args {
                    [] => self.arena.owned_span(b"", SpanKind::Bytes)?,
                    [bytes] if self.arena.bytes_of(*bytes).is_some() => *bytes,
                    [_, _] => self.encode(args)?,
                    _ => return Err(SHAPE),
                };
                Ok(self.make(ObjectKind::ByteArray, body, Ref::NONE)?)
            }
            Callable::Bytes if args.is_empty() => Ok(self.arena.owned_span(b"", SpanKind::Bytes)?),
            Callable::Complex => match args {
                [re, im] if Self::real(*re) && Self::real(*im) => {
                    let (re, im) = (self.as_float(*re)?, self.as_float(*im)?);
                    self.tuple_object(ObjectKind::Complex, &[re, im])
                }
                _ => Err(SHAPE),
            },
            Callable::Range => match args {
                [from, to, by]
                    if [from, to, by].iter().all(|arg| self.is_int(**arg)) && Ref::int(0) != Some(*by) =>
                {
                    self.tuple_object(ObjectKind::Range, args)
                }
                _ => Err(SHAPE),
            },
            Callable::Slice if args.len() == 3 => self.tuple_object(ObjectKind::Slice, args),
            Callable::OrderedDict => self.ordered_dict(args),
            Callable::DefaultDict => {
                let factory = match args {
                    [] => Ref::NONE,
                    [factory] if matches!(factory.kind(), Kind::Name(_) | Kind::None) => *factory,
                    _ => return Err(SHAPE),
                };
                let seq = self.arena.seq(&[])?;
                Ok(self.make(ObjectKind::DefaultDict, Ref::dict(seq), factory)?)
            }
            Callable::Counter => {
                let pairs = match args {
                    [] => Vec::new(),
                    [dict] => match dict.kind() {
                        Kind::Dict(seq) => {
                            self.work(self.arena.items(seq).len())?;
                            self.arena.items(seq).to_vec()
                        }
                        _ => return Err(SHAPE),
                    },
                    _ => return Err(SHAPE),
                };
                let seq = self.arena.seq(&pairs)?;
                Ok(self.make(ObjectKind::Counter, Ref::dict(seq), Ref::NONE)?)
            }
            Callable::Deque => {
                let max = match args {
                    [] | [_] => Ref::NONE,
                    [_, max] if max.kind() == Kind::None || matches!(max.kind(), Kind::Int(n) if n >= 0) => {
                        *max
                    }
                    _ => return Err(SHAPE),
                };
                let items = match args.first() {
                    Some(items) => self.members(*items)?,
                    None => Vec::new(),
                };
                let seq = self.arena.seq(&items)?;
                Ok(self.make(ObjectKind::Deque, Ref::list(seq), max)?)
            }
            Callable::DateTime
            | Callable::Date
            | Callable::Time
            | Callable::TimeDelta
            | Callable::TimeZone => state::moment(self, callable, args),
            Callable::Decimal | Callable::Fraction => state::number(self, callable, args),
            Callable::Path if args.iter().all(|part| self.is_text(*part)) => {
                self.classed(ObjectKind::Path, name, args)
            }
            Callable::Exception => self.classed(ObjectKind::Exception, name, args),
            Callable::Record if args.iter().all(|arg| self.leaf(*arg)) => {
                self.classed(ObjectKind::Record, name, args)
            }
            Callable::Object if args.is_empty() => self.classed(ObjectKind::Record, name, args),
            Callable::Namespace if args.is_empty() => {
                let seq = self.arena.seq(&[])?;
                Ok(self.make(ObjectKind::Namespace, Ref::dict(seq), Ref::NONE)?)
            }
            Callable::Encode => self.encode(args),
            Callable::Reconstructor => self.reconstruct(args),
            Callable::Mapped(class) => self.mapped(name, class, args, via),
            Callable::Bytes
            | Callable::Slice
            | Callable::Path
            | Callable::Record
            | Callable::Object
            | Callable::Namespace
            | Callable::Uuid => Err(SHAPE),
            Callable::Plain => self.plain(name, args),
        }
    }

    /// A built-in type called with nothing, or a container with one of its kind, as classes that save themselves as plain
    /// data do.
    fn plain(&mut self, name: u32, args: &[Ref]) -> Made {
        let name = self.arena.name_at(name).map(|name| name.name.clone());
        match (name.as_deref().unwrap_or_default(), args) {
            ("int" | "long", []) => Ok(self.arena.int(0)?),
            ("float", []) => Ok(self.arena.float(0.0)?),
            ("bool", []) => Ok(Ref::bool(false)),
            ("str" | "unicode", []) => Ok(self.arena.text("")?),
            ("list", [] | [_]) => {
                let items = args
                    .first()
                    .map_or(Ok(Vec::new()), |items| self.members(*items))?;
                Ok(Ref::list(self.arena.seq(&items)?))
            }
            ("tuple", [] | [_]) => {
                let items = args
                    .first()
                    .map_or(Ok(Vec::new()), |items| self.members(*items))?;
                Ok(Ref::tuple(self.arena.seq(&items)?))
            }
            ("dict", []) => Ok(Ref::dict(self.arena.seq(&[])?)),
            ("dict", [dict]) => {
                let Kind::Dict(seq) = dict.kind() else {
                    return Err(SHAPE);
                };
                self.work(self.arena.items(seq).len())?;
                let pairs = self.arena.items(seq).to_vec();
                Ok(Ref::dict(self.arena.seq(&pairs)?))
            }
            _ => Err(SHAPE),
        }
    }

    fn decode_new(&mut self, name: u32, callable: Callable, args: &[Ref]) -> Made {
        match callable {
            // Its value comes with BUILD.
            Callable::Uuid if args.is_empty() => Ok(self.make(ObjectKind::Uuid, Ref::NONE, Ref::NONE)?),
            Callable::Object if args.is_empty() => self.classed(ObjectKind::Record, name, args),
            Callable::Namespace if args.is_empty() => {
                let seq = self.arena.seq(&[])?;
                Ok(self.make(ObjectKind::Namespace, Ref::dict(seq), Ref::NONE)?)
            }
            Callable::Mapped(class) => self.mapped(name, class, args, Via::New),
            _ => Err(SHAPE),
        }
    }

    fn mapped(&mut self, name: u32, class: u32, args: &[Ref], via: Via) -> Made {
        let Some(class) = self.classes.get(class) else {
            return Err(SHAPE);
        };
        match class.kind {
            ClassKind::Enum => match args {
                [value] if via == Via::Call => Ok(self.arena.object(Object {
                    kind: ObjectKind::Enum,
                    flag: false,
                    class: name,
                    body: *value,
                    extra: Ref::NONE,
                })?),
                _ => Err(Refusal::Arguments("as no enum is made")),
            },
            ClassKind::NamedTuple => {
                if class.fields.as_ref().map(Vec::len) != Some(args.len()) {
                    return Err(Refusal::Arguments(
                        "with another number of values than its declaration has",
                    ));
                }
                self.classed(ObjectKind::NamedTuple, name, args)
            }
            ClassKind::Object | ClassKind::Dict | ClassKind::List => {
                if !args.is_empty() {
                    return Err(Refusal::Arguments("with arguments, not with fields"));
                }
                let fields = self.arena.seq(&[])?;
                let base = self.arena.seq(&[])?;
                let extra = match class.kind {
                    ClassKind::Dict => Ref::dict(base),
                    ClassKind::List => Ref::list(base),
                    _ => Ref::NONE,
                };
                Ok(self.arena.object(Object {
                    kind: ObjectKind::Plain,
                    flag: false,
                    class: name,
                    body: Ref::dict(fields),
                    extra,
                })?)
            }
        }
    }

    /// `copyreg._reconstructor(class, base, state)`.
    fn reconstruct(&mut self, args: &[Ref]) -> Made {
        let [class, base, state] = args else {
            return Err(SHAPE);
        };
        let (Kind::Name(name), Kind::Name(base)) = (class.kind(), base.kind()) else {
            return Err(SHAPE);
        };
        let Some(callable) = self.globals.callable(name) else {
            return Err(SHAPE);
        };
        let base = self
            .arena
            .name_at(base)
            .map(|base| base.name.clone())
            .unwrap_or_default();
        if let Kind::Dict(seq) | Kind::List(seq) = state.kind() {
            self.work(self.arena.items(seq).len())?;
        }
        match (base.as_str(), state.kind()) {
            ("object", Kind::None) => self.decode_new(name, callable, &[]),
            ("dict", Kind::Dict(seq)) | ("list", Kind::List(seq)) => {
                let value = self.decode_new(name, callable, &[])?;
                let items = self.arena.items(seq).to_vec();
                let target = match value.kind() {
                    Kind::Object(at) => self.arena.object_at(at).map(|object| object.extra.kind()),
                    _ => None,
                };
                match (target, base.as_str()) {
                    (Some(Kind::Dict(seq)), "dict") | (Some(Kind::List(seq)), "list") => {
                        self.arena.extend(seq, &items)?;
                        Ok(value)
                    }
                    _ => Err(SHAPE),
                }
            }
            _ => Err(SHAPE),
        }
    }

    /// `_codecs.encode(text, 'latin1')`, the only codec any pickler writes.
    fn encode(&mut self, args: &[Ref]) -> Made {
        let [text, codec] = args else {
            return Err(SHAPE);
        };
        if !matches!(self.arena.text_bytes(*codec), Some(b"latin1" | b"latin-1")) {
            return Err(Refusal::Arguments("with another codec than latin1"));
        }
        self.work(self.arena.text_bytes(*text).map_or(0, <[u8]>::len))?;
        let Some(text) = self.arena.text_of(*text) else {
            return Err(SHAPE);
        };
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let Some(bytes) = bytes else {
            return Err(Refusal::Arguments("with text that is not latin1"));
        };
        Ok(self.arena.owned_span(&bytes, SpanKind::Bytes)?)
    }

    fn ordered_dict(&mut self, args: &[Ref]) -> Made {
        let mut pairs = Vec::new();
        match args {
            [] => {}
            // Python 2 writes a list of lists of two.
            [list] => {
                for pair in self.members(*list)? {
                    match self.members(pair)?.as_slice() {
                        [key, value] => pairs.extend_from_slice(&[*key, *value]),
                        _ => return Err(SHAPE),
                    }
                }
            }
            _ => return Err(SHAPE),
        }
        let seq = self.arena.seq(&pairs)?;
        Ok(self.make(ObjectKind::OrderedDict, Ref::dict(seq), Ref::NONE)?)
    }

    fn collection(&mut self, kind: ObjectKind, args: &[Ref]) -> Made {
        let items = match args {
            [] => Vec::new(),
            [items] => self.members(*items)?,
            _ => return Err(SHAPE),
        };
        let seq = self.arena.seq(&items)?;
        Ok(self.make(kind, Ref::list(seq), Ref::NONE)?)
    }

    /// The members of a list or tuple.
    fn members(&mut self, value: Ref) -> Result<Vec<Ref>, Refusal> {
        match value.kind() {
            Kind::List(seq) | Kind::Tuple(seq) => {
                self.work(self.arena.items(seq).len())?;
                Ok(self.arena.items(seq).to_vec())
            }
            _ => Err(SHAPE),
        }
    }

    fn tuple_object(&mut self, kind: ObjectKind, items: &[Ref]) -> Made {
        let seq = self.arena.seq(items)?;
        Ok(self.make(kind, Ref::tuple(seq), Ref::NONE)?)
    }

    fn classed(&mut self, kind: ObjectKind, class: u32, args: &[Ref]) -> Made {
        let seq = self.arena.seq(args)?;
        Ok(self.arena.object(Object {
            kind,
            flag: false,
            class,
            body: Ref::tuple(seq),
            extra: Ref::NONE,
        })?)
    }

    fn is_int(&self, value: Ref) -> bool {
        match value.kind() {
            Kind::Int(_) => true,
            Kind::Span(at) => self.arena.span(at).0 == SpanKind::BigInt,
            _ => false,
        }
    }

    /// Whether it is text, lone surrogates included: a path whose name is not UTF-8 has them.
    fn is_text(&self, value: Ref) -> bool {
        match value.kind() {
            Kind::Span(at) => matches!(self.arena.span(at).0, SpanKind::LongText | SpanKind::Surrogates),
            kind => kind == Kind::Text,
        }
    }

    fn leaf(&self, value: Ref) -> bool {
        matches!(
            value.kind(),
            Kind::None | Kind::Bool(_) | Kind::Text | Kind::Float(_)
        ) || self.is_int(value)
    }

    fn real(value: Ref) -> bool {
        matches!(value.kind(), Kind::Int(_) | Kind::Float(_))
    }

    fn as_float(&mut self, value: Ref) -> Made {
        match value.kind() {
            #[expect(
                clippy::cast_precision_loss,
                reason = "Python's complex makes floats of its parts too"
            )]
            Kind::Int(n) => Ok(self.arena.float(n as f64)?),
            _ => Ok(value),
        }
    }
}
