//! Holding the lease while work goes on: taking it, giving signs of life, giving it back.

use std::sync::Arc;
use std::time::Duration;

use super::request::{Request, Stores};
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::store::{Fence, LeaseAsk, Store, StoreError, Table, Taken};

/// A lease that is held; signs of life are given until it is dropped.
pub struct Held {
    /// What every writing transaction checks.
    pub fence: Fence,
    beat: tokio::task::JoinHandle<()>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

/// Takes the lease or says who has it.
///
/// # Errors
/// [`crate::engine::ErrorKind::Blocked`] with the holder, or a store that failed.
pub async fn take(request: &Request, stores: &Stores, target: &Table, control: &Control) -> Result<Held> {
    let label = request.label();
    let ask = LeaseAsk {
        target: target.clone(),
        label: label.clone(),
        holder: request.holder.clone(),
        ttl_s: request.lease_ttl_s,
        force: request.force.clone(),
    };
    let token = match stores.target.lease(&ask).await? {
        Taken::Yes { token, from } => {
            if let Some(from) = from {
                control.notice(Notice::Log(format!(
                    "took the lease over from {from}, whose session is gone; fence {token}"
                )));
            }
            token
        }
        Taken::No(holder) => {
            return Err(Error::blocked(format!("this migration is run by {holder}")).hint(
                "Wait until it has ended, or take it over with a reason if you know that it must not go on.",
            ));
        }
    };
    let fence = Fence {
        target: target.clone(),
        label,
        token,
    };
    let beat = beat(
        Arc::clone(&stores.target),
        fence.clone(),
        request.lease_ttl_s,
        control.clone(),
    );
    Ok(Held { fence, beat })
}

fn beat(store: Arc<dyn Store>, fence: Fence, ttl_s: u32, control: Control) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let every = Duration::from_secs(u64::from(ttl_s.max(3)) / 3);
        loop {
            tokio::time::sleep(every).await;
            match store.beat(&fence).await {
                Ok(()) => {}
                Err(StoreError::Fenced(text)) => {
                    // The next writing transaction finds the same and ends the run.
                    control.notice(Notice::Log(text));
                    return;
                }
                // A lost connection is opened again at the next beat; writing checks the token in any case.
                Err(error) => control.notice(Notice::Log(error.to_string())),
            }
        }
    })
}

/// Gives the lease back. A failure only means that the next operator waits for the session's end.
pub async fn give_back(held: Held, stores: &Stores) {
    let fence = held.fence.clone();
    drop(held);
    let _ = stores.target.release(&fence).await;
}
