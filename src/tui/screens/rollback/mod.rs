//! The way back. Reachable from everywhere by one key; opening it changes nothing: it reads, and shows what would be done.

mod view;

use super::Screen;
use crate::engine::command::Command as Order;
use crate::engine::error::Error;
use crate::engine::item::{ItemState, Items};
use crate::engine::journey;
use crate::engine::rollback::{NewRows, Preflight};
use crate::engine::runner::Reply;
use crate::engine::runner::operations::backup::duration;
use crate::engine::runner::operations::rollback::{ONLY, ROWS};
use crate::engine::snapshot::Activity;
use crate::engine::steps::{HELD, unfinished};
use crate::engine::text::plural;
use crate::engine::views::{Mode, Slot};
use crate::engine::{self, Capability};
use crate::tui::app::context::{Answered, Cx, Effect, Handled, Purpose};
use crate::tui::keymap::{Action, Command};
use crate::tui::overlays::backups::Backups;
use crate::tui::overlays::choice::{Choice, Consequence};
use crate::tui::overlays::confirm::Confirm;
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;
use crate::tui::widgets::frame::{News, Title};

/// The screen.
#[derive(Debug, Default)]
pub struct Rollback {
    asked: &'static str,
    /// The plan of `asked` is being made.
    pending: bool,
}

pub(super) fn preflight<'a>(cx: &Cx<'a>) -> Option<&'a Preflight> {
    cx.views.rollback.value().map(|(_, found)| &**found)
}

/// The lines of the rollback as the journal has them, or of its own taking back while that is under way.
pub(super) fn lines<'a>(cx: &Cx<'a>) -> Option<&'a Items> {
    let step = cx.step(Capability::Rollback)?;
    let returns = step
        .items
        .get("return")
        .filter(|lines| step.verb == "return" && (step.activity.is_active() || unfinished(lines).is_some()));
    returns.or_else(|| step.items.get("apply"))
}

/// Taking back a rollback was interrupted.
fn half_returned(cx: &Cx<'_>) -> bool {
    let step = cx.step(Capability::Rollback);
    step.and_then(|step| step.items.get("return"))
        .is_some_and(|lines| unfinished(lines).is_some())
        && !runs(cx)
}

/// Whether a rollback is under way in any session.
pub(super) fn runs(cx: &Cx<'_>) -> bool {
    cx.step(Capability::Rollback)
        .is_some_and(|step| step.activity.is_active() && step.verb != "rehearse")
}

/// Whether a rehearsal is under way.
fn rehearses(cx: &Cx<'_>) -> bool {
    cx.step(Capability::Rollback)
        .is_some_and(|step| step.activity.is_active() && step.verb == "rehearse")
}

/// Whether the last rollback failed.
fn failed(cx: &Cx<'_>) -> bool {
    cx.step(Capability::Rollback)
        .is_some_and(|step| step.activity == Activity::Failed && step.verb == "apply")
}

fn interrupted(cx: &Cx<'_>) -> bool {
    !runs(cx) && lines(cx).is_some_and(|lines| unfinished(lines).is_some())
}

/// Nobody can stop behind the swap until everything is proved.
fn behind_the_swap(cx: &Cx<'_>) -> bool {
    let glued = ["swap", "files", "version", "start", "open", "ready", "proof"];
    lines(cx).is_some_and(|lines| {
        glued.iter().any(|key| {
            lines
                .get(key)
                .is_some_and(|line| line.state == ItemState::Running)
        })
    })
}

/// A rollback is done, and nothing that was read since asks for another one.
pub(super) fn over(cx: &Cx<'_>) -> bool {
    let Some(step) = cx.step(Capability::Rollback) else {
        return false;
    };
    let read_since = |ended| cx.views.rollback.value().filter(|(at, _)| *at > ended);
    let nothing_new = |ended| read_since(ended).is_none_or(|(_, found)| found.nothing_to_do);
    step.verb == "apply" && step.activity.is_done() && step.ended.is_none_or(nothing_new)
}

