//! `BUILD` and the operations that fill containers.

use super::super::arena::{Kind, Object, ObjectKind, Ref, SpanKind};
use super::super::finding::{Code, Finding, Severity};
use super::super::names::Callable;
use super::machine::{Machine, Stop};

impl Machine<'_, '_> {
    /// `SETITEM` and `SETITEMS`: keys and values from `start` on, into what stands below.
    pub(super) fn set_items(&mut self, start: usize) -> Result<(), Stop> {
        let start = start.min(self.stack.len());
        if !(self.stack.len() - start).is_multiple_of(2) {
            self.fault(Code::BadStack, "finds a key without a value");
            self.stack.pop();
        }
        let Some(target) = start.checked_sub(1).filter(|at| *at >= self.fence) else {
            self.fault(Code::BadStack, "fills no dict");
            self.stack.truncate(start);
            return Ok(());
        };
        let target = self.stack[target];
        let dict = match target.kind() {
            Kind::Dict(seq) => Some(seq),
            Kind::Object(at) => match self.arena.object_at(at) {
                Some(Object {
                    kind: ObjectKind::OrderedDict | ObjectKind::DefaultDict | ObjectKind::Counter,
                    body,
                    ..
                }) => dict_of(*body),
                Some(Object {
                    kind: ObjectKind::Plain,
                    extra,
                    ..
                }) => dict_of(*extra),
                _ => None,
            },
            _ => None,
        };
        match dict {
            Some(seq) => self.arena.extend(seq, &self.stack[start..])?,
            None if matches!(target.kind(), Kind::Opaque(_)) => self.called(target),
            None => {
                self.fill_fault(target, "fills something that is no dict");
            }
        }
        self.stack.truncate(start);
        Ok(())
    }

    /// `APPEND` and `APPENDS`.
    pub(super) fn append(&mut self, start: usize) -> Result<(), Stop> {
        let start = start.min(self.stack.len());
        let Some(target) = start.checked_sub(1).filter(|at| *at >= self.fence) else {
            self.fault(Code::BadStack, "appends to no list");
            self.stack.truncate(start);
            return Ok(());
        };
        let target = self.stack[target];
        let list = match target.kind() {
            Kind::List(seq) => Some(seq),
            Kind::Object(at) => match self.arena.object_at(at) {
                Some(Object {
                    kind: ObjectKind::Deque,
                    body,
                    ..
                }) => list_of(*body),
                Some(Object {
                    kind: ObjectKind::Plain,
                    extra,
                    ..
                }) => list_of(*extra),
                _ => None,
            },
            _ => None,
        };
        match list {
            Some(seq) => self.arena.extend(seq, &self.stack[start..])?,
            None if matches!(target.kind(), Kind::Opaque(_)) => self.called(target),
            None => {
                self.fill_fault(target, "appends to something that is no list");
            }
        }
        self.stack.truncate(start);
        Ok(())
    }

    /// `ADDITEMS`.
    pub(super) fn add_items(&mut self, start: usize) -> Result<(), Stop> {
        let start = start.min(self.stack.len());
        let Some(target) = start.checked_sub(1).filter(|at| *at >= self.fence) else {
            self.fault(Code::BadStack, "adds to no set");
            self.stack.truncate(start);
            return Ok(());
        };
        let target = self.stack[target];
        let set = match target.kind() {
            Kind::Object(at) => match self.arena.object_at(at) {
                Some(Object {
                    kind: ObjectKind::Set,
                    body,
                    ..
                }) => list_of(*body),
                _ => None,
            },
            _ => None,
        };
        match set {
            Some(seq) => self.arena.extend(seq, &self.stack[start..])?,
            None if matches!(target.kind(), Kind::Opaque(_)) => self.called(target),
            None => {
                self.fill_fault(target, "adds to something that is no set");
            }
        }
        self.stack.truncate(start);
        Ok(())
    }

    /// A class as the target of a fill would be changed for the whole process: that is an attack, not a slip.
    fn fill_fault(&mut self, target: Ref, what: &str) {
        if matches!(target.kind(), Kind::Name(_)) {
            self.refuse_call(target, "to change it");
        } else {
            self.fault(Code::BadStack, what);
        }
    }

    /// `BUILD`: the state on the stack goes into the object below.
    pub(super) fn build(&mut self) -> Result<(), Stop> {
        let state = self.pop();
        let target = self.top();
        match (target.kind(), state.kind()) {
            (Kind::Opaque(_), _) => {
                self.called(target);
                self.note_use(target, None, Some(state));
            }
            (_, Kind::Opaque(_)) => {}
            (Kind::Object(at), _) => {
                let object = self.arena.object_at(at).copied();
                let filled = match object {
                    Some(object) => self.fill(at, object, state)?,
                    None => false,
                };
                if !filled {
                    self.fault(Code::BadArguments, "gives an object a state it does not take");
                }
            }
            _ => self.fill_fault(target, "gives a state to something that has none"),
        }
        Ok(())
    }

