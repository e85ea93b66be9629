//! A Redis of a test's own: on a private socket, without a network port, gone with the test.
//!
//! ```text
//! #[path = "../support/server.rs"] mod server;
//! #[path = "../support/redis.rs"]  mod redis;
//! let redis = redis::Redis::start();
//! let url = redis.url();                    // redis+unix:///tmp/…/redis.sock
//! ```

use std::path::Path;

use rustix::process::Signal;

use crate::server::{Folder, Server, Stop};

/// A running Redis that keeps nothing on disk.
pub struct Redis {
    // Fields are dropped in this order: the server first, then its folder.
    _server: Server,
    folder: Folder,
}

impl Redis {
    /// Starts one, in about 20 ms.
    pub fn start() -> Self {
        let folder = Folder::new();
        let socket = folder.path().join("redis.sock");
        let dir = folder.path().to_str().unwrap();
        let socket = socket.to_str().unwrap();
        let args = [
            "--port",
            "0",
            "--unixsocket",
            socket,
            "--dir",
            dir,
            "--save",
            "",
            "--appendonly",
            "no",
        ];
        let server = Server::start(
            Path::new("redis-server"),
            &args,
            None,
            &Stop(Signal::KILL, "KILL"),
            "eady to accept connections",
        );
        Self {
            _server: server,
            folder,
        }
    }

    /// How to reach it.
    pub fn url(&self) -> String {
        format!("redis+unix://{}/redis.sock", self.folder.path().display())
    }
}
