//! A watch as its events tell: samples with their verdicts, and what people decided. Pure; a fold of the journal.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::criteria::{Criteria, Policy};
use super::evaluator::Evaluator;
use super::sample::Sample;
use super::verdict::{Verdict, Word};
use crate::engine::event::Level;

/// Samples that are kept with their verdicts: ten days at one every five minutes, about 3 MB. The journal has all.
pub const KEPT: usize = 2_880;
/// Marks that are kept.
const MARKS: usize = 500;

/// How a watch begins, or goes on after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// What is judged, and how strictly.
    pub criteria: Criteria,
    /// Seconds to compare response times with.
    pub baseline: Option<f64>,
    /// Where the baseline comes from, in words.
    pub baseline_from: String,
    /// Where the figures come from, in words.
    pub source: String,
    /// Who.
    pub by: String,
}

/// A sample as it was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// The figures.
    pub sample: Sample,
    /// Where they come from, in words.
    pub source: String,
    /// How long taking them took, milliseconds.
    pub ms: u64,
    /// Why figures are missing, in the words of whoever did not give them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

/// A sample with what was made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The sample.
    pub taken: Taken,
    /// By the default policy.
    pub verdict: Verdict,
    /// As the guide judges this sample alone.
    pub guide: Verdict,
}

impl Point {
    /// When the sample was taken, microseconds since 1970.
    #[must_use]
    pub const fn at(&self) -> i64 {
        self.verdict.at
    }
}

/// A decision that holds, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Until when, where it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What a mark on the chart stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// The verdict changed.
    Verdict,
    /// A person decided something.
    Decision,
    /// Something was deployed or changed, as a person noted.
    Deployment,
    /// Somebody was called.
    Page,
}

/// A moment worth a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// What sort.
    pub kind: MarkKind,
    /// In words.
    pub text: String,
    /// The hooks that were called for it, and how each ended: `hook page-oncall exit 0`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
}

impl Mark {
    /// In words, with who was called: `verdict pass to breach, score 5; hook page-oncall exit 0`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts: Vec<&str> = std::iter::once(&self.text)
            .chain(&self.calls)
            .map(String::as_str)
            .collect();
        parts.join("; ")
    }
}

/// The whole watch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Whether samples are taken.
    pub on: bool,
    /// When it began.
    pub since: Timestamp,
    /// When it ended, and why.
    pub ended: Option<(Timestamp, String)>,
    /// How it began last.
    pub begin: Begin,
    /// Since when nothing spoke against promotion; `None` while something does.
    pub clean_since: Option<Timestamp>,
    /// Samples with their verdicts, oldest first; at most [`KEPT`].
    pub history: VecDeque<Point>,
    /// Marks, oldest first.
    pub marks: VecDeque<Mark>,
    /// Samples so far.
    pub samples: u64,
    /// Of these, samples in which nothing was known.
    pub lost: u64,
    /// Of these, doubled or late ones.
    pub aside: u64,
    /// Somebody has seen the verdict.
    pub acknowledged: Option<Note>,
    /// Bell and hooks are silent.
    pub snoozed: Option<Note>,
    /// A verdict to roll back starts the rollback by itself, after a countdown.
    pub armed: Option<Note>,
    /// When the rollback starts by itself.
    pub countdown: Option<Timestamp>,
    evaluator: Evaluator,
    guide: Evaluator,
}

/// What a person should hear.
pub type News = Option<(Level, String)>;

impl Watch {
    /// A watch that begins.
    #[must_use]
    pub fn new(at: Timestamp, begin: &Begin) -> Self {
        let judge = |policy| {
            let mut evaluator = Evaluator::new(begin.criteria, policy);
            evaluator.set_baseline(begin.baseline);
            evaluator
        };
        Self {
            on: true,
            since: at,
            ended: None,
            begin: begin.clone(),
            clean_since: None,
            history: VecDeque::new(),
            marks: VecDeque::new(),
            samples: 0,
            lost: 0,
            aside: 0,
            acknowledged: None,
            snoozed: None,
            armed: None,
            countdown: None,
            evaluator: judge(Policy::Default),
            guide: judge(Policy::Guide),
        }
    }

    /// Goes on. Other criteria judge the kept samples anew; a latched verdict stays.
    pub fn resume(&mut self, at: Timestamp, begin: &Begin) {
        if !self.on {
            self.since = at;
            self.clean_since = None;
        }
        self.on = true;
        self.ended = None;
        if begin.criteria != self.begin.criteria {
            let latch = self.evaluator.latch();
            let fresh = Self::new(at, begin);
            (self.evaluator, self.guide) = (fresh.evaluator, fresh.guide);
            for point in &mut self.history {
                point.verdict = self.evaluator.push(&point.taken.sample);
                point.guide = self.guide.push(&point.taken.sample);
            }
            self.evaluator.keep_latch(latch);
        } else if begin.baseline.map(f64::to_bits) != self.begin.baseline.map(f64::to_bits) {
            self.evaluator.set_baseline(begin.baseline);
            self.guide.set_baseline(begin.baseline);
        }
        self.begin = begin.clone();
    }

