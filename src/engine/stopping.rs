//! Reading that a stop ends: from a pipe in which nothing comes, and from a device that never ends.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::error::Error;
use super::operation::Control;

/// How long a stop may go unseen.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// What [`io::Error`]s of a stopped reading hold.
#[derive(Debug, thiserror::Error)]
#[error("stopped at a safe point")]
struct Stopped;

/// The error of a reading that was stopped.
#[must_use]
pub fn stopped() -> io::Error {
    io::Error::other(Stopped)
}

/// What a failed reading of `name` is: a stop that was asked for, or trouble outside.
#[must_use]
pub fn read_error(name: &str, error: &io::Error) -> Error {
    if error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Stopped>)
    {
        return Error::interrupted(Stopped.to_string());
    }
    Error::unavailable(format!("cannot read {name}: {error}"))
}

/// A reader whose waiting can be looked after: a thread of its own reads ahead. Nobody can wake a thread that reads, so it stays until
/// something comes or the process ends.
pub struct Waiting {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
    control: Option<Control>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

impl Waiting {
    /// Reads `reader`. Without a `control` nothing within a tenth of a second is [`io::ErrorKind::Interrupted`], so that the caller can
    /// look whether to go on; with one that is done here, and the end is [`stopped`].
    pub fn new(mut reader: impl Read + Send + 'static, control: Option<Control>) -> Self {
        let (give, chunks) = sync_channel(1);
        std::thread::spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = match reader.read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let last = !matches!(read, Ok(1..));
                let read = read.map(|count| {
                    chunk.truncate(count);
                    chunk
                });
                if give.send(read).is_err() || last {
                    return;
                }
            }
        });
        Self {
            chunks,
            chunk: Vec::new(),
            at: 0,
            control,
        }
    }
}

impl Read for Waiting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.control.as_ref().is_some_and(Control::stopping) {
                return Err(stopped());
            }
            if self.at < self.chunk.len() {
                let count = (&self.chunk[self.at..]).read(into)?;
                self.at += count;
                return Ok(count);
            }
            match self.chunks.recv_timeout(LOOK) {
                Ok(chunk) => {
                    self.chunk = chunk?;
                    self.at = 0;
                    if self.chunk.is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) if self.control.is_some() => {}
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::Interrupted.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::error::ErrorKind;

    #[test]
    fn everything_is_read_and_a_stop_ends_the_waiting() {
        let text: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut read = Vec::new();
        Waiting::new(io::Cursor::new(text.clone()), Some(Control::silent()))
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, text);
        // A pipe that stays open, and in which nothing comes.
        let (pipe, _open) = io::pipe().unwrap();
        let control = Control::silent();
        control.stop();
        let error = Waiting::new(pipe, Some(control)).read(&mut [0; 8]).unwrap_err();
        assert_eq!(read_error("it", &error).kind, ErrorKind::Interrupted);
        let (pipe, _open) = io::pipe().unwrap();
        let error = Waiting::new(pipe, None).read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        let other = read_error("it", &io::ErrorKind::PermissionDenied.into());
        assert_eq!(other.kind, ErrorKind::Unavailable);
    }
}
