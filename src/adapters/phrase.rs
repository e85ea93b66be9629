//! The conversion as SQL, for both dialects: ids, mapped values, reasons, metadata, ranges.
//!
//! Names and literals are quoted here and nowhere else. COPY takes no bound parameters, so keys stand in the text as quoted literals.

mod verdict;

use std::fmt::Write as _;

use super::faults::{sound, sound_again, source_key, text_faults};
use crate::engine::ports::store::{
    CaseMap, Column, ColumnKind, Dialect, Fate, Key, KeyKind, Pick, Range, Reason, Recipe, SourceTable, Table,
};

/// An identifier in quotes.
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal in quotes. NUL cannot stand in SQL and is dropped; such values never reach a mapping.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

/// A table name in quotes.
pub fn table(table: &Table) -> String {
    match &table.schema {
        Some(schema) => format!("{}.{}", ident(schema), ident(&table.name)),
        None => ident(&table.name),
    }
}

/// The prefix that puts a ledger table beside the task table.
pub fn beside(target: &Table) -> String {
    target
        .schema
        .as_ref()
        .map_or_else(String::new, |schema| format!("{}.", ident(schema)))
}

/// A key as a literal.
pub fn key(key: &Key) -> String {
    match key {
        // The least number has no literal of its own.
        Key::Integer(i64::MIN) => "(-9223372036854775807 - 1)".to_owned(),
        Key::Integer(n) if *n < 0 => format!("({n})"),
        Key::Integer(n) => n.to_string(),
        Key::Text(text) => literal(text),
    }
}

/// A column of alias `a` as text, with its letters in lower case and no blanks around.
fn folded(dialect: Dialect, column: &Column, a: &str) -> String {
    let name = ident(&column.name);
    match dialect {
        Dialect::Postgres => format!("lower(btrim({a}.{name}::text))"),
        Dialect::Sqlite => format!("lower(trim(CAST({a}.{name} AS TEXT)))"),
    }
}

fn listed(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| literal(word)).collect();
    words.join(", ")
}

/// Key and description of the rows whose status is one of `words`; `None` where the table has no status, or there are no words.
pub fn running_query(
    dialect: Dialect,
    source: &SourceTable,
    words: &[String],
    limit: usize,
) -> Option<String> {
    let status = source.status.as_ref().filter(|_| !words.is_empty())?;
    let as_text = |column: &Column| match dialect {
        Dialect::Postgres => format!("s.{}::text", ident(&column.name)),
        Dialect::Sqlite => format!("CAST(s.{} AS TEXT)", ident(&column.name)),
    };
    let description = source.description.as_ref().map_or_else(
        || "''".to_owned(),
        |column| format!("coalesce(substr({}, 1, 200), '')", as_text(column)),
    );
    Some(format!(
        "SELECT {}, {description} FROM {} s WHERE {} IN ({}) ORDER BY {} LIMIT {limit}",
        as_text(&source.key),
        table(&source.table),
        folded(dialect, status, "s"),
        listed(words),
        source_key(dialect, source, "s"),
    ))
}

/// Phrases one recipe in the source's dialect.
#[derive(Clone, Copy)]
pub struct Phrase<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The dialect of the source.
    pub dialect: Dialect,
    /// Whether the connection has the function [`super::faults::SOUND`].
    pub sound: bool,
}

impl<'a> Phrase<'a> {
    /// A phrase over the source's own name.
    pub const fn new(recipe: &'a Recipe, dialect: Dialect) -> Self {
        Self {
            recipe,
            dialect,
            sound: false,
        }
    }

    const fn pg(&self) -> bool {
        matches!(self.dialect, Dialect::Postgres)
    }

    /// The table rows come from.
    pub fn source_name(&self) -> String {
        table(&self.recipe.source.table)
    }

    /// The key of alias `a`, comparable and ordered.
    pub fn key_of(&self, a: &str) -> String {
        source_key(self.dialect, &self.recipe.source, a)
    }

    /// The key of alias `a` as text.
    pub fn key_text(&self, a: &str) -> String {
        let name = ident(&self.recipe.source.key.name);
        if self.pg() {
            format!("{a}.{name}::text")
        } else {
            format!("CAST({a}.{name} AS TEXT)")
        }
    }

