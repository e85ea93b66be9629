//! What the tests came to: each verdict, the rate over executed tests, and the guide's assessment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Category};
use super::{ONLY, RUN};
use crate::engine::item::{Item, ItemState};
use crate::engine::snapshot::Step;

/// What one test came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// When its run began, UTC: the younger of two verdicts counts.
    pub at: jiff::Timestamp,
    /// What must be seen.
    pub expected: String,
    /// What was seen, or why it could not be looked at.
    pub found: String,
    /// Lines that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Its numbers.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub figures: serde_json::Map<String, serde_json::Value>,
    /// MAOS's ids of what it sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub submitted: Vec<String>,
    /// Whether MAOS was the embedded stand-in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// Whether its durations were simulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

impl Verdict {
    /// The verdict behind a line.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        serde_json::from_value(item.data.clone()).ok()
    }
}

/// The guide's five assessments over the rate of passed tests, each at least: 95, 85, 75, 60 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assessment {
    /// From 95 %.
    Excellent,
    /// From 85 %.
    Good,
    /// From 75 %.
    Acceptable,
    /// From 60 %.
    Concerning,
    /// Below.
    Failed,
}

impl Assessment {
    /// The assessment of `passed` of `executed`; `None` when nothing was executed.
    #[must_use]
    pub fn of(passed: u64, executed: u64) -> Option<Self> {
        if executed == 0 {
            return None;
        }
        // Whole numbers, so that 19 of 20 is exactly 95 %.
        let reaches = |percent: u64| passed * 100 >= executed * percent;
        Some(if reaches(95) {
            Self::Excellent
        } else if reaches(85) {
            Self::Good
        } else if reaches(75) {
            Self::Acceptable
        } else if reaches(60) {
            Self::Concerning
        } else {
            Self::Failed
        })
    }

    /// The guide's sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Excellent => "EXCELLENT - Migration is highly successful with minimal issues",
            Self::Good => "GOOD - Migration is successful with some minor issues to address",
            Self::Acceptable => "ACCEPTABLE - Migration has moderate issues that should be addressed",
            Self::Concerning => "CONCERNING - Migration has significant issues requiring attention",
            Self::Failed => "FAILED - Migration has critical issues and should be rolled back",
        }
    }
}

/// Counts of tests by what they came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All tests.
    pub total: u64,
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Skipped, with the reason.
    pub skipped: u64,
    /// Under way.
    pub running: u64,
}

impl Counts {
    /// Tests that came to an end and are no skipped ones.
    #[must_use]
    pub const fn executed(self) -> u64 {
        self.passed + self.failed
    }

    /// Tests that have not begun.
    #[must_use]
    pub const fn waiting(self) -> u64 {
        self.total - self.passed - self.failed - self.skipped - self.running
    }

    /// Passed ÷ executed; `None` when nothing was executed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a handful of tests")]
    pub fn rate(self) -> Option<f64> {
        (self.executed() > 0).then(|| self.passed as f64 / self.executed() as f64)
    }

    /// Executed ÷ all.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a handful of tests")]
    pub fn coverage(self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        self.executed() as f64 / self.total as f64
    }

    /// The guide's assessment.
    #[must_use]
    pub fn assessment(self) -> Option<Assessment> {
        Assessment::of(self.passed, self.executed())
    }

    fn add(&mut self, state: Option<ItemState>) {
        self.total += 1;
        match state {
            Some(ItemState::Done) => self.passed += 1,
            Some(ItemState::Failed | ItemState::Unknown | ItemState::Undone) => self.failed += 1,
            Some(ItemState::Skipped) => self.skipped += 1,
            Some(ItemState::Running) => self.running += 1,
            Some(ItemState::Waiting) | None => {}
        }
    }
}

/// The youngest line of every test.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    /// By the test's name.
    pub lines: BTreeMap<String, Item>,
}

