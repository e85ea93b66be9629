//! What is known before going back, as lines with their evidence, and whether it can be done at all. Reads only.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::carry::{self, NewRows, Since};
use super::deeds;
use super::list::steps;
use super::world::{Mode, Place};
use crate::engine::backup::keys::Drift;
use crate::engine::backup::{self, Listed, Standing};
use crate::engine::error::{Error, Result};
use crate::engine::ports::maos::Known;
use crate::engine::text::{count, plural};

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// As it should be.
    Good,
    /// A person should know, or decide.
    Note,
    /// It stands in the way.
    Bad,
    /// It could not be learned: neither good nor bad.
    Unknown,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How it stands.
    pub sign: Sign,
    /// What, in a fragment.
    pub text: String,
    /// How it is known.
    pub evidence: String,
}

impl Line {
    fn new(sign: Sign, text: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self {
            sign,
            text: text.into(),
            evidence: evidence.into(),
        }
    }
}

/// Everything that the screen and the plan need.
#[derive(Debug, Clone, PartialEq)]
pub struct Preflight {
    /// The backup to go back to.
    pub backup: Option<Listed>,
    /// Every backup there is.
    pub backups: Vec<Listed>,
    /// The lines.
    pub lines: Vec<Line>,
    /// Why it cannot be done.
    pub blocked: Option<Error>,
    /// Rows that exist only on the new side, changed or are gone since the backup; `None` when they could not be counted.
    pub newer: Option<Since>,
    /// What becomes of them.
    pub rows: NewRows,
    /// Who runs afterwards.
    pub mode: Mode,
    /// The steps: key, title, way back.
    pub steps: Vec<(String, String, String)>,
    /// What each took in the last rehearsal of this backup, in milliseconds.
    pub rehearsed: BTreeMap<String, u64>,
    /// An interrupted rollback goes on with this.
    pub going_on: bool,
    /// Nothing differs from the backup: there is nothing to do.
    pub nothing_to_do: bool,
    /// The rollback that is done can be taken back: what it set aside is still there, or taking it back was interrupted.
    pub returns: bool,
}

impl Preflight {
    /// What the rehearsal took altogether.
    #[must_use]
    pub fn rehearsed_ms(&self) -> Option<u64> {
        (!self.rehearsed.is_empty()).then(|| self.rehearsed.values().sum())
    }

    /// Whether every step of the plan was timed.
    #[must_use]
    pub fn all_rehearsed(&self) -> bool {
        self.steps
            .iter()
            .all(|(key, ..)| self.rehearsed.contains_key(key))
    }

    fn bad(&mut self, error: Error, evidence: &str) {
        self.lines
            .push(Line::new(Sign::Bad, error.message.clone(), evidence));
        self.blocked.get_or_insert(error);
    }
}

/// Looks at everything. What cannot be learned is a line, not a failure.
pub async fn look(place: &Place, backups: Vec<Listed>, now: Timestamp, going_on: bool) -> Preflight {
    let listed = steps(&place.params, place.maos.is_some());
    let mut found = Preflight {
        backup: place.backup.clone(),
        backups,
        lines: Vec::new(),
        blocked: None,
        newer: None,
        rows: place.params.rows,
        mode: place.params.mode,
        steps: listed
            .iter()
            .map(|step| {
                let back = step.way_back().unwrap_or("nothing to take back").to_owned();
                (step.key().to_owned(), step.title().to_owned(), back)
            })
            .collect(),
        rehearsed: BTreeMap::new(),
        going_on,
        nothing_to_do: false,
        returns: false,
    };
    backup_line(place, &mut found, now);
    database_lines(place, &mut found).await;
    shared_line(place, &mut found);
    old_side(place, &mut found).await;
    if !going_on {
        newer_line(place, &mut found).await;
    }
    found
}

fn clock(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system())
        .strftime("%-d %b %H:%M")
        .to_string()
}

