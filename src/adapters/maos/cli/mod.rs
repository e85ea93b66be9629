//! A MAOS behind a command line. The dialect spells requests ([`super::documented`], [`super::shipped`]), the probe says what there
//! is ([`super::probe`]); here requests are run, answers read, and effects verified: exit 0 alone proves nothing.

pub mod answer;
pub mod ask;
mod effects;
pub mod read;
pub mod run;
mod service;
pub mod template;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use serde_json::Value;

use self::ask::Ask;
use self::run::{Runner, Said, WIDE, WIDEST, settle};
use self::service::Service;
use super::probe::{Probed, probe};
use super::{documented, shipped};
use crate::engine::ports::maos::{
    Ability, Answer, Capabilities, CheckpointView, Dialect, Health, Known, Maos, MaosError, Presence,
    StatusDocument, Stop, Submission, TaskStatus, TaskView, Version,
};
use crate::engine::workspace::driving::MaosSettings;

/// What probes found, shared by all that drive the same program.
#[derive(Debug, Default)]
pub struct Memory {
    found: Mutex<Found>,
    /// One asks, the others wait for what it finds.
    probing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default, Clone)]
struct Found {
    probed: Option<Arc<Probed>>,
    /// When the program was last changed as that probe began.
    seen: Option<SystemTime>,
    /// How many probes came to an end.
    probes: u64,
}

impl Memory {
    fn found(&self) -> std::sync::MutexGuard<'_, Found> {
        self.found
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

type Got<T> = Result<T, MaosError>;

/// A MAOS that is reached through its program.
#[derive(Debug)]
pub struct Cli {
    runner: Runner,
    settings: MaosSettings,
    place: String,
    rehearsal: bool,
    service: Service,
    memory: Arc<Memory>,
    /// The program's file, when it is one.
    program: Option<PathBuf>,
}

/// When a program was last changed: its file, or the folder of scripts of its virtual environment, which an installation changes also
/// where the script itself stays as it was. Other folders change for reasons of their own.
fn changed(program: &Path) -> Option<SystemTime> {
    let at = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let scripts = program.parent().filter(|folder| {
        folder
            .parent()
            .is_some_and(|place| place.join("pyvenv.cfg").is_file())
    });
    at(program).max(scripts.and_then(at))
}

impl Cli {
    /// Drives the program of `runner`. `place`: where it is, in words; `rehearsal`: whether it is the stand-in's own program.
    #[must_use]
    pub fn new(
        runner: Runner,
        settings: MaosSettings,
        place: String,
        rehearsal: bool,
        memory: Arc<Memory>,
    ) -> Self {
        Self {
            service: Service::of(&runner),
            runner,
            settings,
            place,
            rehearsal,
            memory,
            program: None,
        }
    }

    /// The same, with the file that the program is: what was found out about it holds until it is changed.
    #[must_use]
    pub fn of(mut self, program: Option<PathBuf>) -> Self {
        self.program = program;
        self
    }

    fn changed(&self) -> Option<SystemTime> {
        self.program.as_deref().and_then(changed)
    }

    /// What the last probe found, unless the program was changed since it began.
    fn remembered(&self) -> Option<Arc<Probed>> {
        let found = self.memory.found().clone();
        found.probed.filter(|_| found.seen == self.changed())
    }

    /// What the first probe found; probes when nobody did.
    async fn probed(&self) -> Got<Arc<Probed>> {
        if let Some(probed) = self.remembered() {
            return Ok(probed);
        }
        let _one = self.memory.probing.lock().await;
        match self.remembered() {
            Some(probed) => Ok(probed),
            None => self.probe_now().await,
        }
    }

    /// Probes, or waits for the probe that is under way: a program is not asked the same by several at once.
    async fn probed_anew(&self) -> Got<Arc<Probed>> {
        let before = self.memory.found().probes;
        let _one = self.memory.probing.lock().await;
        let ended = self.memory.found().probes > before;
        match self.remembered().filter(|_| ended) {
            Some(probed) => Ok(probed),
            None => self.probe_now().await,
        }
    }

    /// To be called by whoever holds `probing`.
    async fn probe_now(&self) -> Got<Arc<Probed>> {
        // Taken before it is asked: what changes meanwhile is found out the next time.
        let seen = self.changed();
        let probed = Arc::new(probe(&self.runner, &self.settings, &self.place).await?);
        let mut found = self.memory.found();
        *found = Found {
            probed: Some(Arc::clone(&probed)),
            seen,
            probes: found.probes + 1,
        };
        Ok(probed)
    }

