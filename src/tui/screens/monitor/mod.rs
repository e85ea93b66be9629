//! Monitor: tell at a glance whether to sleep, to look, or to roll back.
//!
//! To add a gauge: its share of the limit in `gauges.rs`; everything else follows from the criterion.

mod chart;
mod decision;
mod explained;
mod gauges;

use jiff::Timestamp;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::{Screen, detail};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::monitor::{Criterion, Shared, Watch, Word, criteria};
use crate::engine::text::plural;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command};
use crate::tui::layout::Density;
use crate::tui::paint::{Painter, Row, keep};
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::{News, Title};
use decision::{Decision, Subject};
use explained::Explained;

/// The screen.
#[derive(Debug, Default)]
pub struct Monitor {
    /// The picture that was frozen, and when.
    frozen: Option<(Shared, Timestamp)>,
    /// The criterion of the chart; where there is room it is always there, else it takes the gauges' place.
    chart: Option<Criterion>,
}

fn decide(subject: &str, choice: Value) -> Handled {
    Handled::one(Effect::Send(Order::Decide {
        capability: Capability::Monitor,
        subject: subject.to_owned(),
        choice,
    }))
}

fn live<'a>(cx: &Cx<'a>) -> Option<&'a Shared> {
    cx.snapshot.monitor.as_ref()
}

/// The verdict's word as the banner says it.
fn word(watch: &Watch) -> Word {
    watch.verdict().map_or(Word::Unknown, |verdict| verdict.word)
}

fn breached(cx: &Cx<'_>) -> bool {
    live(cx).is_some_and(|watch| watch.should_roll_back())
}

fn is_over(cx: &Cx<'_>) -> bool {
    live(cx).is_some_and(|watch| !watch.on)
}

/// Seconds until `then`; asks for a frame when it changes.
fn until(cx: &Cx<'_>, then: Timestamp) -> u64 {
    cx.wake_in(std::time::Duration::from_secs(1));
    u64::try_from(then.as_second() - cx.now.at.as_second()).unwrap_or(0)
}

impl Monitor {
    fn shown<'a>(&'a self, cx: &Cx<'a>) -> Option<&'a Watch> {
        self.frozen
            .as_ref()
            .map(|(watch, _)| &**watch)
            .or_else(|| live(cx).map(|watch| &**watch))
    }

    fn next_command(cx: &Cx<'_>) -> Command {
        let Some(watch) = live(cx) else {
            return Command::new(Action::Next, "watch")
                .about("begin to take samples; reads only")
                .off(cx.held());
        };
        if breached(cx) {
            return Command::new(Action::Next, "roll back").about("open the rollback; opening it changes nothing");
        }
        if is_over(cx) {
            return match word(watch) {
                Word::Pass => detail::onward(cx, Capability::Monitor).1,
                _ => Command::new(Action::Next, "watch again").about("take samples again").off(cx.held()),
            };
        }
        if word(watch) == Word::Unknown && watch.last().is_some() {
            return Command::new(Action::Next, "see source").about("what is missing, and where it should come from");
        }
        Command::new(Action::Next, "nothing to do").off(Some("All is well; there is nothing to do.".to_owned()))
    }

    fn next_chart(&self, cx: &Cx<'_>) -> Option<Criterion> {
        let always = matches!(cx.density, Density::Wide | Density::Rail);
        let at = self
            .chart
            .and_then(|chart| Criterion::ALL.iter().position(|one| *one == chart));
        match at {
            None if always => Some(Criterion::Degradation),
            None => Some(Criterion::ErrorRate),
            Some(at) if at + 1 == Criterion::ALL.len() && always => Some(Criterion::ErrorRate),
            Some(at) => Criterion::ALL.get(at + 1).copied(),
        }
    }

