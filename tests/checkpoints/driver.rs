//! Runs the operation on folders named in the environment, for measuring before and beside the command line.

use maos_migrate::engine::checkpoints::{Request, Survey, apply, plan, verify};
use maos_migrate::engine::operation::Control;

/// `BENCH_FROM` and `BENCH_TO` name the folders; `BENCH_VERIFY=1` proves the results afterwards.
#[test]
#[ignore = "a driver for measurements, not a test: needs BENCH_FROM and BENCH_TO"]
fn drive() {
    let from = std::env::var("BENCH_FROM").expect("BENCH_FROM");
    let to = std::env::var("BENCH_TO").expect("BENCH_TO");
    let started: jiff::Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
    let request = Request::new(from, to, started);
    let control = Control::silent();
    let clock = std::time::Instant::now();
    let prepared = plan(&request, Survey::Names, &control).expect("a plan");
    let planned = clock.elapsed().as_secs_f64();
    let applied = apply(&prepared, &control).expect("applied");
    eprintln!(
        "plan {planned:.3} s, total {:.3} s: {}",
        clock.elapsed().as_secs_f64(),
        serde_json::to_string(&applied.totals).expect("totals")
    );
    assert!(applied.outcome.proved());
    if std::env::var_os("BENCH_VERIFY").is_some() {
        let verified = verify(&request, &control).expect("verified");
        eprintln!("{}", serde_json::to_string(&verified).expect("counts"));
        assert!(verified.outcome.proved());
    }
}
