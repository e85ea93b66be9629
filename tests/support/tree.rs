//! The content of a workspace in a form that two runs can be compared by.
//!
//! Times, durations and measured figures of the machine differ between any two runs and are replaced by a word; journal
//! and logs are left out, because they tell how the work went and not what came of it. Everything else must be equal:
//! names, text, bytes, and the rows of databases whatever their order on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _, SqliteConnection, ValueRef as _};

/// What two runs of MAOS and of the legacy side cannot have in common, by file: values under these keys, anywhere in the
/// document, are measured or are MAOS's own ids. Counts, states and verdicts stay, save those of tests that judge a time.
const MEASURED: &[(&str, &[&str])] = &[
    ("tasks/submission.json", &["maos_id"]),
    (
        "compare/migration_test_report.json",
        &[
            "median_speedup",
            "speedup_interval_95",
            "speedup_range",
            "speedup_histogram",
            "avg_speedup",
            "maos_time_uncertainty",
            "avg_parallel_efficiency",
            "avg_agents_used",
            "most_agents_used",
            "recommendation",
            "recommendation_rests_on",
            "caution",
            "resource_usage",
            "legacy_s",
            "maos_s",
            "speedup",
            "maos_id",
            "execution_time",
            "execution_time_uncertainty",
            "maos_task_id",
            "agents_used",
            "parallel_efficiency",
        ],
    ),
    (
        "validate/migration_test_results.json",
        &[
            "duration",
            "text",
            "found",
            "evidence",
            "figures",
            "submitted",
            // These judge by the clock.
            "performance",
            "scalability",
            "passed",
            "failed",
            "success_rate",
            "assessment",
        ],
    ),
];

/// The same in the column of the tracking table that holds a task's own comparison.
const COMPARISON: &[&str] = &["speedup", "legacy_seconds", "maos_seconds"];

/// Files that tell how a run went, by the end of their name.
const LEFT_OUT: &[&str] = &[
    "journal.db",
    "journal.db-wal",
    "journal.db-shm",
    ".session.lock",
    ".log",
];

/// What is replaced by a word, in this order.
///
/// A report repeats hashes and sizes of files that hold such things; the files themselves are compared.
static MOVING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    // What the probes measure of the machine at that moment, as JSON and in tables and lists.
    let json = r#"(?s)("id": "(?:cpu_utilization|memory_utilization|storage_free_gb)".*?)"answer": .*?"shown": "[^"]*""#;
    let table = r"(CPU utilization|Memory utilization|Storage free) ?(\||</td><td>)[^|<]*";
    let patterns = [
        (json, "$1<measured>"),
        (table, "$1 <measured>"),
        (r"Resource utilization: .*", "<measured>"),
        (r"- Storage: .* free", "<measured>"),
        (r"(\| [\d,]+ )?\| [0-9a-f]{64}\b", "| <hash>"),
        (
            r"(<td[^>]*>[\d,]+</td>)?<td[^>]*>(<code>)?[0-9a-f]{64}\b",
            "<hash>",
        ),
        (r"([^T\d-])\d\d:\d\d:\d\d(\.\d+)?\b", "$1<time>"),
        (
            r#""(elapsed\w*|duration\w*|took\w*|\w+_per_s|rate)": ?[\d.eE+-]+"#,
            "<measured>",
        ),
        (
            r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s|min|rows/s|tasks/s|files/s|/s)\b",
            "<measured>",
        ),
        (r"([^T\d:-])\d+:\d\d\b", "$1<measured>"),
        (r"\b[\d,]+ events, no gap", "<so many> events, no gap"),
        (
            "results written = results read back equal and named.*",
            "<written and read back>",
        ),
        // What is already there is as good as made now; the hash of a result includes its conversion time.
        (r#""status":"unchanged""#, r#""status":"converted""#),
        (r#""output_sha256":"[0-9a-f]{64}""#, "<hash>"),
        // The comparison and the validation say times and what is recommended at them; a test that judges by the clock may fail.
        (
            r"(?m)^\| (Compare|Validate) \| [^|]* \| REHEARSAL: [^|]*",
            "| $1 | <measured> ",
        ),
        (
            r"<td>(Compare|Validate)</td><td[^>]*>[^<]*</td><td[^>]*>REHEARSAL: [^<]*",
            "<td>$1</td><measured>",
        ),
        // One after the other: the end of the first is the beginning of the second.
        (r"(?s)(## REHEARSAL: Comparison\n).*?(\n## )", "$1<measured>$2"),
        (r"(?s)(## REHEARSAL: Validation\n).*?(\n## )", "$1<measured>$2"),
        (
            r"(?s)(<h2>REHEARSAL: Comparison</h2>\n).*?(<h2>)",
            "$1<measured>$2",
        ),
        (
            r"(?s)(<h2>REHEARSAL: Validation</h2>\n).*?(<h2>)",
            "$1<measured>$2",
        ),
        // Approvals, with the digest of a plan over what was measured: a run that is done again has more of them.
        (r"(?m)^\| <time> \| .* \| [0-9a-f]{8} \|\n", ""),
        (
            r"(?m)^ *<tr><td><time></td>.*<td>(<code>)?[0-9a-f]{8}(</code>)?</td></tr>\n",
            "",
        ),
    ];
    patterns
        .into_iter()
        .map(|(pattern, word)| (Regex::new(pattern).unwrap(), word))
        .collect()
});

