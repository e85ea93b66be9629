//! The throw-away servers themselves: they answer, and nothing of them is left behind.

#![cfg(test)]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/redis.rs"]
mod redis;
#[path = "../support/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use postgres::Cluster;
use redis::Redis;
use sqlx::{Connection as _, PgConnection};

fn socket_of(url: &str) -> PathBuf {
    match url.split_once("?host=") {
        Some((_, folder)) => Path::new(folder).join(".s.PGSQL.5432"),
        None => PathBuf::from(url.trim_start_matches("redis+unix://")),
    }
}

/// A session that lives as long as the server does.
fn watch(url: &str) -> UnixStream {
    let mut stream = UnixStream::connect(socket_of(url)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    if url.starts_with("postgres") {
        // A server told to stop can forget a client that has not introduced itself yet.
        let start = b"\x00\x03\x00\x00user\0maos\0database\0postgres\0\0";
        let length = u32::try_from(start.len() + 4).unwrap();
        stream.write_all(&length.to_be_bytes()).unwrap();
        stream.write_all(start).unwrap();
        let ready_for_query = b"Z\0\0\0\x05I";
        let mut answer = Vec::new();
        while !answer.ends_with(ready_for_query) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
    }
    stream
}

fn ends(mut stream: UnixStream) {
    // Read to the end: it comes when the server has gone, or the time limit does.
    let result = stream.read_to_end(&mut Vec::new());
    let gone = |kind| kind == std::io::ErrorKind::ConnectionReset;
    assert!(
        result.as_ref().is_ok() || result.as_ref().is_err_and(|e| gone(e.kind())),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn postgres_answers_and_goes() {
    let cluster = Cluster::start();
    let url = cluster.database("acme");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let row: (String, String) = sqlx::query_as("select current_database()::text, current_user::text")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(row, ("acme".into(), "maos".into()));
    let stream = watch(&url);
    let folder = socket_of(&url).parent().unwrap().to_owned();
    assert!(folder.exists());
    drop(cluster);
    ends(stream);
    assert!(!folder.exists());
}

#[tokio::test]
async fn redis_answers_and_goes() {
    let server = Redis::start();
    let url = server.url();
    let client = ::redis::Client::open(url.clone()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let pong: String = ::redis::cmd("PING").query_async(&mut connection).await.unwrap();
    assert_eq!(pong, "PONG");
    let stream = watch(&url);
    drop(server);
    ends(stream);
    assert!(!socket_of(&url).exists());
}

/// Not a test by itself: what `servers_die_with_a_killed_process` starts and kills.
#[test]
fn a_process_with_servers() {
    if std::env::var_os("TEST_HOLD_SERVERS").is_none() {
        return;
    }
    let (cluster, redis) = (Cluster::start(), Redis::start());
    println!("\nserver {}", cluster.database("a"));
    println!("server {}", redis.url());
    // Until the other side goes away.
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn servers_die_with_a_killed_process() {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_with_servers", "--nocapture"])
        .env("TEST_HOLD_SERVERS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let urls: Vec<String> = lines
        .filter_map(|line| Some(line.strip_prefix("server ")?.to_owned()))
        .take(2)
        .collect();
    assert_eq!(urls.len(), 2);
    let streams: Vec<UnixStream> = urls.iter().map(|url| watch(url)).collect();
    holder.kill().unwrap();
    holder.wait().unwrap();
    streams.into_iter().for_each(ends);
    let left = socket_of(&urls[0]).parent().unwrap().to_owned();
    assert!(left.exists(), "a killed process cannot tidy up");
    drop(Redis::start());
    assert!(!left.exists(), "the next server sweeps it away");
}
