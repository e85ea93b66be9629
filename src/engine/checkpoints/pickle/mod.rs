//! The pickle reader: protocols 0 to 5, text operations included. It builds plain data and runs nothing.
//!
//! Every operation that names, calls or fills a class is judged at the moment it is executed, so a hostile value
//! cannot hide by being thrown away. The reader does not stop at the first reason to refuse: it puts an opaque value
//! in the place of what it refused and reads on, so that a later fault never hides the hostile name before it and all
//! names are counted. A file with one finding is refused.
//!
//! Policies: a cycle, a persistent id, an extension code, an out-of-band buffer, bytes after the end and a second pickle
//! are refused (the second pickle is still read for hostile names); text may hold lone surrogates; Python 2 strings
//! are text when they are ASCII and a kind of their own when not.
//!
//! To allow one more class see [`super::names`]; an operation is one arm in `ops`.

mod build;
mod calls;
mod globals;
mod literal;
mod machine;
mod memo;
mod opcodes;
mod ops;
mod rest;
mod state;

use super::arena::{Arena, Ref};
use super::classes::ClassMap;
use super::finding::Finding;
use super::limits::Limits;
use machine::Machine;

pub(super) use literal::{TextKind, check_text, push_code_point};
pub use opcodes::opcode_name;

/// A class outside the allow-list as the file uses it: what an operator needs to declare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassUse {
    /// `module.Class` as the file names it.
    pub name: String,
    /// How often it is named or called.
    pub count: u64,
    /// Whether it is called with one value, as enums are.
    pub called_with_one: bool,
    /// Field names seen in its state, at most 64.
    pub fields: Vec<String>,
}

/// What reading a pickle gave.
#[derive(Debug)]
pub struct Read<'a> {
    /// All values.
    pub arena: Arena<'a>,
    /// The value of the first pickle, when it came to its end.
    pub root: Option<Ref>,
    /// The greatest protocol mark, 0 without one.
    pub protocol: u8,
    /// Reasons to refuse it, in the order of the file.
    pub findings: Vec<Finding>,
    /// Every class and function named, with how often, allowed ones included.
    pub names: Vec<(String, u64)>,
    /// The classes that an operator could declare.
    pub unknown: Vec<ClassUse>,
}

/// Reads every pickle in `data`. Time and memory are bounded by the length of `data` and by `limits`.
#[must_use]
pub fn read<'a>(data: &'a [u8], limits: &Limits, classes: &ClassMap) -> Read<'a> {
    let mut machine = Machine::new(data, limits, classes);
    let first = machine.run();
    let end = machine.position();
    if first.is_some() && end < data.len() {
        rest::read(&mut machine, end);
    }
    machine.finish(first)
}