/// How many steps the last rehearsal timed.
fn timed(found: &Preflight) -> usize {
    let known = |(key, ..): &&(String, String, String)| found.rehearsed.contains_key(key);
    found.steps.iter().filter(known).count()
}

/// What is known of the time it takes: of the whole only where every step was timed.
fn about(found: &Preflight) -> Option<String> {
    let took = duration(found.rehearsed_ms()?);
    Some(if found.all_rehearsed() {
        format!(" · about {took}")
    } else {
        format!(", {} timed in {took}", timed(found))
    })
}

fn plan(verb: &'static str) -> Effect {
    let order = Order::Plan {
        capability: Capability::Rollback,
        verb: verb.to_owned(),
    };
    Effect::Ask(Purpose::Preview(Capability::Rollback), order)
}

fn decide(subject: &str, choice: impl Into<serde_json::Value>) -> Handled {
    Handled::Yes(vec![
        Effect::Send(Order::Decide {
            capability: Capability::Rollback,
            subject: subject.to_owned(),
            choice: choice.into(),
        }),
        Effect::Send(Order::Read(Capability::Rollback)),
    ])
}

impl Rollback {
    /// What leads back from the rollback itself.
    fn way_back(&self, cx: &Cx<'_>) -> Option<String> {
        let found = preflight(cx).filter(|_| self.asked == "apply")?;
        let after = match found.mode {
            engine::rollback::Mode::Maos => "u renames back, newer rows exported first",
            engine::rollback::Mode::Legacy => "cut over again",
        };
        Some(match found.backup {
            Some(_) => format!("before the swap it stops by itself, nothing is replaced; after it: {after}"),
            None => format!("{after}; nothing is replaced"),
        })
    }
}

/// Why nothing can be read for the way back: without a journal nobody knows what was done, without settings where it was.
pub(super) fn unreadable<'a>(cx: &Cx<'a>) -> Option<&'a Error> {
    match (&cx.views.mode, &cx.views.rollback, &cx.views.settings) {
        (Mode::Failed(error), ..)
        | (_, Slot::Failed(_, error), _)
        | (_, Slot::Empty | Slot::Loading(None), Slot::Failed(_, error)) => Some(error),
        _ => None,
    }
}

/// Why `n` is off.
fn off(cx: &Cx<'_>) -> Option<String> {
    if runs(cx) {
        return Some("The rollback is running.".to_owned());
    }
    let unread = unreadable(cx).map(|error| format!("{}.", text::sentence(&error.message)));
    unread.or_else(|| cx.held()).or_else(|| match &cx.views.rollback {
        Slot::Empty | Slot::Loading(None) => Some("The pre-flight is being read.".to_owned()),
        _ => preflight(cx)
            .and_then(|found| found.blocked.as_ref())
            .filter(|_| !interrupted(cx))
            .map(ToString::to_string),
    })
}

/// The legacy system stands in the way, and a person may choose to restore only.
fn legacy_halts(cx: &Cx<'_>) -> bool {
    preflight(cx)
        .and_then(|found| found.blocked.as_ref())
        .is_some_and(|error| error.message.contains("legacy system does not start"))
}

impl Screen for Rollback {
    fn entered(&mut self, cx: &Cx<'_>) -> Vec<Effect> {
        // Whoever watches reads too: nothing is changed by it.
        if super::working::reads(cx) || matches!(cx.views.mode, Mode::Watching(_)) {
            vec![
                Effect::Send(Order::Read(Capability::Rollback)),
                Effect::Send(Order::Read(Capability::Backup)),
            ]
        } else {
            Vec::new()
        }
    }

