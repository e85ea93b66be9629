//! What can be turned on a rehearsal MAOS, also while it runs: how fast it is, and how it misbehaves.
//!
//! To add a knob: a field here with its default and its arm in [`Knobs::take`], and where it should matter.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::workspace::driving::RehearsalSettings;

/// The version that it says it has when nothing else is set.
pub(super) const VERSION: &str = "0.9.4";

/// All knobs, as they stand now.
#[expect(clippy::struct_excessive_bools, reason = "each is a knob of its own")]
#[derive(Debug, Clone, PartialEq)]
pub struct Knobs {
    /// Agents that really run side by side.
    pub agents: usize,
    /// The program of a unit of work; empty for a simulated duration.
    pub worker: Vec<String>,
    /// Seconds of a simulated unit of work.
    pub seconds: f64,
    /// Share of tasks that fail, 0 to 1.
    pub failure_rate: f64,
    /// Added to every answer and to every unit of work.
    pub latency: Duration,
    /// One component looks ill at every second look.
    pub flapping: bool,
    /// No answer comes and no work begins.
    pub hang: bool,
    /// It falls over, once.
    pub crash: bool,
    /// The status document is empty.
    pub lost_metrics: bool,
    /// Tasks a second that it gives itself.
    pub traffic: f64,
    /// The version it reports.
    pub version: String,
}

impl Default for Knobs {
    fn default() -> Self {
        let mut knobs = Self {
            agents: 1,
            worker: Vec::new(),
            seconds: 0.0,
            failure_rate: 0.0,
            latency: Duration::ZERO,
            flapping: false,
            hang: false,
            crash: false,
            lost_metrics: false,
            traffic: 0.0,
            version: VERSION.to_owned(),
        };
        for (name, value) in of_settings(&RehearsalSettings::default()) {
            // The settings' own defaults are good values.
            let _ = knobs.take(name, &value);
        }
        knobs
    }
}

/// The knobs that the settings turn.
pub(super) fn of_settings(settings: &RehearsalSettings) -> Vec<(&'static str, Value)> {
    vec![
        ("agents", json!(settings.agents)),
        ("worker", json!(settings.worker)),
        ("seconds", json!(settings.seconds)),
        ("failure_rate", json!(settings.failure_rate)),
        ("latency", json!(settings.latency)),
        ("flapping", json!(settings.flapping)),
        ("hang", json!(settings.hang)),
        ("lost_metrics", json!(settings.lost_metrics)),
        ("traffic", json!(settings.traffic)),
        ("version", json!(settings.version.as_deref().unwrap_or(VERSION))),
    ]
}

impl Knobs {
    /// Takes the value of one knob.
    ///
    /// # Errors
    /// A sentence: a name that no knob has, or a value out of its range.
    pub fn take(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "agents" => {
                self.agents = within(name, value, 1.0, 64.0).map(whole)?;
            }
            "worker" => {
                self.worker = serde_json::from_value(value.clone())
                    .map_err(|_| "worker is a list of words".to_owned())?;
            }
            "seconds" => self.seconds = within(name, value, 0.0, 3600.0)?,
            "failure_rate" => self.failure_rate = within(name, value, 0.0, 1.0)?,
            "latency" => {
                self.latency =
                    within(name, value, 0.0, 600_000.0).map(|ms| Duration::from_secs_f64(ms / 1000.0))?;
            }
            "flapping" => self.flapping = switch(name, value)?,
            "hang" => self.hang = switch(name, value)?,
            "crash" => self.crash = switch(name, value)?,
            "lost_metrics" => self.lost_metrics = switch(name, value)?,
            "traffic" => self.traffic = within(name, value, 0.0, 50.0)?,
            "version" => {
                value
                    .as_str()
                    .filter(|text| !text.is_empty() && text.len() <= 40)
                    .ok_or("version is a short word")?
                    .clone_into(&mut self.version);
            }
            other => {
                return Err(format!(
                    "there is no knob {}",
                    crate::engine::text::inert_short(other, 40)
                ));
            }
        }
        Ok(())
    }
}

fn within(name: &str, value: &Value, least: f64, most: f64) -> Result<f64, String> {
    value
        .as_f64()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("{name} is a number from {least} to {most}"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number was found to lie between 1 and 64"
)]
const fn whole(number: f64) -> usize {
    number as usize
}

fn switch(name: &str, value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("{name} is true or false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knob_takes_what_is_in_its_range_and_nothing_else() {
        let mut knobs = Knobs::default();
        assert_eq!((knobs.agents, knobs.seconds), (4, 0.05));
        assert!(knobs.take("failure_rate", &json!(0.5)).is_ok());
        assert!(knobs.take("latency", &json!(250)).is_ok());
        assert_eq!((knobs.failure_rate, knobs.latency.as_millis()), (0.5, 250));
        for (name, value) in [
            ("failure_rate", json!(1.5)),
            ("agents", json!(0)),
            ("flapping", json!("yes")),
            ("worker", json!("sh")),
            ("nonsense", json!(1)),
        ] {
            assert!(knobs.take(name, &value).is_err(), "{name}");
        }
    }
}
