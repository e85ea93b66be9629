//! Backups and their proof. Not in this version.
