//! From one MAOS version to another. Not in this version.
