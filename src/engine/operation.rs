//! How anything with an effect runs: `Plan -> Approval{digest} -> apply`, under a [`Control`] that can pause and stop it.
//!
//! To add an operation: write `plan` (reads only, deterministic for equal input) and `apply` (asks
//! [`Control::safe_point`] between units of work, reports through [`Control::progress`]) in the capability's folder,
//! and register it in `engine/runner/`.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::capability::Capability;
use super::error::{Error, Result};
use super::item::{Ack, Item, recorded};

/// One thing an operation would do, as the confirmation dialog shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The verb in lower case: `insert`, `write`, `replace`, `create`, `read`.
    pub act: String,
    /// How many items; `None` where counting makes no sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What it is done to, in words: `rows into tasks`, `files under checkpoints/migrated`.
    pub what: String,
    /// Counted while it still changes: shown, and no part of the plan's identity. Nobody has to read a plan anew because of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub so_far: bool,
}

impl Effect {
    /// An effect with a count.
    pub fn counted(act: &str, count: u64, what: impl Into<String>) -> Self {
        Self {
            act: act.to_owned(),
            count: Some(count),
            what: what.into(),
            so_far: false,
        }
    }

    /// An effect whose count still changes; what is decided about it belongs into [`Plan::basis`].
    pub fn so_far(act: &str, count: u64, what: impl Into<String>) -> Self {
        Self {
            so_far: true,
            ..Self::counted(act, count, what)
        }
    }

    /// An effect without a count.
    pub fn plain(act: &str, what: impl Into<String>) -> Self {
        Self {
            act: act.to_owned(),
            count: None,
            what: what.into(),
            so_far: false,
        }
    }
}

/// What an operation would do. Equal worlds give equal plans and so equal digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose plan it is.
    pub capability: Capability,
    /// The verb of the operation, for example `apply`, `undo`.
    pub verb: String,
    /// What the dialog's title and button say: `Copy 4,012 rows`.
    pub title: String,
    /// Where it acts, in words.
    pub target: String,
    /// The effects in order.
    pub effects: Vec<Effect>,
    /// Whether it can be undone, and how, in words. `None`: there is no undo. [`Plan::asks_name`] says whether the target's name
    /// must be typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// Whether anything outside new files in the workspace or a named new output is touched. Only then an approval is needed.
    pub needs_approval: bool,
    /// Facts that belong to the identity of the plan (input hashes, boundaries), hashed but not shown as effects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub basis: Vec<String>,
    /// The first 8 hex digits of SHA-256 over everything above; filled in by [`Plan::sealed`].
    #[serde(default)]
    pub digest: String,
}

impl Plan {
    /// Computes the digest and returns the finished plan.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.digest = String::new();
        let mut hasher = Sha256::new();
        // Field by field with lengths, so that the digest does not depend on a serialiser's habits.
        let mut feed = |text: &str| {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        feed(self.capability.name());
        feed(&self.verb);
        feed(&self.title);
        feed(&self.target);
        for effect in self.effects.iter().filter(|effect| !effect.so_far) {
            feed(&effect.act);
            feed(&effect.count.map_or_else(|| "-".to_owned(), |n| n.to_string()));
            feed(&effect.what);
        }
        feed(self.undo.as_deref().unwrap_or("no undo"));
        feed(if self.needs_approval { "approval" } else { "free" });
        for fact in &self.basis {
            feed(fact);
        }
        let bytes = hasher.finalize();
        for byte in &bytes[..4] {
            // Writing to a String cannot fail.
            let _ = write!(self.digest, "{byte:02x}");
        }
        self
    }

