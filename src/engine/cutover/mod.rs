//! Handing the work over. Not in this version.
