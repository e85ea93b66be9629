//! The boxed and the flat form: columns of nodes with the wires between them.

use super::theme::Theme;
use super::{
    StageView,
    model::{NodeIx, State},
    route::{self, Plan, Port, Wire},
    scene::{Item, ItemIx, Pitch, Scene, Source, What},
    spread::{self, GAP, Spread},
    state::{Form, StageViewState},
    title,
    wires::{Cell, Grid, Mark},
};
use crate::engine::text::count as count_text;
use crate::tui::style::Role;
use crate::tui::text;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

/// Everything a column's nodes are drawn with.
struct Pen<'a> {
    view: &'a StageView<'a>,
    state: &'a StageViewState,
    waited: Option<&'a [bool]>,
    area: Rect,
    boxed: bool,
}

pub(super) fn draw(
    view: &StageView<'_>,
    form: Form,
    area: Rect,
    buf: &mut Buffer,
    state: &mut StageViewState,
) {
    let cells = usize::from(area.width);
    let rows = i32::from(area.height) - 1;
    let boxed = form == Form::Boxed;
    let pitch = if boxed { Pitch::BOXED } else { Pitch::FLAT };
    let places = usize::try_from(rows / pitch.rows).unwrap_or(0).max(1);
    let mut spread = Spread::new(view, form, cells, places, state);
    let waited = state
        .cursor
        .filter(|_| state.waits)
        .map(|cursor| view.graph.waited_for(cursor));
    let source = Source {
        graph: view.graph,
        order: view.order,
        state,
        upstream: waited.as_deref(),
    };
    let scene = scene(source, &spread, rows, pitch);
    let wires: Vec<Vec<Wire>> = (0..scene.links.len()).map(|gap| wires_of(&scene, gap)).collect();
    let needs: Vec<usize> = wires
        .iter()
        .map(|wires| need(&route::plan(wires, rows, *GAP.end()), wires))
        .collect();
    let gaps = spread.gaps(form, &needs);

    let pen = Pen {
        view,
        state,
        waited: waited.as_deref(),
        area,
        boxed,
    };
    let mut x = spread.left;
    for (column, &width) in spread.widths.iter().enumerate() {
        let stage = spread.stages.start + column;
        let gap = gaps.get(column).map_or(0, |gap| gap + 2 * spread.padding);
        pen.header(stage, &scene, column, (x, width + gap), buf);
        pen.column(&scene, column, (x, width), spread.padding, buf);
        if let Some(&cells) = gaps.get(column) {
            let plan = route::plan(&wires[column], rows, cells);
            let times = view.theme.times().chars().next().unwrap_or('x');
            let grid = Grid::new(&plan, &wires[column], cells, rows, times);
            pen.wires(&grid, x + width + spread.padding, buf);
            pen.uncounted(grid.uncounted, (x + width, gap), buf);
        }
        x += width + gap;
    }

    let opened: Vec<(usize, usize)> = scene
        .stages
        .clone()
        .zip(&scene.shown)
        .filter(|(stage, _)| state.opened.contains_key(stage))
        .map(|(stage, shown)| (stage, shown.above))
        .collect();
    state.opened.extend(opened);
    state.seen.columns = scene.stages.clone();
    state.seen.shown = scene.shown.into_iter().map(|shown| shown.nodes).collect();
    state.seen.page = places;
}

/// The scene; with free rows between flat nodes if their edges cannot be told apart otherwise and there is room.
fn scene(source: Source<'_>, spread: &Spread, rows: i32, pitch: Pitch) -> Scene {
    let scene = Scene::new(source, spread.stages.clone(), rows, pitch);
    let tangles = |scene: &Scene| {
        (0..scene.links.len())
            .filter(|&gap| route::plan(&wires_of(scene, gap), rows, *GAP.end()).tangled)
            .count()
    };
    if pitch != Pitch::FLAT {
        return scene;
    }
    let before = tangles(&scene);
    if before == 0 {
        return scene;
    }
    let airy = Scene::new(source, spread.stages.clone(), rows, Pitch::AIRY);
    let same = airy
        .shown
        .iter()
        .zip(&scene.shown)
        .all(|(one, other)| one.nodes == other.nodes);
    if same && tangles(&airy) < before {
        airy
    } else {
        scene
    }
}

fn wires_of(scene: &Scene, gap: usize) -> Vec<Wire> {
    let port = |at: ItemIx| {
        let item = &scene.items[at];
        let (counted, arrow) = match item.what {
            What::Node(_) => (false, true),
            What::Fold(_) => (true, true),
            What::Above | What::Below => (true, false),
            What::Bend { .. } | What::Beyond => (false, false),
        };
        Port {
            item: at,
            row: item.pin,
            counted,
            arrow,
        }
    };
    scene.links[gap]
        .iter()
        .map(|link| Wire {
            from: port(link.from),
            to: port(link.to),
            count: link.count,
            heavy: link.heavy,
            lit: link.lit,
        })
        .collect()
}

/// How many cells a gap would like to have.
fn need(plan: &Plan, wires: &[Wire]) -> usize {
    let counted = wires
        .iter()
        .filter(|wire| wire.count > 1 && (wire.from.counted || wire.to.counted))
        .map(|wire| wire.count.to_string().len() + 2)
        .max()
        .unwrap_or(0);
    plan.lanes + 2 + usize::from(plan.jogs) + counted
}

