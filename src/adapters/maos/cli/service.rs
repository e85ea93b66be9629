//! A MAOS that was started here: detached from us, known by its pid and its start time, kept in a file of its directory. Nothing
//! else is ever ended.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::run::Runner;
use crate::engine::ports::maos::MaosError;
use crate::engine::ports::process::{Call, Detached, Processes};
use crate::engine::workspace::files;

/// How long a start is watched for an early end.
const WATCHED: Duration = Duration::from_millis(1500);
const LOOK: Duration = Duration::from_millis(25);
/// Bytes of the log's end that are read to say why it ended.
const TAIL: u64 = 16 * 1024;

/// Where the process of a start is remembered.
#[derive(Debug, Clone)]
pub struct Service {
    pid_file: PathBuf,
    log: PathBuf,
}

/// What became of a start.
#[derive(Debug)]
pub enum Started {
    /// It runs, with this pid.
    Runs(u32),
    /// It ended by itself, having said this at last.
    Ended(String),
}

impl Service {
    /// The service whose files lie in the directory of `runner`.
    pub fn of(runner: &Runner) -> Self {
        Self {
            pid_file: runner.directory.join("service.json"),
            log: runner.directory.join("service.log"),
        }
    }

    /// The process that was started, whether it still runs or not.
    ///
    /// # Errors
    /// A file that cannot be read: then nothing may be started or ended on a guess.
    pub fn known(&self) -> Result<Option<Detached>, MaosError> {
        match std::fs::read(&self.pid_file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                MaosError::Machine(format!(
                    "{} cannot be understood: {error}",
                    self.pid_file.display()
                ))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(MaosError::Machine(format!(
                "cannot read {}: {error}",
                self.pid_file.display()
            ))),
        }
    }

    /// The process that was started, when it runs.
    ///
    /// # Errors
    /// As [`Service::known`].
    pub fn alive(&self, processes: &Arc<dyn Processes>) -> Result<Option<Detached>, MaosError> {
        Ok(self.known()?.filter(|detached| processes.alive(detached)))
    }

    /// Starts `call` detached, and watches it for a moment.
    ///
    /// # Errors
    /// When it cannot be started or remembered; one that cannot be remembered is ended again.
    pub async fn start(&self, call: Call, processes: &Arc<dyn Processes>) -> Result<Started, MaosError> {
        let machine = |error: crate::engine::Error| MaosError::Machine(error.message);
        let begin = std::fs::metadata(&self.log).map_or(0, |meta| meta.len());
        let detached = processes.detach(call, &self.log).await.map_err(machine)?;
        let text = serde_json::to_vec(&detached).map_err(|error| MaosError::Machine(error.to_string()))?;
        if let Err(error) = files::write_atomic(&self.pid_file, &text, files::PRIVATE) {
            processes.end(&detached, Duration::ZERO).await;
            return Err(machine(error));
        }
        let watched = Instant::now();
        while watched.elapsed() < WATCHED {
            if !processes.alive(&detached) {
                self.forget()?;
                return Ok(Started::Ended(self.tail(begin)));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(Started::Runs(detached.pid))
    }

    /// Ends the process that was started, and proves that it is gone. `false`: there was none.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub async fn end(&self, grace: Duration, processes: &Arc<dyn Processes>) -> Result<bool, MaosError> {
        let Some(detached) = self.alive(processes)? else {
            self.forget()?;
            return Ok(false);
        };
        if !processes.end(&detached, grace).await {
            return Err(MaosError::NoEffect(
                "stop",
                format!("process {} still runs", detached.pid),
            ));
        }
        self.forget()?;
        Ok(true)
    }

    fn forget(&self) -> Result<(), MaosError> {
        match std::fs::remove_file(&self.pid_file) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(MaosError::Machine(format!(
                "cannot remove {}: {error}",
                self.pid_file.display()
            ))),
        }
    }

    /// The last thing that was said since the log had `begin` bytes.
    fn tail(&self, begin: u64) -> String {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = std::fs::File::open(&self.log)?;
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(begin.max(end.saturating_sub(TAIL)).min(end)))?;
            let mut bytes = Vec::new();
            file.take(TAIL).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let text = super::read::text(&read().unwrap_or_default());
        super::read::gist("", &text)
    }
}
