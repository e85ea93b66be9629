//! Python: the version of the interpreter that would run MAOS.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{tell, version_in};
use super::{is_program, on_path};
use crate::engine::assess::Value;
use crate::engine::ports::BoxFuture;
use crate::engine::ports::probe::{Probe, Reading};

const FIGURE: &str = "python_version";

/// The interpreter beside a named MAOS, else the first `python3` of PATH.
#[derive(Debug)]
pub struct Python {
    beside: Option<PathBuf>,
}

impl Python {
    /// `maos` is the executable of MAOS, where one is named: the interpreter of its environment counts.
    #[must_use]
    pub fn beside(maos: Option<&Path>) -> Self {
        Self {
            beside: maos.map(|maos| maos.with_file_name("python3")),
        }
    }
}

impl Probe for Python {
    fn id(&self) -> &'static str {
        FIGURE
    }

    fn figures(&self) -> &'static [&'static str] {
        &[FIGURE]
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async {
            let named = self.beside.clone().filter(|python| is_program(python));
            let Some(python) = named.or_else(|| on_path("python3")) else {
                return vec![Reading::of(
                    FIGURE,
                    Value::Word("not installed".to_owned()),
                    "no python3 in PATH",
                )];
            };
            let evidence = format!("{} -V", python.display());
            vec![match tell(&python, &["-V"]).await {
                Err(why) => Reading::none(FIGURE, why),
                Ok(told) => match version_in(&told.text).filter(|_| told.ok) {
                    Some(version) => Reading::of(FIGURE, Value::Version(version), evidence),
                    None => Reading::none(FIGURE, format!("{evidence} does not say a version")),
                },
            }]
        })
    }
}
