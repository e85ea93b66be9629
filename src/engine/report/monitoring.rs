//! What the report says of the watch: how it stands, what happened, each criterion over time. Taken from the fold of the
//! journal; pure, so that equal journals give equal reports.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::PartState;
use super::plot::{Plot, Sign};
use crate::engine::monitor::verdict::short_percent;
use crate::engine::monitor::watch::{MarkKind, time};
use crate::engine::monitor::{Criterion, Judged, Point, State, Watch, Word};
use crate::engine::text::plural;

/// Samples that the table shows, the newest; the file of the watch has all.
const SHOWN: usize = 24;
/// Microseconds in a minute.
const MINUTE: i64 = 60_000_000;

/// The watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitoring {
    /// How it was watched and how it stands, as label and text.
    pub facts: Vec<(String, String)>,
    /// Whether the verdict is to roll back.
    pub breach: bool,
    /// Why the verdict is what it is, a sentence each.
    pub reasons: Vec<String>,
    /// Each criterion: name, limit, least and most of what is known, the newest, its state, how often it was unknown.
    pub criteria: Vec<Vec<String>>,
    /// What happened, oldest first: when, of what sort, in words.
    pub happened: Vec<(Timestamp, String, String)>,
    /// The newest samples: when, then each figure, verdict and score.
    pub samples: Vec<(Timestamp, Vec<String>)>,
    /// How many samples are kept.
    pub kept: u64,
    /// Each criterion over time.
    pub plots: Vec<Plot>,
}

/// What is said of a watch; `None` before it has a sample.
#[must_use]
pub fn of(watch: &Watch) -> Option<Monitoring> {
    let verdict = watch.verdict()?;
    let criteria = watch.criteria();
    let seen = |point: &&Point| point.verdict.aside.is_none();
    let points: Vec<&Point> = watch.history.iter().filter(seen).collect();
    Some(Monitoring {
        facts: facts(watch),
        breach: verdict.should_roll_back,
        reasons: verdict.reasons(criteria),
        criteria: Criterion::ALL
            .iter()
            .map(|criterion| line(watch, &points, *criterion))
            .collect(),
        happened: watch
            .marks
            .iter()
            .map(|mark| (mark.at, mark.kind.word().to_owned(), mark.sentence()))
            .collect(),
        samples: points
            .iter()
            .skip(points.len().saturating_sub(SHOWN))
            .filter_map(|point| Some((time(point.at())?, sample(point))))
            .collect(),
        kept: watch.history.len() as u64,
        plots: Criterion::ALL
            .iter()
            .filter_map(|criterion| plot(watch, &points, *criterion))
            .collect(),
    })
}

/// The state of the part and its outcome in a few words. A watch has no outcome of its own unless it ended by itself, so
/// that this, and not the step, tells how it stands.
#[must_use]
pub fn stands(watch: &Watch) -> (PartState, String) {
    let samples = plural(watch.samples, "sample", "samples");
    let Some(verdict) = watch.verdict() else {
        return (PartState::Stopped, "begun, no sample yet".to_owned());
    };
    let word = verdict.word.name();
    if let Some(latch) = verdict.latch.filter(|_| verdict.should_roll_back) {
        let since = super::super::monitor::verdict::clock(latch.at);
        return (
            PartState::Failed,
            format!("breach since {since}, score {}; {samples}", latch.score),
        );
    }
    if watch.on {
        return (PartState::Stopped, format!("not over: {samples}, verdict {word}"));
    }
    let state = if watch.is_promoted(jiff::Timestamp::MAX) {
        PartState::Done
    } else {
        PartState::Stopped
    };
    let why = watch.ended.as_ref().map_or("stopped", |(_, why)| why);
    (state, format!("{why}: {samples}, verdict {word}"))
}

fn facts(watch: &Watch) -> Vec<(String, String)> {
    let criteria = watch.criteria();
    let mut facts = Vec::new();
    let mut say = |label: &str, text: String| facts.push((label.to_owned(), text));
    say("Figures from", watch.begin.source.clone());
    say(
        "Judged",
        format!(
            "every {} min over a window of {} min, for {} min; roll back at score {}, at once at {}",
            minutes(criteria.interval),
            minutes(criteria.window),
            minutes(criteria.duration),
            criteria.roll_back_at,
            criteria.immediate_at
        ),
    );
    say(
        "Baseline",
        watch.baseline().map_or_else(
            || "none; degradation is not judged".to_owned(),
            |seconds| format!("{seconds} s, {}", watch.begin.baseline_from),
        ),
    );
    say(
        "Samples",
        format!(
            "{}, {} lost, {} late or doubled",
            watch.samples, watch.lost, watch.aside
        ),
    );
    if let Some(verdict) = watch.verdict() {
        say(
            "Verdict",
            format!(
                "{}, score {}. {}",
                verdict.word.name(),
                verdict.standing_score(),
                verdict.recommendation(criteria)
            ),
        );
    }
    let note = |note: &crate::engine::monitor::watch::Note| format!("by {}: {}", note.by, note.reason);
    if let Some(acknowledged) = &watch.acknowledged {
        say("Acknowledged", note(acknowledged));
    }
    say(
        "Automatic rollback",
        watch
            .armed
            .as_ref()
            .map_or_else(|| "off".to_owned(), |armed| format!("armed {}", note(armed))),
    );
    facts
}

