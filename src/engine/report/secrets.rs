//! Looks for secret values in what is about to be written or handed on. A hit names the file and the line, never the
//! value.

use std::io::Read;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use secrecy::{ExposeSecret as _, SecretString};

use super::html;
use crate::engine::error::{Error, Result};

/// The shortest value that is searched for: shorter ones stand in every text by chance.
pub const SHORTEST: usize = 4;

const CHUNK: usize = 64 * 1024;

/// The values to look for, in every form they may take.
pub struct Scanner {
    automaton: Option<AhoCorasick>,
    longest: usize,
    /// Values that are not searched for because they are shorter than [`SHORTEST`] or equal a word that is no secret.
    pub skipped: usize,
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The automaton holds the values.
        f.debug_struct("Scanner")
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

/// Where a secret was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
}

impl Hit {
    /// The sentence for the screen.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "Not written: a secret was found in {} line {}. Its value is not shown.",
            self.file, self.line
        )
    }
}

impl From<Hit> for Error {
    fn from(hit: Hit) -> Self {
        Self::input(format!(
            "not written: a secret was found in {} line {}; its value is not shown",
            hit.file, hit.line
        ))
        .hint("Take the secret out of that file or replace it with ${ENV_NAME}, then write the report again.")
    }
}

impl Scanner {
    /// A scanner for `values`, each as it is, percent-encoded, as in JSON and as in HTML. A value that equals one of
    /// `public` (user, host, database and migration names, which stand in every report) is skipped and counted.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Bug`] when the automaton cannot be built.
    pub fn new(values: &[SecretString], public: &[&str]) -> Result<Self> {
        let mut patterns = Vec::new();
        let mut skipped = 0;
        for value in values {
            let value = value.expose_secret();
            if value.len() < SHORTEST || public.iter().any(|word| word.eq_ignore_ascii_case(value)) {
                skipped += 1;
                continue;
            }
            patterns.extend(forms(value));
        }
        patterns.sort();
        patterns.dedup();
        let longest = patterns.iter().map(String::len).max().unwrap_or(0);
        let automaton = if patterns.is_empty() {
            None
        } else {
            Some(
                AhoCorasickBuilder::new()
                    .match_kind(MatchKind::Standard)
                    .build(&patterns)
                    .map_err(|_| Error::bug("cannot build the search for secrets"))?,
            )
        };
        Ok(Self {
            automaton,
            longest,
            skipped,
        })
    }

    /// Looks through a text.
    #[must_use]
    pub fn scan(&self, file: &str, text: &[u8]) -> Option<Hit> {
        let found = self.automaton.as_ref()?.find(text)?;
        Some(Hit {
            file: file.to_owned(),
            line: 1 + newlines(&text[..found.start()]),
        })
    }

    /// Looks through a file of any size, a chunk at a time.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Unavailable`] when it cannot be read: a file that could not be looked through does not
    /// count as clean.
    pub fn scan_reader(&self, file: &str, mut reader: impl Read) -> Result<Option<Hit>> {
        let Some(automaton) = &self.automaton else {
            return Ok(None);
        };
        // A value may lie across two chunks: the tail of one is looked at again with the next.
        let overlap = self.longest.saturating_sub(1);
        let mut buffer: Vec<u8> = Vec::with_capacity(CHUNK + overlap);
        let mut chunk = vec![0; CHUNK];
        let mut passed = 0;
        loop {
            let n = match reader.read(&mut chunk) {
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Error::unavailable(format!("cannot look through {file}: {error}")));
                }
            };
            if n == 0 {
                return Ok(None);
            }
            buffer.extend_from_slice(&chunk[..n]);
            if let Some(found) = automaton.find(&buffer) {
                return Ok(Some(Hit {
                    file: file.to_owned(),
                    line: 1 + passed + newlines(&buffer[..found.start()]),
                }));
            }
            let keep = buffer.len().saturating_sub(overlap);
            passed += newlines(&buffer[..keep]);
            buffer.drain(..keep);
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// The forms a value takes in the files this program writes.
fn forms(value: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let mut forms = vec![
        value.to_owned(),
        percent.replace('+', "%20"),
        percent,
        html::escape(value),
        super::markdown::escape(value),
    ];
    if let Ok(json) = serde_json::to_string(value) {
        forms.push(json.trim_matches('"').to_owned());
    }
    // An escape that ends in a quote may be trimmed to nothing that is worth a search.
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}
