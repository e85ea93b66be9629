//! The keys of a table with a hash of each row, in a file: what tells later which rows are new, changed or gone.
//!
//! A line is `KEY\tHASH`, the hash a signed number in decimal, in order of the key's bytes, compressed with gzip. Backslash,
//! tabulator and newline in a key are written as `\\`, `\t`, `\n`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::engine::error::{Error, Result};

/// Writes a file of keys.
pub struct Writer {
    to: GzEncoder<BufWriter<File>>,
    path: std::path::PathBuf,
    rows: u64,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins a new file that only its owner can read.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| Error::io("write", path, &error))?;
        Ok(Self {
            to: GzEncoder::new(BufWriter::with_capacity(1 << 18, file), Compression::fast()),
            path: path.to_owned(),
            rows: 0,
        })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, key: &str, hash: i64) -> Result<()> {
        self.rows += 1;
        let written = if key.bytes().any(|b| matches!(b, b'\\' | b'\t' | b'\n' | b'\r')) {
            writeln!(self.to, "{}\t{hash}", escaped(key))
        } else {
            writeln!(self.to, "{key}\t{hash}")
        };
        written.map_err(|error| Error::io("write", &self.path, &error))
    }

    /// Ends the file, safely on disk; gives how many lines it has.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(self) -> Result<u64> {
        let fail = |error: std::io::Error| Error::io("write", &self.path, &error);
        let file = self.to.finish().map_err(fail)?;
        let file = file.into_inner().map_err(|error| fail(error.into_error()))?;
        file.sync_all().map_err(fail)?;
        Ok(self.rows)
    }
}

fn escaped(key: &str) -> String {
    key.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

/// Reads a file of keys in order.
pub struct Reader {
    from: BufReader<GzDecoder<File>>,
    line: String,
    path: std::path::PathBuf,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a file of keys.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("read", path, &error))?;
        Ok(Self {
            from: BufReader::with_capacity(1 << 18, GzDecoder::new(file)),
            line: String::new(),
            path: path.to_owned(),
        })
    }

    /// The next key with its hash; `None` at the end.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Input`] when the file is cut or garbled.
    pub fn read(&mut self) -> Result<Option<(String, i64)>> {
        let damaged = || Error::input(format!("{} is damaged", self.path.display()));
        self.line.clear();
        if self.from.read_line(&mut self.line).map_err(|_| damaged())? == 0 {
            return Ok(None);
        }
        let line = self.line.strip_suffix('\n').ok_or_else(damaged)?;
        let (key, hash) = line.rsplit_once('\t').ok_or_else(damaged)?;
        let hash = hash.parse().map_err(|_| damaged())?;
        Ok(Some((plain(key), hash)))
    }
}

/// What became of the rows since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Keys that are only there now, in order.
    pub new: Vec<String>,
    /// Keys of rows that are not as they were, in order.
    pub changed: Vec<String>,
    /// How many are no longer there.
    pub gone: u64,
    /// The keys of the first of these, in order.
    pub gone_first: Vec<String>,
}

/// Keys that are named of rows that are gone.
const NAMED: usize = 5;

impl Drift {
    fn gone(&mut self, key: &str) {
        self.gone += 1;
        if self.gone_first.len() < NAMED {
            self.gone_first.push(key.to_owned());
        }
    }
}

/// Compares keys that arrive in order with a file of keys in the same order.
#[derive(Debug)]
pub struct Comparison {
    file: Reader,
    ahead: Option<(String, i64)>,
    drift: Drift,
    most: usize,
}

impl Comparison {
    /// Begins. More than `most` new or changed keys are refused, so that memory stays bounded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with(path: &Path, most: usize) -> Result<Self> {
        let mut file = Reader::open(path)?;
        let ahead = file.read()?;
        Ok(Self {
            file,
            ahead,
            drift: Drift::default(),
            most,
        })
    }

    /// The next key there is now.
    ///
    /// # Errors
    /// A damaged file, or too many differences.
    pub fn see(&mut self, key: &str, hash: i64) -> Result<()> {
        while let Some((before, _)) = &self.ahead {
            if before.as_bytes() >= key.as_bytes() {
                break;
            }
            self.drift.gone(before);
            self.ahead = self.file.read()?;
        }
        match &self.ahead {
            Some((before, was)) if before == key => {
                if *was != hash {
                    self.drift.changed.push(key.to_owned());
                }
                self.ahead = self.file.read()?;
            }
            _ => self.drift.new.push(key.to_owned()),
        }
        if self.drift.new.len() + self.drift.changed.len() > self.most {
            return Err(Error::input(format!(
                "more than {} rows are not as in the backup",
                self.most
            )));
        }
        Ok(())
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// A damaged file.
    pub fn end(mut self) -> Result<Drift> {
        while let Some((before, _)) = &self.ahead {
            self.drift.gone(before);
            self.ahead = self.file.read()?;
        }
        Ok(self.drift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_changed_and_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.gz");
        let mut writer = Writer::create(&path).unwrap();
        for (key, hash) in [("a", 1), ("b\tx\\\n", 2), ("c", -3), ("e", 5)] {
            writer.add(key, hash).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), 4);
        let mut now = Comparison::with(&path, 10).unwrap();
        for (key, hash) in [("a", 1), ("b\tx\\\n", 9), ("d", 4), ("e", 5), ("f", 6)] {
            now.see(key, hash).unwrap();
        }
        let drift = now.end().unwrap();
        assert_eq!(
            (drift.new, drift.changed, drift.gone, drift.gone_first),
            (
                vec!["d".to_owned(), "f".to_owned()],
                vec!["b\tx\\\n".to_owned()],
                1,
                vec!["c".to_owned()]
            )
        );
        let mut few = Comparison::with(&path, 1).unwrap();
        few.see("0", 0).unwrap();
        assert!(few.see("1", 0).is_err());
    }

    #[test]
    fn a_cut_file_is_refused_and_not_taken_for_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.gz");
        let mut writer = Writer::create(&path).unwrap();
        for n in 0..10_000 {
            writer.add(&format!("{n:05}"), n).unwrap();
        }
        writer.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        let end = loop {
            match reader.read() {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        assert!(end.is_err());
    }
}
