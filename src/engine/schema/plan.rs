//! The plan: looks at both sides, takes the census, and says what would be done, or what stands in the way.

use super::by_row;
use super::census::{Census, interpret};
use super::key::namespace;
use super::mapping::Running;
use super::request::{Request, Stores};
use super::shape::{self, Shape};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Effect, Plan};
use crate::engine::ports::store::{
    CaseMap, Column, Fate, Field, GuideRows, Key, Place, RawCensus, Reason, Recipe, Relation, RunRow,
    RunState, Setup, SourceTable, TargetTable,
};
use crate::engine::text::{count, plural};

/// Version of the ledger's layout this program writes.
pub const FORMAT: i64 = 1;

/// Something that stands in the way, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Block {
    /// The sentence.
    pub sentence: String,
    /// What to do.
    pub hint: String,
}

/// Everything `apply` needs, and everything the census screen shows.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The plan to approve.
    pub plan: Plan,
    /// The census.
    pub census: Census,
    /// What stands in the way; empty when the plan can be applied.
    pub blocks: Vec<Block>,
    /// What was asked for.
    pub request: Request,
    /// The compiled conversion; its `started` is empty until a run has begun, and that of the run in the ledger then.
    pub recipe: Recipe,
    /// The census as it was counted.
    pub raw: RawCensus,
    /// What the target gets first.
    pub setup: Setup,
    /// Whether ledger tables are missing.
    pub ledger_missing: bool,
    /// The source.
    pub source: Place,
    /// The target.
    pub target: Place,
    /// The ledger's row, when there is one.
    pub run: Option<RunRow>,
    /// Whether the target reads the source by itself.
    pub local: bool,
}

impl Prepared {
    /// Refuses while something stands in the way.
    ///
    /// # Errors
    /// [`crate::engine::ErrorKind::Blocked`] with the first sentence.
    pub fn ready(&self) -> Result<()> {
        match self.blocks.first() {
            None => Ok(()),
            Some(block) => Err(Error::blocked(block.sentence.clone()).hint(block.hint.clone())),
        }
    }
}

fn blocked(blocks: &mut Vec<Block>, sentence: impl Into<String>, hint: impl Into<String>) {
    blocks.push(Block {
        sentence: sentence.into(),
        hint: hint.into(),
    });
}

/// The legacy table as it stands, and what of it is read.
pub(super) async fn source_side(
    request: &Request,
    stores: &Stores,
    source: &Place,
) -> Result<(Relation, SourceTable)> {
    let found = stores
        .source
        .relation(&request.source_table)
        .await?
        .ok_or_else(|| {
            Error::input(format!("{} has no table {}", source.words, request.source_table))
                .hint("Name the legacy table, or the database that holds it.")
        })?;
    let table =
        shape::source_of(source.dialect, &found, &request.columns, source.loose_text).map_err(|faults| {
            Error::input(format!("{}: {}", source.words, faults.join("; "))).hint(
                "Name the columns of the legacy table in the settings, or - for a column it does not have.",
            )
        })?;
    Ok((found, table))
}

