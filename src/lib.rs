//! maos-migrate: moving a sequential task system onto MAOS, in a terminal wizard or from scripts.

pub mod adapters;
pub mod engine;
pub mod headless;
pub mod tui;
