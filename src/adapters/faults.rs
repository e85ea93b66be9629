//! What can be wrong with a source row whatever it is mapped to: conditions on its text, time and JSON in SQL, for both dialects.

use super::phrase::{ident, key};
use crate::engine::ports::store::{Column, ColumnKind, Dialect, KeyKind, Reason, SourceTable};
use crate::engine::schema::times::LONGEST;

/// The SQL function that tells rows whose text, time and JSON are surely fine, so that the conditions on them need not be judged:
/// `maos_sound(key, created_at, metadata, text…)`, 0 when it cannot tell, 1, or 2 when the metadata has no blanks to take out either.
pub const SOUND: &str = "maos_sound";

/// The SQL function that repeats the last answer of [`SOUND`] when it was about the row with this key, and is 0 otherwise: the rows are
/// judged once, and an answer that is not at hand only means that the conditions are judged.
pub const SOUND_AGAIN: &str = "maos_sound_again";

/// The call of [`SOUND_AGAIN`] on alias `a`; that of [`SOUND`] where the key does not name one row.
pub fn sound_again(source: &SourceTable, a: &str) -> String {
    if source.unique_key && source.key_kind == KeyKind::Integer {
        format!("{SOUND_AGAIN}({a}.{})", ident(&source.key.name))
    } else {
        sound(source, a)
    }
}

/// The call of [`SOUND`] on alias `a`.
pub fn sound(source: &SourceTable, a: &str) -> String {
    let of = |column: Option<&Column>| {
        column.map_or_else(
            || "NULL".to_owned(),
            |column| format!("{a}.{}", ident(&column.name)),
        )
    };
    let mut arguments = vec![
        of(Some(&source.key)),
        of(source.created_at.as_ref()),
        of(source.metadata.as_ref()),
    ];
    let texts = [
        &source.description,
        &source.category,
        &source.status,
        &source.priority,
    ];
    arguments.extend(
        texts
            .into_iter()
            .flatten()
            .chain(source.extras.iter())
            .map(|column| of(Some(column))),
    );
    format!("{SOUND}({})", arguments.join(", "))
}

/// The key column of alias `a`, comparable and ordered.
pub fn source_key(dialect: Dialect, source: &SourceTable, a: &str) -> String {
    let name = ident(&source.key.name);
    match (dialect, source.key_kind) {
        (Dialect::Postgres, KeyKind::Integer) if source.key.type_sql == "bigint" => format!("{a}.{name}"),
        (Dialect::Postgres, KeyKind::Integer) => format!("{a}.{name}::bigint"),
        (Dialect::Postgres, KeyKind::Text) => format!("{a}.{name}::text COLLATE \"C\""),
        (Dialect::Sqlite, KeyKind::Integer) => format!("{a}.{name}"),
        (Dialect::Sqlite, KeyKind::Text) if source.key.kind == ColumnKind::Text => format!("{a}.{name}"),
        (Dialect::Sqlite, KeyKind::Text) => format!("CAST({a}.{name} AS TEXT)"),
    }
}

/// UTF-8 as a pattern over bytes, for databases that keep any byte as text.
const UTF8: &str = "^([\\u0001-\\u007f]|[\\u00c2-\\u00df][\\u0080-\\u00bf]|\\u00e0[\\u00a0-\\u00bf][\\u0080-\\u00bf]|\
[\\u00e1-\\u00ec\\u00ee\\u00ef][\\u0080-\\u00bf]{2}|\\u00ed[\\u0080-\\u009f][\\u0080-\\u00bf]|\
\\u00f0[\\u0090-\\u00bf][\\u0080-\\u00bf]{2}|[\\u00f1-\\u00f3][\\u0080-\\u00bf]{3}|\\u00f4[\\u0080-\\u008f][\\u0080-\\u00bf]{2})*$";

