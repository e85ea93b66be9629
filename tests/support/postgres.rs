//! A PostgreSQL cluster of a test's own: on a private socket, without a network port, gone with the test.
//!
//! ```text
//! #[path = "../support/server.rs"]   mod server;
//! #[path = "../support/postgres.rs"] mod postgres;
//! let cluster = postgres::Cluster::start();
//! let url = cluster.database("legacy");     // postgres://maos@localhost/legacy?host=/tmp/…
//! ```

#[path = "initdb.rs"]
mod initdb;

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::server::{Folder, Server, Stop, as_user};
use initdb::run;

const USER: &str = "postgres";

/// A running cluster with one superuser, `maos`, who needs no password on the socket.
pub struct Cluster {
    // Fields are dropped in this order: the server first, then its folder.
    _server: Server,
    folder: Folder,
    programs: PathBuf,
}

impl Cluster {
    /// Makes and starts one, in about 0.2 s. Writes are not synchronised to disk: it is as fast and as mortal as memory.
    pub fn start() -> Self {
        Self::start_in(Folder::new(), &[])
    }

    /// The same in a folder of the caller's; `more` for an `initdb` of its own, where `data` may be a file system of its own.
    pub fn start_in(folder: Folder, more: &[&str]) -> Self {
        let data = folder.path().join("data");
        if more.is_empty() {
            initdb::copied(&programs(), &data);
            return Self::serve(folder);
        }
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").args(["-R", USER]).arg(folder.path()));
        }
        run(initdb::made(&mut server_command(&programs().join("initdb")), &data).args(more));
        Self::serve(folder)
    }

    /// Starts the server on the files in `folder`.
    fn serve(folder: Folder) -> Self {
        let programs = programs();
        let data = folder.path().join("data");
        let data = data.to_str().unwrap();
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg(USER).arg(folder.path()));
        }
        let socket = folder.path().to_str().unwrap();
        let mut args = vec!["-D", data, "-k", socket];
        for setting in [
            "listen_addresses=",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=50",
            "dynamic_shared_memory_type=mmap",
            "timezone=UTC",
        ] {
            args.extend(["-c", setting]);
        }
        let ready = "database system is ready to accept connections";
        let server = Server::start(
            &programs.join("postgres"),
            &args,
            Some(USER),
            &Stop(Signal::QUIT, "QUIT"),
            ready,
        );
        Self {
            _server: server,
            folder,
            programs,
        }
    }

    /// Makes an empty database and says how to reach it.
    pub fn database(&self, name: &str) -> String {
        let mut create = Command::new(self.programs.join("createdb"));
        run(create
            .arg("-h")
            .arg(self.folder.path())
            .args(["-U", "maos", name]));
        format!(
            "postgres://maos@localhost/{name}?host={}",
            self.folder.path().display()
        )
    }
}

/// A program of the server's, as its user.
fn server_command(program: &Path) -> Command {
    let mut command = as_user(Some(USER), "KILL");
    command.arg(program);
    command
}

/// The folder of the newest PostgreSQL on this machine.
fn programs() -> PathBuf {
    let version = |folder: &Path| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: bash tests/run installs it")
        .map(|entry| entry.unwrap().path())
        .collect();
    versions.sort_by_key(|folder| version(folder));
    versions.pop().unwrap().join("bin")
}
