//! A pooler in front of a test's cluster.
//!
//! Include it with `#[path = "../support/pooler.rs"] mod pooler;`.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A pooler in front of the cluster; it ends with its test.
pub struct Pooler {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pooler {
    /// `mode` is pgbouncer's; `size` the connections it keeps to the server; `lenient`: start-up parameters it does not know are dropped.
    pub fn start(host: &std::path::Path, mode: &str, size: u32, lenient: bool) -> Self {
        // Socket paths are short, and the server's user must reach them.
        let folder = tempfile::Builder::new().prefix("mmp").tempdir_in("/tmp").unwrap();
        let path = folder.path();
        std::fs::write(path.join("users"), "\"maos\" \"\"\n").unwrap();
        let ignored = if lenient {
            "extra_float_digits,options"
        } else {
            "extra_float_digits"
        };
        let settings = format!(
            "[databases]\n* = host={}\n[pgbouncer]\nlisten_port = 6543\nlisten_addr =\nunix_socket_dir = {}\nauth_type = trust\n\
             auth_file = {}/users\npool_mode = {mode}\ndefault_pool_size = {size}\nserver_round_robin = {}\nignore_startup_parameters = {ignored}\n",
            host.display(),
            path.display(),
            path.display(),
            u8::from(size > 1),
        );
        std::fs::write(path.join("settings.ini"), settings).unwrap();
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
            .into_iter()
            .find(|program| std::path::Path::new(program).exists())
            .unwrap_or("pgbouncer");
        let mut command = if rustix::process::geteuid().is_root() {
            let done = Command::new("chown")
                .arg("-R")
                .arg("postgres")
                .arg(path)
                .status()
                .unwrap();
            assert!(done.success());
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]);
            command
        } else {
            Command::new(program)
        };
        let child = command
            .arg(path.join("settings.ini"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer starts; tests/run installs it");
        let socket = path.join(".s.PGSQL.6543");
        let until = Instant::now() + Duration::from_secs(20);
        let listens = || std::os::unix::net::UnixStream::connect(&socket).is_ok();
        while !listens() && Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(listens(), "the pooler listens");
        Self { child, folder }
    }

    /// The URL of a database behind it.
    pub fn url(&self, name: &str) -> String {
        format!(
            "postgres://maos@localhost:6543/{name}?host={}",
            self.folder.path().display()
        )
    }
}
