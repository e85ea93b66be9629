//! The binary: parse, choose a front end, exit code.

fn main() {}
