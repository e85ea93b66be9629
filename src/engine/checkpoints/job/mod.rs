//! The operation over a folder: scan, plan, apply, verify. The only part of this capability that touches files.

mod apply;
mod compare;
mod durable;
mod one;
mod pool;
mod report;
mod scan;
mod settle;
mod sink;
mod source;
mod target;
mod verify;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::classes::ClassMap;
use super::finding::{Code, Finding, Severity};
use super::limits::Limits;
use crate::engine::error::Result;
use crate::engine::operation::Control;

pub use apply::{Applied, apply};
pub use report::{FileReport, Named, Notes, Refusal, ScanLine, Status, Totals, UnknownClass, View};
pub use scan::{Prepared, Survey, plan, scan};
pub use source::{Fingerprint, Folder, Loaded};
pub use target::{LEDGER, LOG, RESULTS};
pub use verify::{Verified, verify};

/// Bytes of memory that files in work may take together, unless the request says otherwise.
pub const MEMORY_BYTES: u64 = 1 << 30;

/// What to convert, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The folder of legacy checkpoints; only files in it, not in folders below.
    pub from: PathBuf,
    /// The folder that gets `migrated/`, the log and the ledger. It may be missing when scanning.
    pub to: PathBuf,
    /// The operator's class map.
    pub classes: ClassMap,
    /// Limits for each file.
    pub limits: Limits,
    /// Results that differ and may be replaced: by their own names or by those of their source files.
    pub replace: BTreeSet<String>,
    /// Whether files with several names are read.
    pub hard_links: bool,
    /// The start of the run in UTC: it becomes `migration_date`.
    pub started: jiff::Timestamp,
    /// Bytes of memory that files in work may take together.
    pub memory_bytes: u64,
}

impl Request {
    /// A request with the default limits.
    pub fn new(from: impl Into<PathBuf>, to: impl Into<PathBuf>, started: jiff::Timestamp) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            classes: ClassMap::default(),
            limits: Limits::default(),
            replace: BTreeSet::new(),
            hard_links: false,
            started,
            memory_bytes: MEMORY_BYTES,
        }
    }

    /// The start as files state it: whole seconds, 20 characters.
    fn date(&self) -> String {
        let second = jiff::Timestamp::from_second(self.started.as_second()).unwrap_or(self.started);
        second.to_string()
    }

    fn workers(control: &Control) -> usize {
        match control.workers() {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            wished => wished.min(64),
        }
    }
}

/// Endings that are not part of a checkpoint's name, gzip's first.
const ENDINGS: &[&[u8]] = &[b".gz", b".checkpoint", b".ckpt", b".pkl", b".pickle", b".json"];

/// The longest name a file can have.
const MAX_NAME_BYTES: usize = 255;

/// The name of a result: the stem, and `_maos.checkpoint`.
fn target_name(name: &OsStr) -> OsString {
    let mut stem = name.as_bytes();
    for ending in ENDINGS {
        if let Some(shorter) = stem.strip_suffix(*ending)
            && !shorter.is_empty()
        {
            stem = shorter;
            // `.gz` may stand behind another ending; of the others only one is taken off.
            if *ending != b".gz" {
                break;
            }
        }
    }
    let mut target = OsStr::from_bytes(stem).to_owned();
    target.push("_maos.checkpoint");
    target
}

/// One file of the source folder with its target.
#[derive(Debug, Clone)]
struct Item {
    name: OsString,
    target: OsString,
    print: Option<Fingerprint>,
    finding: Option<Finding>,
}

impl Item {
    /// Whether a differing result of it may be replaced; by that result's name or by the file's own.
    fn replaced_by(&self, request: &Request) -> bool {
        [&self.target, &self.name]
            .into_iter()
            .any(|name| request.replace.contains(&source::name_text(name)))
    }
}

/// The files of the source folder.
#[derive(Debug)]
struct Items {
    folder: Folder,
    list: Vec<Item>,
    bytes: u64,
    folders: u64,
    hidden: u64,
    twins: Vec<String>,
}

/// Lists the source folder and settles targets, without reading any file.
fn items(request: &Request) -> Result<Items> {
    let folder = Folder::open(&request.from)?;
    let listing = folder.list(request.hard_links, &[LOG, LEDGER])?;
    let mut items: Vec<Item> = listing
        .entries
        .into_iter()
        .map(|entry| Item {
            target: target_name(&entry.name),
            name: entry.name,
            print: entry.print,
            finding: entry.finding,
        })
        .collect();
    collisions(&mut items);
    Ok(Items {
        folder,
        bytes: items
            .iter()
            .filter_map(|item| item.print)
            .map(|print| print.size)
            .sum(),
        twins: twins(&items),
        list: items,
        folders: listing.folders,
        hidden: listing.hidden,
    })
}

/// Refuses names that are too long and files that would share a target; `x.checkpoint` goes before others of its stem.
fn collisions(items: &mut [Item]) {
    let mut taken: BTreeMap<OsString, usize> = BTreeMap::new();
    let mut order: Vec<usize> = (0..items.len())
        .filter(|at| items[*at].finding.is_none())
        .collect();
    order.sort_by_key(|at| !items[*at].name.as_bytes().ends_with(b".checkpoint"));
    for at in order {
        let finding = |code, what: String| Some(Finding::new(Severity::Changed, code, None, what));
        if items[at].target.len() > MAX_NAME_BYTES {
            items[at].finding = finding(
                Code::BadName,
                "has a name that is too long for its result".to_owned(),
            );
        } else if let Some(first) = taken.get(&items[at].target) {
            let first = source::name_text(&items[*first].name);
            items[at].finding = finding(
                Code::NameCollision,
                format!("would have the same result as {first}"),
            );
        } else {
            taken.insert(items[at].target.clone(), at);
        }
    }
}

/// Names that differ only in case: another file system would take them for one.
fn twins(items: &[Item]) -> Vec<String> {
    let mut seen: BTreeMap<String, &OsStr> = BTreeMap::new();
    let mut twins = Vec::new();
    for item in items {
        let text = source::name_text(&item.name);
        if let Some(first) = seen.insert(text.to_lowercase(), &item.name) {
            twins.push(crate::engine::text::inert(&format!(
                "{} and {text}",
                source::name_text(first)
            )));
        }
    }
    twins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stem_is_the_name_without_its_ending() {
        for (name, want) in [
            ("a.checkpoint", "a_maos.checkpoint"),
            ("a.b.checkpoint", "a.b_maos.checkpoint"),
            ("a.checkpoint.gz", "a_maos.checkpoint"),
            ("a.pkl", "a_maos.checkpoint"),
            ("a.json.gz", "a_maos.checkpoint"),
            ("a", "a_maos.checkpoint"),
            ("a.dat", "a.dat_maos.checkpoint"),
            (".gz", ".gz_maos.checkpoint"),
            ("a.pkl.checkpoint", "a.pkl_maos.checkpoint"),
        ] {
            assert_eq!(target_name(OsStr::new(name)), OsStr::new(want), "{name}");
        }
    }
}
