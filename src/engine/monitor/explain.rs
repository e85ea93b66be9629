//! The arithmetic of a verdict, line by line, as `monitor explain` prints it and the overlay shows it.

use serde::Serialize;

use super::criteria::{Criteria, Policy};
use super::statistics::ratio;
use super::verdict::{Criterion, Judged, State, Verdict, short_percent};

/// One line: a name, the sum, what it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `Error rate`, or empty for what belongs to the line above.
    pub name: String,
    /// `61 failed ÷ 186 ended in 30 min = 32.8 %`.
    pub text: String,
    /// `yes`, `3 of 3   BREACH   +3`; empty where nothing follows.
    pub result: String,
    /// The criterion it belongs to; `None` for the sum.
    pub criterion: Option<&'static str>,
}

/// All lines of a verdict. `guide` is the verdict of the other policy on the same sample.
#[must_use]
pub fn lines(
    verdict: &Verdict,
    other: Option<&Verdict>,
    criteria: &Criteria,
    baseline: Option<f64>,
) -> Vec<Line> {
    let mut out = Vec::new();
    for judged in &verdict.criteria {
        criterion(judged, verdict.policy, criteria, baseline, &mut out);
    }
    let sum: Vec<String> = verdict
        .criteria
        .iter()
        .map(|judged| judged.addend.to_string())
        .collect();
    let mut text = format!("{} = {}", sum.join(" + "), verdict.score);
    let compare = |limit: u32| if verdict.score >= limit { "≥" } else { "<" };
    let result = format!(
        "{score} {} {roll} roll back    {score} {} {now} at once",
        compare(criteria.roll_back_at),
        compare(criteria.immediate_at),
        score = verdict.score,
        roll = criteria.roll_back_at,
        now = criteria.immediate_at
    );
    if let Some(latch) = verdict.latch {
        let latched = format!("   latched with {}", latch.score);
        text.push_str(&latched);
    }
    let line = |name: &str, text: String, result: String| Line {
        name: name.to_owned(),
        text,
        result,
        criterion: None,
    };
    out.push(line("Score", text, result));
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

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each criterion, each a few lines"
)]
fn criterion(
    judged: &Judged,
    policy: Policy,
    criteria: &Criteria,
    baseline: Option<f64>,
    out: &mut Vec<Line>,
) {
    let rule = criteria.rule(judged.criterion);
    let minutes = criteria.window / 60_000_000;
    let percent = |share: Option<f64>| share.map_or_else(|| "?".to_owned(), short_percent);
    let limit = short_percent(rule.limit);
    let window = policy == Policy::Default;
    let confidence = short_percent(criteria.confidence);
    let mut lines: Vec<(String, String)> = Vec::new();
    match judged.criterion {
        Criterion::ErrorRate if window => {
            let over = if judged.at_once {
                "the newest tasks".to_owned()
            } else {
                format!("{minutes} min")
            };
            let share = percent(ratio(judged.k, judged.n));
            lines.push((
                format!("{} failed ÷ {} ended in {over} = {share}", judged.k, judged.n),
                String::new(),
            ));
            if judged.at_once {
                let least = short_percent(criteria.disaster_errors);
                lines.push((
                    format!("at least {least} of {} tasks", criteria.disaster_tasks),
                    "at once".to_owned(),
                ));
            } else if let Some(bound) = judged.bound.filter(|_| judged.n >= criteria.minimum_tasks) {
                let (sign, yes) = if bound > rule.limit {
                    (">", "yes")
                } else {
                    ("≤", "no")
                };
                lines.push((
                    format!(
                        "believable: Wilson {confidence} lower bound {} {sign} {limit}",
                        short_percent(bound)
                    ),
                    yes.to_owned(),
                ));
                if let Some(newest) = judged.newest {
                    let (sign, yes) = if newest < rule.limit {
                        ("<", "no")
                    } else {
                        ("≥", "yes")
                    };
                    lines.push((
                        format!("still so: newest tasks {} {sign} {limit}", short_percent(newest)),
                        yes.to_owned(),
                    ));
                }
            } else {
                lines.push((
                    format!("too few: {} of {} tasks", judged.n, criteria.minimum_tasks),
                    String::new(),
                ));
            }
        }
        Criterion::Degradation => match (judged.seconds, baseline, judged.value) {
            (Some(seconds), Some(baseline), Some(value)) => {
                let sign = if value < 0.0 { "" } else { "+" };
                lines.push((
                    format!(
                        "{seconds:.3} s ÷ {baseline:.3} s baseline − 1 = {sign}{}, limit +{limit}",
                        short_percent(value)
                    ),
                    String::new(),
                ));
                if let Some(newest) = judged.newest.filter(|_| window) {
                    lines.push((
                        format!("newest sample alone {}", short_percent(newest)),
                        String::new(),
                    ));
                }
            }
            (Some(seconds), ..) => lines.push((format!("{seconds:.3} s"), String::new())),
            _ => lines.push(("no response time".to_owned(), String::new())),
        },
        Criterion::Availability if window => {
            let share = percent(judged.value);
            lines.push((
                format!(
                    "{} ÷ {} checks in {minutes} min = {share}, limit {limit}",
                    judged.k, judged.n
                ),
                String::new(),
            ));
            if let Some(bound) = judged.bound {
                let (sign, yes) = if bound < rule.limit {
                    ("<", "yes")
                } else {
                    ("≥", "no")
                };
                lines.push((
                    format!(
                        "believable: Wilson {confidence} upper bound {} {sign} {limit}",
                        short_percent(bound)
                    ),
                    yes.to_owned(),
                ));
            }
        }
        Criterion::ErrorRate | Criterion::Availability => {
            lines.push((
                format!("this sample alone {}, limit {limit}", percent(judged.value)),
                String::new(),
            ));
        }
        Criterion::Validation => lines.push((
            format!("{} in a row, limit {}", judged.k, rule.limit),
            String::new(),
        )),
    }
    if let State::Unknown(gap) = judged.state {
        lines.push((format!("unknown: {gap}; counts neither way"), String::new()));
    }
    let verdict = match judged.state {
        State::Ok => "OK",
        State::Over => "over, not confirmed",
        State::Breach => "BREACH",
        State::Unknown(_) => "UNKNOWN",
    };
    let confirmed =
        if window && judged.criterion != Criterion::Validation && !judged.at_once && judged.streak > 0 {
            format!(
                "{} of {}   ",
                judged.streak.min(criteria.confirmations),
                criteria.confirmations
            )
        } else {
            String::new()
        };
    let hard = if rule.hard { " hard" } else { "" };
    let last = lines.len().saturating_sub(1);
    for (i, (text, result)) in lines.into_iter().enumerate() {
        let outcome = if i == last {
            let outcome = format!("{confirmed}{verdict}{hard}   +{}", judged.addend);
            if result.is_empty() {
                outcome
            } else {
                format!("{result}   {outcome}")
            }
        } else {
            result
        };
        out.push(Line {
            name: if i == 0 {
                judged.criterion.title().to_owned()
            } else {
                String::new()
            },
            text,
            result: outcome,
            criterion: Some(judged.criterion.id()),
        });
    }
}
