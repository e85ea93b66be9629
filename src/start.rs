//! From the parsed command line to a front end and an exit code.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::cli::{Cli, Verb};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::runner::Engine;
use crate::engine::workspace::secrets;
use crate::headless::{self, Output};
use crate::tui::run::Ended;
use crate::tui::style::Choice;
use crate::{tui, wiring};

/// Runs the program.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let mut output = Output::stdio(cli.global.json);
    scrub_panics();
    // The TLS provider must be chosen once, before anything connects; a second choice would be an error we do not make.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wizard = matches!(
        cli.verb,
        None | Some(Verb::Wizard | Verb::Demo { headless: false })
    );
    if wizard && !cli.global.plain && !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        let error = Error::new(ErrorKind::Usage, "the wizard needs a terminal, and there is none")
            .hint("Use a verb: maos-migrate demo --headless, assess, readiness, tasks, config, checkpoints, schema, report.");
        return headless::fail(&mut output, &error);
    }
    if wizard && !cli.global.plain && !crate::tui::terminal::can_draw() {
        let error = Error::new(
            ErrorKind::Usage,
            "this terminal cannot place its cursor (TERM is dumb or not set)",
        )
        .hint("Use maos-migrate --plain, or a verb: maos-migrate demo --headless.");
        return headless::fail(&mut output, &error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = Error::unavailable(format!("cannot start the runtime: {error}"));
            return headless::fail(&mut output, &error);
        }
    };
    let setup = match wiring::setup(&cli) {
        Ok(setup) => setup,
        Err(error) => return headless::fail(&mut output, &error),
    };
    let code = if wizard && !cli.global.plain {
        runtime.block_on(screen(&cli, setup, &mut output))
    } else {
        runtime.block_on(headless::run(cli, wiring::ports(), setup, &mut output))
    };
    // Work that ignores its stop must not keep the process alive for ever.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    code
}

/// The wizard on the terminal, and what the shell says after it.
async fn screen(cli: &Cli, setup: headless::Setup, output: &mut Output) -> ExitCode {
    let demo = matches!(cli.verb, Some(Verb::Demo { .. }));
    if demo && let Err(error) = crate::engine::sample::lay_out(&setup.workspace) {
        return headless::fail(output, &error);
    }
    let folder = setup.workspace.root().to_path_buf();
    let options = tui::run::Options {
        theme: Choice::named(cli.global.theme.name()).unwrap_or_default(),
        ascii: cli.global.ascii,
        mouse: cli.global.mouse,
        keys: Vec::new(),
    };
    let engine = Engine::start(setup.workspace, wiring::ports(), setup.options);
    match tui::run::run(engine, options).await {
        Ok(Ended::Left) => {
            if demo {
                let kept = format!(
                    "Rehearsal kept in {}. On your own system: maos-migrate -w ./migration",
                    folder.display()
                );
                // The terminal may be gone by now; the rehearsal is kept all the same.
                let _ = output.line(&kept).and_then(|()| output.flush());
            }
            ExitCode::SUCCESS
        }
        Ok(Ended::Signal(ask)) => ExitCode::from(ask.exit_code()),
        Ok(Ended::Gone) => ExitCode::from(tui::terminal::signals::Ask::Hangup.exit_code()),
        Err(error) => headless::fail(output, &error),
    }
}

/// A panic message may quote anything; it leaves the process without secrets.
fn scrub_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let said = info
            .payload()
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| info.payload().downcast_ref::<String>().cloned());
        match said {
            Some(text) if secrets::found_in(&text) => {
                use std::io::Write as _;
                let place = info.location().map_or_else(String::new, |at| format!(" at {at}"));
                let _ = writeln!(std::io::stderr(), "panicked{place}: {}", secrets::scrub(&text));
            }
            _ => before(info),
        }
    }));
}
