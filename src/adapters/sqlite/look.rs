//! Looking at a file and its tables. Reads only.

use regex::Regex;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::{Own, SqliteStore, sql};
use crate::adapters::ledger;
use crate::adapters::phrase::{ident, table as quoted};
use crate::engine::ports::store::{
    Column, ColumnKind, Dialect, Place, Relation, RelationKind, StoreError, Table,
};

impl SqliteStore {
    pub(super) async fn look_place(&self) -> Own<Place> {
        let full = match std::fs::canonicalize(&self.path) {
            Ok(full) => full,
            Err(_) if self.create => {
                let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or_else(|| std::path::Path::new("."));
                // A folder that is missing is made by the first write, as the file is.
                let folder = std::fs::canonicalize(folder)
                    .or_else(|_| std::path::absolute(folder))
                    .map_err(|error| {
                        StoreError::Unreachable(format!("the folder of {}: {}", self.words, error.kind()))
                    })?;
                folder.join(self.path.file_name().unwrap_or_default())
            }
            Err(error) => {
                return Err(StoreError::Unreachable(format!(
                    "{}: {}",
                    self.words,
                    error.kind()
                )));
            }
        };
        let read_only = std::fs::metadata(&full).is_ok_and(|found| found.permissions().readonly());
        let version: String = if self.exists() {
            let mut reader = self.reader().await?;
            // Reading the schema tells a database from any other file.
            let version =
                sqlx::query_scalar("SELECT sqlite_version() FROM (SELECT count(*) FROM sqlite_master)")
                    .fetch_one(&mut reader)
                    .await
                    .map_err(|error| self.fault(&error))?;
            let _ = reader.close().await;
            version
        } else {
            String::new()
        };
        Ok(Place {
            dialect: Dialect::Sqlite,
            identity: format!("sqlite {}", full.display()),
            words: self.words.clone(),
            version: format!("SQLite {version}").trim().to_owned(),
            major: 3,
            read_only,
            loose_text: false,
            pooled: false,
            schema: None,
            path: Some(full),
        })
    }

    pub(super) async fn look_relation(&self, table: &Table) -> Own<Option<Relation>> {
        if !self.exists() {
            if self.create {
                return Ok(None);
            }
            return Err(StoreError::Unreachable(format!("{} does not exist", self.words)));
        }
        let mut reader = self.reader().await?;
        let found = self.relation_by(&mut reader, table).await;
        let _ = reader.close().await;
        found
    }

