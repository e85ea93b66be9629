//! The second pass: converts batch by batch in parallel and writes in order.

use std::fmt::Write as _;
use std::io::{BufRead as _, Read as _, Write as _};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::census::{BATCH, Census, Checked, Fate, check, fold, id_hash};
use super::maos::{self, Settings};
use super::{Converted, Request, Statistics, Summary};
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice, Outcome, Progress, ProofLine, Quarantined};
use crate::engine::tasks::decompose::decompose;
use crate::engine::tasks::input::{LegacyTask, Records, Refused};
use crate::engine::tasks::model::{Band, TaskId};
use crate::engine::tasks::types;
use crate::engine::text::{count, inert_short, plural};
use crate::engine::workspace::files::{self, AtomicFile, SHARED};

/// A line of the quarantine file.
#[derive(Serialize)]
struct QuarantineLine<'a> {
    line: u64,
    id: Option<&'a TaskId>,
    reason: &'a str,
    place: &'a str,
    why: &'a str,
    raw: String,
}

enum Made {
    Task { json: Vec<u8>, facts: Facts },
    Aside { json: Vec<u8>, notice: Quarantined },
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each counted on its own"
)]
struct Facts {
    kind: String,
    priority: String,
    score: u8,
    subtasks: usize,
    accepted: bool,
    outdated: bool,
    default_priority: bool,
    default_id: bool,
    unusual_timeout: bool,
    satisfied: usize,
    dropped: usize,
    omitted_type: bool,
}

fn hint(reason: &str) -> &'static str {
    match reason {
        "no_description" => "Give it a description, then convert again.",
        "duplicate_id" => "Give it an id of its own, or take it out.",
        "missing_dependency" | "depends_on_quarantined" | "dependency_cycle" | "self_dependency" => {
            "Mend its dependencies, then convert again."
        }
        "unknown_priority" => "Add the spelling to priorities in tasks/rules.yml, or correct it.",
        _ => "Correct the record, then convert again.",
    }
}

fn aside(refused: &Refused, id: Option<&TaskId>) -> Made {
    let line = QuarantineLine {
        line: refused.line,
        id,
        reason: refused.reason,
        place: &refused.place,
        why: &refused.why,
        raw: refused.raw_text(),
    };
    let mut json = serde_json::to_vec(&line).unwrap_or_default();
    json.push(b'\n');
    Made::Aside {
        json,
        notice: Quarantined {
            kind: "task".to_owned(),
            key: id.map_or_else(
                || format!("line {}", refused.line),
                |id| inert_short(&id.to_string(), 60),
            ),
            reason: refused.reason.to_owned(),
            place: if refused.place.is_empty() {
                format!("line {}", refused.line)
            } else {
                format!("line {}, {}", refused.line, refused.place)
            },
            why: refused.why.clone(),
            hint: hint(refused.reason).to_owned(),
            raw: inert_short(&line.raw, 400),
        },
    }
}

fn one(
    request: &Request,
    census: &Census,
    settings: &Settings,
    checked: Checked,
    fate: Fate,
    raw: &[u8],
) -> Made {
    let task: LegacyTask = match checked.task {
        Err(refused) => return aside(&refused, None),
        Ok(task) => task,
    };
    if fate != Fate::Converted {
        let (reason, why) = fate.reason();
        let refused = Refused {
            line: task.line,
            reason,
            place: "id".to_owned(),
            why: why.to_owned(),
            raw: raw.to_vec(),
        };
        return aside(&refused, Some(&task.id));
    }
    let edited = request.accepted.get(&task.id.to_string());
    let accepted = edited.filter(|plan| plan.original == task.description);
    let outdated = edited.is_some() && accepted.is_none();
    let made;
    let plan = if let Some(plan) = accepted {
        plan
    } else {
        made = decompose(task.id.clone(), &task.description, &request.rules);
        &made
    };
    let kind = types::of_task(&task.description, &request.rules);
    let absent = |id: &&TaskId| census.absent.binary_search(&id_hash(id)).is_ok();
    let satisfied: Vec<TaskId> = task
        .dependencies
        .iter()
        .filter(|id| census.satisfied.binary_search(&id_hash(id)).is_ok())
        .cloned()
        .collect();
    let dropped: Vec<TaskId> = task.dependencies.iter().filter(absent).cloned().collect();
    let left_out = [satisfied.as_slice(), dropped.as_slice()].concat();
    let mut facts = Facts {
        kind: kind.clone(),
        priority: String::new(),
        score: plan.parallelism.score,
        subtasks: plan.subtasks.len(),
        accepted: accepted.is_some(),
        outdated,
        default_priority: task.priority.is_none(),
        default_id: task.id_made,
        unusual_timeout: task
            .timeout
            .is_some_and(|timeout| !(60..=7200).contains(&timeout)),
        satisfied: satisfied.len(),
        dropped: dropped.len(),
        omitted_type: false,
    };
    let task = maos::convert(task, plan, accepted.is_some(), kind, &left_out, settings);
    facts.omitted_type = task.kind.is_none();
    facts.priority.clone_from(&task.priority);
    Made::Task {
        json: serde_json::to_vec(&task).unwrap_or_default(),
        facts,
    }
}

