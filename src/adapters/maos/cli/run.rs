//! Running one command of MAOS: by its arguments, without input, in one directory of ours, in a plain and wide terminal that does
//! not exist, within a time limit; and what its end means.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::read;
use crate::engine::ports::maos::MaosError;
use crate::engine::ports::process::{Call, Ended, Processes};
use crate::engine::text::count;

/// Columns for prose and tables: the released program crops what is wider.
pub const WIDE: u32 = 4_000;
/// Columns where one line may hold a whole description.
pub const WIDEST: u32 = 32_000;
/// Linux takes no single argument longer than 128 KiB, its end included.
pub const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;
/// How a limit that nobody set is.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The program with everything that its calls have in common.
#[derive(Clone)]
pub struct Runner {
    /// The program and its first arguments.
    pub command: Vec<String>,
    /// Where it runs, always the same.
    pub directory: PathBuf,
    /// For one command.
    pub limit: Duration,
    /// Passed on besides the usual: addresses of databases and the like.
    pub env: Vec<(String, SecretString)>,
    /// Runs programs.
    pub processes: Arc<dyn Processes>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("command", &self.command)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// What a command said and how it ended by itself.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: Vec<u8>,
}

impl Said {
    /// Standard output for people.
    pub fn text(&self) -> String {
        read::text(&self.out)
    }

    /// The line that tells most.
    pub fn gist(&self) -> String {
        read::gist(&self.text(), &read::text(&self.err))
    }

    /// `exit 1: no such file`.
    pub fn ended(&self) -> String {
        let gist = self.gist();
        if gist.is_empty() {
            format!("exit {}, without a word", self.code)
        } else {
            format!("exit {}: {gist}", self.code)
        }
    }
}

impl Runner {
    /// The program as a person reads it.
    pub fn program(&self) -> String {
        read::shown(self.command.first().map_or("", String::as_str))
    }

