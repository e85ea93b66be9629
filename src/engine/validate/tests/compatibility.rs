//! Does it take what the legacy system had: tasks, commands, configuration.

use serde_json::Value;

use crate::engine::ports::maos::{Ability, Presence, Submission};
use crate::engine::tasks::convert::Dialect;
use crate::engine::tasks::decompose;
use crate::engine::tasks::input::{LegacyTask, Payload, Raw};
use crate::engine::text::plural;
use crate::engine::validate::bench::{Bench, Halt, Seen, Step};
use crate::engine::workspace::files;
use crate::engine::yaml;

/// Where the converted configuration lies.
const CONFIG: [&str; 2] = ["config/maos_config.yml", "config/maos_config.json"];

pub async fn legacy_format(bench: &Bench<'_>) -> Step<Seen> {
    bench.needs(&[Ability::Submit, Ability::Show])?;
    let raw = Raw {
        line: 1,
        payload: Payload::Json(bench.test.text(0).as_bytes().to_vec()),
    };
    let task = LegacyTask::read(&raw, 1, &bench.lab.rules).map_err(|refused| {
        Halt::Skipped(format!(
            "the sample of the test cannot be converted: {}",
            refused.why
        ))
    })?;
    let dialect = match bench.lab.settings.tuning.profile.as_str() {
        "reference" => Dialect::Reference,
        "shipped" => Dialect::Shipped,
        _ => Dialect::Guide,
    };
    let plan = decompose(task.id.clone(), &task.description, &bench.lab.rules);
    let widest = plan.stages.iter().map(Vec::len).max().unwrap_or(1).clamp(1, 8);
    let priority = dialect.priority(task.priority.as_deref().unwrap_or("NORMAL"));
    let done = bench
        .run(Submission {
            description: task.description.clone(),
            kind: dialect.kind("general").map(ToString::to_string),
            priority: Some(priority.clone().into_owned()),
            max_agents: u32::try_from(widest).ok(),
            timeout_s: task.timeout,
            ..bench.task(&task.description, 1)
        })
        .await?;
    Ok(Seen::new(done.completed(), done.words().to_lowercase())
        .found(format!(
            "the legacy task {} with priority {priority} ended as {} after {:.1} s",
            task.id,
            done.words(),
            done.seconds
        ))
        .line(format!("task {}", done.view.id))
        .figure("seconds", done.seconds))
}

#[expect(clippy::unused_async, reason = "the shape that every test has")]
pub async fn api(bench: &Bench<'_>) -> Step<Seen> {
    let able = &bench.lab.able;
    if able.findings.is_empty() {
        return Err(Halt::Skipped("what this MAOS can do is not known".to_owned()));
    }
    let present = able.count(Presence::Present);
    let mut seen = Seen::new(
        present == able.findings.len(),
        format!("{present} of {} commands", able.findings.len()),
    )
    .figure("present", present)
    .figure("commands", able.findings.len());
    for finding in able
        .findings
        .iter()
        .filter(|finding| finding.presence != Presence::Present)
    {
        let state = match finding.presence {
            Presence::Absent => "absent",
            Presence::Broken => "broken",
            Presence::NeedsClaude => "needs the program claude",
            Presence::Present => "present",
        };
        seen = seen.line(format!("{}: {state}: {}", finding.ability.words(), finding.why));
    }
    let missing: Vec<&str> = able
        .findings
        .iter()
        .filter(|finding| finding.presence != Presence::Present)
        .map(|finding| finding.ability.words())
        .collect();
    if !missing.is_empty() {
        seen = seen.found(format!("does not work: {}", missing.join(", ")));
    }
    Ok(seen)
}

#[expect(clippy::unused_async, reason = "the shape that every test has")]
pub async fn configuration(bench: &Bench<'_>) -> Step<Seen> {
    let workspace = &bench.lab.workspace;
    let Some((name, path)) = CONFIG
        .into_iter()
        .map(|name| (name, workspace.path(name)))
        .find(|(_, path)| path.exists())
    else {
        return Err(Halt::Skipped("no configuration was converted".to_owned()));
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Halt::Failed(format!("{name} cannot be read: {}", error.kind())))?;
    let ours: Value = yaml::from_str(name, &text).map_err(|error| Halt::Failed(error.message))?;
    let keys = leaves(&ours);
    if keys.is_empty() {
        return Ok(Seen::new(false, format!("{name} says nothing")));
    }
    let sha = files::sha256_file(&path)?;
    if let Some(written) = &bench.lab.config_sha256
        && *written != sha
    {
        return Ok(Seen::new(false, "changed since it was written")
            .found(format!(
                "{name} is not what the conversion wrote; somebody changed it"
            ))
            .line(format!("written {written}"))
            .line(format!("now     {sha}")));
    }
    let counted = plural(keys.len() as u64, "key", "keys");
    let Some(theirs) = &bench.lab.settings.driving.maos.config else {
        return Ok(Seen::new(true, format!("{counted}, as written"))
            .found(format!("{name} holds {counted}, as the conversion wrote it; maos.config is not named, so MAOS's own file was not compared"))
            .figure("keys", keys.len()));
    };
    let theirs = workspace.path(theirs);
    let shown = workspace.shown(&theirs);
    let text = match std::fs::read_to_string(&theirs) {
        Ok(text) => text,
        Err(error) => {
            return Ok(Seen::new(false, "MAOS's own file cannot be read")
                .found(format!("{shown} cannot be read: {}", error.kind())));
        }
    };
    let theirs: Value = yaml::from_str(&shown, &text).map_err(|error| Halt::Failed(error.message))?;
    let in_force = leaves(&theirs);
    let differ: Vec<&String> = keys
        .iter()
        .filter(|key| !in_force.contains(key))
        .map(|(path, _)| path)
        .collect();
    let same = keys.len() - differ.len();
    let mut seen = Seen::new(
        differ.is_empty(),
        format!("{same} of {} keys in force", keys.len()),
    )
    .figure("keys", keys.len())
    .figure("in_force", same);
    for key in differ.iter().take(10) {
        // Values may be secrets: only the key is named.
        seen = seen.line(format!("{key} differs in {shown}"));
    }
    Ok(seen)
}

/// Every value with its path.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    fn walk(path: &str, value: &Value, out: &mut Vec<(String, Value)>) {
        if let Value::Object(fields) = value {
            for (name, value) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                walk(&path, value, out);
            }
        } else {
            out.push((path.to_owned(), value.clone()));
        }
    }
    let mut out = Vec::new();
    walk("", value, &mut out);
    out
}
