//! What a step is made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::engine::error::Result;
use crate::engine::item::{Item, ItemState};
use crate::engine::operation::Control;
use crate::engine::ports::BoxFuture;

/// Where a line's data holds what its step asks.
const ASKS: &str = "asks";

/// What a part of a step may use.
#[derive(Debug)]
pub struct Scene<C> {
    /// What the operation shares among its steps.
    pub world: Arc<C>,
    /// For progress, logs and statements. Waiting parts may watch [`Control::stopping`]; ending early is an error of the step.
    pub control: Control,
    /// The step's line as it stood when this part of it began.
    pub line: Item,
    /// What the step's effect (or check) gave, as recorded; `null` before that.
    pub memo: Value,
    /// The memos of the steps that are done, by key.
    pub memos: Arc<BTreeMap<String, Value>>,
}

impl<C> Clone for Scene<C> {
    fn clone(&self) -> Self {
        Self {
            world: Arc::clone(&self.world),
            control: self.control.clone(),
            line: self.line.clone(),
            memo: self.memo.clone(),
            memos: Arc::clone(&self.memos),
        }
    }
}

impl<C> Scene<C> {
    /// Tells what the step does at this moment, in its line. `asks`: what a person is to decide; `null` when nothing.
    pub fn tell(&self, text: impl Into<String>, asks: Value) {
        let mut line = self.line.now(ItemState::Running, text);
        if let Value::Object(data) = &mut line.data {
            data.insert(ASKS.to_owned(), asks);
        }
        self.control.item(line);
    }
}

/// What a running step asks a person, of its line's data; `None` when it asks nothing.
#[must_use]
pub fn asks(line: &Item) -> Option<&Value> {
    let running = line.state == ItemState::Running;
    line.data.get(ASKS).filter(|asks| running && !asks.is_null())
}

/// What an effect did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Did {
    /// In one line, for the person.
    pub text: String,
    /// For the proof, the compensation and later steps; journaled, so without secrets.
    pub memo: Value,
}

impl Did {
    /// Something done that needs no memo.
    pub fn said(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            memo: Value::Null,
        }
    }

    /// The same with a memo.
    #[must_use]
    pub fn with(mut self, memo: Value) -> Self {
        self.memo = memo;
        self
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// The effect is not there, or only in part.
    Open,
    /// As [`Standing::Open`], and this is recorded before the effect: what the effect destroys and its compensation needs.
    OpenFrom(Value),
    /// It is there, and this is what the effect would have given.
    There(Did),
    /// The step does not apply here, and why: neither done nor failed.
    NotNeeded(String),
}

pub(super) type Part<C, T> = Arc<dyn Fn(Scene<C>) -> BoxFuture<'static, Result<T>> + Send + Sync>;

/// One step.
pub struct Step<C> {
    pub(super) key: &'static str,
    pub(super) title: String,
    pub(super) check: Option<Part<C, Standing>>,
    pub(super) effect: Part<C, Did>,
    pub(super) proof: Option<Part<C, String>>,
    pub(super) undo: Option<(String, Part<C, String>)>,
    pub(super) best_effort: bool,
    pub(super) glued: bool,
    pub(super) rechecked: bool,
    pub(super) held: Option<Duration>,
}

/// The phase of the progress while a step waits so that a person can still stop before it.
pub const HELD: &str = "held";

impl<C> std::fmt::Debug for Step<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl<C> Step<C> {
    /// A step with its effect alone.
    pub fn new<F, R>(key: &'static str, title: impl Into<String>, effect: F) -> Self
    where
        F: Fn(Scene<C>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Did>> + Send + 'static,
    {
        Self {
            key,
            title: title.into(),
            check: None,
            effect: Arc::new(move |scene| Box::pin(effect(scene))),
            proof: None,
            undo: None,
            best_effort: false,
            glued: false,
            rechecked: false,
            held: None,
        }
    }

    /// How it is seen that the effect is there already. Without a check the journal alone is believed.
    #[must_use]
    pub fn check<F, R>(mut self, check: F) -> Self
    where
        F: Fn(Scene<C>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Standing>> + Send + 'static,
    {
        self.check = Some(Arc::new(move |scene| Box::pin(check(scene))));
        self
    }

    /// How it is known that the effect is right; gives the evidence in one line.
    #[must_use]
    pub fn proof<F, R>(mut self, proof: F) -> Self
    where
        F: Fn(Scene<C>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<String>> + Send + 'static,
    {
        self.proof = Some(Arc::new(move |scene| Box::pin(proof(scene))));
        self
    }

    /// How it is taken back, in words and in deed. It may meet an effect that happened in part, or not at all.
    #[must_use]
    pub fn undo<F, R>(mut self, words: impl Into<String>, undo: F) -> Self
    where
        F: Fn(Scene<C>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<String>> + Send + 'static,
    {
        self.undo = Some((words.into(), Arc::new(move |scene| Box::pin(undo(scene)))));
        self
    }

    /// Its failure is told and does not end the run.
    #[must_use]
    pub const fn best_effort(mut self) -> Self {
        self.best_effort = true;
        self
    }

    /// Nobody can stop between the step before and this one.
    #[must_use]
    pub const fn glued(mut self) -> Self {
        self.glued = true;
        self
    }

    /// What it did can be lost while nobody looks (a stopped program is started again): a resumed run asks its check also when
    /// the journal says that it is done. Such a check must find the effect also after the steps behind it.
    #[must_use]
    pub const fn rechecked(mut self) -> Self {
        self.rechecked = true;
        self
    }

    /// Before its effect it waits so long, and a person who watches can still stop.
    #[must_use]
    pub const fn held(mut self, pause: Duration) -> Self {
        self.held = Some(pause);
        self
    }

    /// Its name in the journal.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// What a person reads.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// How it is taken back, in words; `None` when it is not.
    #[must_use]
    pub fn way_back(&self) -> Option<&str> {
        self.undo.as_ref().map(|(words, _)| words.as_str())
    }
}