    fn banner(watch: &Watch, cx: &Cx<'_>, width: u16) -> Vec<Row> {
        let criteria = watch.criteria();
        let Some(point) = watch.last() else {
            return vec![Row::prose("No verdict yet.", Role::Text).keep(keep::ALWAYS)];
        };
        let verdict = &point.verdict;
        let recommendation = verdict.recommendation(criteria);
        let mut rows = Vec::new();
        if verdict.should_roll_back {
            let since = verdict.latch.and_then(|latch| crate::engine::monitor::watch::time(latch.at));
            let since = since.map_or_else(String::new, |at| format!(" since {}", cx.now.clock_seconds(at)));
            let head = format!(" BREACH{since}, latched   {recommendation}");
            rows.push(
                Row::new()
                    .at(0, text::pad(&head, usize::from(width)), Role::Banner)
                    .keep(keep::ALWAYS),
            );
        } else {
            let role = match verdict.word {
                Word::Pass if verdict.score > 0 => Role::Warn,
                Word::Pass => Role::Ok,
                Word::Unknown => Role::Unknown,
                Word::Breach => Role::Bad,
            };
            rows.push(
                Row::new()
                    .at(1, "VERDICT", Role::Muted)
                    .at(10, verdict.word.name(), role)
                    .at(18, recommendation, Role::Critical)
                    .keep(keep::ALWAYS),
            );
        }
        let sum: Vec<String> = verdict
            .criteria
            .iter()
            .filter(|judged| judged.addend > 0)
            .map(|judged| format!("{} {}", judged.criterion.title().to_lowercase(), judged.addend))
            .collect();
        let sum = if sum.is_empty() {
            String::new()
        } else {
            format!(" = {}", sum.join(" + "))
        };
        let limits = format!("roll back at {}, immediate at {}", criteria.roll_back_at, criteria.immediate_at);
        let auto = if watch.armed.is_some() { "automatic rollback ARMED" } else { "automatic rollback off" };
        let auto_role = if watch.armed.is_some() { Role::Warn } else { Role::Muted };
        let score = format!("score {}{sum}", verdict.standing_score());
        rows.push(Row::new().at(10, score, Role::Text).keep(keep::ALWAYS));
        rows.push(Row::new().at(10, limits, Role::Muted).right(1, auto, auto_role).keep(keep::NORMAL));
        if let Some(ends) = watch.countdown {
            let left = until(cx, ends);
            let text = format!(" ROLLBACK STARTS BY ITSELF IN {left} s   X stops it for everyone");
            rows.push(
                Row::new()
                    .at(0, text::pad(&text, usize::from(width)), Role::Banner)
                    .keep(keep::ALWAYS),
            );
        }
        rows
    }

    /// What a person wants to know before deciding: the budget, and how long each way takes.
    fn prospects(watch: &Watch, cx: &Cx<'_>) -> Vec<Row> {
        let criteria = watch.criteria();
        let used = watch.verdict().map_or(0, |verdict| verdict.unknown_used);
        let frozen = watch.verdict().is_some_and(|verdict| verdict.frozen);
        let minutes = criteria.interval / 1_000_000 * i64::from(criteria.confirmations) / 60;
        let fact = |name: &str, value: String, role: Role, kept: u8| {
            Row::new().at(1, name, Role::Muted).at(19, value, role).keep(kept)
        };
        let samples = match (watch.lost, watch.aside) {
            (0, 0) => format!("samples {}, none late or lost", watch.samples),
            (lost, late) => format!("samples {}, {lost} lost, {late} late", watch.samples),
        };
        let budget = if frozen {
            "spent: promotion frozen, on-call paged. No rollback by itself.".to_owned()
        } else {
            format!("{used} of {} samples used     {samples}", criteria.unknown_budget)
        };
        let role = if frozen { Role::Warn } else { Role::Text };
        let mut rows = vec![fact("Unknown budget", budget, role, keep::FIGURE)];
        rows.push(fact(
            "If it breaches",
            format!(
                "after {} samples, {minutes} min; half of {} tasks failing: at once",
                criteria.confirmations, criteria.disaster_tasks
            ),
            Role::Text,
            keep::NORMAL,
        ));
        let rehearsed = cx
            .step(Capability::Rollback)
            .and_then(|step| step.outcomes.get("rehearse"))
            .map_or_else(|| "not rehearsed".to_owned(), |outcome| outcome.summary.clone());
        rows.push(fact("If you roll back", rehearsed, Role::Text, keep::NORMAL));
        let promote = if is_over(cx) {
            watch.ended.as_ref().map_or_else(String::new, |(at, why)| format!("the watch ended {}: {why}", cx.now.clock(*at)))
        } else {
            match watch.promote_at() {
                Some(at) => {
                    let left = u64::try_from(at.as_second() - cx.now.at.as_second()).unwrap_or(0);
                    cx.wake_in(std::time::Duration::from_secs(left % 60 + 1));
                    format!("{} min more without a breach", left.div_ceil(60))
                }
                None => format!("frozen; then {} min without a breach", criteria.duration / 60_000_000),
            }
        };
        rows.push(fact("To promote", promote, Role::Text, keep::NORMAL));
        let note = |what: &str, note: &crate::engine::monitor::watch::Note| {
            let end = note.until.map_or_else(String::new, |end| format!(" until {}", cx.now.clock(end)));
            format!("{what} by {}{end}: {}", note.by, note.reason)
        };
        if let Some(seen) = &watch.acknowledged {
            rows.push(fact("Seen", note("acknowledged", seen), Role::Text, keep::EXTRA));
        }
        if let Some(snoozed) = watch.snoozed.as_ref().filter(|_| watch.is_snoozed(cx.now.at)) {
            rows.push(fact("Silent", note("snoozed", snoozed), Role::Warn, keep::NORMAL));
        }
        rows
    }

