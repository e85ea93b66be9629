//! The baseline figures as a probe, over the legacy database.

use std::sync::Arc;
use std::time::Duration;

use super::{Place, baseline_postgres, baseline_sqlite};
use crate::engine::assess::baseline::{FIGURES, figures};
use crate::engine::error::Result;
use crate::engine::ports::BoxFuture;
use crate::engine::ports::legacy::{Baseline, BaselineSums};
use crate::engine::ports::probe::{Probe, Reading};

/// The legacy task table in its database.
#[derive(Debug)]
pub struct LegacyDatabase {
    place: Place,
    table: String,
}

impl LegacyDatabase {
    /// `table` may name its schema: `app.legacy_tasks`.
    #[must_use]
    pub fn new(place: Place, table: &str) -> Self {
        Self {
            place,
            table: table.to_owned(),
        }
    }
}

impl Baseline for LegacyDatabase {
    fn measure(&self) -> BoxFuture<'_, Result<BaselineSums>> {
        Box::pin(async {
            match &self.place {
                Place::Sqlite(path) => baseline_sqlite::measure(path, &self.table).await,
                Place::Postgres(url) => baseline_postgres::measure(url, &self.table).await,
            }
        })
    }
}

/// Turns the sums into figures.
pub struct BaselineProbe {
    legacy: Arc<dyn Baseline>,
}

impl BaselineProbe {
    /// Over this database.
    #[must_use]
    pub fn new(legacy: Arc<dyn Baseline>) -> Self {
        Self { legacy }
    }
}

impl Probe for BaselineProbe {
    fn id(&self) -> &'static str {
        "baseline"
    }

    fn figures(&self) -> &'static [&'static str] {
        FIGURES
    }

    fn limit(&self) -> Duration {
        // One pass over a table of a million rows takes a few seconds.
        Duration::from_secs(30)
    }

    fn run(&self) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async {
            match self.legacy.measure().await {
                Ok(sums) => figures(&sums),
                Err(error) => FIGURES
                    .iter()
                    .map(|figure| Reading::none(figure, error.message.clone()))
                    .collect(),
            }
        })
    }
}

/// Names a legacy table may give its columns, the likeliest first.
pub(super) const CREATED: &[&str] = &["created_at", "created", "submitted_at", "queued_at"];
pub(super) const STARTED: &[&str] = &["started_at", "started", "start_time"];
pub(super) const ENDED: &[&str] = &["completed_at", "finished_at", "ended_at", "end_time"];
pub(super) const STATUS: &[&str] = &["status", "state"];

/// The first of `names` among the table's columns, as the table spells it.
pub(super) fn column<'a, T>(columns: &'a [(String, T)], names: &[&str]) -> Option<&'a (String, T)> {
    names.iter().find_map(|name| {
        columns
            .iter()
            .find(|(column, _)| column.eq_ignore_ascii_case(name))
    })
}

/// An identifier in quotes, so that it is never anything but a name.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The expressions of one table, all made of quoted identifiers.
pub(super) struct Expressions {
    /// Seconds of creation, start and end; `null` where the column is missing.
    pub(super) created: String,
    pub(super) started: String,
    pub(super) ended: String,
    /// Whether the end column has anything in it.
    pub(super) has_end: String,
    /// The status in lower case, or `null`.
    pub(super) status: String,
    /// The table.
    pub(super) table: String,
}

impl Expressions {
    /// One statement that takes every sum in one pass; `float` is the dialect's cast of an expression to a double.
    pub(super) fn statement(&self, float: impl Fn(&str) -> String) -> String {
        let Self {
            created,
            started,
            ended,
            has_end,
            status,
            table,
        } = self;
        let usable = "t_end is not null and (t_begin is null or t_end >= t_begin)";
        let response = "t_end is not null and t_created is not null and t_end >= t_created";
        let duration = "t_end is not null and t_started is not null and t_end >= t_started";
        format!(
            "select count(*) as n_rows, \
             count(case when word in ('completed', 'complete', 'done', 'success', 'succeeded') then 1 end) as n_completed, \
             count(case when word in ('failed', 'failure', 'error') then 1 end) as n_failed, \
             count(case when {usable} then 1 end) as n_ended, \
             count(case when any_end and not ({usable}) then 1 end) as n_unusable, \
             min(case when {usable} then coalesce(t_begin, t_end) end) as first_at, \
             max(case when {usable} then t_end end) as last_at, \
             {} as response_sum, count(case when {response} then 1 end) as n_response, \
             {} as duration_sum, count(case when {duration} then 1 end) as n_duration \
             from (select s.*, coalesce(t_created, t_started) as t_begin from \
             (select {created} as t_created, {started} as t_started, {ended} as t_end, {has_end} as any_end, \
             {status} as word from {table}) as s) as t",
            float(&format!("sum(case when {response} then t_end - t_created end)")),
            float(&format!("sum(case when {duration} then t_end - t_started end)")),
        )
    }
}

/// The figures of the statement's one row.
pub(super) struct Row {
    pub(super) rows: i64,
    pub(super) completed: i64,
    pub(super) failed: i64,
    pub(super) ended: i64,
    pub(super) unusable: i64,
    pub(super) first: Option<f64>,
    pub(super) last: Option<f64>,
    pub(super) response: (Option<f64>, i64),
    pub(super) duration: (Option<f64>, i64),
}

/// Which columns the sums were taken from.
pub(super) struct Used<'a> {
    pub(super) created: Option<&'a str>,
    pub(super) started: Option<&'a str>,
    pub(super) ended: Option<&'a str>,
    pub(super) status: Option<&'a str>,
    /// What is missing beside absent columns: `a usable type of created_at (text)`.
    pub(super) unfit: String,
}

impl Row {
    pub(super) fn sums(self, table: &str, used: &Used<'_>) -> BaselineSums {
        let n = |count: i64| u64::try_from(count).unwrap_or(0);
        let begin = used.created.or(used.started);
        let missing = if !used.unfit.is_empty() {
            used.unfit.clone()
        } else if used.ended.is_none() {
            format!("no column {}", ENDED[0])
        } else if begin.is_none() {
            format!("no column {}", CREATED[0])
        } else {
            String::new()
        };
        BaselineSums {
            table: table.to_owned(),
            rows: n(self.rows),
            completed: used.status.map(|_| n(self.completed)),
            failed: used.status.map(|_| n(self.failed)),
            ended: used.ended.map(|_| n(self.ended)),
            first: self.first,
            last: self.last,
            response: self.response.0.map(|sum| (sum, n(self.response.1))),
            duration: self.duration.0.map(|sum| (sum, n(self.duration.1))),
            unusable: n(self.unusable),
            columns: format!("{} to {}", begin.unwrap_or("-"), used.ended.unwrap_or("-")),
            missing,
        }
    }
}
