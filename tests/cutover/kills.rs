//! Killed at every step boundary and run again, it ends as if nothing had happened.

use crate::program::finish;
use crate::sql::sql;
use crate::support::Site;

fn killed_at(keys: &[&str]) {
    let site = Site::sqlite().backed_up();
    site.three_more();
    let (rows, _) = site.rows();
    site.keep();
    for key in keys {
        for point in ["before", "intent", "effect", "proof", "done"] {
            let point = format!("cutover.{key}.{point}");
            let args = site.apply(&[]);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let mut command = site.command(&args);
            command.env("MAOS_MIGRATE_FAIL_POINT", &point);
            let ran = finish(command);
            assert_eq!(ran.code, None, "{point} {ran:#?}");
            let done = site.done(&args);
            assert_eq!(done["converted"], 6, "{point} {done:#}");
            assert!(site.closed() && site.serves(), "{point}");
            assert_eq!(site.rows().0, rows + 3, "{point}");
            assert_eq!(
                sql(&site.target, "SELECT count(*) - count(DISTINCT id) FROM tasks"),
                "0"
            );
            site.again();
        }
    }
}

#[test]
fn until_the_rows_are_over() {
    killed_at(&["close", "drain", "catch_up"]);
}

#[test]
fn from_the_proof_to_the_first_figures() {
    killed_at(&["both_ways", "start", "start_snapshot"]);
}
