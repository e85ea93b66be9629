//! The steps in words.

use super::carry::NewRows;
use super::world::{Mode, Params};

/// The title of the step `key` under `params`.
#[must_use]
pub fn title(key: &str, params: &Params) -> String {
    match key {
        "checkpoint" => "checkpoint of the present state, if it answers".to_owned(),
        "stop" => "stop MAOS: ask 120 s, then end it".to_owned(),
        "restore" => format!("restore into {}", params.new),
        "prove" => format!("prove {} against the manifest", params.new),
        "stage" => "stage configuration and checkpoints".to_owned(),
        "carry" => match (params.rows, params.mode) {
            (NewRows::Export, _) => "export rows that exist only in MAOS".to_owned(),
            (NewRows::Carry, Mode::Legacy) => "carry new rows back to legacy".to_owned(),
            (NewRows::Carry, Mode::Maos) => "carry new rows over".to_owned(),
        },
        "swap" => format!("swap by rename; old kept as {}", params.old),
        "files" => "configuration and checkpoints".to_owned(),
        "version" => "reinstall the version of the backup".to_owned(),
        "start" => "start MAOS".to_owned(),
        "open" => "open the legacy system".to_owned(),
        "ready" => match params.mode {
            Mode::Maos => "MAOS is ready".to_owned(),
            Mode::Legacy => "the legacy system answers".to_owned(),
        },
        "proof" => "prove all of it".to_owned(),
        "clear" => "remove the copies".to_owned(),
        other => other.to_owned(),
    }
}
