//! The wizard's state: which screen, which overlays, which news. Pure: it is told keys, time and the engine's state,
//! and says what to draw and what to send. [`super::run`] connects it to a terminal and an engine.

mod below_rail;
pub mod context;
pub mod frame_info;
mod general;
mod keys;
mod rail;
pub(super) mod view;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;

use crate::engine::Capability;
use crate::engine::command::Command as Order;
use crate::engine::journey;
use crate::engine::runner::Reply;
use crate::engine::snapshot::Snapshot;
use crate::engine::views::Views;

use super::clock::Now;
use super::keymap::{Action, KeyMap};
use super::layout::Density;
use super::overlays::Overlay;
use super::overlays::confirm::Confirm;
use super::screens::{self, Screen};
use super::style::{Look, Role};
use super::text;
use super::widgets::frame::News;
use context::{Answered, Cx, Effect, Handled, Purpose, World};

/// How long news take the now line.
const TOAST: Duration = Duration::from_secs(5);
/// How long they have at least, before a key makes room for what it does.
const SEEN: Duration = Duration::from_millis(300);
/// How long letters wait for a dialog that is on its way. A plan that takes longer keeps nobody from using the keys.
const TYPED_AHEAD: Duration = Duration::from_secs(3);

/// What the outside has to do for the wizard.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    /// Send to the engine.
    Send(Order),
    /// Send to the engine, and bring the answer back with its purpose.
    Ask(Purpose, Order),
    /// Put on the clipboard.
    Copy(String),
    /// Ring.
    Bell,
    /// Set the window's title.
    Title(String),
    /// Mouse reporting on or off.
    Mouse(bool),
    /// Stop the process until continued.
    Suspend,
    /// Draw every cell again.
    Repaint,
    /// End.
    Leave,
}

#[derive(Debug)]
struct Toast {
    news: News,
    said: Duration,
    /// `None`: waits for a key.
    until: Option<Duration>,
}

/// The wizard.
#[derive(Debug)]
pub struct App {
    world: World,
    look: Look,
    keys: KeyMap,
    size: Size,
    current: Capability,
    from: Option<Capability>,
    screens: BTreeMap<Capability, Box<dyn Screen>>,
    overlays: Vec<Box<dyn Overlay>>,
    /// The step that is pointed at, while the rail has the focus.
    rail: Option<usize>,
    toast: Option<Toast>,
    /// Messages up to this event were read.
    read: u64,
    /// Messages up to this event were said in the now line.
    said: u64,
    opened: bool,
    /// The ten seconds of a countdown that rang last.
    rung: Option<i64>,
    title: String,
    mouse: bool,
    dirty: bool,
    /// A plan that a key asked for and a dialog will show, and until when letters wait for it.
    planning: Option<(Capability, Duration)>,
    outbox: Vec<Out>,
}

/// Whether the screen of `capability` is none of the steps: `q` goes back from there to where it was opened.
const fn is_aside(capability: Capability) -> bool {
    matches!(capability, Capability::Rollback | Capability::Backup)
}

impl App {
    /// A wizard that knows nothing yet, on Start.
    #[must_use]
    pub fn new(look: Look, keys: KeyMap, size: Size) -> Self {
        Self {
            world: World::default(),
            look,
            keys,
            size,
            current: Capability::Start,
            from: None,
            screens: BTreeMap::new(),
            overlays: Vec::new(),
            rail: None,
            toast: None,
            read: 0,
            said: 0,
            opened: false,
            rung: None,
            title: String::new(),
            mouse: false,
            dirty: true,
            planning: None,
            outbox: Vec::new(),
        }
    }

    /// Presses a key by its name, for starting with something switched on.
    pub fn key_named(&mut self, name: &str, now: &Now) {
        if let Some(key) = super::keymap::Key::named(name) {
            self.key(&key.event(), now);
        }
    }

    /// The screen that is shown.
    #[must_use]
    pub const fn current(&self) -> Capability {
        self.current
    }

    /// Whether something changed since the last drawing.
    #[must_use]
    pub const fn dirty(&self) -> bool {
        self.dirty
    }

