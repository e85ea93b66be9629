//! The boxed and the flat form: columns of nodes with the wires between them.

use super::{
    StageView,
    model::NodeIx,
    route::{self, Plan, Port, Wire},
    scene::{ItemIx, Pitch, Scene, Source, What},
    spread::{self, GAP, Spread},
    state::{Form, StageViewState},
    title,
    wires::{Cell, Grid, Mark},
};
use crate::tui::style::Role;
use crate::tui::text;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Everything a column's nodes are drawn with.
pub(super) struct Pen<'a> {
    pub view: &'a StageView<'a>,
    pub state: &'a StageViewState,
    pub waited: Option<&'a [bool]>,
    area: Rect,
    pub boxed: bool,
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
    pub(super) fn put(&self, buf: &mut Buffer, x: usize, y: i32, content: &str, style: Style) {
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

    pub(super) fn is_cursor(&self, node: NodeIx) -> bool {
        self.view.focused && self.state.cursor == Some(node)
    }

    pub(super) fn is_waited_for(&self, node: NodeIx) -> bool {
        self.waited.is_some_and(|waited| waited[node as usize])
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
