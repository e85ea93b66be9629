//! `--plain`: the wizard as numbered prompts and lines, for screen readers, braille displays and logs. No colour, no cursor
//! movement, no redrawn line; the same engine, gates and sentences.

mod monitor;

use std::io::{BufRead as _, Write as _};

use tokio::sync::mpsc;

use super::session::Session;
use super::{Ended, Output};
use crate::cli::Consent;
use crate::engine::assess::{Question, Questionnaire, dialogue};
use crate::engine::capability::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::journey;
use crate::engine::operation::Plan;
use crate::engine::ports::Ports;
use crate::engine::readiness::{self, sentences};
use crate::engine::runner::Options;
use crate::engine::snapshot::{Activity, Snapshot};
use crate::engine::text;
use crate::engine::views::Slot;
use crate::engine::workspace::{MigrationType, SETTINGS_FILE, Workspace, files, settings};

/// Questions behind the readiness score; each has up to 25 points.
const READINESS_SECTION: &str = "readiness";

/// What a typed line means at any prompt.
enum Typed {
    /// Enter alone.
    Nothing,
    /// Anything else.
    Text(String),
    /// `b`.
    Back,
    /// `q`, or the end of the input.
    Leave,
    /// `?`.
    Explain,
}

/// Where the dialogue goes after a step.
enum Goes {
    On,
    Back,
    Away,
}

struct Dialogue<'a> {
    session: Session,
    workspace: Workspace,
    lines: mpsc::UnboundedReceiver<String>,
    output: &'a mut Output,
}

/// Runs the dialogue on the workspace.
///
/// # Errors
/// When the workspace cannot be operated.
pub async fn run(workspace: Workspace, options: Options, ports: Ports, output: &mut Output) -> Result<Ended> {
    if !workspace.settings_file().exists() {
        files::write_atomic(
            &workspace.settings_file(),
            settings::TEMPLATE.as_bytes(),
            files::PRIVATE,
        )?;
        output.human(&format!("A new workspace: {}.", workspace.root().display()))?;
    }
    let session = Session::open(workspace.clone(), ports, options).await?;
    let mut dialogue = Dialogue {
        session,
        workspace,
        lines: keyboard(),
        output,
    };
    let walked = dialogue.walk().await;
    dialogue.session.close().await?;
    walked?;
    Ok(Ended::Well)
}

