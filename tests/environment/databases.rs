//! The database and its tracking table, on PostgreSQL and in a file, and the user who may not.

use std::process::Command;

use maos_migrate::engine::environment::{Found, Key};
use maos_migrate::engine::error::ErrorKind;

use crate::postgres::Cluster;
use crate::sql::sql;
use crate::support::{Place, found};

fn lines(url: &str) -> String {
    format!("target:\n  maos: rehearsal\n  database: {url}\n")
}

#[tokio::test]
async fn defect_44_the_database_of_the_url_is_created_on_its_own_server() {
    let cluster = Cluster::start();
    let url = cluster.database("other").replace("/other?", "/maos%20new?");
    let mut place = Place::new(&lines(&format!("'{url}'")));
    let view = place.look().await;
    assert_eq!(found(&view), "skipped skipped needs needs needs needs needs");
    assert_eq!(view.line(Key::Database).unwrap().is, "absent");
    let outcome = place.apply().await.unwrap();
    assert!(outcome.proved(), "{outcome:?}");
    assert_eq!(
        found(&place.look().await),
        "skipped skipped place place place place place"
    );
    assert_eq!(place.apply().await.unwrap().unchanged, 5);
}

#[tokio::test]
async fn a_user_who_may_not_is_told_what_to_ask_for_and_the_rest_waits() {
    let cluster = Cluster::start();
    let url = cluster.database("base");
    sql(&url, "CREATE ROLE poor LOGIN");
    let poor = url.replace("maos@", "poor@").replace("/base?", "/missing?");
    let mut place = Place::new(&lines(&format!("'{poor}'")));
    let error = place.apply().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(
        error
            .message
            .contains("permission denied for user poor to create database missing"),
        "{error}"
    );
    assert!(error.hint.unwrap().contains("Ask for CREATEDB"));
    assert_eq!(place.states(), "skipped skipped done done failed waiting waiting");
    // What was done stays and is found; after the mending the rest follows.
    assert_eq!(
        found(&place.look().await),
        "skipped skipped place place needs needs needs"
    );
    sql(&url, "CREATE DATABASE missing OWNER poor");
    place.apply().await.unwrap();
    assert_eq!(
        found(&place.look().await),
        "skipped skipped place place place place place"
    );
}

#[tokio::test]
async fn a_tracking_table_of_another_shape_is_refused_before_anything_is_done() {
    let cluster = Cluster::start();
    let url = cluster.database("maos");
    sql(&url, "CREATE TABLE migration_tracking (a int)");
    let mut place = Place::new(&lines(&format!("'{url}'")));
    let view = place.look().await;
    assert!(
        matches!(view.line(Key::Tracking).unwrap().found, Found::Refused(_)),
        "{view:#?}"
    );
    let error = place.apply().await.unwrap_err();
    assert!(
        error.message.starts_with("Tracking table: ") && error.message.contains("not the guide's"),
        "{error}"
    );
    assert_eq!(place.states(), "", "nothing was begun");
}

#[tokio::test]
async fn the_guides_tracking_table_gets_its_unique_key() {
    let cluster = Cluster::start();
    let url = cluster.database("maos");
    let table = "CREATE TABLE migration_tracking (id SERIAL PRIMARY KEY, legacy_task_id VARCHAR(255), maos_task_id VARCHAR(255), migration_date TIMESTAMP DEFAULT NOW(), status VARCHAR(50), performance_comparison JSONB)";
    sql(&url, table);
    let mut place = Place::new(&lines(&format!("'{url}'")));
    place.apply().await.unwrap();
    let twice = "INSERT INTO migration_tracking (legacy_task_id, source) VALUES ('1', 's')";
    sql(&url, twice);
    let second = Command::new("psql").args([&url, "-c", twice]).output().unwrap();
    assert!(!second.status.success(), "{second:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_no_missing_database() {
    let mut place = Place::new(&lines("postgres://maos@127.0.0.1:1/maos"));
    let view = place.look().await;
    assert!(
        matches!(view.line(Key::Database).unwrap().found, Found::Refused(_)),
        "{view:#?}"
    );
    let error = place.apply().await.unwrap_err();
    assert!(error.message.starts_with("Migration database: "), "{error}");
    assert_eq!(place.states(), "");
}
