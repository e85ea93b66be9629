//! The guide's 19 tests in its five categories, each run, timed and explained.
//!
//! A test passes or fails by what it saw. When MAOS lacks what the test needs, it is skipped with the reason and counts neither way;
//! the guide's assessment is made over the tests that were executed, with the coverage beside it.
//!
//! | file | what it is |
//! |---|---|
//! | `catalogue` | the tests as data: names, categories, texts, limits |
//! | `judge` | results, rates, the guide's assessment |
//! | `report` | the JSON document |
//! | `bench` | what a test works with: tasks under a deadline, and nothing left behind |
//! | `tests` | the tests, a file a category |
//! | `job` | the run |
//!
//! To add a test: its entry in `assets/validate/tests.yml`, its function in a file of `tests/`, its arm in `tests::run`.

pub mod bench;
pub mod catalogue;
pub mod job;
pub mod judge;
pub mod report;
mod tests;

pub use catalogue::{Catalogue, Category, Test};
pub use judge::{Assessment, Results, Verdict};

/// The verb of the whole run.
pub const RUN: &str = "run";
/// Before the names of the tests, the verb of a run of some: `only:latency_test,error_handling`.
pub const ONLY: &str = "only:";

/// Where the results lie in a workspace.
pub const REPORT: &str = "validate/migration_test_results.json";
/// The workspace's own catalogue.
pub const OWN_TESTS: &str = "validate/tests.yml";

/// The verb that runs the named tests again, and leaves the results of the others.
#[must_use]
pub fn only<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    format!("{ONLY}{}", names.join(","))
}
