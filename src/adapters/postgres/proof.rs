//! Reading rows for export and for the proof, by streaming COPY.

use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, Row as _};
use tokio::sync::mpsc;

use super::keys::PUT_OFF;
use super::{Own, PgStore, sql};
use crate::adapters::copytext::{Lines, fields};
use crate::adapters::ledger::count as rows;
use crate::adapters::phrase::{Phrase, beside, ident, literal, table};
use crate::engine::ports::store::{
    Check, Column, ColumnKind, Dialect, GuideRows, Part, Pick, Piece, Place, QuarantineRow, Range, RawRow,
    Reason, Recipe, Slice, StoreError, Table, TargetCounts, TaskRow, Witness,
};

/// Bytes collected before they are handed on.
/// What keeps JSON from being sent.
pub(super) const NO_JSON: &[Reason] = &[Reason::NotUtf8, Reason::NulInJson, Reason::LoneSurrogate];

const PIECE: usize = 128 * 1024;

/// A tracked id as the task table's id column has it; text that is no id is no id, not an error.
pub(super) fn tracked_id(id: &Column, text: &str) -> String {
    if id.kind == ColumnKind::Uuid {
        format!(
            "CASE WHEN {text} ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN {text}::uuid END"
        )
    } else {
        text.to_owned()
    }
}

/// The condition of a slice of ids on alias `t`; everything for a slice that is none.
pub(super) fn slice_filter(id: &Column, slice: &Slice) -> String {
    let mut parts = Vec::new();
    if let Slice::Ids(after, upto) = slice {
        let name = format!("t.{}", ident(&id.name));
        let (side, cast) = if id.kind == ColumnKind::Uuid {
            (name, "::uuid")
        } else {
            (format!("{name} COLLATE \"C\""), "")
        };
        if let Some(after) = after {
            parts.push(format!("{side} > {}{cast}", literal(after)));
        }
        if let Some(upto) = upto {
            parts.push(format!("{side} <= {}{cast}", literal(upto)));
        }
    }
    if parts.is_empty() {
        "TRUE".to_owned()
    } else {
        parts.join(" AND ")
    }
}

/// Makes expressions NULL in rows on which one of these faults holds.
pub(super) fn unless(phrase: &Phrase<'_>, faults: &[Reason]) -> impl Fn(String) -> String + use<> {
    let condition = phrase.any_fault(faults);
    move |expression| match &condition {
        None => expression,
        Some(condition) => format!("CASE WHEN {condition} THEN NULL ELSE {expression} END"),
    }
}

impl PgStore {
    pub(super) async fn export_part(
        &self,
        recipe: &Recipe,
        pick: &Pick,
        part: Part,
        out: mpsc::Sender<Piece>,
        witness: Option<&Witness<'_>>,
    ) -> Own<()> {
        if part == Part::Binary {
            return self.export_binary(recipe, pick, out, witness).await;
        }
        let phrase = Phrase::new(recipe, Dialect::Postgres);
        let no_id = || StoreError::Bug("PostgreSQL makes every id".to_owned());
        let id = phrase.id().ok_or_else(no_id)?;
        let (list, condition) = match part {
            Part::Tasks => (
                format!("{id}, {}", phrase.task()),
                format!("({}) IS NULL", phrase.reason()),
            ),
            Part::Tracking => (
                format!(
                    "{}, {id}, {}, 'migrated', {}",
                    phrase.key_text("l"),
                    literal(&recipe.started),
                    literal(&recipe.label)
                ),
                format!("({}) IS NULL", phrase.reason()),
            ),
            Part::Quarantine | Part::Binary => (
                format!(
                    "{}, {}, {}, {}",
                    phrase.key_text("l"),
                    phrase.ordinal(),
                    phrase.reason(),
                    phrase.raw()
                ),
                format!("({}) IS NOT NULL", phrase.reason()),
            ),
        };
        let text = format!(
            "COPY (SELECT {list} {} WHERE {condition}) TO STDOUT",
            phrase.rows(pick)
        );
        let mut connection = self.streaming().await?;
        let mut stream = connection
            .copy_out_raw(&text)
            .await
            .map_err(|error| self.fault(&error))?;
        let mut held = Vec::with_capacity(PIECE * 2);
        let mut count = 0_u64;
        let gone = || StoreError::Cancelled("the reader of the rows is gone".to_owned());
        while let Some(bytes) = stream.try_next().await.map_err(|error| self.fault(&error))? {
            // Newlines inside fields are escaped, so each one ends a row.
            count += bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
            held.extend_from_slice(&bytes);
            if held.len() >= PIECE {
                let piece = std::mem::replace(&mut held, Vec::with_capacity(PIECE * 2));
                out.send(Piece::Lines(piece)).await.map_err(|_| gone())?;
            }
        }
        drop(stream);
        connection.settled();
        out.send(Piece::Lines(held)).await.map_err(|_| gone())?;
        out.send(Piece::End(count)).await.map_err(|_| gone())
    }

