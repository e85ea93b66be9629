//! Comparing what would be written with what stands in its place, without writing anything.

use std::fs::File;
use std::io::{ErrorKind as Io, Read as _};

use sha2::{Digest as _, Sha256};

use super::super::arena::Arena;
use super::super::envelope::{DATE_CHARS, Envelope};
use super::super::json::{self, Sink, Written};

/// Compares what would be written with a file, the conversion time left out. `None` when they differ.
pub(super) fn compare(
    file: File,
    arena: &Arena<'_>,
    envelope: Envelope,
) -> std::io::Result<Option<(Written, [u8; 32])>> {
    let mut sink = Comparer {
        file,
        hasher: Sha256::new(),
        at: 0,
        buffer: Vec::new(),
        differing: 0,
        first: 0,
        last: 0,
    };
    let written = match json::write(arena, envelope.root, envelope.date, &mut sink) {
        Ok(written) => written,
        Err(error) if error.kind() == Io::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    // Nothing may follow, and every differing byte must lie in the conversion time.
    if sink.file.read(&mut [0])? != 0 {
        return Ok(None);
    }
    let in_date = written
        .watched_at
        .is_some_and(|at| sink.first >= at && sink.last < at + DATE_CHARS as u64);
    if sink.differing > 0 && !in_date {
        return Ok(None);
    }
    Ok(Some((written, sink.hasher.finalize().into())))
}

struct Comparer {
    file: File,
    hasher: Sha256,
    at: u64,
    buffer: Vec<u8>,
    differing: u64,
    first: u64,
    last: u64,
}

impl Sink for Comparer {
    type Error = std::io::Error;

    fn take(&mut self, piece: &mut Vec<u8>) -> std::io::Result<()> {
        self.buffer.resize(piece.len(), 0);
        self.file.read_exact(&mut self.buffer)?;
        self.hasher.update(&self.buffer);
        if self.buffer != *piece {
            for (offset, (ours, theirs)) in piece.iter().zip(&self.buffer).enumerate() {
                if ours != theirs {
                    let at = self.at + offset as u64;
                    if self.differing == 0 {
                        self.first = at;
                    }
                    self.last = at;
                    self.differing += 1;
                }
            }
            // More than a time can differ by: no need to read on.
            if self.differing > DATE_CHARS as u64 {
                return Err(Io::UnexpectedEof.into());
            }
        }
        self.at += piece.len() as u64;
        Ok(())
    }
}
