//! The loop: one `select!` over signals, keys, answers, the engine's state and the clock. Nothing in it waits for the
//! world, it draws only when something changed, at most 30 times a second, and sleeps when nothing does.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::app::context::Answered;
use super::app::{App, Out};
use super::clock::Now;
use super::keymap::KeyMap;
use super::style::choose::{Choice, Environment};
use super::style::{Look, Theme};
use super::terminal::ask::{self, LateAnswer};
use super::terminal::signals::{Ask, Signals};
use super::terminal::{self, Extras, Guard, RealExtras};
use crate::engine::command::Command as Order;
use crate::engine::error::{Error, Result};
use crate::engine::runner::Engine;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(33);
/// How long leaving waits for the engine to reach a safe point before it says so and waits on.
const CLOSING: Duration = Duration::from_secs(30);

/// What was asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--theme`.
    pub theme: Choice,
    /// `--ascii`.
    pub ascii: bool,
    /// `--mouse`.
    pub mouse: bool,
    /// Changed keys: command names with the keys that replace theirs.
    pub keys: Vec<(String, Vec<String>)>,
}

/// How the wizard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A person left.
    Left,
    /// A signal asked for it.
    Signal(Ask),
    /// The terminal went away.
    Gone,
}

/// The clock of the loop.
struct Clock {
    start: Instant,
    zone: TimeZone,
}

impl Clock {
    fn now(&self) -> Now {
        // The wizard is told the time; this is where it is read.
        Now {
            mono: self.start.elapsed(),
            at: jiff::Timestamp::now(),
            zone: self.zone.clone(),
        }
    }
}

/// Runs the wizard on the process's terminal until a person or a signal ends it. The engine is closed at the end: what
/// runs stops at its next safe point.
///
/// # Errors
/// When the key map is wrong, or the terminal cannot be used.
pub async fn run(engine: Engine, options: Options) -> Result<Ended> {
    let changes = options
        .keys
        .iter()
        .map(|(name, keys)| (name.as_str(), keys.iter().map(String::as_str).collect()));
    let keys = KeyMap::with(changes).map_err(|refused| Error::input(refused.to_string()))?;
    let env = Environment::read(|name| std::env::var(name).ok());
    let ascii = env.ascii(options.ascii);
    let unusable =
        |error: std::io::Error| Error::unavailable(format!("the terminal cannot be used: {error}"));
    let mut signals = Signals::listen().map_err(unusable)?;
    let clock = Clock {
        start: Instant::now(),
        zone: TimeZone::system(),
    };
    let (guard, mut terminal) = Guard::enter().map_err(unusable)?;
    let size = terminal.size().map_err(unusable)?;
    let mut app = App::new(Look::new(options.theme.resolve(&env, None), ascii), keys, size);
    let mut extras = RealExtras;
    app.update(
        Arc::clone(&engine.snapshot().borrow()),
        Arc::clone(&engine.views().borrow()),
        &clock.now(),
    );
    // The first frame does not wait for the terminal's answer about its background.
    draw(&mut terminal, &mut app, &mut extras, &clock.now()).map_err(unusable)?;
    if std::env::var("MAOS_MIGRATE_FAIL_POINT").is_ok_and(|point| point == "tui.panic") {
        #[expect(
            clippy::panic,
            reason = "lets a test see that a panic gives the terminal back"
        )]
        std::panic::panic_any("the fail point tui.panic was asked for");
    }
    let mut late = LateAnswer::default();
    if options.theme.needs_background(&env) && env.colorfgbg_light().is_none() {
        let answer = ask::background();
        late = LateAnswer::new(!answer.complete);
        app.set_look(Look::new(options.theme.resolve(&env, answer.light), ascii));
        for key in &answer.typed {
            app.key(key, &clock.now());
        }
    }
    if options.mouse {
        app.key_named("m", &clock.now());
    }
    let ended = Wizard {
        engine: &engine,
        app: &mut app,
        extras: &mut extras,
        clock: &clock,
        late,
    }
    .turn(&mut terminal, &mut signals)
    .await;
    close(&engine, &mut terminal, &mut app, &mut extras, &clock, ended).await;
    drop(guard);
    Ok(ended)
}

/// Draws one frame; returns when the picture changes by itself.
fn draw<B: Backend>(
    terminal: &mut Terminal<B>,
    app: &mut App,
    extras: &mut impl Extras,
    now: &Now,
) -> std::result::Result<Option<Duration>, B::Error> {
    extras.sync(true);
    let mut wake = None;
    let drawn = terminal
        .draw(|frame| wake = app.draw(frame.buffer_mut(), now))
        .map(|_| ());
    extras.sync(false);
    drawn.map(|()| wake)
}

struct Wizard<'a, E: Extras> {
    engine: &'a Engine,
    app: &'a mut App,
    extras: &'a mut E,
    clock: &'a Clock,
    late: LateAnswer,
}