    pub(super) async fn count_rows(&self, recipe: &Recipe, pick: &Pick) -> Own<u64> {
        let phrase = Phrase::new(recipe, Dialect::Postgres);
        let text = format!(
            "SELECT count(*) FROM {} s WHERE {}",
            phrase.source_name(),
            phrase.picked("s", pick)
        );
        let mut connection = self.connection().await?;
        let n: i64 = sqlx::query_scalar(sql(text))
            .persistent(false)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        Ok(rows(n))
    }

    /// Streams a query by COPY and hands every line's fields to `each`.
    async fn lines(
        &self,
        text: &str,
        wanted: usize,
        mut each: impl FnMut(&[Option<std::borrow::Cow<'_, str>>]) + Send,
    ) -> Own<u64> {
        let mut connection = self.streaming().await?;
        let mut stream = connection
            .copy_out_raw(text)
            .await
            .map_err(|error| self.fault(&error))?;
        let mut cutter = Lines::default();
        let mut count = 0_u64;
        let broken = || StoreError::Bug(format!("{}: a row of the stream cannot be read", self.words));
        while let Some(bytes) = stream.try_next().await.map_err(|error| self.fault(&error))? {
            cutter.feed(&bytes, |line| {
                let fields = fields(line).ok_or_else(broken)?;
                if fields.len() != wanted {
                    return Err(broken());
                }
                count += 1;
                each(&fields);
                Ok(())
            })?;
        }
        drop(stream);
        connection.settled();
        Ok(count)
    }

    pub(super) async fn read_source(
        &self,
        recipe: &Recipe,
        range: &Range,
        sink: &mut (dyn FnMut(RawRow<'_>) + Send),
    ) -> Own<u64> {
        let phrase = Phrase::new(recipe, Dialect::Postgres);
        let source = &recipe.source;
        let fault = phrase.fault();
        // Text that cannot be sent stays behind, and so does JSON that cannot be parsed; the fault says so. What is sound goes along: other
        // reasons are found in it, which may come before the JSON's.
        let text = unless(&phrase, &[Reason::NotUtf8]);
        let json = unless(&phrase, NO_JSON);
        let list = [
            phrase.key_text("l"),
            fault.clone(),
            text(phrase.text(source.description.as_ref())),
            text(phrase.text(source.category.as_ref())),
            text(phrase.text(source.status.as_ref())),
            text(phrase.text(source.priority.as_ref())),
            phrase.created_text(),
            json(phrase.metadata_text()),
            phrase
                .extras()
                .map_or_else(|| "NULL".to_owned(), |extras| json(format!("({extras})::text"))),
        ]
        .join(", ");
        let text = format!(
            "COPY (SELECT {list} {}) TO STDOUT",
            phrase.rows(&Pick::Range(range.clone()))
        );
        self.lines(&text, 9, |f| {
            let at = |i: usize| f.get(i).and_then(|field| field.as_deref());
            sink(RawRow {
                key: at(0).unwrap_or_default(),
                fault: at(1).unwrap_or_default(),
                description: at(2),
                category: at(3),
                status: at(4),
                priority: at(5),
                created_at: at(6),
                metadata: at(7),
                extras: at(8),
            });
        })
        .await
    }

    pub(super) async fn read_target(
        &self,
        recipe: &Recipe,
        slice: &Slice,
        sink: &mut (dyn FnMut(TaskRow<'_>) + Send),
    ) -> Own<u64> {
        let [id, description, task_type, status, priority, created, metadata] = &recipe.target.columns;
        let of = |column: &crate::engine::ports::store::Column| format!("t.{}", ident(&column.name));
        let created = match created.kind {
            ColumnKind::TimeZoned => format!("({} AT TIME ZONE 'UTC')::text", of(created)),
            ColumnKind::Time => format!("{}::timestamp::text", of(created)),
            _ => format!("{}::text", of(created)),
        };
        let id_text = format!("{}::text", of(id));
        let tasks = table(&recipe.target.table);
        let (from, key) = match slice {
            Slice::Ids(..) => (
                format!("{tasks} t WHERE {}", slice_filter(id, slice)),
                "''".to_owned(),
            ),
            Slice::Tracked => (
                format!(
                    "{}migration_tracking m JOIN {tasks} t ON {} = {} WHERE m.source = {}",
                    beside(&recipe.target.table),
                    of(id),
                    tracked_id(id, "m.maos_task_id"),
                    literal(&recipe.label)
                ),
                "m.legacy_task_id".to_owned(),
            ),
        };
        let text = format!(
            "COPY (SELECT {id_text}, {key}, {}, {}::text, {}::text, {}::text, {created}, {}::text FROM {from}) TO STDOUT",
            of(description),
            of(task_type),
            of(status),
            of(priority),
            of(metadata),
        );
        self.lines(&text, 8, |f| {
            let at = |i: usize| f.get(i).and_then(|field| field.as_deref());
            sink(TaskRow {
                id: at(0).unwrap_or_default(),
                key: at(1).unwrap_or_default(),
                description: at(2),
                task_type: at(3),
                status: at(4),
                priority: at(5),
                created_at: at(6),
                metadata: at(7),
            });
        })
        .await
    }

    pub(super) async fn read_tracking(
        &self,
        recipe: &Recipe,
        sink: &mut (dyn FnMut(&str, &str) + Send),
    ) -> Own<u64> {
        let text = format!(
            "COPY (SELECT legacy_task_id, maos_task_id FROM {}migration_tracking WHERE source = {}) TO STDOUT",
            beside(&recipe.target.table),
            literal(&recipe.label)
        );
        self.lines(&text, 2, |f| {
            let at = |i: usize| f.get(i).and_then(|field| field.as_deref()).unwrap_or_default();
            sink(at(0), at(1));
        })
        .await
    }

    pub(super) async fn read_quarantine(
        &self,
        target: &Table,
        label: &str,
        after: Option<&(String, i64)>,
        limit: u64,
    ) -> Own<Vec<QuarantineRow>> {
        let mut connection = self.connection().await?;
        let (key, ordinal) = after.map_or((None, 0), |(key, ordinal)| (Some(key.as_str()), *ordinal));
        let found = sqlx::query(sql(format!(
            "SELECT legacy_key, ordinal, reason, raw FROM {}migration_quarantine WHERE source = $1 AND ($2::text IS NULL OR (legacy_key, ordinal) > ($2 COLLATE \"C\", $3)) ORDER BY legacy_key, ordinal LIMIT $4",
            beside(target)
        )))
        .bind(label)
        .bind(key)
        .bind(ordinal)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(found
            .iter()
            .map(|row| QuarantineRow {
                key: row.get("legacy_key"),
                ordinal: row.get("ordinal"),
                reason: row.get("reason"),
                raw: row.get("raw"),
            })
            .collect())
    }

    pub(super) async fn count_target(&self, recipe: &Recipe) -> Own<TargetCounts> {
        let prefix = beside(&recipe.target.table);
        let text = format!(
            "SELECT (SELECT count(*) FROM {tasks}) AS tasks, \
             (SELECT count(*) FROM {prefix}migration_tracking WHERE source = $1) AS tracked, \
             (SELECT count(*) FROM {prefix}migration_quarantine WHERE source = $1) AS aside",
            tasks = table(&recipe.target.table)
        );
        let mut connection = self.connection().await?;
        let row = sqlx::query(sql(text))
            .bind(&recipe.label)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let (tasks, tracked) = (rows(row.get("tasks")), rows(row.get("tracked")));
        Ok(TargetCounts {
            tasks,
            tracked,
            quarantined: rows(row.get("aside")),
        })
    }

    pub(super) async fn find_guide_rows(&self, recipe: &Recipe, source: &Place) -> Own<GuideRows> {
        let tasks = table(&recipe.target.table);
        let metadata = &recipe.target.columns[6];
        let name = format!("t.{}", ident(&metadata.name));
        let json = if metadata.kind == ColumnKind::Jsonb {
            name
        } else {
            format!("{name}::jsonb")
        };
        let prefix = beside(&recipe.target.table);
        let id = &recipe.target.columns[0];
        let mut connection = self.connection().await?;
        let mut tx = connection.begin().await.map_err(|error| self.fault(&error))?;
        // Nobody has counted tables that were just filled: a plan made for a handful of rows would compare each with each.
        sqlx::raw_sql("SET LOCAL enable_nestloop = off")
            .execute(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
        let tracked = self
            .look_relation(&recipe.target.table.sibling("migration_tracking"))
            .await?;
        let ours = if tracked.is_some_and(|found| found.column("source").is_some()) {
            format!(
                " AND NOT EXISTS (SELECT 1 FROM {prefix}migration_tracking m WHERE m.maos_task_id = t.{}::text AND m.source IS NOT NULL)",
                ident(&id.name)
            )
        } else {
            String::new()
        };
        let marked = format!("{json} @> '{{\"migrated_from_legacy\": true}}'{ours}");
        let any: bool = sqlx::query_scalar(sql(format!(
            "SELECT EXISTS (SELECT 1 FROM {tasks} t WHERE {marked})"
        )))
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        if !any {
            return Ok(GuideRows::default());
        }
        let row = sqlx::query(sql(format!(
            "SELECT coalesce(sum(n), 0)::bigint AS n, count(*) FILTER (WHERE n > 1) AS doubled FROM (SELECT count(*) AS n FROM {tasks} t WHERE {marked} GROUP BY {json}->>'legacy_id') q"
        )))
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| self.fault(&error))?;
        let mut found = GuideRows {
            rows: rows(row.get("n")),
            doubled: rows(row.get("doubled")),
            unknown: None,
            changed: None,
        };
        let own = self.look_place().await?;
        if source.identity == own.identity {
            let phrase = Phrase::new(recipe, Dialect::Postgres);
            let text = |column: Option<&Column>| phrase.text(column);
            let [_, description, task_type, status, priority, ..] = &recipe.target.columns;
            let (category, state) = (
                text(recipe.source.category.as_ref()),
                text(recipe.source.status.as_ref()),
            );
            // What the guide's own statement makes of a row, to see whether anybody touched it since.
            let compared = format!(
                "l.maos_key IS NULL OR t.{} IS DISTINCT FROM {} OR t.{}::text <> CASE coalesce({category}, '') WHEN 'research' THEN 'research' WHEN 'development' THEN 'coding' WHEN 'analysis' THEN 'analysis' ELSE 'general' END \
                 OR t.{}::text <> CASE coalesce({state}, '') WHEN 'pending' THEN 'QUEUED' WHEN 'running' THEN 'RUNNING' WHEN 'completed' THEN 'COMPLETED' WHEN 'failed' THEN 'FAILED' ELSE 'QUEUED' END \
                 OR t.{}::text <> coalesce({}, 'NORMAL')",
                ident(&description.name),
                text(recipe.source.description.as_ref()),
                ident(&task_type.name),
                ident(&status.name),
                ident(&priority.name),
                text(recipe.source.priority.as_ref()),
            );
            let row = sqlx::query(sql(format!(
                "SELECT count(*) FILTER (WHERE l.maos_key IS NULL) AS unknown, count(*) FILTER (WHERE l.maos_key IS NOT NULL AND ({compared})) AS changed \
                 FROM {tasks} t LEFT JOIN (SELECT s.*{}, {} AS maos_key FROM {} s) l ON l.maos_key = {json}->>'legacy_id' WHERE {marked}",
                phrase.settled("s"),
                phrase.key_text("s"),
                phrase.source_name(),
            )))
            .fetch_one(&mut *tx)
            .await
            .map_err(|error| self.fault(&error))?;
            found.unknown = Some(rows(row.get("unknown")));
            found.changed = Some(rows(row.get("changed")));
        }
        Ok(found)
    }

    pub(super) async fn check_rest(&self, recipe: &Recipe) -> Own<Vec<Check>> {
        let mut found = Vec::new();
        let mut connection = self.connection().await?;
        let keyed: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND indisunique AND indisvalid)")
            .bind(format!(
                "{}migration_tracking_legacy_key",
                beside(&recipe.target.table)
            ))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
        found.push(Check {
            what: "unique key of migration_tracking".to_owned(),
            wanted: "1".to_owned(),
            found: u8::from(keyed).to_string(),
            good: keyed,
        });
        for owner in [
            &recipe.target.table,
            &recipe.target.table.sibling("migration_tracking"),
        ] {
            let sequences = sqlx::query(
                "SELECT format('%I.%I', n.nspname, s.relname) AS sequence, a.attname::text AS name FROM pg_depend d \
                 JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace \
                 JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
                 WHERE d.refobjid = to_regclass($1) AND d.deptype IN ('a', 'i') ORDER BY 1",
            )
            .bind(table(owner))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
            for row in &sequences {
                let sequence: String = row.get("sequence");
                let name: String = row.get("name");
                let state = sqlx::query(sql(format!(
                    "SELECT (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence})::bigint AS at, coalesce((SELECT max({}) FROM {}), 0)::bigint AS most",
                    ident(&name),
                    table(owner)
                )))
                .fetch_one(&mut *connection)
                .await
                .map_err(|error| self.fault(&error))?;
                let (at, most): (i64, i64) = (state.get("at"), state.get("most"));
                found.push(Check {
                    what: format!("sequence {}", sequence.replace('"', "")),
                    wanted: format!("at least {most}"),
                    found: at.to_string(),
                    good: at >= most,
                });
            }
            let invalid: Vec<String> = sqlx::query_scalar(
                "SELECT conname::text FROM pg_constraint WHERE conrelid = to_regclass($1) AND NOT convalidated \
                 UNION ALL SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass($1) AND NOT i.indisvalid \
                 UNION ALL SELECT 'the primary key' WHERE obj_description(to_regclass($1)::oid, 'pg_class') = $2 ORDER BY 1",
            )
            .bind(table(owner))
            .bind(PUT_OFF)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.fault(&error))?;
            found.push(Check {
                what: format!("constraints of {}", owner.name),
                wanted: "all valid".to_owned(),
                found: if invalid.is_empty() {
                    "all valid".to_owned()
                } else {
                    invalid.join(", ")
                },
                good: invalid.is_empty(),
            });
        }
        Ok(found)
    }
}
