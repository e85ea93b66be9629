//! Dumping: one exported snapshot for the dump, the sums and the keys, so that they tell of the same instant while clients write.

use std::path::Path;

use sqlx::Connection as _;

use super::PgDatabase;
use super::look::SNAPSHOT;
use crate::engine::error::{Error, Result};
use crate::engine::operation::Control;
use crate::engine::ports::databases::{Dumped, KeySink};
use crate::engine::ports::store::Table;
use crate::engine::text::inert_short;

impl PgDatabase {
    pub(super) async fn write_dump(
        &self,
        to: &Path,
        keys: Option<&Table>,
        sink: KeySink<'_>,
        control: &Control,
    ) -> Result<Dumped> {
        let major = self.look_about().await?.major;
        let program = self.program("pg_dump", major);
        let mut connection = self.connect().await?;
        self.execute(&mut connection, SNAPSHOT).await?;
        let snapshot: String = sqlx::query_scalar("SELECT pg_export_snapshot()")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.fault(&error))?;
        let from = format!("--snapshot={snapshot}");
        // Light compression: a dump is written and read back far oftener than it is shipped.
        let mut call = self.call(
            program.clone(),
            &[
                "--format=custom",
                "--compress=1",
                "--lock-wait-timeout=30s",
                &from,
            ],
        );
        call.stdout_to = Some(to.to_owned());
        let dumping = self.run(call, Some(to), "dumping", control);
        let counting = async {
            let sums = self.sums_within(&mut connection).await?;
            if let Some(table) = keys {
                self.stream_keys(&mut connection, table, None, sink).await?;
            }
            Ok(sums)
        };
        let (_, sums) = tokio::try_join!(dumping, counting)?;
        let _ = self.execute(&mut connection, "COMMIT").await;
        let _ = connection.close().await;
        super::super::files::settle(to)?;
        self.list(to, major).await?;
        Ok(Dumped {
            format: "pg_dump custom".to_owned(),
            program: self.version_of(program).await,
            sums,
        })
    }

    /// Reads the table of contents of a dump: a cut or garbled head shows here.
    async fn list(&self, dump: &Path, major: u32) -> Result<()> {
        let program = self.program("pg_restore", major);
        let path = dump
            .to_str()
            .ok_or_else(|| Error::input("the folder of backups has a name that is not UTF-8"))?;
        let mut call = self.call(program, &["--list", path]);
        call.argv.retain(|word| word != "--no-password");
        let listed = self.run(call, None, "reading back", &Control::silent()).await?;
        let entries = String::from_utf8_lossy(&listed.stdout)
            .lines()
            .filter(|line| !line.starts_with(';') && !line.is_empty())
            .count();
        if entries == 0 {
            return Err(Error::unavailable("pg_dump wrote a dump with nothing in it"));
        }
        Ok(())
    }

    async fn version_of(&self, program: String) -> String {
        let mut call = self.call(program, &["--version"]);
        call.argv.retain(|word| word != "--no-password");
        self.run(call, None, "reading", &Control::silent())
            .await
            .map_or_else(
                |_| "pg_dump".to_owned(),
                |output| inert_short(String::from_utf8_lossy(&output.stdout).trim(), 80),
            )
    }
}