/// Every file of the workspace `root` by its path, in comparable form.
pub fn contents(root: &Path) -> BTreeMap<String, String> {
    let mut paths = Vec::new();
    collect(root, &mut paths);
    let absolute = root.canonicalize().unwrap();
    paths
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if LEFT_OUT.iter().any(|left| name.ends_with(left)) {
                return None;
            }
            let bytes = fs::read(&path).unwrap();
            let measured = MEASURED.iter().find(|(file, _)| *file == name);
            let text = if name == SUBMITTED {
                submitted(&path)
            } else if bytes.starts_with(b"SQLite format 3\0") {
                settled(&database(&path), &absolute)
            } else if let Some((_, keys)) = measured {
                let document = serde_json::from_slice(&bytes).unwrap();
                let text = serde_json::to_string_pretty(&without(document, keys)).unwrap();
                still(&text, &absolute)
            } else if name.ends_with("-wal") || name.ends_with("-shm") {
                return None;
            } else {
                match String::from_utf8(bytes) {
                    Ok(text) => still(&text, &absolute),
                    Err(binary) => format!("SHA-256 {:x?}", Sha256::digest(binary.as_bytes())),
                }
            };
            Some((name, text))
        })
        .collect()
}

/// How two workspaces differ, one line a difference; empty when they do not.
pub fn differences(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for name in left
        .keys()
        .chain(right.keys().filter(|name| !left.contains_key(*name)))
    {
        match (left.get(name), right.get(name)) {
            (Some(_), None) => found.push(format!("{name}: only in the first")),
            (None, Some(_)) => found.push(format!("{name}: only in the second")),
            (Some(a), Some(b)) if a != b => {
                let (mut a, mut b) = (a.lines(), b.lines());
                let mut line = 1;
                let (x, y) = loop {
                    match (a.next(), b.next()) {
                        (x, y) if x != y || x.is_none() => break (x, y),
                        _ => line += 1,
                    }
                };
                found.push(format!(
                    "{name} line {line}:\n    {}\n    {}",
                    x.unwrap_or("<end>"),
                    y.unwrap_or("<end>")
                ));
            }
            _ => {}
        }
    }
    found
}

/// Moments of yesterday, today and tomorrow: the run's own, wherever the clock stands. Older times are data.
static NOW: LazyLock<Regex> = LazyLock::new(|| {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let days = [today.yesterday().unwrap(), today, today.tomorrow().unwrap()].map(|day| day.to_string());
    let clock = r"[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?";
    Regex::new(&format!("({}){clock}", days.join("|"))).unwrap()
});