    fn title(&self, cx: &Cx<'_>) -> Title {
        let age = if runs(cx) {
            super::working::fresh(cx)
        } else {
            let read = cx.views.rollback.value();
            read.map_or_else(String::new, |(at, _)| format!("read {}", cx.ago(at)))
        };
        let what = match preflight(cx) {
            Some(found) if over(cx) => {
                format!("{} of {} steps proved", found.steps.len(), found.steps.len())
            }
            Some(_) if failed(cx) => "failed".to_owned(),
            Some(found) if !runs(cx) => {
                let about = about(found).unwrap_or_default();
                format!(
                    "{}{about} · nothing is changed yet",
                    plural(found.steps.len() as u64, "step", "steps")
                )
            }
            Some(_) => view::which(cx).unwrap_or_else(|| "running".to_owned()),
            None => "nothing is changed by opening this".to_owned(),
        };
        Title::new("Rollback", what, age)
    }

    fn news(&self, cx: &Cx<'_>) -> News {
        let step = cx.step(Capability::Rollback);
        if let (Mode::Watching(holder), false) = (&cx.views.mode, runs(cx)) {
            return News::new(
                format!("{} operates. Your rollback goes first.", holder.operator),
                "n takes over",
            )
            .role(Role::Warn);
        }
        if let Some(step) =
            step.filter(|step| runs(cx) && step.progress.as_ref().is_some_and(|now| now.phase == HELD))
        {
            let what = step.progress.as_ref().and_then(|now| now.running.first());
            let what = what.map_or("swap", String::as_str);
            return News::new(
                format!("Next: {}.", crate::engine::text::inert(what)),
                "X stops here",
            )
            .role(Role::Warn);
        }
        if rehearses(cx) {
            let far = step
                .and_then(|step| step.progress.as_ref())
                .map_or_else(String::new, |progress| {
                    format!(": {}", super::working::far(progress))
                });
            return News::new(format!("Rehearsing{far}."), "wait; nothing in use is touched");
        }
        if runs(cx) {
            let next = if behind_the_swap(cx) {
                "wait; it ends with its proof or takes itself back"
            } else {
                "watch, or X stops before the swap"
            };
            let short =
                view::which(cx).map_or_else(String::new, |which| format!("{}.", text::sentence(&which)));
            return News::new(view::under_way(cx), next).short(short);
        }
        if self.pending {
            return News::new("The plan is being made; nothing is changed.", "wait");
        }
        if half_returned(cx) {
            return News::new(view::stopped_in(cx), "n goes on").role(Role::Warn);
        }
        if interrupted(cx) {
            return News::new(view::stopped_in(cx), "n goes on, u keeps the present state").role(Role::Warn);
        }
        if let Some(step) = step.filter(|step| step.verb == "apply") {
            match (step.activity, &step.outcome, &step.error) {
                (Activity::Done, Some(outcome), _) if over(cx) => {
                    let said = format!("{}.", outcome.summary.trim_end_matches('.'));
                    let short = said
                        .split_once(':')
                        .map_or("Rolled back and proved", |(head, _)| head);
                    let short = format!("{short}.");
                    return News::new(said, "n report").short(short).role(Role::Ok);
                }
                (Activity::Failed, _, Some(error)) => {
                    return News::new(format!("{error}."), "mend the cause, then n")
                        .short("The rollback failed; the cause stands above.")
                        .role(Role::Bad);
                }
                _ => {}
            }
        }
        match unreadable(cx) {
            Some(error) => {
                let next = if matches!(cx.views.mode, Mode::Failed(_)) {
                    "q goes back"
                } else {
                    "r reads again"
                };
                News::new(format!("{}.", text::sentence(&error.message)), next)
                    .short("Nothing can be read; the cause stands above.")
                    .role(Role::Bad)
            }
            None => match preflight(cx) {
                None => News::new("Reading what can be gone back to.", "wait"),
                Some(found) if found.nothing_to_do && found.returns => {
                    News::new("Rolled back already.", "q goes back, u takes the rollback back").role(Role::Ok)
                }
                Some(found) if found.nothing_to_do => {
                    News::new("Rolled back already.", "q goes back").role(Role::Ok)
                }
                Some(found) => match &found.blocked {
                    Some(error) => News::new(format!("{error}."), "b shows the backups").role(Role::Bad),
                    None => match cx.held() {
                        // `n` is off: the line says why, and what would switch it on.
                        Some(held) => {
                            let next = if cx.views.lock_is_setting {
                                "untick it on Start"
                            } else {
                                "q goes back"
                            };
                            News::new(format!("{}.", text::sentence(&held)), next).role(Role::Warn)
                        }
                        None => News::new("Pre-flight is clear.", "n asks for the name of the target"),
                    },
                },
            },
        }
    }

