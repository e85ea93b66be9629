//! The commands of the first screens: settings, answers, probes, score, readings.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Reply;
use super::dispatch::Dispatcher;
use super::internal::Internal;
use super::{operations, reading};
use crate::engine::assess::{Finding, Questionnaire, derive, probing};
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::event::EventKind;
use crate::engine::ports::probe::Reading;
use crate::engine::readiness::model::TaskFacts;
use crate::engine::readiness::{self, Facts};
use crate::engine::tasks::model::Band;
use crate::engine::workspace::{SETTINGS_FILE, edit, files, settings};

/// No probe may take longer than this, whatever it asks for.
const LONGEST_PROBE: Duration = Duration::from_secs(15);

impl Dispatcher {
    pub(super) async fn front(&mut self, command: Command) -> Result<Reply> {
        match command {
            Command::Answer { question, typed } => self.answer(question, &typed).await,
            Command::ClearAnswer { question } => {
                self.emit(vec![EventKind::AnswerCleared { question }]).await?;
                self.derived().await
            }
            Command::UseOffer { question } => {
                let by = self.me();
                if self.outlets.snapshot().answers.offer(&question).is_none() {
                    return Err(Error::blocked(format!(
                        "no probe offers another figure for {question}"
                    )));
                }
                self.emit(vec![EventKind::OfferTaken { question, by }]).await?;
                self.derived().await
            }
            Command::Score => self.score().await,
            Command::Trouble => self.trouble(),
            Command::Set { path, value } => self.set(&path, &value).await,
            Command::Read(capability) => {
                self.settings_again().await?;
                self.read(capability)?;
                Ok(Reply::Done)
            }
            other => Err(Error::bug(format!("a command went astray: {other:?}"))),
        }
    }

