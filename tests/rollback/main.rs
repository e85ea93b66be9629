//! The way back, on real databases with clients connected: what is there afterwards, killed anywhere, refused, taken back.

#![cfg(test)]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "other test programs use the rest")]
mod program;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/sql.rs"]
mod sql;

mod armed;
mod back;
mod first;
mod forth;
mod guide;
mod halted;
mod kills;
mod legacy;
mod refused;
mod server_disk;
mod support;
