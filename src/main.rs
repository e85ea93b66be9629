//! The binary: parse, choose a front end, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use maos_migrate::cli::Cli;

fn main() -> ExitCode {
    maos_migrate::run(Cli::parse())
}
