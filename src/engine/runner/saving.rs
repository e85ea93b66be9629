//! New files of the workspace that a person asks for: the list on the screen, the samples of a verdict. What is there is
//! never replaced, and equal content is not written twice.

use std::io::ErrorKind;

use super::dispatch::Dispatcher;
use super::{Reply, operations};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::event::{EventKind, Level};
use crate::engine::lists::{List, Marks};
use crate::engine::text::{count, plural};
use crate::engine::workspace::{Workspace, files};

/// Where saved lists lie, relative to the workspace.
const FOLDER: &str = "logs";

/// A file that a person asked for.
pub(super) struct Saved {
    /// Relative to the workspace.
    path: String,
    /// Nothing when a file with this content was there.
    written: Option<files::Written>,
}

impl Saved {
    /// What is told, with the file and what is in it.
    pub(super) fn kinds(self, capability: Option<Capability>, said: &str) -> Vec<EventKind> {
        let before = if self.written.is_some() { "" } else { " before" };
        let path = self.path;
        let mut kinds = vec![EventKind::Noted {
            level: Level::Ok,
            capability,
            text: format!("Written{before}: {path}: {said}"),
        }];
        kinds.extend(self.written.map(|written| EventKind::ArtifactWritten {
            path,
            bytes: written.bytes,
            sha256: written.sha256,
        }));
        kinds
    }
}

/// Writes `lines` to `FOLDER/STEM.jsonl` of the workspace, atomically, for its owner alone; under a number when other
/// content has that name.
pub(super) async fn save(workspace: Workspace, folder: &str, stem: String, lines: String) -> Result<Saved> {
    let folder = folder.to_owned();
    operations::blocking(move || {
        let place = workspace.path(&folder);
        std::fs::create_dir_all(&place).map_err(|error| Error::io("make", &place, &error))?;
        for n in 1.. {
            let more = if n == 1 { String::new() } else { format!("-{n}") };
            let path = format!("{folder}/{stem}{more}.jsonl");
            let file = workspace.path(&path);
            match std::fs::read(&file) {
                Ok(there) if there == lines.as_bytes() => {
                    return Ok(Saved { path, written: None });
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let written = files::write_atomic(&file, lines.as_bytes(), files::PRIVATE)?;
                    return Ok(Saved {
                        path,
                        written: Some(written),
                    });
                }
                Err(error) => return Err(Error::io("read", &file, &error)),
            }
        }
        Err(Error::bug("no name is left for the file"))
    })
    .await
}

impl Dispatcher {
    /// Writes a list as it is shown to a new file.
    pub(super) async fn save_list(&mut self, list: List, wanted: &str, marked: &Marks) -> Result<Reply> {
        let snapshot = self.outlets.snapshot().clone();
        let (items, lines) = list.lines(&snapshot, wanted, marked)?;
        if items == 0 {
            return Err(Error::input("there is nothing to write"));
        }
        let stamp = self.ports.clock.now().strftime("%Y%m%d-%H%M%S");
        let stem = format!("{}-{stamp}", list.name());
        let saved = save(self.workspace.clone(), FOLDER, stem, lines).await?;
        let all = snapshot.quarantined();
        let said = match list {
            List::Log => plural(items, "entry", "entries"),
            List::Quarantine if wanted.is_empty() && marked.is_empty() && items < all => {
                format!(
                    "{} of {} items; the file of the step holds all",
                    count(items),
                    count(all)
                )
            }
            List::Quarantine => plural(items, "item", "items"),
        };
        self.emit(saved.kinds(None, &said)).await?;
        Ok(Reply::Done)
    }
}