fn minutes(micros: i64) -> String {
    if micros % MINUTE == 0 {
        return (micros / MINUTE).to_string();
    }
    format!("{}:{:02}", micros / MINUTE, micros / 1_000_000 % 60)
}

fn known(judged: &Judged) -> Option<f64> {
    judged.value.filter(|_| !judged.is_unknown())
}

fn figure(criterion: Criterion, value: f64) -> String {
    match criterion {
        Criterion::Validation => format!("{value}"),
        Criterion::Degradation if value >= 0.0 => format!("+{}", short_percent(value)),
        _ => short_percent(value),
    }
}

fn line(watch: &Watch, points: &[&Point], criterion: Criterion) -> Vec<String> {
    let rule = watch.criteria().rule(criterion);
    let values: Vec<f64> = points
        .iter()
        .filter_map(|point| known(point.verdict.of(criterion)))
        .collect();
    let said = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |value| figure(criterion, value));
    let last = points.last().map(|point| point.verdict.of(criterion));
    let hard = if rule.hard { ", hard" } else { "" };
    vec![
        criterion.title().to_owned(),
        format!("{}, weight {}{hard}", figure(criterion, rule.limit), rule.weight),
        said(values.iter().copied().reduce(f64::min)),
        said(values.iter().copied().reduce(f64::max)),
        said(last.and_then(known)),
        last.map_or("?", |judged| match judged.state {
            State::Ok => "OK",
            State::Over => "over, not confirmed",
            State::Breach => "BREACH",
            State::Unknown(_) => "unknown",
        })
        .to_owned(),
        (points.len() - values.len()).to_string(),
    ]
}

fn sample(point: &Point) -> Vec<String> {
    let mut cells: Vec<String> = Criterion::ALL
        .iter()
        .map(|criterion| {
            known(point.verdict.of(*criterion))
                .map_or_else(|| "?".to_owned(), |value| figure(*criterion, value))
        })
        .collect();
    cells.push(point.verdict.word.name().to_owned());
    cells.push(point.verdict.score.to_string());
    cells.push(point.taken.why.join("; "));
    cells
}

fn plot(watch: &Watch, points: &[&Point], criterion: Criterion) -> Option<Plot> {
    let ppm = |value: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "cut to a range that fits")]
        let whole = (value.clamp(-1e6, 1e6) * 1e6).round() as i64;
        whole
    };
    let limit = watch.criteria().rule(criterion).limit;
    let values: Vec<(i64, Option<i64>)> = points
        .iter()
        .map(|point| {
            let value = known(point.verdict.of(criterion)).map(ppm);
            (point.at() / 1_000_000, value)
        })
        .collect();
    let last = values.iter().rev().find_map(|(_, value)| *value);
    let said = points
        .last()
        .and_then(|point| known(point.verdict.of(criterion)))
        .map_or_else(|| "not known".to_owned(), |value| figure(criterion, value));
    last?;
    Some(Plot {
        id: criterion.id().to_owned(),
        title: format!(
            "{}: {said} at the end, limit {}",
            criterion.title(),
            figure(criterion, limit)
        ),
        percent: criterion != Criterion::Validation,
        limit: ppm(limit),
        below: criterion == Criterion::Availability,
        points: values,
        marks: watch
            .marks
            .iter()
            .map(|mark| (mark.at.as_second(), sign(mark.kind, &mark.text)))
            .collect(),
    })
}

fn sign(kind: MarkKind, text: &str) -> Sign {
    match kind {
        MarkKind::Verdict if text.contains(&format!("to {}", Word::Breach.name())) => Sign::Breach,
        MarkKind::Verdict => Sign::Verdict,
        MarkKind::Decision => Sign::Decided,
        MarkKind::Deployment => Sign::Deployed,
        MarkKind::Page => Sign::Paged,
    }
}
