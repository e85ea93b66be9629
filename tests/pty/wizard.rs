//! The wizard from start to end, on terminals of every kind.

use rustix::process::Signal;
use std::path::Path;
use tempfile::TempDir;

use crate::pty::{End, Session, Start};

const PROGRAM: &str = env!("CARGO_BIN_EXE_maos-migrate");
/// Stands in the hint bar of every screen, whatever its size.
const HINTS: &str = "q quit";

/// The wizard in an empty folder, which must live as long as the session.
fn wizard(folder: &Path) -> Start {
    Start::new(PROGRAM).dir(folder)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn started(folder: &Path) -> Session {
    let session = wizard(folder).spawn();
    session.wait_for(HINTS);
    session
}

fn clean(session: &Session) {
    // The end of a process is known before its last output has been read.
    session.wait_until("the first screen", |seen| !seen.alternate());
    assert_eq!(session.left_behind(), Vec::<String>::new());
    assert!(!session.seen().alternate());
    assert!(
        !session.seen().screen.contains(HINTS),
        "nothing of the wizard stays on the first screen"
    );
}

fn code(code: u32) -> End {
    End {
        code: Some(code),
        signal: None,
    }
}

#[test]
fn it_starts_and_quits() {
    let folder = folder();
    let session = started(folder.path());
    assert!(session.seen().alternate());
    session.send("q");
    assert_eq!(session.wait_exit(), code(0));
    clean(&session);
}

#[test]
fn control_c_on_a_bare_screen_leaves() {
    let folder = folder();
    let session = started(folder.path());
    session.send("\x03");
    assert_eq!(session.wait_exit(), code(0));
    clean(&session);
}

#[test]
fn the_demo_says_rehearsal_from_the_first_frame() {
    let folder = folder();
    let session = wizard(folder.path()).args(&["demo"]).spawn();
    session.wait_for("REHEARSAL");
    session.wait_for(HINTS);
    session.send("q");
    assert_eq!(session.wait_exit(), code(0));
    clean(&session);
    assert!(folder.path().join("maos-demo-1").join("migration.yml").exists());
}

#[test]
fn fault_c46_a_signal_ends_it_and_the_terminal_is_whole() {
    for (signal, exit) in [(Signal::TERM, 130), (Signal::INT, 130), (Signal::HUP, 129)] {
        let folder = folder();
        let session = started(folder.path());
        session.signal(signal);
        assert_eq!(session.wait_exit(), code(exit), "{signal:?}");
        clean(&session);
    }
}

#[test]
fn a_panic_leaves_the_terminal_whole_and_says_what_happened() {
    let folder = folder();
    let session = wizard(folder.path())
        .env("MAOS_MIGRATE_FAIL_POINT", "tui.panic")
        .spawn();
    let end = session.wait_exit();
    assert!(matches!(end.code, Some(1 | 101)), "{end:?}");
    session.wait_until("the message on the first screen", |seen| {
        seen.screen.contains("panic")
    });
    clean(&session);
}

#[test]
fn control_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let folder = folder();
    let shell = Start::new("bash")
        .args(&["--norc", "--noprofile", "--noediting", "-i"])
        .env("PS1", "ready> ")
        .dir(folder.path())
        .spawn();
    shell.wait_for("ready>");
    for _ in 0..2 {
        shell.send(&format!("{PROGRAM}\r"));
        shell.wait_for(HINTS);
        shell.send("\x1a");
        shell.wait_for("Stopped");
        clean(&shell);
        shell.send("fg\r");
        shell.wait_for(HINTS);
        assert!(shell.seen().alternate());
        shell.send("?");
        shell.wait_for("Help and commands");
        shell.send("\x03");
        shell.wait_until("the screen without the help", |seen| {
            seen.screen.contains(HINTS) && !seen.screen.contains("Help and commands")
        });
        shell.send("q");
        shell.wait_until("the shell's prompt again", |seen| {
            !seen.alternate() && seen.screen.trim_end().ends_with("ready>")
        });
        clean(&shell);
        shell.send("clear\r");
        shell.wait_until("a clean screen", |seen| seen.screen.trim() == "ready>");
    }
    shell.send("exit 0\r");
    assert_eq!(shell.wait_exit(), code(0));
}

