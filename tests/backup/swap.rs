//! The swap: while clients are connected, with somebody in the way, and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use maos_migrate::engine::operation::{Control, Notice};

use crate::postgres::Cluster;
use crate::sql::sql;
use crate::support::{databases, made, open, postgres, request, sqlite};

/// Between two looks at something that other programs do.
#[expect(
    clippy::disallowed_methods,
    reason = "what is waited for has no event; the loop around it has a condition"
)]
fn breathe() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Two databases that differ by one word.
async fn pair(url: &str, place: &std::path::Path) {
    let made = made(&request(place, url)).await;
    let live = open(url);
    let dump = made.folder.join(made.manifest.database.unwrap().file);
    let name = live.named("rb_1");
    live.sibling(&name)
        .restore(&dump, live.as_ref(), &Control::silent())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn defect_67_the_swap_is_one_step_with_clients_connected() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 1_000);
    pair(&url, place.path()).await;
    sql(&url, "UPDATE tasks SET status = 'OLD SIDE'");
    // Clients that reconnect for ever; each connection that works must find the table.
    let (on, good, broken) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicU32::new(0)),
        Arc::new(AtomicU32::new(0)),
    );
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (on, good, broken, url) = (
                Arc::clone(&on),
                Arc::clone(&good),
                Arc::clone(&broken),
                url.clone(),
            );
            std::thread::spawn(move || {
                while on.load(Ordering::Relaxed) {
                    let done = std::process::Command::new("psql")
                        .args([
                            "-X",
                            "-q",
                            "-A",
                            "-t",
                            "-d",
                            &url,
                            "-c",
                            "SELECT count(*) FROM tasks; SELECT pg_sleep(0.02)",
                        ])
                        .output()
                        .unwrap();
                    let text = String::from_utf8_lossy(&done.stdout);
                    if done.status.success() {
                        assert_eq!(text.lines().next(), Some("1000"));
                        good.fetch_add(1, Ordering::Relaxed);
                    } else {
                        broken.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    // One that idles in a transaction for ever.
    let mut idle = std::process::Command::new("psql")
        .args([
            "-X",
            "-q",
            "-d",
            &url,
            "-c",
            "BEGIN; SELECT 1 FROM tasks LIMIT 1; SELECT pg_sleep(600)",
        ])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while good.load(Ordering::Relaxed) < 8 {
        breathe();
    }
    let live = open(&url);
    let begun = Instant::now();
    let swapped = live
        .swap("maos_rb_1", "maos_old_1", &Control::silent())
        .await
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{swapped:?}");
    assert!(!swapped.already && swapped.ended >= 1, "{swapped:?}");
    let after = good.load(Ordering::Relaxed);
    while good.load(Ordering::Relaxed) < after + 8 {
        breathe();
    }
    on.store(false, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    let _ = idle.wait();
    assert_eq!(sql(&url, "SELECT DISTINCT status FROM tasks"), "QUEUED");
    assert!(databases(&url).contains(&"maos_old_1".to_owned()));
    // Doing it again does nothing; taking it back is the same step.
    assert!(
        live.swap("maos_rb_1", "maos_old_1", &Control::silent())
            .await
            .unwrap()
            .already
    );
    live.swap("maos_old_1", "maos_rb_1", &Control::silent())
        .await
        .unwrap();
    assert_eq!(sql(&url, "SELECT DISTINCT status FROM tasks"), "OLD SIDE");
    println!(
        "{} answers, {} refused for a moment, swap {} ms",
        good.load(Ordering::Relaxed),
        broken.load(Ordering::Relaxed),
        swapped.ms
    );
}

/// Fault case C51: somebody holds a lock on the database itself. It is named, the swap is given up, everything is as before.
#[tokio::test(flavor = "multi_thread")]
async fn fault_c51_who_blocks_the_swap_is_named() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 100);
    pair(&url, place.path()).await;
    let beside = url.replace("/maos?", "/postgres?");
    let mut holder = std::process::Command::new("psql")
        .args([
            "-X",
            "-q",
            "-d",
            &beside,
            "-c",
            "BEGIN; COMMENT ON DATABASE maos IS 'held'; SELECT pg_sleep(600)",
        ])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_database'::regclass AND mode = 'ShareUpdateExclusiveLock'";
    while sql(&beside, held) == "0" {
        breathe();
    }
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let control = Control::new(move |notice| {
        if let Notice::Log(text) = notice {
            sink.lock().unwrap().push(text);
        }
    });
    let live = open(&url);
    let error = live.swap("maos_rb_1", "maos_old_1", &control).await.unwrap_err();
    assert!(error.message.contains("nothing is renamed"), "{error}");
    assert!(
        error.message.contains("pid ") && error.message.contains("COMMENT ON DATABASE"),
        "{error}"
    );
    assert!(told.lock().unwrap().len() > 1, "it backed off and told");
    assert_eq!(
        sql(&url, "SELECT count(*) FROM tasks"),
        "100",
        "the old one serves all the time"
    );
    holder.kill().unwrap();
    holder.wait().unwrap();
    sql(
        &beside,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()",
    );
    live.swap("maos_rb_1", "maos_old_1", &Control::silent())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_that_somebody_holds_open_is_not_swapped() {
    let (files, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = sqlite(files.path(), 100);
    pair(&url, place.path()).await;
    let path = url.strip_prefix("sqlite://").unwrap();
    let script = format!(
        "import sqlite3, sys\nc = sqlite3.connect({path:?})\nc.execute('SELECT count(*) FROM tasks').fetchall()\nprint('open', flush=True)\nsys.stdin.read()"
    );
    let mut holder = std::process::Command::new("python3")
        .args(["-c", &script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 5];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut said).unwrap();
    let live = open(&url);
    let error = live
        .swap("maos_rb_1.db", "maos_old_1.db", &Control::silent())
        .await
        .unwrap_err();
    assert!(error.message.contains("held open by pid"), "{error}");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    live.swap("maos_rb_1.db", "maos_old_1.db", &Control::silent())
        .await
        .unwrap();
    assert!(
        live.swap("maos_rb_1.db", "maos_old_1.db", &Control::silent())
            .await
            .unwrap()
            .already
    );
    assert_eq!(databases(&url), ["maos.db", "maos_old_1.db"]);
}
