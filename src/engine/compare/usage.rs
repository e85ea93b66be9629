//! What the programs of a run used, where that can be measured: only programs that run under this one.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::ports::process::Processes;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Processor time and memory of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// CPU seconds, user and system, of all programs together.
    pub cpu_s: f64,
    /// The most resident memory of all programs at one moment, bytes.
    pub peak_bytes: u64,
}

/// Does `work` and measures the programs under us meanwhile. `None` where the machine does not tell, or no program was seen:
/// then nothing was measured, which is not zero.
pub async fn measured<T>(processes: &dyn Processes, work: impl Future<Output = T>) -> (T, Option<Used>) {
    let Some(before) = processes.below() else {
        return (work.await, None);
    };
    let mut peak_bytes = 0;
    tokio::pin!(work);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut work => break result,
            () = tokio::time::sleep(LOOK) => {
                if let Some(now) = processes.below() {
                    peak_bytes = peak_bytes.max(now.resident_bytes);
                }
            }
        }
    };
    let used = processes.below().map(|after| Used {
        cpu_s: (after.cpu_s - before.cpu_s).max(0.0),
        peak_bytes,
    });
    (result, used.filter(|used| used.peak_bytes > 0))
}
