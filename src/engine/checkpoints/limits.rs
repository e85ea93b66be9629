//! What one file may cost. Every limit is checked before the memory or the time is spent.

use super::arena::MAX_FILE_BYTES;

/// The limits for one file. The defaults let every checkpoint of an ordinary application through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file, and of its content after gzip.
    pub file_bytes: u64,
    /// Containers inside each other in the output; Python's own JSON reader gives up shortly after this.
    pub depth: u32,
    /// Values made while reading.
    pub nodes: u64,
    /// Bytes of memory for each byte of the file while reading, beyond [`Limits::memory_floor`].
    pub memory_ratio: u64,
    /// Bytes of memory that are always allowed while reading.
    pub memory_floor: u64,
    /// Entries of the memo.
    pub memo: usize,
    /// Decimal digits of one integer; what Python itself prints at most.
    pub digits: usize,
    /// `DUP` operations: no pickler writes any.
    pub dups: u64,
    /// Fetches of containers from the memo for each one stored, once there are [`Limits::fetch_floor`] of them.
    pub fetch_ratio: u64,
    /// Fetches of containers that are always allowed.
    pub fetch_floor: u64,
    /// Output bytes that are always allowed.
    pub output_floor: u64,
    /// Output bytes for each byte of the source beyond the floor.
    pub output_ratio: u64,
    /// Inflated bytes for each byte of a gzip file, beyond [`Limits::inflate_floor`].
    pub inflate_ratio: u64,
    /// Inflated bytes that are always allowed.
    pub inflate_floor: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: MAX_FILE_BYTES,
            depth: 900,
            nodes: 1 << 30,
            memory_ratio: 12,
            memory_floor: 128 << 20,
            memo: 1 << 28,
            digits: 4300,
            dups: 10_000,
            fetch_ratio: 50,
            fetch_floor: 100_000,
            output_floor: 64 << 20,
            output_ratio: 64,
            inflate_ratio: 100,
            inflate_floor: 64 << 20,
        }
    }
}

impl Limits {
    /// Output bytes allowed for a source of `source` bytes.
    #[must_use]
    pub const fn output_bytes(&self, source: u64) -> u64 {
        let by_ratio = source.saturating_mul(self.output_ratio);
        if by_ratio > self.output_floor {
            by_ratio
        } else {
            self.output_floor
        }
    }

    /// Inflated bytes allowed for a gzip file of `source` bytes.
    #[must_use]
    pub const fn inflated_bytes(&self, source: u64) -> u64 {
        let by_ratio = source.saturating_mul(self.inflate_ratio);
        let allowed = if by_ratio > self.inflate_floor {
            by_ratio
        } else {
            self.inflate_floor
        };
        if allowed < self.file_bytes {
            allowed
        } else {
            self.file_bytes
        }
    }
}