/// Looks at both databases and makes the plan. Reads only.
///
/// # Errors
/// A database cannot be reached, the source's shape is refused, or the target is a pooler in transaction mode.
pub async fn plan(request: &Request, stores: &Stores, control: &Control) -> Result<Prepared> {
    let (source, target) = futures_util::join!(stores.source.place(), stores.target.place());
    let (source, target) = (source?, target?);
    for place in [&source, &target] {
        if place.pooled {
            return Err(
                Error::blocked(format!("{} is a pooler in transaction mode", place.words))
                    .hint("Name the server itself, usually port 5432."),
            );
        }
    }
    control.safe_point_async().await?;
    let mut blocks = Vec::new();
    let (found, mut table) = source_side(request, stores, &source).await?;
    let mut setup = Setup::default();
    let looking = async {
        let wanted = stores.target.relation(&request.target_table).await?;
        let target_table = target_side(request, &target, wanted.as_ref(), &mut setup, &mut blocks);
        if target.read_only {
            blocked(
                &mut blocks,
                format!("{} is read-only", target.words),
                "A replica cannot be the target; name the primary server.",
            );
        }
        let gaps = stores.target.ledger_gaps(&target_table.table).await?;
        Ok::<_, Error>((wanted, target_table, gaps))
    };
    // The source is counted while the target is looked at.
    let (looked, raw) = futures_util::join!(looking, stores.source.census(&table, None));
    let (wanted, target_table, gaps) = looked?;
    let raw = raw?;
    control.safe_point_async().await?;
    table.not_utf8.clone_from(&raw.not_utf8);
    if raw.null_keys > 0 {
        return Err(Error::input(format!(
            "{} of {} have no usable {}",
            plural(raw.null_keys, "row", "rows"),
            found.table,
            request.columns.id
        ))
        .hint("Give them keys, or name another key column."));
    }
    let mut recipe = recipe_of(request, table, target_table, &raw)?;
    let reasons = if might_quarantine(&recipe, &raw) {
        stores.source.reasons(&recipe).await?
    } else {
        Vec::new()
    };
    let census = interpret(&recipe.source, &raw, &request.mapping, request.running, &reasons);
    decisions(request, &census, &mut blocks);
    blocks.extend(by_row::open(request, stores, &recipe.source, &census).await?);
    check_labels(&recipe, &raw, &mut blocks);
    let run = known_run(stores, &gaps, &mut recipe).await?;
    ledger_gate(request, &source, run.as_ref(), &mut blocks);
    // A proved run has accounted for every row of its own; one that was cut short may still have some to replace.
    let proved = run.as_ref().is_some_and(|run| run.state == RunState::Proved);
    let guide = if wanted.is_some() && !setup.create_tasks && !proved && blocks.is_empty() {
        stores.target.guide_rows(&recipe, &source).await?
    } else {
        GuideRows::default()
    };
    guide_gate(&guide, &mut setup, &mut blocks);
    let local = stores.target.reaches(&target, &source, &recipe);
    let plan = seal(
        request,
        &recipe,
        &census,
        &setup,
        &gaps,
        &source,
        &target,
        run.as_ref(),
        &guide,
        &found,
    );
    Ok(Prepared {
        plan,
        census,
        blocks,
        request: request.clone(),
        ledger_missing: !gaps.is_empty(),
        recipe,
        raw,
        setup,
        source,
        target,
        run,
        local,
    })
}

/// The run that the ledger knows; where it has begun, its start is that of the recipe.
async fn known_run(stores: &Stores, gaps: &[String], recipe: &mut Recipe) -> Result<Option<RunRow>> {
    if gaps.iter().any(|gap| gap == "migration_run") {
        return Ok(None);
    }
    let run = stores.target.run(&recipe.target.table, &recipe.label).await?;
    if let Some(begun) = run.as_ref().filter(|run| run.state != RunState::Undone) {
        recipe.started.clone_from(&begun.started);
    }
    Ok(run)
}

/// Compiles the recipe; its `started` is filled in when a run begins.
fn recipe_of(
    request: &Request,
    table: SourceTable,
    target_table: TargetTable,
    raw: &RawCensus,
) -> Result<Recipe> {
    let label = request.label();
    if raw.longest_key > 255 || label.len() > 255 {
        return Err(Error::input(
            "keys or labels of more than 255 characters do not fit into migration_tracking",
        ));
    }
    let compiled = by_row::compiled(request, raw);
    let created = &target_table.columns[5];
    Ok(Recipe {
        namespace: namespace(&label),
        label,
        types: compiled.types,
        statuses: compiled.statuses,
        priorities: compiled.priorities,
        description_default: request.mapping.description_default().map(str::to_owned),
        description_limit: request.mapping.description.limit_bytes,
        null_times: request.mapping.created_at.empty == super::mapping::NullTime::Keep && !created.not_null,
        started: String::new(),
        settled: by_row::settled(request, &table)?,
        source: table,
        target: target_table,
    })
}

fn target_side(
    request: &Request,
    place: &Place,
    found: Option<&Relation>,
    setup: &mut Setup,
    blocks: &mut Vec<Block>,
) -> TargetTable {
    let mut name = request.target_table.clone();
    if name.schema.is_none() {
        name.schema.clone_from(&place.schema);
    }
    let Some(found) = found else {
        if request.create_target {
            setup.create_tasks = true;
        } else {
            blocked(
                blocks,
                format!("{} has no table {}", place.words, request.target_table),
                "Ask for the guide shape to be created, or name the table.",
            );
        }
        return shape::target_to_be(place.dialect, name);
    };
    let faults = shape::target_faults(found);
    if !faults.is_empty() {
        let hint = match shape::recognise(found) {
            Shape::InitScript | Shape::ShippedSqlite => {
                "That table stays as it is. Name another schema or table, and the guide shape is created there."
            }
            _ => "Mend the table, or name another one.",
        };
        blocked(blocks, faults.join("; "), hint);
    }
    shape::target_of(found).unwrap_or_else(|| shape::target_to_be(place.dialect, found.table.clone()))
}

