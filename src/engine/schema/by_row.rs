//! Rows that the legacy system is running, decided one by one: which there are, and what is read in place of their status.
//!
//! A decision holds only while its row runs: one that ended by itself is what it became. A row that nobody decided about is decided
//! by [`Request::running`], or stands in the way.

use std::collections::BTreeMap;

use super::census::Census;
use super::mapping::{Compiled, Mapping, Running, compile, fold};
use super::plan::{Block, source_side};
use super::request::{Request, Stores};
use crate::engine::error::{Error, Result};
use crate::engine::ports::store::{Fate, Key, RawCensus, Reason, Settled, SourceTable};
use crate::engine::text::{inert_short, plural};

/// More rows than this are no matter of one by one.
pub const MOST: usize = 5_000;
/// Rows that are named in a sentence.
const NAMED: usize = 5;
/// The word that leaves a row behind.
const KEEP: &str = "keep";
/// What is read in place of the status of a row that is left behind: no word that a legacy system writes.
pub(super) const KEPT: &str = "\u{1}kept";

/// A row that the legacy system runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRow {
    /// Its key as text.
    pub key: String,
    /// Its description, made inert.
    pub words: String,
}

/// The rows that the legacy system runs, in the order of their keys, at most [`MOST`].
///
/// # Errors
/// As [`super::plan()`]: a database that cannot be reached, a table that is refused.
pub async fn running(request: &Request, stores: &Stores) -> Result<Vec<RunningRow>> {
    let place = stores.source.place().await?;
    let (_, table) = source_side(request, stores, &place).await?;
    listed(request, stores, &table).await
}

async fn listed(request: &Request, stores: &Stores, table: &SourceTable) -> Result<Vec<RunningRow>> {
    let found = stores
        .source
        .running(table, &request.mapping.status.running, MOST)
        .await?;
    Ok(found
        .into_iter()
        .map(|(key, words)| RunningRow {
            key: key.to_string(),
            words: inert_short(&words, 80),
        })
        .collect())
}

impl Mapping {
    /// The words that decide about one row: every status a row may become, and `keep`.
    #[must_use]
    pub fn row_words(&self) -> Vec<String> {
        let mut words = vec![fold(&self.status.claimed)];
        for to in self.status.values.values().map(|to| fold(to)) {
            if !words.contains(&to) && self.legacy_word(&to).is_some() {
                words.push(to);
            }
        }
        words.push(KEEP.to_owned());
        words
    }

    /// The legacy status that becomes `word`, or `word` itself where it is one.
    fn legacy_word(&self, word: &str) -> Option<&str> {
        let values = &self.status.values;
        let becomes = |to: &String| matches!(self.status(Some(to), None), Fate::Becomes(..));
        let own = values.get_key_value(word).map(|(from, _)| from);
        own.or_else(|| {
            values
                .iter()
                .find(|(_, to)| fold(to) == word)
                .map(|(from, _)| from)
        })
        .filter(|from| becomes(from))
        .map(String::as_str)
    }

    /// What is read in place of the status of a row that is decided with `word`.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] with the words there are.
    pub fn settled(&self, key: &str, word: &str) -> Result<String> {
        let word = fold(word);
        if word == KEEP {
            return Ok(KEPT.to_owned());
        }
        self.legacy_word(&word).map(str::to_owned).ok_or_else(|| {
            Error::input(format!(
                "row {}: {} decides nothing",
                inert_short(key, 60),
                inert_short(&word, 40)
            ))
            .hint(format!("Known are {}.", self.row_words().join(", ")))
        })
    }
}

/// Decisions as part of what identifies a plan: ` 17=queued 19=keep`; nothing where there are none.
pub(super) fn words(rows: &BTreeMap<String, String>) -> String {
    let words: Vec<String> = rows.iter().map(|(key, word)| format!(" {key}={word}")).collect();
    words.concat()
}

/// The decisions of a request for its table.
pub(super) fn settled(request: &Request, table: &SourceTable) -> Result<Settled> {
    let mut rows = Vec::new();
    for (key, word) in &request.rows {
        let parsed = Key::parse(table.key_kind, key).ok_or_else(|| {
            Error::input(format!(
                "{} is no key of {}",
                inert_short(key, 60),
                request.source_table
            ))
        })?;
        rows.push((parsed, request.mapping.settled(key, word)?));
    }
    Ok(Settled {
        rows,
        within: request.mapping.status.running.clone(),
    })
}

/// The mapping compiled with the decision about running rows.
pub(super) fn compiled(request: &Request, raw: &RawCensus) -> Compiled {
    let mut compiled = compile(&request.mapping, request.running, raw);
    if !request.rows.is_empty() {
        let kept = (KEPT.to_owned(), Fate::Quarantine(Reason::LeftRunning));
        compiled.statuses.arms.push(kept);
    }
    compiled
}

/// Running rows that nobody decided about, as a sentence.
#[must_use]
pub fn undecided(open: &[&str]) -> String {
    let named: Vec<String> = open.iter().take(NAMED).map(|key| inert_short(key, 40)).collect();
    let more = if open.len() > NAMED { ", …" } else { "" };
    format!(
        "{} in the legacy system and nobody decided about {}: {}{more}",
        plural(open.len() as u64, "row runs", "rows run"),
        if open.len() == 1 { "it" } else { "them" },
        named.join(", ")
    )
}

/// What running rows stand in the way where some are decided one by one.
///
/// # Errors
/// The rows cannot be listed.
pub(super) async fn open(
    request: &Request,
    stores: &Stores,
    table: &SourceTable,
    census: &Census,
) -> Result<Option<Block>> {
    let rest = matches!(request.running, Some(Running::Claim | Running::Keep));
    if census.running == 0 || request.rows.is_empty() || rest {
        return Ok(None);
    }
    let rows = listed(request, stores, table).await?;
    let open: Vec<&str> = rows
        .iter()
        .map(|row| row.key.as_str())
        .filter(|key| !request.rows.contains_key(*key))
        .collect();
    if open.is_empty() && rows.len() < MOST {
        return Ok(None);
    }
    Ok(Some(Block {
        sentence: undecided(&open),
        hint: hint(&request.mapping),
    }))
}

/// How to decide.
#[must_use]
pub fn hint(mapping: &Mapping) -> String {
    format!(
        "Decide about each: --running KEY=WORD, a word of {}.",
        mapping.row_words().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_status_of_either_side_or_keep() {
        let mapping = Mapping::shipped().unwrap();
        let read = |word: &str| mapping.settled("7", word).map_err(|error| error.to_string());
        assert_eq!(read("queued").as_deref(), Ok("queued"));
        assert_eq!(read("Pending").as_deref(), Ok("pending"));
        assert_eq!(read("FAILED").as_deref(), Ok("failed"));
        assert_eq!(read("keep").as_deref(), Ok(KEPT));
        let refused = read("running").unwrap_err();
        assert!(refused.contains("row 7: running decides nothing"), "{refused}");
        assert_eq!(
            mapping.row_words(),
            ["queued", "cancelled", "completed", "failed", "keep"]
        );
        assert_eq!(
            mapping.status(Some(KEPT), Some(Running::Claim)),
            Fate::Quarantine(Reason::LeftRunning)
        );
    }
}