impl Pen<'_> {
    /// Writes text at a cell of the body; `y` is a row below the header. Clips.
    fn put(&self, buf: &mut Buffer, x: usize, y: i32, content: &str, style: Style) {
        let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y + 1)) else {
            return;
        };
        if x < self.area.width && y < self.area.height {
            let room = usize::from(self.area.width - x);
            buf.set_stringn(self.area.x + x, self.area.y + y, content, room, style);
        }
    }

    fn header(
        &self,
        stage: usize,
        scene: &Scene,
        column: usize,
        (x, room): (usize, usize),
        buf: &mut Buffer,
    ) {
        let shown = &scene.shown[column];
        let window = self
            .state
            .opened
            .contains_key(&stage)
            .then(|| (shown.above + 1, shown.above + shown.nodes.len()));
        let header = title::header(self.view.graph, &self.view.theme, stage, window);
        let header = text::elide_end(&header, room.saturating_sub(1), self.view.theme.elision());
        self.put(buf, x, -1, &header, self.view.theme.style(Role::Text));
    }

    /// Counts that found no room among the lines stand over their gap.
    fn uncounted(&self, count: u32, (x, room): (usize, usize), buf: &mut Buffer) {
        let label = format!("{}{count}", self.view.theme.times());
        let Some(start) = room
            .checked_sub(text::width(&label) + 1)
            .map(|left| x + 1 + left / 2)
        else {
            return;
        };
        let blank = (x..x + room).all(|cell| {
            u16::try_from(cell)
                .ok()
                .and_then(|cell| buf.cell((self.area.x + cell, self.area.y)))
                .is_some_and(|cell| cell.symbol() == " ")
        });
        if count > 0 && blank {
            self.put(buf, start, -1, &label, self.wire_style(false, false));
        }
    }

    fn column(
        &self,
        scene: &Scene,
        column: usize,
        (x, width): (usize, usize),
        padding: usize,
        buf: &mut Buffer,
    ) {
        let kind = spread::kind_in(self.view, &scene.shown[column].nodes, width);
        for &at in &scene.columns[column] {
            let item = &scene.items[at];
            match item.what {
                What::Node(node) if self.boxed => self.boxed_node(node, item, (x, width), buf),
                What::Node(node) => self.flat_node(node, item, (x, width), kind, buf),
                What::Fold(count) => self.fold(count, scene, item, (x, width), buf),
                What::Bend { heavy, lit, bundle } => {
                    let count = if bundle { passing(scene, at) } else { 0 };
                    let span = (x.saturating_sub(padding), width + 2 * padding);
                    self.bend(item.pin, span, heavy, lit, count, buf);
                }
                What::Above | What::Below | What::Beyond => {}
            }
        }
    }

    fn is_cursor(&self, node: NodeIx) -> bool {
        self.view.focused && self.state.cursor == Some(node)
    }

    fn is_waited_for(&self, node: NodeIx) -> bool {
        self.waited.is_some_and(|waited| waited[node as usize])
    }

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

    fn boxed_node(&self, node: NodeIx, item: &Item, span: (usize, usize), buf: &mut Buffer) {
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

    fn fold(&self, count: usize, scene: &Scene, item: &Item, span: (usize, usize), buf: &mut Buffer) {
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

    fn flat_node(
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

    fn bend(&self, y: i32, (x, width): (usize, usize), heavy: bool, lit: bool, count: u32, buf: &mut Buffer) {
        let theme = &self.view.theme;
        let line = if heavy {
            theme.sign("━", "=")
        } else {
            theme.sign("─", "-")
        };
        self.put(buf, x, y, &line.repeat(width), self.wire_style(heavy, lit));
        if count > 1 {
            let label = format!("{}{count}", theme.times());
            let at = x + width.saturating_sub(text::width(&label)) / 2;
            self.put(buf, at, y, &label, self.wire_style(heavy, lit));
        }
    }

    fn wire_style(&self, heavy: bool, lit: bool) -> Style {
        let theme = &self.view.theme;
        let role = match self.waited {
            Some(_) if lit => Role::Accent,
            Some(_) => Role::Muted,
            None => Role::Accent,
        };
        let style = theme.style(role);
        if heavy {
            style.patch(theme.style(Role::Critical))
        } else {
            style
        }
    }

    fn wires(&self, grid: &Grid, x: usize, buf: &mut Buffer) {
        let theme = &self.view.theme;
        let rows = i32::from(self.area.height) - 1;
        for y in 0..rows {
            for column in 0..grid.width {
                let Some(cell) = grid.at(column, y).filter(|cell| **cell != Cell::default()) else {
                    continue;
                };
                let sign = match cell.mark {
                    Mark::Lines if theme.ascii() => cell.arms.plain_sign(),
                    Mark::Lines => cell.arms.sign(),
                    Mark::Arrow => theme.sign("▸", ">").chars().next().unwrap_or('>'),
                    Mark::Letter(letter) => letter,
                };
                let style = self.wire_style(cell.is_heavy(), cell.lit);
                let mut bytes = [0; 4];
                self.put(buf, x + column, y, sign.encode_utf8(&mut bytes), style);
            }
        }
    }
}

/// What stands in a box.
struct Content<'a> {
    sign: &'a str,
    name: &'a str,
    line: &'a str,
    cursor: bool,
    marked: bool,
    styles: (Style, Style),
}

/// How many edges pass through a bend.
fn passing(scene: &Scene, bend: ItemIx) -> u32 {
    let column = scene.items[bend].column;
    let sum = |gap: usize, into: bool| {
        scene.links.get(gap).map_or(0, |links| {
            links
                .iter()
                .filter(|link| if into { link.to == bend } else { link.from == bend })
                .map(|link| link.count)
                .sum()
        })
    };
    let before: u32 = column.checked_sub(1).map_or(0, |gap| sum(gap, true));
    before.max(sum(column, false))
}
