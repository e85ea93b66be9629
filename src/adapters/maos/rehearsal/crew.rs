//! The open tasks of the executor and who may work on what next. Pure: no clock, no database.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::state::TaskRow;

/// A part of an open task.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) description: String,
    pub(super) kind: String,
    /// Parts it waits for.
    pub(super) after: Vec<usize>,
    /// Parts it still waits for.
    pub(super) waits: usize,
    pub(super) state: PartState,
}

/// How a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartState {
    Waiting,
    Running(usize),
    Done,
    Failed,
}

/// An open task.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) row: TaskRow,
    pub(super) parts: Vec<Part>,
    pub(super) max_agents: usize,
    /// Tasks it still waits for.
    waits: usize,
    ready: BTreeSet<usize>,
    running: usize,
    agents: HashSet<usize>,
    busy: Duration,
    /// The part that is to fail on purpose.
    pub(super) fails: Option<usize>,
    results: Vec<Value>,
    left: usize,
    /// When work began, on the executor's own clock.
    pub(super) begun: Option<Duration>,
}

/// How a task ended.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) seq: i64,
    pub(super) status: &'static str,
    pub(super) elapsed: Option<Duration>,
    pub(super) agents: usize,
    pub(super) efficiency: Option<f64>,
    pub(super) result: Option<Value>,
    pub(super) error: Option<String>,
}

/// Urgent first, then in the order of submission.
type Rank = (u8, i64);

fn rank(row: &TaskRow) -> Rank {
    let urgency = match row.priority.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("CRITICAL") => 0,
        Some("HIGH") => 1,
        Some("LOW") => 3,
        _ => 2,
    };
    (urgency, row.seq)
}

/// Everything open.
#[derive(Debug, Default)]
pub(super) struct Crew {
    jobs: HashMap<i64, Job>,
    by_id: HashMap<String, i64>,
    /// Jobs that could use an agent now.
    able: BTreeSet<Rank>,
    /// Who waits for a task.
    waiting: HashMap<String, Vec<i64>>,
    free: BTreeSet<usize>,
    agents: usize,
}

impl Crew {
    /// Sets how many agents there are; those at work finish what they do.
    pub(super) fn set_agents(&mut self, agents: usize) {
        self.free.extend(self.agents..agents);
        self.free.retain(|agent| *agent < agents);
        self.agents = agents;
    }

    /// How many tasks are open.
    pub(super) fn open(&self) -> usize {
        self.jobs.len()
    }

    /// Whether nobody works.
    pub(super) fn idle(&self) -> bool {
        self.jobs.values().all(|job| job.running == 0)
    }

    /// The open task with this number.
    pub(super) fn job(&self, seq: i64) -> Option<&Job> {
        self.jobs.get(&seq)
    }

