//! Requests that change something, each with the look that proves it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ask::Ask;
use super::service::Started;
use super::{Cli, Got, answer, read, template};
use crate::adapters::maos::probe::{CHECKPOINT_SHOW, DB_STATUS, Probed};
use crate::engine::ports::maos::{
    Ability, CheckpointView, Dialect, Known, MaosError, Stop, Submission, TaskStatus,
};

/// How long an effect that a command reported may take to be seen.
const SEEN_WITHIN: Duration = Duration::from_secs(2);
const FIRST_LOOK: Duration = Duration::from_millis(25);
/// Between asking a process of ours to end and killing it, when it is to end at once.
const AT_ONCE: Duration = Duration::from_millis(100);

impl Cli {
    /// The id of a task that MAOS took and shows.
    pub(super) async fn submit_now(&self, task: &Submission) -> Got<String> {
        let probed = self.probed().await?;
        let words = Ability::Submit.words();
        let said = self.ask(&Ask::Submit(task), &probed).await?;
        let id = match Self::document(words, &said)? {
            Some(document) => answer::task_id(&document),
            None => answer::id_in_prose(&read::lines(&said.text()).collect::<Vec<_>>(), "task"),
        };
        let Some(id) = id else {
            return Err(MaosError::Garbage(
                words,
                format!("no task id in it: {}", said.gist()),
            ));
        };
        if !probed.capabilities.has(Ability::Show) {
            return Ok(id);
        }
        match self.show_now(&id, &probed).await {
            Err(MaosError::NotFound(_)) => Err(MaosError::NoEffect(
                words,
                format!("task {} is not found", read::shown(&id)),
            )),
            // It was taken; that it cannot be looked at now is for the next look to say.
            _ => Ok(id),
        }
    }

