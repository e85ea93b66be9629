//! The files of an empty PostgreSQL cluster: made by `initdb` once for a version of PostgreSQL, then copied, which is ten times quicker.
//!
//! All clusters made so have one system identifier. A test that needs two that differ runs `initdb` itself.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who may read the files, when this process is root.
const USER: &str = "postgres";

/// Makes `folder` a cluster with one superuser, `maos`, who needs no password, by the programs in `programs`.
pub fn copied(programs: &Path, folder: &Path) {
    run(Command::new("cp")
        .args(["-a", "--reflink=auto"])
        .arg(template(programs))
        .arg(folder));
    // Whoever kept the build folder may have changed the owner of what is in it.
    if rustix::process::geteuid().is_root() {
        run(Command::new("chown").args(["-R", USER]).arg(folder));
    }
}

/// Where the files are; they are made when they are not there yet, by one process while the others wait.
fn template(programs: &Path) -> PathBuf {
    let version = programs.parent().and_then(Path::file_name).unwrap();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let there = kept.join(format!("postgresql-{}", version.display()));
    if there.exists() {
        return there;
    }
    let lock = File::create(kept.join("postgresql.lock")).unwrap();
    lock.lock().unwrap();
    if there.exists() {
        return there;
    }
    // The user of the server may not be able to enter the build folder.
    let place = tempfile::Builder::new()
        .prefix("maos-initdb-")
        .tempdir_in("/tmp")
        .unwrap();
    if rustix::process::geteuid().is_root() {
        run(Command::new("chown").arg(USER).arg(place.path()));
    }
    let data = place.path().join("data");
    run(made(&mut super::server_command(&programs.join("initdb")), &data));
    let half = kept.join(format!("postgresql-{}.half", version.display()));
    let _ = std::fs::remove_dir_all(&half);
    run(Command::new("cp").arg("-a").arg(&data).arg(&half));
    std::fs::rename(half, &there).unwrap();
    there
}

/// What `initdb` is told for all of them.
pub fn made<'a>(initdb: &'a mut Command, folder: &Path) -> &'a mut Command {
    initdb
        .args([
            "-U",
            "maos",
            "--auth=trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ])
        .arg("-D")
        .arg(folder)
}

/// Runs it to its end, which has to be a good one.
pub fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
