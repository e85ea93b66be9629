//! `monitor run|replay|status|explain|…`: the watch for scripts, prompts and on-call.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::session::Session;
use super::{Ended, Output, stoppable, told};
use crate::cli::{JudgedBy, Monitor, MonitorVerb};
use crate::engine::Capability;
use crate::engine::command::Command;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::event::EventKind;
use crate::engine::journal;
use crate::engine::monitor::decide::{self, Asked};
use crate::engine::monitor::replay::{Judgement, replay};
use crate::engine::monitor::{Criteria, Evaluator, Point, Policy, Watch, explain, handover, verdict};
use crate::engine::ports::Ports;
use crate::engine::runner::{Options, lock};
use crate::engine::snapshot::Snapshot;
use crate::engine::stopping::Waiting;
use crate::engine::text;
use crate::engine::workspace::Workspace;
use crate::engine::workspace::settings::Settings;

/// Runs the verb.
///
/// # Errors
/// What the input, the criteria or the engine refuse.
pub async fn run(
    verb: Monitor,
    workspace: Workspace,
    options: Options,
    ports: Ports,
    output: &mut Output,
) -> Result<Ended> {
    let verb = verb.verb.unwrap_or(MonitorVerb::Run);
    if let MonitorVerb::Replay {
        file,
        policy,
        criteria,
    } = &verb
    {
        return replayed(file, *policy, criteria.as_deref(), output);
    }
    super::must_be_set_up(&workspace)?;
    let now = ports.clock.now();
    let reasoned = |reason: String| json!({"reason": reason});
    let (subject, choice) = match verb {
        MonitorVerb::Run | MonitorVerb::Replay { .. } => {
            return watch(workspace, options, ports, output).await;
        }
        MonitorVerb::Status => return status(&read(&workspace, &ports).await?, now, output),
        MonitorVerb::Explain { at } => {
            return explained(&read(&workspace, &ports).await?, at.as_deref(), output);
        }
        MonitorVerb::Handover { since } => {
            return handed_over(&read(&workspace, &ports).await?, since.as_deref(), now, output);
        }
        MonitorVerb::Ack { reason } => ("acknowledge", reasoned(reason)),
        MonitorVerb::Snooze { minutes: 0, .. } => ("snooze", Value::Null),
        MonitorVerb::Snooze { minutes, reason } => {
            let until = now
                .saturating_add(jiff::SignedDuration::from_mins(i64::from(minutes)))
                .map_err(|error| Error::bug(error.to_string()))?;
            ("snooze", json!({"reason": reason, "until": until}))
        }
        MonitorVerb::Unlatch { reason } => ("unlatch", reasoned(reason)),
        MonitorVerb::Arm { reason, confirm } => ("armed", json!({"reason": reason, "target": confirm})),
        MonitorVerb::Disarm => ("armed", Value::Null),
        MonitorVerb::Baseline { seconds, reason } => {
            ("baseline", json!({"seconds": seconds, "reason": reason}))
        }
        MonitorVerb::Mark { text } => ("mark", json!({"text": text})),
    };
    decide(workspace, options, ports, subject, choice, output).await
}

/// Records a decision: in a session of our own, or by leaving it for the one that operates the workspace.
async fn decide(
    workspace: Workspace,
    options: Options,
    ports: Ports,
    subject: &str,
    choice: Value,
    output: &mut Output,
) -> Result<Ended> {
    let snapshot = read(&workspace, &ports).await?;
    let now = ports.clock.now();
    if let Some(why) = locked(&workspace, &options) {
        return Err(Error::blocked(why));
    }
    decide::check(
        snapshot.monitor.as_deref(),
        now,
        text::last_name(&snapshot.target),
        subject,
        &choice,
    )?;
    let by = options.me.operator.clone();
    let told = told_as(subject, &choice);
    if options.dry_run {
        if output.json() {
            output.document(&json!({"subject": told, "by": by, "state": "not recorded: a dry run"}))?;
        } else {
            output.human(&format!(
                "Dry run: {told} would be recorded, by {by}. Nothing is changed."
            ))?;
        }
        return Ok(Ended::Well);
    }
    let said = match Session::open(workspace.clone(), ports, options).await {
        Ok(mut session) => {
            let command = Command::Decide {
                capability: Capability::Monitor,
                subject: subject.to_owned(),
                choice,
            };
            let answer = session.ask(command, output).await;
            session.close().await?;
            answer?;
            "recorded"
        }
        Err(error) if error.kind == ErrorKind::Blocked => {
            let asked = Asked {
                subject: subject.to_owned(),
                choice,
                by: by.clone(),
                at: now,
            };
            decide::leave(&workspace, &asked)?;
            "left for the session that operates this workspace"
        }
        Err(error) => return Err(error),
    };
    if output.json() {
        output.document(&json!({"subject": told, "by": by, "state": said}))?;
    } else {
        output.human(&format!("{told}: {said}, by {by}."))?;
    }
    Ok(Ended::Well)
}

