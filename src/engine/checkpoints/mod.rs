//! Legacy pickles to MAOS checkpoints, executing nothing.

pub mod arena;
mod base64;
pub mod classes;
pub mod finding;
pub mod limits;
pub mod names;
pub mod number;
pub mod pickle;
pub mod json;
pub mod measure;
pub mod tagged;
pub mod decode;
