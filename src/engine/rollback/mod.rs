//! The way back. Not in this version.
