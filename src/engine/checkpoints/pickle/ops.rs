//! One arm for each operation.

use super::super::arena::{Kind, Object, ObjectKind, Ref, SpanKind};
use super::super::finding::{Code, Finding, Severity};
use super::super::number;
use super::literal::{self, Literal, TextKind};
use super::machine::{Machine, Stop};
use super::opcodes as op;

/// How many operations pass between two looks at the budget.
const BUDGET_EVERY: u32 = 4096;

impl Machine<'_, '_> {
    /// Executes until `STOP`, or until the next operation cannot be found.
    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
    pub(super) fn execute(&mut self, root: &mut Option<Ref>) -> Result<(), Stop> {
        let mut left = BUDGET_EVERY;
        loop {
            self.op_at = self.at;
            if self.at >= self.frame_end {
                if self.at > self.frame_end {
                    self.fault(Code::BadFrame, "has a frame that ends inside an operation");
                }
                self.frame_end = usize::MAX;
            }
            left -= 1;
            if left == 0 {
                left = BUDGET_EVERY;
                self.check_budget()?;
            }
            let Some(code) = self.data.get(self.at).copied() else {
                if self.at == self.started
                    || (self.at == self.started + 2 && self.protocol > 0 && self.stack.is_empty())
                {
                    return Err(self.fatal(Code::NoValue, "holds no value"));
                }
                return Err(self.truncated());
            };
            self.at += 1;
            match code {
                op::SHORT_BINUNICODE => {
                    let len = self.byte()?;
                    self.text_op(u64::from(len))?;
                }
                op::MEMOIZE => self.store(self.memo.len() as u64),
                op::BINGET => {
                    let number = self.byte()?;
                    self.fetch(u64::from(number));
                }
                op::LONG_BINGET => {
                    let number = self.array()?;
                    self.fetch(u64::from(u32::from_le_bytes(number)));
                }
                op::BINPUT => {
                    let number = self.byte()?;
                    self.store(u64::from(number));
                }
                op::LONG_BINPUT => {
                    let number = self.array()?;
                    self.store(u64::from(u32::from_le_bytes(number)));
                }
                op::MARK => self.mark(),
                op::EMPTY_DICT => {
                    let seq = self.arena.seq(&[])?;
                    self.push(Ref::dict(seq));
                }
                op::EMPTY_LIST => {
                    let seq = self.arena.seq(&[])?;
                    self.push(Ref::list(seq));
                }
                op::SETITEMS => {
                    let start = self.pop_mark();
                    self.set_items(start)?;
                }
                op::SETITEM => {
                    let start = self.stack.len().saturating_sub(2);
                    if start < self.fence {
                        self.fault(Code::BadStack, "finds nothing to work on");
                    } else {
                        self.set_items(start)?;
                    }
                }
                op::APPENDS => {
                    let start = self.pop_mark();
                    self.append(start)?;
                }
                op::APPEND => {
                    let start = self.stack.len().saturating_sub(1);
                    if start < self.fence {
                        self.fault(Code::BadStack, "finds nothing to work on");
                    } else {
                        self.append(start)?;
                    }
                }
                op::BININT1 => {
                    let value = self.byte()?;
                    self.integer(i64::from(value))?;
                }
                op::BININT2 => {
                    let value = self.array()?;
                    self.integer(i64::from(u16::from_le_bytes(value)))?;
                }
                op::BININT => {
                    let value = self.array()?;
                    self.integer(i64::from(i32::from_le_bytes(value)))?;
                }
                op::BINFLOAT => {
                    let value = self.array()?;
                    let value = self.arena.float(f64::from_be_bytes(value))?;
                    self.push(value);
                }
                op::NONE => self.push(Ref::NONE),
                op::NEWTRUE => self.push(Ref::bool(true)),
                op::NEWFALSE => self.push(Ref::bool(false)),
                op::TUPLE1 => self.tuple(1)?,
                op::TUPLE2 => self.tuple(2)?,
                op::TUPLE3 => self.tuple(3)?,
                op::STOP => {
                    *root = self.stop();
                    return Ok(());
                }
                _ => self.rare(code)?,
            }
        }
    }

