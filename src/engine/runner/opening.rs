//! Opening a session: the lock, the journal and whose it is, what an earlier session left behind; or watching somebody else's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::dispatch::Dispatcher;
use super::emit::Outlets;
use super::settings::load_settings;
use super::{Options, Reply, Request, operations};
use crate::engine::backup;
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, Result};
use crate::engine::event::EventKind;
use crate::engine::journal;
use crate::engine::monitor::decide;
use crate::engine::ports::{Journal, Ports};
use crate::engine::snapshot::Snapshot;
use crate::engine::views::{Mode, Slot, Views};
use crate::engine::workspace::identity::Identity;
use crate::engine::workspace::session::{self, Opened};
use crate::engine::workspace::{Holder, Workspace, denied, takeover};

/// How often a watcher looks for news of the operating session.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// How long somebody who takes over waits for the safe point of what runs.
const TAKE_PATIENCE: Duration = Duration::from_mins(10);
/// How often it looks.
const TAKE_LOOK: Duration = Duration::from_millis(100);
/// How long the one who handed over leaves the lock alone.
const HANDED_OVER: Duration = Duration::from_secs(30);

/// The engine's whole life.
pub(super) async fn run(
    workspace: Workspace,
    ports: Ports,
    options: Options,
    mut requests: mpsc::UnboundedReceiver<Request>,
    mut outlets: Outlets,
) {
    let mut opened = open(&workspace, &ports, &options).await;
    loop {
        match opened {
            Ok(Opening::Operating { session, journal }) => {
                let dispatcher = Dispatcher::new(
                    workspace.clone(),
                    ports.clone(),
                    options.clone(),
                    session,
                    journal,
                    outlets,
                );
                let Some((left, out)) = dispatcher.run(requests).await else {
                    return;
                };
                (requests, outlets) = (left, out);
                opened = handed_over(&workspace, &ports, &options).await;
            }
            Ok(Opening::Watching { holder, journal }) => {
                outlets.view(|views| views.mode = Mode::Watching(holder.clone()));
                let me = &options.me;
                let Some(session) = watch(
                    &workspace,
                    &ports,
                    me,
                    &holder,
                    journal,
                    &mut requests,
                    &mut outlets,
                )
                .await
                else {
                    return;
                };
                let path = workspace.journal_file();
                opened = ports
                    .journals
                    .open(&path)
                    .await
                    .map(|journal| Opening::Operating { session, journal });
            }
            Err(error) => {
                // What the settings name is shown all the same, and told apart from nothing.
                look_around(&workspace, &ports, &mut outlets).await;
                outlets.view(|views| views.mode = Mode::Failed(error.clone()));
                // Every question gets the reason until the last handle is gone.
                while let Some(request) = requests.recv().await {
                    answer(request, Err(error.clone()));
                }
                return;
            }
        }
    }
}

/// After handing over: waits until the other has the lock, then watches. When nobody came for it, it is ours again.
async fn handed_over(workspace: &Workspace, ports: &Ports, options: &Options) -> Result<Opening> {
    let deadline = std::time::Instant::now() + HANDED_OVER;
    while takeover::asked(workspace).is_some() && std::time::Instant::now() < deadline {
        tokio::time::sleep(TAKE_LOOK).await;
    }
    let options = Options {
        restart: false,
        ..options.clone()
    };
    open(workspace, ports, &options).await
}