    /// The condition of a range on alias `a`; `TRUE` without ends.
    pub fn in_range(&self, a: &str, range: &Range) -> String {
        let of = self.key_of(a);
        let mut parts = Vec::new();
        if let Some(after) = &range.after {
            parts.push(format!("{of} > {}", key(after)));
        }
        if let Some(upto) = &range.upto {
            parts.push(format!("{of} <= {}", key(upto)));
        }
        if parts.is_empty() {
            "TRUE".to_owned()
        } else {
            parts.join(" AND ")
        }
    }

    /// The condition of a pick on alias `a`.
    pub fn picked(&self, a: &str, pick: &Pick) -> String {
        match pick {
            Pick::Range(range) => self.in_range(a, range),
            Pick::Keys(keys) => {
                let list: Vec<String> = keys.iter().map(key).collect();
                format!("{} IN ({})", self.key_of(a), list.join(", "))
            }
        }
    }

    /// `FROM (…) l`: the picked rows with the hex digits of a text key's id (`maos_h`, `maos_p`) and, when the key is not unique,
    /// how often it occurs (`maos_n`) and which of them this is (`maos_i`).
    pub fn rows(&self, pick: &Pick) -> String {
        let mut extra = self.settled("s");
        match self.recipe.source.key_kind {
            // The id of an integer key is made from the key itself: a column of digits would be computed once for every use of it.
            KeyKind::Text if self.pg() => {
                let k = self.key_text("s");
                let _ = write!(
                    extra,
                    ", encode(sha256(convert_to({} || {k}, 'UTF8')), 'hex') AS maos_h, \
                     rpad(encode(substr(convert_to({k}, 'UTF8'), 1, 6), 'hex'), 12, '0') AS maos_p",
                    literal(&self.recipe.namespace)
                );
            }
            KeyKind::Integer | KeyKind::Text => {}
        }
        if !self.recipe.source.unique_key {
            let k = self.key_of("s");
            let row = if self.pg() { "s.ctid" } else { "s.rowid" };
            let _ = write!(
                extra,
                ", count(*) OVER (PARTITION BY {k}) AS maos_n, row_number() OVER (PARTITION BY {k} ORDER BY {row}) AS maos_i"
            );
        }
        format!(
            "FROM (SELECT s.*{extra} FROM {} s WHERE {}) l",
            self.source_name(),
            self.picked("s", pick)
        )
    }

    /// `, … AS maos_status`: the status of alias `a` with what is decided about single rows in its place; nothing where none is.
    pub fn settled(&self, a: &str) -> String {
        let settled = &self.recipe.settled;
        let Some(status) = self
            .recipe
            .source
            .status
            .as_ref()
            .filter(|_| !settled.rows.is_empty())
        else {
            return String::new();
        };
        let name = format!("{a}.{}", ident(&status.name));
        let own = if self.pg() { format!("{name}::text") } else { name };
        let mut by_key = format!("CASE {}", self.key_of(a));
        for (row, word) in &settled.rows {
            let _ = write!(by_key, " WHEN {} THEN {}", key(row), literal(word));
        }
        format!(
            ", CASE WHEN {} IN ({}) THEN {by_key} ELSE {own} END ELSE {own} END AS maos_status",
            folded(self.dialect, status, a),
            listed(&settled.within)
        )
    }

    fn is_settled(&self, column: &Column) -> bool {
        let status = self.recipe.source.status.as_ref();
        !self.recipe.settled.rows.is_empty() && status.is_some_and(|status| status.name == column.name)
    }

    /// The id of a row of [`Phrase::rows`] as text; `None` when the dialect cannot make it (SQLite, text keys).
    pub fn id(&self) -> Option<String> {
        let digits = self.id_digits()?;
        Some(if self.pg() && self.recipe.source.key_kind == KeyKind::Integer {
            format!("({digits})::uuid::text")
        } else {
            digits
        })
    }

