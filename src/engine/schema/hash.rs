//! Sums of row hashes: equal rows give equal sums in any order, and the buckets say where to look when they do not.
//!
//! A row's hash is the chain of its id and its six fields (`chain`), so it is bound to the key and to the place of every field. Sums are
//! taken modulo 2^128 in 256 buckets, chosen by the hash of the id alone.

use sha2::{Digest as _, Sha256};

use super::chain;

/// How many buckets a segment has.
pub const BUCKETS: usize = 256;

/// A row's bucket and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowHash {
    /// Which bucket, from the id.
    pub bucket: u8,
    /// The hash of everything.
    pub hash: u128,
}

/// Hashes the fields of a row, the id first. `None` is NULL and differs from empty.
#[must_use]
pub fn row(id: &str, fields: [Option<&str>; 6]) -> RowHash {
    let [head @ .., last] = fields;
    row_in_parts(id, head, last.map(|last| (last, "")))
}

/// Hashes the fields of a row whose last field lies in two parts.
#[must_use]
pub fn row_in_parts(id: &str, fields: [Option<&str>; 5], last: Option<(&str, &str)>) -> RowHash {
    let mut hash = chain::hash(id.as_bytes(), 0);
    for field in fields {
        hash = chain::text(field, hash);
    }
    hash = match last {
        Some((head, tail)) if !tail.is_empty() => chain::hash([head, tail].concat().as_bytes(), hash),
        whole => chain::text(whole.map(|(head, _)| head), hash),
    };
    RowHash {
        bucket: bucket(id),
        hash: u128::from(hash),
    }
}

/// Hashes a pair of texts, for tracking and quarantine.
#[must_use]
pub fn pair(a: &str, b: &str) -> u128 {
    let mut hasher = Sha256::new();
    feed(&mut hasher, Some(a));
    feed(&mut hasher, Some(b));
    first(&hasher.finalize())
}

/// The bucket of an id: FNV-1a folded to 8 bits.
#[must_use]
pub fn bucket(id: &str) -> u8 {
    let mut state: u32 = 0x811c_9dc5;
    for byte in id.bytes() {
        state = (state ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    (state ^ (state >> 8) ^ (state >> 16) ^ (state >> 24)).to_le_bytes()[0]
}

fn feed(hasher: &mut Sha256, field: Option<&str>) {
    match field {
        None => hasher.update([0xff; 8]),
        Some(text) => {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
}

fn first(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .take(16)
        .fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}

/// Sums of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// Rows.
    pub rows: u64,
    buckets: Vec<u128>,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            rows: 0,
            buckets: vec![0; BUCKETS],
        }
    }
}

impl Sums {
    /// Adds a row.
    pub fn add(&mut self, row: RowHash) {
        self.rows += 1;
        if let Some(slot) = self.buckets.get_mut(usize::from(row.bucket)) {
            *slot = slot.wrapping_add(row.hash);
        }
    }

    /// One hash over all buckets and the count, as 32 hex digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.rows.to_le_bytes());
        for bucket in &self.buckets {
            hasher.update(bucket.to_le_bytes());
        }
        crate::engine::workspace::hex(&hasher.finalize()[..16])
    }

    /// The buckets in which two segments differ.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<u8> {
        (0..=u8::MAX)
            .filter(|i| self.buckets.get(usize::from(*i)) != other.buckets.get(usize::from(*i)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(rows: &[(&str, &str)]) -> Sums {
        let mut sums = Sums::default();
        for (id, text) in rows {
            sums.add(row(id, [Some(text), None, None, None, None, None]));
        }
        sums
    }

    #[test]
    fn order_does_not_matter_and_content_does() {
        let a = sums(&[("1", "x"), ("2", "y")]);
        assert_eq!(a.digest(), sums(&[("2", "y"), ("1", "x")]).digest());
        // Contents exchanged between keys: a sum that is not bound to the key would not see it.
        let b = sums(&[("1", "y"), ("2", "x")]);
        assert_ne!(a.digest(), b.digest());
        assert_eq!(a.differing(&b).len(), 2);
        assert_ne!(
            row("1", [None; 6]),
            row("1", [Some(""), None, None, None, None, None])
        );
    }
}