impl Results {
    /// Gathers the lines of the whole run and of runs of single tests; of two about one test the younger counts.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        let mut results = Self::default();
        for (verb, items) in &step.items {
            if verb == RUN || verb.starts_with(ONLY) {
                for item in items.all() {
                    results.take(item);
                }
            }
        }
        results
    }

    /// Takes a line over an older one.
    pub fn take(&mut self, item: &Item) {
        let at = |item: &Item| Verdict::of(item).map(|verdict| verdict.at);
        let older = self
            .lines
            .get(&item.key)
            .is_none_or(|before| at(before) <= at(item));
        if older {
            self.lines.insert(item.key.clone(), item.clone());
        }
    }

    /// The line of a test.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Item> {
        self.lines.get(name)
    }

    /// Counts over all tests, or over those of a category.
    #[must_use]
    pub fn counts(&self, catalogue: &Catalogue, category: Option<Category>) -> Counts {
        let mut counts = Counts::default();
        for test in &catalogue.tests {
            if category.is_none_or(|category| category == test.category) {
                counts.add(self.get(&test.name).map(|item| item.state));
            }
        }
        counts
    }
}

/// `13 of 19 run (68 %): 12 passed · 1 failed · 4 skipped`.
#[must_use]
pub fn coverage_words(counts: Counts) -> String {
    let percent = counts.executed() * 100 / counts.total.max(1);
    format!("{} of {} run ({percent} %)", counts.executed(), counts.total)
}

/// `12 of 13 = 92.3 %`; empty when nothing was executed.
#[must_use]
pub fn rate_words(counts: Counts) -> String {
    counts.rate().map_or_else(String::new, |rate| {
        // Never rounded up to a band that is not reached.
        format!(
            "{} of {} = {:.1} %",
            counts.passed,
            counts.executed(),
            (rate * 1000.0).floor() / 10.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defect_77_the_bands_are_over_executed_tests_and_nothing_executed_has_none() {
        use Assessment as A;
        for (passed, executed, wanted) in [
            (19, 20, Some(A::Excellent)),
            (17, 20, Some(A::Good)),
            (16, 20, Some(A::Acceptable)),
            (15, 20, Some(A::Acceptable)),
            (12, 20, Some(A::Concerning)),
            (11, 20, Some(A::Failed)),
            (0, 1, Some(A::Failed)),
            (1, 1, Some(A::Excellent)),
            (0, 0, None),
        ] {
            assert_eq!(A::of(passed, executed), wanted, "{passed} of {executed}");
        }
        let counts = Counts {
            total: 19,
            passed: 12,
            failed: 1,
            skipped: 4,
            running: 0,
        };
        assert_eq!(counts.assessment(), Some(A::Good));
        assert_eq!(
            (rate_words(counts).as_str(), coverage_words(counts).as_str()),
            ("12 of 13 = 92.3 %", "13 of 19 run (68 %)")
        );
        let skipped = Counts {
            total: 19,
            skipped: 19,
            ..Counts::default()
        };
        assert_eq!((skipped.assessment(), skipped.rate()), (None, None));
    }

    #[test]
    fn of_two_lines_about_one_test_the_younger_counts() {
        let line = |state, at: &str| Item {
            key: "latency_test".to_owned(),
            state,
            data: serde_json::to_value(Verdict {
                at: at.parse().unwrap(),
                expected: String::new(),
                found: String::new(),
                evidence: Vec::new(),
                figures: serde_json::Map::new(),
                submitted: Vec::new(),
                rehearsal: false,
                simulated: false,
            })
            .unwrap(),
            ..Item::default()
        };
        let mut results = Results::default();
        results.take(&line(ItemState::Failed, "2026-11-22T14:00:00Z"));
        results.take(&line(ItemState::Done, "2026-11-22T14:05:00Z"));
        results.take(&line(ItemState::Failed, "2026-11-22T14:01:00Z"));
        assert_eq!(results.get("latency_test").unwrap().state, ItemState::Done);
    }
}
