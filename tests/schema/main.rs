//! Rows cross over: every pair of databases, every named fault, real servers.

mod support;

mod pairs;
