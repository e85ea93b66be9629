//! How busy this machine is, sampled over about a second.

use std::time::Duration;

use super::machine::kilobytes;
use crate::engine::assess::{Decimal, Value};
use crate::engine::ports::BoxFuture;
use crate::engine::ports::probe::{Probe, Reading};

/// CPU and memory use of this machine.
#[derive(Debug, Clone)]
pub struct Utilization {
    over: Duration,
}

impl Default for Utilization {
    fn default() -> Self {
        Self {
            over: Duration::from_secs(1),
        }
    }
}

impl Probe for Utilization {
    fn id(&self) -> &'static str {
        "utilization"
    }

    fn figures(&self) -> &'static [&'static str] {
        &["cpu_utilization", "memory_utilization"]
    }

    fn limit(&self) -> Duration {
        self.over + Duration::from_secs(4)
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async { vec![memory().await, cpu(self.over).await] })
    }
}

async fn memory() -> Reading {
    let figure = "memory_utilization";
    let Ok(text) = tokio::fs::read_to_string("/proc/meminfo").await else {
        return Reading::none(figure, "/proc/meminfo cannot be read");
    };
    let (Some(total), Some(free)) = (kilobytes(&text, "MemTotal"), kilobytes(&text, "MemAvailable")) else {
        return Reading::none(figure, "/proc/meminfo does not say what is available");
    };
    percent(
        figure,
        total.saturating_sub(free),
        total,
        "/proc/meminfo, this machine now",
    )
}

async fn cpu(over: Duration) -> Reading {
    let figure = "cpu_utilization";
    let Some(before) = ticks().await else {
        return Reading::none(figure, "/proc/stat cannot be read");
    };
    tokio::time::sleep(over).await;
    let Some(after) = ticks().await else {
        return Reading::none(figure, "/proc/stat cannot be read");
    };
    let total = after.total.saturating_sub(before.total);
    let idle = after.idle.saturating_sub(before.idle);
    let evidence = format!("/proc/stat, this machine over {:.0} s", over.as_secs_f64());
    percent(figure, total.saturating_sub(idle), total, &evidence)
}

struct Ticks {
    total: u64,
    idle: u64,
}

async fn ticks() -> Option<Ticks> {
    let text = tokio::fs::read_to_string("/proc/stat").await.ok()?;
    parse_ticks(&text)
}

/// The first line: user, nice, system, idle, iowait, irq, softirq, steal; guest time is part of user already.
fn parse_ticks(stat: &str) -> Option<Ticks> {
    let fields: Vec<u64> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .take(8)
        .map_while(|field| field.parse().ok())
        .collect();
    let idle = fields.get(3)? + fields.get(4).copied().unwrap_or(0);
    Some(Ticks {
        total: fields.iter().sum(),
        idle,
    })
}

fn percent(figure: &str, part: u64, whole: u64, evidence: &str) -> Reading {
    // Tenths of a percent, rounded down: 100 only when all is used.
    let tenths = i128::from(part) * 1000 / i128::from(whole.max(1));
    match Decimal::ratio(tenths, 10) {
        Some(percent) if whole > 0 => Reading::of(figure, Value::Number(percent), evidence),
        _ => Reading::none(figure, "nothing was counted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_all_that_is_not_idle() {
        let ticks = parse_ticks("cpu  10 0 20 60 10 0 0 0 5 0\ncpu0 1 2 3\n").expect("reads");
        assert_eq!((ticks.total, ticks.idle), (100, 70));
        assert!(parse_ticks("intr 5").is_none());
    }

    #[test]
    fn percents_have_one_digit_and_never_round_up_to_100() {
        let shown = |part, whole| {
            percent("x", part, whole, "e")
                .result
                .map(|figure| figure.value.shown())
        };
        assert_eq!(shown(1, 3), Ok("33.3".to_owned()));
        assert_eq!(shown(99_999, 100_000), Ok("99.9".to_owned()));
        assert!(shown(0, 0).is_err());
    }
}
