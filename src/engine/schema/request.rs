//! What an operator asks for.

use std::collections::BTreeMap;

use std::sync::Arc;

use super::mapping::{Mapping, Running};
use crate::engine::error::Result;
use crate::engine::ports::store::{Store, Table};

/// The two databases.
#[derive(Clone)]
pub struct Stores {
    /// Where the legacy rows are; only read.
    pub source: Arc<dyn Store>,
    /// Where the tasks go.
    pub target: Arc<dyn Store>,
}

/// The names of the source's columns; `None`: the source has no such column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnNames {
    /// The key.
    pub id: String,
    /// See the guide's `legacy_tasks`.
    pub description: Option<String>,
    /// See the guide's `legacy_tasks`.
    pub category: Option<String>,
    /// See the guide's `legacy_tasks`.
    pub status: Option<String>,
    /// See the guide's `legacy_tasks`.
    pub priority: Option<String>,
    /// See the guide's `legacy_tasks`.
    pub created_at: Option<String>,
    /// See the guide's `legacy_tasks`.
    pub metadata: Option<String>,
}

impl Default for ColumnNames {
    fn default() -> Self {
        let name = |text: &str| Some(text.to_owned());
        Self {
            id: "id".to_owned(),
            description: name("description"),
            category: name("category"),
            status: name("status"),
            priority: name("priority"),
            created_at: name("created_at"),
            metadata: name("metadata"),
        }
    }
}

/// What is to be migrated, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The legacy table.
    pub source_table: Table,
    /// The task table.
    pub target_table: Table,
    /// The legacy columns.
    pub columns: ColumnNames,
    /// The name of the source in ledger and ids; by default its table's name.
    pub label: Option<String>,
    /// What values become.
    pub mapping: Mapping,
    /// What happens to running rows; `None`: not decided.
    pub running: Option<Running>,
    /// Running rows that are decided one by one, by key: a status, or `keep`. The others are decided by `running`.
    pub rows: BTreeMap<String, String>,
    /// Create the guide's task table when there is none.
    pub create_target: bool,
    /// Accept a ledger that was begun with another source.
    pub restart: bool,
    /// The most rows that may be set aside; `None`: any number.
    pub quarantine_limit: Option<u64>,
    /// Connections that copy; 0 means the engine's choice.
    pub workers: usize,
    /// Who operates, in words: `alice on ops-2, pid 4711`.
    pub holder: String,
    /// Seconds of silence after which a holder that cannot be reached loses the lease.
    pub lease_ttl_s: u32,
    /// Take the lease from a living holder, with the reason.
    pub force: Option<String>,
    /// Seconds to wait for a full disk or a lost server before giving up.
    pub patience_s: u64,
    /// Milliseconds without a committed or proved chunk after which the run says what it waits for.
    pub stall_ms: u64,
}

impl Request {
    /// The guide's tables and columns with the shipped mapping.
    ///
    /// # Errors
    /// A bug: the shipped mapping does not read.
    pub fn new(holder: impl Into<String>) -> Result<Self> {
        Ok(Self {
            source_table: Table::parse("legacy_tasks"),
            target_table: Table::parse("tasks"),
            columns: ColumnNames::default(),
            label: None,
            mapping: Mapping::shipped()?,
            running: None,
            rows: BTreeMap::new(),
            create_target: true,
            restart: false,
            quarantine_limit: None,
            workers: 0,
            holder: holder.into(),
            lease_ttl_s: 30,
            force: None,
            patience_s: 600,
            stall_ms: 5_000,
        })
    }

    /// The name of the source in ledger and ids.
    #[must_use]
    pub fn label(&self) -> String {
        self.label
            .clone()
            .unwrap_or_else(|| self.source_table.to_string())
    }
}