#[test]
fn a_storm_of_resizes_ends_in_a_whole_frame() {
    let folder = folder();
    let session = started(folder.path());
    for step in 0_u16..200 {
        session.resize(20 + (step * 37) % 280, 5 + (step * 13) % 95);
    }
    session.resize(100, 30);
    session.wait_until("a frame of the last size", |seen| {
        let rows: Vec<&str> = seen.screen.lines().collect();
        rows.len() == 30 && rows[29].contains(HINTS)
    });
    session.send("q");
    assert_eq!(session.wait_exit(), code(0));
    clean(&session);
}

#[test]
fn fault_d67_every_size_is_usable() {
    for (columns, rows) in [(40, 10), (60, 18), (80, 24), (100, 30), (140, 45), (300, 100)] {
        let folder = folder();
        let session = wizard(folder.path()).size(columns, rows).spawn();
        session.wait_until(&format!("a frame at {columns}x{rows}"), |seen| {
            seen.screen.contains('q')
        });
        session.wait_until("its last row", |seen| {
            seen.screen.lines().count() == usize::from(rows)
        });
        session.send("q");
        assert_eq!(session.wait_exit(), code(0), "{columns}x{rows}");
        clean(&session);
    }
}

#[test]
fn fault_d67_too_small_says_so_and_recovers() {
    let folder = folder();
    let session = wizard(folder.path()).size(34, 8).spawn();
    session.wait_for("Needs 40x10, has 34x8");
    session.resize(80, 24);
    session.wait_for(HINTS);
    session.resize(10, 3);
    session.wait_until("the sentence as far as it fits", |seen| {
        seen.screen.contains("Needs")
    });
    session.send("q");
    assert_eq!(session.wait_exit(), code(0));
    clean(&session);
}

#[test]
fn fault_d67_no_color_shows_no_colour_and_still_shows_the_cursor() {
    let folder = folder();
    let session = wizard(folder.path()).env("NO_COLOR", "1").spawn();
    session.wait_for(HINTS);
    let seen = session.seen();
    assert_eq!(seen.coloured(), 0, "{}", seen.screen);
    assert!(seen.screen.contains('▸'), "{}", seen.screen);
    session.send("q");
    assert_eq!(session.wait_exit(), code(0));
}

/// By no-color.org, what somebody types for this one start wins over the variable; the usual choice does not.
#[test]
fn a_palette_of_the_command_line_wins_over_no_color_and_auto_does_not() {
    for (theme, coloured) in [("dark", true), ("light", true), ("auto", false), ("mono", false)] {
        let folder = folder();
        let session = wizard(folder.path())
            .env("NO_COLOR", "1")
            .args(&["--theme", theme])
            .spawn();
        session.wait_for(HINTS);
        let seen = session.seen();
        assert_eq!(seen.coloured() > 0, coloured, "{theme}: {}", seen.screen);
        session.send("q");
        assert_eq!(session.wait_exit(), code(0));
    }
}

#[test]
fn fault_d67_ascii_uses_no_other_character() {
    for start in [
        |s: Start| s.args(&["--ascii"]),
        |s: Start| s.env("LANG", "C"),
        |s: Start| s.env("TERM", "linux"),
    ] {
        let folder = folder();
        let session = start(wizard(folder.path())).spawn();
        session.wait_for(HINTS);
        let screen = session.seen().screen;
        assert!(screen.is_ascii(), "{screen}");
        session.send("q");
        assert_eq!(session.wait_exit(), code(0));
    }
}