    /// Ends.
    pub fn end(&mut self, at: Timestamp, reason: &str) {
        self.on = false;
        self.countdown = None;
        self.ended = Some((at, reason.to_owned()));
    }

    /// Takes a sample.
    pub fn sampled(&mut self, at: Timestamp, taken: &Taken) -> News {
        let before = self.last().map(|point| point.verdict);
        self.leave_out_unwatched(at);
        let verdict = self.evaluator.push(&taken.sample);
        let guide = self.guide.push(&taken.sample);
        self.samples += 1;
        self.lost += u64::from(verdict.criteria.iter().all(super::Judged::is_unknown));
        self.aside += u64::from(verdict.aside.is_some());
        self.history.push_back(Point {
            taken: taken.clone(),
            verdict,
            guide,
        });
        if self.history.len() > KEPT {
            self.history.pop_front();
        }
        if verdict.should_roll_back || verdict.frozen {
            self.clean_since = None;
        } else {
            self.clean_since.get_or_insert(at);
        }
        let word = before.map_or(Word::Unknown, |before| before.word);
        let changed = word != verdict.word;
        let recommendation = verdict.recommendation(self.criteria());
        if changed {
            let text = format!(
                "verdict {} to {}, score {}",
                word.name(),
                verdict.word.name(),
                verdict.standing_score()
            );
            self.mark(at, MarkKind::Verdict, text);
        }
        if changed && verdict.word == Word::Breach {
            self.acknowledged = None;
            return Some((
                Level::Error,
                format!("BREACH, score {}: {recommendation}", verdict.score),
            ));
        }
        if verdict.page {
            let text = format!(
                "Unknown budget spent, {} of {} samples: promotion frozen. No rollback by itself",
                verdict.unknown_used,
                self.criteria().unknown_budget
            );
            self.mark(at, MarkKind::Page, "on-call paged".to_owned());
            return Some((Level::Error, text));
        }
        (changed && before.is_some()).then(|| {
            let level = if verdict.word == Word::Pass {
                Level::Ok
            } else {
                Level::Warn
            };
            (
                level,
                format!("verdict {} to {}", word.name(), verdict.word.name()),
            )
        })
    }

    /// Time in which nobody watched is not time without a breach: a session that died, a machine that slept.
    fn leave_out_unwatched(&mut self, at: Timestamp) {
        let interval = self.criteria().interval;
        let gap = self
            .last()
            .map_or(0, |last| at.as_microsecond().saturating_sub(last.at()));
        if gap > interval.saturating_mul(2)
            && let Some(since) = self.clean_since
        {
            let later = jiff::SignedDuration::from_micros(gap.saturating_sub(interval));
            self.clean_since = Some(since.saturating_add(later).unwrap_or(at).min(at));
        }
    }

    /// Takes a decision that [`super::decide::check`] let through.
    pub fn decided(&mut self, at: Timestamp, subject: &str, choice: &Value, by: &str) {
        let text = |key: &str| {
            choice
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let reason = text("reason");
        let note = Note {
            by: by.to_owned(),
            at,
            reason: reason.clone(),
            until: text("until").parse().ok(),
        };
        let given = !choice.is_null();
        match subject {
            "acknowledge" => self.acknowledged = given.then_some(note),
            "snooze" => self.snoozed = given.then_some(note),
            "armed" => {
                self.armed = given.then_some(note);
                if !given {
                    self.countdown = None;
                }
            }
            "countdown" => self.countdown = given.then(|| text("until").parse().ok()).flatten(),
            "unlatch" => {
                self.evaluator.unlatch();
                self.countdown = None;
                self.acknowledged = None;
                if let Some(point) = self.history.back_mut() {
                    point.verdict.latch = None;
                    point.verdict.should_roll_back = false;
                    point.verdict.word = Word::Unknown;
                }
            }
            "baseline" => {
                let seconds = choice.get("seconds").and_then(Value::as_f64);
                self.begin.baseline = seconds;
                self.begin.baseline_from = format!("recorded by {by}");
                self.evaluator.set_baseline(seconds);
                self.guide.set_baseline(seconds);
            }
            "mark" => return self.mark(at, MarkKind::Deployment, text("text")),
            _ => return,
        }
        let why = if reason.is_empty() {
            String::new()
        } else {
            format!(": {reason}")
        };
        let what = match (subject, given) {
            ("countdown", true) => {
                let left = self.countdown.map_or(0, |ends| ends.as_second() - at.as_second());
                format!("the rollback begins by itself in {left} s")
            }
            ("countdown", false) => "the countdown is stopped".to_owned(),
            ("armed", false) => "disarmed".to_owned(),
            (subject, true) => subject.to_owned(),
            (subject, false) => format!("{subject} off"),
        };
        self.mark(at, MarkKind::Decision, format!("{by}: {what}{why}"));
    }

    /// A hook was called: that stands beside what it was called for, the newest verdict or page, or by itself when it was
    /// told how a rollback ended.
    pub fn called(&mut self, at: Timestamp, hook: &str, said: &str, rollback: bool) {
        let text = format!("hook {hook} {said}");
        let calls = |mark: &&mut Mark| matches!(mark.kind, MarkKind::Verdict | MarkKind::Page);
        match self.marks.iter_mut().rev().find(calls) {
            Some(mark) if !rollback => mark.calls.push(text),
            _ => self.mark(at, MarkKind::Page, text),
        }
    }

    fn mark(&mut self, at: Timestamp, kind: MarkKind, text: String) {
        self.marks.push_back(Mark {
            at,
            kind,
            text,
            calls: Vec::new(),
        });
        if self.marks.len() > MARKS {
            self.marks.pop_front();
        }
    }

    /// What is judged, and how strictly.
    #[must_use]
    pub const fn criteria(&self) -> &Criteria {
        &self.begin.criteria
    }

    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<&Point> {
        self.history.back()
    }

    /// The verdict that holds.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.last().map(|point| &point.verdict)
    }

