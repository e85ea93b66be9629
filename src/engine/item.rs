//! The lines of an operation that a person follows one by one: a step of a cut over, a test, a pair, a submitted task. Each
//! change of a line is an event, so watchers see it and a resumed operation knows what it had done.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::error::{Error, Result};

/// How a line stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Not begun.
    #[default]
    Waiting,
    /// Under way; an effect may have happened.
    Running,
    /// Done, with its proof.
    Done,
    /// Failed.
    Failed,
    /// Left out, with the reason: neither a pass nor a fail.
    Skipped,
    /// Taken back by its compensation.
    Undone,
    /// Whether it happened cannot be known.
    Unknown,
}

impl ItemState {
    /// The word that stands beside the glyph.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Undone => "undone",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub const fn ended(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its identity within the operation: `install`, `test_task_cancellation`, `legacy_001`.
    pub key: String,
    /// What a person reads; the key when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The group it stands in: a category of tests, a stage. Empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// How it stands.
    pub state: ItemState,
    /// What was found, done or refused, in one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Milliseconds it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Figures of the capability's own; `null` for none.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub data: serde_json::Value,
}

impl Item {
    /// A line that has not begun.
    pub fn waiting(key: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            title: title.into(),
            ..Self::default()
        }
    }

    /// The same line in another state with another text.
    #[must_use]
    pub fn now(&self, state: ItemState, text: impl Into<String>) -> Self {
        Self {
            state,
            text: text.into(),
            ..self.clone()
        }
    }
}

/// The lines of one operation in the order in which they were first told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Item>", into = "Vec<Item>")]
pub struct Items {
    lines: Vec<Arc<Item>>,
    index: Arc<HashMap<String, usize>>,
}

impl PartialEq for Items {
    fn eq(&self, other: &Self) -> bool {
        self.lines == other.lines
    }
}

impl From<Vec<Item>> for Items {
    fn from(items: Vec<Item>) -> Self {
        let mut all = Self::default();
        for item in items {
            all.set(item);
        }
        all
    }
}

impl From<Items> for Vec<Item> {
    fn from(items: Items) -> Self {
        items.lines.into_iter().map(|line| Item::clone(&line)).collect()
    }
}

impl Items {
    /// Puts a line in its place: over the one with the same key, else at the end.
    pub fn set(&mut self, item: Item) {
        if let Some(&at) = self.index.get(&item.key) {
            self.lines[at] = Arc::new(item);
        } else {
            Arc::make_mut(&mut self.index).insert(item.key.clone(), self.lines.len());
            self.lines.push(Arc::new(item));
        }
    }

    /// The line with `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Arc<Item>> {
        self.index.get(key).map(|&at| &self.lines[at])
    }

    /// All lines.
    #[must_use]
    pub fn all(&self) -> &[Arc<Item>] {
        &self.lines
    }

    /// How many lines are in `state`.
    #[must_use]
    pub fn count(&self, state: ItemState) -> usize {
        self.lines.iter().filter(|line| line.state == state).count()
    }
}

/// Tells whoever recorded a line that it is in the journal.
#[derive(Debug, Clone)]
pub struct Ack(Arc<std::sync::Mutex<Option<oneshot::Sender<()>>>>);

impl PartialEq for Ack {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Ack {
    /// The two ends.
    #[must_use]
    pub fn pair() -> (Self, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Arc::new(std::sync::Mutex::new(Some(sender)))), receiver)
    }

    /// The line is recorded.
    pub fn done(&self) {
        let sender = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(sender) = sender {
            // Whoever waited may have been stopped meanwhile.
            let _ = sender.send(());
        }
    }
}

/// The failure of a line that nobody recorded: what follows it must not happen.
pub(super) fn not_recorded() -> Error {
    Error::unavailable("the journal did not take what was about to happen")
        .hint("Nothing more was done. See why the journal cannot be written.")
}

/// Waits for the other end of an [`Ack`].
///
/// # Errors
/// When nobody records.
pub(super) async fn recorded(receiver: oneshot::Receiver<()>) -> Result<()> {
    receiver.await.map_err(|_| not_recorded())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_place_while_its_state_changes() {
        let mut items = Items::default();
        items.set(Item::waiting("a", "first"));
        items.set(Item::waiting("b", "second"));
        let first = items
            .get("a")
            .map(|item| item.now(ItemState::Done, "ok"))
            .unwrap();
        items.set(first);
        let keys: Vec<_> = items.all().iter().map(|item| item.key.as_str()).collect();
        assert_eq!((keys, items.count(ItemState::Done)), (vec!["a", "b"], 1));
        let text = serde_json::to_string(&items).unwrap();
        assert_eq!(serde_json::from_str::<Items>(&text).unwrap(), items);
    }

    #[tokio::test]
    async fn a_dropped_acknowledgement_is_a_refusal() {
        let (ack, receiver) = Ack::pair();
        drop(ack);
        assert!(recorded(receiver).await.is_err());
        let (ack, receiver) = Ack::pair();
        ack.done();
        assert!(recorded(receiver).await.is_ok());
    }
}
