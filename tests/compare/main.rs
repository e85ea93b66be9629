//! The same tasks on both systems: what is counted, what is compared, what survives a stop.

#![cfg(test)]

#[path = "../support/apart.rs"]
mod apart;
#[path = "../support/postgres.rs"]
mod postgres_server;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/sql.rs"]
mod sql;

mod command_line;
mod defects;
mod ended;
mod legacy;
mod postgres;
mod run;
mod support;
