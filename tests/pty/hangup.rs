//! A terminal that is closed while work runs: the window is gone, the work comes to its next safe point, and the next start says so.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::pty::Start;

const PROGRAM: &str = env!("CARGO_BIN_EXE_maos-migrate");
const PATIENCE: Duration = Duration::from_mins(2);

/// A terminal window in a program of its own: when it is killed, its terminal is closed, as when somebody shuts the window.
const WINDOW: &str = "
import fcntl, os, pty, select, struct, sys, termios, tty
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
tty.setraw(0)
while True:
    for ready in select.select([0, fd], [], [])[0]:
        os.write(1 if ready == fd else fd, os.read(ready, 65536))
";

/// Every test takes three simulated seconds and more: long enough to be interrupted.
const SETTINGS: &str = "name: acme-window
type: version_upgrade
environment: rehearsal
target:
  database: sqlite://maos.db
  maos: rehearsal
rehearsal:
  seconds: 3
";

fn journal(folder: &Path) -> String {
    let listed = Command::new(PROGRAM)
        .args(["-w", ".", "journal", "list"])
        .current_dir(folder)
        .output()
        .unwrap();
    String::from_utf8_lossy(&listed.stdout).into_owned()
}

#[test]
fn fault_c46_a_window_that_is_closed_stops_the_work_at_a_safe_point_and_the_next_start_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("migration.yml"), SETTINGS).unwrap();
    let window = Start::new("python3")
        .args(&["-c", WINDOW, PROGRAM, "-w", "."])
        .dir(folder.path())
        .spawn();
    let see = |text: &str| window.wait_within(PATIENCE, text, |seen| seen.screen.contains(text));
    see("q quit");
    window.send("s");
    see("Enter go there");
    window.send("jjj\r");
    see("Validate ─");
    window.send("n");
    see("[▸Cancel◂]");
    let deadline = Instant::now() + PATIENCE;
    while !window.seen().screen.contains("▸Run 19 tests◂") {
        assert!(Instant::now() < deadline, "{}", window.seen().screen);
        window.send("\t");
        window.comes_within(Duration::from_millis(500), |seen| {
            seen.screen.contains("▸Run 19 tests◂")
        });
    }
    window.send("\r");
    see("X stop");
    window.signal(Signal::KILL);
    window.wait_exit();
    // Nobody is left to press a key: the session ends by itself, with its work at a safe point. Reading the journal takes its time.
    let deadline = Instant::now() + PATIENCE;
    let told = loop {
        let told = journal(folder.path());
        if told.trim_end().ends_with("the session ended") {
            break told;
        }
        assert!(Instant::now() < deadline, "the session goes on:\n{told}");
    };
    assert!(told.contains("stopped at a safe point"), "{told}");
    // The next one operates at once, and says what was left.
    let next = Start::new(PROGRAM).args(&["-w", "."]).dir(folder.path()).spawn();
    next.wait_within(PATIENCE, "what was left", |seen| {
        seen.screen.contains("Resume: Validate was stopped") && seen.screen.contains("q quit")
    });
    assert!(
        !next.seen().screen.contains("alice operates"),
        "{}",
        next.seen().screen
    );
    next.send("q");
    next.wait_exit();
    assert_eq!(next.left_behind(), Vec::<String>::new());
}
