//! What the programs under us have used, from `/proc`: our own sums over those that have ended, and a look at those that run.

use std::fs;

use crate::engine::ports::process::Below;

/// Processes looked at in one go; a program that starts more is measured in part.
const MOST: usize = 4_096;

/// The sums now; `None` where there is no such `/proc`.
pub fn below() -> Option<Below> {
    let ticks = rustix::param::clock_ticks_per_second();
    let page = rustix::param::page_size() as u64;
    // Fields 16 and 17 of our own line: the children that have ended and were waited for, with theirs.
    let own = stat("self")?;
    let mut all_ticks = own.ended;
    let mut resident_bytes = 0;
    let mut queue = children("self")?;
    let mut seen = 0;
    while let Some(id) = queue.pop() {
        seen += 1;
        if seen > MOST {
            break;
        }
        // It may have ended since it was listed; then it is in its parent's sums at the next look.
        let Some(found) = stat(&id) else { continue };
        all_ticks += found.own + found.ended;
        resident_bytes += found.pages * page;
        queue.extend(children(&id).unwrap_or_default());
    }
    #[expect(clippy::cast_precision_loss, reason = "ticks far below 2^53")]
    let cpu_s = all_ticks as f64 / ticks as f64;
    Some(Below {
        cpu_s,
        resident_bytes,
    })
}

struct Stat {
    own: u64,
    ended: u64,
    pages: u64,
}

fn stat(id: &str) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, field 2, may hold spaces and brackets; what follows the last bracket does not.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        own: number(14)? + number(15)?,
        ended: number(16)? + number(17)?,
        pages: number(24).unwrap_or(0),
    })
}

fn children(id: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{id}/task")).ok()?.flatten() {
        let list = fs::read_to_string(thread.path().join("children")).ok()?;
        found.extend(list.split_whitespace().map(str::to_owned));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_seen_while_it_runs_and_its_work_stays_counted() {
        let before = below().unwrap();
        let mut child = std::process::Command::new("python3")
            .args(["-c", "sum(range(5_000_000))"])
            .spawn()
            .unwrap();
        let mut most = 0;
        // Looking is slow enough not to be a busy wait: each look reads a dozen files.
        while child.try_wait().unwrap().is_none() {
            most = most.max(below().unwrap().resident_bytes);
        }
        let after = below().unwrap();
        assert!(most > 100_000, "{most}");
        assert!(after.cpu_s > before.cpu_s, "{before:?} {after:?}");
    }
}
