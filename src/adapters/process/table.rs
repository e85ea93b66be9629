//! The table of processes: who runs, since when, in whose group, and from where.

use std::path::Path;

use crate::engine::ports::process::Detached;

/// What `/proc/PID/stat` says of one that runs.
struct Row {
    group: u32,
    started: u64,
}

/// `None` when there is no such process or only its remains.
fn row(pid: u32) -> Option<Row> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, field 2, may hold spaces and brackets; what follows the last bracket does not.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    let group = fields.nth(1)?.parse().ok()?;
    let started = fields.nth(16)?.parse().ok()?;
    Some(Row { group, started })
}

fn pids() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Field 22 of `/proc/PID/stat`, `None` when there is no such process or only its remains.
pub(in crate::adapters) fn started(pid: u32) -> Option<u64> {
    row(pid).map(|row| row.started)
}

/// Whether anything of the group that `leader` leads, or led, still runs. Its remains do not count, and neither does another
/// process that got its number.
pub(super) fn group(leader: &Detached) -> bool {
    if let Some(row) = row(leader.pid) {
        return leader.started == 0 || row.started == leader.started;
    }
    // A number is not given anew while a group has it.
    pids()
        .filter_map(row)
        .any(|row| row.group == leader.pid && row.started >= leader.started)
}

/// Programs whose first or second word lies in `folder`.
pub(super) fn running_from(folder: &Path) -> Vec<Detached> {
    let own = std::process::id();
    pids()
        .filter(|pid| *pid != own)
        .filter_map(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let lies = words
                .split(|byte| *byte == 0)
                .take(2)
                .filter_map(|word| std::str::from_utf8(word).ok())
                .any(|word| Path::new(word).starts_with(folder));
            let row = lies.then(|| row(pid)).flatten()?;
            Some(Detached {
                pid,
                started: row.started,
            })
        })
        .collect()
}
