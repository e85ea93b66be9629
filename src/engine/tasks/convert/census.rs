//! The first pass over a tasks file: what is in it, which records are sound, and what their dependencies allow. It keeps a
//! few numbers a record, never the records.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rayon::prelude::*;

use super::{Policy, Request, WhenBroken};
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Progress};
use crate::engine::tasks::input::record::{find_spare, spare_id};
use crate::engine::tasks::input::{Item, LegacyTask, Records, Refused};
use crate::engine::tasks::model::TaskId;
use crate::engine::tasks::rules::Rules;
use crate::engine::tasks::stages::{Graph, StagePlan, knots};

/// How many bytes of records are worked on at once.
pub(super) const BATCH: usize = 1024 * 1024;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Converted,
    /// Refused by itself.
    Unreadable,
    DuplicateId,
    /// Named dependencies are not in the file.
    MissingDependency,
    WaitsForItself,
    Cycle,
    /// It waits for a record that is quarantined.
    WaitsForQuarantined,
}

impl Fate {
    /// The reason code and the sentence of a fate that is not the record's own fault.
    pub const fn reason(self) -> (&'static str, &'static str) {
        match self {
            Self::Converted | Self::Unreadable => ("", ""),
            Self::DuplicateId => ("duplicate_id", "Another record before it has the same id."),
            Self::MissingDependency => (
                "missing_dependency",
                "It waits for an id that is not in the file.",
            ),
            Self::WaitsForItself => ("self_dependency", "It waits for itself."),
            Self::Cycle => ("dependency_cycle", "It is on a cycle of dependencies."),
            Self::WaitsForQuarantined => (
                "depends_on_quarantined",
                "It waits for a record that is quarantined.",
            ),
        }
    }
}

/// The result of the first pass.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub fates: Vec<Fate>,
    /// Hash of the id and number of each readable record; empty once judged.
    index: Vec<(u64, u32)>,
    /// Records without an id of their own, ascending; once judged, those whose number another has for its id.
    made: Vec<u32>,
    /// Sets the ids that are made for those apart from the ids of the file.
    spare: u32,
    finished: Vec<bool>,
    starts: Vec<u32>,
    targets: Vec<u64>,
    pub bytes: u64,
    /// SHA-256 of the file.
    pub digest: String,
    kept: Option<Kept>,
    /// Hashes of ids whose tasks are finished: nothing needs to wait for them.
    pub satisfied: Vec<u64>,
    /// Hashes of ids that are waited for and are not in the file, ascending. There are few, where the ids that are there
    /// may be millions.
    pub absent: Vec<u64>,
}

/// The identity of an id: `7` and `"7"` are one.
pub(super) fn id_hash(id: &TaskId) -> u64 {
    let mut hasher = DefaultHasher::new();
    match id {
        TaskId::Text(text) => text.hash(&mut hasher),
        TaskId::Number(number) => number.to_string().hash(&mut hasher),
    }
    hasher.finish()
}

/// A record read and checked, or why not.
pub(super) type Checked = std::result::Result<LegacyTask, Box<Refused>>;

/// Checks the record of a number, from 0.
pub(super) fn check(item: &Item, number: u64, rules: &Rules) -> Checked {
    match item {
        Item::Bad(refused) => Err(Box::new(refused.clone())),
        Item::Record(raw) => LegacyTask::read(raw, number + 1, rules),
    }
}

/// What the first pass read, batch by batch, for the second: a small file is parsed once.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub batches: Vec<Vec<Checked>>,
    bytes: usize,
}

/// What may be kept, in bytes of memory.
const MOST_KEPT: usize = 64 * 1024 * 1024;
/// What a record takes besides its text.
const EACH: usize = size_of::<Checked>() + 96;

impl Census {
    pub fn take(request: &Request, control: &Control) -> Result<Self> {
        let (mut records, digest) = Records::open_digested(&request.input)?;
        records.heed(control);
        let mut census = Self {
            starts: vec![0],
            kept: Some(Kept::default()),
            ..Self::default()
        };
        let mut items = records.batch(BATCH)?;
        while !items.is_empty() {
            control.safe_point()?;
            let first = census.fates.len() as u64;
            // The next records are read while these are checked.
            let check_all = || -> Vec<Checked> {
                items
                    .par_iter()
                    .enumerate()
                    .with_min_len(64)
                    .map(|(i, item)| check(item, first + i as u64, &request.rules))
                    .collect()
            };
            let (next, checked) = rayon::join(|| records.batch(BATCH), check_all);
            for checked in &checked {
                census.count_in(checked);
            }
            census.keep(checked, &items);
            items = next?;
            control.progress(Progress {
                done: census.fates.len() as u64,
                unit: "tasks".to_owned(),
                phase: "reading".to_owned(),
                bytes: records.bytes_read(),
                ..Progress::default()
            });
        }
        records.skip_rest()?;
        census.bytes = records.bytes_read();
        census.digest = digest.hex();
        census.judge(request.policy);
        Ok(census)
    }

