//! The files of a watch: the guide's document, and the samples that a verdict rests on.

use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::event::EventKind;
use crate::engine::monitor::document;
use crate::engine::runner::dispatch::Dispatcher;
use crate::engine::runner::{Reply, operations, saving};
use crate::engine::workspace::files;

impl Dispatcher {
    /// Writes what the verdict at `until` rests on to a file of its own.
    pub(in crate::engine::runner) async fn save_samples(&mut self, until: jiff::Timestamp) -> Result<Reply> {
        let watch = self.outlets.snapshot().monitor.clone();
        let watch = watch.ok_or_else(|| Error::blocked("nothing is watched yet"))?;
        let stamp = until.strftime("%Y%m%d-%H%M%S").to_string();
        let (samples, lines) = document::replay_file(&watch, until);
        if samples == 0 {
            return Err(Error::input("no sample is kept from then"));
        }
        let said = format!(
            "{}, as maos-migrate monitor replay reads them",
            crate::engine::text::plural(samples, "sample", "samples")
        );
        let stem = format!("samples-{stamp}");
        let saved = saving::save(self.workspace.clone(), document::FOLDER, stem, lines).await?;
        let kinds = saved.kinds(Some(Capability::Monitor), &said);
        self.emit(kinds).await?;
        Ok(Reply::Done)
    }

    pub(super) async fn write_document(&mut self) -> Result<()> {
        let Some(watch) = self.outlets.snapshot().monitor.clone() else {
            return Ok(());
        };
        let path = self.workspace.path(document::FILE);
        let written = operations::blocking(move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| Error::io("make", folder, &error))?;
            }
            let text = serde_json::to_vec_pretty(&document::of(&watch))
                .map_err(|error| Error::bug(error.to_string()))?;
            files::write_atomic(&path, &text, files::PRIVATE)
        })
        .await;
        match written {
            Ok(written) => {
                self.emit(vec![EventKind::ArtifactWritten {
                    path: document::FILE.to_owned(),
                    bytes: written.bytes,
                    sha256: written.sha256,
                }])
                .await
            }
            // The journal has every sample; a file that cannot be written ends no watch.
            Err(error) => self.note_error(Some(Capability::Monitor), &error).await,
        }
    }
}
