//! Legacy configuration to MAOS configuration.
//!
//! [`read`] gives the legacy keys with their places, [`map`] the profile (data under `assets/config/`), [`convert`] is the
//! pure core that joins them into a [`model`], [`emit`] writes the result, [`report`] and [`view`] tell it, [`operation`] is the
//! plan and `apply` what puts it in place.
//!
//! To add a legacy key: a name in a map. To add a kind of value: `value`. To add a format: [`read`].

mod address;
mod address_text;
mod apply;
mod candidate;
pub mod convert;
mod dotenv;
pub mod emit;
mod json;
pub mod map;
pub mod model;
pub mod operation;
pub mod read;
mod reference;
pub mod report;
mod secret;
pub mod tree;
mod value;
pub mod view;
mod write;

pub use apply::apply;
pub use emit::{ENV_FILE, OutputFormat};
pub use map::{Map, Profile};
pub use model::{Decisions, Severity};
pub use operation::{Prepared, Request, check_edit, check_recordable, check_secret, environment, plan};
pub use report::Report;
pub use secret::{register_all, register_text};
pub use view::View;