/// Conditions on text, time and JSON that do not depend on the mapping.
pub fn text_faults(dialect: Dialect, source: &SourceTable, a: &str) -> Vec<(Reason, String)> {
    let mut found = Vec::new();
    let texts: Vec<String> = [
        &source.description,
        &source.category,
        &source.status,
        &source.priority,
    ]
    .into_iter()
    .flatten()
    .chain(source.extras.iter())
    .filter(|column| matches!(column.kind, ColumnKind::Text | ColumnKind::Other))
    .map(|column| format!("{a}.{}", ident(&column.name)))
    .collect();
    match dialect {
        Dialect::Postgres => {
            if source.loose_text && !texts.is_empty() {
                let any: Vec<String> = texts
                    .iter()
                    .map(|name| format!("coalesce({name}::text, '') !~ '{UTF8}'"))
                    .collect();
                found.push((Reason::NotUtf8, format!("({})", any.join(" OR "))));
            }
            if let Some(column) = &source.created_at {
                let name = format!("{a}.{}", ident(&column.name));
                found.push((
                    Reason::TimestampOutOfRange,
                    format!("({name} < '0001-01-01' OR {name} >= '10000-01-01')"),
                ));
            }
            if let Some(column) = &source.metadata
                && column.kind == ColumnKind::Json
            {
                // Escaped backslashes go first, so that what is left of `\\u` is an escape.
                let text = format!(r"replace({a}.{}::text, '\\', '')", ident(&column.name));
                found.push((Reason::NulInJson, format!(r"(position('\u0000' in {text}) > 0)")));
                found.push((
                    Reason::LoneSurrogate,
                    format!(
                        r"(position('\ud' in lower({text})) > 0 AND ({text} ~* '\\ud[89ab][0-9a-f]{{2}}(?!\\ud[c-f])' OR {text} ~* '(?<!\\ud[89ab][0-9a-f]{{2}})\\ud[c-f][0-9a-f]{{2}}'))"
                    ),
                ));
            }
        }
        Dialect::Sqlite => {
            if !source.not_utf8.is_empty() {
                let keys: Vec<String> = source.not_utf8.iter().map(key).collect();
                found.push((
                    Reason::NotUtf8,
                    format!("{} IN ({})", source_key(dialect, source, a), keys.join(", ")),
                ));
            }
            if !texts.is_empty() {
                let any: Vec<String> = texts
                    .iter()
                    .map(|name| format!("instr({name}, char(0)) > 0"))
                    .collect();
                found.push((Reason::NulInText, format!("({})", any.join(" OR "))));
            }
            if let Some(column) = &source.created_at {
                let name = format!("{a}.{}", ident(&column.name));
                found.push((
                    Reason::BadTimestamp,
                    format!("(typeof({name}) = 'text' AND ({}))", no_time(&name)),
                ));
                found.push((
                    Reason::TimestampOutOfRange,
                    format!(
                        "(typeof({name}) = 'text' AND (strftime('%Y', {name}) < '0001' OR substr({name}, 1, 4) = '0000'))"
                    ),
                ));
            }
            if let Some(column) = &source.metadata {
                let name = format!("{a}.{}", ident(&column.name));
                found.push((
                    Reason::BadJson,
                    format!("({name} IS NOT NULL AND NOT json_valid({name}))"),
                ));
                let text = format!(r"replace({name}, '\\', '')");
                found.push((Reason::NulInJson, format!(r"(instr({text}, '\u0000') > 0)")));
                found.push((Reason::LoneSurrogate, lone_surrogate(&text)));
            }
        }
    }
    found
}

/// When text of SQLite is no time; `engine::schema::times` says the same.
fn no_time(name: &str) -> String {
    let rest = format!("rtrim(substr({name}, 11), char(9, 10, 11, 12, 13, 32))");
    format!(
        "strftime('%s', {name}) IS NULL OR date(substr({name}, 1, 10)) IS NOT substr({name}, 1, 10) OR length({name}) > {LONGEST} \
         OR instr({name}, char(0)) > 0 OR NOT ({rest} = '' OR {rest} GLOB '[ T][01][0-9]:*' OR {rest} GLOB '[ T]2[0-3]:*')"
    )
}

/// Walks over the surrogate escapes of JSON text in SQLite, which has no regular expressions: pairs and `\\ud0` to `\\ud7` are
/// stepped over, anything else is half a pair.
fn lone_surrogate(text: &str) -> String {
    let pair = r"'\ud[89ab][0-9a-f][0-9a-f]\ud[c-f][0-9a-f][0-9a-f]*'";
    let fine = format!(r"(r GLOB {pair} OR r GLOB '\ud[0-7]*')");
    let rest = format!("substr(r, CASE WHEN r GLOB {pair} THEN 13 ELSE 7 END)");
    format!(
        r"(instr(lower({text}), '\ud') > 0 AND EXISTS (WITH RECURSIVE w(r) AS (SELECT substr(lower({text}), instr(lower({text}), '\ud')) UNION ALL SELECT substr({rest}, instr({rest}, '\ud')) FROM w WHERE {fine} AND instr({rest}, '\ud') > 0) SELECT 1 FROM w WHERE NOT {fine} AND r GLOB '\ud[89a-f][0-9a-f][0-9a-f]*'))"
    )
}