    /// Whether a task with this id is open.
    pub(super) fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Takes a task in. `needs`: those of its dependencies that are still open.
    pub(super) fn take(&mut self, row: TaskRow, parts: Vec<Part>, needs: &[String]) {
        let seq = row.seq;
        let ready: BTreeSet<usize> = parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.waits == 0)
            .map(|(n, _)| n)
            .collect();
        for id in needs {
            self.waiting.entry(id.clone()).or_default().push(seq);
        }
        self.by_id.insert(row.id.clone(), seq);
        let job = Job {
            max_agents: usize::try_from(row.max_agents.unwrap_or(i64::MAX))
                .unwrap_or(1)
                .max(1),
            waits: needs.len(),
            left: parts.len(),
            ready,
            parts,
            running: 0,
            agents: HashSet::new(),
            busy: Duration::ZERO,
            fails: None,
            results: Vec::new(),
            begun: None,
            row,
        };
        self.jobs.insert(seq, job);
        self.judge(seq);
    }

    /// Puts a job where it belongs.
    fn judge(&mut self, seq: i64) {
        let Some(job) = self.jobs.get(&seq) else { return };
        let able = job.waits == 0 && !job.ready.is_empty() && job.running < job.max_agents;
        if able {
            self.able.insert(rank(&job.row));
        } else {
            self.able.remove(&rank(&job.row));
        }
    }

    /// The next part to be worked on, and by whom; `None` when nobody is free or nothing is ready.
    pub(super) fn next(
        &mut self,
        now: Duration,
        fails: impl FnOnce(&TaskRow) -> bool,
    ) -> Option<(i64, usize, usize)> {
        let &(_, seq) = self.able.first()?;
        let agent = self.free.pop_first()?;
        let job = self.jobs.get_mut(&seq)?;
        let part = job.ready.pop_first()?;
        job.parts[part].state = PartState::Running(agent);
        job.running += 1;
        job.agents.insert(agent);
        if job.begun.is_none() {
            job.begun = Some(now);
            if fails(&job.row) {
                job.fails = Some(job.parts.len() - 1);
            }
        }
        self.judge(seq);
        Some((seq, part, agent))
    }

    /// An agent is free again.
    fn release(&mut self, agent: usize) {
        if agent < self.agents {
            self.free.insert(agent);
        }
    }

    /// A part ended; gives how its task ended, when it did, and those that fell with it.
    pub(super) fn ended(
        &mut self,
        seq: i64,
        n: usize,
        agent: usize,
        took: Duration,
        result: Result<Value, String>,
        now: Duration,
    ) -> Vec<Ending> {
        // The agent of a task that is closed already was freed with it, and may be at something else by now.
        let known = |job: &&mut Job| {
            job.parts
                .get(n)
                .is_some_and(|part| part.state == PartState::Running(agent))
        };
        if self.jobs.get_mut(&seq).as_ref().is_none_or(|job| !known(job)) {
            return Vec::new();
        }
        self.release(agent);
        let Some(job) = self.jobs.get_mut(&seq) else {
            return Vec::new();
        };
        job.running -= 1;
        job.busy += took;
        match result {
            Ok(value) => {
                job.parts[n].state = PartState::Done;
                job.left -= 1;
                let description = job.parts[n].description.clone();
                job.results
                    .push(json!({"part": n, "description": description, "result": value}));
                for other in 0..job.parts.len() {
                    if job.parts[other].after.contains(&n) {
                        job.parts[other].waits -= 1;
                        if job.parts[other].waits == 0 {
                            job.ready.insert(other);
                        }
                    }
                }
                if job.left == 0 {
                    return self.close(seq, "COMPLETED", None, now);
                }
                self.judge(seq);
                Vec::new()
            }
            Err(why) => {
                job.parts[n].state = PartState::Failed;
                self.close(seq, "FAILED", Some(why), now)
            }
        }
    }

    /// Ends a task; gives its ending, and those of the tasks that can now never run.
    pub(super) fn close(
        &mut self,
        seq: i64,
        status: &'static str,
        error: Option<String>,
        now: Duration,
    ) -> Vec<Ending> {
        let Some(job) = self.jobs.remove(&seq) else {
            return Vec::new();
        };
        self.by_id.remove(&job.row.id);
        self.able.remove(&rank(&job.row));
        for part in &job.parts {
            if let PartState::Running(agent) = part.state {
                self.release(agent);
            }
        }
        let elapsed = job.begun.map(|begun| now.saturating_sub(begun));
        let agents = job.agents.len();
        let mut endings = vec![Ending {
            seq,
            status,
            elapsed,
            agents,
            efficiency: efficiency(job.busy, elapsed, agents),
            result: (status == "COMPLETED").then(|| Value::from(job.results)),
            error,
        }];
        let id = job.row.id;
        for waiting in self.waiting.remove(&id).unwrap_or_default() {
            if status == "COMPLETED" {
                if let Some(job) = self.jobs.get_mut(&waiting) {
                    job.waits -= 1;
                }
                self.judge(waiting);
            } else {
                let why = format!("it depends on {id}, which ended {status}");
                endings.extend(self.close(waiting, "CANCELLED", Some(why), now));
            }
        }
        endings
    }

    /// Tasks whose time is up.
    pub(super) fn late(&self, now: Duration) -> Vec<(i64, i64)> {
        self.jobs
            .iter()
            .filter_map(|(seq, job)| {
                let limit = job.row.timeout_ms?;
                let passed = now.saturating_sub(job.begun?).as_millis();
                (passed > u128::try_from(limit).ok()?).then_some((*seq, limit))
            })
            .collect()
    }
}

