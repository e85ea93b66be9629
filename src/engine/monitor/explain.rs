//! The arithmetic of a verdict, line by line, as `monitor explain` prints it and the overlay shows it.

use serde::Serialize;

use super::criteria::{Criteria, Policy};
use super::sample::Gap;
use super::statistics::ratio;
use super::verdict::{Criterion, Judged, State, Verdict, short_percent};
use super::watch::Point;

/// One line: a name, the sum, what it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `Error rate`, or with two blanks before it what is asked of the line above: `  believable`.
    pub name: String,
    /// `61 failed ÷ 186 ended in 30 min = 32.8 %`.
    pub text: String,
    /// `yes`, `3 of 3   BREACH   +3`; empty where nothing follows.
    pub result: String,
    /// The criterion it belongs to; `None` for the sum.
    pub criterion: Option<&'static str>,
}

/// All lines of a verdict. `other` is the verdict of the other policy on the same sample; `confirmed` gives the times of the
/// samples in a row behind a figure that is over its limit, in words.
#[must_use]
pub fn lines(
    verdict: &Verdict,
    other: Option<&Verdict>,
    criteria: &Criteria,
    baseline: Option<f64>,
    confirmed: &dyn Fn(&Judged) -> String,
) -> Vec<Line> {
    let mut out = Vec::new();
    for judged in &verdict.criteria {
        let told = Told {
            judged,
            criteria,
            window: verdict.policy == Policy::Default,
        };
        out.extend(told.lines(baseline, confirmed));
    }
    let sum: Vec<String> = verdict
        .criteria
        .iter()
        .map(|judged| judged.addend.to_string())
        .collect();
    let compare = |limit: u32| if verdict.score >= limit { "≥" } else { "<" };
    let line = |name: &str, text: String, result: String| Line {
        name: name.to_owned(),
        text,
        result,
        criterion: None,
    };
    out.push(line(
        "Score",
        format!("{} = {}", sum.join(" + "), verdict.score),
        format!(
            "{score} {} {roll} roll back    {score} {} {now} at once",
            compare(criteria.roll_back_at),
            compare(criteria.immediate_at),
            score = verdict.score,
            roll = criteria.roll_back_at,
            now = criteria.immediate_at
        ),
    ));
    if let Some(latch) = verdict.latch {
        let text = format!(
            "with score {}; it stays until somebody takes it back",
            latch.score
        );
        out.push(line("Latched", text, String::new()));
    }
    if verdict.unknown_used > 0 || verdict.frozen {
        out.push(line(
            "Unknown",
            format!(
                "{} of {} samples of the budget",
                verdict.unknown_used, criteria.unknown_budget
            ),
            if verdict.frozen {
                "spent: frozen, paged"
            } else {
                ""
            }
            .to_owned(),
        ));
    }
    if let Some(other) = other {
        let whose = match other.policy {
            Policy::Guide => "As the guide judges one sample alone",
            Policy::Default => "By the default policy",
        };
        let same = if other.score == verdict.score { "also " } else { "" };
        out.push(line(
            "",
            format!("{whose}: {same}{}.", other.score),
            String::new(),
        ));
    }
    out
}

/// The times of the samples in a row behind a figure that is over its limit, oldest first. `points` end with its sample.
#[must_use]
pub fn confirming<'a>(points: impl DoubleEndedIterator<Item = &'a Point>, judged: &Judged) -> Vec<i64> {
    let mut times: Vec<i64> = points
        .rev()
        .filter(|point| point.verdict.aside.is_none())
        .map(|point| (point.at(), point.verdict.of(judged.criterion).state))
        .take_while(|(_, state)| !matches!(state, State::Ok))
        .filter(|(_, state)| matches!(state, State::Over | State::Breach))
        .map(|(at, _)| at)
        .take(usize::try_from(judged.streak).unwrap_or(usize::MAX))
        .collect();
    times.reverse();
    times
}

/// A criterion that is being explained.
struct Told<'a> {
    judged: &'a Judged,
    criteria: &'a Criteria,
    /// By the default policy; else each sample alone.
    window: bool,
}