    fn happened(watch: &Watch, cx: &Cx<'_>, room: u16) -> Vec<Row> {
        let mut rows = vec![
            Row::new()
                .at(1, "What happened", Role::Critical)
                .right(1, "M all messages", Role::Muted)
                .keep(keep::EXTRA),
        ];
        if watch.marks.is_empty() {
            rows.push(Row::new().at(3, "nothing yet", Role::Muted).keep(keep::EXTRA));
        }
        for mark in watch.marks.iter().rev().take(usize::from(room.saturating_sub(1))) {
            rows.push(
                Row::new()
                    .at(3, cx.now.clock_seconds(mark.at), Role::Muted)
                    .at(13, mark.text.clone(), Role::Text)
                    .keep(keep::EXTRA),
            );
        }
        rows
    }

    fn empty(painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let width = painter.width();
        let mut rows = vec![
            Row::prose("Nothing is watched yet.", Role::Critical).keep(keep::ALWAYS),
            Row::blank(),
        ];
        let what = "Error rate, response time, availability and validation of MAOS, one sample every interval. Taking samples \
                    reads only; nothing is submitted unless migration.yml asks for the guide's validation task.";
        rows.extend(detail::labelled("n begins", what, 13, width, Role::Text, keep::FIGURE));
        rows.push(Row::blank());
        let known = cx.snapshot.answers.value("average_response_time").map_or_else(
            || "No baseline: degradation stays unknown until one is recorded.".to_owned(),
            |value| format!("{} s on average, from the assessment.", value.to_json()),
        );
        rows.extend(detail::labelled("Baseline", &known, 13, width, Role::Text, keep::NORMAL));
        let criteria = format!("The guide's limits; {} changes them.", criteria::WORKSPACE_FILE);
        rows.extend(detail::labelled("Criteria", &criteria, 13, width, Role::Text, keep::NORMAL));
        painter.rows(&rows);
    }
}

