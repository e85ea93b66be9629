//! Questions that an operation asks while it runs, in plain mode: a numbered prompt among its lines.

use std::collections::BTreeMap;
use std::io::Write as _;

use tokio::sync::mpsc;

use crate::engine::Capability;
use crate::engine::command::Command;
use crate::engine::cutover::{self, Answer, Choice, Question};
use crate::engine::error::{Error, Result};
use crate::engine::runner::Engine;
use crate::engine::snapshot::Snapshot;
use crate::engine::text::{inert, plural};

/// What the running cut over asks.
fn asked(snapshot: &Snapshot) -> Option<Question> {
    let step = snapshot.steps.get(&Capability::Cutover)?;
    let lines = step.items.get("apply").filter(|_| step.activity.is_active())?;
    cutover::question(lines)
}

/// Puts every question that comes up, and sends what is typed. It ends only with an error; whoever waits for the operation lets go
/// of it.
///
/// # Errors
/// The prompt cannot be written.
pub async fn answer(engine: &Engine, lines: &mut mpsc::UnboundedReceiver<String>) -> Result<()> {
    let mut snapshots = engine.snapshot();
    loop {
        let Ok(snapshot) = snapshots.wait_for(|snapshot| asked(snapshot).is_some()).await else {
            return std::future::pending().await;
        };
        let Some(question) = asked(&snapshot) else {
            continue;
        };
        drop(snapshot);
        prompt(&question)?;
        let typed = tokio::select! {
            typed = lines.recv() => typed,
            // The tasks may end before anybody answers.
            _ = snapshots.wait_for(|snapshot| asked(snapshot).as_ref() != Some(&question)) => continue,
        };
        let number = typed.as_deref().map(|text| text.trim().parse::<usize>().ok());
        let one_by_one = !question.rows.is_empty() && number.flatten() == Some(question.choices.len() + 1);
        let chosen = match number {
            // Nobody is at the keyboard any more: the way that loses nothing.
            None => Some(Answer::All(Choice::Open)),
            _ if one_by_one => Some(by_row(&question, lines).await?),
            Some(number) => number
                .and_then(|number| question.choices.get(number.checked_sub(1)?).copied())
                .map(Answer::All),
        };
        let Some(chosen) = chosen else {
            say("Not understood. Nothing was chosen.")?;
            continue;
        };
        engine
            .ask(Command::Decide {
                capability: Capability::Cutover,
                subject: cutover::DRAIN.to_owned(),
                choice: serde_json::json!(chosen),
            })
            .await?;
        match &chosen {
            Answer::All(choice) => say(&format!("Chosen: {}.", choice.sentence(question.within())))?,
            Answer::Rows { rows } => say(&format!("Decided: {}.", plural(rows.len() as u64, "row", "rows")))?,
        }
        let gone = snapshots
            .wait_for(|snapshot| asked(snapshot).as_ref() != Some(&question))
            .await;
        if gone.is_err() {
            return std::future::pending().await;
        }
    }
}

fn prompt(question: &Question) -> Result<()> {
    let choices: Vec<String> = question
        .choices
        .iter()
        .enumerate()
        .map(|(at, choice)| format!("{} {}", at + 1, choice.sentence(question.within())))
        .collect();
    let (rows, last) = if question.rows.is_empty() {
        (String::new(), choices.len())
    } else {
        (
            format!(", {} decide row by row", choices.len() + 1),
            choices.len() + 1,
        )
    };
    say(&format!(
        "{}. Nobody serves meanwhile. Nothing is chosen for you. {}{rows}.",
        question.text,
        choices.join(", ")
    ))?;
    write(&format!("Type 1 to {last} > "))
}

/// A word for each row. Where nobody is at the keyboard any more, legacy is opened again.
async fn by_row(question: &Question, lines: &mut mpsc::UnboundedReceiver<String>) -> Result<Answer> {
    let mut rows = BTreeMap::new();
    let words = question.words.join(", ");
    for row in &question.rows {
        loop {
            let about = format!("{}  {}", inert(&row.key), inert(&row.words));
            write(&format!("{}: {words} > ", about.trim_end()))?;
            let Some(typed) = lines.recv().await else {
                return Ok(Answer::All(Choice::Open));
            };
            let typed = typed.trim().to_lowercase();
            if question.words.contains(&typed) {
                rows.insert(row.key.clone(), typed);
                break;
            }
            say("Not understood. Nothing was decided.")?;
        }
    }
    Ok(Answer::Rows { rows })
}

fn say(line: &str) -> Result<()> {
    write(&format!("{line}\n"))
}

fn write(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::unavailable(format!("cannot write the prompt: {error}")))
}
