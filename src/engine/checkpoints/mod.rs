//! Legacy pickles to MAOS checkpoints, executing nothing.

pub mod arena;
mod base64;
pub mod classes;
pub mod decode;
pub mod finding;
pub mod json;
pub mod limits;
pub mod measure;
pub mod names;
pub mod number;
pub mod pickle;
pub mod tagged;