impl Statistics {
    fn add(&mut self, facts: Facts) {
        let up = |map: &mut std::collections::BTreeMap<String, u64>, key: String| {
            *map.entry(key).or_default() += 1;
        };
        self.converted += 1;
        self.subtasks += facts.subtasks as u64;
        self.accepted += u64::from(facts.accepted);
        self.outdated_plans += u64::from(facts.outdated);
        self.default_priorities += u64::from(facts.default_priority);
        self.default_ids += u64::from(facts.default_id);
        self.unusual_timeouts += u64::from(facts.unusual_timeout);
        self.satisfied_dependencies += facts.satisfied as u64;
        self.dropped_dependencies += facts.dropped as u64;
        self.omitted_types += u64::from(facts.omitted_type);
        self.average_score += f64::from(facts.score);
        up(&mut self.bands, Band::of(facts.score).name().to_owned());
        up(&mut self.types, facts.kind);
        up(&mut self.priorities, facts.priority);
    }
}

/// Keeps a file that is about to be replaced by another content. A killed conversion of the same records may have left its
/// log and its quarantine behind: they say the same but for the moment, and are not worth keeping.
fn keep_before(path: &Path, new: &AtomicFile) -> Result<()> {
    if path.exists() && !files::sha256_file(path).is_ok_and(|there| there == new.sha256()) {
        let mut name = path.as_os_str().to_owned();
        name.push(".before");
        std::fs::copy(path, &name).map_err(|error| Error::io("copy", path, &error))?;
    }
    Ok(())
}

/// Whether two conversion logs differ by nothing but the moment.
fn same_but_moment(one: &str, other: &str) -> bool {
    one.lines()
        .filter(|line| !line.starts_with(STARTED))
        .eq(other.lines().filter(|line| !line.starts_with(STARTED)))
}

/// How the log's line of the moment begins.
const STARTED: &str = "started      ";

/// The moment an earlier conversion wrote into its tasks, when there is one.
fn earlier_start(path: &Path) -> Option<jiff::Timestamp> {
    let file = std::fs::File::open(path).ok()?;
    let mut lines = std::io::BufReader::new(file.take(FIRST_TASK)).lines();
    let line = lines.nth(1)?.ok()?;
    let task: maos::MaosTask = serde_json::from_str(line.trim_end_matches(',')).ok()?;
    Some(task.metadata.converted_at)
}

/// Bytes of an earlier result in which its first task is looked for.
const FIRST_TASK: u64 = 16 * 1024 * 1024;
/// Records set aside that are told again when an earlier result is found in place.
const TOLD: usize = 1_000;

/// Converts. A result that differs from the one in place by nothing but its moment is left alone, moment and all.
pub(super) fn run(request: &Request, census: &Census, control: &Control) -> Result<Converted> {
    if let Some(before) = earlier_start(&request.targets.tasks).filter(|before| *before != request.started) {
        let as_before = Request {
            started: before,
            ..request.clone()
        };
        if let Some(converted) = pass(&as_before, census, control, true)? {
            return Ok(converted);
        }
    }
    pass(request, census, control, false)?
        .ok_or_else(|| Error::bug("a conversion that replaces gave no result"))
}

