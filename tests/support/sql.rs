//! SQL in a test's own database, of either kind.

use std::process::Command;

/// Runs `text` in the database at `url`, PostgreSQL with `psql` and SQLite with Python's library, and gives its rows as lines with `|`
/// between the columns. Times are UTC.
pub fn sql(url: &str, text: &str) -> String {
    let mut program = if let Some(path) = url.strip_prefix("sqlite://") {
        let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], timeout=20)\nrows = c.execute(sys.argv[2]).fetchall()\nc.commit()\n\
                      print('\\n'.join('|'.join('' if v is None else str(v) for v in row) for row in rows))";
        let mut python = Command::new("python3");
        python.args(["-c", script, path, text]);
        python
    } else {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(["-d", url, "-c", text])
            .env("PGTZ", "UTC");
        psql
    };
    let done = program.output().expect("the program is there");
    assert!(
        done.status.success(),
        "{text}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}
