//! Swapping two files by name. First the present one gets its second name, then the new one is renamed over the first: at every
//! instant the name leads to a whole database, and what is there tells how far it went.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Instant;

use sqlx::{Connection as _, Row as _};

use super::{SqliteDatabase, with_ending};
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Notice};
use crate::engine::ports::clock::millis;
use crate::engine::ports::databases::{Database as _, Swapped};
use crate::engine::workspace::files::sync_folder;

impl SqliteDatabase {
    pub(super) async fn swap_files(
        &self,
        incoming: &str,
        outgoing: &str,
        control: &Control,
    ) -> Result<Swapped> {
        let (from, to) = (
            self.path.with_file_name(incoming),
            self.path.with_file_name(outgoing),
        );
        let same = |one: &Path, two: &Path| {
            let file = |path: &Path| std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
            file(one).is_some() && file(one) == file(two)
        };
        if self.path.exists() && !from.exists() && to.exists() {
            return Ok(Swapped {
                ms: 0,
                ended: 0,
                already: true,
            });
        }
        let linked = same(&self.path, &to);
        if !self.path.exists() || !from.exists() || (to.exists() && !linked) {
            return Err(Error::blocked(format!(
                "the swap cannot be made: {} {}, {incoming} {}, {outgoing} {}",
                self.name(),
                there(&self.path),
                there(&from),
                there(&to)
            )));
        }
        // A program that holds the file open would go on writing into the old one.
        let holders = self.holders();
        if !holders.is_empty() {
            let who: Vec<String> = holders
                .iter()
                .map(|one| format!("pid {} ({})", one.pid, one.who))
                .collect();
            return Err(Error::unavailable(format!(
                "{} is held open by {}; nothing is renamed",
                self.name(),
                who.join(", ")
            ))
            .hint("End it and run this again."));
        }
        let begun = Instant::now();
        let mut connection = self.open(false).await?;
        let mode: String = sqlx::query("PRAGMA journal_mode")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.fault(&error))?
            .get(0);
        // Everything into the one file, which needs it to ourselves.
        let said: String = sqlx::query("PRAGMA journal_mode = DELETE")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.fault(&error))?
            .get(0);
        if said != "delete" {
            return Err(Error::unavailable(format!(
                "{} is in use; nothing is renamed",
                self.name()
            )));
        }
        self.execute(&mut connection, "BEGIN EXCLUSIVE").await?;
        let renamed = (|| {
            if !linked {
                std::fs::hard_link(&self.path, &to)
                    .map_err(|error| Error::io("give a second name to", &self.path, &error))?;
            }
            sync_folder(&self.path)?;
            crate::engine::failpoint::hit("databases.swap.before_commit");
            std::fs::rename(&from, &self.path).map_err(|error| Error::io("rename", &from, &error))?;
            sync_folder(&self.path)
        })();
        let _ = self.execute(&mut connection, "ROLLBACK").await;
        let _ = connection.close().await;
        renamed?;
        for ending in ["-journal", "-wal", "-shm"] {
            super::remove_file(&with_ending(&from, ending))?;
        }
        if mode.eq_ignore_ascii_case("wal") {
            let mut fresh = self.open(false).await?;
            let _ = sqlx::query("PRAGMA journal_mode = WAL")
                .fetch_one(&mut fresh)
                .await;
            let _ = fresh.close().await;
        }
        let ms = millis(begun);
        control.notice(Notice::Log(format!(
            "{incoming} is {} now, the one before is {outgoing}",
            self.name()
        )));
        Ok(Swapped {
            ms,
            ended: 0,
            already: false,
        })
    }
}

fn there(path: &Path) -> &'static str {
    if path.exists() { "exists" } else { "does not exist" }
}
