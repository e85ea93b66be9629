//! The environment: every line with its check, its effect and its proof, against the rehearsal, a PostgreSQL of its own, and the
//! released package.
#![cfg(test)]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/server.rs"]
mod server;

mod databases;
mod rehearsal;
mod released;
mod settings;
mod support;
