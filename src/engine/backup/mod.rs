//! Backups: everything that a way back needs, in one folder with a manifest, and the proof that it can be restored.
//!
//! ```text
//! backups/20261122_142003/
//!   manifest.json        what is in it: hashes, counts, versions, where it came from, what is not covered, its own hash
//!   verification.json    what a restore into a scratch database found; bound to the manifest by its hash
//!   database.dump        pg_dump custom format, or database.sqlite
//!   tasks.keys.gz        every key of the task table with a hash of its row: tells later what is new or changed
//!   maos_config/  legacy_config/  checkpoints/  also/
//! ```
//! A backup is written into a hidden folder and renamed at the end: one with its final name is whole. To take along one more kind
//! of file: a [`Part`], and where it lies in [`request`].

mod create;
mod files;
mod guide;
pub mod keys;
mod manifest;
pub mod request;
mod shelf;
mod space;
mod verify;

pub use create::{Made, create};
pub use files::{restored_tree, stage};
pub use guide::as_manifest;
pub use manifest::{Entry, EntryKind, Manifest, MaosOf, Part, Root, RootKind, Uncovered};
pub use request::Request;
pub use shelf::{Listed, Standing, list, newest_usable, prunable, prune, remove};
pub use space::{free, human};
pub use verify::{HASHING, Verification, check_files, intact, matches, prove, verify};

/// The manifest of a backup.
pub const MANIFEST: &str = "manifest.json";
/// What its verification found.
pub const VERIFICATION: &str = "verification.json";
