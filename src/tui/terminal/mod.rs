//! The terminal as a borrowed thing: taken over with [`Guard::enter`], given back by [`restore`] whatever happens.
//!
//! [`restore`] cannot fail, needs no runtime and may be called any number of times: the guard's drop, the panic hook
//! and the signal handlers all call it. It switches off every mode this program ever switches on.
//!
//! ratatui's own `Terminal::clear` is never used: it asks the terminal where the cursor is and waits up to two seconds
//! for the answer. [`repaint`] does the same work without asking.

pub mod ask;
pub mod signals;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

use crossterm::{cursor, event, execute, queue, style, terminal};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

/// True while the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The thread that draws; a panic anywhere else must not give the terminal back under its feet.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// What panics on other threads said, for the loop to show.
static BACKGROUND_PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The terminal the wizard runs in.
pub type RealTerminal = Terminal<CrosstermBackend<io::Stdout>>;

/// Begins a synchronised update: the terminal shows the frame at once. Unknown to a terminal, it is ignored.
const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";
/// Puts the window title on the terminal's stack, and takes it back.
const TITLE_PUSH: &[u8] = b"\x1b[22;2t";
const TITLE_POP: &[u8] = b"\x1b[23;2t";

/// Gives the terminal back: all modes off, cursor on, first screen, title. Ignores every error.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = out.write_all(SYNC_END);
    let _ = queue!(
        out,
        event::DisableMouseCapture,
        event::DisableBracketedPaste,
        event::DisableFocusChange,
        style::ResetColor,
        cursor::Show,
        terminal::LeaveAlternateScreen
    );
    let _ = out.write_all(TITLE_POP);
    let _ = out.flush();
    let _ = terminal::disable_raw_mode();
}

/// Takes the terminal: raw, second screen, paste in brackets. Mouse stays off until asked for.
///
/// # Errors
/// When the terminal refuses; what was switched on is switched off again.
pub fn take() -> io::Result<()> {
    // Continued after a stop, it may be taken twice; the title is put on the stack once, as it is taken off once.
    let again = TAKEN.swap(true, Ordering::SeqCst);
    let taken = (|| {
        terminal::enable_raw_mode()?;
        let mut out = io::stdout();
        if !again {
            out.write_all(TITLE_PUSH)?;
        }
        execute!(
            out,
            terminal::EnterAlternateScreen,
            event::EnableBracketedPaste,
            cursor::Hide
        )
    })();
    if taken.is_err() {
        restore();
    }
    taken
}

/// Whether a wizard can run here: both input and output are a terminal that can move its cursor.
#[must_use]
pub fn usable() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether the terminal's kind can place its cursor at all.
#[must_use]
pub fn can_draw() -> bool {
    std::env::var("TERM").is_ok_and(|term| !matches!(term.as_str(), "" | "dumb"))
}

/// Gives the terminal back when it goes out of scope.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Installs the panic hook, takes the terminal and opens it for drawing. The calling thread is the one that draws.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn enter() -> io::Result<(Self, RealTerminal)> {
        // NO_COLOR is obeyed by choosing the palette without colour. The library's own way of obeying it writes an
        // empty colour command, which switches the reversed cursor row off.
        style::force_color_output(true);
        hook();
        if let Ok(mut owner) = OWNER.lock() {
            *owner = Some(std::thread::current().id());
        }
        take()?;
        let guard = Self(());
        let terminal = Terminal::with_options(
            CrosstermBackend::new(io::stdout()),
            TerminalOptions {
                viewport: Viewport::Fullscreen,
            },
        )?;
        Ok((guard, terminal))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
        if let Ok(mut owner) = OWNER.lock() {
            *owner = None;
        }
    }
}

