//! Upgrades of MAOS: of the released packages in an environment of their own, and of the rehearsal, killed at every step.
#![cfg(test)]

#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with tests that use more of it")]
mod program;

mod kills;
mod left;
mod precheck;
mod released;
mod stops;
mod support;