impl Screen for Monitor {
    fn title(&self, cx: &Cx<'_>) -> Title {
        let Some(watch) = self.shown(cx) else {
            return Title::new("Monitor", "nothing is watched", "");
        };
        let criteria = watch.criteria();
        let span = |micros: i64| {
            let seconds = micros / 1_000_000;
            if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
        };
        let mut facts = format!("window {} · every {}", span(criteria.window), span(criteria.interval));
        if cx.views.settings.value().is_some_and(|(_, settings)| settings.maos.as_deref() == Some("rehearsal")) {
            facts = format!("REHEARSAL · {facts}");
        }
        if let (Some(next), true) = (watch.next_at(), watch.on) {
            facts.push_str(&format!(" · next in {}", text::duration(until(cx, next))));
        }
        let mut title = Title::new("Monitor", facts, "");
        if let Some((watch, at)) = &self.frozen {
            let newer = live(cx).map_or(0, |live| live.samples.saturating_sub(watch.samples));
            title.right = format!("FROZEN {}, {newer} newer", cx.now.clock(*at));
            title.right_role = Role::Warn;
        } else if let Some(at) = watch.last_at() {
            if watch.is_stale(cx.now.at) {
                title.right = format!("no data for {}", text::duration(cx.now.seconds_since(at)));
                title.right_role = Role::Unknown;
                cx.wake_in(std::time::Duration::from_secs(1));
            } else {
                title.right = format!("last sample {}", cx.old(at));
            }
        }
        title
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        let Some(watch) = live(cx) else {
            return match cx.held() {
                Some(held) => News::new(held, "look around; R works").role(Role::Warn),
                None => News::new("Nothing is watched yet.", "n begins to watch"),
            };
        };
        if watch.countdown.is_some() {
            return News::new("The rollback starts by itself.", "X stops it").role(Role::Bad);
        }
        if breached(cx) {
            return News::new("The verdict stays until someone acts.", "n roll back, or v explain first").role(Role::Bad);
        }
        let Some(point) = watch.last() else {
            return News::new("No verdict yet; the first sample is being taken.", "wait");
        };
        if !watch.on {
            let why = watch.ended.as_ref().map_or("", |(_, why)| why.as_str());
            return News::new(text::sentence(&format!("{why}.")), "n goes on");
        }
        let samples = plural(watch.samples, "sample", "samples");
        let missing = match watch.lost {
            0 => "none missing".to_owned(),
            lost => format!("{lost} missing"),
        };
        match point.verdict.word {
            Word::Pass => {
                let next = watch.next_at().map_or_else(String::new, |at| {
                    format!("nothing to do; next sample at {}", cx.now.clock_seconds(at))
                });
                News::new(format!("{samples}, {missing}."), next)
            }
            _ => {
                let why = point
                    .taken
                    .why
                    .first()
                    .cloned()
                    .or_else(|| point.verdict.reasons(watch.criteria()).into_iter().next())
                    .unwrap_or_default();
                News::new(text::sentence(&format!("{why}.")), "v says what is missing").role(Role::Unknown)
            }
        }
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let mut commands = vec![Self::next_command(cx)];
        let Some(watch) = live(cx) else {
            return commands;
        };
        if watch.countdown.is_some() {
            commands.insert(0, Command::new(Action::Stop, "stop the countdown").about("no automatic rollback, for everyone"));
        }
        let none = watch.last().is_none().then(|| "No sample has been taken yet.".to_owned());
        commands.push(Command::new(Action::Explain, "explain").off(none.clone()));
        if watch.on {
            commands.push(
                Command::new(Action::Pause, "pause")
                    .about("take no more samples until n begins again")
                    .off(cx.held()),
            );
        } else if breached(cx) {
            commands.push(Command::new(Action::Pause, "go on").about("take samples again").off(cx.held()));
        }
        commands.push(Command::new(
            Action::Freeze,
            if self.frozen.is_some() { "follow" } else { "freeze" },
        ));
        commands.push(Command::new(Action::Backups, "backups"));
        commands.push(Command::new(Action::Chart, "chart").off(none));
        let armed = watch.armed.is_some();
        commands.push(
            Command::new(Action::Arm, if armed { "disarm" } else { "arm" })
                .about(if armed { "no automatic rollback" } else { "a verdict to roll back starts the rollback by itself, after 60 s" })
                .off(cx.held())
                .quiet(),
        );
        let calm = (!watch.should_roll_back()).then(|| "No verdict is latched.".to_owned());
        commands.push(Command::new(Action::KeepOn, "keep on…").off(cx.held().or(calm)).quiet());
        commands.push(Command::new(Action::Log, "log").quiet());
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let begin = || decide("watching", Value::Bool(true));
        match action {
            Action::Next => match live(cx) {
                None => begin(),
                Some(_) if breached(cx) => Handled::one(Effect::Go(Capability::Rollback)),
                Some(watch) if !watch.on => match (word(watch), detail::onward(cx, Capability::Monitor).0) {
                    (Word::Pass, Some(next)) => Handled::one(Effect::Go(next)),
                    (Word::Pass, None) => Handled::done(),
                    _ => begin(),
                },
                Some(_) => self.act(Action::Explain, cx),
            },
            Action::Pause => match live(cx) {
                Some(watch) if watch.on => decide("watching", Value::Bool(false)),
                _ => begin(),
            },
            Action::Stop => decide("armed", Value::Null),
            Action::Explain => match self.shown(cx).and_then(Watch::last) {
                Some(point) => {
                    let frozen = self.frozen.as_ref().map(|(watch, _)| watch.clone());
                    Handled::one(Effect::Open(Box::new(Explained::new(point.at(), frozen))))
                }
                None => Handled::done(),
            },
            Action::Freeze => {
                self.frozen = match self.frozen.take() {
                    Some(_) => None,
                    None => live(cx).map(|watch| (watch.clone(), cx.now.at)),
                };
                Handled::done()
            }
            Action::Chart => {
                self.chart = self.next_chart(cx);
                Handled::done()
            }
            Action::Close if self.chart.is_some() => {
                self.chart = None;
                Handled::done()
            }
            Action::Backups => Handled::one(Effect::Go(Capability::Backup)),
            Action::Arm if live(cx).is_some_and(|watch| watch.armed.is_some()) => decide("armed", Value::Null),
            Action::Arm | Action::KeepOn if live(cx).is_some() => {
                let subject = if action == Action::Arm { Subject::Arm } else { Subject::KeepOn };
                let overlay = Decision::new(subject, &cx.snapshot.target, cx.now.mono);
                Handled::one(Effect::Open(Box::new(overlay)))
            }
            _ => Handled::No,
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        let (width, height) = (painter.width(), painter.height());
        let Some(watch) = self.shown(cx) else {
            return Self::empty(painter, cx);
        };
        let tiny = matches!(cx.density, Density::Tiny);
        let mut rows = Self::banner(watch, cx, width);
        if tiny {
            rows.truncate(3);
            rows.extend(gauges::rows(watch, cx, width));
            return painter.rows(&rows);
        }
        let roomy = matches!(cx.density, Density::Wide | Density::Rail);
        if let Some(criterion) = self.chart.filter(|_| !roomy) {
            let top = u16::try_from(rows.len()).unwrap_or(0);
            painter.rows(&rows);
            let mut part = painter.part(Rect {
                x: 0,
                y: top,
                width,
                height: height.saturating_sub(top),
            });
            return chart::draw(&mut part, watch, criterion, cx);
        }
        rows.push(Row::blank());
        rows.extend(gauges::rows(watch, cx, width));
        rows.push(Row::blank());
        rows.extend(Self::prospects(watch, cx));
        let used = u16::try_from(rows.len()).unwrap_or(height);
        if !roomy || used + 8 > height {
            return painter.rows(&rows);
        }
        painter.part(Rect { x: 0, y: 0, width, height: used }).rows(&rows);
        let left = height - used - 1;
        let tall = if left > 16 { left - 6 } else { left };
        let criterion = self.chart.unwrap_or(Criterion::ErrorRate);
        let mut part = painter.part(Rect { x: 0, y: used + 1, width, height: tall });
        chart::draw(&mut part, watch, criterion, cx);
        if left > tall {
            let room = left - tall;
            painter
                .part(Rect { x: 0, y: used + 1 + tall, width, height: room })
                .rows(&Self::happened(watch, cx, room));
        }
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate monitor status   # exit 10: roll back".to_owned())
    }
}

/// A decision with a reason, as the engine takes it.
fn reasoned(reason: &str, target: &str) -> Value {
    json!({"reason": reason, "target": target})
}
