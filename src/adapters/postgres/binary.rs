//! Rows in COPY's binary format: read without parsing text, converted here and not by the server, handed on without printing.
//!
//! A stream is a header, then for every row a 16-bit count of fields and for every field a 32-bit length (-1 is NULL) with its bytes, then
//! the count -1. Times are microseconds since 2000, `jsonb` is a 1 and its text. This is the second writing of the conversion that
//! `phrase` writes in SQL; which rows are set aside is decided by SQL in both.

use futures_util::TryStreamExt as _;
use tokio::sync::mpsc;

use super::proof::{NO_JSON, unless};
use super::{Own, PgStore};
use crate::adapters::convert::{Mapped, quoted};
use crate::adapters::phrase::{Phrase, ident};
use crate::engine::ports::store::{
    ColumnKind, Dialect, KeyKind, KeyedRow, Pick, Piece, Range, Reason, Recipe, StoreError, Witness,
};
use crate::engine::schema::key::{id_bytes, push_number, space_bytes};

/// What every stream begins with: signature, flags, length of the header's extension.
pub const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What every stream ends with.
pub const TRAILER: [u8; 2] = [0xff, 0xff];
/// Bytes collected before they are handed on.
const PIECE: usize = 128 * 1024;
/// Fields of a source row: key, verdict, description, category, status, priority, creation time, metadata, extras.
const WIDTH: usize = 9;

type Field<'a> = Option<&'a [u8]>;

/// Whether a conversion can travel in binary form: ids of integer keys into a `uuid`, times into a timestamp, metadata into `jsonb`.
pub fn fits(recipe: &Recipe) -> bool {
    let [id, _, _, _, _, created, metadata] = &recipe.target.columns;
    recipe.source.key_kind == KeyKind::Integer
        && !recipe.source.loose_text
        && id.kind == ColumnKind::Uuid
        && metadata.kind == ColumnKind::Jsonb
        && (created.kind == ColumnKind::TimeZoned
            || (created.kind == ColumnKind::Time && created.type_sql != "date"))
}

/// The query for source rows, `verdict` being the reason or the fault of a row.
fn source_query(recipe: &Recipe, pick: &Pick, verdict: &str) -> String {
    let phrase = Phrase::new(recipe, Dialect::Postgres);
    let source = &recipe.source;
    // JSON that cannot be parsed stays behind; the verdict says so.
    let safe = unless(&phrase, NO_JSON);
    let created = source.created_at.as_ref().map_or_else(
        || "NULL::timestamp".to_owned(),
        |column| match column.kind {
            ColumnKind::TimeZoned => format!("l.{} AT TIME ZONE 'UTC'", ident(&column.name)),
            _ => format!("l.{}::timestamp", ident(&column.name)),
        },
    );
    let list = [
        phrase.key_of("l"),
        verdict.to_owned(),
        phrase.text(source.description.as_ref()),
        phrase.text(source.category.as_ref()),
        phrase.text(source.status.as_ref()),
        phrase.text(source.priority.as_ref()),
        created,
        safe(phrase.metadata_text()),
        phrase.extras().map_or_else(
            || "NULL::text".to_owned(),
            |extras| safe(format!("({extras})::text")),
        ),
    ]
    .join(", ");
    format!(
        "COPY (SELECT {list} {}) TO STDOUT (FORMAT binary)",
        phrase.rows(pick)
    )
}

/// Cuts a binary stream into rows, whatever its pieces are.
#[derive(Debug, Default)]
struct Tuples {
    rest: Vec<u8>,
    begun: bool,
    ended: bool,
}

