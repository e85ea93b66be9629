//! The tests as data: names and categories of the guide, and what each needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::error::{Error, Result};
use crate::engine::workspace::Workspace;
use crate::engine::yaml;

/// The tests as shipped.
const SHIPPED: &str = include_str!("../../../assets/validate/tests.yml");

/// The guide's categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Does it work at all.
    Functionality,
    /// Is it faster.
    Performance,
    /// Does it hold.
    Reliability,
    /// Does it take what the legacy system had.
    Compatibility,
    /// Does it grow.
    Scalability,
}

impl Category {
    /// All of them, in the guide's order.
    pub const ALL: [Self; 5] = [
        Self::Functionality,
        Self::Performance,
        Self::Reliability,
        Self::Compatibility,
        Self::Scalability,
    ];

    /// The guide's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Functionality => "functionality",
            Self::Performance => "performance",
            Self::Reliability => "reliability",
            Self::Compatibility => "compatibility",
            Self::Scalability => "scalability",
        }
    }
}

/// One test.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The guide's name.
    pub name: String,
    /// Where it belongs.
    pub category: Category,
    /// What must be seen, in a fragment.
    pub expected: String,
    /// Tasks that it sends to MAOS at most.
    pub tasks: u64,
    /// Its deadline.
    pub seconds: u64,
    /// What its tasks say.
    #[serde(default)]
    pub texts: Vec<String>,
    /// Numbers that it compares with.
    #[serde(default)]
    pub limits: BTreeMap<String, f64>,
}

impl Test {
    /// A text; empty when the catalogue has none at that place.
    #[must_use]
    pub fn text(&self, index: usize) -> &str {
        self.texts
            .get(index)
            .or(self.texts.last())
            .map_or("", String::as_str)
    }

    /// A number of its own, or `otherwise`.
    #[must_use]
    pub fn limit(&self, name: &str, otherwise: f64) -> f64 {
        self.limits.get(name).copied().unwrap_or(otherwise)
    }

    /// A number of its own as a count.
    #[must_use]
    pub fn whole(&self, name: &str, otherwise: u32) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the range of the type"
        )]
        self.limits
            .get(name)
            .map_or(otherwise, |value| value.clamp(0.0, f64::from(u32::MAX)) as u32)
    }
}

/// All tests, in the guide's order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The tests.
    pub tests: Vec<Test>,
}

impl Catalogue {
    /// The tests as shipped.
    ///
    /// # Errors
    /// Never in a released program: a test reads them.
    pub fn shipped() -> Result<Self> {
        Self::parse("tests.yml", SHIPPED)
    }

    /// The workspace's own tests, or those shipped.
    ///
    /// # Errors
    /// A file that cannot be read, or names a test twice or one that does not exist.
    pub fn of(workspace: &Workspace) -> Result<Self> {
        match workspace.own_asset(super::OWN_TESTS)? {
            Some(text) => Self::parse(super::OWN_TESTS, &text),
            None => Self::shipped(),
        }
    }

    /// Reads a catalogue; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`Catalogue::of`].
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let catalogue: Self = yaml::from_str(name, text)?;
        let mut seen = std::collections::BTreeSet::new();
        for test in &catalogue.tests {
            if !super::tests::NAMES.contains(&test.name.as_str()) {
                return Err(Error::input(format!("{name}: there is no test {}", test.name)));
            }
            if !seen.insert(&test.name) {
                return Err(Error::input(format!("{name}: {} stands there twice", test.name)));
            }
        }
        Ok(catalogue)
    }

    /// The test of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Test> {
        self.tests.iter().find(|test| test.name == name)
    }

    /// The tests of a category, in order.
    pub fn of_category(&self, category: Category) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(move |test| test.category == category)
    }

    /// Tasks that all of `tests` send at most.
    #[must_use]
    pub fn tasks<'a>(tests: impl IntoIterator<Item = &'a Test>) -> u64 {
        tests.into_iter().map(|test| test.tasks).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defect_74_all_19_tests_of_the_guide_are_there_in_its_5_categories() {
        let catalogue = Catalogue::shipped().unwrap();
        let counts: Vec<usize> = Category::ALL
            .into_iter()
            .map(|category| catalogue.of_category(category).count())
            .collect();
        assert_eq!(counts, [5, 4, 4, 3, 3]);
        let mut names: Vec<&str> = catalogue.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, super::super::tests::NAMES);
        names.dedup();
        assert_eq!(names.len(), 19);
    }

    #[test]
    fn a_test_that_nobody_wrote_is_refused_not_passed() {
        let text = SHIPPED.replacen("submit_simple_task", "submit_any_task", 1);
        let error = Catalogue::parse("validate/tests.yml", &text).unwrap_err();
        assert!(error.message.contains("submit_any_task"), "{error}");
        let doubled = SHIPPED.replacen("submit_parallel_task", "submit_simple_task", 1);
        assert!(Catalogue::parse("validate/tests.yml", &doubled).is_err());
    }
}
