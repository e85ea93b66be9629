//! Rows of every sort that people keep, made up from a seed: whatever is in them, they cross or are set aside, and that is proved.

use crate::lcg::Lcg;
use crate::support::*;

/// What rows hold, out of a stream of numbers.
struct Wild(Lcg);

impl Wild {
    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.0.below(most as u64)).unwrap()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn text(&mut self) -> String {
        const PARTS: &[&str] = &[
            "a", "B", "0", " ", "  ", "'", "\"", "\\", "\\N", "\\.", "\t", "\n", "\r", "\u{1}", "\u{7f}",
            "ä", "€", "字", "😀", "\u{2028}", "\u{feff}", "NULL", "--", "\\u0041", "%", "{", "}", ",",
        ];
        let most = self.of(&[1, 4, 12, 200]);
        (0..self.below(most)).map(|_| self.of(PARTS)).collect()
    }

    fn number(&mut self) -> String {
        let digits = self.below(1_000_000);
        match self.below(9) {
            0 => self
                .of(&[
                    "-0",
                    "-0.0",
                    "0.00",
                    "1.10",
                    "1E5",
                    "1e-7",
                    "0.1000",
                    "9007199254740993",
                ])
                .to_owned(),
            1 => format!("{digits}{digits}{digits}{digits}{digits}"),
            2 => format!("-{digits}.{digits}e{}", self.below(60)),
            3 => format!("{digits}.{digits}{digits}E-{}", self.below(60)),
            4 => format!("1{}", "0".repeat(self.below(40))),
            5 => format!("0.{digits}{digits}"),
            _ => digits.to_string(),
        }
    }

    fn quoted(&mut self) -> String {
        let text = self.text();
        match self.below(30) {
            0 => r#""\ud83d\ude00\u00e4\/\b\f""#.to_owned(),
            1 => r#""\ud800x""#.to_owned(),
            2 => r#""a\u0000b""#.to_owned(),
            _ => serde_json::to_string(&text).unwrap(),
        }
    }

    fn json(&mut self, depth: usize) -> String {
        let blank = self.of(&["", "", " ", "\n  "]);
        let comma = format!(",{blank}");
        match self.below(if depth == 0 { 5 } else { 9 }) {
            0 => self.of(&["null", "true", "false"]).to_owned(),
            1 | 2 => self.number(),
            3 | 4 => self.quoted(),
            5 | 6 => {
                let all: Vec<String> = (0..self.below(4)).map(|_| self.json(depth - 1)).collect();
                format!("[{blank}{}]", all.join(&comma))
            }
            _ => {
                let all: Vec<String> = (0..self.below(5))
                    .map(|_| {
                        let name = match self.below(3) {
                            0 => self.quoted(),
                            _ => format!(
                                "\"{}\"",
                                self.of(&["a", "b", "", "legacy_id", "migration_date", "ä", "$t"])
                            ),
                        };
                        format!("{name}:{blank}{}", self.json(depth - 1))
                    })
                    .collect();
                format!("{{{blank}{}}}", all.join(&comma))
            }
        }
    }

    /// A time as SQLite may hold one, as a literal.
    fn loose_time(&mut self) -> String {
        let day = self.of(&[
            "2024-02-29",
            "1999-01-01",
            "9999-12-31",
            "0001-01-01",
            "2023-02-29",
            "0000-12-31",
            "1969-07-20",
        ]);
        let mark = self.of(&[" ", " ", "T", "T", "  ", "\t", ""]);
        let clock = self.of(&[
            "00:00",
            "23:59:59",
            "12:30:00.5",
            "12:30:00.123456",
            "12:30:00.1234565",
            "12:30:00.9999999",
            "24:00:00",
            "7:00",
            "",
        ]);
        let zone = self.of(&[
            "", "", "", "Z", "z", "+02:00", " -05:30", "+0200", "+14:00", " ", ".",
        ]);
        match self.below(12) {
            0 => self.below(2_000_000_000).to_string(),
            1 => format!("{}.{}", self.below(2_000_000_000), self.below(1_000_000)),
            2 => self
                .of(&["'yesterday'", "''", "'1700000000'", "-5", "253402300800"])
                .to_owned(),
            3..=8 => {
                let day = self.of(&["2024-02-29", "1999-01-01", "1969-07-20"]);
                let clock = self.of(&[" 23:59:59", "T12:30:00.1234565", " 00:00", " 12:30:00.5"]);
                let zone = self.of(&["", "", "Z", "+02:00"]);
                format!("'{day}{clock}{zone}'")
            }
            _ => format!("'{day}{mark}{clock}{zone}'"),
        }
    }

    fn time(&mut self) -> String {
        if self.below(20) == 0 {
            let odd = [
                "infinity",
                "-infinity",
                "0044-03-15 00:00:00 BC",
                "10000-01-01",
                "9999-12-31 23:59:59.999999",
                "0001-01-01",
            ];
            return format!("'{}'", self.of(&odd));
        }
        let part = self.of(&["", ".5", ".123456", ".000001"]);
        format!(
            "'{}-0{}-1{} 1{}:00:0{}{part}'",
            1950 + self.below(90),
            1 + self.below(9),
            self.below(9),
            self.below(9),
            self.below(9)
        )
    }
}

/// Text as a literal of either sort of database.
fn literal(postgres: bool, text: &str) -> String {
    let text = text.replace('\'', "''");
    if postgres {
        format!("E'{}'", text.replace('\\', "\\\\"))
    } else {
        format!("'{text}'")
    }
}

