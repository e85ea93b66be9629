//! This test program again, as a process that can be killed: it does one operation that its environment names and prints the report.

use std::process::{Child, Command, Stdio};

use maos_migrate::engine::operation::Control;
use maos_migrate::engine::schema::{self, Live, Stores};
use secrecy::SecretString;

use crate::support::{Db, block_on, request};

const SOURCE: &str = "SCHEMA_CHILD_SOURCE";
const TARGET: &str = "SCHEMA_CHILD_TARGET";
const ACT: &str = "SCHEMA_CHILD_ACT";

/// A command that runs `act` (`apply`, `verify`, `undo`) in another process.
pub fn command(act: &str, source: &Db, target: &Db) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "child::child", "--nocapture", "--test-threads=1"])
        .env(ACT, act)
        .env(SOURCE, source.url())
        .env(TARGET, target.url())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn spawn(command: &mut Command) -> Child {
    command.spawn().expect("the child starts")
}

/// Does nothing when the program runs as a test.
#[test]
fn child() {
    let (Ok(act), Ok(source), Ok(target)) =
        (std::env::var(ACT), std::env::var(SOURCE), std::env::var(TARGET))
    else {
        return;
    };
    let text = block_on(async {
        let stores = Stores {
            source: maos_migrate::adapters::open_store(&SecretString::from(source), false).expect("source"),
            target: maos_migrate::adapters::open_store(&SecretString::from(target), true).expect("target"),
        };
        let mut request = request();
        if let Ok(ttl) = std::env::var("SCHEMA_CHILD_TTL") {
            request.lease_ttl_s = ttl.parse().expect("a number");
        }
        if let Ok(holder) = std::env::var("SCHEMA_CHILD_HOLDER") {
            request.holder = holder;
        }
        let control = Control::silent();
        if let Ok(pace) = std::env::var("SCHEMA_CHILD_PACE") {
            control.set_pace(pace.parse().expect("a number"));
        }
        let prepared = match schema::plan(&request, &stores, &control).await {
            Ok(prepared) => prepared,
            Err(error) => return format!("ERROR {:?} {}", error.kind, error.message),
        };
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        let live = Live::default();
        let done = match act.as_str() {
            "apply" => schema::apply(&prepared, &stores, now, &control, &live)
                .await
                .map(|done| serde_json::to_string(&done.report).expect("json")),
            "verify" => schema::verify_run(&prepared, &stores, &control, &live)
                .await
                .map(|(_, report)| serde_json::to_string(&report).expect("json")),
            _ => match schema::undo_plan(&prepared, &stores, &control).await {
                Err(error) => Err(error),
                Ok(back) => schema::undo(&prepared, &back, &stores, &control, &live)
                    .await
                    .map(|(_, report)| serde_json::to_string(&report).expect("json")),
            },
        };
        match done {
            Ok(text) => format!("REPORT {text}"),
            Err(error) => format!("ERROR {:?} {}", error.kind, error.message),
        }
    });
    let peak = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            status
                .lines()
                .find(|line| line.starts_with("VmHWM"))
                .map(str::to_owned)
        })
        .unwrap_or_default();
    println!("\n{text}\nPEAK {peak}");
}
