//! The one place where adapters meet the engine's ports.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use crate::adapters::http::HttpClient;
use crate::adapters::journal_sqlite::SqliteJournals;
use crate::adapters::maos::Opener;
use crate::adapters::maos::rehearsal::{legacy, program};
use crate::adapters::probes::MachineProbes;
use crate::adapters::process::MachineProcesses;
pub use crate::adapters::process::is_program;
use crate::cli::{Cli, DEFAULT_WORKSPACE, Global, Verb};
use crate::engine::error::{Error, Result};
use crate::engine::ports::clock::{Clock as _, SystemClock};
use crate::engine::ports::store::Store;
use crate::engine::ports::{OpenStore, Ports};
use crate::engine::runner::Options;
use crate::engine::workspace::{Holder, Workspace};
use crate::headless::Setup;

/// Opens PostgreSQL and SQLite.
struct Stores;

impl OpenStore for Stores {
    fn open(&self, url: &SecretString, create: bool) -> Result<Arc<dyn Store>> {
        crate::adapters::open_store(url, create)
    }
}

/// The ports as the program uses them.
#[must_use]
pub fn ports() -> Ports {
    Ports {
        clock: Arc::new(SystemClock),
        stores: Arc::new(Stores),
        databases: Arc::new(crate::adapters::databases::Opener),
        probes: Arc::new(MachineProbes),
        maos: Arc::new(Opener::default()),
        processes: Arc::new(MachineProcesses),
        http: Arc::new(HttpClient),
        journals: Arc::new(SqliteJournals),
    }
}

/// Runs the rehearsal MAOS as a command line: what it printed on both streams, and its exit code.
#[must_use]
pub fn rehearsal_maos() -> (String, String, u8) {
    // Its words as they were given: this program's own parser must not read them.
    let words = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .skip_while(|word| word != program::VERB)
        .skip(1)
        .collect();
    stand_in(program::run(words))
}

/// Runs one task on the sample legacy system of a rehearsal.
#[must_use]
pub fn rehearsal_legacy(seconds: f64) -> (String, String, u8) {
    let mut input = String::new();
    if let Err(error) = std::io::Read::read_to_string(&mut std::io::stdin(), &mut input) {
        return (String::new(), format!("Error: {error}\n"), 3);
    }
    stand_in(legacy::run(&input, seconds))
}

fn stand_in(work: impl Future<Output = program::Said>) -> (String, String, u8) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let said = runtime.block_on(work);
            (said.out, said.err, said.code)
        }
        Err(error) => (String::new(), format!("Error: {error}\n"), 1),
    }
}

/// The workspace that the command line names.
///
/// # Errors
/// When the current directory cannot be read.
pub fn workspace(global: &Global) -> Result<Workspace> {
    Workspace::at(&global.workspace)
}

/// Who we are: `--operator`, else the user's name.
#[must_use]
pub fn me(operator: Option<&str>) -> Holder {
    let user = || {
        ["USER", "LOGNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
            .filter(|name| !name.is_empty())
    };
    let operator = operator
        .map(str::to_owned)
        .or_else(user)
        .or_else(account)
        .unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Holder {
        operator: crate::engine::text::inert_short(&operator, 40),
        host: crate::engine::text::inert_short(&host, 60),
        pid: std::process::id(),
        since: SystemClock.now(),
    }
}

/// The name of this user in the machine's list of accounts.
fn account() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// The options of a session.
#[must_use]
pub fn options(global: &Global, interactive: bool) -> Options {
    Options {
        me: me(global.operator.as_deref()),
        read_only: global.read_only,
        dry_run: global.dry_run,
        restart: global.restart,
        interactive,
    }
}

/// What a front end needs beside the ports.
///
/// # Errors
/// When the workspace of the demo cannot be made.
pub fn setup(cli: &Cli) -> Result<Setup> {
    let workspace = match &cli.verb {
        Some(Verb::Demo { .. }) => demo_workspace(&cli.global)?,
        _ => workspace(&cli.global)?,
    };
    let interactive = matches!(
        cli.verb,
        None | Some(Verb::Wizard | Verb::Demo { headless: false })
    );
    Ok(Setup {
        workspace,
        options: options(&cli.global, interactive),
    })
}

/// A workspace for the demo: `./maos-demo-N` with the first free number, or the named one.
///
/// # Errors
/// When the folder cannot be made.
pub fn demo_workspace(global: &Global) -> Result<Workspace> {
    if global.workspace != Path::new(DEFAULT_WORKSPACE) {
        return workspace(global);
    }
    for n in 1..10_000 {
        let path = format!("maos-demo-{n}");
        match std::fs::create_dir(&path) {
            Ok(()) => return Workspace::at(Path::new(&path)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("make", Path::new(&path), &error)),
        }
    }
    Err(Error::unavailable("there are 9,999 demo folders here").hint("Remove some: rm -r maos-demo-*"))
}
