//! The monitor: judging, replaying, and the streams it must and must not roll back on.

#![cfg(test)]

#[path = "../support/lcg.rs"]
mod lcg;
#[path = "../support/program.rs"]
mod program;

mod contracts;
mod criteria;
mod defects;
mod dirty;
mod faults;
mod guide;
mod knobs;
mod live;
mod promotion;
mod properties;
mod reference;
mod replay;
mod simulated;
mod sources;
mod speed;
mod support;
mod watchers;
