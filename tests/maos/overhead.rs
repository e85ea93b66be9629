//! What the adapter costs over starting the program; run by `tests/bench/maos.sh`.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Responder, executable};

/// Calls of each kind, alternating.
const CALLS: usize = 200;

#[tokio::test]
#[ignore = "a measurement, run by tests/bench/maos.sh"]
async fn of_a_call() {
    let responder = Responder::new();
    // Nothing but an answer, so that little time is the program's own.
    let program = responder.place.path("own");
    std::fs::write(&program, "#!/bin/sh\necho '{\"tasks\": {\"total\": 1}}'\n").unwrap();
    executable(&program);
    let maos = responder.open_with(&format!("  commands: {{status: [{}]}}\n", program.display()));
    maos.status().await.unwrap();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        let begun = Instant::now();
        maos.status().await.unwrap();
        ours.push(begun.elapsed());
        let begun = Instant::now();
        let output = Command::new(&program).stdin(Stdio::null()).output().unwrap();
        bare.push(begun.elapsed());
        assert!(output.status.success());
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    let (ours, bare) = (median(&mut ours), median(&mut bare));
    println!("adapter_call {:.2} {ours:.2} {bare:.2} ms", bare / ours);
    assert!(ours - bare < 2.0, "the adapter costs {:.2} ms", ours - bare);
}