/// One pass over the input. `only_compare`: nothing is written, and `None` says that the results in place are others.
#[expect(
    clippy::too_many_lines,
    reason = "one pass, told from its beginning to its end"
)]
fn pass(
    request: &Request,
    census: &Census,
    control: &Control,
    only_compare: bool,
) -> Result<Option<Converted>> {
    let settings = Settings {
        dialect: request.dialect,
        started: request.started,
    };
    let mut records = Records::open(&request.input)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| Error::io("write", &path, &error)
    };
    let mut out = AtomicFile::create(&request.targets.tasks, SHARED)?;
    let mut set_aside = AtomicFile::create(&request.targets.quarantine, SHARED)?;
    let mut statistics = Statistics::default();
    let mut told = Vec::new();
    let mut digest = 0;
    out.write_all(b"[").map_err(failed(&request.targets.tasks))?;
    let mut items = records.batch(BATCH)?;
    // What is converted and not written yet.
    let mut buffer = Vec::new();
    while !items.is_empty() {
        control.safe_point()?;
        let first = statistics.total;
        // Raw forms are only needed of what is set aside for its neighbours' sake.
        let raws: Vec<Vec<u8>> = items
            .iter()
            .enumerate()
            .map(|(i, item)| match (item, fate_of(census, first + i as u64)) {
                (crate::engine::tasks::input::Item::Record(raw), fate) if fate != Fate::Converted => {
                    raw.bytes().to_vec()
                }
                _ => Vec::new(),
            })
            .collect();
        // The tasks before are written and the next records read while these are converted.
        let (around, (digests, made)) = rayon::join(
            || (out.write_all(&buffer), records.batch(BATCH)),
            || {
                let checked = check(items, first, &request.rules);
                let digests: Vec<u64> = checked.iter().map(|record| record.digest).collect();
                let made: Vec<Made> = checked
                    .into_par_iter()
                    .zip(raws)
                    .enumerate()
                    .with_min_len(32)
                    .map(|(i, (checked, raw))| {
                        let fate = fate_of(census, first + i as u64);
                        one(request, census, &settings, checked, fate, &raw)
                    })
                    .collect();
                (digests, made)
            },
        );
        let (written, next) = around;
        written.map_err(failed(&request.targets.tasks))?;
        items = next?;
        statistics.total += digests.len() as u64;
        digest = digests.into_iter().fold(digest, fold);
        buffer.clear();
        for made in made {
            match made {
                Made::Task { json, facts } => {
                    buffer.extend_from_slice(if statistics.converted == 0 { b"\n" } else { b",\n" });
                    buffer.extend_from_slice(&json);
                    statistics.add(facts);
                }
                Made::Aside { json, notice } => {
                    set_aside
                        .write_all(&json)
                        .map_err(failed(&request.targets.quarantine))?;
                    statistics.quarantined += 1;
                    *statistics.reasons.entry(notice.reason.clone()).or_default() += 1;
                    if !only_compare {
                        control.notice(Notice::Quarantined(notice));
                    } else if told.len() < TOLD {
                        told.push(notice);
                    }
                }
            }
        }
        control.progress(Progress {
            done: statistics.converted,
            total: Some(census.fates.len() as u64),
            quarantined: statistics.quarantined,
            unit: "tasks".to_owned(),
            phase: "converting".to_owned(),
            bytes: records.bytes_read(),
            bytes_total: Some(census.bytes),
            ..Progress::default()
        });
    }
    out.write_all(&buffer).map_err(failed(&request.targets.tasks))?;
    if digest != census.digest || statistics.total != census.fates.len() as u64 {
        return Err(
            Error::blocked(format!("{} changed while it was converted", request.name))
                .hint("Nothing was written. Convert again when nobody writes to it."),
        );
    }
    out.write_all(b"\n]\n").map_err(failed(&request.targets.tasks))?;
    if statistics.converted > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a count far below 2^53")]
        let converted = statistics.converted as f64;
        statistics.average_score /= converted;
    }
    let mut log = AtomicFile::create(&request.targets.log, SHARED)?;
    let told_in_log = report(request, &statistics);
    log.write_all(told_in_log.as_bytes())
        .map_err(failed(&request.targets.log))?;
    control.safe_point()?;
    if only_compare {
        let in_place = |file: &AtomicFile, path: &Path| {
            files::sha256_file(path).is_ok_and(|there| there == file.sha256())
        };
        let same = in_place(&out, &request.targets.tasks)
            && in_place(&set_aside, &request.targets.quarantine)
            && in_place(&log, &request.targets.log);
        if !same {
            return Ok(None);
        }
        for notice in told {
            control.notice(Notice::Quarantined(notice));
        }
        let mut converted = finish(request, statistics, census.digest, digest);
        converted.outcome.unchanged = converted.outcome.converted;
        return Ok(Some(converted));
    }
    keep_before(&request.targets.tasks, &out)?;
    keep_before(&request.targets.quarantine, &set_aside)?;
    if std::fs::read_to_string(&request.targets.log).is_ok_and(|there| !same_but_moment(&there, &told_in_log))
    {
        keep_before(&request.targets.log, &log)?;
    }
    // The tasks' file comes last: where it is, the other two are.
    log.commit()?;
    set_aside.commit()?;
    out.commit()?;
    Ok(Some(finish(request, statistics, census.digest, digest)))
}

