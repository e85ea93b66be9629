//! The append-only record of everything that happened, and what can be asked of it.
//!
//! The store itself is a port ([`crate::engine::ports::Journal`]); here is what the engine does with any store: fold it,
//! check its order, follow it.

use super::error::{Error, Result};
use super::event::Event;
use super::ports::Journal;
use super::snapshot::Snapshot;

/// Events read in one piece.
const PAGE: u32 = 1_000;

/// Calls `each` for every event after `after`, in order.
///
/// # Errors
/// When the store cannot be read or has a gap, or what `each` returns.
pub async fn for_each(
    journal: &dyn Journal,
    after: u64,
    mut each: impl FnMut(Event) -> Result<()>,
) -> Result<u64> {
    let mut last = after;
    loop {
        let page = journal.read(last, PAGE).await?;
        let full = page.len() == PAGE as usize;
        for event in page {
            if event.seq != last + 1 {
                return Err(Error::input(format!(
                    "the journal has a gap: event {} follows {last}",
                    event.seq
                )));
            }
            last = event.seq;
            each(event)?;
        }
        if !full {
            return Ok(last);
        }
    }
}

/// The fold of the whole journal.
///
/// # Errors
/// As [`for_each`].
pub async fn fold(journal: &dyn Journal) -> Result<Snapshot> {
    let mut snapshot = Snapshot::default();
    for_each(journal, 0, |event| {
        snapshot.apply(&event);
        Ok(())
    })
    .await?;
    Ok(snapshot)
}