/// Time at work ÷ time that the agents were there for it: 1.0 when none ever waited.
fn efficiency(busy: Duration, elapsed: Option<Duration>, agents: usize) -> Option<f64> {
    let there = elapsed?.as_secs_f64() * f64::from(u32::try_from(agents).ok()?);
    (there > 0.0).then(|| ((busy.as_secs_f64() / there).min(1.0) * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: i64, priority: &str, max_agents: Option<i64>) -> TaskRow {
        TaskRow {
            seq,
            id: format!("m-{seq}"),
            description: "work".to_owned(),
            kind: None,
            priority: Some(priority.to_owned()),
            max_agents,
            timeout_ms: None,
            reference: String::new(),
            depends: Vec::new(),
            status: "QUEUED".to_owned(),
            submitted_ms: 0,
            started_ms: None,
            ended_ms: None,
            elapsed_s: None,
            agents_used: None,
            efficiency: None,
            result: None,
            error: None,
        }
    }

    fn parts(after: &[&[usize]]) -> Vec<Part> {
        after
            .iter()
            .map(|after| Part {
                description: "part".to_owned(),
                kind: "general".to_owned(),
                after: after.to_vec(),
                waits: after.len(),
                state: PartState::Waiting,
            })
            .collect()
    }

    fn given(crew: &mut Crew) -> Vec<(i64, usize)> {
        std::iter::from_fn(|| crew.next(Duration::ZERO, |_| false))
            .map(|(seq, part, _)| (seq, part))
            .collect()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn max_agents_bounds_one_task_and_the_rest_serve_the_next() {
        let mut crew = Crew::default();
        crew.set_agents(4);
        crew.take(
            row(1, "NORMAL", Some(2)),
            parts(&[&[], &[], &[], &[0, 1, 2]]),
            &[],
        );
        crew.take(row(2, "NORMAL", None), parts(&[&[]]), &[]);
        assert_eq!(given(&mut crew), [(1, 0), (1, 1), (2, 0)]);
        assert!(crew.ended(1, 0, 0, SECOND, Ok(Value::Null), SECOND).is_empty());
        assert_eq!(given(&mut crew), [(1, 2)]);
    }

    #[test]
    fn the_urgent_come_first_and_the_dependent_after() {
        let mut crew = Crew::default();
        crew.set_agents(1);
        crew.take(row(1, "LOW", None), parts(&[&[]]), &[]);
        crew.take(row(2, "CRITICAL", None), parts(&[&[]]), &["m-1".to_owned()]);
        crew.take(row(3, "HIGH", None), parts(&[&[]]), &[]);
        assert_eq!(given(&mut crew), [(3, 0)]);
        crew.ended(3, 0, 0, SECOND, Ok(Value::Null), SECOND);
        assert_eq!(given(&mut crew), [(1, 0)]);
        let ended = crew.ended(1, 0, 0, SECOND, Ok(Value::Null), SECOND);
        assert_eq!((ended.len(), ended[0].status), (1, "COMPLETED"));
        assert_eq!(given(&mut crew), [(2, 0)]);
    }

    #[test]
    fn what_waits_for_a_failed_task_never_runs_and_says_whom_it_needed() {
        let mut crew = Crew::default();
        crew.set_agents(2);
        crew.take(row(1, "NORMAL", None), parts(&[&[]]), &[]);
        crew.take(row(2, "NORMAL", None), parts(&[&[]]), &["m-1".to_owned()]);
        crew.take(row(3, "NORMAL", None), parts(&[&[]]), &["m-2".to_owned()]);
        given(&mut crew);
        let ended = crew.ended(1, 0, 0, SECOND, Err("exit 1".to_owned()), SECOND);
        let told: Vec<_> = ended
            .iter()
            .map(|e| (e.seq, e.status, e.error.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "FAILED", "exit 1"),
                (2, "CANCELLED", "it depends on m-1, which ended FAILED"),
                (3, "CANCELLED", "it depends on m-2, which ended CANCELLED"),
            ]
        );
        assert_eq!((crew.open(), given(&mut crew).len()), (0, 0));
    }
}