    fn count_in(&mut self, checked: &Checked) {
        if let Ok(task) = checked {
            match u32::try_from(self.fates.len()) {
                Ok(number) if task.id_made => self.made.push(number),
                Ok(number) => self.index.push((id_hash(&task.id), number)),
                Err(_) => {}
            }
            self.fates.push(Fate::Converted);
            self.finished.push(task.finished());
            self.targets.extend(task.dependencies.iter().map(id_hash));
        } else {
            self.fates.push(Fate::Unreadable);
            self.finished.push(false);
        }
        self.starts
            .push(u32::try_from(self.targets.len()).unwrap_or(u32::MAX));
    }

    /// Keeps what was read, or forgets all of it when it becomes too much.
    fn keep(&mut self, checked: Vec<Checked>, items: &[Item]) {
        let Some(kept) = &mut self.kept else { return };
        kept.bytes += items.iter().map(|item| EACH + item.raw().len()).sum::<usize>();
        kept.batches.push(checked);
        if kept.bytes > MOST_KEPT {
            self.kept = None;
        }
    }

    /// What the first pass kept, when the second needs nothing else. The raw form of what is set aside for its neighbours'
    /// sake is only in the file.
    pub fn complete(&self) -> Option<&Kept> {
        let needs_raw = |fate: &Fate| !matches!(fate, Fate::Converted | Fate::Unreadable);
        self.kept.as_ref().filter(|_| !self.fates.iter().any(needs_raw))
    }

    /// The id that is made for a record (from 0) because another has its number for an id of its own.
    pub fn made_id(&self, number: u64) -> Option<TaskId> {
        let place = u32::try_from(number).ok()?;
        self.made.binary_search(&place).ok()?;
        Some(spare_id(number + 1, self.spare))
    }

    /// Gives the records without an id their number, or another where that is taken: ids of the file go before made ones.
    fn make_ids(&mut self, index: &mut Vec<(u64, u32)>) {
        if self.made.is_empty() {
            return;
        }
        index.par_sort_unstable();
        let used = |hash: u64| index.binary_search_by_key(&hash, |(hash, _)| *hash).is_ok();
        let own = |number: u32| id_hash(&TaskId::Number(i64::from(number) + 1));
        let (taken, free): (Vec<u32>, Vec<u32>) = std::mem::take(&mut self.made)
            .into_iter()
            .partition(|number| used(own(*number)));
        let numbers: Vec<u64> = taken.iter().map(|number| u64::from(*number) + 1).collect();
        self.spare = find_spare(&numbers, |id| used(id_hash(id)));
        index.extend(free.into_iter().map(|number| (own(number), number)));
        let made = taken
            .iter()
            .zip(numbers)
            .map(|(place, number)| (id_hash(&spare_id(number, self.spare)), *place));
        index.extend(made);
        self.made = taken;
    }

    /// Decides every record's fate.
    fn judge(&mut self, policy: Policy) {
        let mut index = std::mem::take(&mut self.index);
        self.make_ids(&mut index);
        index.par_sort_unstable();
        for pair in index.windows(2) {
            if pair[0].0 == pair[1].0 {
                self.fates[pair[1].1 as usize] = Fate::DuplicateId;
            }
        }
        index.dedup_by_key(|(hash, _)| *hash);
        let find = |hash: u64| {
            index
                .binary_search_by_key(&hash, |(hash, _)| *hash)
                .ok()
                .map(|at| index[at].1)
        };
        self.satisfied = index
            .iter()
            .filter(|(_, i)| self.finished[*i as usize])
            .map(|(hash, _)| *hash)
            .collect();
        // Edges inside the file; what they name outside is the record's own trouble.
        let (mut starts, mut edges) = (vec![0_u32], Vec::with_capacity(self.targets.len()));
        let mut absent = Vec::new();
        for i in 0..self.fates.len() {
            if self.fates[i] == Fate::Converted {
                for &target in &self.targets[self.starts[i] as usize..self.starts[i + 1] as usize] {
                    let found = find(target);
                    if found.is_none() {
                        absent.push(target);
                    }
                    match found {
                        Some(j) if j as usize == i => self.fates[i] = Fate::WaitsForItself,
                        Some(j) if self.finished[j as usize] => {}
                        Some(j) => edges.push(j),
                        None if policy.missing == WhenBroken::DropEdge => {}
                        None => self.fates[i] = Fate::MissingDependency,
                    }
                }
            }
            starts.push(u32::try_from(edges.len()).unwrap_or(u32::MAX));
        }
        absent.sort_unstable();
        absent.dedup();
        self.absent = absent;
        // What is known now is not asked for again, and a large file has millions of it.
        drop(index);
        self.targets = Vec::new();
        self.starts = Vec::new();
        if edges.is_empty() {
            return;
        }
        // An id that only an unreadable record could have had is missing all the same.
        let graph = Graph::from_rows(starts, edges);
        let plan = StagePlan::of(&graph);
        for knot in knots(&graph, &plan.stuck) {
            for member in knot.members {
                if self.fates[member as usize] == Fate::Converted {
                    self.fates[member as usize] = Fate::Cycle;
                }
            }
        }
        // What waits for a quarantined record is quarantined too, through all stages.
        let behind = graph.reversed();
        let mut queue: Vec<u32> = (0..self.fates.len())
            .filter(|&i| self.fates[i] != Fate::Converted)
            .filter_map(|i| u32::try_from(i).ok())
            .collect();
        while let Some(i) = queue.pop() {
            for &next in behind.waits_for(i as usize) {
                let fate = &mut self.fates[next as usize];
                if *fate == Fate::Converted {
                    *fate = Fate::WaitsForQuarantined;
                    queue.push(next);
                }
            }
        }
    }

