//! The same tasks on both systems: what is counted, what is compared, what survives a stop.

#![cfg(test)]

mod command_line;
mod defects;
mod legacy;
mod run;
mod support;
