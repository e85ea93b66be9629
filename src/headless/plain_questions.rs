//! Questions that an operation asks while it runs, in plain mode: a numbered prompt among its lines.

use std::io::Write as _;

use tokio::sync::mpsc;

use crate::engine::Capability;
use crate::engine::command::Command;
use crate::engine::cutover::{self, Choice, Question};
use crate::engine::error::{Error, Result};
use crate::engine::runner::Engine;
use crate::engine::snapshot::Snapshot;

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
        let choice = match typed.as_deref().map(str::trim) {
            // Nobody is at the keyboard any more: the way that loses nothing.
            None => Some(Choice::Open),
            Some(text) => text
                .parse::<usize>()
                .ok()
                .and_then(|number| question.choices.get(number.checked_sub(1)?).copied()),
        };
        let Some(choice) = choice else {
            say("Not understood. Nothing was chosen.")?;
            continue;
        };
        engine
            .ask(Command::Decide {
                capability: Capability::Cutover,
                subject: cutover::DRAIN.to_owned(),
                choice: choice.word().into(),
            })
            .await?;
        say(&format!("Chosen: {}.", choice.sentence(question.within())))?;
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
    say(&format!(
        "{}. Nobody serves meanwhile. Nothing is chosen for you. {}.",
        question.text,
        choices.join(", ")
    ))?;
    write(&format!("Type 1 to {} > ", question.choices.len()))
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
