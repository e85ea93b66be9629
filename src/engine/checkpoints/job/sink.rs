//! Where the text of a result goes: into its file and its checksum. Of a large one both are done beside the formatting.

use std::fs::File;
use std::io::{Error, ErrorKind as Io, Result, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use sha2::{Digest as _, Sha256};

use super::super::json::{Sink, Written};

/// Pieces that may wait to be written; with those in work they bound the memory.
const AHEAD: usize = 4;

/// Writes and hashes each piece as it comes.
pub(super) struct HashedFile<'f> {
    file: &'f mut File,
    hasher: Sha256,
    left: u64,
    pieces: usize,
    whole: Vec<u8>,
}

/// What was written.
pub(super) struct Hashed {
    /// The SHA-256 of all of it.
    pub digest: [u8; 32],
    /// All of it, where it came in one piece: what is read back is then compared with this, which costs less than a checksum.
    pub whole: Option<Vec<u8>>,
}

impl<'f> HashedFile<'f> {
    /// At most `limit` bytes are taken.
    pub fn new(file: &'f mut File, limit: u64) -> Self {
        Self {
            file,
            hasher: Sha256::new(),
            left: limit,
            pieces: 0,
            whole: Vec::new(),
        }
    }

    /// What was written.
    pub fn finish(self) -> Hashed {
        Hashed {
            digest: self.hasher.finalize().into(),
            whole: (self.pieces == 1).then_some(self.whole),
        }
    }
}

fn spend(left: &mut u64, piece: &[u8]) -> Result<()> {
    *left = left
        .checked_sub(piece.len() as u64)
        .ok_or_else(|| Error::from(Io::FileTooLarge))?;
    Ok(())
}

impl Sink for HashedFile<'_> {
    type Error = Error;

    fn take(&mut self, piece: &mut Vec<u8>) -> Result<()> {
        spend(&mut self.left, piece)?;
        self.hasher.update(&*piece);
        self.file.write_all(piece)?;
        self.pieces += 1;
        // The buffers change places: the last one comes back empty after the last piece, or is filled again.
        std::mem::swap(&mut self.whole, piece);
        Ok(())
    }
}

/// Hands pieces to the thread that writes them, and takes empty ones back.
pub(super) struct Handed {
    send: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    left: u64,
}

impl Sink for Handed {
    type Error = Error;

    fn take(&mut self, piece: &mut Vec<u8>) -> Result<()> {
        spend(&mut self.left, piece)?;
        let empty = self
            .empty
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(piece.capacity()));
        // The thread ends early only with an error of its own, which goes before this one.
        self.send
            .send(std::mem::replace(piece, empty))
            .map_err(|_| Error::from(Io::BrokenPipe))
    }
}

/// Runs `format` and writes what it gives beside it. At most `limit` bytes are taken.
///
/// # Errors
/// The I/O error; `FileTooLarge` over the limit.
pub(super) fn beside(
    file: &mut File,
    limit: u64,
    format: impl FnOnce(&mut Handed) -> Result<Written>,
) -> Result<(Written, [u8; 32])> {
    let (send, receive) = sync_channel::<Vec<u8>>(AHEAD);
    let (give_back, empty) = channel::<Vec<u8>>();
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || -> Result<[u8; 32]> {
            let mut sink = HashedFile::new(file, u64::MAX);
            for mut piece in receive {
                sink.take(&mut piece)?;
                piece.clear();
                // Nobody wants it back once the formatting has ended.
                let _ = give_back.send(piece);
            }
            Ok(sink.finish().digest)
        });
        let mut handed = Handed {
            send,
            empty,
            left: limit,
        };
        let written = format(&mut handed);
        drop(handed);
        let digest = writer
            .join()
            .map_err(|_| Error::other("the writer ended without a word"))??;
        Ok((written?, digest))
    })
}
