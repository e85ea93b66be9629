//! The rehearsal MAOS: agents really side by side, state shared and kept, trouble on request.

#![cfg(test)]

mod in_process;
mod program;
mod trouble;