/// What was decided, as it is told: the end of a thing is not its beginning.
fn told_as<'a>(subject: &'a str, choice: &Value) -> &'a str {
    match subject {
        "armed" if choice.is_null() => "disarmed",
        "snooze" if choice.is_null() => "snooze ended",
        other => other,
    }
}

/// Why nothing may be decided here, in the words with which an operation is refused.
fn locked(workspace: &Workspace, options: &Options) -> Option<String> {
    // A dry run tells what would be recorded; settings that cannot be read are refused when the session is opened, with their reason.
    let options = Options {
        dry_run: false,
        ..options.clone()
    };
    let settings = Settings::load(workspace, &|name| std::env::var(name).ok()).ok();
    lock(&options, settings.as_ref())?.why
}

/// The journal's snapshot, without opening a session.
async fn read(workspace: &Workspace, ports: &Ports) -> Result<Snapshot> {
    let journal = ports.journals.follow(&workspace.journal_file()).await?;
    journal::fold(journal.as_ref()).await
}

fn watched(snapshot: &Snapshot) -> Result<&Watch> {
    snapshot.monitor.as_deref().ok_or_else(|| {
        Error::blocked("nothing is watched yet")
            .hint("maos-migrate monitor run begins, or the Monitor screen.")
    })
}

fn ended(watch: &Watch) -> Ended {
    if watch.should_roll_back() {
        Ended::RollBack
    } else {
        Ended::Well
    }
}

fn judgement(point: &Point, watch: &Watch) -> Result<Value> {
    let evaluator = Evaluator::new(*watch.criteria(), point.verdict.policy);
    let at = RawValue::from_string(format!("\"{}\"", verdict::clock(point.at()))).ok();
    let line = Judgement::of(&point.verdict, &evaluator, at.as_deref());
    let mut value = serde_json::to_value(&line).map_err(|error| Error::bug(error.to_string()))?;
    value["source"] = point.taken.source.clone().into();
    value["took_ms"] = point.taken.ms.into();
    value["missing"] = point.taken.why.clone().into();
    Ok(value)
}

fn status(snapshot: &Snapshot, now: Timestamp, output: &mut Output) -> Result<Ended> {
    let watch = watched(snapshot)?;
    let age = watch.age(now);
    let word = watch
        .verdict()
        .map_or("no verdict", |verdict| verdict.word.name());
    let score = watch
        .verdict()
        .map_or(0, crate::engine::monitor::Verdict::standing_score);
    if output.json() {
        output.document(&json!({
            "verdict": watch.verdict().map(|verdict| verdict.word.name()),
            "should_rollback": watch.should_roll_back(),
            "latched": watch.verdict().is_some_and(crate::engine::monitor::Verdict::latched),
            "score": score,
            "age_s": age,
            "stale": watch.is_stale(now),
            "on": watch.on,
            "samples": watch.samples,
            "lost": watch.lost,
            "frozen": watch.verdict().is_some_and(|verdict| verdict.frozen),
            "armed": watch.armed.is_some(),
            "countdown": watch.countdown,
            "acknowledged": watch.acknowledged.is_some(),
            "snoozed": watch.is_snoozed(now),
        }))?;
    } else {
        let age = age.map_or_else(|| "no sample yet".to_owned(), |age| format!("{age} s old"));
        let mut line = format!(
            "{} score {score}, {age}",
            if word == "breach" { "BREACH" } else { word }
        );
        if watch.is_stale(now) {
            line.push_str(", STALE");
        }
        if !watch.on {
            line.push_str(", not watching");
        }
        if watch.countdown.is_some() {
            line.push_str(", ROLLBACK COUNTS DOWN");
        }
        output.human(&line)?;
    }
    Ok(ended(watch))
}

fn moment(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|_| {
        Error::new(ErrorKind::Usage, format!("{text} is no time"))
            .hint("Write it like 2026-11-22T03:14:06Z, with the zone.")
    })
}