    /// The id as text that can be cast to `uuid`: in PostgreSQL without hyphens for integer keys, which saves printing it.
    pub fn id_digits(&self) -> Option<String> {
        let space = &self.recipe.namespace;
        match self.recipe.source.key_kind {
            KeyKind::Integer => {
                let k = self.key_of("l");
                let (head, tail) = (space.get(..2).unwrap_or_default(), space.get(2..).unwrap_or_default());
                // The key's 64 bits with the sign turned, so that ids sort as keys do, around the version and the variant.
                Some(if self.pg() {
                    format!(
                        "lpad(to_hex(((({k})::bigint # (-9223372036854775807 - 1)::bigint) & -65536::bigint) | 32768 | \
                         ((({k})::bigint >> 4) & 4095)), 16, '0') || '8' || to_hex(({k})::bigint & 15) || '{head}{tail}'"
                    )
                } else {
                    format!(
                        "printf('%08x-%04x-8%03x-8%x{head}-{tail}', ({k} >> 32) + 2147483648, ({k} >> 16) & 65535, \
                         ({k} >> 4) & 4095, {k} & 15)"
                    )
                })
            }
            KeyKind::Text if self.pg() => Some(
                "substr(l.maos_p, 1, 8) || '-' || substr(l.maos_p, 9, 4) || '-8' || substr(l.maos_h, 1, 3) || '-8' || \
                 substr(l.maos_h, 4, 3) || '-' || substr(l.maos_h, 7, 12)"
                    .to_owned(),
            ),
            KeyKind::Text => None,
        }
    }

    /// A field's column as text; `NULL` when the source has none.
    pub fn text(&self, column: Option<&Column>) -> String {
        match column {
            None => self.null(),
            Some(column) if self.is_settled(column) => "l.maos_status".to_owned(),
            Some(column) if self.pg() => match column.kind {
                ColumnKind::Text => format!("l.{}", ident(&column.name)),
                _ => format!("l.{}::text", ident(&column.name)),
            },
            Some(column) => {
                let name = format!("l.{}", ident(&column.name));
                match column.kind {
                    ColumnKind::Text => name,
                    _ => format!("CAST({name} AS TEXT)"),
                }
            }
        }
    }

    fn null(&self) -> String {
        if self.pg() { "NULL::text" } else { "NULL" }.to_owned()
    }

    /// The description, with the default for NULL.
    pub fn description(&self) -> String {
        let text = self.text(self.recipe.source.description.as_ref());
        match &self.recipe.description_default {
            Some(default) => format!("coalesce({text}, {})", literal(default)),
            None => text,
        }
    }

    /// A field's mapped value.
    pub fn mapped(&self, column: Option<&Column>, map: &CaseMap) -> String {
        let of = |fate: &Fate| match fate {
            Fate::Becomes(to, _) => literal(to),
            Fate::Quarantine(_) => "NULL".to_owned(),
        };
        let Some(column) = column else {
            return of(&map.null);
        };
        let text = self.text(Some(column));
        let mut sql = format!("CASE WHEN {text} IS NULL THEN {} ELSE CASE {text}", of(&map.null));
        for (value, fate) in &map.arms {
            let _ = write!(sql, " WHEN {} THEN {}", literal(value), of(fate));
        }
        if map.arms.is_empty() {
            sql.push_str(" WHEN NULL THEN NULL");
        }
        let _ = write!(sql, " ELSE {} END END", of(&map.otherwise));
        sql
    }

    /// What a task row holds besides its id, as one list of columns.
    pub fn task(&self) -> String {
        let recipe = self.recipe;
        [
            self.description(),
            self.mapped(recipe.source.category.as_ref(), &recipe.types),
            self.mapped(recipe.source.status.as_ref(), &recipe.statuses),
            self.mapped(recipe.source.priority.as_ref(), &recipe.priorities),
            self.created_text(),
            self.metadata(),
        ]
        .join(", ")
    }

    /// The creation time as text in UTC.
    pub fn created_text(&self) -> String {
        let Some(column) = &self.recipe.source.created_at else {
            return self.null();
        };
        let name = format!("l.{}", ident(&column.name));
        if self.pg() {
            match column.kind {
                ColumnKind::TimeZoned => format!("({name} AT TIME ZONE 'UTC')::text"),
                _ => format!("{name}::timestamp::text"),
            }
        } else {
            format!(
                "CASE typeof({name}) WHEN 'integer' THEN datetime({name}, 'unixepoch') WHEN 'real' THEN \
                 strftime('%Y-%m-%d %H:%M:%f', {name}, 'unixepoch') ELSE {name} END"
            )
        }
    }

