//! Monitor in plain mode: begin a watch, follow it sample by sample, have the verdict explained, say that it was seen.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Dialogue, Goes, Typed};
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::event::{EventKind, Level};
use crate::engine::monitor::{Watch, explain, verdict, watch::time};

/// An armed rollback is announced this soon after the breach.
const COUNTDOWN_BEGINS: Duration = Duration::from_secs(2);

/// What a choice by its number does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    StopCountdown,
    Begin,
    Follow,
    Pause,
    Acknowledge,
    RollBack,
    On,
}

impl Choice {
    const fn words(self) -> &'static str {
        match self {
            Self::StopCountdown => "stop the automatic rollback",
            Self::Begin => "watch from now on",
            Self::Follow => "follow, a line a sample",
            Self::Pause => "take no more samples",
            Self::Acknowledge => "acknowledge, with a reason",
            Self::RollBack => "roll back",
            Self::On => "go on",
        }
    }

    /// What can be done now, the most pressing first.
    fn all(watch: Option<&Watch>) -> Vec<Self> {
        let mut all = Vec::new();
        let Some(watch) = watch else {
            return vec![Self::Begin, Self::On];
        };
        if watch.countdown.is_some() {
            all.push(Self::StopCountdown);
        }
        if watch.should_roll_back() {
            all.push(Self::RollBack);
        }
        all.push(if watch.on { Self::Follow } else { Self::Begin });
        if watch.on {
            all.push(Self::Pause);
        }
        if watch.should_roll_back() {
            all.push(Self::Acknowledge);
        }
        all.push(Self::On);
        all
    }
}

