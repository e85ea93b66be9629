//! The converted tasks as one graph of parts: who waits for whom, in which stage, under which reference. Pure.

use std::collections::HashMap;

use serde::Deserialize;

use crate::engine::error::{Error, Result};
use crate::engine::ports::maos::Submission;
use crate::engine::tasks::model::TaskId;
use crate::engine::tasks::stages::{Graph, StagePlan};
use crate::engine::text::{inert_short, plural};

/// A converted task, as far as a submission needs it.
#[derive(Debug, Deserialize)]
struct Converted {
    description: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    max_agents: Option<u32>,
    #[serde(default)]
    priority: Option<String>,
    #[serde(default)]
    timeout: Option<u64>,
    #[serde(default)]
    depends_on: Vec<TaskId>,
    metadata: Origin,
}

#[derive(Debug, Deserialize)]
struct Origin {
    legacy_id: TaskId,
    #[serde(default)]
    subtasks: Vec<Part>,
    #[serde(default)]
    legacy_status: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Part {
    id: usize,
    description: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    dependencies: Vec<usize>,
}

/// One thing to be given to MAOS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its key: the legacy id, and `/` with the number of the part where the task has parts.
    pub key: String,
    /// The legacy id.
    pub task: String,
    /// The stage it stands in, from 1.
    pub stage: usize,
    /// The units it waits for.
    pub needs: Vec<u32>,
    /// What MAOS gets, without ids and reference.
    pub submission: Submission,
}

impl Unit {
    /// What a person reads.
    #[must_use]
    pub fn name(&self) -> String {
        inert_short(&self.submission.description, 60)
    }
}

/// A task that is not given to MAOS, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The legacy id.
    pub task: String,
    /// `the legacy system says completed`.
    pub why: String,
    /// Whether what waits for it may go on.
    pub satisfied: bool,
}

/// Everything that is to be given, in one order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Units {
    /// In the order of the file.
    pub list: Vec<Unit>,
    /// How many stages.
    pub stages: usize,
    /// Who waits for a unit.
    pub dependents: Vec<Vec<u32>>,
    /// Tasks that are not given.
    pub left_out: Vec<LeftOut>,
    /// How many legacy tasks are given.
    pub tasks: usize,
    /// Units that wait for a task which was left out unfinished, and its id: they can never run.
    pub barred: Vec<(u32, String)>,
}

/// What becomes of a task by its legacy status: work that has ended is not done again, work under way is not done twice.
fn left_out(status: Option<&str>, claims_running: bool) -> Option<(String, bool)> {
    let word = status?.trim().to_ascii_lowercase();
    match word.as_str() {
        "completed" | "complete" | "done" | "finished" | "success" | "succeeded" => {
            Some((format!("the legacy system says {word}"), true))
        }
        "failed" | "error" | "cancelled" | "canceled" | "archived" | "skipped" => {
            Some((format!("the legacy system says {word}"), false))
        }
        "running" | "in_progress" | "processing" | "active" | "started" if !claims_running => {
            Some((format!("the legacy system is running it ({word})"), false))
        }
        _ => None,
    }
}

