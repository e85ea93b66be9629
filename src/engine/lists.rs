//! The long lists as people see them, filtered, and as a file: what is shown is what is written.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Error, Result};
use super::operation::Quarantined;
use super::snapshot::{LogLine, Snapshot};
use super::workspace::secrets::scrub;

/// Items of the quarantine that somebody picked, each by [`mark`].
pub type Marks = BTreeSet<(String, String)>;

/// What an item is known by: its kind and its own name.
#[must_use]
pub fn mark(item: &Quarantined) -> (String, String) {
    (item.kind.clone(), item.key.clone())
}

/// A list that can be filtered and saved. To add one: a function that filters it, and an arm in [`List::lines`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// What ran and which statements were sent.
    Log,
    /// What was set aside.
    Quarantine,
}

impl List {
    /// Its name in the names of files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Quarantine => "quarantine",
        }
    }

    /// The list as JSON lines, with every known secret masked, and how many lines these are. Of the quarantine only the `marked`
    /// items, whatever is `wanted`, when there are any.
    ///
    /// # Errors
    /// A bug only: an item that is no JSON.
    pub fn lines(self, snapshot: &Snapshot, wanted: &str, marked: &Marks) -> Result<(u64, String)> {
        let line = |value: serde_json::Result<String>| value.map_err(|error| Error::bug(error.to_string()));
        let lines: Vec<String> = match self {
            Self::Log => log(snapshot, wanted)
                .into_iter()
                .map(|entry| line(serde_json::to_string(entry)))
                .collect::<Result<_>>()?,
            Self::Quarantine => quarantine(snapshot, if marked.is_empty() { wanted } else { "" })
                .into_iter()
                .filter(|item| marked.is_empty() || marked.contains(&mark(item)))
                .map(|item| line(serde_json::to_string(item)))
                .collect::<Result<_>>()?,
        };
        let mut text = String::new();
        for line in &lines {
            text.push_str(&scrub(line));
            text.push('\n');
        }
        Ok((lines.len() as u64, text))
    }
}

/// The entries of the log that hold `wanted` in whatever case, oldest first; all when it is empty.
#[must_use]
pub fn log<'a>(snapshot: &'a Snapshot, wanted: &str) -> Vec<&'a LogLine> {
    let wanted = wanted.to_lowercase();
    snapshot
        .log
        .iter()
        .filter(|line| wanted.is_empty() || line.text.to_lowercase().contains(&wanted))
        .collect()
}

/// The items in quarantine that hold `wanted` in whatever case, by reason, the most frequent first, in the order in which
/// they were found within a reason.
#[must_use]
pub fn quarantine<'a>(snapshot: &'a Snapshot, wanted: &str) -> Vec<&'a Quarantined> {
    let wanted = wanted.to_lowercase();
    let matches = |item: &&Quarantined| {
        wanted.is_empty()
            || [&item.kind, &item.key, &item.reason, &item.place, &item.why]
                .iter()
                .any(|part| part.to_lowercase().contains(&wanted))
    };
    let mut items: Vec<&Quarantined> = snapshot.aside().filter(matches).collect();
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    for item in &items {
        *by_reason.entry(&item.reason).or_default() += 1;
    }
    items.sort_by_key(|item| {
        let frequency = by_reason.get(item.reason.as_str()).copied().unwrap_or(0);
        (std::cmp::Reverse(frequency), item.reason.as_str())
    });
    items
}
