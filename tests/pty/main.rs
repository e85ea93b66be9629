//! The wizard in a real terminal: it starts, obeys, ends, and leaves the terminal as it found it, whatever happens.
//!
//! [`pty`] is the terminal. To add a case: start the program with [`wizard::on`], wait for what must be seen, act.

#![cfg(test)]

mod hangup;
mod harness;
mod journey;
#[path = "../support/modes.rs"]
mod modes;
#[path = "../support/pty.rs"]
mod pty;
mod wizard;