    /// Whether the verdict is to roll back.
    #[must_use]
    pub fn should_roll_back(&self) -> bool {
        self.verdict().is_some_and(|verdict| verdict.should_roll_back)
    }

    /// The usable baseline in seconds.
    #[must_use]
    pub fn baseline(&self) -> Option<f64> {
        self.evaluator.baseline()
    }

    /// Whether bell and hooks are silent at `now`.
    #[must_use]
    pub fn is_snoozed(&self, now: Timestamp) -> bool {
        self.snoozed
            .as_ref()
            .is_some_and(|note| note.until.is_none_or(|until| now < until))
    }

    /// When the newest sample was taken.
    #[must_use]
    pub fn last_at(&self) -> Option<Timestamp> {
        self.last().and_then(|point| time(point.at()))
    }

    /// Seconds since the newest sample.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<i64> {
        self.last_at().map(|at| (now.as_second() - at.as_second()).max(0))
    }

    /// Whether no sample came for two intervals.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.age(now)
            .is_some_and(|age| age > self.criteria().interval / 1_000_000 * 2)
    }

    /// When the next sample is due.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        let last = self.last()?.at();
        time(last.saturating_add(self.criteria().interval))
    }

    /// When nothing will have spoken against promotion for long enough.
    #[must_use]
    pub fn promote_at(&self) -> Option<Timestamp> {
        time(
            self.clean_since?
                .as_microsecond()
                .saturating_add(self.criteria().duration),
        )
    }

    /// Whether it was watched long enough without a breach. Time after the end of the watch does not count, and while
    /// figures are lost nothing is promoted: a watch must not end well by not seeing.
    #[must_use]
    pub fn is_promoted(&self, now: Timestamp) -> bool {
        let until = self.ended.as_ref().map_or(now, |(ended, _)| now.min(*ended));
        self.promote_at().is_some_and(|at| at <= until)
            && self
                .verdict()
                .is_some_and(|verdict| !verdict.should_roll_back && verdict.unknown_used == 0)
    }
}

/// A time from microseconds since 1970.
#[must_use]
pub fn time(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

/// A watch that snapshots share until it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared(Arc<Watch>);

impl Shared {
    /// Shares a watch.
    #[must_use]
    pub fn new(watch: Watch) -> Self {
        Self(Arc::new(watch))
    }

    /// The watch, to change; a copy when others hold it.
    pub fn change(&mut self) -> &mut Watch {
        Arc::make_mut(&mut self.0)
    }
}

impl std::ops::Deref for Shared {
    type Target = Watch;

    fn deref(&self) -> &Watch {
        &self.0
    }
}

impl Serialize for Shared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Watch::deserialize(deserializer).map(Self::new)
    }
}

/// A sample in one line, for journals and logs.
#[must_use]
pub fn sentence(taken: &Taken) -> String {
    let sample = &taken.sample;
    let mut parts = Vec::new();
    parts.push(match sample.tasks {
        Ok(tasks) => format!("{} failed, {} completed", tasks.failed, tasks.completed),
        Err(gap) => format!("tasks unknown ({gap})"),
    });
    parts.push(match sample.health {
        Ok(health) => format!("{} of {} healthy", health.healthy, health.total),
        Err(gap) => format!("health unknown ({gap})"),
    });
    parts.push(match sample.response {
        Ok(seconds) => format!("{seconds:.3} s"),
        Err(gap) => format!("response unknown ({gap})"),
    });
    parts.push(match sample.validation {
        Ok(super::Probe::Pass) => "validation passed".to_owned(),
        Ok(super::Probe::Fail) => "validation failed".to_owned(),
        Err(gap) => format!("validation unknown ({gap})"),
    });
    let why = if taken.why.is_empty() {
        String::new()
    } else {
        format!("; {}", taken.why.join("; "))
    };
    format!("sample: {}{why}", parts.join(", "))
}
