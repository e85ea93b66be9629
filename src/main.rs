//! The binary: parse, choose a front end, exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use maos_migrate::cli::Cli;
use maos_migrate::engine::error::{Error, ErrorKind};
use maos_migrate::engine::workspace::secrets;
use maos_migrate::headless::{self, Output};

const HELP: &str = "maos-migrate --help lists verbs and options.";

fn main() -> ExitCode {
    // Before anything is said: a password in a word that is refused was meant for the program all the same.
    let hidden: Vec<(String, String)> = std::env::args_os()
        .filter_map(|word| secrets::concealed(&word.to_string_lossy()))
        .collect();
    let refusal = match Cli::try_parse() {
        Ok(cli) => return maos_migrate::run(cli),
        Err(refusal) => refusal,
    };
    // The words cannot be read as options, so whether JSON is wanted is read from the words themselves.
    let json = std::env::args_os().any(|word| word == "--json");
    if !refusal.use_stderr() {
        return told(refusal.print().and_then(|()| io::stdout().flush()), json);
    }
    if !json && hidden.is_empty() {
        refusal.exit();
    }
    let mut text = refusal.to_string();
    for (whole, shown) in hidden {
        text = text.replace(&whole, &shown);
    }
    if json {
        return headless::fail(&mut Output::stdio(true), &usage(&text));
    }
    // Whoever closed standard error does not want to know.
    let _ = io::stderr().write_all(secrets::scrub(&text).as_bytes());
    ExitCode::from(ErrorKind::Usage.exit_code())
}

/// How the printing of a help text or of the version ended.
fn told(printed: io::Result<()>, json: bool) -> ExitCode {
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let error = Error::unavailable(format!("cannot write the output: {error}"));
            headless::fail(&mut Output::stdio(json), &error)
        }
        _ => ExitCode::SUCCESS,
    }
}

/// The parser's refusal as an error: what is wrong in one sentence, with the options or values it names; what it advises as the hint.
fn usage(text: &str) -> Error {
    let mut said = String::new();
    let mut advice = Vec::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more")) {
        if let Some(tip) = line.strip_prefix("tip: ") {
            advice.push(format!("The parser suggests: {tip}."));
        } else if said.is_empty() {
            line.trim_start_matches("error: ").clone_into(&mut said);
        } else {
            let between = if said.ends_with(':') || line.starts_with('[') {
                " "
            } else {
                ", "
            };
            said.push_str(between);
            said.push_str(line);
        }
    }
    advice.push(HELP.to_owned());
    Error::new(ErrorKind::Usage, said).hint(advice.join(" "))
}
