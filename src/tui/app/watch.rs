//! What is noticed when the engine's state changes: new messages become news, endings ring the bell, the window's
//! title follows.

use super::{App, Out};
use crate::engine::event::Level;
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
        self.ring(before);
        self.ring_for_verdict(before, now);
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
            if message.level == Level::Error || message.capability != Some(self.current) {
                self.say(News::new(text::sentence(&what), next).role(role), now);
            } else {
                self.read = self.read.max(message.seq);
            }
        }
    }

    fn ring(&mut self, before: &World) {
        if !self.opened || before.snapshot.seq == 0 {
            return;
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

    /// A verdict that turned, or a budget that is spent, rings unless somebody has silenced it; a breach always rings.
    fn ring_for_verdict(&mut self, before: &World, now: &Now) {
        let state = |world: &World| {
            let watch = world.snapshot.monitor.as_ref()?;
            let verdict = watch.verdict()?;
            Some((verdict.word, verdict.frozen, watch.is_snoozed(now.at)))
        };
        let (Some(is), was) = (state(&self.world), state(before)) else {
            return;
        };
        let turned = was.is_some_and(|was| was.0 != is.0 || (is.1 && !was.1));
        if self.opened && turned && (!is.2 || is.0 == crate::engine::monitor::Word::Breach) {
            self.outbox.push(Out::Bell);
        }
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
        let breach = snapshot.monitor.as_ref().is_some_and(|watch| watch.should_roll_back());
        let title = match (step, failed) {
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