impl Tuples {
    /// Adds bytes and hands every complete row to `each`; `None` when this is no such stream.
    fn feed<E>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut([Field<'_>; WIDTH]) -> Result<(), E>,
    ) -> Result<Option<()>, E> {
        let mut joined = std::mem::take(&mut self.rest);
        let mut at: &[u8] = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            &joined
        };
        if !self.begun {
            if at.len() < HEADER.len() {
                self.rest = at.to_vec();
                return Ok(Some(()));
            }
            let Some(after) = at.strip_prefix(HEADER) else {
                return Ok(None);
            };
            at = after;
            self.begun = true;
        }
        while !self.ended {
            match tuple(at) {
                Cut::Row(fields, after) => {
                    each(fields)?;
                    at = after;
                }
                Cut::More => break,
                Cut::End => self.ended = true,
                Cut::Broken => return Ok(None),
            }
        }
        if !self.ended && !at.is_empty() {
            self.rest = at.to_vec();
        }
        Ok(Some(()))
    }
}

enum Cut<'a> {
    Row([Field<'a>; WIDTH], &'a [u8]),
    More,
    End,
    Broken,
}

fn tuple(bytes: &[u8]) -> Cut<'_> {
    let Some((count, mut rest)) = bytes.split_first_chunk::<2>() else {
        return Cut::More;
    };
    if *count == TRAILER {
        return Cut::End;
    }
    if usize::from(u16::from_be_bytes(*count)) != WIDTH {
        return Cut::Broken;
    }
    let mut fields = [None; WIDTH];
    for field in &mut fields {
        let Some((length, after)) = rest.split_first_chunk::<4>() else {
            return Cut::More;
        };
        rest = after;
        let length = i32::from_be_bytes(*length);
        if let Ok(length) = usize::try_from(length) {
            let Some((value, after)) = rest.split_at_checked(length) else {
                return Cut::More;
            };
            *field = Some(value);
            rest = after;
        } else if length != -1 {
            return Cut::Broken;
        }
    }
    Cut::Row(fields, rest)
}

fn number(field: Field<'_>) -> Option<i64> {
    field?.try_into().ok().map(i64::from_be_bytes)
}

fn text(field: Field<'_>) -> Result<Option<&str>, std::str::Utf8Error> {
    field.map(std::str::from_utf8).transpose()
}

