//! The same comparison through the adapter for command lines, on the stand-in's own program with its state in another process.

use maos_migrate::engine::ports::maos::Known;
use maos_migrate::engine::tasks::Rules;
use maos_migrate::engine::tasks::decompose::decompose;
use maos_migrate::engine::tasks::view::Detail;
use serde_json::{Value, json};

use crate::support::{proved, run, script, workspace, world};

const PROGRAM: &str = env!("CARGO_BIN_EXE_maos-migrate");
const FAN: &str = "Test login, search, checkout, refunds, reports and exports";

/// Every part for 0.8 s, one after another, so that the starts of programs weigh little.
const SEQUENTIAL: &str = r#"
parts=$(sed -n 's/.*"parts":\([0-9]*\).*/\1/p')
while [ "$parts" -gt 0 ]; do sleep 0.8; parts=$((parts-1)); done
echo '{"success": true}'"#;

fn asked(state: &std::path::Path, words: &[&str]) {
    let output = std::process::Command::new(PROGRAM)
        .args(["rehearsal-maos", "--state"])
        .arg(state)
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_starts_and_stops_the_stand_in_and_says_how_much_faster_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    asked(&state, &["knob", "agents", "4"]);
    asked(
        &state,
        &[
            "knob",
            "worker",
            r#"["sh", "-c", "cat >/dev/null; sleep 0.8; echo 1"]"#,
        ],
    );
    let rules = Rules::default_with(None).unwrap();
    let detail = Detail::of(decompose(1.into(), FAN, &rules), &[]);
    let parts = detail.plan.subtasks.len();
    #[expect(clippy::cast_precision_loss, reason = "seven parts")]
    let allowed = parts as f64 / detail.with_agents(4, &[]).makespan;
    script(folder.path(), "legacy.sh", SEQUENTIAL);
    let settings = format!(
        "target:\n  maos: rehearsal\nmaos:\n  command: [{PROGRAM}, rehearsal-maos, --state, {}]\nlegacy:\n  run: [./legacy.sh]\n\
         rehearsal:\n  worker: [\"true\"]\ncompare:\n  repeats: 2\n  minimum_pairs: 2",
        state.display()
    );
    let tasks: Vec<Value> = vec![json!({"id": "legacy_001", "description": FAN, "parts": parts})];
    let world = world(&workspace(folder.path(), &settings, &tasks), proved());
    let maos = world.ports.maos.open(&world.workspace, &world.settings).unwrap();
    let (outcome, report) = run(world).await;
    assert_eq!(
        (outcome.source, outcome.converted, outcome.quarantined),
        (2, 2, 0),
        "{report:#}"
    );
    assert!(
        outcome.proved() && outcome.summary.starts_with("REHEARSAL: "),
        "{}",
        outcome.summary
    );
    let median = report["summary"]["median_speedup"].as_f64().unwrap();
    // The start of a program for each call is in it; `run` holds the schedule itself to 5 %.
    assert!(
        median > 1.5 && median < allowed * 1.05,
        "{median}, {allowed}: {report:#}"
    );
    assert_eq!(report["summary"]["most_agents_used"], 4);
    assert_eq!(
        maos.running().await.unwrap(),
        Known::Value(false),
        "as it was found"
    );
}