    /// What is otherwise in this plan than in `before`, in words: the first thing that differs.
    #[must_use]
    pub fn differs_from(&self, before: &Self) -> Option<String> {
        let words = |effect: &Effect| {
            let count = effect.count.map_or_else(String::new, |n| format!(" {n}"));
            format!("{}{count} {}", effect.act, effect.what)
        };
        let lines = |plan: &Self| -> Vec<String> {
            let head = [
                plan.title.clone(),
                plan.target.clone(),
                plan.undo.clone().unwrap_or_default(),
            ];
            head.into_iter()
                .chain(plan.effects.iter().filter(|effect| !effect.so_far).map(words))
                .chain(plan.basis.iter().cloned())
                .collect()
        };
        let (old, new) = (lines(before), lines(self));
        let at = (0..old.len().max(new.len())).find(|&at| old.get(at) != new.get(at))?;
        let shown = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "nothing".to_owned());
        Some(format!("before \"{}\", now \"{}\"", shown(&old), shown(&new)))
    }

    /// Whether the plan can be taken back.
    #[must_use]
    pub const fn reversible(&self) -> bool {
        self.undo.is_some()
    }

    /// Whether the target's name must be typed: there is no undo, or rows are taken out of a database, though they can be copied
    /// again.
    #[must_use]
    pub fn asks_name(&self) -> bool {
        !self.reversible() || (self.capability == Capability::Schema && self.verb == "undo")
    }
}

/// A person's yes to exactly one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The digest of the plan that was shown.
    pub digest: String,
    /// Who said yes.
    pub operator: String,
    /// When, in UTC.
    pub at: jiff::Timestamp,
}

impl Approval {
    /// Refuses when `plan` is not the one that was approved.
    ///
    /// # Errors
    /// [`super::error::ErrorKind::Blocked`] with both digests.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        if self.digest == plan.digest {
            return Ok(());
        }
        Err(Error::blocked(format!(
            "the plan changed: approved {}, now {}",
            self.digest, plan.digest
        ))
        .hint("Read the plan again and approve its new digest."))
    }
}

/// How far an operation is. Counts are of finished (committed, renamed) items only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Items finished.
    pub done: u64,
    /// Items in all, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Items proved, where the operation has a proof phase.
    #[serde(default)]
    pub proved: u64,
    /// Items refused or quarantined so far.
    #[serde(default)]
    pub quarantined: u64,
    /// Bytes finished.
    #[serde(default)]
    pub bytes: u64,
    /// Bytes in all, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// What is counted, plural: `rows`, `files`, `tasks`.
    pub unit: String,
    /// The phase in a word or two: `copying`, `proving`, `scanning`.
    pub phase: String,
    /// Items being worked on now, in words, a few at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<String>,
    /// Seconds since the operation started, without pauses.
    #[serde(default)]
    pub elapsed_s: f64,
}

/// One item that was set aside instead of converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// `task`, `file`, `row` or `key`.
    pub kind: String,
    /// The item's own name: an id, a file name, `line 23`.
    pub key: String,
    /// A stable code in `snake_case`: `unknown_status`, `bad_json`.
    pub reason: String,
    /// Where in it: `byte 214`, `column status`.
    pub place: String,
    /// Why, in a sentence.
    pub why: String,
    /// What to do, in a sentence.
    pub hint: String,
    /// The raw form, shortened to at most 400 characters for showing; the quarantine file holds all of it.
    pub raw: String,
}

/// One line of a proof: the same quantity got in two ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofLine {
    /// What is compared.
    pub what: String,
    /// As the source says.
    pub source: String,
    /// As the result says.
    pub target: String,
    /// Whether they agree.
    pub equal: bool,
}

/// How an operation ended: `source = converted + quarantined`, or it did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Items found in the source.
    pub source: u64,
    /// Items converted, those already in place included.
    pub converted: u64,
    /// Of these, items that were already in place and identical.
    #[serde(default)]
    pub unchanged: u64,
    /// Items set aside.
    pub quarantined: u64,
    /// The proof, line by line.
    pub proof: Vec<ProofLine>,
    /// One sentence for the now line.
    pub summary: String,
    /// Files written, relative to the workspace where they lie in it.
    #[serde(default)]
    pub artifacts: Vec<String>,
}

