//! One unit of work: the configured program, or a simulated duration that says so in its result.

use std::time::Duration;

use serde_json::{Value, json};

use crate::adapters::process::MachineProcesses;
use crate::engine::ports::process::{Call, Ended, Processes as _, Stdin};
use crate::engine::text;

/// What an agent is given.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) task: i64,
    pub(super) n: usize,
    pub(super) agent: usize,
    /// The document that a worker reads.
    pub(super) document: Value,
    pub(super) worker: Vec<String>,
    pub(super) seconds: f64,
    pub(super) latency: Duration,
    pub(super) limit: Duration,
    /// It is to fail, whatever the worker says.
    pub(super) fails: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) task: i64,
    pub(super) n: usize,
    pub(super) agent: usize,
    pub(super) took: Duration,
    pub(super) result: Result<Value, String>,
}

/// Does it.
pub(super) async fn perform(order: Order) -> Done {
    let begun = std::time::Instant::now();
    tokio::time::sleep(order.latency).await;
    let result = if order.worker.is_empty() {
        tokio::time::sleep(Duration::from_secs_f64(order.seconds)).await;
        Ok(json!({"simulated": true, "seconds": order.seconds}))
    } else {
        work(&order).await
    };
    let result = if order.fails {
        Err("failed on purpose: the rehearsal's failure rate".to_owned())
    } else {
        result
    };
    Done {
        task: order.task,
        n: order.n,
        agent: order.agent,
        took: begun.elapsed(),
        result,
    }
}

async fn work(order: &Order) -> Result<Value, String> {
    let mut call = Call::new(order.worker.clone(), order.limit);
    call.stdin = Stdin::Bytes(order.document.to_string().into_bytes());
    call.kept = 256 * 1024;
    let output = MachineProcesses
        .run(call, None)
        .await
        .map_err(|error| error.message)?;
    let said = |bytes: &[u8]| text::inert_short(String::from_utf8_lossy(bytes).trim(), 300);
    match output.ended {
        Ended::Exit(0) => {
            Ok(serde_json::from_slice(&output.stdout).unwrap_or_else(|_| json!(said(&output.stdout))))
        }
        Ended::Exit(code) => Err(match said(&output.stderr) {
            words if words.is_empty() => format!("exit {code}"),
            words => format!("exit {code}: {words}"),
        }),
        Ended::Signal(signal) => Err(format!("ended by signal {signal}")),
        Ended::TimedOut => Err(format!("no result within {} s", order.limit.as_secs())),
        Ended::Stopped => Err("stopped".to_owned()),
        Ended::NotFound => Err(format!(
            "there is no program {}",
            text::inert_short(&order.worker[0], 100)
        )),
        Ended::NotPermitted => Err(format!(
            "{} may not be run",
            text::inert_short(&order.worker[0], 100)
        )),
    }
}
