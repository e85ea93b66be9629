//! Operations that write a few documents into the workspace: new files need no approval, nor do our own from before; a file
//! that somebody else wrote or changed does.

use std::path::PathBuf;

use super::{Prepared, World, blocking};
use crate::engine::capability::Capability;
use crate::engine::error::{Error, Result};
use crate::engine::operation::{Effect, Outcome, Plan, ProofLine};
use crate::engine::workspace::{files, secrets};

/// One document: its path in the workspace and its content.
pub(super) struct Document {
    pub path: String,
    pub content: String,
}

/// Plans the writing of `documents`.
///
/// # Errors
/// When an existing file cannot be read, or a document holds a secret.
pub(super) async fn prepare(
    world: &World,
    capability: Capability,
    title: String,
    summary: String,
    documents: Vec<Document>,
) -> Result<Prepared> {
    let (workspace, artifacts) = (world.workspace.clone(), world.snapshot.artifacts.clone());
    let (documents, effects, basis, foreign) = blocking(move || {
        let (mut effects, mut basis, mut foreign) = (Vec::new(), Vec::new(), false);
        for document in &documents {
            if let Some(line) = document.content.lines().position(secrets::found_in) {
                return Err(Error::input(format!(
                    "not written: a secret was found in {} line {}",
                    document.path,
                    line + 1
                ))
                .hint(
                    "Its value is not shown. Take it out of the input that brought it there, then try again.",
                ));
            }
            basis.push(format!(
                "{} {}",
                document.path,
                files::hex(&sha(&document.content))
            ));
            let path = workspace.path(&document.path);
            if !path.exists() {
                effects.push(Effect::plain("write", document.path.clone()));
                continue;
            }
            let now = files::sha256_file(&path)?;
            if now == files::hex(&sha(&document.content)) {
                effects.push(Effect::plain(
                    "keep",
                    format!("{}, it is identical", document.path),
                ));
            } else if artifacts
                .get(&document.path)
                .is_some_and(|ours| ours.sha256 == now)
            {
                effects.push(Effect::plain("renew", document.path.clone()));
            } else {
                foreign = true;
                effects.push(Effect::plain(
                    "replace",
                    format!("{}, which was changed by somebody", document.path),
                ));
            }
        }
        Ok((documents, effects, basis, foreign))
    })
    .await?;
    let plan = Plan {
        capability,
        verb: "write".to_owned(),
        title,
        target: world.workspace.root().display().to_string(),
        effects,
        undo: Some("remove the files".to_owned()),
        needs_approval: foreign,
        basis,
        digest: String::new(),
    }
    .sealed();
    let workspace = world.workspace.clone();
    Ok(Prepared {
        plan,
        live: None,
        run: Box::new(move |control| {
            Box::pin(blocking(move || {
                let mut proof = Vec::new();
                for document in &documents {
                    control.safe_point()?;
                    let path: PathBuf = workspace.path(&document.path);
                    let written = files::write_atomic(&path, document.content.as_bytes(), files::SHARED)?;
                    let read_back = files::sha256_file(&path)?;
                    proof.push(ProofLine {
                        what: format!("{} read back", document.path),
                        equal: written.sha256 == read_back,
                        source: written.sha256,
                        target: read_back,
                    });
                }
                let n = documents.len() as u64;
                Ok(Outcome {
                    source: n,
                    converted: n,
                    unchanged: 0,
                    quarantined: 0,
                    proof,
                    summary,
                    artifacts: documents.iter().map(|document| document.path.clone()).collect(),
                })
            }))
        }),
    })
}

/// The refusal to write while a secret stands somewhere in the open.
pub(super) fn secret_found(path: &str, line: usize) -> Error {
    Error::input(format!("not written: a secret was found in {path} line {line}"))
        .hint("Its value is not shown. Take it out of there, then try again.")
}

fn sha(text: &str) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(text.as_bytes()).to_vec()
}
