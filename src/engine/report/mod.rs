//! The evidence for the file: what was asked, done, by whom and when, and how every count is known.
//!
//! [`Report`] is filled by the caller from the journal; [`render`] turns it into blocks, [`markdown`] and [`html`] write
//! the same blocks. All of it is pure: equal reports give equal files. To add a part, add a function to [`render`] that
//! pushes blocks.

pub mod blocks;
pub mod gather;
pub mod html;
pub mod markdown;
pub mod measured;
pub mod model;
pub mod monitoring;
pub mod plot;
pub mod render;
pub mod rollback;
pub mod summary;

pub use gather::gather;
pub use measured::{Comparison, Validation};
pub use model::{Artifact, Journal, Part, PartState, QuarantineGroup, Report, Signed};
pub use monitoring::Monitoring;
pub use render::{html_report, markdown_report, pictures};
pub use rollback::WentBack;
pub use summary::{accounted_for, now_line, open_items};
