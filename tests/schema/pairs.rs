//! All pairs of databases: copied, proved, run again without a change, taken back.

use crate::support::*;

fn crosses(from: &str, to: &str) {
    let folder = tempfile::tempdir().expect("folder");
    let source = fresh(from, folder.path());
    let target = if from == "pg" && to == "pg same" {
        source.clone()
    } else {
        fresh(to.split(' ').next().unwrap(), folder.path())
    };
    seed(&source, 3_000);
    let before = source.sql("SELECT count(*), sum(id), max(status) FROM legacy_tasks");
    let first = run_once(&source, &target);
    assert!(
        first.report.verified,
        "{:#?}\n{:?}",
        first.outcome.proof, first.differences
    );
    assert_eq!(
        (
            first.report.source_rows,
            first.report.migrated,
            first.report.unchanged,
            first.report.quarantined
        ),
        (3_000, 3_000, 0, 0)
    );
    assert_eq!(target.count("tasks"), 3_000);
    assert_eq!(target.count("migration_tracking"), 3_000);
    assert_eq!(
        target.sql("SELECT status, count(*) FROM tasks GROUP BY 1 ORDER BY 1"),
        "CANCELLED|600\nCOMPLETED|1200\nFAILED|600\nQUEUED|600"
    );
    assert_eq!(
        target.sql("SELECT task_type, count(*) FROM tasks GROUP BY 1 ORDER BY 1"),
        "analysis|500\ncoding|500\ngeneral|1000\nresearch|1000"
    );
    let once = state(&target);

    let second = run_once(&source, &target);
    assert!(second.report.verified, "{:#?}", second.outcome.proof);
    assert_eq!((second.report.migrated, second.report.unchanged), (0, 3_000));
    assert_eq!(state(&target), once, "a second run changes nothing");
    assert_eq!(
        source.sql("SELECT count(*), sum(id), max(status) FROM legacy_tasks"),
        before,
        "the source is only read"
    );

    block_on(async {
        let stores = stores(&source, &target);
        let prepared = plan(&request(), &stores).await;
        let back = maos_migrate::engine::schema::undo_plan(
            &prepared,
            &stores,
            &maos_migrate::engine::operation::Control::silent(),
        )
        .await
        .expect("undo plan");
        assert!(back.blocks.is_empty(), "{:?}", back.blocks);
        let (outcome, report) = maos_migrate::engine::schema::undo(
            &prepared,
            &back,
            &stores,
            &maos_migrate::engine::operation::Control::silent(),
            &maos_migrate::engine::schema::Live::default(),
        )
        .await
        .expect("undo");
        assert!(report.verified && outcome.proved());
        assert_eq!(report.removed, 3_000);
    });
    assert_eq!(
        (
            target.count("tasks"),
            target.count("migration_tracking"),
            target.count("migration_chunk")
        ),
        (0, 0, 0)
    );
    let third = run_once(&source, &target);
    assert!(third.report.verified);
    assert_eq!(state(&target), once, "the same rows get the same ids");
}

#[test]
fn postgres_to_postgres_in_one_database() {
    crosses("pg", "pg same");
}

#[test]
fn postgres_to_postgres_between_databases() {
    crosses("pg", "pg");
}

#[test]
fn sqlite_to_sqlite() {
    crosses("sqlite", "sqlite");
}

#[test]
fn postgres_to_sqlite() {
    crosses("pg", "sqlite");
}

#[test]
fn sqlite_to_postgres() {
    crosses("sqlite", "pg");
}