impl Dialogue<'_> {
    /// The step.
    pub(super) async fn watch(&mut self) -> Result<Goes> {
        loop {
            let snapshot = self.snapshot();
            let watch = snapshot.monitor.as_deref();
            self.heading(Capability::Monitor, &stands(watch))?;
            let choices = Choice::all(watch);
            let numbered: Vec<String> = choices
                .iter()
                .enumerate()
                .map(|(at, choice)| format!("{} {}", at + 1, choice.words()))
                .collect();
            self.say(&format!("{}. Press Enter to go on.", numbered.join(", ")))?;
            let typed = self
                .ask(&format!("Type 1 to {}, or ? for the arithmetic >", choices.len()))
                .await?;
            let choice = match typed {
                Typed::Leave => return Ok(Goes::Away),
                Typed::Back => return Ok(Goes::Back),
                Typed::Nothing => Choice::On,
                Typed::Explain => {
                    self.explain_verdict(watch)?;
                    continue;
                }
                Typed::Text(text) => {
                    let number = text.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                    let Some(choice) = number.and_then(|n| choices.get(n)).copied() else {
                        self.say(&format!(
                            "Not understood: {}. Nothing was done.",
                            crate::engine::text::inert_short(&text, 60)
                        ))?;
                        continue;
                    };
                    choice
                }
            };
            match choice {
                Choice::On => return Ok(Goes::On),
                Choice::StopCountdown => {
                    self.decided("countdown", Value::Null).await?;
                }
                Choice::RollBack => {
                    Box::pin(self.operation(Capability::Rollback)).await?;
                }
                Choice::Begin => {
                    if self.decided("watching", Value::Bool(true)).await? && self.follow().await? {
                        return Ok(Goes::Away);
                    }
                }
                Choice::Follow => {
                    if self.follow().await? {
                        return Ok(Goes::Away);
                    }
                }
                Choice::Pause => {
                    self.decided("watching", Value::Bool(false)).await?;
                }
                Choice::Acknowledge => match self.ask("Reason >").await? {
                    Typed::Leave => return Ok(Goes::Away),
                    Typed::Text(reason) => {
                        self.decided("acknowledge", json!({"reason": reason})).await?;
                    }
                    _ => self.say("Nothing was said, so nothing was kept.")?,
                },
            }
        }
    }

    /// Tells the engine; whether it took it.
    async fn decided(&mut self, subject: &str, choice: Value) -> Result<bool> {
        let command = Command::Decide {
            capability: Capability::Monitor,
            subject: subject.to_owned(),
            choice,
        };
        let Err(error) = self.session.ask(command, self.output).await else {
            return Ok(true);
        };
        self.say(&format!("Refused: {}.", error.message.trim_end_matches('.')))?;
        if let Some(hint) = &error.hint {
            self.say(&format!("Do: {hint}"))?;
        }
        Ok(false)
    }

    /// Tells each sample as it comes, until a line is typed, the watch is over, or the verdict is to roll back. Whether the
    /// person leaves.
    async fn follow(&mut self) -> Result<bool> {
        let mut events = self.session.engine().events();
        let mut snapshots = self.session.engine().snapshot();
        self.say("Watching. Press Enter for the prompt; the watch goes on while this session lasts.")?;
        let was_breach = self
            .snapshot()
            .monitor
            .as_deref()
            .is_some_and(Watch::should_roll_back);
        loop {
            self.output.flush()?;
            tokio::select! {
                line = self.lines.recv() => {
                    return Ok(line.is_none_or(|line| line.trim() == "q"));
                }
                event = events.recv() => {
                    let Some(event) = event else {
                        return Err(Error::unavailable("the session has ended"));
                    };
                    match &event.kind {
                        EventKind::Sampled { .. } => {
                            let seen = snapshots
                                .wait_for(|snapshot| snapshot.seq >= event.seq)
                                .await
                                .map_err(|_| Error::unavailable("the session has ended"))?
                                .clone();
                            let Some(watch) = seen.monitor.as_deref() else { continue };
                            self.say(&sample(watch))?;
                            if watch.should_roll_back() && !was_breach {
                                if watch.armed.is_some() {
                                    // The prompt that follows has to offer its stop.
                                    let begun = snapshots.wait_for(|snapshot| {
                                        snapshot.monitor.as_deref().is_some_and(|watch| watch.countdown.is_some())
                                    });
                                    let _ = tokio::time::timeout(COUNTDOWN_BEGINS, begun).await;
                                }
                                return Ok(false);
                            }
                        }
                        EventKind::WatchEnded { reason } => {
                            self.say(&format!("Not watched any more: {reason}."))?;
                            return Ok(false);
                        }
                        EventKind::Noted { capability: Some(Capability::Monitor), level, text, .. } => {
                            let word = match level {
                                Level::Error => "Error",
                                Level::Warn => "Warning",
                                Level::Ok => "News",
                            };
                            self.say(&format!("{word}: {}.", text.trim_end_matches('.')))?;
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn explain_verdict(&mut self, watch: Option<&Watch>) -> Result<()> {
        let Some((watch, point)) = watch.and_then(|watch| Some((watch, watch.last()?))) else {
            return self.say(
                "Explain: a watch reads MAOS's own figures at intervals, judges error rate, degradation, availability and \
                 validation by their limits, and says when to roll back. MAOS is only read.",
            );
        };
        let confirmed = |judged: &verdict::Judged| {
            let times = explain::confirming(watch.history.iter(), judged);
            let said: Vec<String> = times.into_iter().map(clock).collect();
            said.join(", ")
        };
        let lines = explain::lines(
            &point.verdict,
            Some(&point.guide),
            watch.criteria(),
            watch.baseline(),
            &confirmed,
        );
        for line in lines {
            let parts: Vec<String> = [line.name.trim(), line.text.trim(), line.result.trim()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            self.say(&format!("Explain: {}.", parts.join(": ").trim_end_matches('.')))?;
        }
        for why in &point.taken.why {
            self.say(&format!("Missing: {}.", crate::engine::text::inert(why)))?;
        }
        Ok(())
    }
}

fn clock(micros: i64) -> String {
    time(micros).map_or_else(String::new, |at| {
        at.to_zoned(jiff::tz::TimeZone::system())
            .strftime("%H:%M:%S")
            .to_string()
    })
}

/// How it stands, the state word first.
fn stands(watch: Option<&Watch>) -> String {
    let Some(watch) = watch else {
        return "State: not watched. A watch only reads MAOS.".to_owned();
    };
    let Some(verdict) = watch.verdict() else {
        return "State: no verdict yet. The first sample is on its way.".to_owned();
    };
    let now = jiff::Timestamp::now();
    let word = if watch.should_roll_back() {
        "BREACH"
    } else {
        verdict.word.name()
    };
    let age = watch.age(now).unwrap_or_default();
    let more = if !watch.on {
        ", not watched now"
    } else if watch.is_stale(now) {
        ", STALE: the verdict is not renewed"
    } else {
        ""
    };
    let counts = watch.countdown.map_or_else(String::new, |ends| {
        let left = (ends.as_second() - now.as_second()).max(0);
        format!(" AUTOMATIC ROLLBACK in {left} s unless somebody stops it.")
    });
    format!(
        "State: {word}, score {}, last sample {age} s old{more}. {}.{counts}",
        verdict.standing_score(),
        verdict.recommendation(watch.criteria())
    )
}

/// A sample in one line, the state word first.
fn sample(watch: &Watch) -> String {
    let Some(verdict) = watch.verdict() else {
        return "No verdict yet.".to_owned();
    };
    let word = if verdict.should_roll_back {
        "BREACH"
    } else {
        verdict.word.name()
    };
    let reasons = verdict.reasons(watch.criteria());
    let why = if reasons.is_empty() {
        String::new()
    } else {
        format!(" {}.", reasons.join("; "))
    };
    format!(
        "{word}, score {}, {}. {}.{why}",
        verdict.standing_score(),
        clock(verdict.at),
        verdict.recommendation(watch.criteria())
    )
}
