//! Waiting until the legacy side runs nothing any more; and what becomes of tasks that do not end in time. A person chooses: wait
//! on, end them and say what their rows become, or open legacy again. Nothing is chosen for anybody: where nobody is there to
//! ask, legacy is opened again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::legacy::RunningTask;
use super::plan::Mode;
use super::steps::Over;
use crate::engine::error::{Error, Result};
use crate::engine::item::Items;
use crate::engine::operation::{Control, Progress};
use crate::engine::schema::{self, Request, Running};
use crate::engine::steps::{self, Did, Scene};
use crate::engine::text::plural;

/// The subject of the decision.
pub const DRAIN: &str = "drain";
/// How often the legacy side is asked what it still runs.
const ASK: Duration = Duration::from_secs(2);
/// Tasks that are named while they are waited for.
const NAMED: usize = 5;
/// More than these are not decided one by one in a dialog.
const ASKED: usize = 200;

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
    /// What is not decided, one by one: an answer may decide about each. Empty where that is no way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Undecided>,
    /// The words that decide about one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// A row, or a task, that nobody decided about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// Its key.
    pub key: String,
    /// What else is known of it.
    #[serde(default)]
    pub words: String,
}

/// What a person answers: one thing for all, or a word for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// For all.
    All(Choice),
    /// By key.
    Rows {
        /// The words.
        rows: BTreeMap<String, String>,
    },
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

/// What the legacy side still runs, and whether that is known by its rows alone.
struct Left {
    tasks: Vec<RunningTask>,
    by_rows: bool,
}

impl Left {
    fn count(&self) -> u64 {
        self.tasks.len() as u64
    }

    fn undecided(&self, rows: &BTreeMap<String, String>) -> Vec<&RunningTask> {
        self.tasks
            .iter()
            .filter(|task| !rows.contains_key(&task.id))
            .collect()
    }

    fn names(&self) -> Vec<String> {
        let named = self.tasks.iter().take(NAMED);
        named
            .map(|task| format!("{}  {}", task.id, task.words).trim_end().to_owned())
            .collect()
    }
}

/// What the legacy side still runs: by its command, else by its rows.
async fn still_running(world: &Over, control: &Control) -> Result<Left> {
    if let Some(tasks) = world.legacy.running(Some(control)).await? {
        return Ok(Left {
            tasks,
            by_rows: false,
        });
    }
    let rows = schema::running(&world.request, &world.stores).await?;
    Ok(Left {
        tasks: rows
            .into_iter()
            .map(|row| RunningTask {
                id: row.key,
                words: row.words,
            })
            .collect(),
        by_rows: true,
    })
}

fn told(first: u64, left: &Left, control: &Control) {
    control.progress(Progress {
        done: first.saturating_sub(left.count()),
        total: Some(first),
        unit: "tasks".to_owned(),
        phase: "draining".to_owned(),
        running: left.names(),
        ..Progress::default()
    });
}

/// What was decided until now.
struct Decided {
    mode: Mode,
    all: Option<Running>,
    rows: BTreeMap<String, String>,
}

impl Decided {
    fn memo(&self) -> Value {
        json!({"running": self.all, "rows": self.rows})
    }

    /// Whether nothing of what is left is open.
    fn settles(&self, left: &Left, request: &Request) -> bool {
        let all = self.all.or(request.running);
        matches!(all, Some(Running::Claim | Running::Keep)) || left.undecided(&self.rows).is_empty()
    }
}

/// Waits.
pub(super) async fn drain(scene: Scene<Over>) -> Result<Did> {
    let world = &scene.world;
    let (mut begun, mut number) = (Instant::now(), 0);
    let mut decided = Decided {
        mode: world.mode,
        all: None,
        rows: world.request.rows.clone(),
    };
    let mut left = still_running(world, &scene.control).await?;
    let first = left.count();
    told(first, &left, &scene.control);
    while left.count() > 0 {
        if scene.control.stopping() {
            return Err(Error::interrupted("stopped; legacy is open again"));
        }
        let settled = decided.settles(&left, &world.request);
        // Rows that a frozen system leaves as running are decided about as rows.
        let frozen = decided.mode == Mode::Freeze && left.by_rows;
        if frozen && settled {
            return Ok(as_rows(&left, &decided, &world.request).with(decided.memo()));
        }
        let late = begun.elapsed() > world.drain_within;
        // Each of them is decided about: who can be ended is ended, and their rows are what was decided.
        if late
            && decided.mode == Mode::Drain
            && left.undecided(&decided.rows).is_empty()
            && ends(world, &left)
        {
            freeze(&scene, &mut decided).await?;
            begun = Instant::now();
        } else if frozen || late {
            let mut ended = false;
            match choice(&scene, &left, &decided, number).await? {
                Some(Answer::All(Choice::Wait)) | None => {}
                Some(Answer::All(Choice::Open)) => {
                    return Err(Error::interrupted("legacy is opened again by choice"));
                }
                Some(Answer::All(Choice::Claim)) => (decided.all, ended) = (Some(Running::Claim), true),
                Some(Answer::All(Choice::Keep)) => (decided.all, ended) = (Some(Running::Keep), true),
                Some(Answer::Rows { rows }) => {
                    decided.rows.extend(rows);
                    ended = left.undecided(&decided.rows).is_empty();
                }
            }
            number += 1;
            begun = Instant::now();
            if ended && decided.mode == Mode::Drain && ends(world, &left) {
                freeze(&scene, &mut decided).await?;
            }
            scene.tell(String::new(), Value::Null);
        } else {
            tokio::select! {
                () = tokio::time::sleep(ASK) => {}
                () = scene.control.stopped() => {}
            }
        }
        left = still_running(world, &scene.control).await?;
        told(first, &left, &scene.control);
    }
    let said = if first == 0 {
        "none ran".to_owned()
    } else {
        format!("{} ended", plural(first, "task", "tasks"))
    };
    // What ended by force may have left its row as it was; the rows behind ended tasks need no decision.
    Ok(Did::said(said).with(decided.memo()))
}

