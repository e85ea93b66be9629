//! The guide's 19 tests against the rehearsal MAOS: what passes, what fails, what is skipped, and what is left behind.

#![cfg(test)]

#[path = "../support/apart.rs"]
mod apart;

mod command_line;
mod defects;
mod ended;
mod released;
mod suite;
mod support;
