//! PostgreSQL's COPY text format: the one form in which rows travel between stores. A line is a row, a tab parts fields, `\N` is
//! NULL, and backslash, tab, newline and carriage return inside a field are escaped with a backslash.

use std::borrow::Cow;

/// Appends one field; `first` says whether it starts a line.
pub fn push(line: &mut Vec<u8>, field: Option<&str>, first: bool) {
    if !first {
        line.push(b'\t');
    }
    let Some(text) = field else {
        line.extend_from_slice(b"\\N");
        return;
    };
    let mut rest = text.as_bytes();
    while let Some(at) = rest
        .iter()
        .position(|b| matches!(b, b'\\' | b'\t' | b'\n' | b'\r'))
    {
        let (plain, tail) = rest.split_at(at);
        line.extend_from_slice(plain);
        line.extend_from_slice(match tail.first() {
            Some(b'\t') => b"\\t",
            Some(b'\n') => b"\\n",
            Some(b'\r') => b"\\r",
            _ => b"\\\\",
        });
        rest = tail.get(1..).unwrap_or_default();
    }
    line.extend_from_slice(rest);
}

/// Ends a line.
pub fn end(line: &mut Vec<u8>) {
    line.push(b'\n');
}

/// The fields of one line without its newline; `None` when it is not UTF-8.
pub fn fields(line: &[u8]) -> Option<Vec<Option<Cow<'_, str>>>> {
    let text = std::str::from_utf8(line).ok()?;
    Some(text.split('\t').map(field).collect())
}

fn field(raw: &str) -> Option<Cow<'_, str>> {
    if raw == "\\N" {
        return None;
    }
    if !raw.contains('\\') {
        return Some(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Some(Cow::Owned(out))
}

/// Cuts a stream of bytes into lines, whatever its pieces are.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Adds bytes and hands every complete line (without newline) to `each`.
    ///
    /// # Errors
    /// The first error of `each`.
    pub fn feed<E>(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let Some(at) = bytes.iter().position(|b| *b == b'\n') else {
                self.rest.extend_from_slice(bytes);
                return Ok(());
            };
            let (head, tail) = bytes.split_at(at);
            self.rest.extend_from_slice(head);
            each(&self.rest)?;
            self.rest.clear();
            bytes = tail.get(1..).unwrap_or_default();
        }
        while let Some(at) = bytes.iter().position(|b| *b == b'\n') {
            let (head, tail) = bytes.split_at(at);
            each(head)?;
            bytes = tail.get(1..).unwrap_or_default();
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(rows in proptest::collection::vec(proptest::collection::vec(proptest::option::of(".*"), 3), 0..6), cut in 1_usize..40) {
            let mut bytes = Vec::new();
            for row in &rows {
                for (i, value) in row.iter().enumerate() {
                    push(&mut bytes, value.as_deref(), i == 0);
                }
                end(&mut bytes);
            }
            let mut back = Vec::new();
            let mut lines = Lines::default();
            for piece in bytes.chunks(cut) {
                lines.feed(piece, |line| {
                    let fields = fields(line).ok_or(())?;
                    back.push(fields.into_iter().map(|f| f.map(Cow::into_owned)).collect::<Vec<_>>());
                    Ok::<(), ()>(())
                }).unwrap();
            }
            prop_assert_eq!(rows, back);
        }
    }
}