/// The fields of a row as they are judged; an error when a text is none, `None` when the key is no number.
fn keyed(fields: [Field<'_>; WIDTH]) -> Result<Option<KeyedRow<'_>>, std::str::Utf8Error> {
    let [
        key,
        fault,
        description,
        category,
        status,
        priority,
        created,
        metadata,
        extras,
    ] = fields;
    let Some(key) = number(key) else { return Ok(None) };
    Ok(Some(KeyedRow {
        key,
        fault: text(fault)?.unwrap_or_default(),
        description: text(description)?,
        category: text(category)?,
        status: text(status)?,
        priority: text(priority)?,
        created_at: number(created),
        metadata: text(metadata)?,
        extras: text(extras)?,
    }))
}

impl PgStore {
    fn cut(&self) -> StoreError {
        StoreError::Transient(format!("{}: the stream of rows was cut", self.words))
    }

    fn unreadable(&self) -> StoreError {
        StoreError::Bug(format!("{}: a row of the stream cannot be read", self.words))
    }

    pub(super) async fn read_keyed(
        &self,
        recipe: &Recipe,
        range: &Range,
        sink: &mut (dyn FnMut(KeyedRow<'_>) + Send),
    ) -> Own<u64> {
        let fault = Phrase::new(recipe, Dialect::Postgres).fault();
        let query = source_query(recipe, &Pick::Range(range.clone()), &format!("({fault})::text"));
        let mut connection = self.streaming().await?;
        let mut stream = connection
            .copy_out_raw(&query)
            .await
            .map_err(|error| self.fault(&error))?;
        let mut tuples = Tuples::default();
        let mut count = 0_u64;
        while let Some(bytes) = stream.try_next().await.map_err(|error| self.fault(&error))? {
            let read = tuples.feed(&bytes, |fields| {
                count += 1;
                let row = keyed(fields).ok().flatten();
                row.map(&mut *sink).ok_or_else(|| self.unreadable())
            })?;
            read.ok_or_else(|| self.unreadable())?;
        }
        drop(stream);
        if !tuples.ended {
            return Err(self.cut());
        }
        connection.settled();
        Ok(count)
    }

    /// Streams the converted rows of a pick: [`Piece::Lines`] hold rows in binary form without header and trailer, [`Piece::Tracking`] the
    /// key (8 bytes) and the id (16 bytes) of each.
    pub(super) async fn export_binary(
        &self,
        recipe: &Recipe,
        pick: &Pick,
        out: mpsc::Sender<Piece>,
        witness: Option<&Witness<'_>>,
    ) -> Own<()> {
        let phrase = Phrase::new(recipe, Dialect::Postgres);
        let query = source_query(recipe, pick, &format!("({})::text", phrase.verdict()));
        let mut writer = Writer::new(recipe);
        let gone = |_| StoreError::Cancelled("the reader of the rows is gone".to_owned());
        let mut connection = self.streaming().await?;
        let moment = match witness {
            Some(_) => self.moment(&mut connection, recipe).await?,
            None => None,
        };
        let witness = witness.filter(|_| moment.is_some());
        let judged = phrase.judged_here();
        let mut stream = connection
            .copy_out_raw(&query)
            .await
            .map_err(|error| self.fault(&error))?;
        let mut tuples = Tuples::default();
        let mut seen = 0_u64;
        while let Some(bytes) = stream.try_next().await.map_err(|error| self.fault(&error))? {
            let read = tuples.feed(&bytes, |fields| {
                seen += 1;
                // A row that does not convert is set aside by another stream, with its reason as the database finds it.
                let [_, reason, ..] = fields;
                if reason.is_none() {
                    writer.row(fields).ok_or_else(|| self.unreadable())?;
                }
                if let Some(see) = witness {
                    let mut row = keyed(fields).ok().flatten().ok_or_else(|| self.unreadable())?;
                    // Whoever sees the row finds its reason alone, unless only the database can judge that.
                    if !Reason::of(row.fault).is_some_and(|reason| judged.contains(&reason)) {
                        row.fault = "";
                    }
                    see(row);
                }
                Ok(())
            })?;
            read.ok_or_else(|| self.unreadable())?;
            if writer.tasks.len() >= PIECE {
                let (tasks, tracking) = writer.take();
                out.send(Piece::Lines(tasks)).await.map_err(gone)?;
                out.send(Piece::Tracking(tracking)).await.map_err(gone)?;
            }
        }
        drop(stream);
        if !tuples.ended {
            return Err(self.cut());
        }
        connection.settled();
        let rows = writer.rows;
        let (tasks, tracking) = writer.take();
        out.send(Piece::Lines(tasks)).await.map_err(gone)?;
        out.send(Piece::Tracking(tracking)).await.map_err(gone)?;
        out.send(Piece::Seen(seen)).await.map_err(gone)?;
        if let Some(moment) = moment {
            out.send(Piece::Witnessed(moment)).await.map_err(gone)?;
        }
        out.send(Piece::End(rows)).await.map_err(gone)
    }
}

pub(super) fn push(out: &mut Vec<u8>, value: &[u8]) {
    let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
}

/// Writes tasks and their tracking rows.
struct Writer {
    space: [u8; 7],
    types: Mapped,
    statuses: Mapped,
    priorities: Mapped,
    description: Option<Vec<u8>>,
    null_times: bool,
    after_id: Vec<u8>,
    originals: String,
    text: String,
    tasks: Vec<u8>,
    tracking: Vec<u8>,
    rows: u64,
}

impl Writer {
    fn new(recipe: &Recipe) -> Self {
        Self {
            space: space_bytes(&recipe.namespace),
            types: Mapped::new(&recipe.types),
            statuses: Mapped::new(&recipe.statuses),
            priorities: Mapped::new(&recipe.priorities),
            description: recipe.description_default.clone().map(String::into_bytes),
            null_times: recipe.null_times,
            after_id: format!(
                ", \"migration_date\": {}, \"migrated_from_legacy\": true, \"original_metadata\": ",
                quoted(&recipe.started)
            )
            .into_bytes(),
            originals: String::new(),
            text: String::new(),
            tasks: Vec::with_capacity(PIECE + PIECE / 4),
            tracking: Vec::new(),
            rows: 0,
        }
    }

    /// What was written since the last time.
    fn take(&mut self) -> (Vec<u8>, Vec<u8>) {
        let room = Vec::with_capacity(PIECE + PIECE / 4);
        (
            std::mem::replace(&mut self.tasks, room),
            std::mem::take(&mut self.tracking),
        )
    }

    /// Converts one row and tells whether it does; `None` when it cannot be read.
    fn row(&mut self, fields: [Field<'_>; WIDTH]) -> Option<bool> {
        let start = self.tasks.len();
        let converts = self.convert(fields)?;
        if !converts {
            self.tasks.truncate(start);
        }
        Some(converts)
    }

    fn convert(&mut self, fields: [Field<'_>; WIDTH]) -> Option<bool> {
        let [
            key,
            _,
            description,
            category,
            status,
            priority,
            created,
            metadata,
            extras,
        ] = fields;
        let key = number(key)?;
        let id = id_bytes(self.space, key);
        let out = &mut self.tasks;
        self.originals.clear();
        out.extend_from_slice(&7_i16.to_be_bytes());
        push(out, &id);
        let Some(description) = description.or(self.description.as_deref()) else {
            return Some(false);
        };
        push(out, description);
        for (map, value, name) in [
            (&self.types, category, ", \"original_category\": "),
            (&self.statuses, status, ", \"original_status\": "),
            (&self.priorities, priority, ", \"original_priority\": "),
        ] {
            let value = match value {
                None => None,
                Some(bytes) => Some(std::str::from_utf8(bytes).ok()?),
            };
            let Some(becomes) = map.find(value, name, &mut self.originals) else {
                return Some(false);
            };
            push(out, becomes.as_bytes());
        }
        match created {
            Some(created) => push(out, created),
            None if self.null_times => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            None => return Some(false),
        }
        let start = out.len();
        out.extend_from_slice(&[0, 0, 0, 0, 1]);
        self.text.clear();
        push_number(&mut self.text, key);
        out.extend_from_slice(b"{\"legacy_id\": ");
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(&self.after_id);
        out.extend_from_slice(metadata.unwrap_or(b"null"));
        if let Some(extras) = extras {
            out.extend_from_slice(b", \"legacy_columns\": ");
            out.extend_from_slice(extras);
        }
        out.extend_from_slice(self.originals.as_bytes());
        out.push(b'}');
        let length = i32::try_from(out.len() - start - 4).ok()?;
        out.get_mut(start..start + 4)?
            .copy_from_slice(&length.to_be_bytes());
        self.tracking.extend_from_slice(&key.to_be_bytes());
        self.tracking.extend_from_slice(&id);
        self.rows += 1;
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_alike_wherever_its_pieces_end() {
        let mut stream = HEADER.to_vec();
        for n in [7_i64, -3] {
            stream.extend_from_slice(&9_u16.to_be_bytes());
            push(&mut stream, &n.to_be_bytes());
            for i in 1..WIDTH {
                if i % 2 == 0 {
                    push(&mut stream, b"text \xff");
                } else {
                    stream.extend_from_slice(&(-1_i32).to_be_bytes());
                }
            }
        }
        stream.extend_from_slice(&TRAILER);
        for size in 1..stream.len() {
            let (mut tuples, mut keys) = (Tuples::default(), Vec::new());
            for piece in stream.chunks(size) {
                let read = tuples.feed(piece, |fields| {
                    assert_eq!((fields[1], fields[8]), (None, Some(b"text \xff".as_slice())));
                    keys.push(number(fields[0]));
                    Ok::<(), ()>(())
                });
                assert_eq!(read, Ok(Some(())));
            }
            assert!(tuples.ended);
            assert_eq!(keys, [Some(7), Some(-3)], "{size}");
        }
        let mut cut = Tuples::default();
        let _ = cut.feed(&stream[..stream.len() - 2], |_| Ok::<(), ()>(()));
        assert!(!cut.ended, "a stream without its trailer never ended");
        assert_eq!(
            Tuples::default().feed(b"1\tno binary stream at all\n", |_| Ok::<(), ()>(())),
            Ok(None)
        );
    }
}
