//! The executor: the one task that gives work to the agents and writes what came of it. It runs in the process that started
//! MAOS, or in a process of its own, and sees what other processes wrote by SQLite's data version.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::pool::PoolConnection;
use sqlx::{Row as _, Sqlite, SqliteConnection};
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use super::crew::{Crew, Ending, Part, PartState};
use super::knobs::Knobs;
use super::lease::Lease;
use super::state::{Held, State, TASK, TaskRow, fail, now_ms};
use super::work::{Done, Order, perform};
use crate::engine::ports::maos::Submission;
use crate::engine::tasks::decompose::decompose;
use crate::engine::tasks::rules::Rules;

/// How often the database is looked at: at first, and at most when nothing happens.
const LOOK: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(20));
/// A unit of work without a limit of its own ends after this long.
const LIMIT: Duration = Duration::from_hours(1);
/// Tasks taken in at one look.
const TAKEN: i64 = 2_000;

/// The words by which a description is taken apart.
fn rules() -> Option<&'static Rules> {
    static RULES: OnceLock<Option<Rules>> = OnceLock::new();
    RULES.get_or_init(|| Rules::default_with(None).ok()).as_ref()
}

/// A change to be written.
enum Write {
    Begun {
        seq: i64,
        parts: Vec<Part>,
    },
    PartBegun {
        seq: i64,
        n: usize,
        agent: usize,
    },
    PartEnded {
        done: (i64, usize),
        took: Duration,
        result: Result<Value, String>,
    },
    Ended(Ending),
    Told(i64),
}

/// How the executor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Stopped,
    Crashed,
    /// The folder of its state was removed: nobody can reach it any more.
    Gone,
}

struct Executor {
    state: Arc<State>,
    connection: PoolConnection<Sqlite>,
    crew: Crew,
    knobs: Knobs,
    began: Instant,
    seen: i64,
    version: i64,
    epoch: String,
    phase: String,
    work: HashMap<(i64, usize), AbortHandle>,
    done_in: mpsc::UnboundedSender<Done>,
    done: mpsc::UnboundedReceiver<Done>,
    writes: Vec<Write>,
    /// How many tasks began, and how many of them were to fail, since the failure rate was turned.
    failing: (f64, u64),
    traffic: (Instant, f64, u64),
}

impl Drop for Executor {
    fn drop(&mut self) {
        for work in self.work.values() {
            work.abort();
        }
    }
}

/// Executes until MAOS is stopped, or falls over. The lease ends with it.
pub(super) async fn run(state: Arc<State>, lease: Lease) -> Held<()> {
    let mut executor = Executor::new(Arc::clone(&state)).await?;
    let end = executor.run(&lease.wake).await;
    drop(executor);
    let phase = match &end {
        Ok(End::Gone) => return Ok(()),
        Ok(End::Stopped) => "stopped",
        Ok(End::Crashed) | Err(_) => "crashed",
    };
    let closed = async {
        let mut transaction = state.begin().await?;
        sqlx::query("UPDATE meta SET value = $1 WHERE key = 'phase'")
            .bind(phase)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("DELETE FROM meta WHERE key = 'executor'")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("UPDATE knob SET live = NULL WHERE name = 'crash'")
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)
    }
    .await;
    drop(lease);
    end.map(|_| ()).and(closed)
}

impl Executor {
    async fn new(state: Arc<State>) -> Held<Self> {
        let connection = state.pool.acquire().await.map_err(fail)?;
        let (done_in, done) = mpsc::unbounded_channel();
        let knobs = state.knobs().await?;
        let mut executor = Self {
            state,
            connection,
            crew: Crew::default(),
            knobs,
            began: Instant::now(),
            seen: 0,
            version: -1,
            epoch: String::new(),
            phase: "running".to_owned(),
            work: HashMap::new(),
            done_in,
            done,
            writes: Vec::new(),
            failing: (0.0, 0),
            traffic: (Instant::now(), 0.0, 0),
        };
        executor.recover().await?;
        Ok(executor)
    }

