//! Monitor: tell at a glance whether to sleep, to look, or to roll back. The verdict in words, a gauge for each criterion,
//! the way back and the way on; a chart of any criterion; the picture can be frozen while sampling goes on.

mod chart;
mod decisions;
mod foot;
mod gauge;
mod gauges;
mod head;
pub(in crate::tui) mod picture;
mod view;

use jiff::Timestamp;
use serde_json::Value;

use super::{Screen, working};
use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::monitor::{Criterion, State, Watch};
use crate::engine::text::{inert, plural};
use crate::engine::views::Mode;
use crate::tui::app::context::{Cx, Effect, Handled};
use crate::tui::keymap::{Action, Command, STOP_COUNTDOWN};
use crate::tui::layout::Density;
use crate::tui::overlays::verdict::Explained;
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::{News, Title};
use picture::{Phase, Picture, seconds, span, until};

const STEP: Capability = Capability::Monitor;
const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

/// The screen.
#[derive(Debug, Default)]
pub struct Monitor {
    /// As it is now.
    live: Picture,
    /// A picture that is kept, and since when.
    frozen: Option<(Picture, Timestamp)>,
    /// Which criterion is drawn over time; where there is room, one always is.
    chart: Option<usize>,
}

/// A decision about the watch, for the engine.
fn decide(subject: &str, choice: Value) -> Effect {
    Effect::Send(Order::Decide {
        capability: STEP,
        subject: subject.to_owned(),
        choice,
    })
}

fn say(what: &str) -> Effect {
    Effect::Say(News::new(what, ""))
}

impl Monitor {
    /// The picture that is shown.
    fn shown(&self) -> &Picture {
        self.frozen.as_ref().map_or(&self.live, |(picture, _)| picture)
    }

    /// The moment the picture is of.
    fn moment(&self, cx: &Cx<'_>) -> Timestamp {
        self.frozen.as_ref().map_or(cx.now.at, |(_, at)| *at)
    }

    /// The criterion that is drawn over time.
    fn charted(&self, density: Density) -> Option<Criterion> {
        let index = if density == Density::Wide {
            Some(self.chart.unwrap_or(0))
        } else {
            self.chart
        };
        index.map(|index| Criterion::ALL[index % Criterion::ALL.len()])
    }

    /// How the watch stands at this moment, whatever picture is shown.
    fn phase(cx: &Cx<'_>) -> Phase {
        Picture::watching(cx.snapshot).phase(cx.now.at)
    }

    /// `last sample 79 s old`, `no data for 12 min 40 s`. Asks for a frame each second while it ticks.
    fn age(watch: &Watch, cx: &Cx<'_>) -> String {
        let Some(age) = watch.age(cx.now.at).and_then(|age| u64::try_from(age).ok()) else {
            return "no sample yet".to_owned();
        };
        if watch.on && watch.is_stale(cx.now.at) {
            return format!("no data for {}", span(age));
        }
        match watch.last_at() {
            Some(at) if age >= 600 => format!("last sample of {}", cx.now.clock(at)),
            _ => format!("last sample {age} s old"),
        }
    }

    /// Why the watch cannot be begun.
    fn off(cx: &Cx<'_>) -> Option<String> {
        working::locked(cx, STEP)
            .map(|locked| format!("Locked: {}", locked.sentence))
            .or_else(|| cx.held())
    }

    fn next_command(cx: &Cx<'_>) -> Command {
        let phase = Self::phase(cx);
        match phase {
            Phase::Countdown | Phase::Breach => {
                Command::new(Action::Next, "roll back").about("open the rollback; opening it changes nothing")
            }
            Phase::Never | Phase::Off => {
                if let Some(locked) = working::locked(cx, STEP) {
                    return working::unlock(&locked);
                }
                let label = if phase == Phase::Never { "watch" } else { "go on" };
                Command::new(Action::Next, label)
                    .about("take samples from now on; MAOS is only read")
                    .off(Self::off(cx))
            }
            Phase::Stale | Phase::Spent | Phase::Unknown => {
                Command::new(Action::Next, "see source").about("what is missing, and in whose words")
            }
            Phase::Passed | Phase::Back => Command::new(Action::Next, "report").about("go on to the report"),
            Phase::First | Phase::Closely | Phase::Well => Command::new(Action::Next, "next")
                .about("roll back on a breach, the report at the end")
                .off(Some(if phase == Phase::Closely {
                    "Nothing to do yet: it is below the rollback. v explains.".to_owned()
                } else {
                    "Nothing to do: no breach.".to_owned()
                }))
                .quiet(),
        }
    }

