//! What is noticed when the engine's state changes: new messages become news, endings ring the bell, the window's
//! title follows.

use super::{App, Out};
use crate::engine::Capability;
use crate::engine::event::Level;
use crate::engine::monitor::Watch;
use crate::engine::snapshot::Activity;
use crate::engine::views::Mode;
use crate::tui::app::context::World;
use crate::tui::clock::Now;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::bar::percent;
use crate::tui::widgets::frame::News;

/// Runs longer than this ring when they end.
const LONG_SECONDS: i64 = 60;

impl App {
    pub(super) fn watch(&mut self, before: &World, now: &Now) {
        let last = self
            .world
            .snapshot
            .messages
            .back()
            .map_or(0, |message| message.seq);
        if !self.opened {
            // What earlier sessions said is history, not news.
            self.said = last;
            self.read = last;
            if self.world.views.mode != Mode::Opening {
                self.opened = true;
                self.enter(now);
            }
        }
        self.say_messages(now);
        self.ring(before, now);
        self.retitle();
    }

    fn say_messages(&mut self, now: &Now) {
        let news: Vec<_> = self
            .world
            .snapshot
            .messages
            .iter()
            .filter(|message| message.seq > self.said)
            .cloned()
            .collect();
        for message in news {
            self.said = message.seq;
            let place = message
                .capability
                .map(|capability| format!("{}: ", capability.title()))
                .unwrap_or_default();
            let mut what = format!("{place}{}", message.text);
            if !what.ends_with(['.', '!', '?']) {
                what.push('.');
            }
            let role = match message.level {
                Level::Ok => Role::Ok,
                Level::Warn => Role::Warn,
                Level::Error => Role::Bad,
            };
            let next = if message.level == Level::Error {
                "M shows all messages"
            } else {
                ""
            };
            // The screen of the step tells its own end; news are for what happens elsewhere, and for errors.
            let here = message.capability == Some(self.current);
            if !here || message.level == Level::Error && !self.tells_failure(&message.text) {
                self.say(News::new(text::sentence(&what), next).role(role), now);
            } else if message.level != Level::Error {
                self.read = self.read.max(message.seq);
            }
        }
    }

    /// Whether the screen itself tells of the failure or the breach, with what is next; then a sentence over it would only hide that.
    fn tells_failure(&self, text: &str) -> bool {
        let snapshot = &self.world.snapshot;
        match self.current {
            Capability::Monitor => text.starts_with("BREACH") || text.starts_with("Unknown budget spent"),
            Capability::Cutover | Capability::Upgrade | Capability::Rollback | Capability::Backup => {
                snapshot.activity(self.current) == Activity::Failed
            }
            _ => false,
        }
    }

    fn ring(&mut self, before: &World, now: &Now) {
        if !self.opened || before.snapshot.seq == 0 {
            return;
        }
        if verdict_rings(before, &self.world, now) {
            self.outbox.push(Out::Bell);
        }
        for (capability, step) in &self.world.snapshot.steps {
            let was = before.snapshot.activity(*capability);
            if was == step.activity || !was.is_active() {
                continue;
            }
            let seconds = match (step.started, step.ended) {
                (Some(started), Some(ended)) => ended.as_second() - started.as_second(),
                _ => 0,
            };
            let rings = match step.activity {
                Activity::Failed => true,
                Activity::Done | Activity::DoneWithQuarantine | Activity::Stopped => seconds > LONG_SECONDS,
                _ => false,
            };
            if rings {
                self.outbox.push(Out::Bell);
            }
        }
    }

    /// Rings each ten seconds while an armed rollback counts down, whatever is on the screen.
    pub(super) fn ring_countdown(&mut self, now: &Now) {
        let watch = self.world.snapshot.monitor.as_ref();
        let left = watch
            .and_then(|watch| watch.countdown)
            .map(|ends| ends.as_second() - now.at.as_second())
            .filter(|left| *left > 0)
            .map(|left| left / 10);
        if left.is_some() && self.rung.is_some() && left != self.rung {
            self.outbox.push(Out::Bell);
        }
        self.rung = left;
    }

    fn retitle(&mut self) {
        let snapshot = &self.world.snapshot;
        let name = if snapshot.name.is_empty() {
            "maos-migrate"
        } else {
            &snapshot.name
        };
        let step = snapshot.active().and_then(|capability| {
            let progress = snapshot.steps.get(&capability)?.progress.as_ref()?;
            let share = progress
                .total
                .map_or_else(|| progress.phase.clone(), |total| percent(progress.done, total));
            Some(format!("{share} {capability} {name}"))
        });
        let failed = snapshot
            .steps
            .iter()
            .find(|(_, step)| step.activity == Activity::Failed);
        let breach = snapshot
            .monitor
            .as_ref()
            .is_some_and(|watch| watch.should_roll_back());
        let title = match (step, failed) {
            _ if breach && snapshot.rolled_back().is_some() => format!("rolled back {name}"),
            _ if breach => format!("BREACH {name}"),
            (Some(title), _) => title,
            (None, Some((capability, _))) => format!("failed {capability} {name}"),
            (None, None) if name == "maos-migrate" => name.to_owned(),
            (None, None) => format!("maos-migrate {name}"),
        };
        if title != self.title {
            self.title.clone_from(&title);
            self.outbox.push(Out::Title(title));
        }
    }
}

/// A verdict that changes rings, unless somebody silenced it; a breach and a countdown that begin always ring.
fn verdict_rings(before: &World, after: &World, now: &Now) -> bool {
    let (Some(was), Some(is)) = (&before.snapshot.monitor, &after.snapshot.monitor) else {
        return false;
    };
    let word = |watch: &Watch| watch.verdict().map(|verdict| verdict.word);
    let begins = (is.should_roll_back() && !was.should_roll_back())
        || (is.countdown.is_some() && was.countdown.is_none());
    let pages = is.samples > was.samples && is.verdict().is_some_and(|verdict| verdict.page);
    begins || ((pages || (word(was).is_some() && word(was) != word(is))) && !is.is_snoozed(now.at))
}
