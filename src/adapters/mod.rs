//! The ports' implementations. Only the wiring in `main`/`lib` names them.

mod copytext;
mod open;
mod phrase;
pub mod postgres;
pub mod sqlite;

pub use open::open_store;