fn explained(snapshot: &Snapshot, at: Option<&str>, output: &mut Output) -> Result<Ended> {
    let watch = watched(snapshot)?;
    let limit = at
        .map(moment)
        .transpose()?
        .map_or(i64::MAX, Timestamp::as_microsecond);
    let point = watch
        .history
        .iter()
        .rev()
        .find(|point| point.at() <= limit)
        .ok_or_else(|| Error::input("no sample is kept from then"))?;
    let lines = explain::lines(
        &point.verdict,
        Some(&point.guide),
        watch.criteria(),
        watch.baseline(),
        &|judged| {
            let before = watch.history.iter().filter(|one| one.at() <= point.at());
            let times = explain::confirming(before, judged);
            let clock = |at: &i64| {
                let at = crate::engine::monitor::watch::time(*at);
                at.map_or_else(String::new, |at| at.strftime("%H:%M:%SZ").to_string())
            };
            times.iter().map(clock).collect::<Vec<_>>().join(", ")
        },
    );
    if output.json() {
        let mut value = judgement(point, watch)?;
        value["explanation"] = serde_json::to_value(&lines).map_err(|error| Error::bug(error.to_string()))?;
        value["figures"] =
            serde_json::to_value(point.verdict).map_err(|error| Error::bug(error.to_string()))?;
        output.document(&value)?;
    } else {
        output.human(&format!(
            "Sample {} from {}, policy default: {}",
            verdict::clock(point.at()),
            point.taken.source,
            point.verdict.word.name()
        ))?;
        for line in &lines {
            output.human(format!("  {:<14} {:<50} {}", line.name, line.text, line.result).trim_end())?;
        }
        for why in &point.taken.why {
            output.human(&format!("  missing: {why}"))?;
        }
    }
    Ok(ended(watch))
}

fn handed_over(
    snapshot: &Snapshot,
    since: Option<&str>,
    now: Timestamp,
    output: &mut Output,
) -> Result<Ended> {
    let watch = watched(snapshot)?;
    let since = match since {
        Some(text) => moment(text)?,
        None => now
            .saturating_sub(jiff::SignedDuration::from_hours(8))
            .map_err(|error| Error::bug(error.to_string()))?,
    };
    let note = handover::since(watch, since, now);
    if output.json() {
        output.document(&note)?;
    } else {
        output.human(&format!(
            "Since {}: {} samples, {} lost.",
            note.since, note.samples, note.lost
        ))?;
        for line in &note.stands {
            output.human(line)?;
        }
        for change in &note.changes {
            output.human(&format!(
                "  {}  {:<8} {}",
                change.at,
                change.kind.word(),
                change.sentence()
            ))?;
        }
    }
    Ok(ended(watch))
}

/// Takes samples until the watch is over, the verdict is to roll back, or a signal comes.
async fn watch(workspace: Workspace, options: Options, ports: Ports, output: &mut Output) -> Result<Ended> {
    let mut session = Session::open(workspace, ports, options).await?;
    let mut events = session.engine().events();
    let mut snapshots = session.engine().snapshot();
    let command = Command::Decide {
        capability: Capability::Monitor,
        subject: "watching".to_owned(),
        choice: Value::Bool(true),
    };
    if let Err(error) = session.ask(command, output).await {
        session.close().await?;
        return Err(error);
    }
    let mut signals = super::session::Signals::new()?;
    let result = loop {
        tokio::select! {
            event = events.recv() => match event {
                None => break Err(Error::unavailable("the session has ended")),
                Some(event) => match &event.kind {
                    EventKind::Sampled { .. } => {
                        let seen = snapshots
                            .wait_for(|snapshot| snapshot.seq >= event.seq)
                            .await
                            .map(|snapshot| snapshot.clone())
                            .map_err(|_| Error::unavailable("the session has ended"));
                        let told = seen.and_then(|snapshot| {
                            let watch = watched(&snapshot)?;
                            tell(watch, output)?;
                            // Armed, it goes on: the countdown and the rollback belong to this session.
                            Ok(watch.should_roll_back() && watch.armed.is_none())
                        });
                        match told {
                            Ok(false) => {}
                            Ok(true) => break Ok(Ended::RollBack),
                            Err(error) => break Err(error),
                        }
                    }
                    EventKind::Finished { capability: Capability::Monitor, outcome, .. } => {
                        output.note(&format!("done: {}", outcome.summary));
                        break Ok(Ended::Well);
                    }
                    EventKind::Finished { capability: Capability::Rollback, outcome, .. } => {
                        output.note(&format!("rolled back: {}", outcome.summary));
                        break Ok(Ended::RollBack);
                    }
                    EventKind::Started { capability: Capability::Rollback, title, .. } => output.note(title),
                    // The verdict still holds and nobody went back: whoever waits for this program has to know now.
                    EventKind::Failed { capability: Capability::Rollback, error, .. } => break Err(error.clone()),
                    EventKind::Stopped { capability: Capability::Rollback, reason } => {
                        break Err(Error::interrupted(format!("the rollback was stopped: {reason}"))
                            .hint("maos-migrate rollback apply goes on from there."));
                    }
                    EventKind::WatchEnded { reason } => output.note(reason),
                    EventKind::Noted { capability: Some(Capability::Monitor), text, .. } => output.note(text),
                    EventKind::Decided { capability: Capability::Monitor, .. } => output.note(&event.kind.sentence()),
                    _ => {}
                },
            },
            () = signals.any() => {
                let counts = snapshots.borrow().monitor.as_ref().is_some_and(|watch| watch.countdown.is_some());
                let said = if counts {
                    "stopped; the watch and its countdown begin anew with the next monitor run; monitor disarm ends the countdown"
                } else {
                    "stopped; the watch goes on with the next monitor run"
                };
                break Err(Error::interrupted(said));
            }
        }
    };
    session.close().await?;
    result
}

