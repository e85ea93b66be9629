//! Where the results go on a real PostgreSQL: the tracking table that the environment makes, beside rows that are migrated.

use maos_migrate::engine::environment;
use maos_migrate::engine::operation::Control;
use serde_json::{Value, json};

use crate::postgres_server::Cluster;
use crate::sql::sql;
use crate::support::{proved, run, script, start, workspace, world};

/// Rows of a query as text, a column after another with a bar between.
fn rows(url: &str, text: &str) -> Vec<String> {
    sql(url, text).lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_result_stands_in_the_tracking_table_of_a_real_server() {
    let cluster = Cluster::start();
    let url = cluster.database("maos");
    let folder = tempfile::tempdir().unwrap();
    // The third task fails on the legacy side: its result says so and has no speed-up.
    script(
        folder.path(),
        "legacy.sh",
        r#"if grep -q '"id":"t3"'; then exit 9; fi; sleep 0.05; echo '{}'"#,
    );
    let settings = format!(
        "target:\n  maos: rehearsal\n  database: '{url}'\nlegacy:\n  run: [./legacy.sh]\nrehearsal:\n  seconds: 0.02\n\
         compare:\n  repeats: 2\n  minimum_pairs: 2"
    );
    let tasks: Vec<Value> = (1..=3)
        .map(|n| json!({"id": format!("t{n}"), "description": format!("Write letter {n}, it's 'quoted' \\ {{}}")}))
        .collect();
    let workspace = workspace(folder.path(), &settings, &tasks);
    // The table is the environment's, with its unique key; one of the tasks is migrated already.
    let ready = world(&workspace, proved());
    let prepared = environment::plan(&ready).await.unwrap();
    let outcome = environment::apply(&ready, &prepared, &Control::silent())
        .await
        .unwrap();
    assert!(outcome.proved(), "{outcome:?}");
    rows(
        &url,
        "INSERT INTO migration_tracking (legacy_task_id, maos_task_id, status, source) VALUES ('t1', 'migrated-1', 'migrated', 'app')",
    );
    for _ in 0..2 {
        let world = world(&workspace, proved());
        start(&world).await;
        let (outcome, report) = run(world).await;
        assert_eq!(
            (outcome.source, outcome.converted, outcome.quarantined),
            (6, 4, 2)
        );
        assert_eq!(report["tracking"], "3 results written to migration_tracking");
        let found = rows(
            &url,
            "SELECT legacy_task_id, status, source, maos_task_id = 'migrated-1', performance_comparison->>'pairs', \
             performance_comparison->>'legacy_succeeded', (performance_comparison->>'speedup')::float8 > 0, \
             performance_comparison->>'rehearsal' FROM migration_tracking ORDER BY 1",
        );
        // The second comparison takes the place of the first; the migrated row keeps its id and its state.
        assert_eq!(
            found,
            [
                "t1|migrated|app|t|2|2|t|true",
                "t2|compared|compare|f|2|2|t|true",
                "t3|compared|compare|f|2|0||true"
            ]
        );
    }
}
