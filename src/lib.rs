//! maos-migrate: moving a sequential task system onto MAOS, in a terminal wizard or from scripts.
//!
//! | folder | what it is |
//! |---|---|
//! | [`engine`] | everything the product knows and does; never prints, never sees a terminal |
//! | [`adapters`] | the implementations of the engine's ports: PostgreSQL, SQLite, Redis, the machine |
//! | [`tui`] | the wizard: draws snapshots, sends commands |
//! | [`headless`] | the same engine for scripts: lines, JSON, exit codes |
//! | [`cli`], [`wiring`] | the command line, and the one place where adapters meet ports |
//!
//! Arrows run one way: `main -> tui | headless -> engine`, `adapters -> engine::ports`. A capability has one name in every
//! layer: `engine/checkpoints/`, `tui/screens/checkpoints.rs`, `headless/checkpoints.rs`, `tests/checkpoints/`.
//!
//! What flows: a [`Command`](engine::command::Command) goes in, an [`Event`](engine::event::Event) comes out, the
//! [`Snapshot`](engine::snapshot::Snapshot) is the fold of all events. Anything with an effect is a
//! [`Plan`](engine::operation::Plan) first, runs only under an [`Approval`](engine::operation::Approval) of its digest, and is
//! done when its [`Outcome`](engine::operation::Outcome) is proved.

pub mod adapters;
pub mod cli;
pub mod engine;
pub mod headless;
pub mod tui;
pub mod wiring;

mod start;

pub use start::run;
