//! What is written: a filter, a description, parts, a number of agents. A description's stages follow a pause after the
//! last key; moments come in as the wizard's monotonic time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::state::{Decision, Tasks};
use crate::engine::tasks::{Decomposition, decompose, edit};
use crate::tui::widgets::field::Field;

/// A description is decomposed again this long after the last key.
pub const PAUSE: Duration = Duration::from_millis(150);
/// A draft is kept in the journal at most this often.
const KEPT_EVERY: Duration = Duration::from_secs(1);

/// A text being written.
#[derive(Debug)]
pub struct Input {
    /// What it is for.
    pub what: Writing,
    /// The text.
    pub field: Field,
    /// When the decomposition follows, while a description is written.
    pub(super) due: Option<Duration>,
    pub(super) kept: Option<Duration>,
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Words that the listed tasks contain.
    Filter,
    /// Words of the subtask looked for.
    Find,
    /// The description of the task.
    Description,
    /// A new subtask.
    Part,
    /// The parts of a subtask, a line each.
    Split(usize),
    /// How many agents.
    Agents,
}

impl Tasks {
    /// Begins to write.
    pub fn write(&mut self, what: Writing) {
        let rules = self.reading.as_ref().map(|reading| Arc::clone(&reading.rules));
        let field = match what {
            Writing::Filter => Field::line(&self.filter),
            Writing::Description => {
                let id = self.line().map(|line| line.id.to_string()).unwrap_or_default();
                let text = self.drafts.get(&id).or_else(|| self.texts.get(&id)).cloned();
                let text = text.or_else(|| self.line().map(|line| line.description.clone()));
                Field::prose(&text.unwrap_or_default())
            }
            Writing::Split(part) => {
                let text = self
                    .open
                    .as_ref()
                    .and_then(|open| open.plan.subtasks.get(part))
                    .map(|part| part.description.clone())
                    .unwrap_or_default();
                let proposal = rules.map_or_else(Vec::new, |rules| edit::proposal(&text, &rules));
                Field::prose(&if proposal.len() > 1 {
                    proposal.join("\n")
                } else {
                    text
                })
            }
            Writing::Find | Writing::Part | Writing::Agents => Field::line(""),
        };
        self.refusal = None;
        self.input = Some(Input {
            what,
            field,
            due: None,
            kept: None,
        });
    }

    /// After a key went into the text: when to look again, and a draft to keep now and then.
    pub fn written(&mut self, now: Duration) -> Option<Decision> {
        let (what, text) = self
            .input
            .as_ref()
            .map(|input| (input.what, input.field.text()))?;
        match what {
            Writing::Filter => {
                let here = self.line().map(|line| line.id.to_string());
                self.filter = text;
                self.arrange();
                if let Some(id) = here {
                    self.go_to(&id);
                }
                self.open_cursor();
                None
            }
            Writing::Description => {
                let id = self.line()?.id.to_string();
                self.drafts.insert(id.clone(), text.clone());
                let input = self.input.as_mut()?;
                input.due = Some(now + PAUSE);
                if input.kept.is_some_and(|kept| now < kept + KEPT_EVERY) {
                    return None;
                }
                input.kept = Some(now);
                Some((format!("draft:{id}"), Value::String(text)))
            }
            Writing::Find | Writing::Part | Writing::Split(_) | Writing::Agents => None,
        }
    }

    /// Shows what has become of the description when its pause is over; returns how long it still lasts.
    pub fn follow_text(&mut self, now: Duration) -> Option<Duration> {
        let due = self.input.as_ref()?.due?;
        if now < due {
            return Some(due.saturating_sub(now));
        }
        let input = self.input.as_mut()?;
        input.due = None;
        let text = input.field.text();
        let reading = self.reading.clone()?;
        let id = self.line()?.id.clone();
        self.show(decompose(id, &text, &reading.rules));
        None
    }

    /// Tab, or Enter in one line: the text is taken.
    pub fn keep_text(&mut self) -> Vec<Decision> {
        let Some(input) = self.input.take() else {
            return Vec::new();
        };
        let text = input.field.text();
        let rules = self.reading.as_ref().map(|reading| Arc::clone(&reading.rules));
        match (input.what, rules) {
            (Writing::Description, Some(rules)) => {
                let Some(line) = self.line().cloned() else {
                    return Vec::new();
                };
                let id = line.id.to_string();
                self.drafts.remove(&id);
                let mut decisions = vec![(format!("draft:{id}"), Value::Null)];
                if text.trim().is_empty() {
                    self.refusal = Some("A task needs a description.".to_owned());
                    if let Some(plan) = self.plan_here() {
                        self.show(plan);
                    }
                } else {
                    let plan = Decomposition {
                        original: line.description,
                        ..decompose(line.id, &text, &rules)
                    };
                    decisions.push((format!("text:{id}"), Value::String(text.clone())));
                    self.texts.insert(id, text);
                    decisions.extend(self.edited(Ok(plan)));
                }
                decisions
            }
            (Writing::Part, Some(rules)) => {
                let result = self
                    .open
                    .as_ref()
                    .map(|open| edit::add(&open.plan, &text, &[], &rules));
                result
                    .and_then(|result| self.edited(result))
                    .into_iter()
                    .collect()
            }
            (Writing::Split(part), Some(rules)) => {
                let parts: Vec<String> = text
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned)
                    .collect();
                let result = self
                    .open
                    .as_ref()
                    .map(|open| edit::split(&open.plan, part, &parts, &rules));
                result
                    .and_then(|result| self.edited(result))
                    .into_iter()
                    .collect()
            }
            (Writing::Agents, _) => {
                match text.trim().parse::<usize>() {
                    Ok(agents) if (1..=10_000).contains(&agents) => self.agents = agents,
                    _ => self.refusal = Some(format!("{text} is not a number of agents from 1 to 10,000.")),
                }
                Vec::new()
            }
            (Writing::Find, _) => {
                if let Some(open) = &self.open
                    && !self.stages.find(&open.graph, &open.order, &text)
                {
                    self.refusal = Some(format!("No subtask contains {text}."));
                }
                Vec::new()
            }
            (Writing::Filter | Writing::Description | Writing::Part | Writing::Split(_), _) => Vec::new(),
        }
    }

    /// Ctrl-C or Esc: what was there before comes back.
    pub fn leave_text(&mut self) -> Option<Decision> {
        let input = self.input.take()?;
        match input.what {
            Writing::Filter => {
                self.filter.clear();
                self.arrange();
                self.open_cursor();
                None
            }
            Writing::Description => {
                let id = self.line()?.id.to_string();
                self.drafts.remove(&id);
                if let Some(plan) = self.plan_here() {
                    self.show(plan);
                }
                Some((format!("draft:{id}"), Value::Null))
            }
            Writing::Find | Writing::Part | Writing::Split(_) | Writing::Agents => None,
        }
    }
}
