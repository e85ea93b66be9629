//! Waiting until the legacy side runs nothing any more; and what becomes of tasks that do not end in time. A person chooses: wait
//! on, end them and say what their rows become, or open legacy again. Nothing is chosen for anybody: where nobody is there to
//! ask, legacy is opened again.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::plan::Mode;
use super::steps::Over;
use crate::engine::error::{Error, Result};
use crate::engine::item::Items;
use crate::engine::operation::{Control, Progress};
use crate::engine::schema::{self, Running};
use crate::engine::steps::{self, Did, Scene};
use crate::engine::text::plural;

/// The subject of the decision.
pub const DRAIN: &str = "drain";
/// How often the legacy side is asked what it still runs.
const ASK: Duration = Duration::from_secs(2);
/// Tasks that are named while they are waited for.
const NAMED: usize = 5;

/// What a person may choose when tasks still run at the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Wait for as long again.
    Wait,
    /// End them; their rows are copied as queued, MAOS runs them.
    Claim,
    /// End them; their rows stay behind, listed.
    Keep,
    /// Open the legacy side again.
    Open,
}

impl Choice {
    /// The word that is sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Claim => "claim",
            Self::Keep => "keep",
            Self::Open => "open",
        }
    }

    /// What it does, in words. `within` is how long a wait is.
    #[must_use]
    pub fn sentence(self, within: Duration) -> String {
        match self {
            Self::Wait => format!("wait on, {} more", span(within)),
            Self::Claim => "end them, MAOS runs them again".to_owned(),
            Self::Keep => "end them, leave their rows behind, listed".to_owned(),
            Self::Open => "open legacy again".to_owned(),
        }
    }
}

/// What the drain asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// `2 tasks still run after 10 min`.
    pub text: String,
    /// Seconds that a further wait takes.
    pub within_s: u64,
    /// How often it was asked before.
    pub number: u32,
    /// What may be chosen.
    pub choices: Vec<Choice>,
}

impl Question {
    /// How long a further wait takes.
    #[must_use]
    pub const fn within(&self) -> Duration {
        Duration::from_secs(self.within_s)
    }
}

/// What a running cut over asks at this moment.
#[must_use]
pub fn question(lines: &Items) -> Option<Question> {
    serde_json::from_value(steps::asks(lines.get(DRAIN)?)?.clone()).ok()
}

/// `10 min`, `45 s`.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 60 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// What the legacy side still runs: by its command, else by its rows.
async fn still_running(world: &Over, control: &Control) -> Result<(u64, Vec<String>)> {
    if let Some(tasks) = world.legacy.running(Some(control)).await? {
        let named = tasks.iter().map(|task| format!("{}  {}", task.id, task.words));
        return Ok((
            tasks.len() as u64,
            named.take(NAMED).map(|name| name.trim_end().to_owned()).collect(),
        ));
    }
    let quiet = Control::silent();
    let prepared = schema::plan(&world.request, &world.stores, &quiet).await?;
    Ok((prepared.census.running, Vec::new()))
}

fn told(first: u64, left: u64, names: Vec<String>, control: &Control) {
    control.progress(Progress {
        done: first.saturating_sub(left),
        total: Some(first),
        unit: "tasks".to_owned(),
        phase: "draining".to_owned(),
        running: names,
        ..Progress::default()
    });
}

/// Waits.
pub(super) async fn drain(scene: Scene<Over>) -> Result<Did> {
    let world = &scene.world;
    let mut begun = Instant::now();
    let (mut mode, mut decided, mut number) = (world.mode, None, 0);
    let (first, names) = still_running(world, &scene.control).await?;
    let mut left = first;
    told(first, left, names, &scene.control);
    while left > 0 {
        // Rows that a frozen system leaves as running are decided about as rows.
        if mode == Mode::Freeze && world.legacy.settings.running.is_empty() {
            return Ok(as_rows(left, decided.or(world.request.running)).with(json!({"running": decided})));
        }
        if scene.control.stopping() {
            return Err(Error::interrupted("stopped; legacy is open again"));
        }
        if begun.elapsed() > world.drain_within {
            let text = format!(
                "{} after {}",
                plural(left, "task still runs", "tasks still run"),
                span(world.drain_within)
            );
            let chosen = choice(&scene, text, number).await?;
            number += 1;
            match chosen {
                Some(Choice::Wait) | None => begun = Instant::now(),
                Some(Choice::Open) => return Err(Error::interrupted("legacy is opened again by choice")),
                Some(Choice::Claim) => (mode, decided) = (Mode::Freeze, Some(Running::Claim)),
                Some(Choice::Keep) => (mode, decided) = (Mode::Freeze, Some(Running::Keep)),
            }
            if mode == Mode::Freeze && world.mode == Mode::Drain {
                world.legacy.close(true, &scene.control).await?;
                begun = Instant::now();
            }
            scene.tell(String::new(), serde_json::Value::Null);
        } else {
            tokio::select! {
                () = tokio::time::sleep(ASK) => {}
                () = scene.control.stopped() => {}
            }
        }
        let (now, names) = still_running(world, &scene.control).await?;
        left = now;
        told(first, left, names, &scene.control);
    }
    let said = if first == 0 {
        "none ran".to_owned()
    } else {
        format!("{} ended", plural(first, "task", "tasks"))
    };
    // What ended by force may have left its row as it was; the rows behind ended tasks need no decision.
    Ok(Did::said(said).with(json!({"running": decided})))
}

fn as_rows(left: u64, decided: Option<Running>) -> Did {
    let what = match decided {
        Some(Running::Claim) => "MAOS runs them again",
        Some(Running::Keep) => "left behind, listed",
        Some(Running::Drain) | None => "not decided",
    };
    Did::said(format!("{} left as running: {what}", plural(left, "row", "rows")))
}

/// What a person chooses; `None` when the tasks may have ended while nobody answered.
async fn choice(scene: &Scene<Over>, text: String, number: u32) -> Result<Option<Choice>> {
    let world = &scene.world;
    if !world.asks {
        return Err(Error::blocked(text).hint("Wait and cut over again, or choose freeze."));
    }
    let mut choices = vec![Choice::Wait];
    if !world.legacy.settings.freeze.is_empty() && world.mode == Mode::Drain {
        choices.extend([Choice::Claim, Choice::Keep]);
    }
    choices.push(Choice::Open);
    let question = Question {
        text: text.clone(),
        within_s: world.drain_within.as_secs(),
        number,
        choices,
    };
    scene.control.forget_answers(DRAIN);
    scene.tell(text, json!(question));
    loop {
        tokio::select! {
            answer = scene.control.answered(DRAIN) => {
                let chosen = serde_json::from_value(answer).ok();
                if let Some(chosen) = chosen.filter(|choice| question.choices.contains(choice)) {
                    return Ok(Some(chosen));
                }
            }
            () = scene.control.stopped() => return Err(Error::interrupted("stopped; legacy is open again")),
            () = tokio::time::sleep(ASK) => {
                // They go on while nobody answers, and may end by themselves.
                if still_running(world, &scene.control).await?.0 == 0 {
                    return Ok(None);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_minutes_where_it_is_some() {
        let words = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(
            (words(600), words(45), words(90)),
            ("10 min".into(), "45 s".into(), "90 s".into())
        );
    }
}
