//! Nodes and folds as the boxed and the flat form draw them.

use super::{
    boxes::Pen,
    model::{NodeIx, State},
    scene::{Item, Scene},
    theme::Theme,
    title,
};
use crate::engine::text::count as count_text;
use crate::tui::style::Role;
use crate::tui::text;
use ratatui::{
    buffer::Buffer,
    style::{Modifier, Style},
};

/// What stands in a box.
struct Content<'a> {
    sign: &'a str,
    name: &'a str,
    line: &'a str,
    cursor: bool,
    marked: bool,
    styles: (Style, Style),
}

impl Pen<'_> {
    /// The style of a node's name, and of the rest of it.
    fn styles(&self, node: NodeIx) -> (Style, Style) {
        let theme = &self.view.theme;
        let data = self.view.graph.node(node);
        let mut name = theme.style(Theme::state_role(data.state));
        let mut rest = theme.style(Role::Muted);
        if self.waited.is_some() {
            let role = if self.is_waited_for(node) {
                Role::Accent
            } else {
                Role::Muted
            };
            (name, rest) = (theme.style(role), theme.style(role));
        }
        if self.state.critical && self.view.graph.is_critical(node) {
            name = name
                .add_modifier(Modifier::BOLD)
                .patch(theme.style(Role::Critical));
        }
        if self.is_cursor(node) {
            name = name.patch(theme.style(Role::Selection));
        }
        (name, rest)
    }

    /// What stands at the right of a node: time and id, or the reason for its state.
    fn figures(&self, node: NodeIx) -> String {
        let data = self.view.graph.node(node);
        let time = data.time.map(|time| text::duration(u64::from(time)));
        let waits = self.is_waited_for(node) && self.state.cursor != Some(node);
        let said = match data.state {
            _ if waits => Some("waits".to_owned()),
            State::Planned => {
                (data.weight.to_bits() != 1.0_f64.to_bits()).then(|| format!("{:.1}", data.weight))
            }
            State::Waiting => match self.view.graph.unmet(node) {
                0 => None,
                unmet => Some(format!("needs {unmet}")),
            },
            State::Running | State::Done => time,
            State::Failed | State::Skipped => data.note.clone().or(time),
        };
        [said.as_deref(), data.external_id.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("  ")
    }

    pub(super) fn boxed_node(&self, node: NodeIx, item: &Item, span: (usize, usize), buf: &mut Buffer) {
        let data = self.view.graph.node(node);
        let (name, rest) = self.styles(node);
        let sign = self.view.theme.state_sign(data.state);
        let inner = span.1.saturating_sub(4);
        let figures = self.figures(node);
        let room = inner.saturating_sub(text::width(&figures) + 1);
        let kind = text::elide_end(&data.kind, room.max(inner.min(8)), self.view.theme.elision());
        let figures = text::elide_end(
            &figures,
            inner.saturating_sub(text::width(&kind) + 1),
            self.view.theme.elision(),
        );
        let fill = inner.saturating_sub(text::width(&kind) + text::width(&figures));
        let line = format!("{kind}{}{figures}", " ".repeat(fill));
        self.frame(
            item.top,
            span,
            &Content {
                sign,
                name: &data.name,
                line: &line,
                cursor: self.is_cursor(node),
                marked: self.view.is_marked(node),
                styles: (name, rest),
            },
            buf,
        );
    }

    pub(super) fn fold(
        &self,
        count: usize,
        scene: &Scene,
        item: &Item,
        span: (usize, usize),
        buf: &mut Buffer,
    ) {
        let theme = &self.view.theme;
        let muted = theme.style(Role::Muted);
        let more = format!("{} more", count_text(count as u64));
        let states = title::fold_states(self.view.graph, theme, scene, item.column);
        if self.boxed {
            let line = text::elide_end(&states, span.1.saturating_sub(4), theme.elision());
            let content = Content {
                sign: theme.elision(),
                name: &more,
                line: &line,
                cursor: false,
                marked: false,
                styles: (muted, muted),
            };
            self.frame(item.top, span, &content, buf);
        } else {
            let inner = span.1.saturating_sub(2);
            let label = format!("{} {more}  {states}", theme.elision());
            let label = text::pad(&text::elide_end(&label, inner, theme.elision()), inner);
            self.put(buf, span.0, item.pin, &format!("[{label}]"), muted);
        }
    }

    /// A box of three rows.
    fn frame(&self, top: i32, (x, width): (usize, usize), content: &Content<'_>, buf: &mut Buffer) {
        let theme = &self.view.theme;
        let (name_style, rest) = content.styles;
        let rule = theme.sign("─", "-");
        let wall = theme.sign("│", "|");
        let corners = if theme.ascii() {
            ["+"; 4]
        } else {
            ["┌", "┐", "└", "┘"]
        };
        let inner = width.saturating_sub(2);
        let cursor = if content.cursor {
            theme.sign("▸", ">")
        } else {
            " "
        };
        let sign = if content.sign.is_empty() {
            String::new()
        } else {
            format!("{} ", content.sign)
        };
        let room = inner.saturating_sub(2 + text::width(&sign));
        let name = text::elide_middle(content.name, room, theme.elision());
        let heading = format!("{sign}{name}");
        let fill = rule.repeat(inner.saturating_sub(2 + text::width(&heading)));
        self.put(buf, x, top, &format!("{}{cursor}", corners[0]), rest);
        self.put(buf, x + 2, top, &heading, name_style);
        let after = x + 2 + text::width(&heading);
        self.put(buf, after, top, &format!(" {fill}{}", corners[1]), rest);
        let left = if content.marked { "*" } else { wall };
        let line = text::pad(content.line, inner.saturating_sub(2));
        self.put(buf, x, top + 1, &format!("{left} {line} {wall}"), rest);
        let bottom = format!("{}{}{}", corners[2], rule.repeat(inner), corners[3]);
        self.put(buf, x, top + 2, &bottom, rest);
    }

    pub(super) fn flat_node(
        &self,
        node: NodeIx,
        item: &Item,
        (x, width): (usize, usize),
        kind: usize,
        buf: &mut Buffer,
    ) {
        let theme = &self.view.theme;
        let data = self.view.graph.node(node);
        let (name, _) = self.styles(node);
        let inner = width.saturating_sub(2);
        let sign = theme.state_sign(data.state);
        let sign = if self.view.graph.has_run() {
            text::pad(sign, 2)
        } else {
            String::new()
        };
        let kind_cells = if kind == 0 { 0 } else { kind + 2 };
        let word = if self.is_waited_for(node) && self.state.cursor != Some(node) {
            "waits"
        } else {
            &data.kind
        };
        let room = inner.saturating_sub(text::width(&sign));
        // The name never has fewer than 8 cells; the type gives way.
        let label = if kind_cells > 0 && room >= kind_cells + text::width(&data.name).min(8) {
            let name = text::elide_middle(&data.name, room - kind_cells, theme.elision());
            format!("{}{name}", text::pad(word, kind_cells))
        } else if word == "waits" && room > 14 {
            format!(
                "waits {}",
                text::elide_middle(&data.name, room - 6, theme.elision())
            )
        } else {
            text::elide_middle(&data.name, room, theme.elision())
        };
        let label = text::pad(&label, room);
        if self.is_cursor(node) {
            // In the first column there is a cell more for the cursor.
            let at = if x >= 3 && item.column == 0 {
                x - 2
            } else {
                x.saturating_sub(1)
            };
            self.put(buf, at, item.pin, theme.sign("▸", ">"), theme.style(Role::Accent));
        }
        let left = if self.view.is_marked(node) { "*" } else { "[" };
        self.put(buf, x, item.pin, &format!("{left}{sign}{label}]"), name);
    }
}