    fn commands(&self, cx: &Cx<'_>) -> Vec<Command> {
        let watching = matches!(cx.views.mode, Mode::Watching(_)) && !runs(cx);
        let next = if watching {
            Command::new(Action::Next, "take over").about("take over for the rollback, with a reason")
        } else if interrupted(cx) {
            Command::new(Action::Next, "go on")
                .about("go on with the rollback")
                .off(off(cx))
        } else if over(cx) {
            let locked = journey::gate(cx.snapshot, Capability::Report).err();
            Command::new(Action::Next, "report")
                .about("go on to Report")
                .off(locked.map(|locked| locked.sentence))
        } else {
            Command::new(Action::Next, "roll back…")
                .about("show the plan and ask for the name of the target")
                .off(off(cx))
        };
        let mut all = vec![next];
        if runs(cx) {
            let glued = behind_the_swap(cx)
                .then(|| "From the swap on nothing is left half done; it ends by itself.".to_owned());
            all.push(Command::new(Action::Stop, "stop").off(cx.held().or(glued)));
            return all;
        }
        if rehearses(cx) {
            all.push(
                Command::new(Action::Stop, "stop")
                    .about("stop the rehearsal; its copies are removed")
                    .off(cx.held()),
            );
        }
        if half_returned(cx) {
            return all;
        }
        if !interrupted(cx) && preflight(cx).is_some_and(|found| found.returns) {
            all.push(
                Command::new(Action::TakeBack, "take back…")
                    .about("use the database, files and version from before the rollback again")
                    .off(cx.held()),
            );
        }
        if interrupted(cx) {
            all.push(
                Command::new(Action::TakeBack, "keep")
                    .about("take back what was done and keep the present state")
                    .off(cx.held()),
            );
        }
        let idle = cx.held().or_else(|| {
            cx.snapshot
                .active()
                .map(|running| format!("{} is running.", running.title()))
        });
        let no_rows = preflight(cx)
            .is_none_or(|found| found.newer.as_ref().is_none_or(|since| since.new == 0))
            .then(|| "No rows exist only in MAOS.".to_owned());
        all.push(Command::new(Action::Backups, "backup").about("choose another backup"));
        all.push(
            Command::new(Action::Mark, "rows")
                .about("carry new rows back, or export them")
                .off(cx.held().or(no_rows)),
        );
        if legacy_halts(cx) {
            all.push(
                Command::new(Action::Edit, "restore only").about("restore without opening the legacy system"),
            );
        }
        all.push(
            Command::new(Action::Rehearse, "rehearse")
                .about("restore, prove and swap on a copy, and time it")
                .off(idle),
        );
        let unread = cx.held().filter(|_| !watching);
        all.push(Command::new(Action::ReadAgain, "read again").off(unread));
        all
    }

