//! Where a script's output goes: one document (or lines) on standard output, everything else on standard error.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::engine::error::{Error, Result};
use crate::engine::text::inert;
use crate::engine::workspace::secrets::scrub;

/// The two streams of a headless run.
pub struct Output {
    json: bool,
    out: BufWriter<Box<dyn Write + Send>>,
    err: Box<dyn Write + Send>,
    reader_gone: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// The process's own streams.
    #[must_use]
    pub fn stdio(json: bool) -> Self {
        Self::new(json, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Any two streams.
    #[must_use]
    pub fn new(json: bool, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            json,
            out: BufWriter::with_capacity(64 * 1024, out),
            err,
            reader_gone: false,
        }
    }

    /// Whether whoever read standard output has gone away, as `| head` does: the end of the work, and nothing to complain about.
    #[must_use]
    pub const fn reader_gone(&self) -> bool {
        self.reader_gone
    }

    /// Whether the caller wants JSON.
    #[must_use]
    pub const fn json(&self) -> bool {
        self.json
    }

    /// One JSON document or line.
    ///
    /// # Errors
    /// When standard output is closed or full.
    pub fn document(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|error| Error::bug(error.to_string()))?;
        self.line(&scrub(&text))
    }

    /// One line for people or programs, as it is.
    ///
    /// # Errors
    /// When standard output is closed or full.
    pub fn line(&mut self, text: &str) -> Result<()> {
        let written = writeln!(self.out, "{text}");
        self.written(written)
    }

    /// One line for people, only without `--json`. Control characters are shown, secrets are masked.
    ///
    /// # Errors
    /// When standard output is closed or full.
    pub fn human(&mut self, text: &str) -> Result<()> {
        if self.json {
            Ok(())
        } else {
            self.line(&inert(&scrub(text)))
        }
    }

    /// A line of progress or a warning, on standard error. A closed standard error is no reason to stop the work.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(self.err, "{}", inert(&scrub(text)));
    }

    /// The error as this caller reads it.
    pub fn error(&mut self, error: &Error) {
        let _ = self.out.flush();
        if self.reader_gone {
            return;
        }
        if self.json {
            let value = serde_json::json!({"error": error});
            let _ = writeln!(self.err, "{}", scrub(&value.to_string()));
            return;
        }
        self.note(&format!("error: {error}"));
        if let Some(hint) = &error.hint {
            self.note(&format!("  do: {hint}"));
        }
    }

    /// Everything written so far goes out.
    ///
    /// # Errors
    /// When standard output is closed or full.
    pub fn flush(&mut self) -> Result<()> {
        let flushed = self.out.flush();
        self.written(flushed)
    }

    fn written(&mut self, result: io::Result<()>) -> Result<()> {
        result.map_err(|error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                self.reader_gone = true;
                return Error::interrupted("the reader of standard output went away");
            }
            Error::unavailable(format!("cannot write the output: {error}"))
        })
    }
}

/// A line on the process's standard error, from wherever no [`Output`] is at hand.
pub fn note_line(text: &str) {
    let _ = writeln!(io::stderr(), "{}", inert(&scrub(text)));
}
