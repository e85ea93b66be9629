//! What a conversion says when it is done: the outcome with its proof, and the log in words.

use std::fmt::Write as _;
use std::path::Path;

use super::census::Census;
use super::{Converted, Request, Statistics, Summary};
use crate::engine::operation::{Outcome, ProofLine};
use crate::engine::text::{count, inert_short, plural};

/// How the log's line of the moment begins.
const STARTED: &str = "started      ";
/// How much of a digest is shown.
const SHOWN: usize = 16;

/// Whether two conversion logs differ by nothing but the moment.
pub(super) fn same_but_moment(one: &str, other: &str) -> bool {
    one.lines()
        .filter(|line| !line.starts_with(STARTED))
        .eq(other.lines().filter(|line| !line.starts_with(STARTED)))
}

/// The outcome. `digest` is the input's as it was converted.
pub(super) fn finish(request: &Request, census: &Census, statistics: Statistics, digest: &str) -> Converted {
    let Statistics {
        total,
        converted,
        quarantined,
        ..
    } = statistics;
    let shown = |path: &Path| path.display().to_string();
    let short = |digest: &str| digest.chars().take(SHOWN).collect::<String>();
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
                source: short(&census.digest),
                target: short(digest),
                equal: census.digest == digest,
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
pub(super) fn report(request: &Request, statistics: &Statistics) -> String {
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
            "tasks without an id, named after their place in the file",
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
