//! Tasks: reading, scoring, decomposing, staging, converting.

mod grammar;
