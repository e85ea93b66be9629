//! The evidence for the file.