impl Units {
    /// Reads the converted file `name`. `claims_running`: what the legacy system runs is taken over.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`]: not a file of converted tasks, an id twice, a dependency on nothing, a circle; the
    /// tasks are named.
    pub fn read(name: &str, bytes: &[u8], claims_running: bool) -> Result<Self> {
        let tasks: Vec<Converted> = serde_json::from_slice(bytes).map_err(|error| {
            Error::input(format!("{name} is not a file of converted tasks: {error}"))
                .hint("maos-migrate tasks convert makes one.")
        })?;
        let mut units = Self::default();
        // First and last units of each task: what it waits for holds its first ones, what waits for it looks at its last ones.
        let mut ends: HashMap<String, (Vec<u32>, Vec<u32>)> = HashMap::new();
        let mut barred_by: HashMap<String, bool> = HashMap::new();
        for task in &tasks {
            let id = task.metadata.legacy_id.to_string();
            if ends.contains_key(&id) || barred_by.contains_key(&id) {
                return Err(Error::input(format!(
                    "{name}: the id {} stands twice",
                    inert_short(&id, 60)
                )));
            }
            if let Some((why, satisfied)) = left_out(task.metadata.legacy_status.as_deref(), claims_running) {
                barred_by.insert(id.clone(), !satisfied);
                units.left_out.push(LeftOut {
                    task: id,
                    why,
                    satisfied,
                });
                continue;
            }
            units.tasks += 1;
            let both = units.take(task, &id)?;
            ends.insert(id, both);
        }
        for task in &tasks {
            let id = task.metadata.legacy_id.to_string();
            let Some((first, _)) = ends.get(&id).cloned() else {
                continue;
            };
            for needed in &task.depends_on {
                let needed = needed.to_string();
                if let Some((_, last)) = ends.get(&needed) {
                    for unit in &first {
                        units.list[*unit as usize].needs.extend(last);
                    }
                } else {
                    match barred_by.get(&needed) {
                        Some(false) => {}
                        Some(true) => units
                            .barred
                            .extend(first.iter().map(|unit| (*unit, needed.clone()))),
                        None => {
                            return Err(Error::input(format!(
                                "{} depends on {}, which is not in {name}",
                                inert_short(&id, 60),
                                inert_short(&needed, 60)
                            ))
                            .hint("MAOS never saw that task. Convert it too, or take the dependency away."));
                        }
                    }
                }
            }
        }
        units.distinct(name)?;
        units.stage()?;
        Ok(units)
    }

    /// A part's key is its identity for ever: a task named like another one's part would share it.
    fn distinct(&self, name: &str) -> Result<()> {
        let mut seen = std::collections::HashSet::new();
        match self.list.iter().find(|unit| !seen.insert(unit.key.as_str())) {
            None => Ok(()),
            Some(unit) => Err(Error::input(format!(
                "{name}: {} is both a task and a part of another",
                inert_short(&unit.key, 60)
            ))
            .hint("Give one of the two tasks another id.")),
        }
    }

    fn take(&mut self, task: &Converted, id: &str) -> Result<(Vec<u32>, Vec<u32>)> {
        let base = index(self.list.len())?;
        let submission = |description: &str, kind: Option<String>| Submission {
            description: description.to_owned(),
            kind,
            priority: task.priority.clone(),
            timeout_s: task.timeout,
            ..Submission::default()
        };
        let parts = &task.metadata.subtasks;
        if parts.len() < 2 {
            self.list.push(Unit {
                key: id.to_owned(),
                task: id.to_owned(),
                stage: 0,
                needs: Vec::new(),
                submission: Submission {
                    max_agents: task.max_agents,
                    ..submission(&task.description, task.kind.clone())
                },
            });
            return Ok((vec![base], vec![base]));
        }
        let place: HashMap<usize, u32> = parts.iter().map(|part| part.id).zip(base..).collect();
        let mut last: Vec<u32> = place.values().copied().collect();
        last.sort_unstable();
        let mut first = Vec::new();
        for part in parts {
            let mut needs = Vec::new();
            for needed in &part.dependencies {
                let at = *place.get(needed).ok_or_else(|| {
                    Error::input(format!(
                        "part {} of {} depends on part {needed}, which it does not have",
                        part.id,
                        inert_short(id, 60)
                    ))
                })?;
                needs.push(at);
                last.retain(|unit| *unit != at);
            }
            if needs.is_empty() {
                first.push(place[&part.id]);
            }
            self.list.push(Unit {
                key: format!("{id}/{}", part.id),
                task: id.to_owned(),
                stage: 0,
                needs,
                // What was added here to gather results is no type that MAOS documents.
                submission: submission(
                    &part.description,
                    Some(part.kind.clone()).filter(|kind| kind != "coordination"),
                ),
            });
        }
        Ok((first, last))
    }

    fn stage(&mut self) -> Result<()> {
        let lists: Vec<Vec<usize>> = self
            .list
            .iter_mut()
            .map(|unit| {
                unit.needs.sort_unstable();
                unit.needs.dedup();
                unit.needs.iter().map(|need| *need as usize).collect()
            })
            .collect();
        let graph = Graph::from_lists(&lists);
        let plan = StagePlan::of(&graph);
        let mut staged = 0;
        for (number, stage) in plan.stages().enumerate() {
            for &at in stage {
                self.list[at as usize].stage = number + 1;
                staged += 1;
            }
            self.stages = number + 1;
        }
        if staged < self.list.len() {
            let circle: Vec<String> = self
                .list
                .iter()
                .filter(|unit| unit.stage == 0)
                .take(6)
                .map(|unit| inert_short(&unit.key, 40))
                .collect();
            return Err(Error::input(format!(
                "{} wait for each other: {}",
                plural((self.list.len() - staged) as u64, "part", "parts"),
                circle.join(", ")
            )));
        }
        self.dependents = vec![Vec::new(); self.list.len()];
        for (at, list) in (0_u32..).zip(&lists) {
            for need in list {
                self.dependents[*need].push(at);
            }
        }
        Ok(())
    }
}