/// `text` without its place and without the moments of the run. `root` is the workspace's own path.
fn settled(text: &str, root: &Path) -> String {
    let text = text.replace(root.to_str().unwrap(), "<workspace>");
    NOW.replace_all(&text, "<time>").into_owned()
}

/// `text` without what moves from run to run.
fn still(text: &str, root: &Path) -> String {
    let mut text = settled(text, root);
    for (pattern, word) in MOVING.iter() {
        text = pattern.replace_all(&text, *word).into_owned();
    }
    // `3 converted, 7 unchanged` and `10 converted` are the same end.
    let parts = Regex::new(r"\b(\d+) converted, (\d+) unchanged\b").unwrap();
    let sum = |found: &Captures<'_>| {
        let sum: u64 = [&found[1], &found[2]]
            .iter()
            .map(|n| n.parse::<u64>().unwrap())
            .sum();
        format!("{sum} converted")
    };
    parts.replace_all(&text, sum).into_owned()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// Tables and columns of the row migration's ledger that tell who worked when.
const LEFT_OUT_TABLES: &[&str] = &["migration_lease"];
const LEFT_OUT_COLUMNS: &[&str] = &["token"];

/// The state of the rehearsal MAOS.
const SUBMITTED: &str = "rehearsal/maos.db";

/// `document` with a word in place of every value under these keys.
fn without(document: Value, keys: &[&str]) -> Value {
    match document {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| {
                let value = if keys.contains(&key.as_str()) {
                    "<measured>".into()
                } else {
                    without(value, keys)
                };
                (key, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| without(item, keys)).collect(),
        other => other,
    }
}

/// The tasks that a submission gave to the rehearsal MAOS: each once, whatever its id. What a comparison and a validation gave it
/// depends on how often they were begun, and the rest of its state on its clock.
fn submitted(path: &Path) -> String {
    rows(path, |connection| {
        Box::pin(async move {
            let rows: Vec<(String, String, String)> = sqlx::query_as(
                "select reference, status, description from task
                 where reference not like 'compare/%' and reference not like 'validate/%' order by 1, 2, 3",
            )
            .fetch_all(connection)
            .await
            .unwrap();
            rows.into_iter()
                .map(|(reference, status, description)| format!("{reference} {status}: {description}"))
                .collect::<Vec<_>>()
                .join("\n")
        })
    })
}

/// Asks an SQLite file.
fn rows<T>(
    path: &Path,
    ask: impl for<'a> FnOnce(&'a mut SqliteConnection) -> Pin<Box<dyn Future<Output = T> + 'a>>,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
            .await
            .unwrap();
        let answer = ask(&mut connection).await;
        connection.close().await.unwrap();
        answer
    })
}

/// All tables of an SQLite file as sorted lines of text.
fn database(path: &Path) -> String {
    rows(path, |connection| Box::pin(dump(connection)))
}

