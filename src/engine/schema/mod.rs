//! Rows of `legacy_tasks` to rows of `tasks`, proved.

mod by_row;
pub mod canon;
pub mod census;
pub mod chain;
pub mod chunks;
mod copying;
pub mod expect;
pub mod hash;
pub mod key;
mod lease;
pub mod live;
pub mod mapping;
pub mod plan;
pub mod proof;
pub mod quick;
pub mod report;
pub mod request;
pub mod retry;
pub mod run;
pub mod shape;
mod subject;
pub mod times;
pub mod undo;
mod watch;
pub mod witness;

pub use by_row::{MOST, RunningRow, hint, running, undecided};
pub use census::{Census, CensusRow};
pub use live::{Live, RunView, Tile};
pub use mapping::{Mapping, Running};
pub use plan::{Block, Prepared, plan};
pub use proof::Verified;
pub use report::{Applied, ApplyReport, UndoReport, VerifyReport};
pub use request::{ColumnNames, Request, Stores};
pub use run::{apply, quarantined};
pub use undo::{UndoPrepared, undo, undo_plan, verify_run};
