//! The ports' implementations. Only the wiring in `main`/`lib` names them.

mod convert;
mod copytext;
mod faults;
pub mod journal_sqlite;
mod open;
mod phrase;
pub mod postgres;
pub mod probes;
pub mod sqlite;

pub use open::open_store;