    fn fill(&mut self, at: u32, object: Object, state: Ref) -> Result<bool, Stop> {
        match object.kind {
            ObjectKind::Uuid => self.fill_uuid(at, state),
            ObjectKind::Namespace => match (dict_of(object.body), dict_of(state)) {
                (Some(into), Some(from)) => self.copy_fields(into, from),
                _ => Ok(false),
            },
            ObjectKind::Exception => {
                if dict_of(state).is_none() || object.extra != Ref::NONE {
                    return Ok(false);
                }
                if let Some(object) = self.arena.object_mut(at) {
                    object.extra = state;
                }
                Ok(true)
            }
            ObjectKind::Plain => self.fill_plain(object, state),
            // Some picklers write an empty state for objects without any.
            _ => Ok(dict_of(state).is_some_and(|seq| self.arena.items(seq).is_empty())),
        }
    }

    fn copy_fields(&mut self, into: u32, from: u32) -> Result<bool, Stop> {
        let pairs = self.arena.items(from);
        if pairs
            .chunks(2)
            .any(|pair| self.arena.text_bytes(pair[0]).is_none())
        {
            return Ok(false);
        }
        self.work(pairs.len())?;
        let pairs = self.arena.items(from).to_vec();
        self.arena.extend(into, &pairs)?;
        Ok(true)
    }

    /// Fields of a declared class: a dict, or a pair of dicts for a class with slots.
    fn fill_plain(&mut self, object: Object, state: Ref) -> Result<bool, Stop> {
        let Some(into) = dict_of(object.body) else {
            return Ok(false);
        };
        let parts = match state.kind() {
            Kind::Dict(_) => vec![state],
            Kind::Tuple(seq) => match self.arena.items(seq) {
                [first, second] => vec![*first, *second],
                _ => return Ok(false),
            },
            _ => return Ok(false),
        };
        for part in parts {
            match part.kind() {
                Kind::None => {}
                Kind::Dict(from) => {
                    if !self.copy_fields(into, from)? {
                        return Ok(false);
                    }
                    self.check_fields(object.class, from);
                }
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// A field that the declaration does not list is reported: the operator decides, not this reader.
    fn check_fields(&mut self, class: u32, fields: u32) {
        let Some(Callable::Mapped(index)) = self.globals.callable(class) else {
            return;
        };
        let Some(declared) = self.classes.get(index).and_then(|class| class.fields.as_ref()) else {
            return;
        };
        let stranger = self.arena.items(fields).chunks(2).find_map(|pair| {
            let field = self.arena.text_of(pair[0])?;
            (!declared.iter().any(|known| known == field))
                .then(|| field.chars().take(100).collect::<String>())
        });
        if let Some(field) = stranger {
            let name = self
                .arena
                .name_at(class)
                .map(ToString::to_string)
                .unwrap_or_default();
            let at = self.here();
            let mut finding = Finding::new(
                Severity::Unknown,
                Code::UndeclaredField,
                Some(at),
                format!("class {name} has a field {field}, which its declaration does not list"),
            );
            finding.name = Some(name);
            self.report(finding);
        }
    }

    fn fill_uuid(&mut self, at: u32, state: Ref) -> Result<bool, Stop> {
        let Some(seq) = dict_of(state) else {
            return Ok(false);
        };
        let mut number = None;
        let mut safe = Ref::NONE;
        let pairs = self.arena.items(seq);
        if pairs.len() > 4 {
            return Ok(false);
        }
        for pair in pairs.chunks(2) {
            match self.arena.text_bytes(pair[0]) {
                Some(b"int") => {
                    number = match pair[1].kind() {
                        Kind::Int(n) => u128::try_from(n).ok(),
                        Kind::Span(span) => match self.arena.span(span) {
                            (SpanKind::BigInt, digits) => std::str::from_utf8(digits)
                                .ok()
                                .and_then(|text| text.parse().ok()),
                            _ => None,
                        },
                        _ => None,
                    };
                }
                Some(b"is_safe") if matches!(pair[1].kind(), Kind::Int(_) | Kind::None) => safe = pair[1],
                _ => return Ok(false),
            }
        }
        let Some(number) = number else {
            return Ok(false);
        };
        let body = self.arena.text(&uuid::Uuid::from_u128(number).to_string())?;
        if let Some(object) = self.arena.object_mut(at) {
            object.body = body;
            object.extra = safe;
        }
        Ok(true)
    }
}

const fn dict_of(value: Ref) -> Option<u32> {
    match value.kind() {
        Kind::Dict(seq) => Some(seq),
        _ => None,
    }
}

const fn list_of(value: Ref) -> Option<u32> {
    match value.kind() {
        Kind::List(seq) => Some(seq),
        _ => None,
    }
}