    pub(super) async fn cancel_now(&self, id: &str) -> Got<()> {
        let probed = self.probed().await?;
        let words = Ability::Cancel.words();
        self.ask(&Ask::Cancel(id), &probed).await?;
        if !probed.capabilities.has(Ability::Show) {
            return Err(MaosError::NoEffect(
                words,
                "this MAOS cannot show the task".to_owned(),
            ));
        }
        let (begun, mut wait) = (Instant::now(), FIRST_LOOK);
        loop {
            let status = self.show_now(id, &probed).await?.status;
            match status {
                TaskStatus::Cancelled => return Ok(()),
                ended if ended.ended() => {
                    return Err(MaosError::Refused(
                        words,
                        format!("the task had ended: {}", ended.word()),
                    ));
                }
                other if begun.elapsed() > SEEN_WITHIN => {
                    return Err(MaosError::NoEffect(
                        words,
                        format!("the task is {}", other.word()),
                    ));
                }
                _ => {}
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    pub(super) async fn checkpoint_now(&self, description: &str) -> Got<String> {
        let probed = self.probed().await?;
        let words = Ability::CheckpointCreate.words();
        let said = self.ask(&Ask::Checkpoint(description), &probed).await?;
        let id = match Self::document(words, &said)? {
            Some(document) => answer::checkpoint_id(&document),
            None => answer::id_in_prose(&read::lines(&said.text()).collect::<Vec<_>>(), "checkpoint"),
        };
        let Some(id) = id else {
            return Err(MaosError::Garbage(
                words,
                format!("no checkpoint id in it: {}", said.gist()),
            ));
        };
        let listed = self.ask(&Ask::Checkpoints, &probed).await.map_err(|error| {
            MaosError::NoEffect(
                words,
                format!("checkpoint {} cannot be looked for: {error}", read::shown(&id)),
            )
        })?;
        // A table is no document, but the id stands in it all the same.
        if read::strict(&listed.out).is_ok_and(|text| text.contains(&id)) {
            Ok(id)
        } else {
            let why = format!("checkpoint {} is not listed", read::shown(&id));
            Err(MaosError::NoEffect(words, why))
        }
    }

    pub(super) async fn checkpoints_now(&self) -> Got<Vec<CheckpointView>> {
        let probed = self.probed().await?;
        let words = Ability::CheckpointList.words();
        let said = self.ask(&Ask::Checkpoints, &probed).await?;
        if let Some(why) = Self::disbelieved(Ability::CheckpointList, &probed) {
            return Err(MaosError::Broken(words, why));
        }
        let Some(document) = Self::document(words, &said)? else {
            let text = said.text().to_lowercase();
            return if text.trim().is_empty() || text.contains("no checkpoints") {
                Ok(Vec::new())
            } else {
                Err(MaosError::Garbage(
                    words,
                    format!("no JSON in it: {}", said.gist()),
                ))
            };
        };
        let rows = answer::rows(&document, &["checkpoints", "items", "data"])
            .ok_or_else(|| MaosError::Garbage(words, "no rows in its document".to_owned()))?;
        rows.iter()
            .map(|row| {
                answer::checkpoint(row).ok_or_else(|| MaosError::Garbage(words, "a row has no id".to_owned()))
            })
            .collect()
    }

    /// As the list has it, else as `checkpoint show` says it.
    pub(super) async fn checkpoint_state_now(&self, id: &str) -> Got<Known<Value>> {
        let probed = self.probed().await?;
        let unknown = |why: &str| Ok(Known::Unknown(why.to_owned()));
        let listed = self.checkpoints_now().await?;
        let Some(row) = listed.into_iter().find(|row| row.id == id) else {
            return Err(MaosError::NotFound(format!("the checkpoint {}", read::shown(id))));
        };
        if let Some(state) = row.state {
            return Ok(Known::Value(state));
        }
        if !probed.also.contains(&CHECKPOINT_SHOW) || probed.capabilities.dialect == Dialect::Shipped {
            return unknown("this MAOS does not show what a checkpoint holds");
        }
        let words = "checkpoint show";
        let argv = Self::argv(&Ask::CheckpointShow(id), &probed)?;
        let call = self.runner.call(&argv, super::WIDEST);
        let said = super::settle(words, self.runner.run(words, call).await?)?;
        let Some(document) = Self::document(words, &said)? else {
            return unknown("checkpoint show gives no document");
        };
        // A document about another checkpoint is not this one's.
        if answer::checkpoint_id(&document).is_some_and(|shown| shown != id) {
            return Err(MaosError::Garbage(
                words,
                format!("it is not about {}", read::shown(id)),
            ));
        }
        match answer::checkpoint(&document).and_then(|shown| shown.state) {
            Some(state) => Ok(Known::Value(state)),
            None => unknown("checkpoint show does not say what it holds"),
        }
    }

    pub(super) async fn restore_now(&self, id: &str) -> Got<()> {
        let probed = self.probed().await?;
        let words = Ability::CheckpointRestore.words();
        if let Some(why) = Self::disbelieved(Ability::CheckpointRestore, &probed) {
            return Err(MaosError::Broken(words, why));
        }
        self.ask(&Ask::Restore(id), &probed).await.map(|_| ())
    }

    pub(super) async fn db_migrate_now(&self) -> Got<String> {
        let probed = self.probed().await?;
        let said = self.ask(&Ask::DbMigrate, &probed).await?;
        Ok(said.gist())
    }

    /// As far as `db status` says it; the documents give it no form.
    pub(super) async fn migrated_now(&self) -> Got<Known<bool>> {
        let probed = self.probed().await?;
        if !probed.also.contains(&DB_STATUS) {
            return Ok(Known::Unknown("this MAOS has no db status".to_owned()));
        }
        let call = self
            .runner
            .call(&["db".to_owned(), "status".to_owned()], super::WIDE);
        let said = super::settle("db status", self.runner.run("db status", call).await?)?;
        let text = said.text().to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        Ok(if has(&["not migrated", "pending", "behind", "out of date"]) {
            Known::Value(false)
        } else if has(&["up to date", "up-to-date", "current", "no migrations to apply"]) {
            Known::Value(true)
        } else {
            Known::Unknown(format!("db status says: {}", said.gist()))
        })
    }

    /// MAOS's own configuration file, where the settings or the documentation say it is.
    fn config_file(&self) -> Option<PathBuf> {
        self.settings.config.clone().or_else(|| {
            let own = self.settings.env.get("HOME").map(std::ffi::OsString::from);
            let home = PathBuf::from(own.or_else(|| std::env::var_os("HOME"))?);
            Some(home.join(".maos/config.yml"))
        })
    }

    pub(super) fn initialised_now(&self) -> Known<bool> {
        if self.rehearsal && self.settings.config.is_none() {
            return Known::Unknown("the rehearsal keeps its files to itself".to_owned());
        }
        match self.config_file() {
            Some(file) => Known::Value(file.is_file()),
            None => Known::Unknown("HOME is not set, and maos.config names no file".to_owned()),
        }
    }

    pub(super) async fn init_now(&self) -> Got<String> {
        let probed = self.probed().await?;
        let words = Ability::Init.words();
        let said = self.ask(&Ask::Init, &probed).await?;
        match self.config_file() {
            _ if self.rehearsal => Ok(said.gist()),
            Some(file) if !file.is_file() => Err(MaosError::NoEffect(
                words,
                format!("there is no {}", file.display()),
            )),
            Some(file) => Ok(format!("{} is there", file.display())),
            None => Ok(said.gist()),
        }
    }

    pub(super) async fn start_now(&self) -> Got<String> {
        let words = Ability::Start.words();
        if let Some(runs) = self.service.alive(&self.runner.processes)? {
            return Ok(format!("runs already, process {}", runs.pid));
        }
        let probed = self.probed().await?;
        let own = template::of(&self.settings.commands, Ability::Start).is_some();
        let daemon =
            probed.capabilities.dialect != Dialect::Shipped && probed.names(Ability::Start, "--daemon");
        if own {
            let said = self.ask(&Ask::Start, &probed).await?;
            return Ok(said.gist());
        }
        let mut argv = Self::argv(&Ask::Start, &probed)?;
        if daemon {
            argv.push("--daemon".to_owned());
            let said = self
                .runner
                .run(words, self.runner.call(&argv, super::WIDE))
                .await?;
            return super::settle(words, said).map(|said| said.gist());
        }
        self.runner.make_directory()?;
        let call = self.runner.call(&argv, super::WIDE);
        match self.service.start(call, &self.runner.processes).await? {
            Started::Runs(pid) => Ok(format!("started, process {pid}")),
            Started::Ended(said) => self.ended_at_once(said, &probed).await,
        }
    }

    /// A start that returned: good when MAOS then runs by itself.
    async fn ended_at_once(&self, said: String, probed: &Probed) -> Got<String> {
        let words = Ability::Start.words();
        if probed.capabilities.dialect != Dialect::Shipped
            && self.running_now().await == Ok(Known::Value(true))
        {
            return Ok("started; it runs in the background by itself".to_owned());
        }
        let said = if said.is_empty() {
            "it said nothing".to_owned()
        } else {
            said
        };
        Err(MaosError::NoEffect(words, format!("it ended at once: {said}")))
    }

    pub(super) async fn stop_now(&self, how: Stop) -> Got<String> {
        let words = Ability::Stop.words();
        let processes = &self.runner.processes;
        let probed = self.probed().await?;
        let own = template::of(&self.settings.commands, Ability::Stop).is_some();
        let shipped = probed.capabilities.dialect == Dialect::Shipped;
        let ours = self.service.alive(processes)?.is_some();
        if shipped && !own {
            let grace = match how {
                Stop::Graceful(limit) => limit,
                Stop::Force => AT_ONCE,
            };
            if self.service.end(grace, processes).await? {
                return Ok("the process that was started here is gone".to_owned());
            }
            return Err(MaosError::Broken(
                words,
                "nothing was started here, and its stop sees no other process".to_owned(),
            ));
        }
        let mut limit = self.runner.limit;
        if let Stop::Graceful(grace) = how {
            // The command waits for running tasks; it is given the time that it was told.
            limit += grace;
        }
        let asked = self.stop_command(how, &probed, limit).await;
        if ours {
            self.service.end(AT_ONCE, processes).await?;
        } else {
            asked?;
        }
        let (begun, mut wait) = (Instant::now(), FIRST_LOOK);
        loop {
            match self.running_now().await? {
                Known::Value(false) => return Ok("it says that it does not run".to_owned()),
                Known::Unknown(why) if ours => return Ok(format!("its process is gone; {why}")),
                Known::Unknown(why) => return Ok(format!("not proved: {why}")),
                Known::Value(true) if begun.elapsed() > SEEN_WITHIN => {
                    return Err(MaosError::NoEffect(words, "it still runs".to_owned()));
                }
                Known::Value(true) => {}
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    async fn stop_command(&self, how: Stop, probed: &Probed, limit: Duration) -> Got<()> {
        let words = Ability::Stop.words();
        let ask = Ask::Stop(how);
        let mut call = match template::of(&self.settings.commands, Ability::Stop) {
            Some(own) => {
                let argv = template::filled(words, own, &ask.values())?;
                self.runner.whole(argv, super::WIDE)
            }
            None => self.runner.call(&Self::argv(&ask, probed)?, super::WIDE),
        };
        call.limit = limit;
        let said = self.runner.run(words, call).await?;
        match super::settle(words, said) {
            // Nothing to stop is as good as stopped.
            Ok(_) | Err(MaosError::NotRunning(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
