//! What must be so before the work is handed over, each with its evidence.

use crate::engine::backup::Listed;
use crate::engine::capability::Capability;
use crate::engine::evidence::{self, Evidence, Ready, Standing};
use crate::engine::snapshot::Snapshot;
use crate::engine::text::count;

/// What the journal and the backups say. `max_age_min`: a verified backup must be younger. `shelf`: the backups, once they are read.
#[must_use]
pub fn ready(snapshot: &Snapshot, shelf: Option<&[Listed]>, now: jiff::Timestamp, max_age_min: u64) -> Ready {
    Ready {
        lines: vec![
            schema(snapshot),
            evidence::backup(snapshot, shelf, now, max_age_min),
            rehearsed(snapshot),
            compared(snapshot),
        ],
    }
}

fn schema(snapshot: &Snapshot) -> Evidence {
    let step = snapshot.step(Capability::Schema);
    if step.activity.is_done() {
        let rows = step.outcome.map_or(0, |outcome| outcome.source);
        return Evidence::new(
            "schema",
            Standing::Yes,
            format!("schema proved, {} rows", count(rows)),
        );
    }
    Evidence::new("schema", Standing::No, "schema is not proved").mended_by(Capability::Schema)
}

fn rehearsed(snapshot: &Snapshot) -> Evidence {
    let step = snapshot.step(Capability::Rollback);
    match step.outcomes.get("rehearse") {
        Some(outcome) if outcome.proved() => {
            // Clearing away the copies is no part of a rollback.
            let ms: u64 = step.items.get("rehearse").map_or(0, |lines| {
                let own = lines.all().iter().filter(|line| line.key != "clear");
                own.filter_map(|line| line.ms).sum()
            });
            let seconds = ms.div_ceil(1000);
            let text = format!("rollback rehearsed {}:{:02}", seconds / 60, seconds % 60);
            Evidence::new("rehearsed", Standing::Yes, text)
        }
        _ => Evidence::new("rehearsed", Standing::Note, "rollback not rehearsed")
            .mended_by(Capability::Rollback),
    }
}

fn compared(snapshot: &Snapshot) -> Evidence {
    let step = snapshot.step(Capability::Compare);
    if step.activity.is_done() {
        return Evidence::new("compare", Standing::Yes, "both sides compared");
    }
    Evidence::new("compare", Standing::Note, "not compared").mended_by(Capability::Compare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_done_is_locked_by_the_rows_first() {
        let ready = ready(&Snapshot::default(), None, jiff::Timestamp::UNIX_EPOCH, 60);
        let locked = ready.locked().unwrap();
        assert_eq!(
            (locked.sentence.as_str(), locked.goes_to),
            ("Schema is not proved.", Some(Capability::Schema))
        );
    }
}
