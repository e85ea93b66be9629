//! The ports' implementations. Only the wiring in `main`/`lib` names them.

pub mod journal_sqlite;
pub mod probes;
