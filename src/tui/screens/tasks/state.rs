//! The tasks, the list and the open plan: pure state, without a terminal, an engine or a clock of its own. What is done to
//! plans is in `changes`, what is written in `writing`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::plan::Open;
use super::reading::{Reading, with_plan};
use super::submitting::Submitted;
use super::writing::Input;
use crate::engine::tasks::view::Row;
use crate::engine::tasks::{Decomposition, decompose};
use crate::engine::text::plural;
use crate::tui::widgets::list::List;
use crate::tui::widgets::stage_view::{NodeIx, StageViewState};

/// What the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Region {
    /// The list of tasks.
    #[default]
    List,
    /// The stages of the task under the cursor.
    Stages,
}

/// How the list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The best to run side by side first.
    #[default]
    ScoreDown,
    /// The worst first.
    ScoreUp,
    /// As in the file.
    File,
    /// The most parts first.
    Parts,
    /// The most stages first.
    Stages,
}

impl Sort {
    /// What the header says.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ScoreDown => "sort score ↓",
            Self::ScoreUp => "sort score ↑",
            Self::File => "sort file",
            Self::Parts => "sort parts ↓",
            Self::Stages => "sort stages ↓",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::ScoreDown => Self::ScoreUp,
            Self::ScoreUp => Self::File,
            Self::File => Self::Parts,
            Self::Parts => Self::Stages,
            Self::Stages => Self::ScoreDown,
        }
    }
}

/// A decision for the journal: subject and choice, see [`Tasks::restore`].
pub type Decision = (String, Value);

/// Everything on the screen that is not drawn from elsewhere.
#[derive(Debug, Default)]
pub struct Tasks {
    /// The tasks, when they were read.
    pub reading: Option<Arc<Reading>>,
    /// The list's cursor.
    pub list: List,
    /// The tasks listed, by their place in the reading.
    pub listed: Vec<usize>,
    /// How they are sorted.
    pub sort: Sort,
    /// The words they contain.
    pub filter: String,
    /// Tasks marked with Space, by their place in the reading.
    pub marked: BTreeSet<usize>,
    /// Where the keys go.
    pub region: Region,
    /// The stages fill the pane.
    pub zoomed: bool,
    /// The plan of the task under the cursor.
    pub open: Option<Open>,
    /// The stage view's own state.
    pub stages: StageViewState,
    /// Subtasks marked with Space.
    pub parts: BTreeSet<usize>,
    /// The subtask whose dependencies are being changed.
    pub waiting: Option<usize>,
    /// Agents asked about; 0 means the fewest for the shortest makespan.
    pub agents: usize,
    /// The text being written.
    pub input: Option<Input>,
    /// Why the last edit was refused.
    pub refusal: Option<String>,
    /// Plans that differ from what the rules make of the file, by task id.
    pub(super) plans: BTreeMap<String, Decomposition>,
    /// Descriptions changed by hand, by task id.
    pub(super) texts: BTreeMap<String, String>,
    pub(super) drafts: BTreeMap<String, String>,
    pub(super) accepted: BTreeSet<String>,
    pub(super) all_accepted: bool,
    pub(super) undo: Vec<(String, Option<Decomposition>)>,
    pub(super) opened: Option<usize>,
    /// The parts in MAOS's hands.
    pub submitted: Submitted,
}