    fn act(&mut self, action: Action, cx: &Cx<'_>) -> Handled {
        let mut ask = |verb: &'static str| {
            (self.asked, self.pending) = (verb, true);
            Handled::one(plan(verb))
        };
        match action {
            Action::Next if matches!(cx.views.mode, Mode::Watching(_)) => Handled::one(take_over(cx)),
            Action::Next if half_returned(cx) => ask("return"),
            Action::Next if over(cx) => Handled::one(Effect::Go(Capability::Report)),
            Action::Next => ask("apply"),
            Action::TakeBack if interrupted(cx) => ask("keep"),
            Action::TakeBack => ask("return"),
            Action::Rehearse => ask("rehearse"),
            Action::Stop => super::working::act(action, cx, Capability::Rollback),
            Action::Backups => Handled::one(Effect::Open(Box::<Backups>::default())),
            Action::ReadAgain => Handled::one(Effect::Send(Order::Read(Capability::Rollback))),
            Action::Mark => {
                let now = preflight(cx).map_or(NewRows::Carry, |found| found.rows);
                let other = match now {
                    NewRows::Carry => NewRows::Export,
                    NewRows::Export => NewRows::Carry,
                };
                decide(ROWS, other.word())
            }
            Action::Edit => decide(ONLY, "restore"),
            _ => Handled::No,
        }
    }

    fn answered(&mut self, answer: &Answered, cx: &Cx<'_>) -> Handled {
        if matches!(answer, (Purpose::Preview(Capability::Rollback), _)) {
            self.pending = false;
        }
        match answer {
            (Purpose::Preview(Capability::Rollback), Ok(Reply::Plan(plan))) => {
                if !plan.needs_approval {
                    return Handled::one(Effect::Say(
                        News::new(format!("{}.", plan.title), "").role(Role::Ok),
                    ));
                }
                let (time, remarks) = self.remarks(cx);
                let dialog = Confirm::new((**plan).clone(), cx.now.at, cx.now.mono, time, remarks)
                    .way_back(self.way_back(cx));
                Handled::one(Effect::Open(Box::new(dialog)))
            }
            (Purpose::Preview(Capability::Rollback), Err(error)) => {
                Handled::one(Effect::Say(News::new(error.to_string(), "").role(Role::Bad)))
            }
            _ => Handled::No,
        }
    }

    fn remarks(&self, cx: &Cx<'_>) -> (Option<String>, Vec<String>) {
        let Some(found) = preflight(cx).filter(|_| self.asked == "apply") else {
            return (None, Vec::new());
        };
        let mut remarks = Vec::new();
        if let Some(running) = cx.snapshot.active() {
            remarks.push(format!(
                "{} runs; it stops at its next safe point.",
                running.title()
            ));
        }
        let time = found.rehearsed_ms().map(|ms| {
            let took = duration(ms);
            if found.all_rehearsed() {
                return format!("about {took} as rehearsed");
            }
            let (timed, all) = (timed(found), found.steps.len());
            format!("{timed} of {all} steps took {took} in the rehearsal; the others were not timed")
        });
        (time, remarks)
    }

    fn render(&mut self, painter: &mut Painter<'_>, cx: &Cx<'_>) {
        view::draw(painter, cx);
    }

    fn script(&self, _cx: &Cx<'_>) -> Option<String> {
        Some("maos-migrate rollback plan | apply --approve DIGEST --confirm NAME".to_owned())
    }
}

fn take_over(cx: &Cx<'_>) -> Effect {
    let who = match &cx.views.mode {
        Mode::Watching(holder) => holder.operator.clone(),
        _ => String::new(),
    };
    let me = cx
        .views
        .me
        .as_ref()
        .map_or("an operator", |me| me.operator.as_str());
    let reason = format!("rollback opened by {me}");
    Effect::Open(Box::new(Choice::new(
        format!("Take over from {who}?"),
        vec![
            (
                "What runs stops at its next safe point. Nothing is rolled back by this.".to_owned(),
                Role::Text,
            ),
            (format!("Told to {who} and written down: {reason}."), Role::Muted),
        ],
        vec![
            ("Watch".to_owned(), Consequence::Nothing),
            (
                "Take over".to_owned(),
                Consequence::Send(Order::TakeOver { reason }),
            ),
        ],
        cx.now.mono,
    )))
}