    /// The operations that are not in every file.
    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
    fn rare(&mut self, code: u8) -> Result<(), Stop> {
        match code {
            op::BINUNICODE => {
                let len = self.array()?;
                self.text_op(u64::from(u32::from_le_bytes(len)))?;
            }
            op::BINUNICODE8 => {
                let len = self.array()?;
                self.text_op(u64::from_le_bytes(len))?;
            }
            op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 | op::BYTEARRAY8 => self.bytes_op(code)?,
            op::EMPTY_TUPLE => self.tuple(0)?,
            op::TUPLE => {
                let start = self.pop_mark();
                let seq = self.take_seq(start)?;
                self.push(Ref::tuple(seq));
            }
            op::LIST => {
                let start = self.pop_mark();
                let seq = self.take_seq(start)?;
                self.push(Ref::list(seq));
            }
            op::DICT => {
                let start = self.pop_mark();
                if !self.stack.len().saturating_sub(start).is_multiple_of(2) {
                    self.fault(Code::BadStack, "finds a key without a value");
                    self.pop();
                }
                let seq = self.take_seq(start)?;
                self.push(Ref::dict(seq));
            }
            op::EMPTY_SET => self.set(&[], ObjectKind::Set)?,
            op::FROZENSET => {
                let start = self.pop_mark().min(self.stack.len());
                let items = self.stack.split_off(start);
                self.set(&items, ObjectKind::FrozenSet)?;
            }
            op::ADDITEMS => {
                let start = self.pop_mark();
                self.add_items(start)?;
            }
            op::PROTO => self.proto()?,
            op::FRAME => self.frame()?,
            op::POP => {
                if self
                    .marks
                    .last()
                    .is_some_and(|mark| *mark as usize == self.stack.len())
                {
                    self.pop_mark();
                } else {
                    let value = self.pop();
                    self.discard(value);
                }
            }
            op::POP_MARK => {
                let start = self.pop_mark().min(self.stack.len());
                for value in self.stack.split_off(start) {
                    self.discard(value);
                }
            }
            op::DUP => {
                self.dups += 1;
                if self.dups > self.limits.dups {
                    return Err(self.fatal(Code::RepeatLimit, "duplicates values too often"));
                }
                let value = self.top();
                self.push(value);
            }
            op::GET | op::PUT | op::INT | op::LONG | op::FLOAT | op::STRING | op::UNICODE | op::PERSID => {
                self.text_line(code)?;
            }
            op::BINSTRING | op::SHORT_BINSTRING => self.string_op(code)?,
            op::LONG1 => {
                let len = self.byte()?;
                self.long(u64::from(len))?;
            }
            op::LONG4 => {
                let len = i32::from_le_bytes(self.array()?);
                let Ok(len) = u64::try_from(len) else {
                    return Err(self.fatal(Code::BadNumber, "gives a number a negative length"));
                };
                self.long(len)?;
            }
            op::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                let value = self.global(module, name)?;
                self.push(value);
            }
            op::STACK_GLOBAL => self.stack_global()?,
            op::REDUCE => self.reduce()?,
            op::NEWOBJ => self.new_object(false)?,
            op::NEWOBJ_EX => self.new_object(true)?,
            op::OBJ => self.obj()?,
            op::INST => self.inst()?,
            op::BUILD => self.build()?,
            op::BINPERSID | op::EXT1 | op::EXT2 | op::EXT4 | op::NEXT_BUFFER | op::READONLY_BUFFER => {
                self.external(code)?;
            }
            _ => {
                return Err(self.fatal(
                    Code::BadOpcode,
                    format!("has no operation with the number 0x{code:02x}"),
                ));
            }
        }
        Ok(())
    }

    fn text_op(&mut self, len: u64) -> Result<(), Stop> {
        let (at, len) = self.skip(len)?;
        let value = self.text(at, len)?;
        self.push(value);
        Ok(())
    }

    fn bytes_op(&mut self, code: u8) -> Result<(), Stop> {
        let len = match code {
            op::SHORT_BINBYTES => u64::from(self.byte()?),
            op::BINBYTES => u64::from(u32::from_le_bytes(self.array()?)),
            _ => u64::from_le_bytes(self.array()?),
        };
        let (at, len) = self.skip(len)?;
        let mut value = self.arena.span_at(at, len, SpanKind::Bytes)?;
        if code == op::BYTEARRAY8 {
            value = self.make(ObjectKind::ByteArray, value, Ref::NONE)?;
        }
        self.push(value);
        Ok(())
    }

    fn string_op(&mut self, code: u8) -> Result<(), Stop> {
        let len = if code == op::SHORT_BINSTRING {
            u64::from(self.byte()?)
        } else {
            let len = i32::from_le_bytes(self.array()?);
            let Ok(len) = u64::try_from(len) else {
                return Err(self.fatal(Code::BadText, "gives a string a negative length"));
            };
            len
        };
        let (at, len) = self.skip(len)?;
        let value = self.string_at(at, len)?;
        self.push(value);
        Ok(())
    }

    #[inline]
    pub(super) fn integer(&mut self, value: i64) -> Result<(), Stop> {
        let value = self.arena.int(value)?;
        self.push(value);
        Ok(())
    }

    fn long(&mut self, len: u64) -> Result<(), Stop> {
        let (at, len) = self.skip(len)?;
        if len > number::bytes_for_digits(self.limits.digits) {
            let value = self.fault(Code::DigitLimit, "holds a number with too many digits");
            self.push(value);
            return Ok(());
        }
        let value = match number::from_little_endian(&self.data[at..at + len]) {
            Ok(value) => self.arena.int(value)?,
            Err(digits) => self.arena.owned_span(digits.as_bytes(), SpanKind::BigInt)?,
        };
        self.push(value);
        Ok(())
    }

    /// The operations whose operand is a line of text.
    fn text_line(&mut self, code: u8) -> Result<(), Stop> {
        let line = self.line()?;
        match code {
            op::GET | op::PUT => {
                let number = literal::memo_number(line);
                match (code, number) {
                    (op::GET, Some(number)) => self.fetch(number),
                    (_, Some(number)) => self.store(number),
                    _ => {
                        let value = self.fault(Code::BadMemo, "names a memo entry that is no number");
                        if code == op::GET {
                            self.push(value);
                        }
                    }
                }
                return Ok(());
            }
            op::PERSID => {
                let value = self.outside(Code::PersistentId, "names an object outside the file");
                self.push(value);
                return Ok(());
            }
            _ => {}
        }
        let value = match code {
            op::INT => literal::int(line, self.limits.digits).map(Some),
            op::LONG => literal::long(line, self.limits.digits).map(Some),
            _ => Ok(None),
        };
        let value = match value {
            Ok(Some(Literal::Bool(value))) => Ref::bool(value),
            Ok(Some(Literal::Int(value))) => self.arena.int(value)?,
            Ok(Some(Literal::Big(digits))) => self.arena.owned_span(digits.as_bytes(), SpanKind::BigInt)?,
            Ok(None) => match code {
                op::FLOAT => match literal::float(line) {
                    Ok(value) => self.arena.float(value)?,
                    Err(code) => self.fault(code, "holds a number that cannot be read"),
                },
                op::STRING => match literal::string(line) {
                    Ok(bytes) if bytes.is_ascii() => {
                        let text = String::from_utf8_lossy(&bytes);
                        self.arena.text(&text)?
                    }
                    Ok(bytes) => self.arena.owned_span(&bytes, SpanKind::Str8)?,
                    Err(code) => self.fault(code, "holds a string literal that cannot be read"),
                },
                _ => match literal::raw_unicode(line) {
                    Ok(bytes) => match literal::check_text(&bytes) {
                        Ok(TextKind::Plain) => {
                            let text = String::from_utf8_lossy(&bytes);
                            self.arena.text(&text)?
                        }
                        _ => self.arena.owned_span(&bytes, SpanKind::Surrogates)?,
                    },
                    Err(code) => self.fault(code, "holds a text literal that cannot be read"),
                },
            },
            Err(Code::DigitLimit) => self.fault(Code::DigitLimit, "holds a number with too many digits"),
            Err(code) => self.fault(code, "holds a number that cannot be read"),
        };
        self.push(value);
        Ok(())
    }

    #[inline]
    fn tuple(&mut self, n: usize) -> Result<(), Stop> {
        let start = self
            .stack
            .len()
            .checked_sub(n)
            .filter(|start| *start >= self.fence);
        let Some(start) = start else {
            let value = self.fault(Code::BadStack, "finds too few values for a tuple");
            self.stack.truncate(self.fence);
            self.push(value);
            return Ok(());
        };
        let seq = self.take_seq(start)?;
        self.push(Ref::tuple(seq));
        Ok(())
    }

    fn set(&mut self, items: &[Ref], kind: ObjectKind) -> Result<(), Stop> {
        let seq = self.arena.seq(items)?;
        let value = self.make(kind, Ref::list(seq), Ref::NONE)?;
        self.push(value);
        Ok(())
    }

    #[inline]
    fn store(&mut self, number: u64) {
        let value = self.top();
        if !matches!(value.kind(), Kind::Text | Kind::Opaque(_)) {
            self.stores += 1;
        }
        self.memo.put(number, value);
    }

    #[inline]
    fn fetch(&mut self, number: u64) {
        let value = match self.memo.get(number) {
            Some(value) => value,
            None => self.fault(
                Code::BadMemo,
                format!("fetches memo entry {number}, which was never stored"),
            ),
        };
        if !matches!(value.kind(), Kind::Text | Kind::Name(_)) {
            self.fetches += 1;
        }
        self.push(value);
    }

    fn proto(&mut self) -> Result<(), Stop> {
        let version = self.byte()?;
        if version > 5 {
            self.fault(
                Code::BadProtocol,
                format!("claims protocol {version}, which does not exist"),
            );
        } else {
            self.protocol = self.protocol.max(version);
        }
        if !self.op_is_first() {
            self.fault(Code::BadProtocol, "states its protocol twice or too late");
        }
        Ok(())
    }

    fn frame(&mut self) -> Result<(), Stop> {
        let len = u64::from_le_bytes(self.array()?);
        if self.frame_end != usize::MAX {
            self.fault(Code::BadFrame, "begins a frame inside a frame");
        }
        if len > (self.data.len() - self.at) as u64 {
            // Most likely the file is cut short, and its end will say so; if a value ends before, the frame is wrong.
            self.frame_end = self.data.len() + 1;
            return Ok(());
        }
        self.frame_end = self.at + usize::try_from(len).unwrap_or(0);
        Ok(())
    }

    fn outside(&mut self, code: Code, what: &str) -> Ref {
        let at = self.here();
        self.report(Finding::new(Severity::Unknown, code, Some(at), what))
    }

    fn external(&mut self, code: u8) -> Result<(), Stop> {
        let value = match code {
            op::BINPERSID => {
                self.pop();
                self.outside(Code::PersistentId, "names an object outside the file")
            }
            op::EXT1 | op::EXT2 | op::EXT4 => {
                let number = match code {
                    op::EXT1 => u32::from(self.byte()?),
                    op::EXT2 => u32::from(u16::from_le_bytes(self.array()?)),
                    _ => u32::from_le_bytes(self.array()?),
                };
                self.outside(
                    Code::ExtensionCode,
                    &format!("names a class by extension code {number}"),
                )
            }
            op::NEXT_BUFFER => self.outside(Code::OutOfBandBuffer, "needs a buffer outside the file"),
            _ => {
                self.pop();
                self.outside(Code::OutOfBandBuffer, "needs a buffer outside the file")
            }
        };
        self.push(value);
        Ok(())
    }

    pub(super) fn make(&mut self, kind: ObjectKind, body: Ref, extra: Ref) -> Result<Ref, Stop> {
        Ok(self.arena.object(Object {
            kind,
            flag: false,
            class: u32::MAX,
            body,
            extra,
        })?)
    }
}
