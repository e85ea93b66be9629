//! What stands in the window: the columns in view, what each shows, and where; and which links cross each gap.
//!
//! Only the stages in view are read. Nodes that are not drawn are represented by their stage's fold (or by what lies
//! above and below an open stage's window), so a picture never has more links than the window has places.

use super::{
    fold::{self, Shown},
    model::{Graph, NodeIx},
    order::{Ordering, Slot},
    state::StageViewState,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// A place in [`Scene::items`].
pub(super) type ItemIx = usize;

/// How nodes are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pitch {
    /// Rows that a node takes.
    pub rows: i32,
    /// The row of it where its edges leave and arrive.
    pub pin: i32,
}

impl Pitch {
    pub const BOXED: Self = Self { rows: 3, pin: 1 };
    pub const FLAT: Self = Self { rows: 1, pin: 0 };
    /// One row with a free one above it, where edges can pass.
    pub const AIRY: Self = Self { rows: 2, pin: 1 };
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Node(NodeIx),
    /// So many nodes of the stage, folded away.
    Fold(usize),
    /// The nodes of an open stage above its window.
    Above,
    /// And below it.
    Below,
    /// Edges on their way to one thing in a later column, or on their way out of view.
    Bend {
        heavy: bool,
        lit: bool,
        /// It bundles edges to several things.
        bundle: bool,
    },
    /// What lies beyond the last column.
    Beyond,
}

/// Something in a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub what: What,
    pub column: usize,
    /// Its first row; may lie outside the window for [`What::Above`] and [`What::Below`].
    pub top: i32,
    /// The row where its edges leave and arrive.
    pub pin: i32,
}

/// Edges between two neighbouring columns, from one item to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub from: ItemIx,
    pub to: ItemIx,
    pub count: u32,
    pub heavy: bool,
    pub lit: bool,
}

/// The window's contents.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub stages: Range<usize>,
    pub shown: Vec<Shown>,
    pub items: Vec<Item>,
    /// Per column, top to bottom.
    pub columns: Vec<Vec<ItemIx>>,
    /// Per gap between two columns.
    pub links: Vec<Vec<Link>>,
    pub rows: i32,
    pub pitch: Pitch,
    /// The item that stands for what lies outside the columns: before the first as a source, after the last as a target.
    beyond: ItemIx,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flow {
    count: u32,
    heavy: bool,
    lit: bool,
}

impl Flow {
    fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.heavy |= other.heavy;
        self.lit |= other.lit;
    }
}

/// What a scene is made from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub graph: &'a Graph,
    pub order: &'a Ordering,
    pub state: &'a StageViewState,
    /// What the cursor waits for, itself included, when that is asked.
    pub upstream: Option<&'a [bool]>,
}

const NOWHERE: usize = usize::MAX;

impl Scene {
    pub fn new(source: Source<'_>, stages: Range<usize>, rows: i32, pitch: Pitch) -> Self {
        let mut bends = vec![0; stages.len()];
        let (mut scene, mut flows) = Self::place_nodes(source, &stages, rows, pitch, &bends);
        // Bends take rows from the nodes; with fewer nodes in view there may be fewer bends, never more than reserved.
        let limit = usize::try_from((rows / 4).max(1).min(rows - pitch.rows)).unwrap_or(0);
        let passing = scene.passing(&flows);
        if passing.iter().any(|keys| !keys.is_empty()) {
            for (bends, keys) in bends.iter_mut().zip(&passing) {
                *bends = keys.len().min(limit);
            }
            (scene, flows) = Self::place_nodes(source, &stages, rows, pitch, &bends);
        }
        let bent = scene.add_bends(source, &flows, &bends);
        scene.link(&flows, &bent);
        scene.place_rows();
        scene
    }

