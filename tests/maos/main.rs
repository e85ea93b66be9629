//! MAOS behind its command lines: one suite of checks for every adapter, the released program as it is, and everything that a
//! program can do wrong.
#![cfg(test)]

mod documented;
mod faults;
mod overhead;
mod rehearsal;
mod released;
mod suite;
mod support;
