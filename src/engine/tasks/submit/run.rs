//! The run of a submission: gives what is ready, at most so many at once, follows what MAOS has, skips what can never run.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Unit;
use super::ledger::{Data, Ledger, Standing, line, reference};
use super::units::Units;
use crate::engine::error::{Error, Result};
use crate::engine::failpoint;
use crate::engine::item::ItemState;
use crate::engine::operation::{Control, Outcome, Progress, ProofLine};
use crate::engine::ports::Clock;
use crate::engine::ports::maos::{Known, Maos, MaosError, TaskStatus};
use crate::engine::text::{inert_short, plural};

/// MAOS is asked how its tasks stand this often: soon after a change, seldom while nothing happens.
const LOOK: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(1));
/// So many failed looks in a row end the run; what MAOS has goes on there.
const LOOKS: u32 = 5;
/// So often a part is given when MAOS says for sure that it does not have it.
const TRIES: u32 = 3;
/// Beyond so many tasks in MAOS only the open ones are listed.
const NARROW: usize = 2_000;
/// Parts named in the progress.
const NAMED: usize = 3;

/// What is to be submitted, and how.
pub struct Request {
    /// The parts.
    pub units: Arc<Units>,
    /// What became of them before.
    pub ledger: Ledger,
    /// To whom.
    pub maos: Arc<dyn Maos>,
    /// At most so many in MAOS's hands at once; [`Control::workers`] goes before.
    pub in_flight: usize,
    /// The migration's name, which begins every reference.
    pub migration: String,
    /// Whether MAOS is to be started first.
    pub start: bool,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("units", &self.units.list.len())
            .finish_non_exhaustive()
    }
}

/// How a part stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Now {
    /// Waits for others.
    Waiting,
    /// On its way to MAOS.
    Giving,
    /// MAOS has it.
    Given,
    Done,
    Failed,
    Skipped,
    Unknown,
}

/// What giving a part came to.
enum Given {
    /// MAOS has it under this id.
    Has(Data),
    /// MAOS does not take it; nothing else is wrong.
    Refused(Data, String),
    /// Whether MAOS has it cannot be known.
    Unknown(Data, String),
    /// MAOS cannot be driven: nothing more is given. Its last line tells how it stands.
    Over(Error),
}

struct Run {
    request: Request,
    control: Control,
    now: Vec<Now>,
    /// Dependencies that have not ended well.
    waits: Vec<usize>,
    ready: BTreeSet<(usize, u32)>,
    data: Vec<Data>,
    since: Vec<Option<Instant>>,
    in_flight: HashMap<String, u32>,
    giving: JoinSet<(u32, Given)>,
    over: Option<Error>,
    looks_failed: u32,
    narrow: bool,
    pause: Duration,
}

/// Submits.
///
/// # Errors
/// [`crate::engine::ErrorKind::Interrupted`] at a safe point; `Unavailable` when MAOS cannot be driven. What MAOS has goes on
/// there, and the next run follows it.
pub async fn run(request: Request, control: Control) -> Result<(Outcome, Vec<Data>)> {
    if request.start {
        let said = request.maos.start().await?;
        control.notice(crate::engine::operation::Notice::Log(format!(
            "MAOS: {}",
            inert_short(&said, 200)
        )));
    }
    let mut run = Run::new(request, control);
    run.begin().await?;
    run.drive().await?;
    let outcome = run.outcome().await?;
    Ok((outcome, run.data))
}

impl Run {
    fn new(request: Request, control: Control) -> Self {
        let units = &request.units.list;
        let ledger = &request.ledger;
        let data = units
            .iter()
            .enumerate()
            .map(|(at, unit)| Data {
                stage: unit.stage,
                id: ledger.ids[at].clone(),
                attempt: ledger.attempt[at],
                ..Data::default()
            })
            .collect();
        Self {
            now: vec![Now::Waiting; units.len()],
            waits: units.iter().map(|unit| unit.needs.len()).collect(),
            since: vec![None; units.len()],
            data,
            ready: BTreeSet::new(),
            in_flight: HashMap::new(),
            giving: JoinSet::new(),
            over: None,
            looks_failed: 0,
            narrow: false,
            pause: LOOK.0,
            control,
            request,
        }
    }

    fn unit(&self, at: u32) -> &Unit {
        &self.request.units.list[at as usize]
    }

