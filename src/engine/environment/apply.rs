//! Applying: one effect at a time, each told before and proved after; the first that fails stops the rest.

use std::time::Instant;

use super::look::{self, Surroundings, look};
use super::model::{Found, Key, Line, View};
use super::python::{self, Home};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::item::{Item, ItemState};
use crate::engine::operation::{Control, Effect, Notice, Outcome, Plan, Progress, ProofLine};
use crate::engine::ports::clock::millis;
use crate::engine::ports::maos::{Ability, MaosError};
use crate::engine::ports::store::Table;
use crate::engine::runner::operations::World;

/// A plan with what it was made from.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The environment as it was found.
    pub view: View,
}

/// Plans: every line checked, nothing changed.
///
/// # Errors
/// Settings that cannot be used, or a line that cannot be made.
pub async fn plan(world: &World) -> Result<Prepared> {
    let view = look(world).await?;
    if let Some((line, error)) = view.refused() {
        let mut error = error.clone();
        error.message = format!("{}: {}", line.key.title(), error.message);
        return Err(error);
    }
    let mut effects = Vec::new();
    for line in &view.lines {
        if let Found::Needs(act, what) = &line.found {
            let what = match line.key {
                Key::Settings => format!("{}: {what}", view.settings_path),
                Key::Tracking => format!("{what}, in {}", world.settings.target_words()),
                _ => what.clone(),
            };
            effects.push(Effect::plain(act, what));
        }
    }
    let title = view
        .nothing_to_do()
        .unwrap_or_else(|| format!("Apply {} to the environment", view.effects_words()));
    let basis = view
        .lines
        .iter()
        .map(|line| format!("{} {}", line.key.name(), line.is))
        .chain(view.settings_lines.iter().cloned())
        .collect();
    let plan = Plan {
        capability: Capability::Environment,
        verb: super::APPLY.to_owned(),
        title,
        target: world.settings.target_words(),
        needs_approval: !effects.is_empty(),
        effects,
        undo: Some("nothing that was there is lost; what was created can be removed by hand".to_owned()),
        basis,
        digest: String::new(),
    }
    .sealed();
    Ok(Prepared { plan, view })
}

/// Does what was planned, in order.
///
/// # Errors
/// The first effect that fails or is not proved; what was done before it stays, and is found in place the next time.
pub async fn apply(world: &World, prepared: &Prepared, control: &Control) -> Result<Outcome> {
    control.notice(Notice::ItemsCleared);
    let view = &prepared.view;
    for line in &view.lines {
        let mut item = line.item();
        if remembers(line.key) && item.state == ItemState::Done {
            keep_target(world, &mut item);
        }
        control.record(item).await?;
    }
    let (all, mut done) = (view.needed() as u64, 0);
    let mut proof = Vec::new();
    let mut skipped = view.skipped();
    for line in &view.lines {
        match &line.found {
            Found::InPlace(said) => proof.push(proof_line(line.key, said)),
            Found::Skipped(_) => {}
            Found::Refused(error) => return Err(error.clone()),
            Found::Needs(..) => {
                control.safe_point_async().await?;
                control.progress(progress(line, done, all));
                match effect(world, line, control).await? {
                    Some(said) => proof.push(proof_line(line.key, &said)),
                    None => skipped += 1,
                }
                done += 1;
            }
        }
    }
    let lines = (view.lines.len() - skipped) as u64;
    // The same words whoever put them in place, and when: a resumed run ends as an undisturbed one. What was done is in the log.
    let summary = format!("All {lines} are in place.");
    Ok(Outcome {
        source: lines,
        converted: proof.len() as u64,
        unchanged: view.in_place() as u64,
        quarantined: 0,
        proof,
        summary,
        artifacts: Vec::new(),
    })
}

fn proof_line(key: Key, said: &str) -> ProofLine {
    ProofLine {
        what: key.title().to_owned(),
        source: "in place".to_owned(),
        target: said.to_owned(),
        equal: true,
    }
}

fn progress(line: &Line, done: u64, all: u64) -> Progress {
    Progress {
        done,
        total: Some(all),
        proved: done,
        unit: "effects".to_owned(),
        phase: "applying".to_owned(),
        running: vec![line.effect()],
        ..Progress::default()
    }
}

/// Whether only the journal may know that it was done.
const fn remembers(key: Key) -> bool {
    matches!(key, Key::Init | Key::Migrate)
}

fn keep_target(world: &World, item: &mut Item) {
    if let Some(data) = item.data.as_object_mut() {
        data.insert("target".to_owned(), look::target(world).into());
    }
}