    /// Chooses the items of each column, and sums up the edges between them.
    fn place_nodes(
        source: Source<'_>,
        stages: &Range<usize>,
        rows: i32,
        pitch: Pitch,
        bends: &[usize],
    ) -> (Self, BTreeMap<(ItemIx, ItemIx), Flow>) {
        let mut scene = Self {
            stages: stages.clone(),
            shown: Vec::with_capacity(stages.len()),
            items: Vec::new(),
            columns: vec![Vec::new(); stages.len()],
            links: vec![Vec::new(); stages.len().saturating_sub(1)],
            rows,
            pitch,
            beyond: 0,
        };
        let mut item_of = vec![NOWHERE; source.graph.len()];
        for (column, stage) in stages.clone().enumerate() {
            let free = usize::try_from(rows).unwrap_or(0).saturating_sub(bends[column]);
            let places = (free / usize::try_from(pitch.rows).unwrap_or(1)).max(1);
            let shown = fold::shown(source.graph, source.order, source.state, stage, places);
            let fold = (shown.folded > 0).then(|| scene.add(column, What::Fold(shown.folded)));
            let above = (shown.above > 0).then(|| scene.add(column, What::Above));
            let below = (shown.below > 0).then(|| scene.add(column, What::Below));
            if let Some(fold) = fold {
                for &node in &source.graph.stages()[stage] {
                    item_of[node as usize] = fold;
                }
            }
            if above.is_some() || below.is_some() {
                for &node in &source.graph.stages()[stage] {
                    let side = if source.order.rank(node) < shown.above {
                        above
                    } else {
                        below
                    };
                    item_of[node as usize] = side.unwrap_or(NOWHERE);
                }
            }
            for &node in &shown.nodes {
                item_of[node as usize] = scene.add(column, What::Node(node));
            }
            scene.shown.push(shown);
        }
        scene.beyond = scene.add(stages.len(), What::Beyond);
        let flows = scene.flows(source, &item_of);
        (scene, flows)
    }

    fn add(&mut self, column: usize, what: What) -> ItemIx {
        self.items.push(Item {
            what,
            column,
            top: 0,
            pin: 0,
        });
        self.items.len() - 1
    }

    /// The edges that touch the window, summed up by item.
    fn flows(&self, source: Source<'_>, item_of: &[usize]) -> BTreeMap<(ItemIx, ItemIx), Flow> {
        let Source {
            graph,
            state,
            upstream,
            ..
        } = source;
        let beyond = self.beyond;
        let width = self.items.len();
        let mut sums = vec![Flow::default(); width * width];
        let mut add = |from: usize, to: usize, one: NodeIx, other: NodeIx| {
            if from == NOWHERE || to == NOWHERE {
                return;
            }
            sums[from * width + to].add(Flow {
                count: 1,
                heavy: state.critical && graph.is_critical_edge(one, other),
                lit: upstream.is_some_and(|lit| lit[one as usize] && lit[other as usize]),
            });
        };
        for (column, stage) in self.stages.clone().enumerate() {
            let last = stage + 1 == self.stages.end;
            for &node in &graph.stages()[stage] {
                let item = item_of[node as usize];
                for &dependent in graph.dependents(node) {
                    if graph.stage_of(dependent) < self.stages.end {
                        add(item, item_of[dependent as usize], node, dependent);
                    } else if !last {
                        add(item, beyond, node, dependent);
                    }
                }
                if column > 0 && self.stages.start > 0 {
                    for &dependency in graph.dependencies(node) {
                        if graph.stage_of(dependency) < self.stages.start {
                            add(beyond, item, dependency, node);
                        }
                    }
                }
            }
        }
        let out_of_view =
            |item: usize| matches!(self.items[item].what, What::Above | What::Below | What::Beyond);
        sums.into_iter()
            .enumerate()
            .filter(|(_, flow)| flow.count > 0)
            .map(|(at, flow)| ((at / width, at % width), flow))
            // A line between two things out of view says nothing to the eye.
            .filter(|&((from, to), _)| !(out_of_view(from) && out_of_view(to)))
            .collect()
    }

