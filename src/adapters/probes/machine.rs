//! Cores, memory and free space of this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::assess::{Decimal, Value};
use crate::engine::ports::BoxFuture;
use crate::engine::ports::probe::{Probe, Reading};

const LIMIT: Duration = Duration::from_secs(2);
/// Gigabytes are billions of bytes, as disks and machines are sold.
const GB: f64 = 1e9;

/// CPU cores that this process may use.
#[derive(Debug, Clone, Copy)]
pub struct CpuCores;

impl Probe for CpuCores {
    fn id(&self) -> &'static str {
        "cpu_cores"
    }

    fn figures(&self) -> &'static [&'static str] {
        &["cpu_cores"]
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async {
            // The standard library counts the affinity mask and the quota of the control group.
            vec![match std::thread::available_parallelism() {
                Ok(cores) => match i64::try_from(cores.get()) {
                    Ok(cores) => Reading::of("cpu_cores", Value::Integer(cores), "sched affinity"),
                    Err(_) => Reading::none("cpu_cores", "the number of cores is out of range"),
                },
                Err(error) => Reading::none("cpu_cores", format!("the system does not say: {error}")),
            }]
        })
    }
}

/// Memory that this process may use.
#[derive(Debug, Clone, Copy)]
pub struct Memory;

impl Probe for Memory {
    fn id(&self) -> &'static str {
        "ram_gb"
    }

    fn figures(&self) -> &'static [&'static str] {
        &["ram_gb"]
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async {
            let total = match tokio::fs::read_to_string("/proc/meminfo").await {
                Ok(text) => kilobytes(&text, "MemTotal").map(|kb| kb * 1024),
                Err(error) => return vec![Reading::none("ram_gb", format!("/proc/meminfo: {error}"))],
            };
            let Some(total) = total else {
                return vec![Reading::none("ram_gb", "/proc/meminfo has no MemTotal")];
            };
            // A container may be given less than the machine has.
            let limit = tokio::fs::read_to_string("/sys/fs/cgroup/memory.max")
                .await
                .ok()
                .and_then(|text| text.trim().parse::<u64>().ok())
                .filter(|limit| *limit < total);
            let evidence = if limit.is_some() {
                "cgroup memory.max"
            } else {
                "/proc/meminfo"
            };
            vec![gigabytes("ram_gb", limit.unwrap_or(total), evidence)]
        })
    }
}

/// Free space where the workspace lies.
#[derive(Debug, Clone)]
pub struct Storage {
    folder: PathBuf,
}

impl Storage {
    /// Where `folder` lies, or will lie: the nearest folder above it that exists is asked.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
        }
    }
}

impl Probe for Storage {
    fn id(&self) -> &'static str {
        "storage_free_gb"
    }

    fn figures(&self) -> &'static [&'static str] {
        &["storage_free_gb"]
    }

    fn limit(&self) -> Duration {
        // A network file system that hangs must not hold up the rest.
        Duration::from_secs(5)
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        let folder = self.folder.clone();
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || {
                let near = folder
                    .ancestors()
                    .find(|folder| folder.exists())
                    .map(Path::to_path_buf);
                let near = near.unwrap_or_else(|| PathBuf::from("."));
                rustix::fs::statvfs(&near).map(|stat| (near, stat))
            })
            .await;
            vec![match asked {
                Ok(Ok((folder, stat))) => gigabytes(
                    "storage_free_gb",
                    stat.f_bavail.saturating_mul(stat.f_frsize),
                    &format!("statvfs {}", folder.display()),
                ),
                Ok(Err(error)) => Reading::none("storage_free_gb", format!("statvfs: {error}")),
                Err(_) => Reading::none("storage_free_gb", "the probe broke off"),
            }]
        })
    }
}

fn gigabytes(figure: &str, bytes: u64, evidence: &str) -> Reading {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
    let gigabytes = bytes as f64 / GB;
    Decimal::measured(gigabytes, 1).map_or_else(
        || Reading::none(figure, "the figure is out of range"),
        |gigabytes| Reading::of(figure, Value::Number(gigabytes), evidence),
    )
}

/// A line of `/proc/meminfo`, in kB.
pub(super) fn kilobytes(meminfo: &str, name: &str) -> Option<u64> {
    meminfo
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
