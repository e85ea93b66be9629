//! The same engine for scripts.
