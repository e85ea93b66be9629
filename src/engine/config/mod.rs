//! Legacy configuration to MAOS configuration.
//!
//! [`read`] gives the legacy keys with their places, [`map`] the profile (data under `assets/config/`), [`convert`] is the
//! pure core that joins them, [`emit`] writes the result, [`report`] and [`view`] tell it, [`operation`] is plan and apply.
//!
//! To add a legacy key: a name in a map. To add a kind of value: `value`. To add a format: [`read`].

mod address;
mod candidate;
pub mod convert;
mod dotenv;
pub mod emit;
mod json;
pub mod map;
pub mod operation;
pub mod read;
mod reference;
pub mod report;
mod secret;
pub mod tree;
mod value;
pub mod view;

pub use convert::{Decisions, Severity};
pub use emit::{ENV_FILE, OutputFormat};
pub use map::{Map, Profile};
pub use operation::{Prepared, Request, apply, plan};
pub use report::Report;
pub use view::View;