    pub fn count(&self, fate: Fate) -> u64 {
        self.fates.iter().filter(|own| **own == fate).count() as u64
    }

    /// Refuses when the policy says that broken dependencies block; reads the file again to name them.
    pub fn block(&self, request: &Request) -> Result<()> {
        let broken = |fate: &Fate| {
            *fate == Fate::MissingDependency && request.policy.missing == WhenBroken::Block
                || matches!(fate, Fate::Cycle | Fate::WaitsForItself)
                    && request.policy.cycles == WhenBroken::Block
        };
        let count = self.fates.iter().filter(|fate| broken(fate)).count();
        if count == 0 {
            return Ok(());
        }
        let mut named: Vec<String> = Vec::new();
        let mut cyclic: Vec<(String, Vec<String>)> = Vec::new();
        let mut records = Records::open(&request.input)?;
        let mut number = 0_usize;
        while let Some(item) = records.next_item()? {
            let fate = self.fates.get(number).copied().unwrap_or(Fate::Unreadable);
            number += 1;
            let Item::Record(raw) = item else { continue };
            if !broken(&fate) || named.len() >= 50 || cyclic.len() >= 20_000 {
                continue;
            }
            let Ok(task) = LegacyTask::read(&raw, number as u64, &request.rules) else {
                continue;
            };
            let place = number as u64 - 1;
            let own = self.made_id(place).unwrap_or_else(|| task.id.clone());
            let shown = |id: &TaskId| crate::engine::text::inert_short(&id.to_string(), 60);
            match fate {
                Fate::MissingDependency => {
                    for id in task
                        .dependencies
                        .iter()
                        .filter(|id| self.absent.binary_search(&id_hash(id)).is_ok())
                    {
                        named.push(format!(
                            "line {}: {} waits for {}, which is not in the file",
                            task.line,
                            shown(&own),
                            shown(id)
                        ));
                    }
                }
                Fate::WaitsForItself => {
                    named.push(format!("line {}: {} waits for itself", task.line, shown(&own)));
                }
                _ => cyclic.push((shown(&own), task.dependencies.iter().map(shown).collect())),
            }
        }
        let mut said = named;
        said.extend(cycles(&cyclic));
        Err(Error::input(format!(
            "{count} tasks have dependencies that cannot be kept: {}",
            said.join("; ")
        ))
        .hint("Mend them, or choose to drop the missing ones or to quarantine these tasks."))
    }
}

/// Sentences for the cycles among tasks given with their dependencies.
fn cycles(tasks: &[(String, Vec<String>)]) -> Vec<String> {
    let place: std::collections::HashMap<&str, usize> = tasks
        .iter()
        .enumerate()
        .map(|(i, (id, _))| (id.as_str(), i))
        .collect();
    let lists: Vec<Vec<usize>> = tasks
        .iter()
        .map(|(_, waits)| {
            waits
                .iter()
                .filter_map(|id| place.get(id.as_str()).copied())
                .collect()
        })
        .collect();
    let graph = Graph::from_lists(&lists);
    let stuck: Vec<u32> = (0..tasks.len()).filter_map(|i| u32::try_from(i).ok()).collect();
    knots(&graph, &stuck)
        .iter()
        .take(20)
        .map(|knot| {
            let names: Vec<String> = knot
                .cycle
                .iter()
                .take(50)
                .map(|i| tasks[*i as usize].0.clone())
                .collect();
            crate::engine::tasks::stages::file::sentence(&names, knot.cycle.len())
        })
        .collect()
}
