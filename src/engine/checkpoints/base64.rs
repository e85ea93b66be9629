//! Bytes as text: the standard alphabet with padding (RFC 4648 §4), the only form accepted back.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the text of `bytes`.
pub fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = u32::from(chunk[0]) << 16
            | u32::from(chunk.get(1).copied().unwrap_or(0)) << 8
            | u32::from(chunk.get(2).copied().unwrap_or(0));
        for place in 0..4_usize {
            out.push(if place <= chunk.len() {
                ALPHABET[(word >> (18 - 6 * place) & 63) as usize]
            } else {
                b'='
            });
        }
    }
}

/// The bytes of `text`; `None` when [`push`] would not write exactly this text.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let last = text.len() / 4;
    for (at, quad) in text.chunks(4).enumerate() {
        let pad = if at + 1 == last {
            quad.iter().rev().take_while(|b| **b == b'=').count()
        } else {
            0
        };
        if pad > 2 {
            return None;
        }
        let mut word = 0_u32;
        for byte in &quad[..4 - pad] {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            word = word << 6 | u32::from(value);
        }
        word <<= 6 * pad;
        let bytes = word.to_be_bytes();
        let kept = &bytes[1..4 - pad];
        if bytes[4 - pad..].iter().any(|b| *b != 0) {
            return None;
        }
        out.extend_from_slice(kept);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"\xff\x00\xfe\xfd", "/wD+/Q=="),
        ] {
            let mut out = Vec::new();
            push(&mut out, bytes);
            assert_eq!(out, text.as_bytes());
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes));
        }
        for bad in ["Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9*"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }
}
