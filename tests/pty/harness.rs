//! The terminal itself is tested on small programs first: a harness that cannot fail proves nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rustix::process::Signal;

use crate::pty::{End, Session, Start};

fn python(program: &str) -> Session {
    Start::new("python3").args(&["-c", program]).spawn()
}

fn ended(code: u32) -> End {
    End {
        code: Some(code),
        signal: None,
    }
}

#[test]
fn what_is_typed_arrives_and_what_is_printed_is_seen() {
    let cat = Start::new("cat").spawn();
    cat.send("hello there\r");
    cat.wait_until("the line and its echo", |seen| {
        seen.screen.matches("hello there").count() == 2
    });
    cat.send("\x04");
    assert_eq!(cat.wait_exit(), ended(0));
    assert_eq!(cat.left_behind(), Vec::<String>::new());
}

#[test]
fn a_text_that_never_comes_fails_with_the_screen_in_the_message() {
    let cat = Start::new("cat").spawn();
    cat.send("something else");
    cat.wait_for("something else");
    let missing = AssertUnwindSafe(|| {
        cat.wait_within(Duration::from_millis(50), "\"hello\"", |seen| {
            seen.screen.contains("hello")
        });
    });
    let message = catch_unwind(missing).unwrap_err().downcast::<String>().unwrap();
    assert!(
        message.contains("no \"hello\": gave up after 50ms") && message.contains("something else"),
        "{message}"
    );
}

#[test]
fn a_program_that_ends_early_fails_the_wait_at_once() {
    let gone = python("print('bye'); raise SystemExit(7)");
    let message = catch_unwind(AssertUnwindSafe(|| gone.wait_for("hello"))).unwrap_err();
    let message = message.downcast::<String>().unwrap();
    assert!(
        message.contains("the program ended with") && message.contains("bye"),
        "{message}"
    );
    assert_eq!(gone.wait_exit(), ended(7));
}

#[test]
fn a_signal_is_told_from_a_code() {
    let cat = Start::new("cat").spawn();
    cat.send("ready\r");
    cat.wait_until("the echo", |seen| seen.screen.matches("ready").count() == 2);
    cat.signal(Signal::TERM);
    assert_eq!(
        cat.wait_exit(),
        End {
            code: None,
            signal: Some("Terminated".into())
        }
    );
}

#[test]
fn a_resize_reaches_the_program() {
    let program = "
import os, signal
def size(*_): os.write(1, b'size %d %d\\n' % os.get_terminal_size())
signal.signal(signal.SIGWINCH, size)
size()
while True: signal.pause()
";
    let session = python(program);
    session.wait_for("size 80 24");
    session.resize(133, 40);
    session.wait_for("size 133 40");
}

#[test]
fn whatever_is_left_switched_on_is_named() {
    let dirty = python(
        "import sys, tty
tty.setraw(0)
sys.stdout.write('\\x1b[?1049h\\x1b[?1000h\\x1b[?1006h\\x1b[?2004h\\x1b[?25l\\x1b[>1u\\x1b[22;2t\\x1b[?1004;1h')
sys.stdout.flush()",
    );
    assert_eq!(dirty.wait_exit(), ended(0));
    let words = [
        "alternate screen (1049)",
        "mouse (1000)",
        "mouse SGR (1006)",
        "focus reports (1004)",
        "bracketed paste (2004)",
        "application cursor keys (1)",
        "cursor hidden",
        "window title",
        "keyboard protocol",
        "line editing off",
        "echo off",
        "signals off",
    ];
    assert_eq!(dirty.left_behind(), words);
    assert!(dirty.seen().alternate());
}

#[test]
fn whatever_is_switched_off_again_is_not() {
    let clean = python(
        "import sys, termios, tty
before = termios.tcgetattr(0)
tty.setraw(0)
sys.stdout.write('\\x1b[?1049h\\x1b[?1000h\\x1b[?25l\\x1b[?2004h\\x1b[22;2t\\x1b[>1u inside')
sys.stdout.write('\\x1b[<1u\\x1b[23;2t\\x1b[?2004l\\x1b[?25h\\x1b[?1000l\\x1b[?1049l')
sys.stdout.flush()
termios.tcsetattr(0, termios.TCSADRAIN, before)
print('outside')",
    );
    assert_eq!(clean.wait_exit(), ended(0));
    assert!(clean.seen().screen.contains("outside"));
    assert_eq!(clean.left_behind(), Vec::<String>::new());
    assert!(!clean.seen().alternate());
    assert!(!clean.seen().screen.contains("inside"));
}

#[test]
fn styles_are_seen() {
    let styled = python("print('a\\x1b[7mchosen\\x1b[0m \\x1b[31mred\\x1b[0m')");
    styled.wait_for("red");
    let seen = styled.seen();
    assert_eq!(seen.reversed(), ["chosen"]);
    assert_eq!(seen.coloured(), 3);
}

#[test]
fn the_background_is_told_to_whoever_asks() {
    let program = "
import sys, tty
tty.setraw(0)
sys.stdout.write('\\x1b]11;?\\x1b\\\\')
sys.stdout.flush()
reply = ''
while not reply.endswith('\\\\'): reply += sys.stdin.read(1)
print('got', repr(reply[5:-2]))";
    let session = Start::new("python3")
        .args(&["-c", program])
        .background("rgb:ffff/ffff/ffff")
        .spawn();
    session.wait_for("got 'rgb:ffff/ffff/ffff'");
}

#[test]
fn a_shell_can_stop_and_continue_a_job() {
    let shell = Start::new("bash")
        .args(&["--norc", "--noprofile", "--noediting", "-i"])
        .env("PS1", "ready> ")
        .spawn();
    shell.wait_for("ready>");
    shell.send("cat\r");
    shell.send("one\r");
    shell.wait_until("the echo", |seen| seen.screen.matches("one").count() == 2);
    shell.send("\x1a");
    shell.wait_for("Stopped");
    shell.send("fg\r");
    shell.send("two\r");
    shell.wait_until("the echo", |seen| seen.screen.matches("two").count() == 2);
    shell.send("\x04exit 3\r");
    assert_eq!(shell.wait_exit(), ended(3));
}
