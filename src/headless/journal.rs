//! `journal list|show|export`: reading the record, also while another session writes it.

use std::io::Write as _;

use super::{Ended, Output};
use crate::cli::Journal as Verb;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::journal::for_each;
use crate::engine::ports::Ports;
use crate::engine::workspace::Workspace;
use crate::engine::workspace::files::{AtomicFile, PRIVATE};

/// Runs the verb.
///
/// # Errors
/// No journal, a damaged one, or an event that does not exist.
pub async fn run(verb: Verb, workspace: &Workspace, ports: &Ports, output: &mut Output) -> Result<Ended> {
    let journal = ports.journals.follow(&workspace.journal_file()).await?;
    match verb {
        Verb::List { after, capability } => {
            for_each(journal.as_ref(), after, |event| {
                let whose = event.kind.capability();
                if capability
                    .as_deref()
                    .is_some_and(|name| whose.is_none_or(|c| c.name() != name))
                {
                    return Ok(());
                }
                if output.json() {
                    return output.document(&event);
                }
                let whose = whose.map_or("-", crate::engine::Capability::name);
                output.human(&format!(
                    "{:>6}  {}  {whose:<12} {}",
                    event.seq,
                    event.at,
                    event.kind.sentence()
                ))
            })
            .await?;
        }
        Verb::Show { seq } => {
            let before = seq.checked_sub(1).unwrap_or(u64::MAX >> 1);
            let event = journal
                .read(before, 1)
                .await?
                .into_iter()
                .find(|event| event.seq == seq)
                .ok_or_else(|| {
                    Error::new(ErrorKind::Input, format!("the journal has no event {seq}"))
                        .hint("maos-migrate journal list shows the events there are.")
                })?;
            if output.json() {
                output.document(&event)?;
            } else {
                let text =
                    serde_json::to_string_pretty(&event).map_err(|error| Error::bug(error.to_string()))?;
                for line in text.lines() {
                    output.human(line)?;
                }
            }
        }
        Verb::Export { out: None } => {
            for_each(journal.as_ref(), 0, |event| output.document(&event)).await?;
        }
        Verb::Export { out: Some(path) } => {
            if path.exists() {
                return Err(
                    Error::input(format!("{} exists already", path.display())).hint("Name a new file.")
                );
            }
            let mut file = AtomicFile::create(&path, PRIVATE)?;
            let mut events = 0u64;
            for_each(journal.as_ref(), 0, |event| {
                let line = serde_json::to_string(&event).map_err(|error| Error::bug(error.to_string()))?;
                events += 1;
                writeln!(file, "{line}").map_err(|error| Error::io("write", &path, &error))
            })
            .await?;
            let written = file.commit()?;
            let shown = path.display().to_string();
            if output.json() {
                output.document(
                    &serde_json::json!({"out": shown, "events": events, "sha256": written.sha256}),
                )?;
            } else {
                output.human(&format!(
                    "Wrote {events} events to {shown}, SHA-256 {}.",
                    written.sha256
                ))?;
            }
        }
    }
    journal.close().await;
    Ok(Ended::Well)
}
