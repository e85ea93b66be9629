//! The place where MAOS runs. Not in this version.
