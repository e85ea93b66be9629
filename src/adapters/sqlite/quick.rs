//! Many rows in and out of SQLite: on the calling thread, without a task and an allocation for every value, and with a function of our own
//! inside the database that tells sound rows from those whose conditions have to be judged.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::fault::by_code;
use super::{Own, SqliteStore};
use crate::adapters::faults::{SOUND, SOUND_AGAIN};
use crate::engine::ports::store::StoreError;
use crate::engine::schema::canon::is_plain_time;

/// Deepest nesting of JSON that is called sound; deeper documents are judged by SQLite.
const DEPTH: usize = 64;

/// A text field as SQLite holds it; `Err` has the bytes that are no UTF-8.
pub type Field<'r> = Option<Result<&'r str, &'r [u8]>>;

/// Runs work that blocks: beside the other tasks where the runtime has several threads.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let several = tokio::runtime::Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread);
    if several {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

/// The field of a row; the query must have made it text.
pub fn field<'r>(row: &'r Row<'_>, index: usize) -> Own<Field<'r>> {
    match row.get_ref(index) {
        Ok(ValueRef::Null) => Ok(None),
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
            Ok(Some(std::str::from_utf8(bytes).map_err(|_| bytes)))
        }
        Ok(_) => Err(StoreError::Bug(format!("column {index} is no text"))),
        Err(error) => Err(StoreError::Bug(format!("column {index}: {error}"))),
    }
}

/// Sorts an error by its result code.
pub fn broken(words: &str, error: &rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(found, text) => {
            let code = i64::from(found.extended_code);
            let text = text.clone().unwrap_or_else(|| found.to_string());
            by_code(code, format!("{words}: {text} ({code})"))
        }
        other => StoreError::Bug(format!(
            "{words}: {}",
            other.to_string().chars().take(160).collect::<String>()
        )),
    }
}

/// Opens a file; `write` tells whether anything may be written.
pub fn open(path: &Path, words: &str, write: bool, roll_back: bool) -> Own<Connection> {
    let fault = |error: rusqlite::Error| broken(words, &error);
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
        | if write || roll_back {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        } else {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        };
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(fault)?;
    if !write {
        connection.pragma_update(None, "query_only", 1).map_err(fault)?;
    }
    teach(&connection).map_err(fault)?;
    Ok(connection)
}

/// Gives a connection the functions of `faults`.
fn teach(connection: &Connection) -> rusqlite::Result<()> {
    let last = Arc::new(Mutex::new((None::<i64>, 0_i64)));
    let judged = Arc::clone(&last);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(
        SOUND,
        -1,
        flags | FunctionFlags::SQLITE_DETERMINISTIC,
        move |context| {
            let mut level = 2;
            for i in 1..context.len() {
                level = level.min(match i {
                    1 => time(context.get_raw(1)),
                    2 => json(context.get_raw(2)),
                    _ => text(context.get_raw(i)),
                });
            }
            if let Ok(mut last) = judged.lock() {
                *last = (context.get_raw(0).as_i64().ok(), level);
            }
            Ok(level)
        },
    )?;
    connection.create_scalar_function(SOUND_AGAIN, 1, flags, move |context| {
        let key = context.get_raw(0).as_i64().ok();
        Ok(last
            .lock()
            .ok()
            .filter(|last| key.is_some() && last.0 == key)
            .map_or(0, |last| last.1))
    })
}

impl SqliteStore {
    /// A connection that only reads.
    pub(super) fn quick(&self) -> Own<Connection> {
        if !self.path.exists() {
            return Err(StoreError::Unreachable(format!("{} does not exist", self.words)));
        }
        // A target whose last writer died may have a journal to roll back, which a read-only connection cannot do.
        open(&self.path, &self.words, false, self.create)
    }

    /// A connection that writes, and that `cancel` reaches.
    pub(super) fn quick_writer(&self) -> Own<Connection> {
        let connection = open(&self.path, &self.words, true, true)?;
        let fault = |error: rusqlite::Error| broken(&self.words, &error);
        connection
            .pragma_update(None, "cache_size", super::CACHE)
            .map_err(fault)?;
        connection.pragma_update(None, "foreign_keys", 1).map_err(fault)?;
        let cancelled = Arc::clone(&self.cancelled);
        connection
            .progress_handler(100_000, Some(move || cancelled.swap(false, Ordering::SeqCst)))
            .map_err(fault)?;
        Ok(connection)
    }

    /// Runs a query and hands every row to `each`; returns how many.
    pub(super) fn each(
        &self,
        connection: &Connection,
        query: &str,
        parameters: &[&dyn rusqlite::ToSql],
        mut each: impl FnMut(&Row<'_>) -> Own<()>,
    ) -> Own<u64> {
        let fault = |error: rusqlite::Error| broken(&self.words, &error);
        let mut statement = connection.prepare(query).map_err(fault)?;
        let mut rows = statement.query(parameters).map_err(fault)?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(fault)? {
            each(row)?;
            count += 1;
        }
        Ok(count)
    }
}

/// 2 for text that is UTF-8 without U+0000, for numbers and for NULL.
fn text(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 2,
        ValueRef::Text(bytes) if !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok() => 2,
        ValueRef::Text(_) | ValueRef::Blob(_) => 0,
    }
}

