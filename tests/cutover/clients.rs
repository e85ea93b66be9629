//! On real PostgreSQL with clients connected that read and write all the time: the rows cross, and at no moment a database is away.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::program::finish;
use crate::sql::sql;
use crate::support::Site;

/// A client that holds a transaction open on a database, as a forgotten console does.
fn idle(url: &str) -> Child {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-d", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = psql.spawn().unwrap();
    std::io::Write::write_all(
        child.stdin.as_mut().unwrap(),
        b"BEGIN; SELECT count(*) FROM pg_class;\n",
    )
    .unwrap();
    child
}

/// A client that asks for a table until it is told to end; how often it was answered, and how often not.
struct Reader {
    ends: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    away: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    #[expect(
        clippy::disallowed_methods,
        reason = "clients ask at their own pace until they are told to stop"
    )]
    fn of(url: &str, table: &'static str) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let (answered, away) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (stop, good, bad, url) = (
            Arc::clone(&ends),
            Arc::clone(&answered),
            Arc::clone(&away),
            url.to_owned(),
        );
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let done = Command::new("psql")
                    .args(["-X", "-q", "-A", "-t", "-d", &url, "-c"])
                    .arg(format!("SELECT count(*) FROM {table}"))
                    .stderr(Stdio::null())
                    .output()
                    .unwrap();
                let counter = if done.status.success() { &good } else { &bad };
                counter.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self {
            ends,
            answered,
            away,
            thread: Some(thread),
        }
    }

    /// How often the table was there, and how often it was not.
    fn end(mut self) -> (u64, u64) {
        self.ends.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
        (
            self.answered.load(Ordering::SeqCst),
            self.away.load(Ordering::SeqCst),
        )
    }
}

#[test]
fn killed_in_the_middle_of_the_rows_with_clients_on_both_databases() {
    let site = Site::postgres().backed_up();
    site.three_more();
    let (rows, _) = site.rows();
    let mut idle = [idle(&site.legacy), idle(&site.target)];
    let readers = [
        Reader::of(&site.legacy, "legacy_tasks"),
        Reader::of(&site.target, "tasks"),
    ];
    for point in [
        "cutover.catch_up.effect",
        "cutover.both_ways.intent",
        "cutover.start.effect",
    ] {
        let args = site.apply(&[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = site.command(&args);
        command.env("MAOS_MIGRATE_FAIL_POINT", point);
        let ran = finish(command);
        assert_eq!(ran.code, None, "{point} {ran:#?}");
        assert_eq!(site.rows(), (rows + 3, rows + 3), "{point}");
    }
    let done = site.over(&[]);
    assert_eq!(done["converted"], 6, "{done:#}");
    assert!(site.closed() && site.serves());
    assert_eq!(
        sql(&site.target, "SELECT count(*) - count(DISTINCT id) FROM tasks"),
        "0"
    );
    for reader in readers {
        let (answered, away) = reader.end();
        assert!(answered > 3 && away == 0, "answered {answered}, away {away}");
    }
    for client in &mut idle {
        // It was not thrown out: nothing here needs the database for itself.
        assert_eq!(client.try_wait().unwrap(), None);
        client.kill().unwrap();
        client.wait().unwrap();
    }
}

/// Fault C52: the database of MAOS takes nothing more.
#[test]
fn fault_c52_a_database_that_takes_nothing_opens_legacy_again() {
    let site = Site::postgres().backed_up();
    site.three_more();
    let (rows, legacy) = site.rows();
    let refuse = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
                  $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file: No space left on device'; END $$; \
                  CREATE TRIGGER full_disk BEFORE INSERT ON tasks EXECUTE FUNCTION full_disk()";
    sql(&site.target, refuse);
    let args = site.apply(&[]);
    let ran = site.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!matches!(ran.code, Some(0) | None), "{ran:#?}");
    let said = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(
        said.contains("step last catch-up failed") && said.contains("legacy is open again, the gap was 0:"),
        "{said}"
    );
    assert!(!site.closed() && !site.serves());
    assert_eq!(site.rows(), (rows, legacy));
    // Space is made, and it goes through.
    sql(&site.target, "DROP TRIGGER full_disk ON tasks");
    site.over(&[]);
    assert!(site.serves());
}