    /// The columns strictly between the two ends of a flow.
    fn between(&self, from: ItemIx, to: ItemIx) -> Range<usize> {
        let first = if from == self.beyond {
            0
        } else {
            self.items[from].column + 1
        };
        first..self.items[to].column
    }

    /// For each column the targets of the edges that pass it.
    fn passing(&self, flows: &BTreeMap<(ItemIx, ItemIx), Flow>) -> Vec<BTreeMap<ItemIx, Flow>> {
        let mut passing = vec![BTreeMap::new(); self.columns.len()];
        for (&(from, to), &flow) in flows {
            for column in self.between(from, to) {
                let at: &mut BTreeMap<ItemIx, Flow> = &mut passing[column];
                at.entry(to).or_default().add(flow);
            }
        }
        passing
    }

    /// Adds a bend for each target that edges pass a column for; those beyond the rows reserved share the last one.
    /// Returns each column's bends by target.
    fn add_bends(
        &mut self,
        source: Source<'_>,
        flows: &BTreeMap<(ItemIx, ItemIx), Flow>,
        reserved: &[usize],
    ) -> Vec<BTreeMap<ItemIx, ItemIx>> {
        let passing = self.passing(flows);
        let nodes: BTreeMap<NodeIx, ItemIx> = (0..self.items.len())
            .filter_map(|item| match self.items[item].what {
                What::Node(node) => Some((node, item)),
                _ => None,
            })
            .collect();
        let ends: Vec<ItemIx> = (0..self.items.len()).collect();
        let mut bent = Vec::with_capacity(passing.len());
        for (column, keys) in passing.into_iter().enumerate() {
            let mut by_target = BTreeMap::new();
            let room = reserved[column];
            let mut wanted: Vec<(ItemIx, Flow)> = keys.into_iter().collect();
            wanted.sort_by_key(|&(target, flow)| (!flow.heavy, !flow.lit, target));
            let alone = if wanted.len() > room {
                room.saturating_sub(1)
            } else {
                room
            };
            let mut shared = None;
            for (at, (target, flow)) in wanted.into_iter().enumerate() {
                if room == 0 {
                    break;
                }
                let item = match shared {
                    Some(item) if at >= alone => item,
                    _ => {
                        let item = self.add(
                            column,
                            What::Bend {
                                heavy: false,
                                lit: false,
                                bundle: at >= alone,
                            },
                        );
                        if at >= alone {
                            shared = Some(item);
                        }
                        item
                    }
                };
                if let What::Bend { heavy, lit, .. } = &mut self.items[item].what {
                    *heavy |= flow.heavy;
                    *lit |= flow.lit;
                }
                by_target.insert(target, item);
            }
            self.columns[column] = self.arrange(source, column, &nodes, &ends, &by_target);
            bent.push(by_target);
        }
        bent
    }

    /// The items of a column from top to bottom: nodes and bends in the column's order, then the fold.
    fn arrange(
        &self,
        source: Source<'_>,
        column: usize,
        nodes: &BTreeMap<NodeIx, ItemIx>,
        ends: &[ItemIx],
        bends: &BTreeMap<ItemIx, ItemIx>,
    ) -> Vec<ItemIx> {
        let stage = self.stages.start + column;
        let open = source.state.opened.contains_key(&stage);
        let mut out = Vec::new();
        let mut placed = BTreeSet::new();
        if open || bends.is_empty() {
            out.extend(self.shown[column].nodes.iter().map(|node| nodes[node]));
        } else {
            for slot in source.order.column(stage) {
                match slot {
                    Slot::Node(node) => out.extend(nodes.get(node).copied()),
                    Slot::Bend(target) => {
                        let bend = nodes.get(target).and_then(|target| bends.get(target)).copied();
                        out.extend(bend.filter(|&bend| placed.insert(bend)));
                    }
                }
            }
        }
        let others = |wanted: fn(What) -> bool| {
            ends.iter()
                .copied()
                .filter(move |&item| self.items[item].column == column && wanted(self.items[item].what))
        };
        out.splice(0..0, others(|what| what == What::Above));
        out.extend(others(|what| matches!(what, What::Fold(_))));
        out.extend(others(|what| what == What::Below));
        let rest: BTreeSet<ItemIx> = bends
            .values()
            .copied()
            .filter(|bend| !placed.contains(bend))
            .collect();
        out.extend(rest);
        out
    }