    /// What the outside has to do, in order.
    pub fn take_out(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.outbox)
    }

    /// Another look, for example when the terminal has told its background.
    pub fn set_look(&mut self, look: Look) {
        self.dirty |= self.look != look;
        self.look = look;
    }

    /// The terminal has another size.
    pub fn resize(&mut self, size: Size) {
        self.dirty |= self.size != size;
        self.size = size;
    }

    /// Makes the next frame necessary.
    pub const fn touch(&mut self) {
        self.dirty = true;
    }

    fn cx<'a>(world: &'a World, keys: &'a KeyMap, now: &'a Now, look: Look, size: Size) -> Cx<'a> {
        Cx::new(&world.snapshot, &world.views, now, look, keys, Density::of(size))
    }

    /// Calls `act` with the present screen and a context.
    fn with_screen<T>(&mut self, now: &Now, act: impl FnOnce(&mut dyn Screen, &Cx<'_>) -> T) -> T {
        let cx = Self::cx(&self.world, &self.keys, now, self.look, self.size);
        let screen = self
            .screens
            .entry(self.current)
            .or_insert_with(|| screens::make(self.current));
        act(screen.as_mut(), &cx)
    }

    /// Calls `act` with the top overlay and a context.
    fn with_overlay<T>(&mut self, now: &Now, act: impl FnOnce(&mut dyn Overlay, &Cx<'_>) -> T) -> Option<T> {
        let cx = Self::cx(&self.world, &self.keys, now, self.look, self.size);
        self.overlays.last_mut().map(|overlay| act(overlay.as_mut(), &cx))
    }

    /// Says something in the now line.
    fn say(&mut self, news: News, now: &Now) {
        let until = (news.role != Role::Bad).then(|| now.mono + TOAST);
        self.toast = Some(Toast {
            news,
            said: now.mono,
            until,
        });
        self.dirty = true;
    }

    /// Goes to a step; the rollback remembers where it was opened.
    fn go(&mut self, to: Capability, now: &Now) {
        if is_aside(to) && !is_aside(self.current) {
            self.from = Some(self.current);
        }
        self.overlays.clear();
        self.rail = None;
        self.toast = None;
        self.current = to;
        self.dirty = true;
        self.enter(now);
    }

    fn enter(&mut self, now: &Now) {
        let effects = self.with_screen(now, |screen, cx| screen.entered(cx));
        self.effects(effects, now);
    }

    fn effects(&mut self, effects: Vec<Effect>, now: &Now) {
        for effect in effects {
            self.dirty = true;
            match effect {
                Effect::Send(order) => self.outbox.push(Out::Send(order)),
                Effect::Ask(purpose, order) => self.outbox.push(Out::Ask(purpose, order)),
                Effect::Open(overlay) => self.overlays.push(overlay),
                Effect::Close => self.close_overlay(),
                Effect::Go(step) => self.go(step, now),
                Effect::Show(step, what) => {
                    self.go(step, now);
                    self.with_screen(now, |screen, cx| screen.show(&what, cx));
                }
                Effect::Run(action) => self.run_on_screen(action, now),
                Effect::Say(news) => self.say(news, now),
                Effect::Copy(text) => {
                    let first = text.lines().next().unwrap_or_default();
                    self.say(
                        News::new(format!("Copied: {}", text::elide_middle(first, 120, "…")), ""),
                        now,
                    );
                    self.outbox.push(Out::Copy(text));
                }
                Effect::Leave => self.outbox.push(Out::Leave),
            }
        }
    }

    fn close_overlay(&mut self) {
        // Whoever looked at the messages has read them.
        if self
            .overlays
            .pop()
            .is_some_and(|overlay| overlay.reads_messages())
        {
            self.read = self
                .world
                .snapshot
                .messages
                .back()
                .map_or(self.read, |message| message.seq);
            self.outbox.push(Out::Send(Order::Seen));
        }
        self.dirty = true;
    }

    /// Takes what a layer made of a key; returns whether it meant something.
    fn handled(&mut self, handled: Handled, now: &Now) -> bool {
        match handled {
            Handled::No => false,
            Handled::Yes(effects) => {
                self.dirty = true;
                let asked = effects.iter().find_map(|effect| match effect {
                    Effect::Ask(Purpose::Confirm(capability), _) => Some(*capability),
                    _ => None,
                });
                if let Some(capability) = asked {
                    self.planning = Some((capability, now.mono + TYPED_AHEAD));
                }
                self.effects(effects, now);
                true
            }
        }
    }

    /// The engine's state changed.
    pub fn update(&mut self, snapshot: Arc<Snapshot>, views: Arc<Views>, now: &Now) {
        let before = std::mem::replace(&mut self.world, World { snapshot, views });
        self.dirty = true;
        self.watch(&before, now);
    }

    /// The engine answered a question.
    pub fn answered(&mut self, answer: &Answered, now: &Now) {
        self.dirty = true;
        if matches!(answer.0, Purpose::Confirm(_)) {
            self.planning = None;
        }
        if let Some(handled) = self.with_overlay(now, |overlay, cx| overlay.answered(answer, cx))
            && self.handled(handled, now)
        {
            return;
        }
        let (purpose, result) = answer;
        let handled = self.with_screen(now, |screen, cx| screen.answered(answer, cx));
        if self.handled(handled, now) {
            return;
        }
        match (purpose, result) {
            (Purpose::Confirm(capability), Ok(Reply::Plan(plan)))
                if *capability == self.current && self.overlays.is_empty() =>
            {
                let (time, remarks) = self.with_screen(now, |screen, cx| screen.remarks(cx));
                let dialog = Confirm::new((**plan).clone(), now.at, now.mono, time, remarks);
                self.overlays.push(Box::new(dialog));
            }
            (_, Err(error)) => {
                let hint = error.hint.clone().unwrap_or_default();
                self.say(
                    News::new(format!("{}.", text::sentence(&error.message)), hint).role(Role::Bad),
                    now,
                );
            }
            (_, Ok(_)) => {}
        }
    }

    /// A panic on a thread that does not draw.
    pub fn background_panic(&mut self, said: &str, now: &Now) {
        let first = said.lines().last().unwrap_or(said);
        let what = format!(
            "A worker failed: {}",
            crate::engine::text::inert_short(first, 200)
        );
        self.say(News::new(what, "what was finished is safe").role(Role::Bad), now);
    }

    /// Whether leaving would interrupt something.
    #[must_use]
    pub fn busy(&self) -> Option<Capability> {
        self.world.snapshot.active()
    }

    /// Runs a command on the screen, as if its key was pressed there.
    fn run_on_screen(&mut self, action: Action, now: &Now) {
        let commands = self.screen_commands(now);
        self.run_offered(action, &commands, now);
    }

    fn following(&self) -> Option<Capability> {
        let steps = journey::steps(self.world.snapshot.migration);
        let at = steps.iter().position(|step| *step == self.current)?;
        steps.get(at + 1).copied()
    }

    fn preceding(&self) -> Option<Capability> {
        journey::preceding(&self.world.snapshot, self.current)
    }
}