impl Outcome {
    /// True only when every item is accounted for and every proof line is equal.
    #[must_use]
    pub fn proved(&self) -> bool {
        self.source == self.converted + self.quarantined && self.proof.iter().all(|line| line.equal)
    }
}

impl Outcome {
    /// The error that stands for an outcome whose proof does not hold.
    #[must_use]
    pub fn not_proved(&self) -> Error {
        let differs = self.proof.iter().find(|line| !line.equal).map_or_else(
            || {
                format!(
                    "source {} is not {} + {}",
                    self.source, self.converted, self.quarantined
                )
            },
            |line| format!("{}: source {}, target {}", line.what, line.source, line.target),
        );
        Error::unavailable(format!("not proved: {differs}"))
            .hint("Nothing is called done. Read the log, mend the cause, run the step again.")
    }
}

/// What a running operation tells the outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// How far it is; may be thinned to four a second by the receiver.
    Progress(Progress),
    /// An item was set aside.
    Quarantined(Quarantined),
    /// A line of the operation changed; `ack` tells the operation when that is in the journal.
    Item {
        /// The line as it stands now.
        item: Box<Item>,
        /// Whom to tell.
        ack: Option<Ack>,
    },
    /// The operation begins anew: lines of an earlier run of the same verb are forgotten.
    ItemsCleared,
    /// Something worth a line in the log, without secrets.
    Log(String),
    /// Something a person should know though the operation goes on, without secrets.
    Warn(String),
    /// A statement sent to a database, with placeholders, its rows and milliseconds.
    Statement {
        /// The text with placeholders.
        text: String,
        /// Rows affected or returned.
        rows: u64,
        /// Duration in milliseconds.
        ms: u64,
    },
}

const RUN: u8 = 0;
const PAUSE: u8 = 1;
const STOP: u8 = 2;

struct Shared {
    state: AtomicU8,
    workers: AtomicU64,
    pace: AtomicU64,
    gate: Mutex<()>,
    bell: Condvar,
    changed: tokio::sync::Notify,
    answers: Mutex<Vec<(String, serde_json::Value)>>,
    sink: Box<dyn Fn(Notice) + Send + Sync>,
    started: Instant,
}