async fn dump(connection: &mut SqliteConnection) -> String {
    let tables: Vec<(String,)> = sqlx::query_as(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by 1",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut lines = Vec::new();
    for (table,) in tables
        .into_iter()
        .filter(|(table,)| !LEFT_OUT_TABLES.contains(&table.as_str()))
    {
        let quoted = table.replace('"', "\"\"");
        let rows = sqlx::query(AssertSqlSafe(format!("select * from \"{quoted}\"")))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let mut shown: Vec<String> = rows
            .iter()
            .map(|row| {
                // A task that was only compared has no other MAOS id than that of its last run.
                let compared =
                    table == "migration_tracking" && text(row, "source").as_deref() == Some("compare");
                let cells: Vec<String> = (0..row.len())
                    .map(|i| (i, row.column(i).name()))
                    .filter(|(_, name)| !LEFT_OUT_COLUMNS.contains(name))
                    .filter(|(_, name)| !(compared && *name == "maos_task_id"))
                    .map(|(i, name)| match text(row, name) {
                        Some(held) if name == "performance_comparison" => {
                            let held = serde_json::from_str(&held).unwrap();
                            format!("{name}={}", without(held, COMPARISON))
                        }
                        _ => format!("{name}={}", cell(row, i)),
                    })
                    .collect();
                format!("{table}: {}", cells.join(" | "))
            })
            .collect();
        shown.sort();
        lines.push(format!("{table}: {} rows", shown.len()));
        lines.append(&mut shown);
    }
    lines.join("\n")
}

/// The text in a column; `None` where there is none.
fn text(row: &sqlx::sqlite::SqliteRow, column: &str) -> Option<String> {
    row.try_get_unchecked::<Option<String>, _>(column).ok().flatten()
}

fn cell(row: &sqlx::sqlite::SqliteRow, index: usize) -> String {
    if row.try_get_raw(index).unwrap().is_null() {
        return "null".into();
    }
    row.try_get_unchecked::<i64, _>(index)
        .ok()
        .filter(|_| row.try_get::<i64, _>(index).is_ok())
        .map(|n| n.to_string())
        .or_else(|| row.try_get::<f64, _>(index).ok().map(|n| n.to_string()))
        .or_else(|| {
            row.try_get_unchecked::<Vec<u8>, _>(index)
                .ok()
                .map(|b| b.escape_ascii().to_string())
        })
        .unwrap()
}

mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.replace("HERE", folder.path().to_str().unwrap())).unwrap();
        }
        folder
    }

    #[test]
    fn what_moves_is_not_a_difference_and_everything_else_is() {
        let now = jiff::Timestamp::now();
        let earlier = now - jiff::SignedDuration::from_mins(3);
        let first = folder(&[
            (
                "a/notes",
                &format!("{now} wrote HERE/a in 0.31 s\n40 tasks of 2020-01-02T03:04:05Z\n"),
            ),
            ("journal.db", "x"),
            ("n.json", r#"{"elapsed_s": 0.25, "total": 40}"#),
        ]);
        let second = folder(&[
            (
                "a/notes",
                &format!("{earlier} wrote HERE/a in 12 ms\n40 tasks of 2020-01-02T03:04:05Z\n"),
            ),
            ("journal.db", "y"),
            ("n.json", r#"{"elapsed_s": 1.5e-3, "total": 40}"#),
        ]);
        let first = contents(first.path());
        assert_eq!(
            differences(&first, &contents(second.path())),
            Vec::<String>::new()
        );
        let third = folder(&[
            (
                "a/notes",
                &format!("{earlier} wrote HERE/a in 12 ms\n40 tasks of 2020-01-02T03:04:06Z\n"),
            ),
            ("b", "one more"),
        ]);
        let found = differences(&first, &contents(third.path()));
        assert_eq!(
            found,
            [
                "a/notes line 2:\n    40 tasks of 2020-01-02T03:04:05Z\n    40 tasks of 2020-01-02T03:04:06Z",
                "n.json: only in the first",
                "b: only in the second"
            ]
        );
    }

    #[test]
    fn a_database_is_compared_by_its_rows() {
        let make = |rows: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let url = format!("sqlite://{}?mode=rwc", folder.path().join("x.db").display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                let mut statements =
                    vec!["create table t (id integer, name text, n real, b blob)".to_owned()];
                statements.extend(rows.iter().map(|row| format!("insert into t values ({row})")));
                for statement in statements {
                    sqlx::query(AssertSqlSafe(statement))
                        .execute(&mut connection)
                        .await
                        .unwrap();
                }
                connection.close().await.unwrap();
            });
            contents(folder.path())
        };
        let first = make(&["1, 'a', 0.5, x'00ff'", "2, null, 1, null"]);
        let second = make(&["2, null, 1, null", "1, 'a', 0.5, x'00ff'"]);
        assert_eq!(differences(&first, &second), Vec::<String>::new());
        let third = make(&["2, null, 1, null", "1, 'b', 0.5, x'00ff'"]);
        assert_eq!(differences(&first, &third).len(), 1);
    }
}
