//! The traits through which the engine reaches the world outside.
pub mod store;
