//! A real terminal for tests: starts a program on a pseudo-terminal, types, resizes, signals, and waits for what the
//! screen should show. Nothing here waits for time alone: every wait is woken by the program's own output or end,
//! and gives up at a deadline with a picture of the screen.
//!
//! ```text
//! #[path = "../support/modes.rs"] mod modes;
//! #[path = "../support/pty.rs"]   mod pty;
//! ```

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::LocalModes;

use crate::modes;

/// How long a wait may take on a busy machine before it is a failure.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What to start, and on what kind of terminal.
pub struct Start {
    command: CommandBuilder,
    columns: u16,
    rows: u16,
    background: Option<&'static str>,
}

impl Start {
    /// `program` on an 80x24 `xterm-256color` with a UTF-8 locale and an otherwise bare environment.
    pub fn new(program: impl AsRef<Path>) -> Self {
        let mut command = CommandBuilder::new(program.as_ref());
        command.env_clear();
        for kept in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("USER", "alice");
        command.env("RUST_BACKTRACE", "0");
        Self {
            command,
            columns: 80,
            rows: 24,
            background: None,
        }
    }

    /// Adds arguments.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the folder to start in.
    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.cwd(dir);
        self
    }

    /// Sets the size in columns and rows.
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        (self.columns, self.rows) = (columns, rows);
        self
    }

    /// Makes the terminal answer the question for its background colour, with `rgb:…` as X writes it. Without this it
    /// stays silent, as many terminals do.
    pub fn background(mut self, rgb: &'static str) -> Self {
        self.background = Some(rgb);
        self
    }

    /// Starts the program.
    pub fn spawn(self) -> Session {
        let pair = native_pty_system()
            .openpty(size(self.columns, self.rows))
            .unwrap();
        let mut child = pair.slave.spawn_command(self.command).unwrap();
        let pid = child
            .process_id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .unwrap();
        let tty = pair.master.tty_name().unwrap();
        // Kept open until the program has ended, else the line settings are lost with the last user of the line.
        let slave = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&tty)
            .unwrap();
        drop(pair.slave);

        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                parser: vt100::Parser::new(cells(self.rows), cells(self.columns), 0),
                raw: Vec::new(),
                exit: None,
            }),
            changed: Condvar::new(),
        });
        let writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));

        let reader = Reader {
            from: pair.master.try_clone_reader().unwrap(),
            shared: Arc::clone(&shared),
            answers: self.background.map(|rgb| (rgb, Arc::clone(&writer))),
        };
        thread::spawn(move || reader.run());
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let exit = child.wait().unwrap();
                shared.lock().exit = Some(exit);
                shared.changed.notify_all();
            }
        });
        Session {
            shared,
            writer,
            master: pair.master,
            slave,
            pid,
        }
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

type Writer = Mutex<Box<dyn Write + Send>>;

struct State {
    parser: vt100::Parser,
    raw: Vec<u8>,
    exit: Option<ExitStatus>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// A failed assertion in one thread must not hide the screen from the others.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct Reader {
    from: Box<dyn Read + Send>,
    shared: Arc<Shared>,
    answers: Option<(&'static str, Arc<Writer>)>,
}

impl Reader {
    fn run(mut self) {
        let mut buffer = [0; 16 * 1024];
        loop {
            let Ok(n @ 1..) = self.from.read(&mut buffer) else {
                return;
            };
            let bytes = &buffer[..n];
            if let Some((rgb, writer)) = &self.answers {
                answer(bytes, rgb, writer);
            }
            let mut state = self.shared.lock();
            state.raw.extend_from_slice(bytes);
            state.parser.process(bytes);
            drop(state);
            self.shared.changed.notify_all();
        }
    }
}

fn answer(bytes: &[u8], rgb: &str, writer: &Writer) {
    let asks = |question: &[u8]| bytes.windows(question.len()).any(|w| w == question);
    let mut reply = String::new();
    if asks(b"\x1b]11;?") {
        let _ = write!(reply, "\x1b]11;{rgb}\x1b\\");
    }
    if asks(b"\x1b[c") {
        reply += "\x1b[?62;22c";
    }
    if !reply.is_empty() {
        let _ = writer.lock().unwrap().write_all(reply.as_bytes());
    }
}

/// A running program and its terminal. Dropping it ends the program.
pub struct Session {
    shared: Arc<Shared>,
    writer: Arc<Writer>,
    master: Box<dyn MasterPty + Send>,
    slave: std::fs::File,
    pid: Pid,
}

impl Session {
    /// Types `text` as it is.
    pub fn send(&self, text: &str) {
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Changes the size of the terminal, as dragging its corner does.
    pub fn resize(&self, columns: u16, rows: u16) {
        let mut state = self.shared.lock();
        self.master.resize(size(columns, rows)).unwrap();
        state.parser.screen_mut().set_size(cells(rows), cells(columns));
    }

    /// Sends a signal to the program that was started (and to nobody else).
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Waits until `text` stands somewhere on the screen.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("{text:?} on the screen"), |seen| {
            seen.screen.contains(text)
        });
    }

