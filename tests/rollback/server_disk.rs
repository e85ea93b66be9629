//! The disk of the PostgreSQL server itself fills while a rollback restores: nothing that is in use is touched, and it is said.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::postgres::Cluster;
use crate::program::{Ran, command};
use crate::server::Folder;
use crate::sql::sql;
use crate::support::{Kind, Site};

const ROWS: u32 = 150_000;

/// A small file system; gone with this.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&at)
            .output()
            .unwrap();
        done.status.success().then_some(Self(at))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Takes what is free but for half a megabyte, so that the server can still write down what it must.
fn fill(disk: &Path) -> PathBuf {
    let path = disk.join("filler");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut written = 0_u64;
    let piece = vec![0; 65_536];
    while file.write_all(&piece).is_ok() {
        written += 65_536;
    }
    file.set_len(written.saturating_sub(524_288)).unwrap();
    path
}

/// Sends `signal` to a process and to all that it started, the eldest first, so that nothing new begins behind it.
fn signal_all(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // `pid (name) state parent …`
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1));
        if parent == Some(pid.to_string().as_str()) {
            let child = entry.file_name().to_string_lossy().parse().ok();
            signal_all(child.and_then(Pid::from_raw).unwrap(), signal);
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a look at another process, with a deadline"
)]
fn fault_c52_a_full_disk_of_the_server_leaves_the_database_in_use_working() {
    let folder = Folder::new();
    let Some(small) = Small::mount(folder.path().join("data"), "220m") else {
        eprintln!("no right to mount: not tested here");
        return;
    };
    let log = folder.path().join("log");
    let cluster = Cluster::start_in(folder, &["--waldir", log.to_str().unwrap()]);
    let site = Site::on(Kind::Upgrade, Some(cluster), ROWS);
    // A look at all rows is sorted in memory, not on the disk that is full.
    sql(&site.url, "ALTER ROLE maos SET work_mem = '64MB'");
    site.backup();
    site.go_on();
    let before = site.state();

    let workspace = site.path("ws").display().to_string();
    let args = site.applying(&[]);
    let mut words = vec!["-w", workspace.as_str(), "--json"];
    words.extend(args.iter().map(String::as_str));
    let mut child = command(Path::new("/"), &words);
    let mut child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while sql(
        &site.url,
        "SELECT count(*) FROM pg_database WHERE datname LIKE 'maos_rb_%'",
    ) == "0"
    {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before its disk was full"
        );
        assert!(begun.elapsed() < Duration::from_mins(3), "no restore began");
        std::thread::sleep(Duration::from_millis(2));
    }
    // The restore stands still until the disk is full, however quick it is.
    let program = Pid::from_child(&child);
    signal_all(program, Signal::STOP);
    let filler = fill(&small.0);
    // At no moment without a database that works: also now.
    assert_eq!(
        sql(&site.url, "SELECT count(*) FROM tasks"),
        (ROWS + 2).to_string()
    );
    signal_all(program, Signal::CONT);
    let output = child.wait_with_output().unwrap();
    let ran = Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert_eq!(ran.code, Some(6), "{ran:#?}");
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("the disk of the PostgreSQL server is full"),
        "{message}"
    );
    assert!(
        message.contains("State: the database, files and version in use are those from before the rollback"),
        "{message}"
    );
    assert_eq!((site.state(), site.copies()), (before, (0, 0)), "{message}");
    // What was taken is free again: the database in use can be written, though the disk still has no room for a second one.
    sql(
        &site.url,
        "INSERT INTO tasks (description, status) SELECT 'more ' || n, 'QUEUED' FROM generate_series(1, 1000) n",
    );
    let refused = site.back(&[]);
    assert_eq!(refused.code, Some(5), "{refused:#?}");
    let words = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(words.contains("are free"), "{words}");
    std::fs::remove_file(filler).unwrap();
    let again = site.back(&[]);
    assert_eq!(again.code, Some(0), "{again:#?}");
    assert_eq!(
        sql(&site.url, "SELECT count(*) FROM tasks"),
        (ROWS + 1002).to_string()
    );
    drop(site);
    drop(small);
}
