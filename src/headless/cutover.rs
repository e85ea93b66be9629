//! `cutover plan|apply|undo`.

use std::collections::BTreeMap;

use serde_json::json;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::{Cutover as Verb, LegacyMode, LegacyWork};
use crate::engine::Capability;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::ports::Ports;
use crate::engine::runner::Options;
use crate::engine::runner::operations::cutover::ROWS;
use crate::engine::workspace::Workspace;

/// Runs the verb.
///
/// # Errors
/// What stands in the way, or the step that failed with what was taken back.
pub async fn run(
    verb: Verb,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let (name, work, consent) = match verb {
        Verb::Plan { work } => ("apply", work, None),
        Verb::Apply { work, consent } => ("apply", work, Some(consent)),
        Verb::Undo { consent } => ("undo", LegacyWork::default(), Some(consent)),
    };
    let rows = rows(&work)?.map(|rows| (ROWS, json!(rows)));
    let mode = work.mode.map(|mode| match mode {
        LegacyMode::Drain => ("mode", json!("drain")),
        LegacyMode::Freeze => ("mode", json!("freeze")),
    });
    let decisions = mode.into_iter().chain(rows);
    let session = Session::open(workspace, ports, options).await?;
    super::hand_over(
        session,
        Capability::Cutover,
        name,
        decisions,
        consent.as_ref(),
        output,
    )
    .await
}

/// What is decided about single rows; `None` when nothing is said about them.
fn rows(work: &LegacyWork) -> Result<Option<BTreeMap<String, String>>> {
    let mut lines = Vec::new();
    if let Some(path) = &work.running_file {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, &error))?;
        let said = |line: &&str| !line.is_empty() && !line.starts_with('#');
        lines.extend(text.lines().map(str::trim).filter(said).map(str::to_owned));
    } else if work.running.is_empty() {
        return Ok(None);
    }
    lines.extend(work.running.iter().cloned());
    if lines.len() == 1 && lines[0] == "none" {
        return Ok(Some(BTreeMap::new()));
    }
    let mut rows = BTreeMap::new();
    for line in &lines {
        // A key may hold the sign itself; a word does not.
        let (key, becomes) = line
            .rsplit_once('=')
            .map(|(key, becomes)| (key.trim(), becomes.trim()))
            .filter(|(key, becomes)| !key.is_empty() && !becomes.is_empty())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Usage,
                    format!(
                        "--running {} is no KEY=WORD",
                        crate::engine::text::inert_short(line, 60)
                    ),
                )
            })?;
        if let Some(before) = rows.insert(key.to_owned(), becomes.to_owned())
            && before != becomes
        {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "row {} is decided twice: {before} and {becomes}",
                    crate::engine::text::inert_short(key, 60)
                ),
            ));
        }
    }
    Ok(Some(rows))
}