impl<E: Extras> Wizard<'_, E> {
    async fn turn<B: Backend>(mut self, terminal: &mut Terminal<B>, signals: &mut Signals) -> Ended {
        let mut input = EventStream::new();
        let mut snapshot = self.engine.snapshot();
        let mut views = self.engine.views();
        let (answers_in, mut answers) = mpsc::unbounded_channel::<Answered>();
        let mut drawn_at = Instant::now();
        let mut wake: Option<Duration> = None;
        let mut engine_alive = true;
        loop {
            for said in terminal::background_panics() {
                self.app.background_panic(&said, &self.clock.now());
            }
            if let Some(ended) = self.out(terminal, &answers_in) {
                return ended;
            }
            // A change waits for the frame rate; a clock waits for its moment; nothing waits for nothing.
            let frame_due = if self.app.dirty() {
                Some(drawn_at + FRAME)
            } else {
                wake.map(|wait| drawn_at + wait.max(FRAME))
            };
            tokio::select! {
                biased;
                ask = signals.next() => match ask {
                    Ask::Suspend => self.suspend(terminal),
                    Ask::Continue => {
                        let _ = terminal::take();
                        let _ = terminal::repaint(terminal);
                        self.app.touch();
                    }
                    Ask::Hangup => return Ended::Gone,
                    Ask::End => return Ended::Signal(ask),
                },
                event = input.next() => match event {
                    Some(Ok(event)) => self.event(&event),
                    Some(Err(_)) | None => return Ended::Gone,
                },
                Some(answer) = answers.recv() => self.app.answered(&answer, &self.clock.now()),
                changed = snapshot.changed(), if engine_alive => {
                    engine_alive = changed.is_ok();
                    self.refresh(&mut snapshot, &mut views);
                }
                changed = views.changed(), if engine_alive => {
                    engine_alive = changed.is_ok();
                    self.refresh(&mut snapshot, &mut views);
                }
                () = tokio::time::sleep_until(frame_due.unwrap_or(drawn_at)), if frame_due.is_some() => {
                    match draw(terminal, self.app, self.extras, &self.clock.now()) {
                        Ok(next) => wake = next,
                        Err(_) => return Ended::Gone,
                    }
                    drawn_at = Instant::now();
                }
            }
        }
    }

    fn refresh(
        &mut self,
        snapshot: &mut tokio::sync::watch::Receiver<Arc<crate::engine::snapshot::Snapshot>>,
        views: &mut tokio::sync::watch::Receiver<Arc<crate::engine::views::Views>>,
    ) {
        let snapshot = Arc::clone(&snapshot.borrow_and_update());
        let views = Arc::clone(&views.borrow_and_update());
        self.app.update(snapshot, views, &self.clock.now());
    }

    fn event(&mut self, event: &Event) {
        let now = self.clock.now();
        match event {
            Event::Key(key) if self.late.swallows(key) => {}
            Event::Key(key) => self.app.key(key, &now),
            Event::Paste(text) => self.app.paste(text, &now),
            Event::Mouse(mouse) => self.app.mouse(*mouse, &now),
            Event::Resize(..) | Event::FocusGained | Event::FocusLost => self.app.touch(),
        }
    }

    /// Does what the wizard asked for; returns when it asked to end.
    fn out<B: Backend>(
        &mut self,
        terminal: &mut Terminal<B>,
        answers: &mpsc::UnboundedSender<Answered>,
    ) -> Option<Ended> {
        for out in self.app.take_out() {
            match out {
                Out::Send(order) => self.engine.send(order),
                Out::Ask(purpose, order) => {
                    let (engine, answers) = (self.engine.clone(), answers.clone());
                    tokio::spawn(async move {
                        // The wizard is gone when it no longer listens; then nobody needs the answer.
                        let _ = answers.send((purpose, engine.ask(order).await));
                    });
                }
                Out::Copy(text) => self.extras.copy(&text),
                Out::Bell => self.extras.bell(),
                Out::Title(title) => self.extras.title(&title),
                Out::Mouse(on) => self.extras.mouse(on),
                Out::Suspend => self.suspend(terminal),
                Out::Repaint => {
                    let _ = terminal::repaint(terminal);
                    self.app.touch();
                }
                Out::Leave => return Some(Ended::Left),
            }
        }
        None
    }

    fn suspend<B: Backend>(&mut self, terminal: &mut Terminal<B>) {
        self.extras.suspend();
        let _ = terminal::repaint(terminal);
        self.app.touch();
    }
}

/// Ends the session: what runs stops at its next safe point, which the screen shows meanwhile.
async fn close<B: Backend>(
    engine: &Engine,
    terminal: &mut Terminal<B>,
    app: &mut App,
    extras: &mut impl Extras,
    clock: &Clock,
    ended: Ended,
) {
    let busy = app.busy().is_some();
    let closing = engine.ask(Order::Close);
    tokio::pin!(closing);
    if !busy || ended == Ended::Gone {
        // With nobody to look at, what runs still comes to its safe point, and stops what it started.
        let most = if busy { 4 * CLOSING } else { CLOSING };
        let _ = tokio::time::timeout(most, closing).await;
        return;
    }
    let mut snapshot = engine.snapshot();
    loop {
        let (latest, views) = (
            Arc::clone(&snapshot.borrow_and_update()),
            Arc::clone(&engine.views().borrow()),
        );
        app.update(latest, views, &clock.now());
        let _ = draw(terminal, app, extras, &clock.now());
        tokio::select! {
            _ = &mut closing => return,
            changed = snapshot.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

/// The palette names for `--theme`, for the command line's own check.
#[must_use]
pub fn themes() -> Vec<&'static str> {
    let mut names = vec!["auto", "colour-blind"];
    names.extend(Theme::ALL.map(Theme::name));
    names
}
