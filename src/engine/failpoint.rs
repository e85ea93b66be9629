//! Named points at which a test can end the process: `MAOS_MIGRATE_FAIL_POINT=schema.after_commit:3` aborts at the third pass of
//! `schema.after_commit`, `schema.in_chunk:2:panic` panics at the second. Without the variable a point costs one comparison.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that arms a point.
pub const VARIABLE: &str = "MAOS_MIGRATE_FAIL_POINT";

struct Armed {
    name: String,
    left: AtomicU64,
    unwinds: bool,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

fn parse(text: &str) -> Armed {
    let (text, unwinds) = text
        .strip_suffix(":panic")
        .map_or((text, false), |text| (text, true));
    let (name, pass) = text.split_once(':').unwrap_or((text, "1"));
    Armed {
        unwinds,
        name: name.to_owned(),
        left: AtomicU64::new(pass.parse().unwrap_or(1)),
    }
}

#[expect(clippy::panic, reason = "that is what the armed point is for")]
/// Passes a point; aborts the process, without unwinding or cleaning up, when it is the armed one.
pub fn hit(name: &str) {
    let armed = ARMED.get_or_init(|| std::env::var(VARIABLE).ok().map(|text| parse(&text)));
    let Some(armed) = armed else { return };
    if armed.name == name && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        if armed.unwinds {
            std::panic::panic_any(format!("the armed point {name}"));
        }
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_a_name_and_a_pass() {
        let armed = parse("schema.after_commit:3");
        assert_eq!(
            (armed.name.as_str(), armed.left.into_inner()),
            ("schema.after_commit", 3)
        );
        let armed = parse("schema.in_chunk:2:panic");
        assert!(armed.unwinds && armed.name == "schema.in_chunk");
        assert_eq!(parse("x").left.into_inner(), 1);
    }
}
