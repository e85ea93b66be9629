//! The wizard: the engine seen and steered by a person at a terminal.
//!
//! ```text
//! run        the loop: signals, keys, answers, engine, clock -> App -> frame
//! app        the state: which screen, overlays, news; pure
//! screens    one file per capability          overlays   dialogs and lists over them
//! widgets    frame, bars, lists, fields       keymap     one table: keys, hints, help
//! layout     size -> areas                    style      roles, palettes, signs
//! paint      rows of pieces -> cells          text       the only place that measures
//! terminal   guard, signals, clipboard        clock      time as it is told and said
//! ```
//!
//! The wizard names no adapter and keeps no truth: it draws the engine's snapshot and sends it commands.

pub mod app;
pub mod clock;
pub mod keymap;
pub mod layout;
pub mod overlays;
pub mod paint;
pub mod run;
pub mod screens;
pub mod style;
pub mod terminal;
pub mod text;
pub mod widgets;
