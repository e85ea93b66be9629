//! The engine at work: one task that owns the journal and the snapshot, takes [`Command`]s and tells [`Event`]s.
//!
//! Handlers never wait for the world: reading and running happen in tasks of their own, which report back through
//! `internal`. So a pause or a stop is taken at once, whatever runs.
//!
//! To add an operation: an arm in [`operations::prepare`]. To add a reading for a screen: an arm in `reading`.

mod applying;
mod dispatch;
mod emit;
mod front;
mod internal;
mod opening;
pub mod operations;
mod reading;
mod saving;
mod secrets;
mod settings;
mod sources;
pub mod trouble;
mod watching;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

pub use self::settings::{Lock, lock};
use super::command::Command;
use super::error::{Error, Result};
use super::event::Event;
use super::operation::{Outcome, Plan};
use super::ports::Ports;
use super::snapshot::Snapshot;
use super::views::Views;
use super::workspace::{Holder, Workspace};

/// How a session is opened.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Clone)]
pub struct Options {
    /// Who we are.
    pub me: Holder,
    /// Nothing may be applied (`--read-only`).
    pub read_only: bool,
    /// Every operation stops after its plan (`--dry-run`).
    pub dry_run: bool,
    /// A person is there to decide; a script takes the stated defaults.
    pub interactive: bool,
    /// Begin anew when the journal belongs to other sources; the old journal is kept beside.
    pub restart: bool,
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It was taken.
    Done,
    /// The plan that was made.
    Plan(Box<Plan>),
    /// How the operation ended.
    Outcome(Box<Outcome>),
}

/// A command on its way, and where its answer goes.
#[derive(Debug)]
struct Request {
    command: Command,
    reply: Option<oneshot::Sender<Result<Reply>>>,
}

/// The handle of a running engine. Cheap to clone; the engine ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Engine {
    requests: mpsc::UnboundedSender<Request>,
    subscribers: emit::Subscribers,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    views: watch::Receiver<Arc<Views>>,
}

impl Engine {
    /// Starts the engine on `workspace`. Returns at once; [`Views::mode`] tells when it is open.
    #[must_use]
    pub fn start(workspace: Workspace, ports: Ports, options: Options) -> Self {
        let (requests, request_queue) = mpsc::unbounded_channel();
        let subscribers = emit::Subscribers::default();
        let (snapshot_out, snapshot) = watch::channel(Arc::new(Snapshot::default()));
        let first = Views {
            me: Some(options.me.clone()),
            folder: workspace.path(""),
            ..Views::default()
        };
        let (views_out, views) = watch::channel(Arc::new(first));
        let outlets = emit::Outlets::new(snapshot_out, views_out, subscribers.clone());
        tokio::spawn(opening::run(workspace, ports, options, request_queue, outlets));
        Self {
            requests,
            subscribers,
            snapshot,
            views,
        }
    }

    /// Sends a command without waiting; a refusal becomes a message.
    pub fn send(&self, command: Command) {
        // The engine is gone only after Close or a broken journal; then nothing can be done, and the views say so.
        let _ = self.requests.send(Request { command, reply: None });
    }

    /// Sends a command and waits for what it came to; for `Apply`, until the operation has ended.
    ///
    /// # Errors
    /// The refusal or failure, or that the engine has ended.
    pub async fn ask(&self, command: Command) -> Result<Reply> {
        let (reply, answer) = oneshot::channel();
        let gone = || Error::unavailable("the session has ended");
        self.requests
            .send(Request {
                command,
                reply: Some(reply),
            })
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Every event from now on, none lost.
    #[must_use]
    pub fn events(&self) -> mpsc::UnboundedReceiver<Event> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.subscribers.add(sender);
        receiver
    }

    /// The latest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    /// The latest readings.
    #[must_use]
    pub fn views(&self) -> watch::Receiver<Arc<Views>> {
        self.views.clone()
    }

    /// Waits until the session is open.
    ///
    /// # Errors
    /// Why it could not be opened.
    pub async fn opened(&self) -> Result<Arc<Views>> {
        let mut views = self.views();
        let ready = views
            .wait_for(|views| views.mode != super::views::Mode::Opening)
            .await
            .map_err(|_| Error::unavailable("the session ended before it was open"))?;
        match &ready.mode {
            super::views::Mode::Failed(error) => Err(error.clone()),
            _ => Ok(Arc::clone(&ready)),
        }
    }
}