/// 2 for `YYYY-MM-DD HH:MM:SS[.f…]` that is a time after year 0, for numbers and for NULL.
fn time(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 2,
        ValueRef::Blob(_) => 0,
        ValueRef::Text(bytes) => {
            let sound = is_plain_time(bytes);
            i64::from(sound) * 2
        }
    }
}

/// 2 for JSON without escapes and without blanks between its tokens and for NULL, 1 for JSON without escapes, 0 for anything else.
fn json(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Null => 2,
        ValueRef::Text(bytes) if std::str::from_utf8(bytes).is_ok() => {
            let mut walk = Walk {
                bytes,
                at: 0,
                blank: false,
            };
            match walk.document() {
                Some(()) => 2 - i64::from(walk.blank),
                None => 0,
            }
        }
        ValueRef::Text(_) | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => 0,
    }
}

/// A walk over JSON (RFC 8259) without escapes, nested [`DEPTH`] deep at most.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    blank: bool,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
            self.blank = true;
        }
    }

    fn document(&mut self) -> Option<()> {
        self.blanks();
        self.value(0)?;
        self.blanks();
        (self.at == self.bytes.len()).then_some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match self.peek()? {
            b'"' => self.string(),
            b'{' => self.members(depth, b'}', true),
            b'[' => self.members(depth, b']', false),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn members(&mut self, depth: usize, end: u8, named: bool) -> Option<()> {
        self.at += 1;
        self.blanks();
        if self.take(end).is_some() {
            return Some(());
        }
        loop {
            self.blanks();
            if named {
                self.string()?;
                self.blanks();
                self.take(b':')?;
                self.blanks();
            }
            self.value(depth + 1)?;
            self.blanks();
            if self.take(b',').is_none() {
                return self.take(end);
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' | 0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes
            .get(self.at..)?
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(text: &str) -> i64 {
        json(ValueRef::Text(text.as_bytes()))
    }

    #[test]
    fn only_what_is_surely_fine_is_sound() {
        for (text, wanted) in [
            ("{}", 2),
            (r#"{"a":[1,-2.5e+3,true,null,"é"],"b":{}}"#, 2),
            (r#"{"a": 1}"#, 1),
            (" 7 ", 1),
            (r#"{"a":"\u0000"}"#, 0),
            ("{'a':1}", 0),
            ("[1,]", 0),
            ("01", 0),
            ("-", 0),
            ("1.", 0),
            ("", 0),
            ("nul", 0),
            ("{} {}", 0),
        ] {
            assert_eq!(level(text), wanted, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(level(&deep), 0);
        for (text, wanted) in [
            ("2024-02-29 23:59:59", 2),
            ("2024-02-29 23:59:59.123456", 2),
            ("2023-02-29 00:00:00", 0),
            ("0000-01-01 00:00:00", 0),
            ("2024-01-01 24:00:00", 0),
            ("2024-01-01T00:00:00", 0),
            ("2024-01-01", 0),
            ("soon", 0),
        ] {
            assert_eq!(time(ValueRef::Text(text.as_bytes())), wanted, "{text}");
        }
        assert_eq!(super::text(ValueRef::Text(b"a\0b")), 0);
        assert_eq!(super::text(ValueRef::Text(b"\xff")), 0);
        assert_eq!(super::text(ValueRef::Text("é".as_bytes())), 2);
    }

    #[test]
    fn a_row_is_judged_once_and_never_by_the_answer_about_another() {
        let connection = Connection::open_in_memory().unwrap();
        teach(&connection).unwrap();
        let ask = |query: &str| {
            connection
                .query_row(query, [], |row| row.get::<_, i64>(0))
                .unwrap()
        };
        assert_eq!(ask("SELECT maos_sound(7, NULL, '{}', 'text')"), 2);
        assert_eq!(ask("SELECT maos_sound_again(7)"), 2);
        assert_eq!(ask("SELECT maos_sound_again(8)"), 0);
        assert_eq!(ask("SELECT maos_sound_again(NULL)"), 0);
        assert_eq!(ask("SELECT maos_sound(7, NULL, '{', 'text')"), 0);
        assert_eq!(ask("SELECT maos_sound_again(7)"), 0);
        let rows = "WITH r(id, m) AS (VALUES (1, '{}'), (2, '{'), (3, '{ }'), (4, NULL)) \
                    SELECT group_concat(a || b, ' ') FROM (SELECT maos_sound(id, NULL, m) AS a, maos_sound_again(id) AS b FROM r)";
        let levels: String = connection.query_row(rows, [], |row| row.get(0)).unwrap();
        assert_eq!(levels, "22 00 11 22");
    }

    proptest! {
        #[test]
        fn sqlite_agrees_with_everything_called_sound(text in r#"[\[\]{}:,"0-9eE.+\- truefalsn]{0,12}"#) {
            let connection = Connection::open_in_memory().unwrap();
            let valid: bool = connection.query_row("SELECT json_valid(?1)", [&text], |row| row.get(0)).unwrap();
            let level = level(&text);
            prop_assert!(level == 0 || valid, "{text}");
            if level == 2 {
                let same: String = connection.query_row("SELECT json(?1)", [&text], |row| row.get(0)).unwrap();
                prop_assert_eq!(same, text);
            }
        }
    }
}