/// Restores first, then lets the hook that was there before speak. A panic on a thread that does not draw is kept
/// for the loop instead: the work's own guard turns it into an event, and the screen stays whole.
fn hook() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let elsewhere = OWNER
                .try_lock()
                .ok()
                .and_then(|owner| *owner)
                .is_some_and(|owner| owner != std::thread::current().id());
            if elsewhere && TAKEN.load(Ordering::SeqCst) {
                if let Ok(mut kept) = BACKGROUND_PANICS.try_lock() {
                    kept.push(info.to_string());
                }
                return;
            }
            restore();
            before(info);
        }));
    });
}

/// What panics on other threads said since the last call.
pub fn background_panics() -> Vec<String> {
    BACKGROUND_PANICS
        .try_lock()
        .map(|mut kept| std::mem::take(&mut *kept))
        .unwrap_or_default()
}

/// Makes the next frame draw every cell, on an emptied screen.
///
/// # Errors
/// When the terminal cannot be written to.
pub fn repaint<B: Backend>(terminal: &mut Terminal<B>) -> Result<(), B::Error> {
    let size = terminal.size()?;
    // Resizing empties the screen and forgets the last frame, and asks the terminal nothing.
    terminal.resize(Rect::new(0, 0, size.width, size.height))
}

/// What only a real terminal can do; a test records it instead.
pub trait Extras {
    /// Before and after a frame.
    fn sync(&mut self, begin: bool);
    /// The window's title.
    fn title(&mut self, title: &str);
    /// The bell.
    fn bell(&mut self);
    /// Puts text on the clipboard of the person's machine (OSC 52).
    fn copy(&mut self, text: &str);
    /// Mouse reporting.
    fn mouse(&mut self, on: bool);
    /// Stops the process until it is continued, with the terminal given back meanwhile.
    fn suspend(&mut self);
}

/// The extras of the terminal on standard output. Errors are ignored: none of it carries meaning alone.
#[derive(Debug, Default)]
pub struct RealExtras;

impl RealExtras {
    fn write(bytes: &[u8]) {
        let mut out = io::stdout();
        let _ = out.write_all(bytes);
        let _ = out.flush();
    }
}

impl Extras for RealExtras {
    fn sync(&mut self, begin: bool) {
        let mut out = io::stdout();
        // The end must reach the terminal now; the beginning travels with the frame.
        let _ = out.write_all(if begin { SYNC_BEGIN } else { SYNC_END });
        if !begin {
            let _ = out.flush();
        }
    }

    fn title(&mut self, title: &str) {
        Self::write(&title_bytes(title));
    }

    fn bell(&mut self) {
        Self::write(b"\x07");
    }

    fn copy(&mut self, text: &str) {
        Self::write(&copy_bytes(text));
    }

    fn mouse(&mut self, on: bool) {
        let mut out = io::stdout();
        let _ = if on {
            execute!(out, event::EnableMouseCapture)
        } else {
            execute!(out, event::DisableMouseCapture)
        };
    }

    fn suspend(&mut self) {
        restore();
        // The whole group, so that a wrapper such as `cargo run` stops with us.
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
        // Continued. If the terminal is gone, the next write or the input's end will tell.
        let _ = take();
    }
}

/// The title sequence; control characters cannot get into it.
fn title_bytes(title: &str) -> Vec<u8> {
    let mut bytes = b"\x1b]2;".to_vec();
    bytes.extend(
        title
            .chars()
            .filter(|c| !c.is_control())
            .collect::<String>()
            .into_bytes(),
    );
    bytes.push(0x07);
    bytes
}

/// The clipboard sequence.
fn copy_bytes(text: &str) -> Vec<u8> {
    let mut bytes = b"\x1b]52;c;".to_vec();
    bytes.extend(base64(text.as_bytes()).into_bytes());
    bytes.push(0x07);
    bytes
}

/// RFC 4648 base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place > chunk.len() {
                out.push('=');
            } else {
                out.push(char::from(LETTERS[(word >> (18 - 6 * place) & 63) as usize]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn a_title_cannot_carry_a_command() {
        assert_eq!(title_bytes("a\x1b]52;c;x\x07b"), b"\x1b]2;a]52;c;xb\x07");
    }
}