    fn explain(&self) -> Option<Effect> {
        let watch = self.shown().watch()?;
        Explained::newest(watch).map(|overlay| Effect::Open(Box::new(overlay)))
    }

    /// The newest sample's source, and what was missing.
    fn source(&self) -> Option<Effect> {
        let newest = Explained::newest(self.live.watch()?)?;
        Some(Effect::Open(Box::new(newest.at_source())))
    }

    fn next(&self, cx: &Cx<'_>) -> Handled {
        match Self::phase(cx) {
            Phase::Countdown | Phase::Breach => Handled::one(Effect::Go(Capability::Rollback)),
            Phase::Never | Phase::Off => match working::locked(cx, STEP).map(|locked| locked.goes_to) {
                Some(Some(step)) => Handled::one(Effect::Go(step)),
                Some(None) => Handled::done(),
                None => Handled::one(decide("watching", Value::Bool(true))),
            },
            Phase::Passed | Phase::Back => Handled::one(Effect::Go(Capability::Report)),
            Phase::Stale | Phase::Spent | Phase::Unknown => {
                self.source().map_or_else(Handled::done, Handled::one)
            }
            Phase::First | Phase::Closely | Phase::Well => Handled::done(),
        }
    }

    fn freeze(&mut self, cx: &Cx<'_>) -> Handled {
        self.frozen = match self.frozen {
            Some(_) => None,
            None => Some((self.live.clone(), cx.now.at)),
        };
        Handled::one(say(if self.frozen.is_some() {
            "Frozen; sampling goes on. f follows."
        } else {
            "Following again."
        }))
    }

    fn next_chart(&mut self, cx: &Cx<'_>) -> Handled {
        let last = Criterion::ALL.len() - 1;
        self.chart = match (self.chart, cx.density) {
            (None, Density::Wide) => Some(1),
            (None, _) => Some(0),
            (Some(at), Density::Wide) if at >= last => Some(0),
            (Some(at), _) if at >= last => None,
            (Some(at), _) => Some(at + 1),
        };
        Handled::done()
    }
}

