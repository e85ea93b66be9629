//! The environment: every line with its check, its effect and its proof, against the rehearsal, a PostgreSQL of its own, and the
//! released package.
#![cfg(test)]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/sql.rs"]
mod sql;

mod databases;
mod rehearsal;
mod released;
mod settings;
mod support;