fn index(len: usize) -> Result<u32> {
    u32::try_from(len).map_err(|_| Error::input("more than four thousand million parts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Units> {
        Units::read("tasks.json", text.as_bytes(), false)
    }

    const WHOLE: &str = r#"{"description":"Write it down","metadata":{"legacy_id":"b"},"depends_on":["a"]}"#;
    const PARTS: &str = r#"{"description":"All","type":"general","max_agents":2,"priority":"HIGH","timeout":90,"metadata":{"legacy_id":"a","subtasks":[
        {"id":0,"description":"one","type":"coding","dependencies":[]},{"id":1,"description":"two","type":"testing","dependencies":[]},
        {"id":2,"description":"gather","type":"coordination","dependencies":[0,1]}]}}"#;

    #[test]
    fn defect_12_a_dependency_on_a_legacy_task_becomes_one_on_its_last_parts() {
        let units = read(&format!("[{WHOLE},{PARTS}]")).unwrap();
        let told: Vec<_> = units
            .list
            .iter()
            .map(|unit| (unit.key.as_str(), unit.stage, unit.needs.clone()))
            .collect();
        assert_eq!(
            told,
            [
                ("b", 3, vec![3]),
                ("a/0", 1, vec![]),
                ("a/1", 1, vec![]),
                ("a/2", 2, vec![1, 2])
            ]
        );
        assert_eq!((units.stages, units.tasks), (3, 2));
        let part = &units.list[1].submission;
        assert_eq!(
            (part.kind.as_deref(), part.timeout_s, part.max_agents),
            (Some("coding"), Some(90), None)
        );
        assert_eq!(units.list[3].submission.kind, None);
    }

    #[test]
    fn defect_12_a_dependency_on_nothing_and_a_circle_are_named() {
        let error = read(&format!("[{WHOLE}]")).unwrap_err();
        assert!(
            error
                .message
                .contains("b depends on a, which is not in tasks.json"),
            "{error}"
        );
        let circle = r#"[{"description":"x","metadata":{"legacy_id":1},"depends_on":[2]},{"description":"y","metadata":{"legacy_id":2},"depends_on":[1]}]"#;
        let error = read(circle).unwrap_err();
        assert!(
            error.message.contains("2 parts wait for each other: 1, 2"),
            "{error}"
        );
        let twice = r#"[{"description":"x","metadata":{"legacy_id":1}},{"description":"y","metadata":{"legacy_id":1}}]"#;
        assert!(read(twice).unwrap_err().message.contains("stands twice"));
        let shared = format!(r#"[{PARTS},{{"description":"x","metadata":{{"legacy_id":"a/1"}}}}]"#);
        let error = read(&shared).unwrap_err();
        assert!(
            error.message.contains("a/1 is both a task and a part of another"),
            "{error}"
        );
    }

    #[test]
    fn work_that_ended_is_not_done_again_and_what_needs_the_dead_can_never_run() {
        let of = |status: &str| {
            let first =
                format!(r#"{{"description":"x","metadata":{{"legacy_id":"a","legacy_status":"{status}"}}}}"#);
            read(&format!("[{first},{WHOLE}]")).unwrap()
        };
        let done = of("completed");
        assert_eq!(
            (done.list.len(), done.barred.len(), done.left_out[0].satisfied),
            (1, 0, true)
        );
        for dead in ["cancelled", "failed", "archived", "running"] {
            let units = of(dead);
            assert_eq!(
                (units.list.len(), units.barred.as_slice()),
                (1, [(0, "a".to_owned())].as_slice()),
                "{dead}"
            );
        }
        assert_eq!(of("pending").list.len(), 2);
    }
}
