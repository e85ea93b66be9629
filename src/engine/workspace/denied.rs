//! What sessions that only watch asked for and were refused. They may not write the journal, so they leave a line each in a file beside
//! it; the operating session takes the lines up into the journal.

use std::io::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Holder, Workspace};

/// Bytes that are left for the operating session at most; a watcher that goes on asking is not written down for ever.
const MOST: u64 = 64 * 1024;

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// Who asked.
    pub by: Holder,
    /// What for, in words.
    pub what: String,
}

impl Denied {
    /// The sentence for the journal.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} on {} only watches and was refused: {}",
            self.by.operator, self.by.host, self.what
        )
    }
}

fn left(workspace: &Workspace) -> PathBuf {
    workspace.path(".denied.jsonl")
}

fn taken(workspace: &Workspace) -> PathBuf {
    workspace.path(".denied.taken.jsonl")
}

/// Leaves a line. A workspace that cannot be written, by a reader without the right to, leaves none: the refusal stands all the same.
pub fn leave(workspace: &Workspace, denied: &Denied) {
    let path = left(workspace);
    if std::fs::metadata(&path).is_ok_and(|found| found.len() > MOST) {
        return;
    }
    let Ok(mut line) = serde_json::to_vec(denied) else {
        return;
    };
    line.push(b'\n');
    let file = std::fs::File::options().create(true).append(true).open(path);
    // One write of one line: two watchers do not mix theirs.
    let _ = file.and_then(|mut file| file.write_all(&line));
}

/// What was left since the last time, or not settled then.
#[must_use]
pub fn take(workspace: &Workspace) -> Vec<Denied> {
    let (left, taken) = (left(workspace), taken(workspace));
    if !taken.exists() && (!left.exists() || std::fs::rename(&left, &taken).is_err()) {
        return Vec::new();
    }
    let Ok(text) = std::fs::read_to_string(&taken) else {
        return Vec::new();
    };
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// What was taken is in the journal.
pub fn settle(workspace: &Workspace) {
    let _ = std::fs::remove_file(taken(workspace));
}
