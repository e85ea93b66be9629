//! The same tasks on both systems. Not in this version.
