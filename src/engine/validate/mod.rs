//! The guide's 19 tests. Not in this version.