#[test]
fn a_light_background_is_asked_for_once_and_answered_in_time() {
    for rgb in ["rgb:ffff/ffff/ffff", "rgb:0000/0000/0000"] {
        let folder = folder();
        let session = wizard(folder.path()).background(rgb).spawn();
        session.wait_for(HINTS);
        session.wait_until("the question for the background", |seen| {
            seen.raw.windows(5).any(|w| w == b"\x1b]11;")
        });
        session.send("q");
        assert_eq!(session.wait_exit(), code(0));
        let raw = session.seen().raw;
        assert_eq!(raw.windows(5).filter(|w| *w == b"\x1b]11;").count(), 1);
        clean(&session);
    }
}

/// A terminal that cannot move its cursor gets the questions line by line, or the name of the option that does so.
#[test]
fn fault_d67_a_dumb_terminal_gets_lines_but_no_escape_codes() {
    let folder = folder();
    let session = wizard(folder.path()).env("TERM", "dumb").spawn();
    session.wait_until("a question or the hint", |seen| {
        seen.screen.contains("> ") || seen.screen.contains("--plain")
    });
    if !session.seen().screen.contains("--plain") {
        session.send("q\r");
    }
    assert!(matches!(session.wait_exit().code, Some(0 | 2)));
    let raw = session.seen().raw;
    assert!(!raw.contains(&0x1b), "{}", raw.escape_ascii());
}

#[test]
fn fault_d67_output_into_a_pipe_is_no_terminal() {
    let folder = folder();
    let shell = Start::new("bash")
        .args(&["-c", &format!("{PROGRAM} | cat; echo code ${{PIPESTATUS[0]}}")])
        .dir(folder.path())
        .spawn();
    shell.wait_for("code 2");
    assert!(shell.seen().screen.contains("--headless") || shell.seen().screen.contains("assess"));
    assert!(!shell.seen().raw.contains(&0x1b));
}

/// Only a clock may tick: `read 19 s ago` moves once a second, and nothing else does.
/// At most a frame a second and one over, which together write far less than the `whole` first one did.
fn quiet((frames, bytes): (usize, usize), whole: usize) -> bool {
    frames <= 5 && bytes * 4 < whole
}

#[test]
fn an_idle_wizard_draws_nothing_but_its_clock() {
    let folder = folder();
    let session = started(folder.path());
    let frames = |session: &Session| {
        let raw = session.seen().raw;
        raw.windows(8).filter(|w| *w == b"\x1b[?2026h").count()
    };
    let whole = session.seen().raw.len();
    // The first checks may still answer in the beginning, so some spans may pass before a quiet one.
    let mut spans = Vec::new();
    for _ in 0..5 {
        let (before, bytes) = (frames(&session), session.seen().raw.len());
        session.wait_ticks(4);
        spans.push((frames(&session) - before, session.seen().raw.len() - bytes));
        if spans.last().is_some_and(|&span| quiet(span, whole)) {
            break;
        }
    }
    assert!(
        spans.last().is_some_and(|&span| quiet(span, whole)),
        "no quiet span of 4 s; frames and bytes of each {spans:?}, a whole frame has {whole} bytes"
    );
    session.send("q");
    assert_eq!(session.wait_exit(), code(0));
}

#[test]
fn the_second_session_reads_only_and_says_who_operates() {
    let folder = folder();
    let first = started(folder.path());
    // Only now does it hold the workspace; its first frame came before.
    first.wait_for("The type of this migration");
    let second = wizard(folder.path()).spawn();
    second.wait_for("ead-only: alice operates");
    second.send("q");
    assert_eq!(second.wait_exit(), code(0));
    first.signal(Signal::KILL);
    first.wait_exit();
    // A dead holder blocks nobody.
    let third = started(folder.path());
    assert!(
        !third.seen().screen.contains("Open read-only"),
        "{}",
        third.seen().screen
    );
    third.send("q");
    assert_eq!(third.wait_exit(), code(0));
}
