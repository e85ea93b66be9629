//! How often a test does again what is drawn anew each time, or taken from many: little in the daily run, as often as one likes
//! otherwise. `MAOS_MIGRATE_TEST_ROUNDS=10 bash tests/run kill` does ten times as much.
//!
//! Include it with `#[path = "../support/rounds.rs"] mod rounds;`.

/// `usual` rounds, or that many times [`VARIABLE`].
pub fn rounds(usual: usize) -> usize {
    let times = std::env::var(VARIABLE).ok().and_then(|text| text.parse().ok());
    usual * times.unwrap_or(1).max(1)
}

const VARIABLE: &str = "MAOS_MIGRATE_TEST_ROUNDS";
