//! What was measured: the comparison of both systems and the validation of MAOS, as the report tells them.

use serde::{Deserialize, Serialize};

use super::blocks::Block;
use crate::engine::compare::statistics::Rate;
use crate::engine::compare::summary::{Resources, TaskFigures};
use crate::engine::compare::{self, Pair, Summary, summarize};
use crate::engine::item::ItemState;
use crate::engine::snapshot::Step;
use crate::engine::text::{inert, plural};
use crate::engine::validate::judge::{coverage_words, rate_words};
use crate::engine::validate::{Catalogue, Category, Results, Verdict};

/// Tasks of a comparison that the report lists.
const LISTED: usize = 50;

/// The comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Its figures.
    pub summary: Summary,
    /// Whether MAOS was the embedded stand-in.
    pub rehearsal: bool,
    /// Whether durations were simulated.
    pub simulated: bool,
}

/// What must be known before the figures are read.
fn mark(rehearsal: bool, simulated: bool) -> Option<Block> {
    let said = if simulated {
        "REHEARSAL: MAOS was the embedded stand-in and durations were simulated; times say nothing about your systems."
    } else if rehearsal {
        "REHEARSAL: MAOS was the embedded stand-in."
    } else {
        return None;
    };
    Some(Block::Warning(said.to_owned()))
}

impl Comparison {
    /// The comparison of a step; `None` when no pair has ended. `needed` pairs make a recommendation.
    #[must_use]
    pub fn of(step: &Step, needed: usize) -> Option<Self> {
        let items = step.items.get(compare::RUN)?;
        let pairs: Vec<Pair> = items.all().iter().filter_map(|item| Pair::of(item)).collect();
        let planned = step
            .outcome
            .as_ref()
            .map(|outcome| outcome.source)
            .or_else(|| step.progress.as_ref().and_then(|progress| progress.total))
            .unwrap_or(pairs.len() as u64);
        let summary = summarize(&pairs, planned, needed as u64);
        (summary.run > 0).then_some(Self {
            summary,
            rehearsal: pairs.iter().any(|pair| pair.rehearsal),
            simulated: pairs.iter().any(|pair| pair.simulated),
        })
    }

    /// As blocks.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let summary = &self.summary;
        let mut blocks = Vec::from_iter(mark(self.rehearsal, self.simulated));
        blocks.push(Block::Paragraph(format!(
            "{}. It rests on {}.",
            summary.sentence().trim_end_matches('.'),
            summary.spread_words()
        )));
        blocks.extend(summary.caution().map(Block::Warning));
        let left_out = summary.left_out();
        if !left_out.is_empty() {
            blocks.push(Block::List(left_out));
        }
        blocks.push(Block::Table(
            ["Figure", "Legacy", "MAOS"].map(str::to_owned).to_vec(),
            figures(summary),
        ));
        if summary.compared > 0 {
            blocks.push(Block::Paragraph("Compared pairs by speed-up:".to_owned()));
            for (label, n) in ["below 1×", "1× to 2×", "2× to 3×", "above 3×"]
                .into_iter()
                .zip(summary.histogram)
            {
                blocks.push(Block::Bar(label.to_owned(), whole(n), whole(summary.compared)));
            }
        }
        let header = [
            "Task",
            "Pairs compared",
            "Legacy, median",
            "MAOS, median",
            "Speed-up",
        ];
        blocks.push(Block::Table(
            header.map(str::to_owned).to_vec(),
            summary.tasks.iter().take(LISTED).map(task).collect(),
        ));
        let rest = summary.tasks.len().saturating_sub(LISTED) as u64;
        if rest > 0 {
            blocks.push(Block::Paragraph(format!(
                "{} more in {}.",
                plural(rest, "task is", "tasks are"),
                compare::REPORT
            )));
        }
        blocks
    }
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn figures(summary: &Summary) -> Vec<Vec<String>> {
    let unknown = || "not reported".to_owned();
    let row = |what: &str, legacy: String, maos: String| vec![what.to_owned(), legacy, maos];
    vec![
        row("Success", success(summary.legacy), success(summary.maos)),
        row(
            "Agents, as reported",
            "-".to_owned(),
            summary.agents.map_or_else(unknown, |(mean, most, n)| {
                format!("{mean:.1} on average, {most} at most, {}", runs(n))
            }),
        ),
        row(
            "Parallel efficiency, as reported",
            "-".to_owned(),
            summary
                .efficiency
                .map_or_else(unknown, |(mean, n)| format!("{mean:.2}, {}", runs(n))),
        ),
        row("Resources", used(summary.legacy_used), used(summary.maos_used)),
        row(
            "Same quality",
            "-".to_owned(),
            summary.quality.map_or_else(
                || "not measured".to_owned(),
                |rate| format!("{} of {}", rate.succeeded, rate.run),
            ),
        ),
    ]
}

