//! The words the engine knows, as data: `assets/rules/default.yml`, `assets/rules/guide.yml`, and what a workspace adds.
//!
//! To add a rule set: write a YAML file of the shape of [`data::RulesFile`], embed it here and name it in [`Rules::named`].
//! To add words: put them in the workspace's `tasks/rules.yml`; nothing here changes.

pub mod data;
mod lexicon;

use std::collections::HashMap;

pub use data::{Matching, RulesFile, ScoreKind, ScoreRule};
pub(crate) use lexicon::{Entry, Flags, Kind, Lexicon, Mark, NO_CLASS, Phrases, UNKNOWN, Word};

use crate::engine::error::{Error, Result};
use crate::engine::yaml;

const DEFAULT: &str = include_str!("../../../../assets/rules/default.yml");
const GUIDE: &str = include_str!("../../../../assets/rules/guide.yml");

/// Where a workspace keeps its own words, relative to its root.
pub const WORKSPACE_FILE: &str = "tasks/rules.yml";

/// A rule set, ready for use. Immutable; share it with an `Arc`.
#[derive(Debug, Clone)]
pub struct Rules {
    /// `default` or `guide`, or the name a workspace's file gives.
    pub name: String,
    pub(crate) score: ScoreRule,
    pub(crate) matching: Matching,
    /// Indicator phrases, by whether they speak for parallel work.
    pub(crate) indicators: Phrases<bool>,
    pub(crate) high: Vec<String>,
    pub(crate) low: Vec<String>,
    pub(crate) task_types: Vec<(String, Vec<String>)>,
    pub(crate) subtask_types: Vec<(String, Vec<String>)>,
    pub(crate) lexicon: Lexicon,
    priorities: HashMap<String, String>,
}

impl Rules {
    /// The rules users get, with `user` (the text of a workspace's file) added.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] with line and column when `user` is not a rules file.
    pub fn default_with(user: Option<&str>) -> Result<Self> {
        let mut file: RulesFile = yaml::from_str("assets/rules/default.yml", DEFAULT)?;
        if let Some(text) = user {
            let more: RulesFile = yaml::from_str(WORKSPACE_FILE, text)?;
            if more.version.is_some_and(|version| version != 1) {
                return Err(Error::input(format!("{WORKSPACE_FILE}: only version 1 is known")));
            }
            file.merge(more);
        }
        Ok(Self::compile(&file))
    }

    /// The guide's indicators and types as written, over the default grammar.
    ///
    /// # Errors
    /// A bug only: the embedded files do not parse.
    pub fn guide() -> Result<Self> {
        let mut file: RulesFile = yaml::from_str("assets/rules/default.yml", DEFAULT)?;
        file.indicators = data::Indicators::default();
        file.merge(yaml::from_str("assets/rules/guide.yml", GUIDE)?);
        Ok(Self::compile(&file))
    }

    /// The rule set of a name given on the command line: `default` or `guide`.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Usage`] for another name; else as [`Rules::default_with`].
    pub fn named(name: &str, user: Option<&str>) -> Result<Self> {
        match name {
            "default" => Self::default_with(user),
            "guide" => Self::guide(),
            other => Err(
                Error::new(crate::engine::ErrorKind::Usage, format!("no rules named {other}"))
                    .hint("There are two: default and guide."),
            ),
        }
    }

    fn compile(file: &RulesFile) -> Self {
        let lower = |list: &[String]| list.iter().map(|word| word.to_lowercase()).collect::<Vec<_>>();
        let mut priorities = HashMap::new();
        for (target, words) in &file.priorities {
            for word in words {
                priorities.insert(word.to_lowercase(), target.to_uppercase());
            }
        }
        let lower_types = |types: &[(String, Vec<String>)]| {
            types
                .iter()
                .map(|(kind, words)| (kind.clone(), lower(words)))
                .collect()
        };
        let mut lexicon = Lexicon::compile(file);
        let indicators = [(&file.indicators.high, true), (&file.indicators.low, false)];
        let indicators = indicators
            .into_iter()
            .flat_map(|(words, speaks_for)| words.iter().map(move |word| (word, speaks_for)));
        let indicators = lexicon.phrases_of(indicators);
        Self {
            indicators,
            name: file.name.clone().unwrap_or_else(|| "default".to_owned()),
            score: file.score.unwrap_or(ScoreRule {
                kind: ScoreKind::Structure,
                high_word: 1,
                low_word: -1,
            }),
            matching: file.matching.unwrap_or(Matching::Words),
            high: lower(&file.indicators.high),
            low: lower(&file.indicators.low),
            task_types: lower_types(&file.task_types),
            subtask_types: lower_types(&file.subtask_types),
            lexicon,
            priorities,
        }
    }

    /// The MAOS priority (`LOW NORMAL HIGH CRITICAL`) of a legacy spelling, in any case; `None` when no rule knows it.
    #[must_use]
    pub fn priority(&self, spelling: &str) -> Option<&str> {
        self.priorities
            .get(&spelling.trim().to_lowercase())
            .map(String::as_str)
    }
}