fn tell(watch: &Watch, output: &mut Output) -> Result<()> {
    let Some(point) = watch.last() else {
        return Ok(());
    };
    if output.json() {
        output.document(&judgement(point, watch)?)?;
    } else {
        let verdict = &point.verdict;
        let reasons = verdict.reasons(watch.criteria());
        output.human(&format!(
            "{}  {:<7} score {}  {}{}{}",
            verdict::clock(point.at()),
            verdict.word.name(),
            verdict.standing_score(),
            verdict.recommendation(watch.criteria()),
            if reasons.is_empty() { "" } else { ": " },
            reasons.join("; ")
        ))?;
    }
    output.flush()
}

fn replayed(file: &Path, policy: JudgedBy, criteria: Option<&Path>, output: &mut Output) -> Result<Ended> {
    let user = criteria
        .map(|path| std::fs::read_to_string(path).map_err(|error| Error::io("read", path, &error)))
        .transpose()?;
    let name = criteria.map_or_else(String::new, |path| path.display().to_string());
    let criteria = Criteria::with(&name, user.as_deref())?;
    let policy = match policy {
        JudgedBy::Default => Policy::Default,
        JudgedBy::Guide => Policy::Guide,
    };
    let mut evaluator = Evaluator::new(criteria, policy);
    let control = told(output);
    let live = file.as_os_str() == "-";
    let reader: Box<dyn BufRead + Send> = if live {
        Box::new(BufReader::new(Waiting::new(
            std::io::stdin(),
            Some(control.clone()),
        )))
    } else {
        let open = File::open(file).map_err(|error| Error::io("open", file, &error))?;
        if open.metadata().is_ok_and(|kind| kind.is_file()) {
            Box::new(BufReader::with_capacity(256 * 1024, open))
        } else {
            Box::new(BufReader::new(Waiting::new(open, Some(control.clone()))))
        }
    };
    let done = stoppable(&control, || {
        replay(reader, &mut evaluator, &control, |verdict, evaluator, at| {
            let judged = Judgement::of(verdict, evaluator, at);
            if output.json() {
                output.document(&judged)?;
            } else {
                let at = judged.at.map_or("no time", |at| at.get()).trim_matches('"');
                output.human(&format!(
                    "{at}  {:<7} score {}  {}{}{}",
                    judged.verdict,
                    judged.score,
                    judged.recommendation,
                    if judged.reasons.is_empty() { "" } else { ": " },
                    judged.reasons.join("; ")
                ))?;
            }
            // Whoever writes the samples one by one wants each answer at once.
            if live { output.flush() } else { Ok(()) }
        })
    })?;
    let Some(end) = done.end else {
        return Err(Error::input("there is no sample in it")
            .hint("A line is a JSON object with at, tasks, response_p95_s, health and validation."));
    };
    output.human(&format!(
        "{} judged by policy {}, {} doubled or late; at the end: {}, score {}{}.",
        text::plural(done.samples, "sample", "samples"),
        policy.name(),
        text::count(done.aside),
        end.word.name(),
        end.standing_score(),
        end.latch
            .map(|latch| format!(", latched since {}", verdict::clock(latch.at)))
            .unwrap_or_default()
    ))?;
    Ok(if end.should_roll_back {
        Ended::RollBack
    } else {
        Ended::Well
    })
}
