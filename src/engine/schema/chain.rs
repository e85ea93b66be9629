//! A hash that PostgreSQL computes as well as this program does, so that a whole segment of the target is summed up where it lies and
//! only the sum travels.
//!
//! It is the 64-bit hash behind `hashtextextended` (Bob Jenkins' lookup3, 2006, public domain; PostgreSQL keeps its results stable because
//! hash partitions depend on them). Each field is hashed with the hash before it as its seed, the id first, so a row's hash is bound to its
//! key and to the place of every field. Sums are taken modulo 2^64. Equal sums prove a segment; unequal sums prove nothing, since a server of
//! another byte order hashes differently: then the rows themselves are read and compared by [`super::hash`].
//!
//! # Why 64 bits are enough
//!
//! A row is compared with its own expectation and never with other rows, so the birthday bound does not apply: what matters is one
//! comparison a segment, not pairs of rows. Whatever differs in a segment, in one row or in all, moves its sum by a sum of differences of
//! hashes, and goes unseen when that is 0 modulo 2^64: once in 1.8e19 such segments. A table of 50 million rows has some 1,000 segments;
//! were every one of them damaged, the chance that any passes is 1,000 / 2^64 = 5e-17, far below that of a memory error that no checksum
//! notices. Where sums differ, [`super::hash`] adds the same hashes in 128 bits, so that nothing cancels there, and then compares row by row,
//! each again with a chance of 2^-64 to be taken for equal. Wider sums would cost a second pass over every byte on both sides (PostgreSQL has
//! only md5 and SHA beside it, measured at ten times the work for each byte) for a risk that is not the one at hand. The hash is no seal against malice: who can write
//! both databases can also write the ledger. Counts, totals for each status and type, and the keys on one side only are compared besides.

/// What stands for NULL in a text field. The SQL of the adapter says the same.
pub const NULL_TEXT: &str = "\u{1}null\u{1}";

/// What stands for a NULL time: no time is written in capitals.
pub const NULL_TIME: &str = "NULL";

const START: u32 = 0x9e37_79b9_u32.wrapping_add(3_923_095);

/// Hashes bytes with a seed.
#[must_use]
pub fn hash(bytes: &[u8], seed: u64) -> u64 {
    let length = u32::try_from(bytes.len() & 0xffff_ffff).unwrap_or(u32::MAX);
    let mut a = START.wrapping_add(length);
    let (mut b, mut c) = (a, a);
    if seed != 0 {
        a = a.wrapping_add(high(seed));
        b = b.wrapping_add(low(seed));
        (a, b, c) = mix(a, b, c);
    }
    let mut blocks = bytes.chunks_exact(12);
    for block in &mut blocks {
        a = a.wrapping_add(word(block, 0));
        b = b.wrapping_add(word(block, 4));
        c = c.wrapping_add(word(block, 8));
        (a, b, c) = mix(a, b, c);
    }
    let rest = blocks.remainder();
    if !rest.is_empty() {
        // The lowest byte of c is kept for the length: what falls there moves up by one.
        let mut last = [0_u8; 12];
        for (i, byte) in rest.iter().enumerate() {
            if let Some(slot) = last.get_mut(if i < 8 { i } else { i + 1 }) {
                *slot = *byte;
            }
        }
        a = a.wrapping_add(word(&last, 0));
        b = b.wrapping_add(word(&last, 4));
        c = c.wrapping_add(word(&last, 8));
    }
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    c = (c ^ b).wrapping_sub(b.rotate_left(24));
    (u64::from(b) << 32) | u64::from(c)
}

/// Hashes a text field, NULL included.
#[must_use]
pub fn text(field: Option<&str>, seed: u64) -> u64 {
    hash(field.unwrap_or(NULL_TEXT).as_bytes(), seed)
}

/// The hash of a tracking row: the task's id, seeded by the legacy key.
#[must_use]
pub fn tracked(key: &str, id: &str) -> u64 {
    hash(id.as_bytes(), hash(key.as_bytes(), 0))
}

/// Hashes a time: microseconds since 2000-01-01 UTC, as 16 hexadecimal digits.
#[must_use]
pub fn time(micros: Option<i64>, seed: u64) -> u64 {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let Some(micros) = micros else {
        return hash(NULL_TIME.as_bytes(), seed);
    };
    let mut digits = [0_u8; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(micros.to_be_bytes()) {
        if let [first, second] = pair {
            *first = DIGITS.get(usize::from(byte >> 4)).copied().unwrap_or_default();
            *second = DIGITS.get(usize::from(byte & 15)).copied().unwrap_or_default();
        }
    }
    hash(&digits, seed)
}

const fn high(n: u64) -> u32 {
    (n >> 32) as u32
}

const fn low(n: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
    let half = n as u32;
    half
}

fn word(block: &[u8], at: usize) -> u32 {
    block
        .get(at..at + 4)
        .and_then(|four| four.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

const fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    a = a.wrapping_sub(c) ^ c.rotate_left(4);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(6);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(8);
    b = b.wrapping_add(a);
    a = a.wrapping_sub(c) ^ c.rotate_left(16);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(19);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(4);
    b = b.wrapping_add(a);
    (a, b, c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of PostgreSQL 15: `SELECT hashtextextended(text, seed)`.
    #[test]
    fn it_is_the_hash_of_the_server() {
        #[expect(clippy::cast_sign_loss, reason = "the bits are wanted")]
        for (text, seed, answer) in [
            ("", 0_i64, -6_939_563_903_564_495_251_i64),
            ("abc", 0, -6_747_756_470_228_489_321),
            ("abcdefghijkl", -7, -2_179_186_698_317_225_985),
            (
                "The quick brown fox jumps over the lazy dog",
                42,
                7_150_499_504_945_507_884,
            ),
        ] {
            assert_eq!(hash(text.as_bytes(), seed as u64), answer as u64, "{text}");
        }
        let id = uuid::Uuid::parse_str("80000000-0000-8000-81ab-cdef01234567").unwrap();
        assert_eq!(
            hash(id.as_bytes(), 0),
            (-1_802_456_675_440_511_416_i64).cast_unsigned()
        );
        assert_eq!(
            time(Some(0x0002_b0d5_d4f8_8240), 5),
            (-2_867_734_368_365_729_307_i64).cast_unsigned()
        );
    }

    #[test]
    fn every_field_counts_and_so_does_its_place() {
        let row = |a: Option<&str>, b: Option<&str>| text(b, text(a, 7));
        assert_ne!(row(Some("x"), Some("y")), row(Some("y"), Some("x")));
        assert_ne!(row(None, Some("")), row(Some(""), None));
        assert_ne!(time(None, 1), time(Some(0), 1));
    }
}