    /// The questionnaire of this workspace.
    ///
    /// # Errors
    /// When the workspace's own questionnaire is wrong.
    pub(super) fn questionnaire(&self) -> Result<Arc<Questionnaire>> {
        match &self.outlets.views().questionnaire {
            Some(Ok(questionnaire)) => Ok(Arc::clone(questionnaire)),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Error::blocked("the questionnaire has not been read yet")),
        }
    }

    async fn answer(&mut self, id: String, typed: &str) -> Result<Reply> {
        let questionnaire = self.questionnaire()?;
        let question = questionnaire.question(&id).ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("the questionnaire has no question {id}"),
            )
        })?;
        let value = question
            .parse(typed)
            .map_err(|refusal| Error::input(refusal.to_string()))?;
        let by = self.me();
        self.emit(vec![EventKind::AnswerStated {
            question: id,
            value,
            by,
        }])
        .await?;
        self.derived().await
    }

    /// Reports what follows from the answers now.
    async fn derived(&mut self) -> Result<Reply> {
        let questionnaire = self.questionnaire()?;
        let now = self.ports.clock.now();
        // A derived answer may feed another one; the questionnaire is small, so this settles in a few rounds.
        for _ in 0..4 {
            let findings = derive::derive(&questionnaire, &self.outlets.snapshot().answers, now);
            if findings.is_empty() {
                break;
            }
            self.found(findings).await?;
        }
        Ok(Reply::Done)
    }

    async fn found(&mut self, findings: Vec<Finding>) -> Result<()> {
        let by = self.me();
        let kinds = findings
            .into_iter()
            .map(|finding| EventKind::Found {
                finding,
                by: by.clone(),
            })
            .collect();
        self.emit(kinds).await
    }

    async fn score(&mut self) -> Result<Reply> {
        let questionnaire = self.questionnaire()?;
        let facts = self.facts();
        let readiness = readiness::score(&questionnaire, &self.outlets.snapshot().answers, &facts);
        self.emit(vec![EventKind::Scored {
            readiness: Box::new(readiness),
        }])
        .await?;
        Ok(Reply::Done)
    }

    /// What the score needs beside the answers: the tasks that were scored low, once they were read.
    fn facts(&self) -> Facts {
        let tasks = self.outlets.views().tasks.value().map(|(_, reading)| {
            let rows = &reading.view.rows;
            TaskFacts {
                tasks: rows.len() as u64,
                sum: rows.iter().map(|row| u64::from(row.score)).sum(),
                low: rows
                    .iter()
                    .filter(|row| row.band == Band::Low)
                    .map(|row| (row.id.to_string(), u64::from(row.score)))
                    .collect(),
                split_to: u64::from(Band::MEDIUM_FROM),
            }
        });
        Facts {
            tasks,
            ..Facts::default()
        }
    }

    /// Starts the probes that answer `question`, or all; what they find arrives as reports.
    pub(super) fn probe(&mut self, question: Option<&str>) -> Result<()> {
        let questionnaire = self.questionnaire()?;
        let settings = self.world().ok().map(|world| world.settings);
        let mut probes = self.ports.probes.probes(&self.workspace, settings.as_deref());
        if let Some(id) = question {
            let wanted = questionnaire.question(id).ok_or_else(|| {
                Error::new(
                    ErrorKind::Usage,
                    format!("the questionnaire has no question {id}"),
                )
            })?;
            probes.retain(|probe| {
                probing::awaited(&questionnaire, std::slice::from_ref(probe)).contains(&wanted.id)
            });
        }
        let awaited: BTreeSet<String> = probing::awaited(&questionnaire, &probes);
        self.outlets
            .view(|views| views.probing.extend(awaited.iter().cloned()));
        let reports = self.reporter();
        let scores = reading::task_scores(self.world().ok());
        tokio::spawn(async move {
            let told = reports.clone();
            let probing = probing::run_all(&probes, LONGEST_PROBE, |readings| {
                // The dispatcher is gone only when the session has ended.
                let _ = told.send(Internal::Probed(readings));
            });
            let scoring = async {
                if let Some((readings, shown)) = scores.await {
                    let _ = reports.send(shown);
                    let _ = reports.send(Internal::Probed(readings));
                }
            };
            tokio::join!(probing, scoring);
            let _ = reports.send(Internal::ProbesEnded(awaited));
        });
        Ok(())
    }

    /// Takes what a probe found.
    pub(super) async fn probed(&mut self, readings: Vec<Reading>) -> Result<()> {
        let Ok(questionnaire) = self.questionnaire() else {
            return Ok(());
        };
        let findings = probing::findings(&questionnaire, &readings, self.ports.clock.now());
        self.outlets.view(|views| {
            for finding in &findings {
                views.probing.remove(&finding.question);
            }
        });
        self.found(findings).await?;
        self.derived().await.map(|_| ())
    }

    async fn set(&mut self, path: &[String], value: &str) -> Result<Reply> {
        let file = self.workspace.settings_file();
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let workspace = self.workspace.clone();
        let (value, keys): (String, Vec<String>) =
            (value.to_owned(), keys.into_iter().map(str::to_owned).collect());
        let at = self.ports.clock.now();
        let settings = operations::blocking(move || {
            let text = match std::fs::read_to_string(&file) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => settings::TEMPLATE.to_owned(),
                Err(error) => return Err(Error::io("read", &file, &error)),
            };
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let unchanged = |error: Error| error.hint(format!("{SETTINGS_FILE} is unchanged."));
            // What cannot be read, or would make the file unreadable, is refused before it is written.
            let after = edit::with_value(&text, &keys, &value).map_err(|error| match error.hint {
                Some(_) => error,
                None => unchanged(error),
            })?;
            let settings = settings::Settings::parse(&after, &workspace, &|name| std::env::var(name).ok())
                .map_err(unchanged)?;
            files::write_atomic(&file, after.as_bytes(), files::PRIVATE)?;
            Ok(settings)
        })
        .await?;
        self.settings_read(at, Ok(settings)).await?;
        self.refresh(Capability::Start);
        Ok(Reply::Done)
    }

    /// What follows the end of an operation: readings that are old now.
    pub(super) fn after(&mut self, capability: Capability) {
        if !matches!(
            capability,
            Capability::Assess | Capability::Readiness | Capability::Report
        ) {
            self.refresh(capability);
        }
    }
}
