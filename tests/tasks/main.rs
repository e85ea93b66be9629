//! Tasks: reading, scoring, decomposing, staging, converting.

mod convert;
mod grammar;
mod guide;
mod input;
mod stages;
