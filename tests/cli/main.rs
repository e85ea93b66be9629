//! The command line as scripts rely on it: streams, exit codes, documents, and what happens when a run is disturbed.

#![cfg(test)]

#[path = "../support/program.rs"]
mod program;
#[path = "../support/rounds.rs"]
mod rounds;
#[path = "../support/sql.rs"]
mod sql;
#[path = "../support/tree.rs"]
mod tree;

mod basics;
mod canary;
mod crash;
mod demo;
mod faults;
mod standalone;
