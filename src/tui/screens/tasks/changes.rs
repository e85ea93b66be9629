//! What is done to plans: edits by hand, taking them back, accepting. Each returns what the journal keeps.

use std::sync::Arc;

use serde_json::{Value, json};

use super::state::{Decision, Tasks};
use crate::engine::tasks::{Decomposition, Rules, edit};

/// Edits that can be taken back.
const UNDOS: usize = 200;

impl Tasks {
    /// Takes an edit of the open plan: shows it and returns what the journal keeps, or remembers why it was refused.
    pub(super) fn edited(&mut self, result: edit::Edited) -> Option<Decision> {
        match result {
            Ok(plan) => {
                let id = plan.id.to_string();
                self.undo.push((id.clone(), self.plans.get(&id).cloned()));
                if self.undo.len() > UNDOS {
                    self.undo.remove(0);
                }
                self.refusal = None;
                Some(self.keep(&id, plan))
            }
            Err(refused) => {
                self.refusal = Some(refused.to_string());
                None
            }
        }
    }

    fn keep(&mut self, id: &str, plan: Decomposition) -> Decision {
        let choice = json!(plan);
        self.plans.insert(id.to_owned(), plan.clone());
        self.show(plan);
        (format!("plan:{id}"), choice)
    }

    /// `u`: takes the last edit back.
    pub fn take_back(&mut self) -> Option<Decision> {
        let (id, before) = self.undo.pop()?;
        self.refusal = None;
        self.go_to(&id);
        if let Some(plan) = before {
            return Some(self.keep(&id, plan));
        }
        self.plans.remove(&id);
        if let Some(plan) = self.plan_here() {
            self.show(plan);
        }
        Some((format!("plan:{id}"), Value::Null))
    }

    /// Whether there is an edit to take back.
    #[must_use]
    pub fn can_take_back(&self) -> bool {
        !self.undo.is_empty()
    }

    /// `D`: drops the subtask under the cursor.
    pub fn drop_part(&mut self) -> Option<Decision> {
        self.change(edit::drop_one)
    }

    /// `J`: joins the marked subtasks.
    pub fn join_parts(&mut self) -> Option<Decision> {
        let parts: Vec<usize> = self.parts.iter().copied().collect();
        let decision = self.change(|plan, _, rules| edit::join(plan, &parts, rules));
        if decision.is_some() {
            self.parts.clear();
        }
        decision
    }

    /// Space while dependencies are changed: the subtask under the cursor is waited for, or no longer.
    pub fn toggle_dependency(&mut self) -> Option<Decision> {
        let part = self.waiting?;
        self.change(|plan, cursor, rules| {
            let mut dependencies = plan
                .subtasks
                .get(part)
                .map_or_else(Vec::new, |part| part.dependencies.clone());
            match dependencies.iter().position(|&dependency| dependency == cursor) {
                Some(at) => {
                    dependencies.remove(at);
                }
                None => dependencies.push(cursor),
            }
            edit::set_dependencies(plan, part, &dependencies, rules)
        })
    }

    fn change(
        &mut self,
        edit: impl FnOnce(&Decomposition, usize, &Rules) -> edit::Edited,
    ) -> Option<Decision> {
        let rules = Arc::clone(&self.reading.as_ref()?.rules);
        let part = self.part()?;
        let result = edit(&self.open.as_ref()?.plan, part, &rules);
        self.edited(result)
    }

    /// Accepts the marked plans, or all when none is marked.
    pub fn accept(&mut self) -> Option<Decision> {
        let reading = self.reading.clone()?;
        if self.marked.is_empty() {
            self.all_accepted = true;
            return Some(("accepted".to_owned(), json!("all")));
        }
        for &place in &self.marked {
            self.accepted.insert(reading.view.rows[place].id.to_string());
        }
        self.marked.clear();
        Some(("accepted".to_owned(), json!(self.accepted)))
    }
}
