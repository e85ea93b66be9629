//! Events on their way out: numbered, scrubbed, journaled, folded, told.

use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};

use crate::engine::error::Result;
use crate::engine::event::{Event, EventKind};
use crate::engine::ports::{Clock, Journal};
use crate::engine::snapshot::Snapshot;
use crate::engine::views::Views;
use crate::engine::workspace::secrets;

/// Where events, snapshots and readings go.
pub(super) struct Outlets {
    snapshot: Arc<Snapshot>,
    views: Arc<Views>,
    snapshot_out: watch::Sender<Arc<Snapshot>>,
    views_out: watch::Sender<Arc<Views>>,
    subscribers: Subscribers,
}

/// Who hears every event. Shared with the handles, so that nothing is missed between asking and hearing.
/// `None` after the end.
#[derive(Debug, Clone)]
pub(super) struct Subscribers(Arc<Mutex<Option<Vec<mpsc::UnboundedSender<Event>>>>>);

impl Default for Subscribers {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Some(Vec::new()))))
    }
}

impl Subscribers {
    fn list(&self) -> std::sync::MutexGuard<'_, Option<Vec<mpsc::UnboundedSender<Event>>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Adds one; after the end it is closed at once, which is the truth.
    pub(super) fn add(&self, subscriber: mpsc::UnboundedSender<Event>) {
        if let Some(list) = self.list().as_mut() {
            list.push(subscriber);
        }
    }

    fn tell(&self, events: &[Event]) {
        if let Some(list) = self.list().as_mut() {
            list.retain(|subscriber| events.iter().all(|event| subscriber.send(event.clone()).is_ok()));
        }
    }

    fn close(&self) {
        *self.list() = None;
    }
}

impl Outlets {
    pub(super) fn new(
        snapshot_out: watch::Sender<Arc<Snapshot>>,
        views_out: watch::Sender<Arc<Views>>,
        subscribers: Subscribers,
    ) -> Self {
        let (snapshot, views) = (
            Arc::clone(&snapshot_out.borrow()),
            Arc::clone(&views_out.borrow()),
        );
        Self {
            snapshot,
            views,
            snapshot_out,
            views_out,
            subscribers,
        }
    }

    pub(super) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    pub(super) fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// Starts from a snapshot that was read back.
    pub(super) fn restore(&mut self, snapshot: Snapshot) {
        self.snapshot = Arc::new(snapshot);
        self.snapshot_out.send_replace(Arc::clone(&self.snapshot));
    }

    /// Changes the readings.
    pub(super) fn view(&mut self, change: impl FnOnce(&mut Views)) {
        change(Arc::make_mut(&mut self.views));
        self.views_out.send_replace(Arc::clone(&self.views));
    }

    /// Folds events that are in the journal already and tells them.
    pub(super) fn tell(&mut self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let snapshot = Arc::make_mut(&mut self.snapshot);
        for event in events {
            snapshot.apply(event);
        }
        self.snapshot_out.send_replace(Arc::clone(&self.snapshot));
        self.subscribers.tell(events);
    }

    /// Numbers, scrubs, journals, folds and tells `kinds`, in this order: nobody hears of what is not written.
    pub(super) async fn emit(
        &mut self,
        journal: &dyn Journal,
        clock: &dyn Clock,
        kinds: Vec<EventKind>,
    ) -> Result<()> {
        if kinds.is_empty() {
            return Ok(());
        }
        let at = clock.now();
        let events: Vec<Event> = (self.snapshot.seq + 1..)
            .zip(kinds)
            .map(|(seq, kind)| scrubbed(Event { seq, at, kind }))
            .collect();
        journal.append(&events).await?;
        self.tell(&events);
        Ok(())
    }
}

/// The event without any registered secret. The common case costs one serialisation and no copy.
fn scrubbed(event: Event) -> Event {
    let Ok(text) = serde_json::to_string(&event) else {
        return event;
    };
    if !secrets::found_in(&text) {
        return event;
    }
    serde_json::from_str(&secrets::scrub(&text)).unwrap_or(Event {
        kind: EventKind::Logged {
            capability: event
                .kind
                .capability()
                .unwrap_or(crate::engine::Capability::Start),
            text: "an event was withheld because it held a secret".to_owned(),
        },
        ..event
    })
}

impl Drop for Outlets {
    fn drop(&mut self) {
        self.subscribers.close();
    }
}