fn decisions(request: &Request, census: &Census, blocks: &mut Vec<Block>) {
    if census.running > 0 && request.rows.is_empty() {
        match request.running {
            None => blocked(
                blocks,
                format!(
                    "1 decision open: {} running in the legacy system",
                    plural(census.running, "row is", "rows are")
                ),
                "Choose drain (wait until they end), claim (copy as QUEUED, owned by MAOS) or keep (leave them behind, listed).",
            ),
            Some(Running::Drain) => blocked(
                blocks,
                format!(
                    "{} still running in the legacy system; drain waits until they end",
                    plural(census.running, "row is", "rows are")
                ),
                "Plan again when they have ended, or choose claim or keep.",
            ),
            Some(Running::Claim | Running::Keep) => {}
        }
    }
    if let Some(limit) = request.quarantine_limit
        && census.quarantined > limit
    {
        blocked(
            blocks,
            format!(
                "{} would be set aside, {} are allowed",
                plural(census.quarantined, "row", "rows"),
                count(limit)
            ),
            "Mend the mapping, or raise the limit.",
        );
    }
}

/// Whether any row can be set aside at all; if not, nobody has to count.
fn might_quarantine(recipe: &Recipe, raw: &RawCensus) -> bool {
    let map = |map: &CaseMap, field: Field| {
        let mut aside = raw
            .values
            .iter()
            .filter(|found| found.field == field)
            .any(|found| {
                let fate = match &found.value {
                    None => &map.null,
                    Some(value) => map
                        .arms
                        .iter()
                        .find(|(arm, _)| arm == value)
                        .map_or(&map.otherwise, |(_, fate)| fate),
                };
                matches!(fate, Fate::Quarantine(_))
            });
        aside |= raw.cut && matches!(map.otherwise, Fate::Quarantine(_));
        aside
    };
    let absent = |column: Option<&Column>, map: &CaseMap| {
        column.is_none() && raw.rows > 0 && matches!(map.null, Fate::Quarantine(_))
    };
    !raw.faults.is_empty()
        || raw.duplicate_rows > 0
        || (raw.null_descriptions > 0 && recipe.description_default.is_none())
        || raw.longest_description > recipe.description_limit
        || (raw.null_times > 0 && !recipe.null_times)
        || map(&recipe.types, Field::Category)
        || map(&recipe.statuses, Field::Status)
        || map(&recipe.priorities, Field::Priority)
        || absent(recipe.source.status.as_ref(), &recipe.statuses)
        || absent(recipe.source.priority.as_ref(), &recipe.priorities)
        || absent(recipe.source.category.as_ref(), &recipe.types)
}

/// Every value that is written must be allowed by the target's enum or CHECK and fit its length.
fn check_labels(recipe: &Recipe, raw: &RawCensus, blocks: &mut Vec<Block>) {
    let [_, description, task_type, status, priority, ..] = &recipe.target.columns;
    for (column, map) in [
        (task_type, &recipe.types),
        (status, &recipe.statuses),
        (priority, &recipe.priorities),
    ] {
        let mut refused: Vec<&str> = map
            .arms
            .iter()
            .map(|(_, fate)| fate)
            .chain([&map.null, &map.otherwise])
            .filter_map(|fate| match fate {
                Fate::Becomes(to, _) => Some(to.as_str()),
                Fate::Quarantine(_) => None,
            })
            .filter(|to| {
                (!column.labels.is_empty() && !column.labels.iter().any(|label| label == to))
                    || column
                        .max_chars
                        .is_some_and(|most| to.chars().count() as u64 > most)
            })
            .collect();
        refused.sort_unstable();
        refused.dedup();
        if !refused.is_empty() {
            blocked(
                blocks,
                format!("{} does not allow {}", column.name, shape::listed(&refused)),
                format!(
                    "It allows {}. Mend the mapping or the table.",
                    if column.labels.is_empty() {
                        format!("{} characters", column.max_chars.unwrap_or(0))
                    } else {
                        column.labels.join(", ")
                    }
                ),
            );
        }
    }
    if let Some(most) = description.max_chars
        && raw.longest_description > most
    {
        blocked(
            blocks,
            format!(
                "a description has {} bytes, the column description takes {most} characters",
                raw.longest_description
            ),
            "Widen the column, or lower limit_bytes in the mapping to set such rows aside.",
        );
    }
}