    /// The metadata as JSON text (SQLite) or as `jsonb` (PostgreSQL); NULL stays NULL.
    fn own_metadata(&self) -> String {
        let Some(column) = &self.recipe.source.metadata else {
            return if self.pg() { "NULL::jsonb" } else { "NULL" }.to_owned();
        };
        let name = format!("l.{}", ident(&column.name));
        if self.pg() {
            match column.kind {
                ColumnKind::Jsonb => name,
                ColumnKind::Json => format!("{name}::jsonb"),
                _ => format!("to_jsonb({name})"),
            }
        } else {
            format!("json({name})")
        }
    }

    /// SQLite: the metadata in its short form, NULL where it is no JSON.
    pub fn safe_metadata(&self) -> String {
        let Some(column) = &self.recipe.source.metadata else {
            return "NULL".to_owned();
        };
        let name = format!("l.{}", ident(&column.name));
        let guarded = self.any_fault(&[Reason::BadJson, Reason::NotUtf8]).map_or_else(
            || format!("json({name})"),
            |condition| format!("CASE WHEN {condition} THEN NULL ELSE json({name}) END"),
        );
        if self.sound {
            // The reason, which stands before it in every query, has judged the row already.
            let sound = sound_again(&self.recipe.source, "l");
            format!("CASE {sound} WHEN 2 THEN {name} WHEN 1 THEN json({name}) ELSE {guarded} END")
        } else {
            guarded
        }
    }

    /// The metadata for the proof: text.
    pub fn metadata_text(&self) -> String {
        let own = self.own_metadata();
        if self.pg() { format!("({own})::text") } else { own }
    }

    /// The unmapped columns as one JSON object, `None` without any.
    pub fn extras(&self) -> Option<String> {
        if self.recipe.source.extras.is_empty() {
            return None;
        }
        let pairs: Vec<String> = self
            .recipe
            .source
            .extras
            .iter()
            .map(|column| {
                let name = format!("l.{}", ident(&column.name));
                let value = if self.pg() {
                    name
                } else {
                    format!("CASE typeof({name}) WHEN 'blob' THEN hex({name}) ELSE {name} END")
                };
                format!("{}, {value}", literal(&column.name))
            })
            .collect();
        let build = if self.pg() {
            "jsonb_build_object"
        } else {
            "json_object"
        };
        Some(format!("{build}({})", pairs.join(", ")))
    }

    /// The task's metadata.
    pub fn metadata(&self) -> String {
        let legacy_id = match self.recipe.source.key_kind {
            KeyKind::Integer => self.key_of("l"),
            KeyKind::Text => self.key_text("l"),
        };
        let source = &self.recipe.source;
        let mut originals = Vec::new();
        for (name, column, map) in [
            ("original_category", &source.category, &self.recipe.types),
            ("original_priority", &source.priority, &self.recipe.priorities),
            ("original_status", &source.status, &self.recipe.statuses),
        ] {
            if let (Some(column), Some(condition)) = (column, self.replaced(column.as_ref(), map)) {
                originals.push((name, condition, self.text(Some(column))));
            }
        }
        if self.pg() {
            // Filling a template is faster than building an object: its types are not looked up for every row. What is rare or small
            // goes in first, the row's own document last.
            let template = serde_json::json!({
                "legacy_id": null, "migration_date": self.recipe.started, "original_metadata": null, "migrated_from_legacy": true,
            });
            let mut filled = format!("{}::jsonb", literal(&template.to_string()));
            for (name, condition, text) in originals {
                filled = format!(
                    "jsonb_set_lax({filled}, '{{{name}}}', CASE WHEN {condition} THEN to_jsonb(({text})::text) END, true, 'return_target')"
                );
            }
            let own = format!("coalesce({}, 'null'::jsonb)", self.own_metadata());
            let mut members = vec![("legacy_id", format!("to_jsonb({legacy_id})"))];
            members.extend(self.extras().map(|extras| ("legacy_columns", extras)));
            members.push(("original_metadata", own));
            for (name, value) in members {
                filled = format!("jsonb_set({filled}, '{{{name}}}', {value})");
            }
            return filled;
        }
        let extras = self
            .extras()
            .map_or_else(String::new, |extras| format!("'legacy_columns', {extras}, "));
        let base = format!(
            "json_object('legacy_id', {legacy_id}, {extras}'migration_date', {}, 'original_metadata', {}, 'migrated_from_legacy', json('true'))",
            literal(&self.recipe.started),
            self.own_metadata(),
        );
        if originals.is_empty() {
            return base;
        }
        let when: Vec<&str> = originals
            .iter()
            .map(|(_, condition, _)| condition.as_str())
            .collect();
        let pairs: Vec<String> = originals
            .iter()
            .map(|(name, condition, text)| format!("'{name}', CASE WHEN {condition} THEN {text} END"))
            .collect();
        format!(
            "CASE WHEN {} THEN json_patch({base}, json_object({})) ELSE {base} END",
            when.join(" OR "),
            pairs.join(", ")
        )
    }