    /// Runs a request and sorts its end.
    async fn ask(&self, ask: &Ask<'_>, probed: &Probed) -> Got<Said> {
        let ability = ask.ability();
        let said = self.ask_unsettled(ask, probed).await?;
        settle(ability.words(), said).map_err(|error| Self::known_broken(ability, error, probed))
    }

    async fn ask_unsettled(&self, ask: &Ask<'_>, probed: &Probed) -> Got<Said> {
        let ability = ask.ability();
        // One line of these may hold a whole description.
        let columns = match ability {
            Ability::Show | Ability::Submit | Ability::CheckpointCreate => WIDEST,
            _ => WIDE,
        };
        let call = match template::of(&self.settings.commands, ability) {
            Some(own) => {
                let argv = template::filled(ability.words(), own, &ask.values())?;
                self.runner.whole(argv, columns)
            }
            None => self.runner.call(&Self::argv(ask, probed)?, columns),
        };
        self.runner.run(ability.words(), call).await
    }

    fn argv(ask: &Ask<'_>, probed: &Probed) -> Got<Vec<String>> {
        let ability = ask.ability();
        if let Some(line) = probed.capabilities.of(ability)
            && line.presence == Presence::Absent
        {
            return Err(MaosError::Absent(ability.words(), line.why.clone()));
        }
        match probed.capabilities.dialect {
            Dialect::Shipped => shipped::argv(ask, probed),
            Dialect::Documented | Dialect::Rehearsal => documented::argv(ask, probed),
        }
    }

    /// A failure of something that is known not to work is no failure of what was asked.
    fn known_broken(ability: Ability, error: MaosError, probed: &Probed) -> MaosError {
        let line = probed.capabilities.of(ability);
        let broken = line.is_some_and(|line| line.presence == Presence::Broken);
        match error {
            MaosError::Absent(_, why)
            | MaosError::Refused(_, why)
            | MaosError::NotRunning(why)
            | MaosError::NotFound(why)
                if broken =>
            {
                MaosError::Broken(ability.words(), why)
            }
            other => other,
        }
    }

    /// Why the released program cannot be believed about this; `None` when it may be.
    fn disbelieved(ability: Ability, probed: &Probed) -> Option<String> {
        if probed.capabilities.dialect != Dialect::Shipped {
            return None;
        }
        shipped::broken(ability, probed.version.metadata.as_deref())
            .map(|why| format!("{}: {why}", shipped::command(ability).unwrap_or_default()))
    }

    /// The document in an answer.
    fn document(what: &'static str, said: &Said) -> Got<Option<Value>> {
        let text = read::strict(&said.out).map_err(|why| MaosError::Garbage(what, why))?;
        Ok(read::json(&text))
    }

    /// The document in an answer that must have one.
    fn must_have(what: &'static str, said: &Said) -> Got<Value> {
        Self::document(what, said)?.ok_or_else(|| {
            let gist = said.gist();
            let why = if gist.is_empty() {
                "it said nothing".to_owned()
            } else {
                format!("no JSON in it: {gist}")
            };
            MaosError::Garbage(what, why)
        })
    }

    async fn version_now(&self) -> Got<Version> {
        let probed = self.probed().await?;
        let mut version = probed.version.clone();
        if probed.capabilities.has(Ability::Version)
            && let Ok(said) = self.ask(&Ask::Version, &probed).await
        {
            let text = said.text();
            // A panel has other numbers too; the line that speaks of the version comes first.
            version.reported = read::lines(&text)
                .find(|line| line.to_lowercase().contains("version"))
                .and_then(|line| read::version(&line))
                .or_else(|| read::version(&text));
        }
        Ok(version)
    }

    async fn health_now(&self) -> Got<Known<Health>> {
        let probed = self.probed().await?;
        let words = Ability::Health.words();
        let said = self.ask_unsettled(&Ask::Health, &probed).await?;
        let document = Self::document(words, &said)?;
        let found = document.as_ref().and_then(answer::health);
        if let Some(why) = Self::disbelieved(Ability::Health, &probed) {
            settle(words, said).map_err(|error| Self::known_broken(Ability::Health, error, &probed))?;
            let told = found.map_or_else(String::new, |health| {
                format!(" (it says {} of {})", health.healthy, health.total)
            });
            return Ok(Known::Unknown(format!("{why}{told}")));
        }
        // A component that is not well may be an exit code of 1 as well; the document says which.
        if let Some(health) = found.filter(|_| matches!(said.code, 0 | 1)) {
            return Ok(Known::Value(health));
        }
        let well = match said.code {
            0 => true,
            1 if !run::broken(&read::text(&said.err).to_lowercase()) => match settle(words, said) {
                Err(MaosError::Refused(..)) => false,
                Err(error) => return Err(error),
                Ok(_) => true,
            },
            _ => return settle(words, said).map(|_| Known::Unknown("no health was told".to_owned())),
        };
        // Without a document the exit code is all there is, as in the guide.
        Ok(Known::Value(Health {
            healthy: u64::from(well),
            total: 1,
            components: vec![("by exit code".to_owned(), well)],
        }))
    }