    /// Puts every part where its past leaves it.
    async fn begin(&mut self) -> Result<()> {
        let mut open = Vec::new();
        for (at, standing) in (0_u32..).zip(self.request.ledger.standing.clone()) {
            let i = at as usize;
            match standing {
                Standing::Fresh => {}
                Standing::Done => self.now[i] = Now::Done,
                Standing::Declared => self.tell(at, Now::Done, "done, by the operator's word"),
                Standing::Failed => self.now[i] = Now::Failed,
                Standing::Given { id } => {
                    self.now[i] = Now::Given;
                    self.since[i] = Some(Instant::now());
                    self.in_flight.insert(id, at);
                }
                Standing::Intended { reference } | Standing::Unknown { reference } => {
                    self.now[i] = Now::Giving;
                    open.push((at, reference));
                }
            }
        }
        for (at, now) in self.now.iter().enumerate() {
            if *now == Now::Done {
                for waiting in &self.request.units.dependents[at] {
                    self.waits[*waiting as usize] -= 1;
                }
            }
        }
        // What was on its way when the last run ended is looked for before anything new is given.
        for (at, reference) in open {
            self.control.safe_point_async().await?;
            self.look_for(at, reference).await?;
        }
        for at in 0..self.now.len() {
            if matches!(self.now[at], Now::Failed | Now::Unknown) {
                self.skip_dependents(u32::try_from(at).unwrap_or(u32::MAX));
            }
        }
        for (at, needed) in self.request.units.barred.clone() {
            if self.now[at as usize] == Now::Waiting {
                let why = format!(
                    "needs {}, which the legacy system ended or holds",
                    inert_short(&needed, 60)
                );
                self.tell(at, Now::Skipped, &why);
                self.skip_dependents(at);
            }
        }
        for at in 0..self.now.len() {
            self.offer(u32::try_from(at).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    /// Asks MAOS for a part by its reference.
    async fn look_for(&mut self, at: u32, reference: String) -> Result<()> {
        let i = at as usize;
        self.data[i].reference.clone_from(&reference);
        match self.request.maos.find(reference).await {
            Ok(Known::Value(Some(id))) => {
                self.data[i].id = Some(id.clone());
                self.record(
                    at,
                    ItemState::Running,
                    format!("found in MAOS as {}", inert_short(&id, 60)),
                )
                .await?;
                self.now[i] = Now::Given;
                self.since[i] = Some(Instant::now());
                self.in_flight.insert(id, at);
            }
            Ok(Known::Value(None)) => self.now[i] = Now::Waiting,
            Ok(Known::Unknown(why)) => self.unknown(at, &why),
            Err(error) if error.is_missing() => self.unknown(at, &error.to_string()),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn unknown(&mut self, at: u32, why: &str) {
        let why = format!("nobody knows whether MAOS has it: {}", inert_short(why, 200));
        self.tell(at, Now::Unknown, &why);
    }

    /// Lists a part as ready when nothing keeps it.
    fn offer(&mut self, at: u32) {
        let i = at as usize;
        if self.now[i] == Now::Waiting && self.waits[i] == 0 {
            self.ready.insert((self.unit(at).stage, at));
        }
    }

    async fn drive(&mut self) -> Result<()> {
        let mut look_at = Instant::now() + self.pause;
        loop {
            self.progress();
            self.give();
            if self.giving.is_empty() && (self.in_flight.is_empty() || self.over.is_some()) {
                if let Some(error) = self.over.take() {
                    return Err(error);
                }
                self.control.safe_point_async().await?;
                if self.ready.is_empty() {
                    return Ok(());
                }
                continue;
            }
            let stopping = self.control.stopping();
            if stopping && self.giving.is_empty() {
                return Err(Error::interrupted(format!(
                    "stopped; {} in MAOS's hands, where they go on",
                    plural(self.in_flight.len() as u64, "part is", "parts are")
                )));
            }
            let control = self.control.clone();
            tokio::select! {
                Some(given) = self.giving.join_next() => match given {
                    Ok((at, given)) => {
                        self.take(at, given);
                        self.pause = LOOK.0;
                        look_at = look_at.min(Instant::now() + self.pause);
                    }
                    Err(_) => return Err(Error::bug("giving a task panicked; what was finished is safe")),
                },
                () = control.stopped(), if !stopping => {}
                () = tokio::time::sleep_until(look_at), if !self.in_flight.is_empty() => {
                    let begun = Instant::now();
                    let ended = self.look().await?;
                    // A look that costs much is made less often: at most a fifth of the time goes into looking.
                    let least = LOOK.0.max(begun.elapsed() * 4);
                    self.pause = if ended > 0 { least } else { (self.pause * 2).max(least) }.min(LOOK.1);
                    look_at = Instant::now() + self.pause;
                }
            }
        }
    }

    /// Gives what is ready while there is room.
    fn give(&mut self) {
        let room = match self.control.workers() {
            0 => self.request.in_flight.max(1),
            wished => wished,
        };
        while self.over.is_none()
            && !self.control.stopping()
            && !self.control.paused()
            && self.in_flight.len() + self.giving.len() < room
        {
            let Some((_, at)) = self.ready.pop_first() else {
                return;
            };
            let i = at as usize;
            self.now[i] = Now::Giving;
            let unit = self.unit(at).clone();
            let mut data = self.data[i].clone();
            data.id = None;
            data.given_ms = None;
            data.reference = reference(&self.request.migration, &unit, data.attempt);
            let depends_on = unit
                .needs
                .iter()
                .filter_map(|need| self.data[*need as usize].id.clone())
                .collect();
            let giver = Giver {
                maos: Arc::clone(&self.request.maos),
                clock: Arc::clone(&self.request.clock),
                control: self.control.clone(),
                depends_on,
                unit,
            };
            self.giving.spawn(async move { (at, giver.give(data).await) });
        }
    }

    fn take(&mut self, at: u32, given: Given) {
        let i = at as usize;
        match given {
            Given::Has(data) => {
                self.in_flight.insert(data.id.clone().unwrap_or_default(), at);
                self.data[i] = data;
                self.now[i] = Now::Given;
                self.since[i] = Some(Instant::now());
            }
            Given::Refused(data, why) => {
                self.data[i] = data;
                self.tell(at, Now::Failed, &why);
                self.skip_dependents(at);
            }
            Given::Unknown(data, why) => {
                self.data[i] = data;
                self.unknown(at, &why);
                self.skip_dependents(at);
            }
            Given::Over(error) => {
                self.now[i] = Now::Waiting;
                self.over.get_or_insert(error);
            }
        }
    }

    /// Asks MAOS how what it has stands; gives how many parts ended.
    async fn look(&mut self) -> Result<usize> {
        let maos = Arc::clone(&self.request.maos);
        let mut asked: Vec<(u32, String)> = Vec::new();
        let mut ended: Vec<(u32, String, TaskStatus)> = Vec::new();
        match statuses(maos.as_ref(), self.narrow).await {
            Ok(Some(listed)) => {
                self.looks_failed = 0;
                self.narrow |= listed.len() > NARROW;
                for (id, at) in &self.in_flight {
                    match listed.get(id) {
                        Some(TaskStatus::Completed) => ended.push((*at, id.clone(), TaskStatus::Completed)),
                        Some(status) if !status.ended() => {}
                        // Ended badly, or not listed: MAOS is asked about that one.
                        _ => asked.push((*at, id.clone())),
                    }
                }
            }
            // It cannot list: then each is asked for.
            Ok(None) => asked.extend(self.in_flight.iter().map(|(id, at)| (*at, id.clone()))),
            Err(error) => return self.look_failed(error).map(|()| 0),
        }
        asked.sort_unstable();
        let mut count = 0;
        for (at, id) in asked {
            match maos.show(id.clone()).await {
                Ok(view) if !view.status.ended() => {}
                Ok(view) => {
                    self.looks_failed = 0;
                    count += 1;
                    self.ended(at, &id, &view.status, view.error.as_deref());
                }
                Err(MaosError::NotFound(_)) => {
                    count += 1;
                    self.in_flight.remove(&id);
                    let why = format!("MAOS does not know {} any more", inert_short(&id, 60));
                    self.tell(at, Now::Unknown, &why);
                    self.skip_dependents(at);
                }
                Err(error) => self.look_failed(error)?,
            }
        }
        ended.sort_unstable_by_key(|(at, ..)| *at);
        count += ended.len();
        for (at, id, status) in ended {
            self.ended(at, &id, &status, None);
        }
        Ok(count)
    }

    /// A look that failed is forgiven a few times: MAOS may be busy.
    fn look_failed(&mut self, error: MaosError) -> Result<()> {
        self.looks_failed += 1;
        if self.looks_failed < LOOKS && !error.is_missing() {
            return Ok(());
        }
        let error = Error::from(error);
        let hint = format!(
            "{} in MAOS's hands; the next tasks submit follows what became of them.",
            plural(self.in_flight.len() as u64, "part is", "parts are")
        );
        Err(error.hint(hint))
    }

    fn ended(&mut self, at: u32, id: &str, status: &TaskStatus, error: Option<&str>) {
        self.in_flight.remove(id);
        let shown = inert_short(id, 60);
        if *status == TaskStatus::Completed {
            self.tell(at, Now::Done, &shown);
            for waiting in self.request.units.dependents[at as usize].clone() {
                self.waits[waiting as usize] -= 1;
                self.offer(waiting);
            }
            return;
        }
        let why = match error {
            Some(error) => inert_short(error, 300),
            None => format!("MAOS says {}", status.word()),
        };
        self.tell(at, Now::Failed, &why);
        self.skip_dependents(at);
    }

    /// Whoever waits for a part that did not end well is skipped, and says whom it needs.
    fn skip_dependents(&mut self, at: u32) {
        let name = self.unit(at).name();
        let why = if self.now[at as usize] == Now::Unknown {
            format!("needs {name}, of which it is not known whether MAOS has it")
        } else {
            format!("needs {name}")
        };
        let mut fall = self.request.units.dependents[at as usize].clone();
        while let Some(waiting) = fall.pop() {
            if self.now[waiting as usize] == Now::Waiting {
                self.ready.remove(&(self.unit(waiting).stage, waiting));
                self.tell(waiting, Now::Skipped, &why);
                fall.extend(&self.request.units.dependents[waiting as usize]);
            }
        }
    }

    /// A part ended: its line says how.
    fn tell(&mut self, at: u32, now: Now, text: &str) {
        let i = at as usize;
        let state = match now {
            Now::Waiting | Now::Giving => ItemState::Waiting,
            Now::Given => ItemState::Running,
            Now::Done => ItemState::Done,
            Now::Failed => ItemState::Failed,
            Now::Skipped => ItemState::Skipped,
            Now::Unknown => ItemState::Unknown,
        };
        self.now[i] = now;
        let ms = self.since[i].and_then(|since| u64::try_from(since.elapsed().as_millis()).ok());
        self.control
            .item(line(self.unit(at), state, text, &self.data[i], ms));
    }

    async fn record(&self, at: u32, state: ItemState, text: String) -> Result<()> {
        self.control
            .record(line(self.unit(at), state, text, &self.data[at as usize], None))
            .await
    }

    fn count(&self, wanted: &[Now]) -> u64 {
        self.now.iter().filter(|now| wanted.contains(now)).count() as u64
    }

    fn progress(&self) {
        let stage = (0..self.now.len())
            .filter(|at| matches!(self.now[*at], Now::Waiting | Now::Giving | Now::Given))
            .map(|at| self.request.units.list[at].stage)
            .min()
            .unwrap_or(self.request.units.stages);
        let mut running: Vec<u32> = self.in_flight.values().copied().collect();
        running.sort_unstable();
        let aside = self.count(&[Now::Failed, Now::Skipped, Now::Unknown]);
        self.control.progress(Progress {
            done: self.count(&[Now::Done]) + aside,
            total: Some(self.now.len() as u64),
            quarantined: aside,
            unit: "parts".to_owned(),
            phase: format!("submitting stage {stage} of {}", self.request.units.stages),
            running: running
                .iter()
                .take(NAMED)
                .map(|at| self.unit(*at).name())
                .collect(),
            ..Progress::default()
        });
    }

    /// How it ended, and the proof: MAOS itself is asked again for everything that is called done.
    async fn outcome(&self) -> Result<Outcome> {
        let (done, failed, skipped, unknown) = (
            self.count(&[Now::Done]),
            self.count(&[Now::Failed]),
            self.count(&[Now::Skipped]),
            self.count(&[Now::Unknown]),
        );
        let source = self.now.len() as u64;
        let ids: BTreeSet<&String> = self.data.iter().filter_map(|data| data.id.as_ref()).collect();
        let given = self.data.iter().filter(|data| data.id.is_some()).count();
        let mut proof = vec![
            ProofLine {
                what: "parts with an outcome".to_owned(),
                source: source.to_string(),
                target: (done + failed + skipped + unknown).to_string(),
                equal: done + failed + skipped + unknown == source,
            },
            ProofLine {
                what: "parts given, and ids of MAOS".to_owned(),
                source: given.to_string(),
                target: ids.len().to_string(),
                equal: given == ids.len(),
            },
        ];
        if let Ok(Known::Value(listed)) = self.request.maos.list(Some(TaskStatus::Completed)).await {
            let listed: BTreeSet<String> = listed.into_iter().map(|(id, _)| id).collect();
            let there = (0..self.now.len())
                .filter(|at| self.now[*at] == Now::Done)
                .filter(|at| self.data[*at].id.as_ref().is_some_and(|id| listed.contains(id)))
                .count() as u64;
            // A person's word that something was done has no id to look for.
            let with_id = (0..self.now.len())
                .filter(|at| self.now[*at] == Now::Done && self.data[*at].id.is_some())
                .count() as u64;
            proof.push(ProofLine {
                what: "parts done, and completed by MAOS's own list".to_owned(),
                source: with_id.to_string(),
                target: there.to_string(),
                equal: with_id == there,
            });
        }
        let mut said = format!("{done} of {} done in MAOS", plural(source, "part", "parts"));
        for (count, word) in [(failed, "failed"), (skipped, "skipped"), (unknown, "unknown")] {
            if count > 0 {
                let more = format!(", {count} {word}");
                said.push_str(&more);
            }
        }
        Ok(Outcome {
            source,
            converted: done,
            unchanged: self.request.ledger.count(|standing| *standing == Standing::Done),
            quarantined: failed + skipped + unknown,
            proof,
            summary: said,
            artifacts: Vec::new(),
        })
    }
}

/// The states of tasks by MAOS's id; `None` when this MAOS cannot list. `narrow` lists the open ones only.
async fn statuses(maos: &dyn Maos, narrow: bool) -> Result<Option<HashMap<String, TaskStatus>>, MaosError> {
    let wanted: &[Option<TaskStatus>] = if narrow {
        &[Some(TaskStatus::Running), Some(TaskStatus::Queued)]
    } else {
        &[None]
    };
    let mut all = HashMap::new();
    for status in wanted {
        match maos.list(status.clone()).await {
            Ok(Known::Value(listed)) => all.extend(listed),
            Ok(Known::Unknown(_)) => return Ok(None),
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(all))
}

/// Gives one part.
struct Giver {
    maos: Arc<dyn Maos>,
    clock: Arc<dyn Clock>,
    control: Control,
    unit: Unit,
    depends_on: Vec<String>,
}

impl Giver {
    async fn record(&self, state: ItemState, text: &str, data: &Data) -> Result<()> {
        self.control
            .record(line(&self.unit, state, text, data, None))
            .await
    }

    async fn give(self, data: Data) -> Given {
        match self.attempt(data).await {
            Ok(given) => given,
            Err(error) => Given::Over(error),
        }
    }

    async fn attempt(&self, mut data: Data) -> Result<Given> {
        // The intent is in the journal before MAOS is asked: after a crash it is looked for, and not given again.
        self.record(ItemState::Running, "giving", &data).await?;
        failpoint::hit("submit.before_give");
        let mut tries = 0;
        loop {
            let mut task = self.unit.submission.clone();
            task.depends_on.clone_from(&self.depends_on);
            task.reference.clone_from(&data.reference);
            tries += 1;
            let error = match self.maos.submit(task).await {
                Ok(id) => {
                    failpoint::hit("submit.after_give");
                    return self.has(id, data).await;
                }
                Err(error) => error,
            };
            match error {
                MaosError::Refused(..) | MaosError::NotFound(_) => {
                    return Ok(Given::Refused(data, inert_short(&error.to_string(), 300)));
                }
                MaosError::Absent(..)
                | MaosError::Broken(..)
                | MaosError::NoProgram(_)
                | MaosError::NotRunning(_) => {
                    // Surely not given: the next run gives it.
                    self.record(ItemState::Waiting, &error.to_string(), &data).await?;
                    return Ok(Given::Over(error.into()));
                }
                MaosError::NoEffect(..)
                | MaosError::TimedOut(..)
                | MaosError::Garbage(..)
                | MaosError::Machine(_)
                | MaosError::Stopped => match self.maos.find(data.reference.clone()).await {
                    Ok(Known::Value(Some(id))) => return self.has(id, data).await,
                    Ok(Known::Value(None)) if tries < TRIES && !self.control.stopping() => {}
                    Ok(Known::Value(None)) => {
                        data.id = None;
                        self.record(ItemState::Waiting, &error.to_string(), &data).await?;
                        return Ok(Given::Over(error.into()));
                    }
                    Ok(Known::Unknown(_)) | Err(_) => {
                        return Ok(Given::Unknown(data, error.to_string()));
                    }
                },
            }
        }
    }

    async fn has(&self, id: String, mut data: Data) -> Result<Given> {
        data.given_ms = Some(self.clock.now().as_millisecond());
        let text = format!("MAOS has it as {}", inert_short(&id, 60));
        data.id = Some(id);
        self.record(ItemState::Running, &text, &data).await?;
        failpoint::hit("submit.after_id");
        Ok(Given::Has(data))
    }
}
