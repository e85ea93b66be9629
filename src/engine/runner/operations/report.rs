//! `report write`: the evidence for the file, in Markdown and HTML.

use super::documents::{self, Document, secret_found};
use super::{Prepared, World, blocking};
use crate::engine::capability::Capability;
use crate::engine::error::Result;
use crate::engine::report::{accounted_for, gather, html_report, markdown_report, pictures};
use crate::engine::text;
use crate::engine::validate::Catalogue;
use crate::engine::workspace::secrets;

/// Files larger than this are looked through only where they were converted, not again for the report.
const LOOKED_THROUGH: u64 = 64 * 1024 * 1024;

/// Plans the two documents.
///
/// # Errors
/// A secret in one of the artifacts, or an artifact that cannot be read.
pub(super) async fn write(world: &World) -> Result<Prepared> {
    let (workspace, artifacts) = (world.workspace.clone(), world.snapshot.artifacts.clone());
    let (own_page, catalogue) = blocking(move || {
        for (path, artifact) in &artifacts {
            // The file of secrets is where they belong.
            if path.strip_suffix(".env").is_some() || artifact.bytes > LOOKED_THROUGH {
                continue;
            }
            let Ok(content) = std::fs::read(workspace.path(path)) else {
                continue;
            };
            if let Some(line) = secrets::line_of(&String::from_utf8_lossy(&content)) {
                return Err(secret_found(path, line));
            }
        }
        let page = workspace.own_asset("report/page.html")?;
        Ok((page, Catalogue::of(&workspace)?))
    })
    .await?;
    let zone = jiff::tz::TimeZone::system()
        .iana_name()
        .unwrap_or("UTC")
        .to_owned();
    let report = gather(&world.snapshot, &world.settings, &catalogue, zone);
    let parts = report.parts.len() as u64;
    let summary = match accounted_for(&report) {
        counts if counts.is_empty() => format!(
            "report.md and .html written, {}",
            text::plural(parts, "part", "parts")
        ),
        counts => format!("report.md and .html written; {counts}"),
    };
    let mut documents = vec![
        Document {
            path: "report/report.md".to_owned(),
            content: markdown_report(&report),
        },
        Document {
            path: "report/report.html".to_owned(),
            content: html_report(&report, own_page.as_deref()),
        },
    ];
    documents.extend(pictures(&report).into_iter().map(|(file, content)| Document {
        path: format!("report/{file}"),
        content,
    }));
    documents::prepare(
        world,
        Capability::Report,
        "Write report.md and report.html".to_owned(),
        summary,
        documents,
    )
    .await
}
