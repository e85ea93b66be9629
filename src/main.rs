//! The binary: parse, choose a front end, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use maos_migrate::cli::Cli;
use maos_migrate::engine::error::{Error, ErrorKind};
use maos_migrate::headless::{self, Output};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => maos_migrate::run(cli),
        // The words cannot be read as options, so whether JSON is wanted is read from the words themselves.
        Err(refusal) if refusal.use_stderr() && std::env::args_os().any(|word| word == "--json") => {
            let text = refusal.to_string();
            let said = text
                .lines()
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            let error =
                Error::new(ErrorKind::Usage, said).hint("maos-migrate --help lists verbs and options.");
            headless::fail(&mut Output::stdio(true), &error)
        }
        Err(refusal) => refusal.exit(),
    }
}
