//! Rows cross over: every pair of databases, every named fault, real servers.

#![cfg(test)]

#[path = "../support/lcg.rs"]
mod lcg;
#[path = "../support/pooler.rs"]
mod pooler;
#[path = "../support/rounds.rs"]
mod rounds;
#[path = "../support/sql.rs"]
mod sql;

mod bulk;
mod child;
mod defects;
mod faults;
mod kills;
mod pairs;
mod passing;
mod support;
mod undo;
mod watched;
mod wild;