fn backup_line(place: &Place, found: &mut Preflight, _now: Timestamp) {
    let Some(backup) = &place.backup else {
        let text = match place.params.mode {
            Mode::Maos => {
                return found.bad(
                    Error::blocked("there is no verified backup to go back to")
                        .hint("maos-migrate backup list shows what there is; backup verify proves one."),
                    "backups",
                );
            }
            Mode::Legacy if place.params.shared => {
                "the legacy system works in the same database: it stays as it is"
            }
            Mode::Legacy => "no verified backup: MAOS's database stays as it is",
        };
        found.lines.push(Line::new(Sign::Note, text, "backups"));
        return;
    };
    match (&backup.standing, &backup.verification) {
        (Standing::Damaged(why), _) => found.bad(
            Error::blocked(format!("cannot roll back to {}: {why}", backup.id))
                .hint("Choose another backup."),
            "manifest",
        ),
        (Standing::Verified, Some(verified)) => found.lines.push(Line::new(
            Sign::Good,
            format!(
                "backup restores: {}, contents equal",
                plural(verified.rows, "row", "rows")
            ),
            format!("verified {}", clock(verified.at)),
        )),
        (Standing::Guide, Some(verified)) if verified.good => found.lines.push(Line::new(
            Sign::Note,
            format!(
                "backup in the guide's layout restores: {}; {}",
                plural(verified.rows, "row", "rows"),
                guide_files(place)
            ),
            format!("verified {}", clock(verified.at)),
        )),
        _ => found.bad(
            Error::blocked(format!("backup {} is not verified", backup.id))
                .hint(format!("maos-migrate backup verify {}", backup.id)),
            "backups",
        ),
    }
}

/// What of a backup in the guide's layout goes back beside its database.
fn guide_files(place: &Place) -> String {
    let roots = place.contents().map_or(&[][..], |contents| &contents.roots);
    if roots.is_empty() {
        return "only its database goes back".to_owned();
    }
    let named: Vec<String> = roots
        .iter()
        .map(|root| format!("{} to {}", root.path, root.from.display()))
        .collect();
    format!("also {}", named.join(", "))
}

async fn database_lines(place: &Place, found: &mut Preflight) {
    let (Some(live), Some(backup)) = (&place.live, &place.backup) else {
        return;
    };
    let about = match live.about().await {
        Ok(about) => about,
        Err(error) => return found.bad(error, "database"),
    };
    if let Some(manifest) = &backup.manifest
        && let Err(error) = backup::matches(manifest, &about)
    {
        found.bad(Error::blocked(error.message), "manifest");
    }
    if about.read_only {
        found.bad(
            Error::blocked(format!("{} can only be read", live.words())),
            "database",
        );
    }
    for lack in &about.lacks {
        found.bad(Error::blocked(format!("this login may not {lack}")), "rights");
    }
    let needed = backup
        .manifest
        .as_ref()
        .and_then(|manifest| manifest.database.as_ref())
        .map_or(backup.bytes, |database| database.bytes);
    let text = format!("space for a second copy: {}", backup::human(needed));
    match about.free {
        Some(free) if free < needed + needed / 10 => found.bad(
            Error::blocked(format!("{text}, {} are free", backup::human(free))),
            "disk",
        ),
        Some(free) => found.lines.push(Line::new(
            Sign::Good,
            text,
            format!("{} free", backup::human(free)),
        )),
        None => found.lines.push(Line::new(
            Sign::Unknown,
            text,
            "the server's disk cannot be seen from here",
        )),
    }
    if !about.clients.is_empty() {
        let who: Vec<String> = about
            .clients
            .iter()
            .take(2)
            .map(|client| client.who.clone())
            .collect();
        found.lines.push(Line::new(
            Sign::Note,
            format!(
                "{} to {}, ended at the swap",
                plural(about.clients.len() as u64, "connection", "connections"),
                live.name()
            ),
            who.join(", "),
        ));
    }
}

/// What a chosen backup would take away from the legacy system, where it shares MAOS's database.
fn shared_line(place: &Place, found: &mut Preflight) {
    if place.params.mode == Mode::Legacy && place.params.shared && place.params.backup.is_some() {
        found.lines.push(Line::new(
            Sign::Note,
            format!(
                "{} lies in the same database: what legacy wrote since the backup is not in it",
                place.legacy_table
            ),
            format!("kept in {}", place.params.old),
        ));
    }
}