/// The handle between a running operation and whoever watches it. Cheap to clone; usable from threads and tasks.
#[derive(Clone)]
pub struct Control(Arc<Shared>);

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("state", &self.0.state.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

impl Control {
    /// A control whose notices go to `sink`.
    pub fn new(sink: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            state: AtomicU8::new(RUN),
            workers: AtomicU64::new(0),
            pace: AtomicU64::new(0),
            gate: Mutex::new(()),
            bell: Condvar::new(),
            changed: tokio::sync::Notify::new(),
            answers: Mutex::default(),
            sink: Box::new(sink),
            started: Instant::now(),
        }))
    }

    /// A control that nobody watches, for tests and standalone calls. Lines count as recorded.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|notice| {
            if let Notice::Item { ack: Some(ack), .. } = notice {
                ack.done();
            }
        })
    }

    fn set(&self, state: u8) {
        // The lock orders the change against a thread that is about to wait; a poisoned lock guards no data.
        let guard = self
            .0
            .gate
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // A stop is final: a late resume must not start the work again.
        if self.0.state.load(Ordering::SeqCst) != STOP {
            self.0.state.store(state, Ordering::SeqCst);
        }
        drop(guard);
        self.0.bell.notify_all();
        self.0.changed.notify_waiters();
    }

    /// Asks the operation to wait at its next safe point.
    pub fn pause(&self) {
        self.set(PAUSE);
    }

    /// Lets a paused operation go on.
    pub fn resume(&self) {
        self.set(RUN);
    }

    /// Asks the operation to end at its next safe point.
    pub fn stop(&self) {
        self.set(STOP);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == STOP
    }

    /// Whether a pause was asked for.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == PAUSE
    }

    /// Waits `long`, or until somebody asks for something: a stop, a pause.
    pub async fn pause_for(&self, long: std::time::Duration) {
        let changed = self.0.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        if self.stopping() || self.paused() {
            return;
        }
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(long) => {}
        }
    }

    /// For threads: returns at once while running, blocks while paused.
    ///
    /// # Errors
    /// [`super::error::ErrorKind::Interrupted`] once a stop was asked for.
    pub fn safe_point(&self) -> Result<()> {
        let mut guard = self
            .0
            .gate
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        while self.paused() {
            guard = self
                .0
                .bell
                .wait(guard)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        drop(guard);
        if self.stopping() {
            Err(Error::interrupted("stopped at a safe point"))
        } else {
            Ok(())
        }
    }

    /// For tasks: as [`Control::safe_point`], without blocking the thread.
    ///
    /// # Errors
    /// [`super::error::ErrorKind::Interrupted`] once a stop was asked for.
    pub async fn safe_point_async(&self) -> Result<()> {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.paused() {
                break;
            }
            changed.await;
        }
        if self.stopping() {
            Err(Error::interrupted("stopped at a safe point"))
        } else {
            Ok(())
        }
    }

    /// Resolves when a stop is asked for; for `select!` beside a long wait.
    pub async fn stopped(&self) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.stopping() {
                return;
            }
            changed.await;
        }
    }

    /// Hands a decision to the operation while it runs; one that it did not ask for is not read.
    pub fn answer(&self, subject: &str, choice: serde_json::Value) {
        self.answers().push((subject.to_owned(), choice));
        self.0.changed.notify_waiters();
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, Vec<(String, serde_json::Value)>> {
        self.0
            .answers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Forgets decisions about `subject` that were made before the question was asked.
    pub fn forget_answers(&self, subject: &str) {
        self.answers().retain(|(about, _)| about != subject);
    }

    /// Resolves when a person decides about `subject`.
    pub async fn answered(&self, subject: &str) -> serde_json::Value {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let at = self.answers().iter().position(|(about, _)| about == subject);
            if let Some(at) = at {
                return self.answers().remove(at).1;
            }
            changed.await;
        }
    }

    /// Tells how far the work is; fills in the elapsed time.
    pub fn progress(&self, mut progress: Progress) {
        progress.elapsed_s = self.0.started.elapsed().as_secs_f64();
        (self.0.sink)(Notice::Progress(progress));
    }

    /// Tells anything else.
    pub fn notice(&self, notice: Notice) {
        (self.0.sink)(notice);
    }

    /// Tells that a line changed, without waiting.
    pub fn item(&self, item: Item) {
        (self.0.sink)(Notice::Item {
            item: Box::new(item),
            ack: None,
        });
    }

    /// Tells that a line changed and waits until that is in the journal: what follows may rely on it after a crash.
    ///
    /// # Errors
    /// [`super::error::ErrorKind::Unavailable`] when nobody records it; then the effect must not happen.
    pub async fn record(&self, item: Item) -> Result<()> {
        let (ack, receiver) = Ack::pair();
        (self.0.sink)(Notice::Item {
            item: Box::new(item),
            ack: Some(ack),
        });
        recorded(receiver).await
    }

    /// Wished number of workers; 0 means the operation's own choice.
    #[must_use]
    pub fn workers(&self) -> usize {
        usize::try_from(self.0.workers.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Sets the wished number of workers.
    pub fn set_workers(&self, workers: usize) {
        self.0.workers.store(workers as u64, Ordering::Relaxed);
    }

    /// Items a second at most; 0 means no limit.
    #[must_use]
    pub fn pace(&self) -> u64 {
        self.0.pace.load(Ordering::Relaxed)
    }

    /// Sets the limit of items a second.
    pub fn set_pace(&self, per_second: u64) {
        self.0.pace.store(per_second, Ordering::Relaxed);
    }
}
