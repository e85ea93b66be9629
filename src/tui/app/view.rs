//! Drawing: frame, screen, overlays. A function of the state; what it remembers is only how far lists are scrolled.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use super::{App, rail};
use crate::engine::snapshot::Activity;
use crate::tui::app::frame_info::frame_info;
use crate::tui::app::keys::offer_stop;
use crate::tui::clock::Now;
use crate::tui::keymap::Command;
use crate::tui::layout::{self, Density};
use crate::tui::paint::Painter;
use crate::tui::screens::{self, monitor::picture::until};
use crate::tui::text;
use crate::tui::widgets::frame::{self, Frame, News};

/// A spinner appears when something takes longer than this.
pub const PATIENCE: Duration = Duration::from_millis(150);

impl App {
    /// Draws everything. Returns after how long the picture changes by itself, if it does.
    pub fn draw(&mut self, buffer: &mut Buffer, now: &Now) -> Option<Duration> {
        self.dirty = false;
        self.ring_countdown(now);
        self.size = Size {
            width: buffer.area.width,
            height: buffer.area.height,
        };
        if self
            .toast
            .as_ref()
            .is_some_and(|toast| toast.until.is_some_and(|until| until <= now.mono))
        {
            self.toast = None;
        }
        let areas = layout::areas(self.size);
        let cx = Self::cx(&self.world, &self.keys, now, self.look, self.size);
        let mut painter = Painter::new(buffer, areas.all, self.look);
        painter.clear();
        if areas.density == Density::TooSmall {
            frame::too_small(
                &mut painter,
                &small_news(&cx, self.toast.as_ref().map(|toast| &toast.news)),
            );
            let toast = self.toast.as_ref().and_then(|toast| toast.until);
            return sooner(cx.wake(), toast.map(|until| until.saturating_sub(now.mono)));
        }
        let screen = self
            .screens
            .entry(self.current)
            .or_insert_with(|| screens::make(self.current));
        screen.refresh(&cx);
        let unread = cx
            .snapshot
            .messages
            .iter()
            .filter(|message| message.seq > self.read && screens::is_loud(message))
            .count();
        let mut info = frame_info(&cx, self.current, self.from, unread);
        info.over = !self.overlays.is_empty();
        if areas.rail.is_empty() {
            self.rail = None;
        }
        info.pointed = self.rail;
        let commands: Vec<Command> = if info.over {
            Vec::new()
        } else {
            let mut commands = screen.commands(&cx);
            offer_stop(cx.snapshot, &mut commands);
            if info.pointed.is_some() {
                rail::offer(&mut commands);
            }
            commands
        };
        let news = match &self.toast {
            Some(toast) => toast.news.clone(),
            None => info
                .pointed
                .and_then(|at| rail::news(&cx, at))
                .unwrap_or_else(|| screen.news(&cx)),
        };
        let frame = Frame {
            info: &info,
            title: &screen.title(&cx),
            news: &news,
            commands: &commands,
            keys: &self.keys,
        };
        frame.draw(&mut painter, &areas);
        screen.render(&mut painter.part(areas.pane), &cx);
        for overlay in &mut self.overlays {
            let wanted = overlay.size(&cx, self.size);
            let area = layout::centred(areas.all, wanted.width, wanted.height);
            let title = overlay.title(&cx);
            let commands = overlay.commands(&cx);
            let inside = frame::boxed(&mut painter, area, &title, &commands, &self.keys);
            overlay.render(&mut painter.part(inside), &cx);
        }
        let toast = self
            .toast
            .as_ref()
            .and_then(|toast| toast.until)
            .map(|until| until.saturating_sub(now.mono));
        sooner(cx.wake(), toast)
    }
}

fn sooner(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What is said when there is no room for a picture.
fn small_news(cx: &super::context::Cx<'_>, toast: Option<&News>) -> String {
    if let Some(news) = toast {
        return news.what.clone();
    }
    let watch = cx.snapshot.monitor.as_deref().filter(|watch| watch.on);
    if let Some(ends) = watch.and_then(|watch| watch.countdown) {
        cx.wake_in(Duration::from_secs(1));
        let left = text::duration(until(cx.now, ends));
        return format!("ROLLBACK IN {left}. X stops it.");
    }
    let runs = match cx.snapshot.active() {
        Some(capability) => match cx.snapshot.activity(capability) {
            Activity::Paused => format!("{} is paused.", capability.title()),
            _ => format!("{} goes on.", capability.title()),
        },
        None if watch.is_some() => "Monitor goes on.".to_owned(),
        None => "Nothing runs.".to_owned(),
    };
    let Some((watch, verdict)) = watch.and_then(|watch| Some((watch, watch.verdict()?))) else {
        return runs;
    };
    let age = watch
        .last_at()
        .map_or_else(String::new, |at| format!(", {}", cx.old(at)));
    format!("{runs} Verdict {}{age}.", verdict.word.name())
}
