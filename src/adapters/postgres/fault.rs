//! What an error of PostgreSQL means for the work.

use crate::engine::ports::store::StoreError;

/// Sorts an error by its SQLSTATE. The text has the place, the code and the server's own message, which never holds credentials;
/// the server's detail, which may hold row contents, is left out.
pub fn fault(words: &str, error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(found) => {
            let code = found.code().unwrap_or_default().into_owned();
            by_state(&code, format!("{words}: {} ({code})", found.message()))
        }
        sqlx::Error::Io(found) => match found.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                StoreError::Transient(format!("{words} cannot be reached: {}", found.kind()))
            }
            kind => StoreError::Transient(format!("{words}: connection lost ({kind})")),
        },
        sqlx::Error::PoolTimedOut => StoreError::Transient(format!("{words}: no connection within 20 s")),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            StoreError::Transient(format!("{words}: connection closed"))
        }
        sqlx::Error::Tls(_) => StoreError::Unreachable(format!("{words}: the encrypted connection failed")),
        sqlx::Error::Protocol(found) => {
            // A stream that ends in the middle of a message is a lost connection.
            let found = found.chars().take(80).collect::<String>();
            StoreError::Transient(format!("{words}: connection broken ({found})"))
        }
        other => StoreError::Bug(format!("{words}: {}", first_words(&other.to_string()))),
    }
}

fn first_words(text: &str) -> String {
    text.chars().take(160).collect()
}

fn by_state(code: &str, text: String) -> StoreError {
    match code {
        // serialization failure, deadlock, lock timeout, statement timeout, idle in transaction, too many connections
        // and: shutting down, crashed, starting up, idle session ended
        "08P01" if text.contains("startup parameter") => StoreError::Refused(format!(
            "{text}: this is a pooler; name the server itself, usually port 5432"
        )),
        "40001" | "40P01" | "55P03" | "57014" | "25P03" | "53300" | "57P01" | "57P02" | "57P03" | "57P05" => {
            StoreError::Transient(text)
        }
        "53100" | "53200" | "53000" => StoreError::Full(text),
        "23505" => StoreError::Conflict(text),
        "28000" | "28P01" | "3D000" => StoreError::Unreachable(text),
        _ if code.starts_with("08") => StoreError::Transient(text),
        // PostgreSQL reports a full disk for some files only in its text.
        _ if text.contains("No space left on device") => StoreError::Full(text),
        _ => StoreError::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted() {
        for (code, transient) in [
            ("40001", true),
            ("57P01", true),
            ("08006", true),
            ("42P01", false),
            ("23505", false),
        ] {
            assert_eq!(by_state(code, String::new()).is_transient(), transient, "{code}");
        }
        assert!(matches!(by_state("53100", String::new()), StoreError::Full(_)));
        assert!(matches!(by_state("25006", String::new()), StoreError::Refused(_)));
    }
}
