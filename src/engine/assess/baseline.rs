//! The baseline figures, worked out from the sums of the legacy table. Pure; the sums come through
//! [`crate::engine::ports::legacy::Baseline`].

use super::decimal::Decimal;
use super::value::Value;
use crate::engine::ports::legacy::BaselineSums;
use crate::engine::ports::probe::Reading;
use crate::engine::text::{count, plural};

/// The figures this gives, as the questionnaire names them.
pub const FIGURES: &[&str] = &[
    "tasks_per_hour",
    "failure_rate",
    "average_response_time",
    "task_duration",
    "baseline_hours",
];

const HOUR: f64 = 3600.0;

/// Works out every figure, or why it cannot be had.
///
/// - tasks per hour = rows that ended ÷ hours from the first start to the last end
/// - failure rate = failed ÷ (failed + completed), in percent
/// - average response time = mean seconds from creation to end
/// - task duration = mean minutes from start to end
#[must_use]
pub fn figures(sums: &BaselineSums) -> Vec<Reading> {
    let table = &sums.table;
    if sums.rows == 0 {
        return FIGURES
            .iter()
            .map(|figure| Reading::none(figure, format!("{table} has no rows")))
            .collect();
    }
    let left_out = if sums.unusable == 0 {
        String::new()
    } else {
        format!(
            "; {} with unusable times left out",
            plural(sums.unusable, "row", "rows")
        )
    };
    let gap = || {
        if sums.missing.is_empty() {
            format!("{table} has no usable times{left_out}")
        } else {
            format!("{table} has {}", sums.missing)
        }
    };
    let hours = match (sums.first, sums.last) {
        (Some(first), Some(last)) if last > first => Some((last - first) / HOUR),
        _ => None,
    };
    let number = |figure: &str, value: f64, digits: usize, evidence: String| {
        Decimal::measured(value, digits).map_or_else(
            || Reading::none(figure, format!("{table} gives a figure out of range")),
            |n| Reading::of(figure, Value::Number(n), evidence.clone()),
        )
    };

    let mut readings = Vec::with_capacity(FIGURES.len());
    readings.push(match (sums.ended, hours) {
        (Some(ended), Some(hours)) if ended > 0 => number(
            "tasks_per_hour",
            as_f64(ended) / hours,
            2,
            format!("{} ended in {hours:.1} h, {table}{left_out}", count(ended)),
        ),
        _ => Reading::none("tasks_per_hour", gap()),
    });
    readings.push(match (sums.failed, sums.completed) {
        (Some(failed), Some(completed)) if failed + completed > 0 => number(
            "failure_rate",
            100.0 * as_f64(failed) / as_f64(failed + completed),
            2,
            format!(
                "{} failed of {} ended, {table}",
                count(failed),
                count(failed + completed)
            ),
        ),
        (Some(_), Some(_)) => Reading::none("failure_rate", format!("no row of {table} completed or failed")),
        _ => Reading::none("failure_rate", format!("{table} has no column status")),
    });
    let mean = |figure: &str, sum: Option<(f64, u64)>, unit: f64, digits: usize| match sum {
        Some((seconds, rows)) if rows > 0 => number(
            figure,
            seconds / as_f64(rows) / unit,
            digits,
            format!("mean of {}, {table}{left_out}", plural(rows, "row", "rows")),
        ),
        _ => Reading::none(figure, gap()),
    };
    readings.push(mean("average_response_time", sums.response, 1.0, 3));
    readings.push(mean("task_duration", sums.duration, 60.0, 3));
    readings.push(match hours {
        Some(hours) => number("baseline_hours", hours, 1, format!("{}, {table}", sums.columns)),
        None => Reading::none("baseline_hours", gap()),
    });
    readings
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows stay far below 2^53")]
fn as_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(readings: &[Reading]) -> Vec<String> {
        readings
            .iter()
            .map(|reading| match &reading.result {
                Ok(figure) => {
                    let Value::Number(n) = &figure.value else {
                        panic!("a baseline figure is a number")
                    };
                    format!("{} {n} ({})", reading.figure, figure.evidence)
                }
                Err(why) => format!("{} - ({why})", reading.figure),
            })
            .collect()
    }

    #[test]
    fn figures_follow_from_the_sums() {
        let sums = BaselineSums {
            table: "legacy_tasks".to_owned(),
            rows: 110,
            completed: Some(92),
            failed: Some(8),
            ended: Some(100),
            first: Some(1_000_000.0),
            last: Some(1_000_000.0 + 36_000.0),
            response: Some((24_000.0, 100)),
            duration: Some((12_000.0, 100)),
            unusable: 2,
            columns: "created_at to completed_at".to_owned(),
            missing: String::new(),
        };
        assert_eq!(
            shown(&figures(&sums)),
            [
                "tasks_per_hour 10 (100 ended in 10.0 h, legacy_tasks; 2 rows with unusable times left out)",
                "failure_rate 8 (8 failed of 100 ended, legacy_tasks)",
                "average_response_time 240 (mean of 100 rows, legacy_tasks; 2 rows with unusable times left out)",
                "task_duration 2 (mean of 100 rows, legacy_tasks; 2 rows with unusable times left out)",
                "baseline_hours 10 (created_at to completed_at, legacy_tasks)",
            ]
        );
    }

    #[test]
    fn what_is_missing_is_said_and_no_figure_invented() {
        let sums = BaselineSums {
            table: "legacy_tasks".to_owned(),
            rows: 3,
            completed: Some(0),
            failed: Some(0),
            missing: "no column completed_at".to_owned(),
            ..BaselineSums::default()
        };
        assert_eq!(
            shown(&figures(&sums)),
            [
                "tasks_per_hour - (legacy_tasks has no column completed_at)",
                "failure_rate - (no row of legacy_tasks completed or failed)",
                "average_response_time - (legacy_tasks has no column completed_at)",
                "task_duration - (legacy_tasks has no column completed_at)",
                "baseline_hours - (legacy_tasks has no column completed_at)",
            ]
        );
        assert!(
            figures(&BaselineSums::default())
                .iter()
                .all(|reading| reading.result.is_err())
        );
    }
}