/// Whether what is left can be ended here, or is no more than rows.
fn ends(world: &Over, left: &Left) -> bool {
    left.by_rows || !world.legacy.settings.freeze.is_empty()
}

/// Ends what runs, where there is a command for that.
async fn freeze(scene: &Scene<Over>, decided: &mut Decided) -> Result<()> {
    if !scene.world.legacy.settings.freeze.is_empty() {
        scene.world.legacy.close(true, &scene.control).await?;
    }
    decided.mode = Mode::Freeze;
    Ok(())
}

fn as_rows(left: &Left, decided: &Decided, request: &Request) -> Did {
    let rest = left.undecided(&decided.rows).len() as u64;
    let mut said = Vec::new();
    let one_by_one = left.count() - rest;
    if one_by_one > 0 {
        said.push(format!(
            "{} decided one by one",
            plural(one_by_one, "row", "rows")
        ));
    }
    if rest > 0 {
        let what = match decided.all.or(request.running) {
            Some(Running::Claim) => "MAOS runs them again",
            Some(Running::Keep) => "left behind, listed",
            Some(Running::Drain) | None => "not decided",
        };
        said.push(format!("{} left as running: {what}", plural(rest, "row", "rows")));
    }
    Did::said(said.join(", "))
}

/// The question's sentence.
fn sentence(left: &Left, decided: &Decided, within: Duration) -> String {
    let open = left.undecided(&decided.rows);
    if decided.mode == Mode::Freeze && left.by_rows {
        let open: Vec<&str> = open.iter().map(|task| task.id.as_str()).collect();
        return schema::undecided(&open);
    }
    format!(
        "{} after {}",
        plural(left.count(), "task still runs", "tasks still run"),
        span(within)
    )
}

/// What a person chooses; `None` when the tasks may have ended while nobody answered.
async fn choice(scene: &Scene<Over>, left: &Left, decided: &Decided, number: u32) -> Result<Option<Answer>> {
    let world = &scene.world;
    let text = sentence(left, decided, world.drain_within);
    let mapping = &world.request.mapping;
    if !world.asks {
        let how = schema::hint(mapping);
        return Err(Error::blocked(text).hint(format!("Wait and cut over again, or choose freeze. {how}")));
    }
    let frozen = decided.mode == Mode::Freeze && left.by_rows;
    let mut choices = Vec::new();
    if !frozen {
        choices.push(Choice::Wait);
    }
    let can_end = !world.legacy.settings.freeze.is_empty() && decided.mode == Mode::Drain;
    if frozen || can_end {
        choices.extend([Choice::Claim, Choice::Keep]);
    }
    choices.push(Choice::Open);
    let open = left.undecided(&decided.rows);
    let one_by_one = ends(world, left) && open.len() <= ASKED;
    let question = Question {
        text: text.clone(),
        within_s: world.drain_within.as_secs(),
        number,
        choices,
        rows: open
            .iter()
            .filter(|_| one_by_one)
            .map(|task| Undecided {
                key: task.id.clone(),
                words: task.words.clone(),
            })
            .collect(),
        words: mapping.row_words(),
    };
    scene.control.forget_answers(DRAIN);
    scene.tell(text, json!(question));
    loop {
        tokio::select! {
            answer = scene.control.answered(DRAIN) => {
                match serde_json::from_value(answer) {
                    Ok(Answer::All(choice)) if question.choices.contains(&choice) => {
                        return Ok(Some(Answer::All(choice)));
                    }
                    Ok(Answer::Rows { rows })
                        if rows.iter().all(|(key, word)| mapping.settled(key, word).is_ok()) =>
                    {
                        return Ok(Some(Answer::Rows { rows }));
                    }
                    _ => {}
                }
            }
            () = scene.control.stopped() => return Err(Error::interrupted("stopped; legacy is open again")),
            () = tokio::time::sleep(ASK) => {
                // They go on while nobody answers, and may end by themselves.
                if still_running(world, &scene.control).await?.count() == 0 {
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
