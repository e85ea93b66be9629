//! Handing the work over, on SQLite and on PostgreSQL: what is refused, what is taken back, and what a kill leaves.
#![cfg(test)]

#[path = "../support/modes.rs"]
mod modes;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with tests that use more of it")]
mod program;
#[path = "../support/pty.rs"]
#[expect(dead_code, reason = "shared with tests that use more of it")]
mod pty;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/sql.rs"]
mod sql;

mod apart;
mod clients;
mod drained;
mod kills;
mod over;
mod support;
mod taken_back;