/// Does one effect and proves it; gives the proof, or `None` when it turned out not to apply.
async fn effect(world: &World, line: &Line, control: &Control) -> Result<Option<String>> {
    let begun = Instant::now();
    let item = line.item();
    control
        .record(item.now(ItemState::Running, line.effect()))
        .await?;
    let done = match act(world, line.key, control).await {
        Ok(said) => prove(world, line.key, said).await,
        Err(error) => Err(error),
    };
    let ms = millis(begun);
    let (state, text) = match &done {
        Ok(Proof::Holds(said)) => (ItemState::Done, said.clone()),
        Ok(Proof::Skipped(why)) => (ItemState::Skipped, why.clone()),
        Err(error) if error.kind == ErrorKind::Interrupted => (ItemState::Waiting, String::new()),
        Err(error) => (ItemState::Failed, error.message.clone()),
    };
    let mut item = Item {
        ms: Some(ms),
        ..item.now(state, text)
    };
    if remembers(line.key) {
        keep_target(world, &mut item);
    }
    control.record(item).await?;
    match done {
        Ok(Proof::Holds(said)) => Ok(Some(said)),
        Ok(Proof::Skipped(_)) => Ok(None),
        Err(mut error) => {
            if error.kind != ErrorKind::Interrupted {
                error.message = format!("{}: {}", line.key.title(), error.message);
            }
            Err(error)
        }
    }
}

/// How an effect turned out.
enum Proof {
    /// It is seen.
    Holds(String),
    /// There is nothing here that could do it.
    Skipped(String),
}

/// What an act said, when it had something to say.
enum Said {
    Nothing,
    Words(String),
    Missing(String),
}

async fn act(world: &World, key: Key, control: &Control) -> Result<Said> {
    let around = Surroundings::of(world).await?;
    let store = || {
        around
            .store
            .clone()
            .ok_or_else(|| Error::bug("an effect on a database that is not named"))
    };
    let folder = || match &around.home {
        Home::Environment(folder) => Ok(folder.clone()),
        _ => Err(Error::bug("an effect on an environment that is not ours")),
    };
    match key {
        Key::Python => python::make(world, &folder()?, control).await?,
        Key::Install => python::install(world, &folder()?, control).await?,
        Key::Settings => {
            let file = around.settings.clone();
            crate::engine::runner::operations::blocking(move || file.write()).await?;
        }
        Key::Database => store()?.create_database().await.map_err(|error| {
            let name = world.settings.target_words();
            Error::from(error).hint(format!(
                "Ask for CREATEDB, or create {name} yourself, then try again."
            ))
        })?,
        Key::Tracking => {
            let table = Table::parse(&world.settings.tuning.target_table);
            store()?.make_ledger(&table).await?;
        }
        Key::Init | Key::Migrate => return ask_maos(world, &around, key).await,
    }
    Ok(Said::Nothing)
}

async fn ask_maos(world: &World, around: &Surroundings, key: Key) -> Result<Said> {
    let Some(maos) = &around.maos else {
        return Err(world
            .ports
            .maos
            .open(&world.workspace, &world.settings)
            .err()
            .unwrap_or_else(|| Error::unavailable("MAOS is not there")));
    };
    let ability = if key == Key::Init {
        Ability::Init
    } else {
        Ability::DbMigrate
    };
    let table = maos.probe().await?;
    if !table.has(ability) {
        let why = table
            .of(ability)
            .map_or_else(String::new, |line| line.why.clone());
        return Ok(Said::Missing(why));
    }
    let said = if key == Key::Init {
        maos.init().await
    } else {
        maos.db_migrate().await
    };
    match said {
        Ok(said) => Ok(Said::Words(said)),
        Err(MaosError::Absent(_, why)) => Ok(Said::Missing(why)),
        Err(error) => Err(error.into()),
    }
}

async fn prove(world: &World, key: Key, said: Said) -> Result<Proof> {
    let words = match said {
        Said::Missing(why) => return Ok(Proof::Skipped(why)),
        Said::Words(words) => Some(words),
        Said::Nothing => None,
    };
    let line = look::again(world, key).await?;
    match (line.found, words) {
        (Found::InPlace(proof), _) => Ok(Proof::Holds(proof)),
        // Nothing but its own word can be had: that is said, and remembered.
        (Found::Needs(..), Some(words)) if remembers(key) && line.is == "not known" => {
            let words = if words.is_empty() {
                "exit 0".to_owned()
            } else {
                words
            };
            Ok(Proof::Holds(format!("only its own word: {words}")))
        }
        (Found::Refused(error), _) => Err(error),
        _ => Err(Error::unavailable("it was done, and its effect is not there")),
    }
}