fn ledger_gate(request: &Request, source: &Place, run: Option<&RunRow>, blocks: &mut Vec<Block>) {
    let Some(run) = run else { return };
    if run.format > FORMAT {
        blocked(
            blocks,
            format!(
                "the ledger in the target was written by a newer program (layout {}, this one knows {FORMAT})",
                run.format
            ),
            "Use the newer program.",
        );
    }
    if run.state == RunState::Undoing {
        blocked(
            blocks,
            "taking this run back was begun and has not ended",
            "Finish it first: maos-migrate schema undo.",
        );
    }
    if run.source != source.identity && run.state != RunState::Undone && !request.restart {
        blocked(
            blocks,
            format!(
                "the ledger in the target belongs to another source ({}), this one is {}",
                run.source, source.identity
            ),
            "Give this source a label of its own, or ask for a restart if it is the same data moved.",
        );
    }
}

fn guide_gate(guide: &GuideRows, setup: &mut Setup, blocks: &mut Vec<Block>) {
    if guide.rows == 0 {
        return;
    }
    let rows = plural(guide.rows, "row", "rows");
    let hint = "Remove the rows with migrated_from_legacy that are not wanted, then plan again.";
    if guide.doubled > 0 {
        blocked(
            blocks,
            format!(
                "the guide's script ran more than once: {} legacy ids have several rows",
                count(guide.doubled)
            ),
            hint,
        );
    } else if let (Some(unknown), Some(changed)) = (guide.unknown, guide.changed) {
        if unknown > 0 || changed > 0 {
            blocked(
                blocks,
                format!(
                    "the guide's script wrote {rows}; {} are not in the source and {} were changed since",
                    count(unknown),
                    count(changed)
                ),
                hint,
            );
        } else {
            setup.adopt = true;
        }
    } else {
        blocked(
            blocks,
            format!("the guide's script wrote {rows}; they cannot be compared with the source from here"),
            hint,
        );
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "the plan is made of everything that was found"
)]
fn seal(
    request: &Request,
    recipe: &Recipe,
    census: &Census,
    setup: &Setup,
    gaps: &[String],
    source: &Place,
    target: &Place,
    run: Option<&RunRow>,
    guide: &GuideRows,
    found: &Relation,
) -> Plan {
    let mut effects = Vec::new();
    let table = &recipe.target.table;
    if setup.create_tasks {
        effects.push(Effect::plain("create", format!("table {table}, guide shape")));
    }
    if !gaps.is_empty() {
        effects.push(Effect::plain("create", gaps.join(", ")));
    }
    if setup.adopt {
        effects.push(Effect::counted(
            "replace",
            guide.rows,
            "rows that the guide's script wrote, unchanged since",
        ));
    }
    let begun = run.is_some_and(|run| run.state != RunState::Undone);
    let proved = run.is_some_and(|run| run.state == RunState::Proved);
    if begun {
        effects.push(Effect::counted(
            "insert",
            census.migrated,
            format!("rows into {table} and migration_tracking, those already there left alone"),
        ));
    } else {
        effects.push(Effect::counted(
            "insert",
            census.migrated,
            format!("rows into {table} and migration_tracking"),
        ));
    }
    if census.quarantined > 0 {
        effects.push(Effect::counted(
            "insert",
            census.quarantined,
            "rows into migration_quarantine",
        ));
    }
    let mut basis = vec![
        format!(
            "mapping {}{}",
            request.mapping.digest(request.running),
            by_row::words(&request.rows)
        ),
        format!("source {} {}", source.identity, found.table),
        format!("target {} {}", target.identity, table),
        format!("label {}", recipe.label),
        format!("rows {} boundary {:?}", census.rows, census.boundary),
        format!("begun {begun} proved {proved}"),
    ];
    for row in &census.values {
        basis.push(format!(
            "{} {} {} {}",
            row.column, row.value, row.rows, row.becomes
        ));
    }
    for (name, list) in [("triggers", &found.triggers), ("keys", &found.foreign_keys)] {
        if !list.is_empty() {
            basis.push(format!("{name} {}", list.join(", ")));
        }
    }
    Plan {
        capability: Capability::Schema,
        verb: "apply".to_owned(),
        title: if proved {
            format!("Prove {} again", plural(census.rows, "row", "rows"))
        } else if begun {
            format!("Go on copying {}", plural(census.migrated, "row", "rows"))
        } else {
            format!("Copy {}", plural(census.migrated, "row", "rows"))
        },
        target: format!("{}, table {table}", target.words),
        effects,
        undo: Some("schema undo removes exactly these rows and refuses rows changed since".to_owned()),
        needs_approval: true,
        basis,
        digest: String::new(),
    }
    .sealed()
}

