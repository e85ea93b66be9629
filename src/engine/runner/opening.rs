//! Opening a session: the lock, the journal and whose it is, what an earlier session left behind; or watching somebody else's.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::dispatch::Dispatcher;
use super::emit::Outlets;
use super::{Options, Reply, Request, operations};
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::event::EventKind;
use crate::engine::journal;
use crate::engine::ports::{Journal, Ports};
use crate::engine::views::Mode;
use crate::engine::workspace::session::{self, Opened};
use crate::engine::workspace::{Holder, Workspace};

/// How often a watcher looks for news of the operating session.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// The engine's whole life.
pub(super) async fn run(
    workspace: Workspace,
    ports: Ports,
    options: Options,
    mut requests: mpsc::UnboundedReceiver<Request>,
    mut outlets: Outlets,
) {
    let opened = open(&workspace, &ports, &options).await;
    match opened {
        Ok(Opening::Operating { session, journal }) => {
            let dispatcher = Dispatcher::new(workspace, ports, options, session, journal, outlets);
            dispatcher.run(requests).await;
        }
        Ok(Opening::Watching { holder, journal }) => {
            outlets.view(|views| views.mode = Mode::Watching(holder.clone()));
            watch(&holder, journal, requests, outlets).await;
        }
        Err(error) => {
            outlets.view(|views| views.mode = Mode::Failed(error.clone()));
            // Every question gets the reason until the last handle is gone.
            while let Some(request) = requests.recv().await {
                answer(request, Err(error.clone()));
            }
        }
    }
}

pub(super) fn answer(request: Request, result: Result<Reply>) {
    if let Some(reply) = request.reply {
        // The asker may have gone away; then nobody misses the answer.
        let _ = reply.send(result);
    }
}

enum Opening {
    Operating {
        session: session::Session,
        journal: Arc<dyn Journal>,
    },
    Watching {
        holder: Holder,
        journal: Option<Arc<dyn Journal>>,
    },
}

async fn open(workspace: &Workspace, ports: &Ports, options: &Options) -> Result<Opening> {
    let (ws, me) = (workspace.clone(), options.me.clone());
    let opened = operations::blocking(move || {
        std::fs::create_dir_all(ws.root()).map_err(|error| Error::io("make", ws.root(), &error))?;
        session::open(&ws, me)
    })
    .await?;
    let path = workspace.journal_file();
    match opened {
        Opened::Held(holder) => {
            // The holder may not have made its journal yet; then there is nothing to watch but the fact.
            let journal = ports.journals.follow(&path).await.ok();
            Ok(Opening::Watching { holder, journal })
        }
        Opened::Operating(session) => {
            if options.restart {
                set_aside(&path, ports)?;
            }
            let journal = ports.journals.open(&path).await?;
            Ok(Opening::Operating { session, journal })
        }
    }
}

/// Keeps the old journal under a name with the time, so that a new one begins.
fn set_aside(path: &Path, ports: &Ports) -> Result<()> {
    let stamp = ports.clock.now().strftime("%Y%m%d-%H%M%S").to_string();
    for suffix in ["", "-wal", "-shm"] {
        let from = path.with_file_name(format!("journal.db{suffix}"));
        let to = path.with_file_name(format!("journal.db.{stamp}{suffix}"));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|error| Error::io("move", &from, &error))?;
        }
    }
    Ok(())
}

async fn watch(
    holder: &Holder,
    journal: Option<Arc<dyn Journal>>,
    mut requests: mpsc::UnboundedReceiver<Request>,
    mut outlets: Outlets,
) {
    let mut tick = tokio::time::interval(FOLLOW_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            request = requests.recv() => match request {
                None => return,
                Some(request) => {
                    let result = match request.command {
                        Command::Close | Command::Seen => Ok(Reply::Done),
                        _ => Err(Error::blocked(holder.sentence()).hint("Watch, or ask them to leave.")),
                    };
                    answer(request, result);
                }
            },
            _ = tick.tick() => {
                if let Some(journal) = &journal {
                    follow(journal.as_ref(), &mut outlets).await;
                }
            }
        }
    }
}

async fn follow(journal: &dyn Journal, outlets: &mut Outlets) {
    let mut news = Vec::new();
    let read = journal::for_each(journal, outlets.snapshot().seq, |event| {
        news.push(event);
        Ok(())
    })
    .await;
    outlets.tell(&news);
    if let Err(error) = read {
        outlets.view(|views| views.locked_by = Some(error.to_string()));
    }
}

/// What a session does first: folds the journal, says that it is here, and closes what a dead session left open.
pub(super) async fn first_events(
    journal: &dyn Journal,
    outlets: &mut Outlets,
    holder: &Holder,
) -> Result<Vec<EventKind>> {
    let snapshot = journal::fold(journal).await?;
    let left: Vec<_> = snapshot
        .steps
        .iter()
        .filter(|(_, step)| step.activity.is_active())
        .map(|(capability, _)| *capability)
        .collect();
    let before = snapshot.session.clone();
    outlets.restore(snapshot);
    let mut kinds = vec![EventKind::SessionOpened {
        holder: holder.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }];
    let who = before.map_or_else(
        || "the session".to_owned(),
        |holder| format!("the session of {}", holder.operator),
    );
    kinds.extend(left.into_iter().map(|capability| EventKind::Stopped {
        capability,
        reason: format!("{who} ended without closing; what was finished is safe"),
    }));
    Ok(kinds)
}

/// Refuses a journal that belongs to other sources or another target; notes whose a new one is.
pub(super) async fn check_identity(journal: &dyn Journal, identity: &[(&'static str, String)]) -> Result<()> {
    for (key, value) in identity {
        let key = format!("identity.{key}");
        match journal.fact(&key).await? {
            None if value != "none" => journal.set_fact(&key, value).await?,
            Some(known) if known != *value && value != "none" => {
                let name = key.trim_start_matches("identity.");
                return Err(Error::blocked(format!(
                    "the journal of this workspace belongs to {name} {known}; migration.yml now says {value}"
                ))
                .hint("Use another workspace (-w DIR), or --restart to begin anew; the old journal is kept beside."));
            }
            _ => {}
        }
    }
    Ok(())
}