impl Screen for Monitor {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        // What a way back rests on is told beside the verdict.
        if matches!(cx.views.mode, Mode::Operating | Mode::Watching(_)) {
            vec![Effect::Send(Order::Read(Capability::Backup))]
        } else {
            Vec::new()
        }
    }

    fn refresh(&mut self, cx: &Cx<'_>) {
        self.live = Picture::of(cx.snapshot, cx.views);
        // A picture from before a breach must not hide it.
        let breach = Self::phase(cx).is_breach();
        if self
            .frozen
            .as_ref()
            .is_some_and(|(picture, at)| breach && !picture.phase(*at).is_breach())
        {
            self.frozen = None;
        }
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let Some(watch) = self.shown().watch() else {
            let facts = if Self::off(cx).is_some() {
                "locked"
            } else {
                "not begun"
            };
            return Title::new("Monitor", facts, "");
        };
        if watch.on {
            cx.wake_in(SECOND);
        }
        let criteria = watch.criteria();
        let mut facts = format!("every {}", span(seconds(criteria.interval)));
        if !matches!(cx.density, Density::Compact | Density::Tiny) {
            facts = format!("window {} · {facts}", span(seconds(criteria.window)));
        }
        if !watch.on {
            facts = match &watch.ended {
                Some((at, why)) => format!("not watched since {}: {}", cx.now.clock(*at), inert(why)),
                None => "not watched".to_owned(),
            };
        } else if self.frozen.is_none()
            && let Some(at) = watch.next_at()
        {
            let left = until(cx.now, at);
            if left > 0 {
                facts = format!("{facts} · next in {}", text::duration(left));
            } else {
                facts = format!("{facts} · next is due");
            }
        }
        let mut title = Title::new("Monitor", facts, Self::age(watch, cx));
        if let Some((picture, at)) = &self.frozen {
            let newer = self.live.samples().saturating_sub(picture.samples());
            title.facts = format!("FROZEN {}, {newer} newer · f follows", cx.now.clock(*at));
            title.role = Role::Warn;
        }
        if watch.is_stale(cx.now.at) {
            title.right_role = Role::Unknown;
        }
        title
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each phase, each a few lines")]
    fn news(&self, cx: &Cx<'_>) -> News {
        let phase = Self::phase(cx);
        let role = view::role(phase);
        let Some(watch) = cx.snapshot.monitor.as_deref() else {
            return match working::locked(cx, STEP) {
                Some(locked) => {
                    let next = locked.goes_to.map_or_else(
                        || "R works".to_owned(),
                        |step| format!("n goes to {}", step.title()),
                    );
                    News::new(format!("Locked: {}", locked.sentence), next).role(Role::Warn)
                }
                None => News::new("Nothing is watched yet.", "n begins the watch"),
            };
        };
        let next_sample = || {
            watch.next_at().map_or_else(String::new, |at| {
                format!("; next sample at {}", cx.now.clock_seconds(at))
            })
        };
        let verdict = watch.verdict();
        match phase {
            Phase::Never | Phase::Off => {
                let why = watch.ended.as_ref().map_or_else(
                    || "Nobody watches.".to_owned(),
                    |(_, why)| text::sentence(&inert(why)) + ".",
                );
                News::new(why, "n goes on")
            }
            Phase::First => News::new(
                "The watch has begun. No verdict yet.",
                "wait for the first sample",
            ),
            Phase::Countdown => {
                let left = watch.countdown.map_or(0, |ends| until(cx.now, ends));
                News::new(
                    format!("Rolls back by itself in {}.", text::duration(left)),
                    "X stops it for everyone",
                )
                .role(role)
            }
            Phase::Breach => News::new(
                "The verdict stays until someone acts.",
                "n roll back, or v explain first",
            )
            .short("It stays.")
            .role(role),
            Phase::Back => {
                let at = cx.snapshot.rolled_back();
                let at = at.map_or_else(String::new, |at| format!(" at {}", cx.now.clock(at)));
                News::new(format!("Rolled back{at} and proved."), "n report").role(Role::Ok)
            }
            Phase::Stale => {
                let age = watch.age(cx.now.at).and_then(|age| u64::try_from(age).ok());
                News::new(
                    format!(
                        "No data for {}; the verdict is not renewed.",
                        span(age.unwrap_or_default())
                    ),
                    "n see source",
                )
                .role(role)
            }
            Phase::Spent => News::new(
                "Unknown budget spent: promotion frozen, on-call paged. No rollback by itself.",
                "n see source",
            )
            .short("Unknown budget spent; on-call paged.")
            .role(role),
            Phase::Unknown => {
                let missing: Vec<&str> = verdict
                    .iter()
                    .flat_map(|verdict| verdict.criteria.iter())
                    .filter(|judged| judged.is_unknown())
                    .map(|judged| judged.criterion.title())
                    .collect();
                let more = match missing.len() {
                    0 | 1 => String::new(),
                    some => format!(" and {} more", some - 1),
                };
                let first = missing.first().copied().unwrap_or("Something");
                News::new(
                    format!("{first}{more} not known: neither healthy nor failing."),
                    "n see source",
                )
                .role(role)
            }
            Phase::Closely => {
                let over: Vec<String> = verdict
                    .iter()
                    .flat_map(|verdict| verdict.criteria.iter())
                    .filter(|judged| matches!(judged.state, State::Over | State::Breach))
                    .map(|judged| judged.criterion.title().to_lowercase())
                    .collect();
                let what = text::sentence(&over.join(", "));
                News::new(
                    format!("{what} over the limit, below the rollback."),
                    format!("v explains{}", next_sample()),
                )
                .role(role)
            }
            Phase::Passed => News::new(
                format!(
                    "Watched {} without a breach.",
                    span(seconds(watch.criteria().duration))
                ),
                "n report",
            )
            .role(role),
            Phase::Well => {
                let missing = match watch.lost + watch.aside {
                    0 => "none missing".to_owned(),
                    some => format!("{some} not usable"),
                };
                let samples = plural(watch.samples, "sample", "samples");
                News::new(
                    format!("{samples}, {missing}."),
                    format!("nothing to do{}", next_sample()),
                )
                .short(format!("{samples}."))
            }
        }
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let phase = Self::phase(cx);
        let watch = cx.snapshot.monitor.as_deref();
        let mut commands = Vec::new();
        if phase == Phase::Countdown {
            commands.push(
                Command::new(Action::Stop, STOP_COUNTDOWN)
                    .about("stop the automatic rollback for everyone, at once"),
            );
        }
        commands.push(Self::next_command(cx));
        let none = watch
            .and_then(Watch::verdict)
            .is_none()
            .then(|| "There is no verdict yet.".to_owned());
        let on = watch.is_some_and(|watch| watch.on);
        let held = cx.held();
        let pause = Command::new(Action::Pause, if on { "pause" } else { "go on" })
            .about("take no more samples, or go on")
            .off(held.clone().or_else(|| (!on).then(|| Self::off(cx)).flatten()));
        let pause = if phase.is_breach() || !on {
            pause.quiet()
        } else {
            pause
        };
        if !phase.is_breach() {
            commands.push(pause.clone());
        }
        commands.push(
            Command::new(Action::Explain, "explain")
                .about("the arithmetic of the verdict")
                .off(none.clone()),
        );
        let freeze = if self.frozen.is_some() { "follow" } else { "freeze" };
        commands.push(
            Command::new(Action::Freeze, freeze)
                .about("freeze the picture; sampling goes on")
                .off(none.clone()),
        );
        commands.push(Command::new(Action::Backups, "backups").about("the backups and their proof"));
        let keep = Command::new(Action::KeepOn, "keep on…")
            .about("say that it was seen, silence the bell, or take the verdict back; with a reason")
            .off(none.clone().or_else(|| held.clone()));
        let chart = Command::new(Action::Chart, "chart")
            .about("chart of the next criterion")
            .off(none);
        let is_armed = watch.is_some_and(|watch| watch.armed.is_some());
        let (word, about) = if is_armed {
            ("disarm", "no rollback by itself any more; at once".to_owned())
        } else {
            (
                "arm",
                format!(
                    "a breach rolls back by itself after {} s; asks for the name and a reason",
                    decisions::countdown(cx)
                ),
            )
        };
        let arm = Command::new(Action::Arm, word)
            .about(about)
            .off(held.or_else(|| watch.is_none().then(|| "Nothing is watched yet.".to_owned())));
        if phase.is_breach() {
            commands.extend([keep, chart, arm.quiet(), pause]);
        } else {
            commands.extend([chart, arm, keep.quiet()]);
        }
        commands.push(Command::new(Action::Log, "log").quiet());
        commands
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        self.refresh(cx);
        match action {
            Action::Next => self.next(cx),
            Action::Pause => {
                let on = self.live.watch().is_some_and(|watch| watch.on);
                Handled::one(decide("watching", Value::Bool(!on)))
            }
            Action::Explain | Action::Open => self.explain().map_or_else(Handled::done, Handled::one),
            Action::Freeze => self.freeze(cx),
            Action::Close | Action::Leave if self.frozen.is_some() => self.freeze(cx),
            Action::Backups => Handled::one(Effect::Go(Capability::Backup)),
            Action::Chart => self.next_chart(cx),
            Action::Arm if self.live.watch().is_some_and(|watch| watch.armed.is_some()) => {
                Handled::Yes(vec![
                    decide("armed", Value::Null),
                    say("Disarmed: no rollback by itself."),
                ])
            }
            Action::Arm => Handled::one(decisions::arm(cx)),
            Action::KeepOn => match self.live.watch() {
                Some(watch) => Handled::one(decisions::keep_on(watch, cx)),
                None => Handled::done(),
            },
            _ => Handled::No,
        }
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::render(self, painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate monitor status".to_owned())
    }
}