/// Merges what a later census found into the values known before, so that the compiled mapping names them.
pub(super) fn merge(raw: &mut RawCensus, later: &RawCensus) {
    raw.values.extend(later.values.iter().cloned());
    raw.not_utf8.extend(later.not_utf8.iter().cloned());
    if later.greatest > raw.greatest {
        raw.greatest.clone_from(&later.greatest);
    }
}

/// Recompiles a recipe after [`merge`].
pub(super) fn recompile(request: &Request, recipe: &mut Recipe, raw: &RawCensus) {
    let compiled = by_row::compiled(request, raw);
    recipe.types = compiled.types;
    recipe.statuses = compiled.statuses;
    recipe.priorities = compiled.priorities;
    recipe.source.not_utf8.clone_from(&raw.not_utf8);
}

/// The sentence of a quarantine reason, and what to do.
#[must_use]
pub fn explain(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::DuplicateId => (
            "The id occurs more than once.",
            "Give the rows ids of their own, then retry.",
        ),
        Reason::NotUtf8 => (
            "A text has bytes that are not UTF-8.",
            "Mend the text in the legacy table, then retry.",
        ),
        Reason::NulInText => (
            "A text contains the NUL character.",
            "Remove it in the legacy table, then retry.",
        ),
        Reason::NullDescription => (
            "There is no description.",
            "Give it one, or set a default in the mapping.",
        ),
        Reason::DescriptionTooLong => (
            "The description is over the limit.",
            "Shorten it, or raise limit_bytes in the mapping.",
        ),
        Reason::NullStatus => (
            "There is no status.",
            "Give it one, or say in the mapping what none means.",
        ),
        Reason::UnknownStatus => (
            "The status is not in the mapping.",
            "Add the status to the mapping, then retry.",
        ),
        Reason::LeftRunning => (
            "It runs in the legacy system and was left there.",
            "Retry when it has ended, or claim it.",
        ),
        Reason::NullPriority => ("There is no priority.", "Say in the mapping what none means."),
        Reason::UnknownPriority => (
            "The priority is not in the mapping.",
            "Add the priority to the mapping, then retry.",
        ),
        Reason::UnknownCategory => (
            "The category is not in the mapping.",
            "Add the category to the mapping, then retry.",
        ),
        Reason::NullCreatedAt => (
            "There is no creation time.",
            "Give it one, or let the mapping keep NULL.",
        ),
        Reason::BadTimestamp => (
            "The creation time cannot be read.",
            "Write it as YYYY-MM-DD HH:MM:SS, then retry.",
        ),
        Reason::TimestampOutOfRange => (
            "The creation time is infinite or outside years 1 to 9999.",
            "Correct it, then retry.",
        ),
        Reason::BadJson => (
            "The metadata is no JSON.",
            "Mend it in the legacy table, then retry.",
        ),
        Reason::NulInJson => (
            "The metadata contains \\u0000, which PostgreSQL cannot store.",
            "Remove it, then retry.",
        ),
        Reason::LoneSurrogate => (
            "The metadata contains half a surrogate pair.",
            "Mend it, then retry.",
        ),
    }
}

/// The greatest key of the census.
#[must_use]
pub(super) fn boundary(raw: &RawCensus) -> Option<Key> {
    raw.greatest.clone()
}
