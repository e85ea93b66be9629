//! The tests as a tree of two levels, with what is folded.

use std::collections::BTreeMap;

use crate::engine::Capability;
use crate::engine::item::{Item, ItemState};
use crate::engine::validate::judge::{Counts, Verdict};
use crate::engine::validate::{Catalogue, Category, Results};
use crate::tui::app::context::Cx;

/// One visible line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A category, and whether it is open.
    Category(Category, bool),
    /// A test, by its place in the catalogue.
    Test(usize),
}

/// The tree as it stands.
#[derive(Debug)]
pub struct Tree {
    /// The tests.
    pub catalogue: Catalogue,
    /// What they came to.
    pub results: Results,
    /// What is visible.
    pub lines: Vec<Line>,
    /// Categories that a person opened or folded.
    chosen: BTreeMap<Category, bool>,
    /// Rows for lines, as of the last drawing.
    pub room: usize,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            catalogue: Catalogue::shipped().unwrap_or(Catalogue { tests: Vec::new() }),
            results: Results::default(),
            lines: Vec::new(),
            chosen: BTreeMap::new(),
            room: 0,
        }
    }
}

impl Tree {
    /// Takes the results as they are now.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        self.results = cx.step(Capability::Validate).map(Results::of).unwrap_or_default();
        self.lay();
    }

    fn lay(&mut self) {
        let all = self.catalogue.tests.len() + Category::ALL.len();
        let fits = self.room >= all;
        self.lines.clear();
        for category in Category::ALL {
            let open = self.chosen.get(&category).copied().unwrap_or_else(|| {
                let counts = self.counts(Some(category));
                // Failed and running ones open by themselves.
                fits || counts.failed > 0 || counts.running > 0
            });
            self.lines.push(Line::Category(category, open));
            if open {
                for (index, test) in self.catalogue.tests.iter().enumerate() {
                    if test.category == category {
                        self.lines.push(Line::Test(index));
                    }
                }
            }
        }
    }

    /// Counts over all tests or those of a category.
    pub fn counts(&self, category: Option<Category>) -> Counts {
        self.results.counts(&self.catalogue, category)
    }

    /// The line of a test.
    pub fn item(&self, index: usize) -> Option<&Item> {
        self.results.get(&self.catalogue.tests.get(index)?.name)
    }

    /// Opens or folds a category.
    pub fn toggle(&mut self, category: Category) {
        let open = self
            .lines
            .iter()
            .any(|line| *line == Line::Category(category, true));
        self.chosen.insert(category, !open);
        self.lay();
    }

    /// Opens a category.
    pub fn unfold(&mut self, category: Category) {
        self.chosen.insert(category, true);
        self.lay();
    }

    /// Where a test stands among the visible lines.
    pub fn at(&self, index: usize) -> Option<usize> {
        self.lines.iter().position(|line| *line == Line::Test(index))
    }

    /// Where a category stands.
    pub fn at_category(&self, category: Category) -> Option<usize> {
        self.lines
            .iter()
            .position(|line| matches!(line, Line::Category(own, _) if *own == category))
    }

    /// The first failed test below the cursor; `None` when there is none below it.
    pub fn next_failure(&self, cursor: usize) -> Option<(Category, usize)> {
        // A category stands before its tests: from there all of them are below.
        let after = match self.lines.get(cursor) {
            Some(Line::Test(index)) => Some(*index),
            Some(Line::Category(category, _)) => self
                .catalogue
                .tests
                .iter()
                .position(|test| test.category == *category)
                .and_then(|first| first.checked_sub(1)),
            None => None,
        };
        self.catalogue
            .tests
            .iter()
            .enumerate()
            .filter(|(index, _)| after.is_none_or(|after| *index > after))
            .find(|(index, _)| {
                self.item(*index)
                    .is_some_and(|item| item.state == ItemState::Failed)
            })
            .map(|(index, test)| (test.category, index))
    }

    /// Whether durations are simulated, and whether it is a rehearsal at all.
    pub fn rehearsal(&self) -> (bool, bool) {
        let any = |of: fn(&Verdict) -> bool| {
            self.results
                .lines
                .values()
                .filter_map(Verdict::of)
                .any(|verdict| of(&verdict))
        };
        (any(|verdict| verdict.simulated), any(|verdict| verdict.rehearsal))
    }
}