impl Tasks {
    /// Takes a reading, and keeps the cursor on its task.
    pub fn take(&mut self, reading: Arc<Reading>) {
        if self
            .reading
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, &reading))
        {
            return;
        }
        let before = self.line().map(|line| line.id.clone());
        self.marked.clear();
        self.opened = None;
        self.reading = Some(reading);
        self.arrange();
        if let Some(id) = before {
            self.go_to(&id.to_string());
        }
        self.open_cursor();
    }

    /// Takes what the journal kept: `plan:ID` is a changed plan, `text:ID` the description it was made from where that was
    /// changed, `draft:ID` a description being written; `accepted` is `all`, or the ids whose plans are accepted. A plan
    /// belongs to the description in the file: when that changes, the plan is as if it had never been.
    pub fn restore(&mut self, decisions: &BTreeMap<String, Value>) {
        for (subject, choice) in decisions {
            if let Some(id) = subject.strip_prefix("plan:") {
                let plan = serde_json::from_value::<Decomposition>(choice.clone()).ok();
                let fits = |plan: &Decomposition| {
                    self.line_of(id)
                        .is_some_and(|line| line.description == plan.original)
                };
                if let Some(plan) = plan.filter(fits) {
                    self.plans.insert(id.to_owned(), plan);
                }
            } else if let (Some(id), Some(text)) = (subject.strip_prefix("text:"), choice.as_str()) {
                self.texts.insert(id.to_owned(), text.to_owned());
            } else if let (Some(id), Some(text)) = (subject.strip_prefix("draft:"), choice.as_str()) {
                self.drafts.insert(id.to_owned(), text.to_owned());
            } else if subject == "accepted" {
                self.all_accepted = choice == "all";
                let ids = choice.as_array().into_iter().flatten();
                self.accepted = ids.filter_map(|id| id.as_str().map(str::to_owned)).collect();
            }
        }
        self.opened = None;
        self.open_cursor();
    }

    fn line_of(&self, id: &str) -> Option<&Row> {
        self.reading
            .as_ref()?
            .view
            .rows
            .iter()
            .find(|line| line.id.to_string() == id)
    }

    /// The place of the task under the cursor.
    #[must_use]
    pub fn here(&self) -> Option<usize> {
        self.listed.get(self.list.cursor).copied()
    }

    /// The task under the cursor, as it was read.
    #[must_use]
    pub fn line(&self) -> Option<&Row> {
        self.reading.as_ref()?.view.rows.get(self.here()?)
    }

    /// A task as it stands now, by its place in the reading.
    #[must_use]
    pub fn shown(&self, place: usize) -> Option<Row> {
        let line = self.reading.as_ref()?.view.rows.get(place)?;
        let changed = self.plans.get(&line.id.to_string());
        Some(changed.map_or_else(|| line.clone(), |plan| with_plan(line, plan)))
    }

    /// Whether a task's plan is accepted.
    #[must_use]
    pub fn is_accepted(&self, line: &Row) -> bool {
        self.all_accepted || self.accepted.contains(&line.id.to_string())
    }

    /// How many plans there are, and how many are accepted.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let Some(reading) = &self.reading else {
            return (0, 0);
        };
        let accepted = reading
            .view
            .rows
            .iter()
            .filter(|line| self.is_accepted(line))
            .count();
        (reading.view.rows.len() as u64, accepted as u64)
    }

    /// Sorts and filters the list anew; the cursor stays at its row.
    pub(super) fn arrange(&mut self) {
        let Some(reading) = self.reading.clone() else {
            self.listed.clear();
            return;
        };
        let wanted = self.filter.to_lowercase();
        let mut listed: Vec<usize> = (0..reading.view.rows.len())
            .filter(|&at| {
                let line = &reading.view.rows[at];
                wanted.is_empty()
                    || line.description.to_lowercase().contains(&wanted)
                    || line.id.to_string().to_lowercase().contains(&wanted)
                    || line.band.name() == wanted
            })
            .collect();
        let key = |at: usize| {
            let line = &reading.view.rows[at];
            let line = self
                .plans
                .get(&line.id.to_string())
                .map_or((line.score, line.parts, line.stages), |plan| {
                    (plan.parallelism.score, plan.subtasks.len(), plan.stages.len())
                });
            match self.sort {
                Sort::ScoreDown => usize::MAX - usize::from(line.0),
                Sort::ScoreUp => usize::from(line.0),
                Sort::File => 0,
                Sort::Parts => usize::MAX - line.1,
                Sort::Stages => usize::MAX - line.2,
            }
        };
        // Stable, so equals stay in the order of the file.
        listed.sort_by_cached_key(|&at| key(at));
        self.listed = listed;
        self.list.cursor = self.list.cursor.min(self.listed.len().saturating_sub(1));
    }

    pub(super) fn go_to(&mut self, id: &str) {
        let Some(reading) = self.reading.clone() else {
            return;
        };
        let at = self
            .listed
            .iter()
            .position(|&at| reading.view.rows[at].id.to_string() == id);
        self.list.cursor = at.unwrap_or(self.list.cursor);
    }

    /// Another order; the cursor stays on its task.
    pub fn sort_on(&mut self) {
        let here = self.line().map(|line| line.id.to_string());
        self.sort = self.sort.next();
        self.arrange();
        if let Some(id) = here {
            self.go_to(&id);
        }
    }

    /// Marks the task (in the list) or the subtask (in the stages), or takes the mark off.
    pub fn mark(&mut self) {
        match self.region {
            Region::List => {
                if let Some(place) = self.here()
                    && !self.marked.remove(&place)
                {
                    self.marked.insert(place);
                }
            }
            Region::Stages => {
                if let Some(part) = self.part()
                    && !self.parts.remove(&part)
                {
                    self.parts.insert(part);
                }
            }
        }
    }

    /// The subtask under the cursor.
    #[must_use]
    pub fn part(&self) -> Option<usize> {
        let open = self.open.as_ref()?;
        let cursor = self.stages.cursor.map_or(0, |cursor| cursor as usize);
        (cursor < open.plan.subtasks.len()).then_some(cursor)
    }

    /// Opens the plan of the task under the cursor, unless it is open.
    pub fn open_cursor(&mut self) {
        let here = self.here();
        if self.opened == here && self.open.is_some() == here.is_some() {
            return;
        }
        self.opened = here;
        self.stages = StageViewState::default();
        self.parts.clear();
        self.waiting = None;
        self.open = self.plan_here().and_then(Open::new);
    }

    /// The plan of the task under the cursor: as changed, else as the rules make it.
    pub(super) fn plan_here(&self) -> Option<Decomposition> {
        let reading = self.reading.as_ref()?;
        let line = self.line()?;
        let changed = self.plans.get(&line.id.to_string()).cloned();
        Some(changed.unwrap_or_else(|| decompose(line.id.clone(), &line.description, &reading.rules)))
    }

    /// Shows a plan in place of the open one, the cursor on the same subtask where it still is.
    pub(super) fn show(&mut self, plan: Decomposition) {
        if let Some(new) = Open::new(plan) {
            if let Some(old) = &self.open {
                self.stages.carry_over(&old.graph, &new.graph);
            }
            self.parts.retain(|&part| part < new.plan.subtasks.len());
            self.open = Some(new);
        }
    }

    /// What Enter and `n` accept now, in words.
    #[must_use]
    pub fn acceptable(&self) -> String {
        let (plans, accepted) = self.counts();
        if self.marked.is_empty() {
            plural(plans - accepted, "plan", "plans")
        } else {
            plural(self.marked.len() as u64, "marked plan", "marked plans")
        }
    }

    /// Sets the number of agents by steps.
    pub fn agents_by(&mut self, more: bool) {
        let now = self.agents_now();
        self.agents = if more {
            now + 1
        } else {
            now.saturating_sub(1).max(1)
        };
    }

    /// The number of agents asked about.
    #[must_use]
    pub fn agents_now(&self) -> usize {
        match self.agents {
            0 => self.open.as_ref().map_or(1, |open| open.fewest.agents),
            agents => agents,
        }
    }

    /// The subtasks that one waits for, or feeds, by name.
    #[must_use]
    pub fn names(&self, parts: &[NodeIx]) -> Vec<String> {
        let graph = self.open.as_ref().map(|open| &open.graph);
        parts
            .iter()
            .filter_map(|&part| Some(graph?.node(part).name.clone()))
            .collect()
    }
}
