//! The way back of a run leaves nothing of it behind.

use maos_migrate::engine::operation::Control;
use maos_migrate::engine::schema::live::Live;
use maos_migrate::engine::schema::{self, UndoReport};

use crate::support::*;

/// Takes a run back.
fn undo(db: &Db, target: &Db) -> UndoReport {
    block_on(async {
        let stores = stores(db, target);
        let prepared = plan(&request(), &stores).await;
        let back = schema::undo_plan(&prepared, &stores, &Control::silent())
            .await
            .unwrap();
        let (outcome, report) = schema::undo(&prepared, &back, &stores, &Control::silent(), &Live::default())
            .await
            .unwrap();
        assert!(report.verified, "{:#?}", outcome.proof);
        report
    })
}

#[test]
fn undo_leaves_nothing_behind_when_the_rows_are_just_as_many_as_are_removed_at_once() {
    both(|source, target| {
        // Twice what is removed in one transaction, and rows that are set aside.
        seed(&source, 40_003);
        source.sql("UPDATE legacy_tasks SET status = 'mislaid' WHERE id IN (3, 6, 9)");
        assert!(run_once(&source, &target).report.verified);
        assert_eq!(undo(&source, &target).removed, 40_000);
        for ledger in [
            "tasks",
            "migration_tracking",
            "migration_quarantine",
            "migration_chunk",
        ] {
            assert_eq!(target.count(ledger), 0, "{ledger}");
        }
        // A ledger that an earlier version left half empty does not stand in the way.
        target.sql("INSERT INTO migration_chunk (source, seq, after_key, upto_key, rows_in, rows_out, quarantined, token) SELECT source, 1, NULL, '999999', 40003, 40000, 3, 1 FROM migration_run");
        let again = run_once(&source, &target);
        assert!(again.report.verified, "{:#?}", again.outcome.proof);
        assert_eq!(target.count("tasks"), 40_000);
    });
}

#[test]
fn undo_does_not_need_a_number_in_the_tracking_table() {
    both(|source, target| {
        target.sql("CREATE TABLE migration_tracking (legacy_task_id VARCHAR(255), maos_task_id VARCHAR(255), migration_date TIMESTAMP, status VARCHAR(50), performance_comparison TEXT)");
        seed(&source, 50);
        assert!(run_once(&source, &target).report.verified);
        assert_eq!(undo(&source, &target).removed, 50);
        assert_eq!(target.count("migration_tracking"), 0);
    });
}
