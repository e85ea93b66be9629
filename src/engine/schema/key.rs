//! Task ids made from legacy keys: the same key always gets the same id, in any run, from any database.
//!
//! An id is a UUID of version 8 (RFC 9562: free use), variant 10, that keeps the order of the keys, so that an index is
//! filled from left to right:
//!
//! ```text
//! integer key   kkkkkkkk-kkkk-8kkk-8knn-nnnnnnnnnnnn   k  the key with its sign bit turned, 64 bits
//! text key      pppppppp-pppp-8hhh-8hhh-hhhhhhhhhhhh   p  the first 6 bytes of the key, padded with zeros
//!                                                      n  the namespace: SHA-256 of "maos-migrate" NUL label, 56 bits
//!                                                      h  SHA-256 of namespace and key, 72 bits
//! ```
//!
//! The label names the source (by default its table), so that two sources in one target do not collide.

use sha2::{Digest as _, Sha256};

use crate::engine::ports::store::Key;
use crate::engine::workspace::hex;

/// Hex digits of the namespace.
pub const NAMESPACE_DIGITS: usize = 14;

/// The namespace of a label: 14 hex digits.
#[must_use]
pub fn namespace(label: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"maos-migrate\0");
    hasher.update(label.as_bytes());
    let mut digits = hex(&hasher.finalize()[..7]);
    digits.truncate(NAMESPACE_DIGITS);
    digits
}

/// The 16 bytes of an integer key's id; `space` are the 7 bytes of [`namespace`].
#[must_use]
pub fn id_bytes(space: [u8; 7], n: i64) -> [u8; 16] {
    let bits = n.cast_unsigned() ^ (1 << 63);
    let k = bits.to_be_bytes();
    let middle = (0x8000 | ((bits >> 4) & 0x0fff)).to_be_bytes();
    let [.., version, rest] = middle;
    let [s0, s1, s2, s3, s4, s5, s6] = space;
    [
        k[0],
        k[1],
        k[2],
        k[3],
        k[4],
        k[5],
        version,
        rest,
        0x80 | (k[7] & 0x0f),
        s0,
        s1,
        s2,
        s3,
        s4,
        s5,
        s6,
    ]
}

/// The bytes of a namespace's digits; zeros when they are none.
#[must_use]
pub fn space_bytes(namespace: &str) -> [u8; 7] {
    let mut space = [0; 7];
    for (i, slot) in space.iter_mut().enumerate() {
        *slot = namespace
            .get(i * 2..i * 2 + 2)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            .unwrap_or_default();
    }
    space
}

/// Appends an id as text: lower case, with hyphens.
pub fn push_id(out: &mut String, id: [u8; 16]) {
    out.push_str(uuid::Uuid::from_bytes(id).hyphenated().encode_lower(&mut [0; 36]));
}

/// Appends a number in decimal digits.
pub fn push_number(out: &mut String, n: i64) {
    // 19 digits and a sign, filled from the end.
    let mut digits = [b'0'; 20];
    let mut left = n.unsigned_abs();
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
        used += 1;
        if left == 0 {
            break;
        }
    }
    if n < 0 {
        out.push('-');
    }
    let text = digits.get(digits.len() - used..).unwrap_or_default();
    out.push_str(std::str::from_utf8(text).unwrap_or_default());
}

/// The id of a key, lower case with hyphens.
#[must_use]
pub fn task_id(namespace: &str, key: &Key) -> String {
    match key {
        Key::Integer(n) => {
            let mut id = String::with_capacity(36);
            push_id(&mut id, id_bytes(space_bytes(namespace), *n));
            id
        }
        Key::Text(text) => {
            let mut prefix = [0_u8; 6];
            for (slot, byte) in prefix.iter_mut().zip(text.bytes()) {
                *slot = byte;
            }
            let prefix = hex(&prefix);
            let mut hasher = Sha256::new();
            hasher.update(namespace.as_bytes());
            hasher.update(text.as_bytes());
            let hash = hex(&hasher.finalize()[..9]);
            let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default().to_owned();
            format!(
                "{}-{}-8{}-8{}-{}",
                prefix.get(..8).unwrap_or_default(),
                prefix.get(8..).unwrap_or_default(),
                part(0, 3),
                part(3, 6),
                part(6, 18),
            )
        }
    }
}

/// Whether an id was made from an integer key in this namespace.
#[must_use]
pub fn in_namespace(namespace: &str, id: &str) -> bool {
    let bytes = id.as_bytes();
    let (Some(head), Some(tail)) = (namespace.get(..2), namespace.get(2..)) else {
        return false;
    };
    bytes.len() == 36
        && bytes.get(14) == Some(&b'8')
        && bytes.get(19) == Some(&b'8')
        && id.get(21..23) == Some(head)
        && id.get(24..) == Some(tail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_fixed_for_ever() {
        let space = namespace("legacy_tasks");
        assert_eq!(space.len(), NAMESPACE_DIGITS);
        let id = task_id(&space, &Key::Integer(1));
        assert_eq!(&id[..22], "80000000-0000-8000-81".to_owned() + &space[..1]);
        assert!(in_namespace(&space, &id));
        assert!(!in_namespace(&namespace("other"), &id));
        assert_eq!(task_id(&space, &Key::Text("a".into())).len(), 36);
    }

    #[test]
    fn an_id_is_laid_out_as_drawn() {
        let id = task_id("a1b2c3d4e5f607", &Key::Integer(0x0123_4567_89ab_cdef));
        assert_eq!(id, "81234567-89ab-8cde-8fa1-b2c3d4e5f607");
        let id = task_id("a1b2c3d4e5f607", &Key::Integer(-1));
        assert_eq!(id, "7fffffff-ffff-8fff-8fa1-b2c3d4e5f607");
    }

    proptest! {
        #[test]
        fn integer_keys_keep_their_order(a: i64, b: i64) {
            let space = namespace("legacy_tasks");
            let (x, y) = (task_id(&space, &Key::Integer(a)), task_id(&space, &Key::Integer(b)));
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert!(uuid::Uuid::parse_str(&x).is_ok_and(|id| id.get_version_num() == 8));
        }

        #[test]
        fn text_keys_keep_the_order_of_their_beginning(a in "[a-z]{6}", b in "[a-z]{6}") {
            let space = namespace("legacy_tasks");
            let (x, y) = (task_id(&space, &Key::Text(a.clone())), task_id(&space, &Key::Text(b.clone())));
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        }
    }
}
