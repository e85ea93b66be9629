//! What the screen shows, taken from the lines of the run and worked out once for each change of them.

use crate::engine::Capability;
use crate::engine::compare::{Pair, RUN, Side, Summary, summarize};
use crate::engine::item::ItemState;
use crate::engine::workspace::driving::{CompareSettings, Driving};
use crate::tui::app::context::Cx;

/// How the tasks are ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As they first ran.
    #[default]
    Run,
    /// The smallest speed-up first, those without one before it.
    Slowest,
    /// Those with failures first.
    Failures,
}

impl Order {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Run => "order of runs",
            Self::Slowest => "smallest speed-up first",
            Self::Failures => "failures first",
        }
    }

    pub const fn next(self) -> Self {
        match self {
            Self::Run => Self::Slowest,
            Self::Slowest => Self::Failures,
            Self::Failures => Self::Run,
        }
    }
}

/// The comparison as it stands.
#[derive(Debug, Default)]
pub struct Model {
    /// What it was made from: lines, ended ones, start, order.
    stamp: Option<(usize, usize, Option<jiff::Timestamp>, u64, Order)>,
    /// Every pair that has begun.
    pub pairs: Vec<Pair>,
    /// The figures; `None` before a pair has begun.
    pub summary: Option<Summary>,
    /// Indices of the summary's tasks in the order chosen.
    pub order: Vec<usize>,
    /// The pair under way, its side, and when that began.
    pub running: Option<(String, String)>,
}

impl Model {
    /// Takes the lines as they are now.
    pub fn refresh(&mut self, cx: &Cx<'_>, order: Order) {
        let step = cx.step(Capability::Compare);
        let items = step.and_then(|step| step.items.get(RUN));
        let Some(items) = items else {
            *self = Self::default();
            return;
        };
        let running = items
            .all()
            .iter()
            .rev()
            .find(|item| item.state == ItemState::Running);
        self.running = running.map(|item| (item.title.clone(), item.text.clone()));
        let ended = items.all().iter().filter(|item| item.state.ended()).count();
        let planned = step
            .and_then(|step| step.progress.as_ref())
            .and_then(|progress| progress.total)
            .or_else(|| {
                step.and_then(|step| step.outcome.as_ref())
                    .map(|outcome| outcome.source)
            })
            .unwrap_or(items.all().len() as u64);
        let started = step.and_then(|step| step.started);
        let stamp = (items.all().len(), ended, started, planned, order);
        if self.stamp == Some(stamp) {
            return;
        }
        self.stamp = Some(stamp);
        self.pairs = items.all().iter().filter_map(|item| Pair::of(item)).collect();
        let needed = settings(cx).map_or_else(
            || CompareSettings::default().minimum_pairs,
            |driving| driving.compare.minimum_pairs,
        );
        let summary = summarize(&self.pairs, planned, needed as u64);
        self.order = (0..summary.tasks.len()).collect();
        let speedup = |at: &usize| summary.tasks[*at].speedup.unwrap_or(-1.0);
        let failures = |at: &usize| {
            let task = &summary.tasks[*at];
            task.pairs - task.compared
        };
        match order {
            Order::Run => {}
            Order::Slowest => self.order.sort_by(|a, b| speedup(a).total_cmp(&speedup(b))),
            Order::Failures => self.order.sort_by_key(|at| std::cmp::Reverse(failures(at))),
        }
        self.summary = Some(summary);
    }

    /// The pairs of a task, in the order of their repeats.
    pub fn of_task<'a>(&'a self, task: &'a str) -> impl Iterator<Item = &'a Pair> {
        self.pairs.iter().filter(move |pair| pair.task == task)
    }

    /// The longest median of either side, which a full bar stands for.
    pub fn longest(&self) -> f64 {
        self.summary
            .iter()
            .flat_map(|summary| &summary.tasks)
            .fold(0.0, |most, task| {
                most.max(task.legacy_s.unwrap_or(0.0))
                    .max(task.maos_s.unwrap_or(0.0))
            })
    }

    /// Whether durations are simulated, and whether it is a rehearsal at all.
    pub fn rehearsal(&self) -> (bool, bool) {
        (
            self.pairs.iter().any(|pair| pair.simulated),
            self.pairs.iter().any(|pair| pair.rehearsal),
        )
    }
}

/// The settings that drive both sides, when they are read.
pub fn settings<'a>(cx: &Cx<'a>) -> Option<&'a Driving> {
    cx.views.settings.value().map(|(_, settings)| &settings.driving)
}

/// `legacy 47.1 s`, `legacy failed`, `legacy waiting`.
pub fn side_words(pair: &Pair, side: Side) -> String {
    match pair.side(side) {
        None => "…".to_owned(),
        Some(run) if run.succeeded() => seconds(run.seconds),
        Some(_) => "failed".to_owned(),
    }
}

/// `0.34 s`, `16.3 s`, `2:41`.
pub fn seconds(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a run, never negative"
    )]
    match value {
        short if short < 1.0 => format!("{value:.2} s"),
        long if long >= 600.0 => crate::tui::text::duration(value as u64),
        _ => format!("{value:.1} s"),
    }
}