async fn old_side(place: &Place, found: &mut Preflight) {
    match place.params.mode {
        Mode::Legacy => {
            let ready = &place.settings.driving.legacy.ready;
            if ready.is_empty() {
                found.lines.push(Line::new(
                    Sign::Unknown,
                    "whether the legacy system can run",
                    "legacy.ready is not set",
                ));
                return;
            }
            match deeds::legacy(place.processes.as_ref(), "ready", ready, place.workspace.root()).await {
                Ok(evidence) => found.lines.push(Line::new(Sign::Good, "legacy system can run", evidence)),
                Err(error) if place.params.restore_only => {
                    found
                        .lines
                        .push(Line::new(Sign::Note, "legacy system does not start; restore only", error.message));
                }
                Err(error) => found.bad(
                    Error::blocked(format!("the legacy system does not start ({})", error.message)).hint(
                        "Swapping would leave none running. Mend it and try again, or choose to restore only.",
                    ),
                    "legacy.ready",
                ),
            }
        }
        Mode::Maos => {
            let Some(maos) = &place.maos else {
                found
                    .lines
                    .push(Line::new(Sign::Unknown, "MAOS", "target.maos is not named"));
                return;
            };
            let wanted = place
                .contents()
                .and_then(|manifest| manifest.maos.version.clone());
            let now = maos
                .version()
                .await
                .ok()
                .and_then(|version| version.best().map(str::to_owned));
            let (sign, text) = match (&wanted, &now) {
                (Some(wanted), Some(now)) if wanted == now => (Sign::Good, format!("MAOS {now} stays")),
                (Some(wanted), _) => (
                    Sign::Note,
                    format!(
                        "MAOS {wanted} is installed in place of {}",
                        now.as_deref().unwrap_or("one not known")
                    ),
                ),
                (None, _) => (Sign::Unknown, "version of the backup".to_owned()),
            };
            found.lines.push(Line::new(sign, text, maos.place()));
            let running = maos
                .list(Some(crate::engine::ports::maos::TaskStatus::Running))
                .await;
            if let Ok(Known::Value(tasks)) = running
                && !tasks.is_empty()
            {
                found.lines.push(Line::new(
                    Sign::Note,
                    format!("{} running", plural(tasks.len() as u64, "task is", "tasks are")),
                    "they are asked to end first",
                ));
            }
        }
    }
}

async fn newer_line(place: &Place, found: &mut Preflight) {
    let counted = count_newer(place).await;
    match counted {
        Ok(Some(counted)) => {
            let (new, changed) = (counted.new, counted.changed);
            let since = match place.params.mode {
                Mode::Legacy if place.params.closed => " since cut over",
                Mode::Legacy => "",
                Mode::Maos => " since the backup",
            };
            let sign = if new == 0 { Sign::Good } else { Sign::Note };
            found.lines.push(Line::new(
                sign,
                format!("{} only in MAOS{since}", plural(new, "row exists", "rows exist")),
                match (new, place.params.rows) {
                    (0, _) => "compared by key",
                    (_, NewRows::Carry) => "carried back",
                    (_, NewRows::Export) => "exported",
                },
            ));
            if changed > 0 {
                found.lines.push(Line::new(
                    Sign::Note,
                    format!(
                        "{} changed since the backup",
                        plural(changed, "row was", "rows were")
                    ),
                    "as they are now: exported to a file",
                ));
            }
            if counted.gone > 0 {
                let more = if counted.gone > counted.gone_first.len() as u64 {
                    ", …"
                } else {
                    ""
                };
                found.lines.push(Line::new(
                    Sign::Note,
                    format!(
                        "rows that were deleted since the backup: {}, they come back",
                        count(counted.gone)
                    ),
                    format!("{}{more}", counted.gone_first.join(", ")),
                ));
            }
            found.newer = Some(counted);
        }
        Ok(None) => found.lines.push(Line::new(
            Sign::Unknown,
            "rows that exist only in MAOS",
            "the backup has no keys; compared once it is restored",
        )),
        Err(error) => found.lines.push(Line::new(
            Sign::Unknown,
            "rows that exist only in MAOS",
            error.message,
        )),
    }
}

/// New, changed and deleted rows, by key; `None` where there is nothing to compare with.
async fn count_newer(place: &Place) -> Result<Option<Since>> {
    let Some(live) = &place.live else {
        return Ok(None);
    };
    if live.columns(&place.table).await?.is_empty() {
        return Ok(Some(Since::default()));
    }
    let keys = place.backup.as_ref().and_then(|backup| {
        let keys = backup.manifest.as_ref()?.database.as_ref()?.keys.as_ref()?;
        Some(backup.folder.join(&keys.file))
    });
    let drift = match &keys {
        Some(keys) => Some(carry::since_backup(live.as_ref(), &place.table, keys).await?),
        None => None,
    };
    let since = |drift: Drift| Since {
        new: drift.new.len() as u64,
        changed: drift.changed.len() as u64,
        gone: drift.gone,
        gone_first: drift.gone_first,
    };
    match place.params.mode {
        Mode::Maos => Ok(drift.map(since)),
        Mode::Legacy => {
            let new = carry::only_in_maos(live.as_ref(), &place.table, &place.tracking()).await?;
            Ok(Some(Since {
                new: new.len() as u64,
                ..drift.map_or_else(Since::default, since)
            }))
        }
    }
}