fn fate_of(census: &Census, number: u64) -> Fate {
    usize::try_from(number)
        .ok()
        .and_then(|number| census.fates.get(number))
        .copied()
        .unwrap_or(Fate::Unreadable)
}

fn finish(request: &Request, statistics: Statistics, planned: u64, converted_from: u64) -> Converted {
    let Statistics {
        total,
        converted,
        quarantined,
        ..
    } = statistics;
    let shown = |path: &Path| path.display().to_string();
    let summary = if total == 0 {
        format!("0 tasks in {}. That is allowed.", request.name)
    } else if quarantined == 0 {
        format!("Converted {}.", plural(converted, "task", "tasks"))
    } else {
        format!(
            "Converted {}, {} quarantined.",
            plural(converted, "task", "tasks"),
            count(quarantined)
        )
    };
    let outcome = Outcome {
        source: total,
        converted,
        unchanged: 0,
        quarantined,
        proof: vec![
            ProofLine {
                what: "records read = tasks written + records set aside".to_owned(),
                source: count(total),
                target: count(converted + quarantined),
                equal: total == converted + quarantined,
            },
            ProofLine {
                what: "input at plan = input at conversion".to_owned(),
                source: format!("{planned:016x}"),
                target: format!("{converted_from:016x}"),
                equal: planned == converted_from,
            },
        ],
        summary,
        artifacts: [
            &request.targets.tasks,
            &request.targets.quarantine,
            &request.targets.log,
        ]
        .map(|path| shown(path))
        .to_vec(),
    };
    Converted {
        outcome,
        summary: Summary {
            total,
            converted,
            quarantined,
            out: shown(&request.targets.tasks),
            quarantine: shown(&request.targets.quarantine),
        },
        statistics,
    }
}

/// The conversion log, in words.
fn report(request: &Request, statistics: &Statistics) -> String {
    let mut out = String::new();
    let mut say = |line: String| {
        let _ = writeln!(out, "{line}");
    };
    say(format!("{STARTED}{}", request.started));
    say(format!("input        {}", inert_short(&request.name, 400)));
    say(format!(
        "rules        {}, dialect {:?}",
        request.rules.name, request.dialect
    ));
    say(format!(
        "read         {}",
        plural(statistics.total, "record", "records")
    ));
    say(format!("converted    {}", count(statistics.converted)));
    say(format!("quarantined  {}", count(statistics.quarantined)));
    for (reason, number) in &statistics.reasons {
        say(format!("  {reason}  {}", count(*number)));
    }
    for (what, map) in [
        ("types", &statistics.types),
        ("priorities", &statistics.priorities),
        ("bands", &statistics.bands),
    ] {
        let list = map
            .iter()
            .map(|(key, number)| format!("{key} {}", count(*number)))
            .collect::<Vec<_>>()
            .join(", ");
        say(format!("{what:<12} {list}"));
    }
    say(format!("subtasks     {}", count(statistics.subtasks)));
    say(format!("score        {:.2} on average", statistics.average_score));
    for (number, what) in [
        (statistics.accepted, "plans as accepted by a person"),
        (
            statistics.outdated_plans,
            "accepted plans not used: the description has changed since",
        ),
        (
            statistics.default_priorities,
            "tasks without a priority, NORMAL taken",
        ),
        (
            statistics.default_ids,
            "tasks without an id, their place in the file taken",
        ),
        (
            statistics.unusual_timeouts,
            "timeouts outside 60 to 7200 seconds, kept as they are",
        ),
        (
            statistics.satisfied_dependencies,
            "dependencies left out: their task is finished",
        ),
        (
            statistics.dropped_dependencies,
            "dependencies left out: their task is not in the file",
        ),
        (
            statistics.omitted_types,
            "types left out: the dialect does not know them",
        ),
    ] {
        if number > 0 {
            say(format!("note         {} {what}", count(number)));
        }
    }
    if statistics.total == 0 {
        say("warning      the input holds no task".to_owned());
    }
    out
}