/// Asks the holder to hand over and waits for the lock.
async fn take_over(workspace: &Workspace, me: &Holder, reason: &str) -> Result<session::Session> {
    if reason.trim().is_empty() {
        return Err(Error::new(
            crate::engine::ErrorKind::Usage,
            "taking over needs a reason",
        ));
    }
    takeover::ask(
        workspace,
        &takeover::Request {
            by: me.clone(),
            reason: reason.to_owned(),
            refused: String::new(),
        },
    )?;
    let deadline = std::time::Instant::now() + TAKE_PATIENCE;
    let taken = loop {
        match session::open(workspace, me.clone()) {
            Ok(Opened::Operating(session)) => break Ok(session),
            Ok(Opened::Held(holder)) => {
                if let Some(refused) = takeover::asked(workspace).filter(|asked| !asked.refused.is_empty()) {
                    break Err(
                        Error::blocked(format!("not taken over: {}", refused.refused)).hint("Watch it.")
                    );
                }
                if std::time::Instant::now() > deadline {
                    break Err(Error::blocked(format!(
                        "{} on {} (process {}) did not reach a safe point within {} s",
                        holder.operator,
                        holder.host,
                        holder.pid,
                        TAKE_PATIENCE.as_secs()
                    ))
                    .hint("End that process; a session that died does not hold the workspace."));
                }
            }
            Err(error) => break Err(error),
        }
        tokio::time::sleep(TAKE_LOOK).await;
    };
    takeover::settle(workspace);
    taken
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

/// Watches until the last handle is gone, or until we have taken over.
async fn watch(
    workspace: &Workspace,
    ports: &Ports,
    me: &Holder,
    holder: &Holder,
    journal: Option<Arc<dyn Journal>>,
    requests: &mut mpsc::UnboundedReceiver<Request>,
    outlets: &mut Outlets,
) -> Option<session::Session> {
    let mut tick = tokio::time::interval(FOLLOW_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // What a way back rests on is told to everybody who looks; reading changes nothing.
    let mut reading = JoinSet::<Change>::new();
    let (mut listed, mut going_back) = (false, false);
    loop {
        if !listed && reading.is_empty() {
            listed = true;
            let (workspace, at) = (workspace.clone(), ports.clock.now());
            reading.spawn_blocking(move || around(&workspace, at));
        }
        if going_back && reading.is_empty() {
            going_back = false;
            // The settings as they stand now: the operating session may not have read them again yet.
            let (world, at) = (world(workspace, ports, me, outlets).await, ports.clock.now());
            outlets.view(|views| views.rollback = views.rollback.loading());
            reading.spawn(async move {
                let read = match world {
                    Ok(world) => operations::rollback::preflight(world).await,
                    Err(error) => Err(error),
                };
                Box::new(move |views: &mut Views| views.rollback.settle(at, read)) as Change
            });
        }
        tokio::select! {
            Some(Ok(change)) = reading.join_next() => outlets.view(change),
            request = requests.recv() => match request {
                None => return None,
                Some(Request { command: Command::TakeOver { reason }, reply }) => {
                    let taken = take_over(workspace, me, &reason).await;
                    let (told, session) = match taken {
                        Ok(session) => (Ok(Reply::Done), Some(session)),
                        Err(error) => (Err(error), None),
                    };
                    if let Some(reply) = reply {
                        let _ = reply.send(told);
                    }
                    if session.is_some() {
                        if let Some(journal) = &journal {
                            journal.close().await;
                        }
                        return session;
                    }
                }
                Some(request) => {
                    let result = match &request.command {
                        Command::Close | Command::Seen => Ok(Reply::Done),
                        Command::Read(Capability::Backup) => {
                            listed = false;
                            Ok(Reply::Done)
                        }
                        Command::Read(Capability::Rollback) => {
                            going_back = true;
                            Ok(Reply::Done)
                        }
                        // The one thing that anybody who looks may do, at once.
                        command if decide::stops_countdown(command) => {
                            let asked = decide::Asked::to_stop_countdown(&me.operator, ports.clock.now());
                            decide::leave(workspace, &asked).map(|_| Reply::Done)
                        }
                        command => {
                            denied::leave(workspace, &denied::Denied { by: me.clone(), what: command.words() });
                            Err(Error::blocked(holder.sentence()).hint("Watch, or ask them to leave."))
                        }
                    };
                    answer(request, result);
                }
            },
            _ = tick.tick() => {
                if let Some(journal) = &journal {
                    // A backup may have been made, proved or removed.
                    listed &= !follow(journal.as_ref(), outlets).await;
                }
            }
        }
    }
}

/// A reading on its way to the screens.
type Change = Box<dyn FnOnce(&mut Views) + Send>;

/// The settings, and the backups as they lie in their folder.
fn around(workspace: &Workspace, at: jiff::Timestamp) -> Change {
    let read = load_settings(workspace);
    let backups = match &read {
        Ok(settings) => backup::list(&backup::request::folder(workspace, settings)),
        Err(error) => Err(error.clone()),
    };
    Box::new(move |views| {
        views.settings = Slot::read(at, read);
        views.backups = Slot::read(at, backups);
    })
}

/// Shows what can be known without a journal. Its events are missing, so nothing but the settings is told.
async fn look_around(workspace: &Workspace, ports: &Ports, outlets: &mut Outlets) {
    let (ws, at) = (workspace.clone(), ports.clock.now());
    let Ok(change) = operations::blocking(move || Ok(around(&ws, at))).await else {
        return;
    };
    outlets.view(change);
    let Some((_, settings)) = outlets.views().settings.value() else {
        return;
    };
    let shown = Snapshot {
        name: settings.name.clone(),
        migration: settings.kind,
        environment: settings.environment,
        target: settings.target_words(),
        ..Snapshot::default()
    };
    outlets.restore(shown);
}

/// The world as somebody sees it who only watches.
async fn world(
    workspace: &Workspace,
    ports: &Ports,
    me: &Holder,
    outlets: &Outlets,
) -> Result<operations::World> {
    let ws = workspace.clone();
    let settings = operations::blocking(move || load_settings(&ws)).await?;
    Ok(operations::World {
        workspace: workspace.clone(),
        settings: Arc::new(settings),
        snapshot: Arc::clone(outlets.snapshot()),
        ports: ports.clone(),
        now: ports.clock.now(),
        operator: me.operator.clone(),
        host: me.host.clone(),
        secrets: BTreeMap::new(),
        interactive: false,
    })
}

/// Tells what is new; whether an operation has ended, or the settings changed.
async fn follow(journal: &dyn Journal, outlets: &mut Outlets) -> bool {
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
    news.iter().any(|event| {
        matches!(
            event.kind,
            EventKind::Finished { .. } | EventKind::SettingsRead { .. }
        )
    })
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
pub(super) async fn check_identity(journal: &dyn Journal, identity: &[Identity]) -> Result<()> {
    for database in identity {
        let key = format!("identity.{}", database.name);
        let mark = format!("{key}.mark");
        let words = journal.fact(&key).await?;
        let known = journal.fact(&mark).await?;
        let same = match (&known, &words) {
            (Some(known), _) => *known == database.mark,
            (None, Some(words)) => database.may_be(words),
            (None, None) => true,
        };
        if !same {
            return Err(Error::blocked(format!(
                "the journal of this workspace belongs to {} {}; migration.yml now says {}",
                database.name,
                words.unwrap_or_default(),
                database.words
            ))
            .hint(
                "Use another workspace (-w DIR), or --restart to begin anew; the old journal is kept beside.",
            ));
        }
        if words.is_none() {
            journal.set_fact(&key, &database.words).await?;
        }
        if known.is_none() {
            journal.set_fact(&mark, &database.mark).await?;
        }
    }
    Ok(())
}