    /// When a value was replaced by default or decision.
    fn replaced(&self, column: Option<&Column>, map: &CaseMap) -> Option<String> {
        let text = self.text(column);
        let (mut replaced, mut others) = (Vec::new(), Vec::new());
        for (value, fate) in &map.arms {
            if matches!(fate, Fate::Becomes(_, true)) {
                replaced.push(literal(value));
            } else {
                others.push(literal(value));
            }
        }
        match &map.otherwise {
            Fate::Becomes(_, true) if others.is_empty() => Some(format!("{text} IS NOT NULL")),
            Fate::Becomes(_, true) => Some(format!("{text} NOT IN ({})", others.join(", "))),
            _ if replaced.is_empty() => None,
            _ => Some(format!("{text} IN ({})", replaced.join(", "))),
        }
    }

    /// The conditions that only a database can judge, in order of judgement.
    fn faults(&self) -> Vec<(Reason, String)> {
        let source = &self.recipe.source;
        let mut found = Vec::new();
        if !source.unique_key {
            found.push((Reason::DuplicateId, "l.maos_n > 1".to_owned()));
        }
        found.extend(text_faults(self.dialect, source, "l"));
        found
    }

    /// Every reason with its condition, in order of judgement.
    fn conditions(&self) -> Vec<(Reason, String)> {
        let recipe = self.recipe;
        let mut found = self.faults();
        let description = self.text(recipe.source.description.as_ref());
        if recipe.description_default.is_none() {
            found.push((Reason::NullDescription, format!("{description} IS NULL")));
        }
        let bytes = if self.pg() {
            format!("octet_length({description})")
        } else {
            format!("length(CAST({description} AS BLOB))")
        };
        found.push((
            Reason::DescriptionTooLong,
            format!("{bytes} > {}", recipe.description_limit),
        ));
        for (column, map) in [
            (&recipe.source.category, &recipe.types),
            (&recipe.source.status, &recipe.statuses),
            (&recipe.source.priority, &recipe.priorities),
        ] {
            let text = self.text(column.as_ref());
            if let Fate::Quarantine(reason) = map.null {
                found.push((reason, format!("{text} IS NULL")));
            }
            if column.is_none() {
                continue;
            }
            for (value, fate) in &map.arms {
                if let Fate::Quarantine(reason) = fate {
                    found.push((*reason, format!("{text} = {}", literal(value))));
                }
            }
            if let Fate::Quarantine(reason) = map.otherwise {
                let known: Vec<String> = map.arms.iter().map(|(value, _)| literal(value)).collect();
                found.push((
                    reason,
                    if known.is_empty() {
                        format!("{text} IS NOT NULL")
                    } else {
                        format!("{text} NOT IN ({})", known.join(", "))
                    },
                ));
            }
        }
        if !recipe.null_times {
            found.push((
                Reason::NullCreatedAt,
                recipe.source.created_at.as_ref().map_or_else(
                    || "TRUE".to_owned(),
                    |column| format!("l.{} IS NULL", ident(&column.name)),
                ),
            ));
        }
        // The sort is stable and the order of reasons is the order of judgement.
        found.sort_by_key(|(reason, _)| *reason);
        found
    }