    async fn status_now(&self) -> Got<Known<StatusDocument>> {
        let probed = self.probed().await?;
        let said = self.ask(&Ask::Status, &probed).await?;
        if let Some(why) = Self::disbelieved(Ability::Status, &probed) {
            return Ok(Known::Unknown(why));
        }
        let Some(document) = Self::document(Ability::Status.words(), &said)? else {
            return Ok(Known::Unknown("status gave no document".to_owned()));
        };
        Ok(answer::status(document).map_or_else(
            || Known::Unknown("the document of status has none of the figures".to_owned()),
            Known::Value,
        ))
    }

    async fn show_now(&self, id: &str, probed: &Probed) -> Got<TaskView> {
        let words = Ability::Show.words();
        let said = self.ask(&Ask::Show(id), probed).await?;
        let document = Self::must_have(words, &said)?;
        let view = answer::task(document).map_err(|why| MaosError::Garbage(words, why))?;
        if view.id == id {
            Ok(view)
        } else {
            let other = read::shown(&view.id);
            Err(MaosError::Garbage(
                words,
                format!("it tells of another task, {other}"),
            ))
        }
    }

    /// Every row of the list; `None` when the answer is prose that is not about emptiness.
    async fn rows_now(&self, status: Option<&TaskStatus>, probed: &Probed) -> Got<Option<Vec<Value>>> {
        let words = Ability::List.words();
        let own = template::of(&self.settings.commands, Ability::List).is_some();
        let paged = !own && probed.names(Ability::List, "--offset") && probed.names(Ability::List, "--limit");
        let mut all: Vec<Value> = Vec::new();
        loop {
            let ask = Ask::List {
                status: status.cloned(),
                offset: all.len(),
            };
            let said = self.ask(&ask, probed).await?;
            let Some(document) = Self::document(words, &said)? else {
                let text = said.text().to_lowercase();
                let empty = text.trim().is_empty() || text.contains("no tasks");
                return Ok(empty.then_some(all));
            };
            let Some(rows) = answer::rows(&document, &["tasks", "items", "results", "data"]) else {
                return Err(MaosError::Garbage(words, "no rows in its document".to_owned()));
            };
            let page = rows.len();
            all.extend(rows.iter().cloned());
            if !paged || page < documented::PAGE {
                return Ok(Some(all));
            }
        }
    }

    async fn list_now(&self, status: Option<TaskStatus>) -> Got<Known<Vec<(String, TaskStatus)>>> {
        let probed = self.probed().await?;
        let rows = self.rows_now(status.as_ref(), &probed).await?;
        if let Some(why) = Self::disbelieved(Ability::List, &probed) {
            return Ok(Known::Unknown(why));
        }
        let Some(rows) = rows else {
            return Ok(Known::Unknown("task list gave no document".to_owned()));
        };
        let mut tasks =
            answer::task_rows(&rows).map_err(|why| MaosError::Garbage(Ability::List.words(), why))?;
        if let Some(wanted) = status {
            tasks.retain(|(_, status)| *status == wanted);
        }
        Ok(Known::Value(tasks))
    }

    async fn find_now(&self, reference: &str) -> Got<Known<Option<String>>> {
        let probed = self.probed().await?;
        let unknown = |why: &str| Ok(Known::Unknown(why.to_owned()));
        let sent = template::of(&self.settings.commands, Ability::Submit).map_or_else(
            || probed.names(Ability::Submit, "--metadata"),
            |own| {
                own.iter()
                    .any(|word| word.contains("{metadata}") || word.contains("{reference}"))
            },
        );
        if !sent || Self::disbelieved(Ability::List, &probed).is_some() {
            return unknown("this MAOS takes no name of ours along with a task");
        }
        let Some(rows) = self.rows_now(None, &probed).await? else {
            return unknown("task list gave no document");
        };
        let found = rows
            .iter()
            .find(|row| answer::reference(row).as_deref() == Some(reference));
        match found {
            Some(row) => match answer::task_id(row) {
                Some(id) => Ok(Known::Value(Some(id))),
                None => Err(MaosError::Garbage(
                    Ability::List.words(),
                    "a row has no id".to_owned(),
                )),
            },
            // Rows that show no metadata do not show ours either.
            None if !rows.iter().all(answer::shows_metadata) => {
                unknown("task list does not give back what was sent along with a task")
            }
            None => Ok(Known::Value(None)),
        }
    }

