//! The engine's spine: events and their fold, the journal, sessions, plans and approvals.

#![cfg(test)]

mod fold;
mod journal;
mod lists;
mod session;
mod steps;

use std::path::Path;

use maos_migrate::engine::ports::Ports;
use maos_migrate::engine::ports::clock::Clock;
use maos_migrate::engine::runner::{Engine, Options};
use maos_migrate::engine::workspace::{Holder, Workspace};

/// The real ports of the program.
fn ports() -> Ports {
    maos_migrate::wiring::ports()
}

/// A session's options for `operator`.
fn options(operator: &str) -> Options {
    Options {
        me: Holder {
            operator: operator.to_owned(),
            host: "ops-1".to_owned(),
            pid: std::process::id(),
            since: maos_migrate::engine::ports::clock::SystemClock.now(),
        },
        read_only: false,
        dry_run: false,
        interactive: false,
        restart: false,
    }
}

/// An engine on the sample legacy system in `folder`.
async fn sample(folder: &Path, options: Options) -> Engine {
    let workspace = Workspace::at(folder).expect("a workspace");
    maos_migrate::engine::sample::lay_out(&workspace).expect("the sample");
    let engine = Engine::start(workspace, ports(), options);
    engine.opened().await.expect("the session opens");
    engine
}
