//! The questionnaire, answers, files, forms and prompts of the assessment, and the probes against real systems.

#![cfg(test)]

mod answers;
mod documents;
mod forms;
#[path = "../support/postgres.rs"]
mod postgres;
mod probes;
mod probing;
mod questionnaire;
#[path = "../support/redis.rs"]
mod redis;
#[path = "../support/server.rs"]
mod server;

use jiff::Timestamp;
use maos_migrate::engine::assess::Questionnaire;

fn at(minute: u32) -> Timestamp {
    format!("2026-11-22T14:{minute:02}:00Z").parse().expect("a time")
}

fn built_in() -> Questionnaire {
    Questionnaire::built_in().expect("the built-in questionnaire reads")
}
