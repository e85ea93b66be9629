//! What an error of SQLite means for the work.

use crate::engine::ports::store::StoreError;

/// Sorts an error by its result code.
pub fn fault(words: &str, error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(found) => {
            let code: i64 = found
                .code()
                .and_then(|code| code.parse().ok())
                .unwrap_or_default();
            by_code(code, format!("{words}: {} ({code})", found.message()))
        }
        sqlx::Error::WorkerCrashed => {
            StoreError::Transient(format!("{words}: the connection's thread ended"))
        }
        sqlx::Error::Io(found) => StoreError::Unreachable(format!("{words}: {}", found.kind())),
        other => StoreError::Bug(format!(
            "{words}: {}",
            other.to_string().chars().take(160).collect::<String>()
        )),
    }
}

/// Sorts an extended result code.
pub fn by_code(code: i64, text: String) -> StoreError {
    if code == 776 {
        return StoreError::Refused(format!(
            "{text}: its last writer died and left a journal; open it once with its own program"
        ));
    }
    match code & 0xff {
        // busy, locked
        5 | 6 => StoreError::Transient(text),
        // interrupted
        9 => StoreError::Cancelled(text),
        // Full, and an I/O error while writing or syncing, which is how a full disk shows on some file systems.
        13 => StoreError::Full(text),
        10 if matches!(code >> 8, 3 | 4) => StoreError::Full(text),
        14 => StoreError::Unreachable(text),
        // primary key, unique, row id
        19 if matches!(code >> 8, 6 | 8 | 10) => StoreError::Conflict(text),
        _ => StoreError::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted() {
        assert!(by_code(5, String::new()).is_transient());
        assert!(matches!(by_code(13, String::new()), StoreError::Full(_)));
        assert!(matches!(by_code(1555, String::new()), StoreError::Conflict(_)));
        assert!(matches!(by_code(8, String::new()), StoreError::Refused(_)));
    }
}