/// Fills a legacy table. `keys`: text or whole numbers; `metadata` and `time`: the types of those columns.
fn fill(db: &Db, wild: &mut Wild, keys: &str, metadata: &str, time: &str, rows: usize) {
    let postgres = db.is_postgres();
    db.sql(&format!(
        "CREATE TABLE legacy_tasks (id {keys} PRIMARY KEY, description TEXT, category TEXT, status TEXT, priority TEXT, created_at {time}, metadata {metadata}, owner TEXT)"
    ));
    let lines: Vec<String> = (0..rows)
        .map(|n| {
            let id = match keys {
                "TEXT" => literal(
                    postgres,
                    &format!("{}{n}", wild.of(&["k", "ü", "a b", "q'", "-", "x:"])),
                ),
                _ => (n * 3).to_string(),
            };
            let text = |wild: &mut Wild, all: &[&str]| {
                let text = wild.of(all);
                if text == "-" {
                    "NULL".to_owned()
                } else {
                    literal(postgres, text)
                }
            };
            let description = wild.text();
            let mut fields = vec![
                id,
                if wild.below(40) == 0 {
                    "NULL".to_owned()
                } else {
                    literal(postgres, &description)
                },
                text(
                    wild,
                    &[
                        "research",
                        "development",
                        "analysis",
                        "Research ",
                        "",
                        "-",
                        "docs",
                    ],
                ),
                text(
                    wild,
                    &[
                        "pending",
                        "completed",
                        "failed",
                        "cancelled",
                        "PENDING",
                        "completed",
                        "pending",
                        "-",
                        "weird",
                        "running",
                    ],
                ),
                text(wild, &["LOW", "NORMAL", "HIGH", "-", "low", "LOW", "urgent"]),
                if postgres { wild.time() } else { wild.loose_time() },
            ];
            let json = wild.json(3);
            fields.push(match wild.below(20) {
                0 => "NULL".to_owned(),
                1 if !postgres => "'{broken'".to_owned(),
                // A binary document cannot hold these, so nobody has them in one.
                _ if metadata == "jsonb" && (json.contains("\\u0000") || json.contains("\\ud800")) => {
                    "'{}'".to_owned()
                }
                _ => literal(postgres, &json),
            });
            fields.push(if wild.below(2) == 0 {
                "NULL".to_owned()
            } else {
                literal(postgres, &wild.text())
            });
            format!("({})", fields.join(", "))
        })
        .collect();
    db.sql(&format!("INSERT INTO legacy_tasks VALUES {}", lines.join(",\n")));
}

fn crosses(seed: u64, from: &str, to: &str, keys: &str, metadata: &str, time: &str) {
    let folder = tempfile::tempdir().expect("folder");
    let what = format!("seed {seed}: {from} ({keys}, {metadata}, {time}) to {to}");
    let source = fresh(from, folder.path());
    let target = match to {
        "same" => source.clone(),
        other => fresh(other.split(' ').next().unwrap(), folder.path()),
    };
    let rows = 250;
    fill(&source, &mut Wild(Lcg(seed)), keys, metadata, time, rows);
    if to == "pg plain" {
        // A column that drops zones.
        target.sql("CREATE TABLE tasks (id UUID PRIMARY KEY, description TEXT NOT NULL, task_type VARCHAR(50) NOT NULL, status VARCHAR(50) NOT NULL, priority VARCHAR(50) NOT NULL, created_at TIMESTAMP, metadata JSONB)");
    }
    let done = run_once(&source, &target);
    let unequal: Vec<_> = done.outcome.proof.iter().filter(|line| !line.equal).collect();
    assert!(
        done.report.verified,
        "{what}: {unequal:#?} {:?}",
        done.differences
    );
    let (report, rows) = (&done.report, rows as u64);
    assert_eq!(
        (report.source_rows, report.migrated + report.quarantined),
        (rows, rows),
        "{what}"
    );
    assert!(report.migrated * 4 > rows, "{what}: {} migrated", report.migrated);
    // Beside the proof: texts by another way than its hashes.
    let there = target.sql("SELECT sum(octet_length(description)) FROM tasks");
    let kept = if target.is_postgres() {
        target.sql("SELECT string_agg(legacy_task_id, chr(10)) FROM migration_tracking")
    } else {
        target.sql("SELECT group_concat(legacy_task_id, char(10)) FROM migration_tracking")
    };
    let list: Vec<String> = kept
        .lines()
        .map(|key| format!("'{}'", key.replace('\'', "''")))
        .collect();
    let here = source.sql(&format!(
        "SELECT sum(octet_length(description)) FROM legacy_tasks WHERE CAST(id AS TEXT) IN ({})",
        list.join(", ")
    ));
    assert_eq!(there, here, "{what}");
    let again = run_once(&source, &target);
    assert_eq!(
        (again.report.migrated, again.report.verified),
        (0, true),
        "{what}"
    );
}

#[test]
fn whatever_rows_hold_crosses_from_postgres() {
    for (seed, to) in (1..).zip(["same", "pg", "sqlite", "pg plain"]) {
        for (keys, metadata, time) in [
            ("BIGINT", "jsonb", "timestamptz"),
            ("BIGINT", "json", "timestamp"),
            ("TEXT", "json", "timestamptz"),
            ("TEXT", "text", "timestamp"),
        ] {
            crosses(seed, "pg", to, keys, metadata, time);
        }
    }
}

#[test]
fn whatever_rows_hold_crosses_from_sqlite() {
    for (seed, to) in (11..).zip(["pg", "sqlite", "pg plain"]) {
        for (keys, time) in [("INTEGER", "TEXT"), ("TEXT", ""), ("INTEGER", "TIMESTAMP")] {
            crosses(seed, "sqlite", to, keys, "TEXT", time);
        }
    }
}
