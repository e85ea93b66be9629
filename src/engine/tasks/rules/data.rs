//! The shape of a rules file, exactly as it is written in YAML.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A rules file. Every part may be missing, so that a workspace's file needs to hold only what it adds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesFile {
    /// The version of this shape; 1.
    pub version: Option<u32>,
    /// The name shown in reasons and logs.
    pub name: Option<String>,
    /// Whether entries match whole words or any part of the text.
    #[serde(rename = "match")]
    pub matching: Option<Matching>,
    /// How the score is made.
    pub score: Option<ScoreRule>,
    /// Words that raise or lower the score.
    pub indicators: Indicators,
    /// Verb classes in the order of their precedence.
    pub verbs: Vec<VerbClass>,
    /// Verbs that are nouns as well.
    pub noun_verbs: Vec<String>,
    /// Nouns of actions by type.
    pub action_nouns: BTreeMap<String, Vec<String>>,
    /// Phrases that are never split.
    pub protected: Vec<String>,
    /// Names whose first word could be a verb.
    pub compounds: Vec<String>,
    /// Joining words by kind.
    pub connectives: BTreeMap<String, Vec<String>>,
    /// Openings that say nothing about the work.
    pub lead_ins: Vec<String>,
    /// Phrases that force one line.
    pub chain: Vec<String>,
    /// Words that point back, by reach.
    pub references: BTreeMap<String, Vec<String>>,
    /// Verbs that bring material in, by `acquires`; verbs that work on such material, by `works_on`.
    pub phases: BTreeMap<String, Vec<String>>,
    /// Nouns of what a search or a step brings to light ("the defects", "any conflicts").
    pub outcomes: Vec<String>,
    /// Articles and the like.
    pub determiners: Vec<String>,
    /// All prepositions.
    pub prepositions: Vec<String>,
    /// Those whose list is shared out.
    pub distributing: Vec<String>,
    /// Those whose list stays together after "a".
    pub topic: Vec<String>,
    /// Number words.
    pub numbers: BTreeMap<String, u32>,
    /// Words that may stand before a count.
    pub count_leads: Vec<String>,
    /// Counted things that are not shared out.
    pub units: Vec<String>,
    /// Verbs whose counted object is one set.
    pub set_verbs: Vec<String>,
    /// The largest count that is shared out.
    pub max_fan_out: Option<u32>,
    /// Adjectives that describe one thing together.
    pub praising: Vec<String>,
    /// Heads that a list shares.
    pub shared_heads: Vec<String>,
    /// How a subtask's type is found.
    pub types: TypeRules,
    /// MAOS priority by its legacy spellings.
    pub priorities: BTreeMap<String, Vec<String>>,
    /// The guide's types of a whole task: the first line with a hit.
    pub task_types: Vec<(String, Vec<String>)>,
    /// The guide's types of a subtask: the first line with a hit.
    pub subtask_types: Vec<(String, Vec<String>)>,
}

/// Whole words or substrings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// Whole words; what the default rules use.
    Words,
    /// Any part of the text, as the guide does it.
    Substring,
}

/// Which quantity the score is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreKind {
    /// The decomposed plan: its width and its critical path.
    Structure,
    /// Only the indicator words, as in the guide.
    Indicators,
}

/// Points a word adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreRule {
    /// Which formula.
    pub kind: ScoreKind,
    /// Points for a word that speaks for parallel work.
    pub high_word: i32,
    /// Points for a word that speaks against it.
    pub low_word: i32,
}

/// Words for and against parallel work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Indicators {
    /// For.
    pub high: Vec<String>,
    /// Against.
    pub low: Vec<String>,
}

/// Verbs that ask for the same sort of work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent traits, each a key of the file"
)]
pub struct VerbClass {
    /// The class's name.
    pub class: String,
    /// The type of its subtasks.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Its object exists only afterwards.
    #[serde(default)]
    pub produces: bool,
    /// It changes nothing.
    #[serde(default)]
    pub inspects: bool,
    /// It needs what stands before it.
    #[serde(default)]
    pub gathers: bool,
    /// Its objects are weighed one by one.
    #[serde(default)]
    pub alternatives: bool,
    /// It limits another subtask.
    #[serde(default)]
    pub constraint: bool,
    /// The verbs.
    pub words: Vec<String>,
}

/// How a subtask's type is found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypeRules {
    /// Verb classes whose object decides first.
    pub by_object: Vec<String>,
    /// Object words by type.
    pub objects: BTreeMap<String, Vec<String>>,
    /// The order of precedence when no verb decides.
    pub words: Vec<(String, Vec<String>)>,
}

impl RulesFile {
    /// Adds the entries of `more` (a workspace's file) to these; single values of `more` win.
    pub fn merge(&mut self, more: Self) {
        fn map(into: &mut BTreeMap<String, Vec<String>>, from: BTreeMap<String, Vec<String>>) {
            for (key, words) in from {
                into.entry(key).or_default().extend(words);
            }
        }
        self.version = more.version.or(self.version);
        self.name = more.name.or_else(|| self.name.take());
        self.matching = more.matching.or(self.matching);
        self.score = more.score.or(self.score);
        self.max_fan_out = more.max_fan_out.or(self.max_fan_out);
        self.indicators.high.extend(more.indicators.high);
        self.indicators.low.extend(more.indicators.low);
        for class in more.verbs {
            match self.verbs.iter_mut().find(|own| own.class == class.class) {
                Some(own) => own.words.extend(class.words),
                None => self.verbs.push(class),
            }
        }
        for (into, from) in [
            (&mut self.noun_verbs, more.noun_verbs),
            (&mut self.protected, more.protected),
            (&mut self.compounds, more.compounds),
            (&mut self.lead_ins, more.lead_ins),
            (&mut self.chain, more.chain),
            (&mut self.determiners, more.determiners),
            (&mut self.prepositions, more.prepositions),
            (&mut self.distributing, more.distributing),
            (&mut self.topic, more.topic),
            (&mut self.count_leads, more.count_leads),
            (&mut self.units, more.units),
            (&mut self.set_verbs, more.set_verbs),
            (&mut self.praising, more.praising),
            (&mut self.shared_heads, more.shared_heads),
            (&mut self.outcomes, more.outcomes),
            (&mut self.types.by_object, more.types.by_object),
        ] {
            into.extend(from);
        }
        self.numbers.extend(more.numbers);
        map(&mut self.action_nouns, more.action_nouns);
        map(&mut self.connectives, more.connectives);
        map(&mut self.references, more.references);
        map(&mut self.phases, more.phases);
        map(&mut self.types.objects, more.types.objects);
        map(&mut self.priorities, more.priorities);
        self.types.words.extend(more.types.words);
        self.task_types.extend(more.task_types);
        self.subtask_types.extend(more.subtask_types);
    }
}
