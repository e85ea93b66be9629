//! A few records in a row, converted by one thread: their tasks as JSON text, what was set aside, and the counts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::census::{Census, Checked, Fate, id_hash};
use super::maos::{self, Planned, Settings};
use super::{Request, Statistics};
use crate::engine::operation::Quarantined;
use crate::engine::tasks::decompose::sketch;
use crate::engine::tasks::input::{LegacyTask, Refused};
use crate::engine::tasks::model::{Band, TaskId};
use crate::engine::tasks::types;
use crate::engine::text::inert_short;

/// What a piece is made by.
pub(super) struct Work<'a> {
    pub request: &'a Request,
    pub census: &'a Census,
    pub settings: Settings,
}

/// Converted records.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// The tasks as JSON, each with a comma and a line end before it.
    pub tasks: Vec<u8>,
    /// Lines for the quarantine file.
    pub aside: Vec<u8>,
    /// What was set aside, as a person is told.
    pub notices: Vec<Quarantined>,
    /// All counts but the records read.
    pub statistics: Statistics,
}

/// A line of the quarantine file.
#[derive(Serialize)]
struct QuarantineLine<'a> {
    line: u64,
    id: Option<&'a TaskId>,
    reason: &'a str,
    place: &'a str,
    why: &'a str,
    raw: String,
}

fn hint(reason: &str) -> &'static str {
    match reason {
        "no_description" => "Give it a description, then convert again.",
        "duplicate_id" => "Give it an id of its own, or take it out.",
        "missing_dependency" | "depends_on_quarantined" | "dependency_cycle" | "self_dependency" => {
            "Mend its dependencies, then convert again."
        }
        "unknown_priority" => "Add the spelling to priorities in tasks/rules.yml, or correct it.",
        _ => "Correct the record, then convert again.",
    }
}

fn up(map: &mut BTreeMap<String, u64>, key: &str, by: u64) {
    match map.get_mut(key) {
        Some(count) => *count += by,
        None => {
            map.insert(key.to_owned(), by);
        }
    }
}

impl Piece {
    /// Adds record `number` (from 0); `raw` is its text, where it may have to be set aside for its neighbours' sake.
    pub fn add(&mut self, work: &Work<'_>, checked: &Checked, number: u64, raw: &[u8]) {
        let task = match checked {
            Err(refused) => return self.set_aside(refused),
            Ok(task) => task,
        };
        let made = task.id_made.then(|| work.census.made_id(number)).flatten();
        let renamed = made.map(|id| LegacyTask { id, ..task.clone() });
        let task = renamed.as_ref().unwrap_or(task);
        let fate = usize::try_from(number)
            .ok()
            .and_then(|number| work.census.fates.get(number))
            .copied()
            .unwrap_or(Fate::Unreadable);
        if fate == Fate::Converted {
            return self.convert(work, task);
        }
        let (reason, why) = fate.reason();
        let refused = Refused {
            line: task.line,
            id: Some(task.id.clone()),
            reason,
            place: "id".to_owned(),
            why: why.to_owned(),
            raw: raw.to_vec(),
        };
        self.set_aside(&refused);
    }

    fn set_aside(&mut self, refused: &Refused) {
        let line = QuarantineLine {
            line: refused.line,
            id: refused.id.as_ref(),
            reason: refused.reason,
            place: &refused.place,
            why: &refused.why,
            raw: refused.raw_text(),
        };
        self.aside
            .extend_from_slice(&serde_json::to_vec(&line).unwrap_or_default());
        self.aside.push(b'\n');
        self.statistics.quarantined += 1;
        up(&mut self.statistics.reasons, refused.reason, 1);
        self.notices.push(Quarantined {
            kind: "task".to_owned(),
            key: refused.key(),
            reason: refused.reason.to_owned(),
            place: refused.whereabouts(),
            why: refused.why.clone(),
            hint: hint(refused.reason).to_owned(),
            raw: inert_short(&line.raw, 400),
        });
    }

    fn convert(&mut self, work: &Work<'_>, task: &LegacyTask) {
        let (request, census) = (work.request, work.census);
        let edited = if request.accepted.is_empty() {
            None
        } else {
            request.accepted.get(&task.id.to_string())
        };
        let accepted = edited.filter(|plan| plan.original == task.description);
        let made;
        let kind;
        let (plan, kind) = if let Some(plan) = accepted {
            kind = types::of_task(&task.description, &request.rules);
            (Planned::accepted(plan), kind.as_str())
        } else {
            made = sketch(&task.description, &request.rules);
            (Planned::made(&made), made.kind)
        };
        let among = |list: &[u64], id: &TaskId| !list.is_empty() && list.binary_search(&id_hash(id)).is_ok();
        let of = |list: &[u64]| -> Vec<&TaskId> {
            let dependencies = task.dependencies.iter();
            dependencies.filter(|id| among(list, id)).collect()
        };
        let (satisfied, dropped) = (of(&census.satisfied), of(&census.absent));
        let statistics = &mut self.statistics;
        statistics.converted += 1;
        statistics.subtasks += plan.len() as u64;
        statistics.accepted += u64::from(accepted.is_some());
        statistics.outdated_plans += u64::from(edited.is_some() && accepted.is_none());
        statistics.default_priorities += u64::from(task.priority.is_none());
        statistics.default_ids += u64::from(task.id_made);
        let usual = |timeout: &u64| (60..=7200).contains(timeout);
        statistics.unusual_timeouts += u64::from(task.timeout.is_some_and(|timeout| !usual(&timeout)));
        statistics.satisfied_dependencies += satisfied.len() as u64;
        statistics.dropped_dependencies += dropped.len() as u64;
        statistics.average_score += f64::from(plan.score());
        up(&mut statistics.bands, Band::of(plan.score()).name(), 1);
        up(&mut statistics.types, kind, 1);
        let left_out = [satisfied, dropped].concat();
        let task = maos::convert(task, plan, kind, &left_out, &work.settings);
        statistics.omitted_types += u64::from(task.kind.is_none());
        up(&mut statistics.priorities, &task.priority, 1);
        self.tasks.extend_from_slice(b",\n");
        // Writing into memory cannot fail, and every part of a task has a JSON form.
        let _ = serde_json::to_writer(&mut self.tasks, &task);
    }
}

impl Statistics {
    /// Adds the counts of a piece.
    pub(super) fn merge(&mut self, piece: Self) {
        for (own, more) in [
            (&mut self.reasons, piece.reasons),
            (&mut self.types, piece.types),
            (&mut self.priorities, piece.priorities),
            (&mut self.bands, piece.bands),
        ] {
            for (key, count) in more {
                up(own, &key, count);
            }
        }
        for (own, more) in [
            (&mut self.converted, piece.converted),
            (&mut self.quarantined, piece.quarantined),
            (&mut self.subtasks, piece.subtasks),
            (&mut self.accepted, piece.accepted),
            (&mut self.outdated_plans, piece.outdated_plans),
            (&mut self.default_priorities, piece.default_priorities),
            (&mut self.default_ids, piece.default_ids),
            (&mut self.unusual_timeouts, piece.unusual_timeouts),
            (&mut self.satisfied_dependencies, piece.satisfied_dependencies),
            (&mut self.dropped_dependencies, piece.dropped_dependencies),
            (&mut self.omitted_types, piece.omitted_types),
        ] {
            *own += more;
        }
        self.average_score += piece.average_score;
    }
}