    /// The environment that every call gets.
    pub fn environment(columns: u32) -> Vec<(String, SecretString)> {
        [
            ("COLUMNS", columns.to_string().as_str()),
            ("LINES", "1000"),
            ("NO_COLOR", "1"),
            ("TERM", "dumb"),
            ("LC_ALL", "C.UTF-8"),
            ("LANG", "C.UTF-8"),
            ("PYTHONUTF8", "1"),
            ("PYTHONIOENCODING", "utf-8"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .collect()
    }

    /// The call of a command with `arguments`.
    pub fn call(&self, arguments: &[String], columns: u32) -> Call {
        self.whole(self.command.iter().chain(arguments).cloned().collect(), columns)
    }

    /// The call of another program under the same circumstances.
    pub fn whole(&self, argv: Vec<String>, columns: u32) -> Call {
        let mut call = Call::new(argv, self.limit);
        call.env = Self::environment(columns);
        call.env.extend(self.env.iter().cloned());
        // They would win over NO_COLOR.
        call.without = ["FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"]
            .map(str::to_owned)
            .to_vec();
        call.directory = Some(self.directory.clone());
        call
    }

    /// Makes the directory of the calls.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_directory(&self) -> Result<(), MaosError> {
        std::fs::create_dir_all(&self.directory)
            .map_err(|error| MaosError::Machine(format!("cannot make {}: {error}", self.directory.display())))
    }

    /// Runs a command to its end. An exit code other than 0 is no error here.
    ///
    /// # Errors
    /// A program that cannot be run, hangs, is killed, or says more than can be kept.
    pub async fn run(&self, what: &'static str, call: Call) -> Result<Said, MaosError> {
        for word in &call.argv {
            if word.contains('\0') {
                return Err(MaosError::Refused(
                    what,
                    "an argument holds a NUL character".to_owned(),
                ));
            }
            if word.len() > LONGEST_ARGUMENT {
                let length = count(word.len() as u64);
                return Err(MaosError::Refused(
                    what,
                    format!("an argument of {length} bytes is longer than this system allows (131,071)"),
                ));
            }
        }
        self.make_directory()?;
        let program = read::shown(call.argv.first().map_or("", String::as_str));
        let limit = call.limit;
        let output = self
            .processes
            .run(call, None)
            .await
            .map_err(|error| MaosError::Machine(error.message))?;
        let code = match output.ended {
            Ended::Exit(code) => code,
            Ended::NotFound => return Err(MaosError::NoProgram(format!("there is no program {program}"))),
            Ended::NotPermitted => {
                return Err(MaosError::NoProgram(format!(
                    "{program} may not be run: permission denied"
                )));
            }
            Ended::TimedOut => return Err(MaosError::TimedOut(what, limit.as_secs().max(1))),
            Ended::Stopped => return Err(MaosError::Stopped),
            Ended::Signal(signal) => {
                return Err(MaosError::Machine(format!(
                    "{what}: {program} was ended by signal {signal}"
                )));
            }
        };
        if output.dropped > 0 {
            let kept = count((output.stdout.len() + output.stderr.len()) as u64);
            return Err(MaosError::Garbage(
                what,
                format!(
                    "{} bytes were said beyond the {kept} that are kept",
                    count(output.dropped)
                ),
            ));
        }
        Ok(Said {
            code,
            out: output.stdout,
            err: output.stderr,
        })
    }
}

/// What the end of a command means, in the words of both command lines. Exit 0 passes, and proves nothing.
///
/// # Errors
/// Every other end, sorted.
pub fn settle(what: &'static str, said: Said) -> Result<Said, MaosError> {
    if said.code == 0 {
        return Ok(said);
    }
    let (ended, gist) = (said.ended(), said.gist());
    let all = format!("{}\n{}", said.text(), read::text(&said.err)).to_lowercase();
    if broken(&all) {
        return Err(MaosError::NoProgram(format!("the program is broken: {gist}")));
    }
    if all.contains("claude cli not found") {
        let why = "it needs the program claude, which is not on PATH";
        return Err(MaosError::Broken(what, why.to_owned()));
    }
    Err(match said.code {
        // The exit code of a command line that does not know the command: never a word about health.
        2 if unknown(&all) => MaosError::Absent(what, ended),
        4 => MaosError::NotRunning(gist),
        6 => MaosError::NotFound(gist),
        126 | 127 => MaosError::NoProgram(ended),
        _ if all.contains("not running") || all.contains("connection refused") => MaosError::NotRunning(gist),
        _ if all.contains("not found")
            || all.contains("does not exist")
            || all.contains("invalid task id") =>
        {
            MaosError::NotFound(gist)
        }
        _ => MaosError::Refused(what, ended),
    })
}

/// Whether a usage error is about a command or an option that does not exist.
fn unknown(lower: &str) -> bool {
    lower.trim().is_empty()
        || [
            "no such command",
            "no such option",
            "unknown command",
            "unknown option",
            "unrecognized",
            "invalid choice",
            "unexpected argument",
        ]
        .iter()
        .any(|words| lower.contains(words))
}

/// Whether the program died of itself rather than of what it was asked.
pub fn broken(lower: &str) -> bool {
    lower.contains("traceback (most recent call last)")
        && ["modulenotfounderror", "importerror", "syntaxerror"]
            .iter()
            .any(|name| lower.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, out: &str, err: &str) -> Said {
        Said {
            code,
            out: out.as_bytes().to_vec(),
            err: err.as_bytes().to_vec(),
        }
    }

    #[test]
    fn every_end_has_one_meaning() {
        let end = |code, out, err| settle("health", said(code, out, err)).map(|_| ()).unwrap_err();
        assert!(settle("health", said(0, "unhealthy", "")).is_ok());
        assert!(
            matches!(end(2, "", "No such command 'health'."), MaosError::Absent(_, why) if why == "exit 2: No such command 'health'.")
        );
        assert!(matches!(
            end(1, "Orchestrator is not running", ""),
            MaosError::NotRunning(_)
        ));
        assert!(matches!(
            end(1, "Claude CLI not found", ""),
            MaosError::Broken(..)
        ));
        assert!(matches!(end(1, "Task not found: x", ""), MaosError::NotFound(_)));
        assert!(matches!(end(6, "", ""), MaosError::NotFound(_)));
        assert!(matches!(end(4, "", "no connection"), MaosError::NotRunning(_)));
        assert!(matches!(end(1, "", ""), MaosError::Refused(_, why) if why == "exit 1, without a word"));
        let click = "Traceback (most recent call last):\n  x\nModuleNotFoundError: No module named 'click'\n";
        assert!(matches!(end(1, "", click), MaosError::NoProgram(why) if why.contains("'click'")));
        assert!(!end(2, "", "unhealthy").to_string().contains("not running"));
    }
}