fn runs(n: u64) -> String {
    format!("of {}", plural(n, "run", "runs"))
}

fn success(rate: Rate) -> String {
    let share = rate.share().map_or_else(String::new, |share| {
        format!(", {:.1} %", (share * 1000.0).floor() / 10.0)
    });
    format!("{} of {}{share}", rate.succeeded, rate.run)
}

fn used(used: Option<Resources>) -> String {
    used.map_or_else(
        || "not measured".to_owned(),
        |used| {
            let mib = used.peak_bytes / (1024 * 1024);
            format!("{:.1} cores, {mib} MiB at most, {}", used.cores, runs(used.n))
        },
    )
}

fn task(task: &TaskFigures) -> Vec<String> {
    let seconds = |s: Option<f64>| s.map_or_else(|| "-".to_owned(), |s| format!("{s:.2} s"));
    vec![
        inert(&task.task),
        format!("{} of {}", task.compared, task.pairs),
        seconds(task.legacy_s),
        seconds(task.maos_s),
        task.speedup
            .map_or_else(|| "not compared".to_owned(), |times| format!("{times:.1}×")),
    ]
}

/// The validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// What the tests came to, in one sentence.
    pub sentence: String,
    /// Whether MAOS was the embedded stand-in.
    pub rehearsal: bool,
    /// Whether durations were simulated.
    pub simulated: bool,
    /// Every test: category, name, result, time, what was seen.
    pub tests: Vec<[String; 5]>,
}

impl Validation {
    /// The validation of a step; `None` when no test has ended.
    #[must_use]
    pub fn of(step: &Step, catalogue: &Catalogue) -> Option<Self> {
        let results = Results::of(step);
        let counts = results.counts(catalogue, None);
        if counts.executed() + counts.skipped == 0 {
            return None;
        }
        let assessed = counts.assessment().map_or_else(
            || "no test was executed, so there is no assessment".to_owned(),
            |assessment| format!("{}; {}", rate_words(counts), assessment.sentence()),
        );
        let tests = Category::ALL
            .into_iter()
            .flat_map(|category| catalogue.of_category(category))
            .map(|test| {
                let item = results.get(&test.name);
                let word = match item.map(|item| item.state) {
                    Some(ItemState::Done) => "passed",
                    Some(ItemState::Failed) => "FAILED",
                    Some(ItemState::Skipped) => "skipped",
                    _ => "not run",
                };
                let seen = item.map_or_else(String::new, |item| {
                    Verdict::of(item).map_or_else(|| item.text.clone(), |verdict| verdict.found)
                });
                #[expect(clippy::cast_precision_loss, reason = "milliseconds of a test")]
                let time = item
                    .filter(|item| matches!(item.state, ItemState::Done | ItemState::Failed))
                    .and_then(|item| item.ms)
                    .map_or_else(String::new, |ms| format!("{:.1} s", ms as f64 / 1000.0));
                [
                    test.category.name().to_owned(),
                    test.name.clone(),
                    word.to_owned(),
                    time,
                    seen,
                ]
            })
            .collect();
        let verdicts = || results.lines.values().filter_map(Verdict::of);
        Some(Self {
            sentence: format!("{}: {assessed}.", coverage_words(counts)),
            rehearsal: verdicts().any(|verdict| verdict.rehearsal),
            simulated: verdicts().any(|verdict| verdict.simulated),
            tests,
        })
    }

    /// As blocks.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::from_iter(mark(self.rehearsal, self.simulated));
        blocks.push(Block::Paragraph(self.sentence.clone()));
        let rows = self
            .tests
            .iter()
            .map(|test| {
                test.iter()
                    .map(|text| {
                        if text.is_empty() {
                            "-".to_owned()
                        } else {
                            inert(text)
                        }
                    })
                    .collect()
            })
            .collect();
        let header = ["Category", "Test", "Result", "Time", "What was seen"];
        blocks.push(Block::Table(header.map(str::to_owned).to_vec(), rows));
        blocks
    }
}
