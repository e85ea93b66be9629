//! JSON in and out, between text and an [`super::arena::Arena`]; neither direction recurses.

mod read;
mod write;

pub use read::{looks_like, read};
pub use write::{Sink, Written, to_bytes, write};
