//! The Python environment that holds MAOS: what is installed, by its own metadata, and installing exactly one version.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::process::{Call, Detached, Output, Processes, Stdin};
use crate::engine::text::inert_short;

/// For asking.
const ASK: Duration = Duration::from_secs(30);
/// For installing.
const INSTALL: Duration = Duration::from_mins(15);
/// How long an installation that a killed run left behind may take to put things back, before it is killed.
const PUT_BACK: Duration = Duration::from_secs(20);
/// Prints what there is of the distribution that its first argument names.
const LOOK: &str = include_str!("../../../assets/upgrade/look.py");
/// Begins pip once it is told to.
const BEGIN: &str = include_str!("../../../assets/upgrade/install.py");
/// Clears away what an installer left half-made.
const CLEAR: &str = include_str!("../../../assets/upgrade/clear.py");
/// Packages whose versions decide whether MAOS's command line works.
const BESIDE: [&str; 2] = ["click", "typer"];

/// An interpreter.
#[derive(Clone)]
pub struct Python {
    /// Its path, absolute.
    pub interpreter: PathBuf,
    /// The distribution: `maos-cli`.
    pub distribution: String,
    /// The file by which an installation is known while it runs.
    pub mark: PathBuf,
    /// Programs.
    pub processes: Arc<dyn Processes>,
}

impl std::fmt::Debug for Python {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Python")
            .field("interpreter", &self.interpreter)
            .finish_non_exhaustive()
    }
}

/// What is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The version of the distribution.
    pub version: Option<String>,
    /// The interpreter's version.
    pub python: String,
    /// `click==8.1.7` and the like.
    pub beside: Vec<String>,
    /// Whether every file of the distribution is there as its record has it. An installation that was killed can leave the new
    /// version's metadata and half of its files.
    #[serde(default)]
    pub whole: bool,
}

impl Installed {
    /// Whether this very version is there, with all of its files.
    #[must_use]
    pub fn is(&self, version: &str) -> bool {
        self.whole && self.version.as_deref() == Some(version)
    }
}

impl Python {
    async fn call(
        &self,
        arguments: Vec<String>,
        limit: Duration,
        known_in: Option<PathBuf>,
    ) -> Result<Output> {
        let mut argv = vec![self.interpreter.display().to_string()];
        argv.extend(arguments);
        let mut call = Call::new(argv, limit);
        if known_in.is_some() {
            call.stdin = Stdin::Bytes(b"\n".to_vec());
        }
        call.known_in = known_in;
        for (name, value) in [
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PIP_NO_INPUT", "1"),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ] {
            call.env.push((name.to_owned(), value.to_owned().into()));
        }
        self.processes.run(call, None).await
    }

    /// What is installed, by metadata.
    ///
    /// # Errors
    /// The interpreter cannot be asked.
    pub async fn installed(&self) -> Result<Installed> {
        let mut arguments = vec!["-c".to_owned(), LOOK.to_owned(), self.distribution.clone()];
        arguments.extend(BESIDE.map(str::to_owned));
        let output = self.call(arguments, ASK, None).await?;
        let told: Option<Installed> = output
            .exited_well()
            .then(|| serde_json::from_slice(&output.stdout).ok())
            .flatten();
        told.ok_or_else(|| {
            Error::unavailable(format!(
                "{} cannot be asked: {}",
                self.interpreter.display(),
                output.trouble().unwrap_or_default()
            ))
        })
    }

    /// Whether an installation was begun whose end nobody saw. Then metadata proves nothing.
    #[must_use]
    pub fn left(&self) -> bool {
        self.mark.exists()
    }

    /// Ends an installation that a killed run left behind, and clears away what it left half-made. `false`: there was none.
    ///
    /// # Errors
    /// It does not end.
    pub async fn end_left(&self) -> Result<bool> {
        if !self.left() {
            return Ok(false);
        }
        // A file that cannot be read names no process: nothing is ended on a guess.
        let known = std::fs::read(&self.mark)
            .ok()
            .and_then(|text| serde_json::from_slice::<Detached>(&text).ok());
        if let Some(known) = known
            && !self.processes.end(&known, PUT_BACK).await
        {
            return Err(Error::unavailable(format!(
                "an installation of before still runs: process {}",
                known.pid
            ))
            .hint("End it, then try again."));
        }
        self.clear().await?;
        std::fs::remove_file(&self.mark).map_err(|error| Error::io("remove", &self.mark, &error))?;
        Ok(true)
    }

    /// Clears away what an installer that did not end well has left: packages with no record, which pip can neither use nor remove.
    async fn clear(&self) -> Result<()> {
        let output = self
            .call(vec!["-c".to_owned(), CLEAR.to_owned()], ASK, None)
            .await?;
        if output.exited_well() {
            return Ok(());
        }
        Err(Error::unavailable(format!(
            "what an installation left half-made cannot be cleared away: {}",
            output.trouble().unwrap_or_default()
        )))
    }

    /// Installs `requirements` (`maos-cli==0.9.4`, `click`) and nothing newer than they say.
    ///
    /// # Errors
    /// pip failed; its last words.
    pub async fn install(&self, requirements: &[String], control: &Control) -> Result<()> {
        let left = self.end_left().await?;
        let mut arguments: Vec<String> = ["-c", BEGIN, "install", "--no-color", "--progress-bar", "off"]
            .map(str::to_owned)
            .to_vec();
        // After one that did not end well pip would take half a package for a whole one.
        if left || !self.installed().await.is_ok_and(|found| found.whole) {
            arguments.push("--force-reinstall".to_owned());
        }
        arguments.push("--".to_owned());
        arguments.extend(requirements.iter().cloned());
        let output = self.call(arguments, INSTALL, Some(self.mark.clone())).await?;
        for line in String::from_utf8_lossy(&output.stdout)
            .lines()
            .rev()
            .take(5)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            control.notice(Notice::Log(inert_short(line, 300)));
        }
        if output.exited_well() {
            return Ok(());
        }
        self.clear().await?;
        Err(Error::unavailable(format!(
            "pip install {}: {}",
            requirements.join(" "),
            output.trouble().unwrap_or_default()
        ))
        .hint("See the log; mend the cause and try the step again."))
    }
}