    /// Cuts every flow into links between neighbouring columns, through its bends.
    fn link(&mut self, flows: &BTreeMap<(ItemIx, ItemIx), Flow>, bent: &[BTreeMap<ItemIx, ItemIx>]) {
        let mut gaps = vec![BTreeMap::<(ItemIx, ItemIx), Flow>::new(); self.links.len()];
        for (&(from, to), &flow) in flows {
            let mut chain: Vec<ItemIx> = Vec::new();
            chain.extend((from != self.beyond).then_some(from));
            for column in self.between(from, to) {
                let Some(&bend) = bent[column].get(&to) else {
                    // No row was left for it.
                    chain.clear();
                    break;
                };
                chain.push(bend);
            }
            if chain.is_empty() {
                continue;
            }
            chain.extend((to != self.beyond).then_some(to));
            for pair in chain.windows(2) {
                let gap = self.items[pair[0]].column;
                gaps[gap].entry((pair[0], pair[1])).or_default().add(flow);
            }
        }
        self.links = gaps
            .into_iter()
            .map(|gap| {
                gap.into_iter()
                    .map(|((from, to), flow)| Link {
                        from,
                        to,
                        count: flow.count,
                        heavy: flow.heavy,
                        lit: flow.lit,
                    })
                    .collect()
            })
            .collect();
    }

    fn rows_of(&self, item: ItemIx) -> i32 {
        match self.items[item].what {
            What::Node(_) | What::Fold(_) => self.pitch.rows,
            What::Bend { .. } if self.pitch == Pitch::AIRY => self.pitch.rows,
            What::Bend { .. } => 1,
            What::Above | What::Below | What::Beyond => 0,
        }
    }

    /// Gives every item its rows: beside the middle one of what it comes from, where there is room.
    fn place_rows(&mut self) {
        for column in 0..self.columns.len() {
            let members: Vec<ItemIx> = self.columns[column].clone();
            let tidy = self
                .shown
                .get(column)
                .is_some_and(|shown| shown.above + shown.below > 0);
            let mut free = 0;
            for &item in &members {
                let pin = if self.rows_of(item) == 1 {
                    0
                } else {
                    self.pitch.pin
                };
                let wanted = if column == 0 || tidy {
                    None
                } else {
                    self.middle_source(column - 1, item)
                };
                let top = wanted.map_or(free, |row| (row - pin).max(free));
                self.items[item].top = top;
                free = top + self.rows_of(item);
            }
            let mut limit = self.rows;
            for &item in members.iter().rev() {
                let rows = self.rows_of(item);
                if rows > 0 {
                    let top = self.items[item].top.min(limit - rows);
                    self.items[item].top = top;
                    limit = top;
                }
            }
            for &item in &members {
                let at = &mut self.items[item];
                at.pin = match at.what {
                    What::Above => -1,
                    What::Below => self.rows,
                    What::Bend { .. } if self.pitch != Pitch::AIRY => at.top,
                    _ => at.top + self.pitch.pin,
                };
            }
        }
    }

    /// The lower median of the rows that an item's links come from.
    fn middle_source(&self, gap: usize, item: ItemIx) -> Option<i32> {
        let mut rows: Vec<i32> = self.links[gap]
            .iter()
            .filter(|link| link.to == item)
            .map(|link| self.items[link.from].pin.clamp(0, (self.rows - 1).max(0)))
            .collect();
        rows.sort_unstable();
        rows.get(rows.len().saturating_sub(1) / 2).copied()
    }
}