    /// The reason code of a row, NULL when it converts.
    pub fn reason(&self) -> String {
        self.unless_sound(&self.conditions())
    }

    /// The reason code only the database can judge, empty when there is none.
    pub fn fault(&self) -> String {
        let found = self.faults();
        if found.is_empty() {
            "''".to_owned()
        } else {
            format!("coalesce({}, '')", self.unless_sound(&found))
        }
    }

    /// The first reason that holds; those about text, time and JSON are not judged for sound rows.
    fn unless_sound(&self, conditions: &[(Reason, String)]) -> String {
        let all = case_of(conditions);
        if !self.sound {
            return all;
        }
        let about = text_faults(self.dialect, &self.recipe.source, "l");
        let rest: Vec<(Reason, String)> = conditions
            .iter()
            .filter(|condition| !about.contains(condition))
            .cloned()
            .collect();
        let rest = if rest.is_empty() {
            "NULL".to_owned()
        } else {
            case_of(&rest)
        };
        format!(
            "CASE WHEN {} > 0 THEN {rest} ELSE {all} END",
            sound(&self.recipe.source, "l")
        )
    }

    /// When one of these faults holds, whichever is judged first; `None` when none of them can.
    pub fn any_fault(&self, of: &[Reason]) -> Option<String> {
        let found: Vec<String> = self
            .faults()
            .into_iter()
            .filter(|(reason, _)| of.contains(reason))
            .map(|(_, condition)| format!("({condition})"))
            .collect();
        (!found.is_empty()).then(|| found.join(" OR "))
    }

    /// Which of the rows with this key it is.
    pub const fn ordinal(&self) -> &'static str {
        if self.recipe.source.unique_key {
            "1"
        } else {
            "l.maos_i"
        }
    }

    /// The raw row as JSON text; as hexadecimal digits when it holds bytes that are not UTF-8.
    pub fn raw(&self) -> String {
        let source = &self.recipe.source;
        let fields = [
            Some(&source.key),
            source.description.as_ref(),
            source.category.as_ref(),
            source.status.as_ref(),
            source.priority.as_ref(),
            source.created_at.as_ref(),
            source.metadata.as_ref(),
        ];
        let columns = fields.into_iter().flatten().chain(source.extras.iter());
        if self.pg() {
            let pairs: Vec<String> = columns
                .map(|column| {
                    let name = format!("l.{}", ident(&column.name));
                    let value = match column.kind {
                        // jsonb refuses what json carries.
                        ColumnKind::Json => format!("{name}::text"),
                        _ => name,
                    };
                    format!("{}, {value}", literal(&column.name))
                })
                .collect();
            let plain = format!("json_build_object({})::text", pairs.join(", "));
            match text_faults(self.dialect, source, "l").first() {
                Some((Reason::NotUtf8, bad)) => format!(
                    "CASE WHEN {bad} THEN 'hex:' || encode(convert_to({plain}, 'SQL_ASCII'), 'hex') ELSE {plain} END"
                ),
                _ => plain,
            }
        } else {
            let broken = if source.not_utf8.is_empty() {
                "FALSE".to_owned()
            } else {
                let keys: Vec<String> = source.not_utf8.iter().map(key).collect();
                format!(
                    "{} IN ({})",
                    source_key(self.dialect, source, "l"),
                    keys.join(", ")
                )
            };
            let pairs: Vec<String> = columns
                .map(|column| {
                    let name = format!("l.{}", ident(&column.name));
                    format!(
                        "{}, CASE WHEN typeof({name}) = 'blob' OR (typeof({name}) = 'text' AND {broken}) OR (typeof({name}) = 'text' AND instr({name}, char(0)) > 0) \
                         THEN 'hex:' || hex({name}) ELSE {name} END",
                        literal(&column.name)
                    )
                })
                .collect();
            format!("json_object({})", pairs.join(", "))
        }
    }
}

fn case_of(conditions: &[(Reason, String)]) -> String {
    let mut sql = "CASE".to_owned();
    for (reason, condition) in conditions {
        let _ = write!(sql, " WHEN {condition} THEN '{}'", reason.code());
    }
    sql.push_str(" END");
    sql
}
