//! The Python environment that holds MAOS: what is installed, by its own metadata, and installing exactly one version.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::process::{Call, Output, Processes};
use crate::engine::text::inert_short;

/// For asking.
const ASK: Duration = Duration::from_secs(30);
/// For installing.
const INSTALL: Duration = Duration::from_mins(15);
/// Prints `[version, python, [name==version, …]]` of the distribution named by the first argument.
const LOOK: &str = "import sys, json, importlib.metadata as m\n\
def v(n):\n\
\x20try: return m.version(n)\n\
\x20except m.PackageNotFoundError: return None\n\
print(json.dumps([v(sys.argv[1]), '.'.join(map(str, sys.version_info[:3])), [n + '==' + v(n) for n in sys.argv[2:] if v(n)]]))";
/// Packages whose versions decide whether MAOS's command line works.
const BESIDE: [&str; 2] = ["click", "typer"];

/// An interpreter.
#[derive(Clone)]
pub struct Python {
    /// Its path, absolute.
    pub interpreter: PathBuf,
    /// The distribution: `maos-cli`.
    pub distribution: String,
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
}

impl Python {
    async fn call(
        &self,
        arguments: Vec<String>,
        limit: Duration,
        control: Option<&Control>,
    ) -> Result<Output> {
        let mut argv = vec![self.interpreter.display().to_string()];
        argv.extend(arguments);
        let mut call = Call::new(argv, limit);
        for (name, value) in [
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PIP_NO_INPUT", "1"),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ] {
            call.env.push((name.to_owned(), value.to_owned().into()));
        }
        self.processes.run(call, control).await
    }

    /// What is installed, by metadata.
    ///
    /// # Errors
    /// The interpreter cannot be asked.
    pub async fn installed(&self) -> Result<Installed> {
        let mut arguments = vec!["-c".to_owned(), LOOK.to_owned(), self.distribution.clone()];
        arguments.extend(BESIDE.map(str::to_owned));
        let output = self.call(arguments, ASK, None).await?;
        let told: Option<(Option<String>, String, Vec<String>)> = output
            .exited_well()
            .then(|| serde_json::from_slice(&output.stdout).ok())
            .flatten();
        let Some((version, python, beside)) = told else {
            return Err(Error::unavailable(format!(
                "{} cannot be asked: {}",
                self.interpreter.display(),
                output.trouble().unwrap_or_default()
            )));
        };
        Ok(Installed {
            version,
            python,
            beside,
        })
    }

    /// Installs `requirements` (`maos-cli==0.9.4`, `click`) and nothing newer than they say.
    ///
    /// # Errors
    /// pip failed; its last words.
    pub async fn install(&self, requirements: &[String], control: &Control) -> Result<()> {
        let mut arguments: Vec<String> = ["-m", "pip", "install", "--no-color", "--progress-bar", "off"]
            .map(str::to_owned)
            .to_vec();
        arguments.push("--".to_owned());
        arguments.extend(requirements.iter().cloned());
        let output = self.call(arguments, INSTALL, None).await?;
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
        Err(Error::unavailable(format!(
            "pip install {}: {}",
            requirements.join(" "),
            output.trouble().unwrap_or_default()
        ))
        .hint("See the log; mend the cause and try the step again."))
    }
}
