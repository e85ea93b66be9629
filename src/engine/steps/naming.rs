//! How a run is named: after the second in which it begins.

use jiff::{SignedDuration, Timestamp};

use super::lines::run_of;
use crate::engine::item::Items;

const NAME: &str = "%Y%m%d_%H%M%S";
/// How many seconds later a name may lie.
const SECONDS: i64 = 60;

/// The name of a run that begins then, for example `20261123_031406`.
#[must_use]
pub fn name_of(begins: Timestamp) -> String {
    begins.strftime(NAME).to_string()
}

/// When a new run of the operation with these lines begins: now, or in the first second behind the one that its last run is named after.
/// Of two runs with one name the later one would find its steps done, in the journal and in the databases, and do nothing.
#[must_use]
pub fn begins(now: Timestamp, before: &Items) -> Timestamp {
    behind(now, run_of(before).map(|run| run.id).as_deref())
}

fn behind(now: Timestamp, last: Option<&str>) -> Timestamp {
    let free = |at: &Timestamp| last.is_none_or(|last| name_of(*at).as_str() > last);
    (0..SECONDS)
        .filter_map(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok())
        .find(free)
        .unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_of_one_second_have_names_of_their_own() {
        let now: Timestamp = "2026-11-23T23:59:59.7Z".parse().expect("a time");
        let name = |last| name_of(behind(now, last));
        assert_eq!(name(None), "20261123_235959");
        assert_eq!(name(Some("20261123_235958")), "20261123_235959");
        assert_eq!(name(Some("20261123_235959")), "20261124_000000");
        assert_eq!(name(Some("20261124_000000")), "20261124_000001");
        assert_eq!(
            name(Some("20301124_000000")),
            "20261123_235959",
            "a clock that was set back"
        );
    }
}
