//! Everything the product knows and does. It never prints and never sees a terminal.

pub mod assess;
pub mod backup;
pub mod capability;
pub mod checkpoints;
pub mod command;
pub mod compare;
pub mod config;
pub mod cutover;
pub mod environment;
pub mod error;
pub mod event;
pub mod failpoint;
pub mod item;
pub mod journal;
pub mod journey;
pub mod monitor;
pub mod operation;
pub mod ports;
pub mod readiness;
pub mod report;
pub mod rollback;
pub mod runner;
pub mod sample;
pub mod schema;
pub mod snapshot;
pub mod steps;
pub mod tasks;
pub mod text;
pub mod upgrade;
pub mod validate;
pub mod views;
pub mod workspace;
pub mod yaml;

pub use capability::Capability;
pub use error::{Error, ErrorKind, Result};
