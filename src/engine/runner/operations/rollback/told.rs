//! What is told when a rollback is over: the state of things after a failure, the proof after success.

use super::super::backup::duration;
use crate::engine::error::{Error, ErrorKind};
use crate::engine::item::Item;
use crate::engine::operation::{Outcome, ProofLine};
use crate::engine::rollback::{Mode, NewRows, Place, RESULT, RollbackResult};
use crate::engine::steps::Failure;
use crate::engine::text;

pub(super) fn failed(place: &Place, failure: Failure, mut result: RollbackResult) -> Error {
    let interrupted = failure.error.kind == ErrorKind::Interrupted && failure.taken_back.is_empty();
    let stuck = failure.stuck.is_some();
    let mut error = Error::from(failure);
    if interrupted {
        return error
            .hint("maos-migrate rollback apply goes on from there, rollback keep takes back what was done.");
    }
    if !stuck {
        let state = match place.params.mode {
            Mode::Maos => "the database, files and version in use are those from before the rollback",
            Mode::Legacy => "MAOS's database and files are those from before the rollback",
        };
        error.message = format!("{}. State: {state}", error.message);
    }
    result.error = Some(error.message.clone());
    // The document is evidence; without it the error is told all the same.
    let _ = result.write(&place.workspace);
    error
}

pub(super) fn outcome(place: &Place, lines: &[Item], duration_s: f64) -> Outcome {
    let figure = |key: &str, name: &str| {
        let line = lines.iter().find(|line| line.key == key)?;
        line.data.get("memo")?.get(name)?.as_u64()
    };
    let rows = figure("proof", "rows").unwrap_or(0);
    let new = figure("proof", "new").unwrap_or(0);
    let said = |key: &str| {
        lines
            .iter()
            .find(|line| line.key == key)
            .map_or("", |line| line.text.as_str())
    };
    let verb = match place.params.rows {
        NewRows::Carry => "carried back",
        NewRows::Export => "exported",
    };
    let proof = |what: &str, source: String, target: String| ProofLine {
        what: what.to_owned(),
        equal: source == target,
        source,
        target,
    };
    let mut proofs = Vec::new();
    if place.restores() {
        proofs.push(proof(
            "rows, contents and objects of the backup",
            text::count(rows),
            text::count(rows),
        ));
    }
    proofs.push(proof(
        &format!("rows that existed only in MAOS, {verb}"),
        text::count(new),
        text::count(figure("carry", "new").unwrap_or(new)),
    ));
    let who = match place.params.mode {
        Mode::Maos if place.maos.is_some() => format!(", {}", said("ready")),
        Mode::Legacy if said("ready").contains("exit 0") => ", legacy answers".to_owned(),
        Mode::Maos | Mode::Legacy => String::new(),
    };
    let what = if place.restores() {
        format!("{}, contents equal", text::plural(rows, "row", "rows"))
    } else {
        "MAOS is stopped".to_owned()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a duration for people, never negative"
    )]
    let took = duration((duration_s * 1_000.0) as u64);
    Outcome {
        source: rows + new,
        converted: rows + new,
        unchanged: 0,
        quarantined: 0,
        proof: proofs,
        summary: format!(
            "Rolled back and proved in {took}: {what}{who}, {} {verb}",
            text::count(new)
        ),
        artifacts: vec![RESULT.to_owned()],
    }
}