/// Lines of standard input; a thread of its own, because a read of a terminal cannot be interrupted.
fn keyboard() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Dialogue<'_> {
    fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.session.engine().snapshot().borrow().clone()
    }

    fn say(&mut self, line: &str) -> Result<()> {
        self.output.human(line)
    }

    /// Asks, and reads one line. The prompt stands at the end of its line.
    async fn ask(&mut self, prompt: &str) -> Result<Typed> {
        self.output.flush()?;
        let mut out = std::io::stdout().lock();
        write!(out, "{prompt} ")
            .and_then(|()| out.flush())
            .map_err(|error| Error::unavailable(format!("cannot write the prompt: {error}")))?;
        drop(out);
        let Some(line) = self.lines.recv().await else {
            return Ok(Typed::Leave);
        };
        Ok(match line.trim() {
            "" => Typed::Nothing,
            "b" => Typed::Back,
            "q" => Typed::Leave,
            "?" => Typed::Explain,
            "rollback" | "R" => {
                Box::pin(self.operation(Capability::Rollback)).await?;
                return Box::pin(self.ask(prompt)).await;
            }
            other => Typed::Text(other.to_owned()),
        })
    }

    async fn walk(&mut self) -> Result<()> {
        if matches!(self.start().await?, Goes::Away) {
            return Ok(());
        }
        let mut step = journey::resume_at(&self.snapshot());
        if step == Capability::Start {
            step = Capability::Assess;
        }
        loop {
            let goes = match step {
                Capability::Assess => self.assess().await?,
                Capability::Readiness => self.readiness().await?,
                Capability::Start => self.start().await?,
                Capability::Config => match self.conflicts().await? {
                    Goes::On => self.operation(Capability::Config).await?,
                    goes => goes,
                },
                Capability::Monitor => self.watch().await?,
                other => self.operation(other).await?,
            };
            let snapshot = self.snapshot();
            step = match goes {
                Goes::Away => {
                    self.say("Everything so far is kept. The same command goes on from here.")?;
                    return Ok(());
                }
                Goes::Back => journey::preceding(&snapshot, step).unwrap_or(Capability::Start),
                Goes::On => {
                    let Some(next) = journey::following(&snapshot, step) else {
                        self.say("This was the last step.")?;
                        return Ok(());
                    };
                    next
                }
            };
        }
    }

    async fn start(&mut self) -> Result<Goes> {
        self.session
            .ask(Command::CheckSources, self.output)
            .await
            .or_else(|error| {
                if error.kind == ErrorKind::Input {
                    Ok(crate::engine::runner::Reply::Done)
                } else {
                    Err(error)
                }
            })?;
        let views = self.session.engine().views().borrow().clone();
        if let Slot::Failed(_, error) = &views.settings {
            self.say(&format!("Refused: {}.", error.message.trim_end_matches('.')))?;
            if let Some(hint) = &error.hint {
                self.say(&format!("Do: {hint}"))?;
            }
            return Ok(Goes::Away);
        }
        while self.snapshot().migration.is_none() {
            self.say(
                "Start. Which migration is it? 1 greenfield, 2 brownfield, 3 hybrid, 4 version upgrade.",
            )?;
            match self.ask("Type 1 to 4 >").await? {
                Typed::Leave => return Ok(Goes::Away),
                Typed::Explain => {
                    for (i, kind) in MigrationType::ALL.iter().enumerate() {
                        self.say(&format!(
                            "Explain: {} {}: {}.",
                            i + 1,
                            kind.title(),
                            kind.sentence()
                        ))?;
                    }
                }
                Typed::Text(text) => {
                    let chosen = text.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                    let kind = chosen
                        .and_then(|n| MigrationType::ALL.get(n).copied())
                        .or_else(|| {
                            MigrationType::ALL
                                .into_iter()
                                .find(|kind| kind.title() == text || kind.key() == text)
                        });
                    match kind {
                        Some(kind) => {
                            let set = Command::Set {
                                path: vec!["type".to_owned()],
                                value: kind.key().to_owned(),
                            };
                            self.session.ask(set, self.output).await?;
                            self.say(&format!("Kept: {} in {SETTINGS_FILE}.", kind.title()))?;
                        }
                        None => self.say(&format!("Not understood: {text}. Nothing was saved."))?,
                    }
                }
                Typed::Nothing | Typed::Back => {}
            }
        }
        let snapshot = self.snapshot();
        let steps = journey::steps(snapshot.migration);
        self.say(&format!(
            "{}, {}, {} {}. Operator {}. {} steps.",
            snapshot.name,
            snapshot.migration.map_or("no type", MigrationType::title),
            snapshot.environment.word(),
            snapshot.target,
            snapshot
                .session
                .as_ref()
                .map_or("nobody", |holder| holder.operator.as_str()),
            steps.len() - 1
        ))?;
        for warning in &snapshot.warnings {
            self.say(&format!("Warning: {warning}"))?;
        }
        Ok(Goes::On)
    }

    fn heading(&mut self, capability: Capability, more: &str) -> Result<()> {
        let snapshot = self.snapshot();
        let steps = journey::steps(snapshot.migration);
        let Some(number) = steps.iter().position(|c| *c == capability) else {
            return self.say(&format!("{}. {more}", capability.title()));
        };
        self.say(&format!(
            "Step {number} of {}, {}. {more}",
            steps.len() - 1,
            capability.title().to_lowercase()
        ))
    }

    async fn assess(&mut self) -> Result<Goes> {
        let questionnaire = Questionnaire::of(&self.workspace)?;
        self.say("Probing this machine and the databases. It only reads.")?;
        self.session
            .ask(Command::Probe { question: None }, self.output)
            .await?;
        let open: Vec<Question> = self
            .snapshot()
            .answers
            .open(&questionnaire)
            .filter(|question| question.section != READINESS_SECTION)
            .cloned()
            .collect();
        let answered = questionnaire.questions.len() - open.len();
        self.heading(
            Capability::Assess,
            &format!("{answered} answered, {} open.", open.len()),
        )?;
        match self.questions(&open, false).await? {
            Goes::On => self.operation(Capability::Assess).await,
            other => Ok(other),
        }
    }

    async fn readiness(&mut self) -> Result<Goes> {
        let questionnaire = Questionnaire::of(&self.workspace)?;
        let questions: Vec<Question> = questionnaire.in_section(READINESS_SECTION).cloned().collect();
        let answered = questions
            .iter()
            .filter(|q| self.snapshot().answers.get(&q.id).is_some())
            .count();
        self.heading(
            Capability::Readiness,
            &format!(
                "{}, {answered} answered.",
                text::plural(questions.len() as u64, "question", "questions")
            ),
        )?;
        match self.questions(&questions, true).await? {
            Goes::On => {}
            other => return Ok(other),
        }
        self.session.ask(Command::Score, self.output).await?;
        let snapshot = self.snapshot();
        if let Some((_, readiness)) = &snapshot.readiness {
            for line in sentences::plain(readiness, journey::following(&snapshot, Capability::Readiness)) {
                self.say(&line)?;
            }
        }
        Ok(
            match self.ask("Press Enter to go on, b goes back, q leaves >").await? {
                Typed::Leave => Goes::Away,
                Typed::Back => Goes::Back,
                _ => Goes::On,
            },
        )
    }

    async fn questions(&mut self, questions: &[Question], points: bool) -> Result<Goes> {
        let zone = jiff::tz::TimeZone::system();
        let mut at = 0;
        while let Some(question) = questions.get(at) {
            let mut next = at + 1;
            let snapshot = self.snapshot();
            let max = points.then_some(readiness::model::DIMENSION_MAX);
            let line =
                dialogue::question_line(question, &snapshot.answers, at + 1, questions.len(), max, &zone);
            self.say(&line)?;
            loop {
                match self.ask(&dialogue::prompt(question, &snapshot.answers)).await? {
                    Typed::Leave => return Ok(Goes::Away),
                    Typed::Back if at == 0 => return Ok(Goes::Back),
                    Typed::Back => {
                        next = at - 1;
                        break;
                    }
                    Typed::Explain => self.say(&dialogue::explain(question))?,
                    Typed::Nothing if snapshot.answers.get(&question.id).is_none() => {
                        self.say(
                            "Not answered. It can be answered later; until then it counts as unanswered.",
                        )?;
                        break;
                    }
                    Typed::Nothing => {
                        self.kept(question, points)?;
                        break;
                    }
                    Typed::Text(text) => match dialogue::typed(question, &snapshot.answers, &text) {
                        Ok(Some(value)) => {
                            let typed = question.show(&value);
                            let typed = if question.parse(&typed).is_ok() {
                                typed
                            } else {
                                text.clone()
                            };
                            let answer = Command::Answer {
                                question: question.id.clone(),
                                typed,
                            };
                            self.session.ask(answer, self.output).await?;
                            self.kept(question, points)?;
                            break;
                        }
                        Ok(None) => break,
                        Err(refusal) => self.say(&dialogue::refused(question, &text, &refusal))?,
                    },
                }
            }
            at = next;
        }
        Ok(Goes::On)
    }

    fn kept(&mut self, question: &Question, points: bool) -> Result<()> {
        let snapshot = self.snapshot();
        let Some(answer) = snapshot.answers.get(&question.id) else {
            return Ok(());
        };
        let earned = points
            .then(|| {
                readiness::DimensionId::ALL
                    .into_iter()
                    .find(|id| id.question() == question.id)
            })
            .flatten()
            .and_then(|id| readiness::points(id, &answer.value))
            .map(|points| (points, readiness::model::DIMENSION_MAX));
        let line = dialogue::kept(question, &answer.value, earned);
        self.say(&line)
    }

    /// Every conflict of the configuration that is still open, one question each.
    async fn conflicts(&mut self) -> Result<Goes> {
        loop {
            self.session
                .ask(Command::Read(Capability::Config), self.output)
                .await?;
            let mut views = self.session.engine().views();
            let read = views
                .wait_for(|views| !matches!(views.config, Slot::Loading(_) | Slot::Empty))
                .await
                .map_err(|_| Error::unavailable("the session has ended"))?
                .clone();
            // What cannot be read is said by the plan that follows.
            let Some((_, view)) = read.config.value() else {
                return Ok(Goes::On);
            };
            let Some(conflict) = view.open().next().cloned() else {
                return Ok(Goes::On);
            };
            let choices: Vec<String> = conflict
                .choices
                .iter()
                .enumerate()
                .map(|(i, (label, value))| format!("{} {label}: {value}", i + 1))
                .collect();
            self.say(&format!(
                "Config. {} has sources that differ. {}.",
                conflict.path,
                choices.join(", ")
            ))?;
            let number = match self.ask(&format!("Type 1 to {} >", choices.len())).await? {
                Typed::Leave => return Ok(Goes::Away),
                Typed::Back => return Ok(Goes::Back),
                Typed::Text(text) => text
                    .parse::<usize>()
                    .ok()
                    .filter(|n| (1..=choices.len()).contains(n)),
                Typed::Nothing | Typed::Explain => None,
            };
            match number {
                Some(number) => {
                    let decide = Command::Decide {
                        capability: Capability::Config,
                        subject: format!("choice:{}", conflict.path),
                        choice: number.into(),
                    };
                    self.session.ask(decide, self.output).await?;
                    self.say(&format!("Kept: {number} for {}.", conflict.path))?;
                }
                None => self.say("Not understood. Nothing was saved.")?,
            }
        }
    }

    /// A step that is a plan, an approval and a run.
    async fn operation(&mut self, capability: Capability) -> Result<Goes> {
        let verb = match capability {
            Capability::Assess | Capability::Report => "write",
            Capability::Compare => crate::engine::compare::RUN,
            Capability::Validate => crate::engine::validate::RUN,
            _ => "apply",
        };
        let activity = self.snapshot().activity(capability);
        self.heading(capability, &format!("State: {}.", activity.word()))?;
        let plan = match self.session.plan(capability, verb, self.output).await {
            Ok(plan) => plan,
            Err(error) => {
                self.say(&format!("Refused: {}.", error.message.trim_end_matches('.')))?;
                if let Some(hint) = &error.hint {
                    self.say(&format!("Do: {hint}"))?;
                }
                return Ok(
                    match self.ask("Press Enter to go on, b goes back, q leaves >").await? {
                        Typed::Leave => Goes::Away,
                        Typed::Back => Goes::Back,
                        _ => Goes::On,
                    },
                );
            }
        };
        self.effects(&plan)?;
        let Some(consent) = self.consent(&plan).await? else {
            return Ok(Goes::Away);
        };
        let Some(consent) = consent else {
            self.say("Cancelled. Nothing is changed.")?;
            return Ok(Goes::On);
        };
        let engine = self.session.engine().clone();
        let applied = tokio::select! {
            applied = self.session.apply(capability, verb, &consent, self.output) => applied,
            // Only what goes wrong at the keyboard ends this one first.
            Err(error) = super::plain_questions::answer(&engine, &mut self.lines) => Err(error),
        };
        match applied {
            Ok(Some(outcome)) => {
                let word = if outcome.quarantined > 0 {
                    "Done, with quarantine"
                } else {
                    "Done"
                };
                self.say(&format!("{word}: {}.", outcome.summary.trim_end_matches('.')))?;
                if outcome.source > 0 {
                    self.say(&format!(
                        "Accounted for: {} = {} + {}.",
                        text::count(outcome.source),
                        text::count(outcome.converted),
                        text::count(outcome.quarantined)
                    ))?;
                }
            }
            Ok(None) => {}
            Err(error) => {
                let stopped = self.snapshot().activity(capability) == Activity::Stopped;
                self.say(&format!(
                    "{}: {error}.",
                    if stopped { "Stopped" } else { "Failed" }
                ))?;
                if let Some(hint) = &error.hint {
                    self.say(&format!("Do: {hint}"))?;
                }
            }
        }
        Ok(Goes::On)
    }

    fn effects(&mut self, plan: &Plan) -> Result<()> {
        self.say(&format!(
            "Plan {}: {}. On {}.",
            plan.digest, plan.title, plan.target
        ))?;
        for effect in &plan.effects {
            let count = effect
                .count
                .map_or_else(String::new, |n| format!("{} ", text::count(n)));
            self.say(&format!("Effect: {} {count}{}.", effect.act, effect.what))?;
        }
        let undo = plan
            .undo
            .as_deref()
            .unwrap_or("none; the name of the target must be typed");
        self.say(&format!("Undo: {undo}."))
    }

    /// `None`: leave; `Some(None)`: cancelled.
    async fn consent(&mut self, plan: &Plan) -> Result<Option<Option<Consent>>> {
        let agreed = |confirm| {
            Some(Some(Consent {
                yes: false,
                approve: Some(plan.digest.clone()),
                confirm,
            }))
        };
        if !plan.needs_approval {
            let explain = "Enter writes what was just listed; anything else writes nothing.";
            return Ok(
                match self
                    .answer("Press Enter to write, or type no to skip >", explain)
                    .await?
                {
                    Typed::Leave => None,
                    Typed::Nothing => agreed(None),
                    _ => Some(None),
                },
            );
        }
        if plan.asks_name() {
            let why = plan.undo.as_deref().map_or_else(
                || "there is no way back from this.".to_owned(),
                |undo| format!("rows are removed; {undo}."),
            );
            let explain = format!(
                "{why} The name is {}; anything else changes nothing.",
                plan.target
            );
            return Ok(
                match self.answer("Type the name of the target >", &explain).await? {
                    Typed::Leave => None,
                    Typed::Text(name) if name == plan.target => agreed(Some(name)),
                    _ => Some(None),
                },
            );
        }
        let wanted = format!("apply {}", plan.digest);
        let prompt = format!("Type {wanted} to go on, or press Enter to cancel >");
        let explain = "the word and the number of the plan say that these effects are wanted and no others.";
        Ok(match self.answer(&prompt, explain).await? {
            Typed::Leave => None,
            Typed::Text(text) if text == wanted => agreed(None),
            _ => Some(None),
        })
    }

    /// Asks until something else than an explanation is wanted.
    async fn answer(&mut self, prompt: &str, explain: &str) -> Result<Typed> {
        loop {
            match self.ask(prompt).await? {
                Typed::Explain => self.say(&format!("Explain: {explain}"))?,
                typed => return Ok(typed),
            }
        }
    }
}
