//! The ports' implementations. Only the wiring in `main`/`lib` names them.

mod convert;
mod copytext;
pub mod databases;
mod faults;
pub mod http;
pub mod journal_sqlite;
mod ledger;
pub mod maos;
mod open;
mod phrase;
pub mod postgres;
pub mod probes;
pub mod process;
pub mod sqlite;

pub use open::open_store;
