//! Live figures against rollback criteria. Not in this version.
