//! From the parsed command line to a front end and an exit code.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::cli::{Cli, Theme, Verb};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::runner::Engine;
use crate::engine::sample;
use crate::engine::workspace::{Workspace, files, register_inherited, secrets, settings};
use crate::headless::{self, Output};
use crate::tui;
use crate::tui::run::Ended;
use crate::tui::style::choose::Choice;
use crate::wiring;

/// Open files that the program's largest work needs: two waves of results, and what it opens beside them.
const MANY_FILES: u64 = 4096;

/// Makes the table of open files large while there is one thread. Later each doubling of it makes a thread wait until all
/// processors have passed a quiet state (Linux, `expand_files`), which is ten milliseconds and more, five times for a
/// thousand files.
fn many_files() {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .map_or(MANY_FILES, |most| most.min(MANY_FILES));
    if let Ok(last) = i32::try_from(most.saturating_sub(1)) {
        // The table stays as large as it was made; nothing is lost where it cannot be.
        drop(rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), last));
    }
}

/// Runs the program.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let mut output = Output::stdio(cli.global.json);
    scrub_panics();
    many_files();
    wiring::is_program();
    // Before anything is said or started, since every program that is started gets them.
    register_inherited(
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    // The TLS provider must be chosen once, before anything connects; a second choice would be an error we do not make.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match cli.verb {
        Some(Verb::RehearsalMaos(_)) => return say(wiring::rehearsal_maos()),
        Some(Verb::RehearsalLegacy { seconds }) => return say(wiring::rehearsal_legacy(seconds)),
        _ => {}
    }
    let wizard = matches!(
        cli.verb,
        None | Some(Verb::Wizard | Verb::Demo { headless: false })
    );
    if wizard && !cli.global.plain && !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        let error = Error::new(ErrorKind::Usage, "the wizard needs a terminal, and there is none")
            .hint("Use a verb: maos-migrate demo --headless, assess, readiness, tasks, environment, config, checkpoints, schema, compare, validate, report.");
        return headless::fail(&mut output, &error);
    }
    if wizard && !cli.global.plain && !tui::terminal::can_draw() {
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
        runtime.block_on(open_wizard(&cli, setup, &mut output))
    } else {
        runtime.block_on(headless::run(cli, wiring::ports(), setup, &mut output))
    };
    // Work that ignores its stop must not keep the process alive for ever.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    code
}

/// Prints what a stand-in said, and exits as it did.
fn say((out, err, code): (String, String, u8)) -> ExitCode {
    use std::io::Write as _;
    // Whoever asked may have gone away; then nobody reads the answer.
    let _ = std::io::stdout().write_all(out.as_bytes());
    let _ = std::io::stderr().write_all(err.as_bytes());
    ExitCode::from(code)
}

/// Opens the wizard; what ended it says how the process ends.
async fn open_wizard(cli: &Cli, setup: headless::Setup, output: &mut Output) -> ExitCode {
    let shown = cli.global.workspace.display().to_string();
    let demo = matches!(cli.verb, Some(Verb::Demo { .. }));
    let root = setup.workspace.root().display().to_string();
    if let Err(error) = lay_out(demo, &setup.workspace) {
        return headless::fail(output, &error);
    }
    let theme = match cli.global.theme {
        Theme::Auto => Choice::Auto,
        Theme::Dark => Choice::Fixed(tui::style::Theme::Dark),
        Theme::Light => Choice::Fixed(tui::style::Theme::Light),
        Theme::ColourBlindDark => Choice::Fixed(tui::style::Theme::ColourBlindDark),
        Theme::ColourBlindLight => Choice::Fixed(tui::style::Theme::ColourBlindLight),
        Theme::Mono => Choice::Fixed(tui::style::Theme::Mono),
    };
    let options = tui::run::Options {
        theme,
        ascii: cli.global.ascii,
        mouse: cli.global.mouse,
        ..tui::run::Options::default()
    };
    let engine = Engine::start(setup.workspace, wiring::ports(), setup.options);
    match tui::run::run(engine, options).await {
        Ok(Ended::Signal(ask)) => ExitCode::from(ask.exit_code()),
        Ok(Ended::Gone) => ExitCode::from(tui::terminal::signals::Ask::Hangup.exit_code()),
        Ok(Ended::Left) => {
            if demo {
                output.note(&format!(
                    "Rehearsal kept in {root}. On your own system: maos-migrate -w ./migration"
                ));
            } else {
                output.note(&format!("Kept in {shown}. The same command goes on from here."));
            }
            ExitCode::SUCCESS
        }
        Err(error) => headless::fail(output, &error),
    }
}

/// The sample for the rehearsal; settings to fill in for a new workspace.
fn lay_out(demo: bool, workspace: &Workspace) -> Result<()> {
    if demo {
        return sample::lay_out(workspace).map(|_| ());
    }
    let file = workspace.settings_file();
    if file.exists() {
        return Ok(());
    }
    files::write_atomic(&file, settings::TEMPLATE.as_bytes(), files::PRIVATE).map(|_| ())
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
