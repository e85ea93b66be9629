//! A graph file: `[{id, dependencies, weight?}]`.
