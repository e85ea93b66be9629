//! `monitor replay`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{Ended, Output, stoppable, told};
use crate::cli::{JudgedBy, Monitor, MonitorVerb};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::monitor::replay::{Judgement, replay};
use crate::engine::monitor::{Criteria, Evaluator, Policy, verdict};
use crate::engine::text;

/// Runs the verb.
///
/// # Errors
/// What the input or the criteria refuse.
pub fn run(verb: Monitor, output: &mut Output) -> Result<Ended> {
    match verb.verb {
        Some(MonitorVerb::Replay {
            file,
            policy,
            criteria,
        }) => replayed(&file, policy, criteria.as_deref(), output),
        None => Err(Error::new(ErrorKind::Usage, "monitor needs a verb").hint("There is replay FILE.")),
    }
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
    let reader: Box<dyn BufRead + Send> = if file.as_os_str() == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let open = File::open(file).map_err(|error| Error::io("open", file, &error))?;
        Box::new(BufReader::with_capacity(256 * 1024, open))
    };
    let live = file.as_os_str() == "-";
    let control = told(output);
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
        output.note("no samples");
        return Ok(Ended::Well);
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