    async fn relation_by(&self, reader: &mut SqliteConnection, table: &Table) -> Own<Option<Relation>> {
        let found = sqlx::query("SELECT type, name, sql FROM sqlite_master WHERE name = $1 COLLATE NOCASE AND type IN ('table', 'view')")
            .bind(&table.name)
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| self.fault(&error))?;
        let Some(found) = found else { return Ok(None) };
        let name: String = found.get("name");
        let text: String = found.get::<Option<String>, _>("sql").unwrap_or_default();
        let kind = if found.get::<String, _>("type") == "view" {
            RelationKind::View
        } else {
            RelationKind::Table
        };
        let infos = sqlx::query(sql(format!("PRAGMA table_xinfo({})", ident(&name))))
            .fetch_all(&mut *reader)
            .await
            .map_err(|error| self.fault(&error))?;
        let mut primary: Vec<(i64, String)> = Vec::new();
        let mut columns = Vec::new();
        for info in &infos {
            let column: String = info.get("name");
            let declared: String = info.get::<Option<String>, _>("type").unwrap_or_default();
            let place: i64 = info.get("pk");
            if place > 0 {
                primary.push((place, column.clone()));
            }
            columns.push(Column {
                kind: kind_of(&declared),
                labels: listed(&text, &column),
                max_chars: None,
                not_null: info.get::<i64, _>("notnull") != 0,
                has_default: info.get::<Option<String>, _>("dflt_value").is_some()
                    || info.get::<i64, _>("hidden") > 0,
                type_sql: declared,
                name: column,
            });
        }
        primary.sort();
        let mut unique = Vec::new();
        if !primary.is_empty() {
            unique.push(primary.into_iter().map(|(_, name)| name).collect());
        }
        let indexes = sqlx::query(sql(format!("PRAGMA index_list({})", ident(&name))))
            .fetch_all(&mut *reader)
            .await
            .map_err(|error| self.fault(&error))?;
        for index in &indexes {
            if index.get::<i64, _>("unique") == 0 || index.get::<i64, _>("partial") != 0 {
                continue;
            }
            let index: String = index.get("name");
            let parts = sqlx::query(sql(format!("PRAGMA index_info({})", ident(&index))))
                .fetch_all(&mut *reader)
                .await
                .map_err(|error| self.fault(&error))?;
            unique.push(
                parts
                    .iter()
                    .filter_map(|part| part.get::<Option<String>, _>("name"))
                    .collect(),
            );
        }
        let triggers: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = $1 ORDER BY name",
        )
        .bind(&name)
        .fetch_all(&mut *reader)
        .await
        .map_err(|error| self.fault(&error))?;
        let keys = sqlx::query(sql(format!("PRAGMA foreign_key_list({})", ident(&name))))
            .fetch_all(&mut *reader)
            .await
            .map_err(|error| self.fault(&error))?;
        let foreign_keys = keys
            .iter()
            .map(|row| format!("{name} to {}", row.get::<String, _>("table")))
            .collect();
        Ok(Some(Relation {
            table: Table { schema: None, name },
            kind,
            columns,
            unique,
            rows_hidden: false,
            triggers,
            foreign_keys,
            estimate: None,
        }))
    }

    pub(super) async fn look_ledger(&self, target: &Table) -> Own<Vec<String>> {
        let mut missing = Vec::new();
        for name in ledger::TABLES {
            match self.look_relation(&target.sibling(name)).await? {
                None => missing.push(name.to_owned()),
                Some(found) if name == "migration_tracking" => {
                    if ledger::lacks_source(&found, &self.words)? {
                        missing.push("column source of migration_tracking".to_owned());
                        let mut reader = self.reader().await?;
                        let doubled: i64 = sqlx::query_scalar(sql(format!(
                            "SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY legacy_task_id HAVING count(*) > 1)",
                            quoted(&found.table)
                        )))
                        .fetch_one(&mut reader)
                        .await
                        .map_err(|error| self.fault(&error))?;
                        let _ = reader.close().await;
                        if doubled > 0 {
                            return Err(StoreError::Refused(format!(
                                "{}: migration_tracking holds {doubled} legacy ids more than once, so it cannot get its unique key",
                                self.words
                            )));
                        }
                    }
                }
                Some(_) => {}
            }
        }
        Ok(missing)
    }
}

/// The kind of a declared type, by SQLite's own rules of affinity and by the names people use.
fn kind_of(declared: &str) -> ColumnKind {
    let upper = declared.to_uppercase();
    if upper.contains("INT") {
        ColumnKind::Integer
    } else if upper.contains("CHAR") || upper.contains("CLOB") || upper.contains("TEXT") {
        ColumnKind::Text
    } else if upper.contains("JSON") {
        ColumnKind::Json
    } else if upper.contains("TIME") || upper.contains("DATE") {
        ColumnKind::Time
    } else {
        ColumnKind::Other
    }
}

/// The literals of a CHECK of the form `CHECK (column IN ('A', 'B'))`.
fn listed(create: &str, column: &str) -> Vec<String> {
    let pattern = format!(
        r#"(?i)CHECK\s*\(\s*["`\[]?{}["`\]]?\s+IN\s*\(([^)]*)\)"#,
        regex::escape(column)
    );
    let Some(list) = Regex::new(&pattern).ok().and_then(|pattern| {
        pattern
            .captures(create)
            .and_then(|found| found.get(1))
            .map(|m| m.as_str().to_owned())
    }) else {
        return Vec::new();
    };
    list.split(',')
        .map(|part| part.trim().trim_matches('\'').to_owned())
        .collect()
}