    /// What ran when its executor went away is waiting again.
    async fn recover(&mut self) -> Held<()> {
        for statement in [
            "DELETE FROM part WHERE task IN (SELECT seq FROM task WHERE status = 'RUNNING')",
            "UPDATE task SET status = 'QUEUED', started_ms = NULL WHERE status = 'RUNNING'",
            "UPDATE task SET cancelled = 0 WHERE cancelled = 1",
        ] {
            sqlx::query(statement)
                .execute(&mut *self.connection)
                .await
                .map_err(fail)?;
        }
        Ok(())
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    async fn run(&mut self, wake: &Notify) -> Held<End> {
        let mut pause = LOOK.0;
        loop {
            if !self.state.folder.is_dir() {
                return Ok(End::Gone);
            }
            // What ended is in the database before new tasks are read, which may depend on it.
            let ended = !self.writes.is_empty();
            self.write().await?;
            let changed = self.look().await?;
            if self.knobs.crash {
                return Ok(End::Crashed);
            }
            if self.phase != "running" && (self.phase != "stopping" || self.crew.idle()) {
                self.write().await?;
                return Ok(End::Stopped);
            }
            self.late();
            let given = self.give();
            let busy = changed || ended || given || !self.writes.is_empty();
            self.write().await?;
            pause = if busy { LOOK.0 } else { (pause * 2).min(LOOK.1) };
            // With work under way there is something to look for; an idle executor looks seldom.
            let wait = if self.crew.open() > 0 {
                pause.min(Duration::from_millis(10))
            } else {
                pause
            };
            tokio::select! {
                done = self.done.recv() => if let Some(done) = done {
                    self.take_done(done);
                    while let Ok(more) = self.done.try_recv() {
                        self.take_done(more);
                    }
                },
                () = wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Reads what changed outside; gives whether anything did.
    async fn look(&mut self) -> Held<bool> {
        self.add_traffic().await?;
        let version: i64 = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut *self.connection)
            .await
            .map_err(fail)?;
        if version == self.version {
            return Ok(false);
        }
        self.version = version;
        let knobs = self.state.knobs().await?;
        if (knobs.failure_rate - self.knobs.failure_rate).abs() > f64::EPSILON {
            self.failing = (0.0, 0);
        }
        self.knobs = knobs;
        self.crew.set_agents(self.knobs.agents);
        self.phase = self.state.meta("phase").await?.unwrap_or_default();
        let epoch = self.state.meta("epoch").await?.unwrap_or_default();
        if epoch != self.epoch {
            // The past was restored: what is under way belongs to no task any more.
            for (_, work) in self.work.drain() {
                work.abort();
            }
            let (done_in, done) = mpsc::unbounded_channel();
            (self.done_in, self.done) = (done_in, done);
            self.crew = Crew::default();
            self.crew.set_agents(self.knobs.agents);
            self.writes.clear();
            self.seen = 0;
            if !self.epoch.is_empty() {
                self.recover().await?;
            }
            self.epoch = epoch;
        }
        let cancelled: Vec<i64> = sqlx::query_scalar("SELECT seq FROM task WHERE cancelled = 1")
            .fetch_all(&mut *self.connection)
            .await
            .map_err(fail)?;
        for seq in cancelled {
            let mut endings = self.crew.close(seq, "CANCELLED", None, self.now());
            // Its own row says so already; those that waited for it fall with it.
            self.abort(seq);
            self.writes.push(Write::Told(seq));
            if !endings.is_empty() {
                endings.remove(0);
            }
            self.end(endings);
        }
        self.write().await?;
        self.take_tasks().await?;
        Ok(true)
    }

    async fn take_tasks(&mut self) -> Held<()> {
        loop {
            let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT {TASK} FROM task WHERE status = 'QUEUED' AND seq > $1 AND id IS NOT NULL ORDER BY seq LIMIT $2"
            )))
            .bind(self.seen)
            .bind(TAKEN)
            .fetch_all(&mut *self.connection)
            .await
            .map_err(fail)?;
            let last = rows.len();
            for row in &rows {
                let row = TaskRow::of(row);
                self.seen = row.seq;
                self.take_task(row).await?;
            }
            if last < usize::try_from(TAKEN).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }

    async fn take_task(&mut self, row: TaskRow) -> Held<()> {
        let mut needs = Vec::new();
        let mut fallen = None;
        for id in &row.depends {
            if self.crew.has(id) {
                needs.push(id.clone());
                continue;
            }
            let status: Option<String> = sqlx::query_scalar("SELECT status FROM task WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *self.connection)
                .await
                .map_err(fail)?;
            match status.as_deref() {
                Some("COMPLETED") => {}
                Some(status) => fallen = Some(format!("it depends on {id}, which ended {status}")),
                None => fallen = Some(format!("it depends on {id}, which is gone")),
            }
        }
        let parts = parts_of(&row.description);
        let seq = row.seq;
        self.crew.take(row, parts, &needs);
        if let Some(why) = fallen {
            let endings = self.crew.close(seq, "CANCELLED", Some(why), self.now());
            self.end(endings);
            self.write().await?;
        }
        Ok(())
    }

    /// The tasks that it gives itself, so that there is something to watch.
    async fn add_traffic(&mut self) -> Held<()> {
        let (at, due, given) = self.traffic;
        let due = due + at.elapsed().as_secs_f64() * self.knobs.traffic;
        self.traffic = (Instant::now(), due.fract(), given);
        let mut left = due.trunc();
        while left >= 1.0 && self.phase == "running" && self.crew.open() < 500 {
            left -= 1.0;
            self.traffic.2 += 1;
            let task = Submission {
                description: format!("rehearsal traffic {}", self.traffic.2),
                kind: Some("testing".to_owned()),
                reference: "rehearsal-traffic".to_owned(),
                ..Submission::default()
            };
            self.state.submit(&task).await?;
        }
        Ok(())
    }

    /// Gives ready work to free agents; gives whether there was any.
    fn give(&mut self) -> bool {
        if self.knobs.hang || self.phase != "running" {
            return false;
        }
        let now = self.now();
        let mut any = false;
        loop {
            let (rate, failing) = (self.knobs.failure_rate, &mut self.failing);
            let next = self.crew.next(now, |_| {
                // Exactly that share of the tasks, spread evenly: no chance, so that a rehearsal can be repeated.
                failing.0 += rate;
                let fails = failing.0 >= 1.0 - 1e-9;
                if fails {
                    failing.0 -= 1.0;
                    failing.1 += 1;
                }
                fails
            });
            let Some((seq, n, agent)) = next else { break };
            let Some(job) = self.crew.job(seq) else { continue };
            any = true;
            if job.begun == Some(now) && !self.work.keys().any(|(task, _)| *task == seq) {
                self.writes.push(Write::Begun {
                    seq,
                    parts: job.parts.clone(),
                });
            }
            self.writes.push(Write::PartBegun { seq, n, agent });
            let part = &job.parts[n];
            let document = json!({
                "task_id": job.row.id, "reference": job.row.reference, "description": part.description, "type": part.kind,
                "part": n, "parts": job.parts.len(), "task": job.row.description, "agent": agent, "rehearsal": true,
            });
            let limit = job
                .row
                .timeout_ms
                .and_then(|ms| u64::try_from(ms).ok())
                .map_or(LIMIT, Duration::from_millis);
            let order = Order {
                task: seq,
                n,
                agent,
                document,
                worker: self.knobs.worker.clone(),
                seconds: self.knobs.seconds,
                latency: self.knobs.latency,
                limit,
                fails: job.fails == Some(n),
            };
            let done = self.done_in.clone();
            let work = tokio::spawn(async move {
                // The executor is gone only when nobody wants the result.
                let _ = done.send(perform(order).await);
            });
            self.work.insert((seq, n), work.abort_handle());
        }
        any
    }

    fn take_done(&mut self, done: Done) {
        if self.work.remove(&(done.task, done.n)).is_none() {
            return;
        }
        self.writes.push(Write::PartEnded {
            done: (done.task, done.n),
            took: done.took,
            result: done.result.clone(),
        });
        let now = self.now();
        let endings = self
            .crew
            .ended(done.task, done.n, done.agent, done.took, done.result, now);
        self.end(endings);
    }

    fn late(&mut self) {
        let now = self.now();
        for (seq, limit) in self.crew.late(now) {
            let why = format!("timed out after {} s", limit / 1000);
            let endings = self.crew.close(seq, "FAILED", Some(why), now);
            self.end(endings);
        }
    }

    fn end(&mut self, endings: Vec<Ending>) {
        for ending in endings {
            self.abort(ending.seq);
            self.writes.push(Write::Ended(ending));
        }
    }

    /// Ends whatever still works on a task.
    fn abort(&mut self, seq: i64) {
        self.work.retain(|(task, _), work| {
            if *task == seq {
                work.abort();
            }
            *task != seq
        });
    }

    async fn write(&mut self) -> Held<()> {
        if self.writes.is_empty() {
            return Ok(());
        }
        let writes = std::mem::take(&mut self.writes);
        let mut transaction = sqlx::Connection::begin_with(&mut *self.connection, "BEGIN IMMEDIATE")
            .await
            .map_err(fail)?;
        for write in writes {
            record(&mut transaction, write).await.map_err(fail)?;
        }
        transaction.commit().await.map_err(fail)
    }
}

/// The parts of a description, by the rules that the wizard uses.
pub(super) fn parts_of(description: &str) -> Vec<Part> {
    let whole = || {
        vec![Part {
            description: description.to_owned(),
            kind: "general".to_owned(),
            after: Vec::new(),
            waits: 0,
            state: PartState::Waiting,
        }]
    };
    let Some(rules) = rules() else { return whole() };
    let parts: Vec<Part> = decompose(0.into(), description, rules)
        .subtasks
        .into_iter()
        .map(|part| Part {
            description: part.description,
            kind: part.kind,
            waits: part.dependencies.len(),
            after: part.dependencies,
            state: PartState::Waiting,
        })
        .collect();
    if parts.is_empty() { whole() } else { parts }
}

async fn record(connection: &mut SqliteConnection, write: Write) -> sqlx::Result<()> {
    match write {
        Write::Begun { seq, parts } => {
            sqlx::query(
                "UPDATE task SET status = 'RUNNING', started_ms = $1 WHERE seq = $2 AND status = 'QUEUED'",
            )
            .bind(now_ms())
            .bind(seq)
            .execute(&mut *connection)
            .await?;
            for (n, part) in parts.into_iter().enumerate() {
                sqlx::query(
                    "INSERT OR REPLACE INTO part (task, n, description, kind, depends, status) VALUES ($1, $2, $3, $4, $5, 'PENDING')",
                )
                .bind(seq)
                .bind(i64::try_from(n).unwrap_or(i64::MAX))
                .bind(part.description)
                .bind(part.kind)
                .bind(json!(part.after).to_string())
                .execute(&mut *connection)
                .await?;
            }
        }
        Write::PartBegun { seq, n, agent } => {
            sqlx::query("UPDATE part SET status = 'RUNNING', agent = $1 WHERE task = $2 AND n = $3")
                .bind(i64::try_from(agent).unwrap_or(i64::MAX))
                .bind(seq)
                .bind(i64::try_from(n).unwrap_or(i64::MAX))
                .execute(&mut *connection)
                .await?;
        }
        Write::PartEnded {
            done: (seq, n),
            took,
            result,
        } => {
            let (status, value, error) = match result {
                Ok(value) => ("COMPLETED", Some(value.to_string()), None),
                Err(why) => ("FAILED", None, Some(why)),
            };
            sqlx::query(
                "UPDATE part SET status = $1, ms = $2, result = $3, error = $4 WHERE task = $5 AND n = $6",
            )
            .bind(status)
            .bind(took.as_secs_f64() * 1000.0)
            .bind(value)
            .bind(error)
            .bind(seq)
            .bind(i64::try_from(n).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await?;
        }
        Write::Ended(ending) => ended(connection, ending).await?,
        Write::Told(seq) => {
            sqlx::query("UPDATE task SET cancelled = 2 WHERE seq = $1 AND cancelled = 1")
                .bind(seq)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

async fn ended(connection: &mut SqliteConnection, ending: Ending) -> sqlx::Result<()> {
    sqlx::query("UPDATE part SET status = 'CANCELLED' WHERE task = $1 AND status IN ('PENDING', 'RUNNING')")
        .bind(ending.seq)
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query(
        "UPDATE task SET status = $1, ended_ms = $2, elapsed_s = $3, agents_used = $4, efficiency = $5, result = $6, error = $7
         WHERE seq = $8 AND status IN ('QUEUED', 'RUNNING') RETURNING id",
    )
    .bind(ending.status)
    .bind(now_ms())
    .bind(ending.elapsed.map(|elapsed| elapsed.as_secs_f64()))
    .bind(i64::try_from(ending.agents).unwrap_or(i64::MAX))
    .bind(ending.efficiency)
    .bind(ending.result.map(|value| value.to_string()))
    .bind(ending.error)
    .bind(ending.seq)
    .fetch_optional(&mut *connection)
    .await?;
    // What agents share: which task was ended how, last.
    if let Some(row) = row {
        let id: String = row.get(0);
        sqlx::query("INSERT INTO shared (key, value) VALUES ('last_task', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            .bind(json!({"task_id": id, "status": ending.status}).to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
