//! Tasks: reading, scoring, decomposing, staging, converting.

#![cfg(test)]

mod convert;
mod grammar;
mod guide;
mod input;
mod stages;
