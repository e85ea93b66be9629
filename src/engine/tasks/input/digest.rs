//! A reader that takes the digest of what goes through it, so that a file is known again without reading it once more.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::engine::workspace::files::hex;

/// The digest of what was read so far.
#[derive(Debug, Clone)]
pub(crate) struct Digest(Arc<Mutex<Sha256>>);

impl Digest {
    /// SHA-256 in hex.
    pub fn hex(&self) -> String {
        hex(&self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .finalize())
    }
}

/// Reads through and adds to a [`Digest`].
#[derive(Debug)]
pub(crate) struct Digesting<R> {
    inner: R,
    digest: Digest,
}

impl<R: Read> Digesting<R> {
    /// The reader, and its digest.
    pub fn new(inner: R) -> (Self, Digest) {
        let digest = Digest(Arc::new(Mutex::new(Sha256::new())));
        let reader = Self {
            inner,
            digest: digest.clone(),
        };
        (reader, digest)
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let mut digest = self.digest.0.lock().unwrap_or_else(PoisonError::into_inner);
        digest.update(&buffer[..count]);
        Ok(count)
    }
}