/// A line below the first of a criterion: what is asked, the arithmetic, the answer.
type Below = (&'static str, String, String);

impl Told<'_> {
    fn limit(&self) -> f64 {
        self.criteria.rule(self.judged.criterion).limit
    }

    fn lines(&self, baseline: Option<f64>, confirmed: &dyn Fn(&Judged) -> String) -> Vec<Line> {
        let judged = self.judged;
        let headline = match judged.state {
            State::Unknown(Gap::Few) => format!(
                "too few: {} of {} tasks, not judged",
                judged.n, self.criteria.minimum_tasks
            ),
            State::Unknown(gap) => format!("{gap}: neither way"),
            _ => self.sum(baseline),
        };
        let mut below = if judged.is_unknown() {
            Vec::new()
        } else {
            self.below()
        };
        let in_a_row = self.window && judged.criterion != Criterion::Validation && judged.streak > 0;
        let mut outcome = self.outcome();
        if in_a_row && !judged.at_once && !judged.is_unknown() {
            let most = self.criteria.confirmations;
            let counted = format!("{} of {most}   {outcome}", judged.streak.min(most));
            below.push(("confirmed", confirmed(judged), counted));
            outcome = String::new();
        }
        let line = |name: String, text: String, result: String| Line {
            name,
            text,
            result,
            criterion: Some(judged.criterion.id()),
        };
        let title = match judged.criterion {
            Criterion::Validation => "Validation",
            other => other.title(),
        };
        let mut out = vec![line(title.to_owned(), headline, outcome)];
        out.extend(
            below
                .into_iter()
                .map(|(name, text, result)| line(format!("  {name}"), text, result)),
        );
        out
    }

    fn outcome(&self) -> String {
        let word = match self.judged.state {
            State::Ok => "OK",
            State::Over => "over",
            State::Breach => "BREACH",
            State::Unknown(_) => "UNKNOWN",
        };
        let hard = if self.criteria.rule(self.judged.criterion).hard {
            " hard"
        } else {
            ""
        };
        format!("{word}{hard}   +{}", self.judged.addend)
    }

    /// The figure and how it comes about.
    fn sum(&self, baseline: Option<f64>) -> String {
        let judged = self.judged;
        let share = judged.value.map_or_else(|| "?".to_owned(), short_percent);
        let limit = short_percent(self.limit());
        let over = match judged.criterion {
            Criterion::Availability if judged.value.is_some_and(|value| value < self.limit()) => "under",
            _ => "not under",
        };
        match judged.criterion {
            Criterion::ErrorRate if self.window => {
                let share = ratio(judged.k, judged.n).map_or_else(|| "?".to_owned(), short_percent);
                let over = if judged.at_once {
                    "the newest".to_owned()
                } else {
                    span(self.criteria.window)
                };
                format!("{} failed ÷ {} ended in {over} = {share}", judged.k, judged.n)
            }
            Criterion::Degradation => match (judged.seconds, baseline, judged.value) {
                (Some(seconds), Some(baseline), Some(value)) => {
                    let sign = if value < 0.0 { "" } else { "+" };
                    format!(
                        "{} ÷ {} baseline − 1 = {sign}{share}",
                        short_seconds(seconds),
                        short_seconds(baseline)
                    )
                }
                (Some(seconds), ..) => short_seconds(seconds),
                _ => "no response time".to_owned(),
            },
            Criterion::Availability if self.window => {
                format!("{} ÷ {} = {share}, {over} {limit}", judged.k, judged.n)
            }
            Criterion::ErrorRate | Criterion::Availability => {
                format!("this sample alone {share}, limit {limit}")
            }
            Criterion::Validation => format!("{} in a row, limit {}", judged.k, self.limit()),
        }
    }

    /// What is asked of the figure before it counts.
    fn below(&self) -> Vec<Below> {
        let (judged, limit) = (self.judged, self.limit());
        let said = short_percent;
        let confidence = said(self.criteria.confidence);
        let answer = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let mut out = Vec::new();
        match judged.criterion {
            Criterion::ErrorRate if judged.at_once => out.push((
                "at once",
                format!(
                    "at least {} of {} tasks or more",
                    said(self.criteria.disaster_errors),
                    self.criteria.disaster_tasks
                ),
                answer(true),
            )),
            Criterion::ErrorRate if self.window => {
                if let Some(bound) = judged.bound {
                    let yes = bound > limit;
                    let sign = if yes { ">" } else { "≤" };
                    let text = format!(
                        "Wilson {confidence} lower bound {} {sign} {}",
                        said(bound),
                        said(limit)
                    );
                    out.push(("believable", text, answer(yes)));
                }
                if let Some(newest) = judged
                    .newest
                    .filter(|_| judged.bound.is_some_and(|bound| bound > limit))
                {
                    let yes = newest >= limit;
                    let sign = if yes { "≥" } else { "<" };
                    let text = format!("the newest tasks {} {sign} {}", said(newest), said(limit));
                    out.push(("still so", text, answer(yes)));
                }
            }
            Criterion::Degradation => {
                let over = judged.value.is_some_and(|value| value > limit);
                if let Some(newest) = judged.newest.filter(|_| self.window && over) {
                    let yes = newest > limit;
                    let sign = if yes { ">" } else { "≤" };
                    let text = format!("the newest sample {} {sign} +{}", said(newest), said(limit));
                    out.push(("still so", text, answer(yes)));
                }
            }
            Criterion::Availability if self.window && judged.value.is_some_and(|value| value < limit) => {
                if let Some(bound) = judged.bound {
                    let yes = bound < limit;
                    let sign = if yes { "<" } else { "≥" };
                    let text = format!(
                        "Wilson {confidence} upper bound {} {sign} {}",
                        said(bound),
                        said(limit)
                    );
                    out.push(("believable", text, answer(yes)));
                }
            }
            Criterion::ErrorRate | Criterion::Availability | Criterion::Validation => {}
        }
        out
    }
}

/// Microseconds in a few words: `30 min`, `40 s`.
#[must_use]
pub fn span(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// A response time in three figures: `2.40 s`, `56 ms`.
#[must_use]
pub fn short_seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 100.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.01 => format!("{:.0} ms", s * 1e3),
        s => format!("{:.2} ms", s * 1e3),
    }
}