    /// Waits until `holds` is true of what the terminal shows, at most [`PATIENCE`].
    ///
    /// # Panics
    /// When it does not become true in time, or the program ends first; the message has the screen in it.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&Seen) -> bool) {
        self.wait_within(PATIENCE, what, holds);
    }

    /// [`Self::wait_until`] with a time limit of its own.
    pub fn wait_within(&self, limit: Duration, what: &str, holds: impl Fn(&Seen) -> bool) {
        let mut deadline = Instant::now() + limit;
        let mut ending = false;
        let mut state = self.shared.lock();
        loop {
            let seen = Seen::of(&state);
            if holds(&seen) {
                return;
            }
            let now = Instant::now();
            if state.exit.is_some() && !ending {
                // The end can be known a moment before the last output has been read.
                ending = true;
                deadline = deadline.min(now + Duration::from_secs(1));
            }
            let left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                let why = match &state.exit {
                    Some(exit) => format!("the program ended with {exit:?}"),
                    None => format!("gave up after {limit:?}"),
                };
                drop(state);
                panic!("no {what}: {why}{}", seen.picture());
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Whether `holds` becomes true within `limit`; that it does not is no failure.
    pub fn comes_within(&self, limit: Duration, holds: impl Fn(&Seen) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.shared.lock();
        loop {
            if holds(&Seen::of(&state)) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Lets the program run for `seconds`, however much it writes; its end is a failure.
    pub fn wait_ticks(&self, seconds: u64) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let mut state = self.shared.lock();
        loop {
            assert!(state.exit.is_none(), "it ended{}", Seen::of(&state).picture());
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// What the terminal shows now.
    pub fn seen(&self) -> Seen {
        Seen::of(&self.shared.lock())
    }

    /// Waits for the program's end and for its last output, and says how it ended.
    pub fn wait_exit(&self) -> End {
        // What we write into the line ourselves comes out behind everything that the program wrote.
        const LAST: &[u8] = b"\x1b]777;last\x07";
        let deadline = Instant::now() + PATIENCE;
        let mut asked = false;
        let mut state = self.shared.lock();
        loop {
            if state.exit.is_some() && !asked {
                asked = true;
                (&self.slave).write_all(LAST).unwrap();
            }
            if let Some(exit) = &state.exit
                && state.raw.ends_with(LAST)
            {
                let end = End {
                    code: exit.signal().is_none().then(|| exit.exit_code()),
                    signal: exit.signal().map(Into::into),
                };
                let length = state.raw.len() - LAST.len();
                state.raw.truncate(length);
                return end;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "still running after {PATIENCE:?}{}",
                Seen::of(&state).picture()
            );
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// What the program has switched on in the terminal and not off again, in words. Empty after a clean end.
    ///
    /// Call it after [`Self::wait_exit`], or after waiting for what a shell says next, so that all output has been read.
    pub fn left_behind(&self) -> Vec<String> {
        let mut found = self.seen().modes();
        let settings = rustix::termios::tcgetattr(&self.slave).unwrap();
        let local = settings.local_modes;
        for (mode, word) in [
            (LocalModes::ICANON, "line editing off"),
            (LocalModes::ECHO, "echo off"),
            (LocalModes::ISIG, "signals off"),
        ] {
            if !local.contains(mode) {
                found.push(word.into());
            }
        }
        found
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.shared.lock().exit.is_none() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

/// How a program ended: with a code, or by a signal (named as the system names it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The exit code, if it ended by itself.
    pub code: Option<u32>,
    /// The signal that ended it.
    pub signal: Option<String>,
}

/// What a terminal shows at one moment, and every byte that made it so.
pub struct Seen {
    /// The rows joined by line breaks, trailing blanks left out.
    pub screen: String,
    /// Every byte the program has written since it was started.
    pub raw: Vec<u8>,
    alternate: bool,
    reversed: Vec<String>,
    coloured: usize,
}

impl Seen {
    fn of(state: &State) -> Self {
        let screen = state.parser.screen();
        let (rows, columns) = screen.size();
        let mut reversed = Vec::new();
        let mut coloured = 0;
        for row in 0..rows.get() {
            let mut run = String::new();
            for cell in (0..columns.get()).filter_map(|column| screen.cell(row, column)) {
                if cell.inverse() {
                    run += cell.contents();
                }
                if cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default {
                    coloured += 1;
                }
            }
            if !run.is_empty() {
                reversed.push(run);
            }
        }
        Self {
            screen: screen.contents(),
            raw: state.raw.clone(),
            alternate: screen.alternate_screen(),
            reversed,
            coloured,
        }
    }

    /// Whether the alternate screen is shown.
    pub fn alternate(&self) -> bool {
        self.alternate
    }

    /// The reversed text of each row that has any.
    pub fn reversed(&self) -> &[String] {
        &self.reversed
    }

    /// How many cells have a colour that is not the terminal's own.
    pub fn coloured(&self) -> usize {
        self.coloured
    }

    /// The terminal modes that are on, in words, as set and reset by all output so far.
    pub fn modes(&self) -> Vec<String> {
        modes::left_on(&self.raw)
    }

    fn picture(&self) -> String {
        let tail = self.raw.len().saturating_sub(300);
        format!(
            "\n──── screen ────\n{}\n──── last bytes of {} ────\n{}\n────────────────",
            self.screen,
            self.raw.len(),
            self.raw[tail..].escape_ascii()
        )
    }
}
