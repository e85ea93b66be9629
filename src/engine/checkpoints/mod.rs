//! Legacy checkpoints to MAOS checkpoints: pickles of protocol 0 to 5 and JSON, each also inside gzip. Nothing in a
//! file is ever executed.
//!
//! | room | what it does |
//! |---|---|
//! | [`pickle`] | reads the pickle language into an [`arena`], judging every name when it is executed |
//! | [`names`], [`classes`] | what may be named: the allow-list, and the operator's own classes as data |
//! | [`measure`] | cycles, depth and expanded size, found before a byte is written |
//! | [`json`], [`tagged`], [`decode`] | JSON in and out; the reversible form of what JSON cannot say |
//! | [`envelope`] | the guide's checkpoint format around the values |
//! | [`inspect`] | the verdict on the bytes of one file; pure |
//! | [`job`] | scan, plan, apply and verify over a folder; the only part that touches files |
//!
//! To allow one more class, see [`names`]; to write one more kind of value, see [`arena`] and [`tagged`].

pub mod arena;
mod base64;
pub mod classes;
pub mod decode;
pub mod envelope;
pub mod finding;
mod foreign;
pub mod inspect;
pub mod job;
pub mod json;
pub mod limits;
pub mod measure;
pub mod names;
pub mod number;
pub mod pickle;
pub mod tagged;

pub use classes::{Class, ClassKind, ClassMap};
pub use job::{
    Applied, FileReport, Prepared, Request, ScanLine, Survey, Totals, Verified, View, apply, plan, scan,
    verify,
};
pub use limits::Limits;