    async fn running_now(&self) -> Got<Known<bool>> {
        let known = self.service.known()?;
        if let Some(detached) = &known
            && self.runner.processes.alive(detached)
        {
            return Ok(Known::Value(true));
        }
        let probed = self.probed().await?;
        if probed.capabilities.dialect == Dialect::Shipped {
            return Ok(match known {
                Some(_) => Known::Value(false),
                None => Known::Unknown(
                    "it was not started here, and its commands see no other process".to_owned(),
                ),
            });
        }
        if !probed.capabilities.has(Ability::Status) {
            return Ok(Known::Unknown("this MAOS has no status".to_owned()));
        }
        match self.ask(&Ask::Status, &probed).await {
            Ok(said) => Ok(Self::document(Ability::Status.words(), &said)?
                .as_ref()
                .and_then(answer::running)
                .map_or_else(
                    || Known::Unknown("status does not say whether it runs".to_owned()),
                    Known::Value,
                )),
            Err(MaosError::NotRunning(_)) => Ok(Known::Value(false)),
            Err(error) if error.is_missing() => Ok(Known::Unknown(error.to_string())),
            Err(error) => Err(error),
        }
    }
}

impl Maos for Cli {
    fn dialect(&self) -> Dialect {
        self.remembered().map_or_else(
            || self.settings.dialect.unwrap_or(Dialect::Documented),
            |probed| probed.capabilities.dialect,
        )
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn rehearsal(&self) -> bool {
        self.rehearsal
    }

    fn probe(&self) -> Answer<'_, Capabilities> {
        Box::pin(async { Ok(self.probed_anew().await?.capabilities.clone()) })
    }

    fn version(&self) -> Answer<'_, Version> {
        Box::pin(self.version_now())
    }

    fn initialised(&self) -> Answer<'_, Known<bool>> {
        Box::pin(async { Ok(self.initialised_now()) })
    }

    fn init(&self) -> Answer<'_, String> {
        Box::pin(self.init_now())
    }

    fn start(&self) -> Answer<'_, String> {
        Box::pin(self.start_now())
    }

    fn stop(&self, how: Stop) -> Answer<'_, String> {
        Box::pin(self.stop_now(how))
    }

    fn running(&self) -> Answer<'_, Known<bool>> {
        Box::pin(self.running_now())
    }

    fn health(&self) -> Answer<'_, Known<Health>> {
        Box::pin(self.health_now())
    }

    fn status(&self) -> Answer<'_, Known<StatusDocument>> {
        Box::pin(self.status_now())
    }

    fn submit(&self, task: Submission) -> Answer<'_, String> {
        Box::pin(async move { self.submit_now(&task).await })
    }

    fn find(&self, reference: String) -> Answer<'_, Known<Option<String>>> {
        Box::pin(async move { self.find_now(&reference).await })
    }

    fn show(&self, id: String) -> Answer<'_, TaskView> {
        Box::pin(async move { self.show_now(&id, &*self.probed().await?).await })
    }

    fn list(&self, status: Option<TaskStatus>) -> Answer<'_, Known<Vec<(String, TaskStatus)>>> {
        Box::pin(self.list_now(status))
    }

    fn cancel(&self, id: String) -> Answer<'_, ()> {
        Box::pin(async move { self.cancel_now(&id).await })
    }

    fn checkpoint_create(&self, description: String) -> Answer<'_, String> {
        Box::pin(async move { self.checkpoint_now(&description).await })
    }

    fn checkpoints(&self) -> Answer<'_, Vec<CheckpointView>> {
        Box::pin(self.checkpoints_now())
    }

    fn checkpoint_state(&self, id: String) -> Answer<'_, Known<Value>> {
        Box::pin(async move { self.checkpoint_state_now(&id).await })
    }

    fn checkpoint_restore(&self, id: String) -> Answer<'_, ()> {
        Box::pin(async move { self.restore_now(&id).await })
    }

    fn migrated(&self) -> Answer<'_, Known<bool>> {
        Box::pin(self.migrated_now())
    }

    fn db_migrate(&self) -> Answer<'_, String> {
        Box::pin(self.db_migrate_now())
    }
}
