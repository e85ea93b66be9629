//! How the links of one gap run: which share a lane, in which lane each goes, and which must be bundled.
//!
//! Links are gathered in *nets*: sources that feed exactly the same targets share one lane, so whatever joins in a lane
//! goes everywhere that lane goes and the picture says nothing false. A net runs from its sources to its lane, along it,
//! and on to its targets. Two rules order the lanes from left to right:
//!
//! - where a source and a foreign target stand on one row, the source's lane comes before the target's, or their lines
//!   would touch;
//! - where two nets enter one target on its row, the one that goes elsewhere too comes first.
//!
//! When the rules contradict each other a net may enter its target by the row above or below, if nothing leaves or enters
//! there; else, and when lanes run out, nets are merged into a bundle, which is counted.
//! Lanes are then given by interval colouring, the longest nearest the target.

use std::collections::{BTreeMap, BTreeSet};

/// One end of a link: what it is, and the row of its edges. Rows outside the window lie at -1 or at the window's height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Port {
    /// Which item.
    pub item: usize,
    /// The row of its edges.
    pub row: i32,
    /// Edges that end here, or start here, are counted.
    pub counted: bool,
    /// Edges into it end with an arrow.
    pub arrow: bool,
}

/// A link between two ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wire {
    pub from: Port,
    pub to: Port,
    pub count: u32,
    pub heavy: bool,
    pub lit: bool,
}

/// Wires that share a lane.
#[derive(Debug, Clone)]
pub(super) struct Net {
    /// The wires, by their place in the list given.
    pub wires: Vec<usize>,
    /// The rows its sources leave from, by item.
    pub sources: BTreeMap<usize, i32>,
    /// The rows by which it enters its targets, by item.
    pub targets: BTreeMap<usize, i32>,
    /// Merged because there was no room to tell them apart.
    pub bundle: bool,
    /// The lane, 0 is the leftmost; `None` for a straight line.
    pub lane: Option<usize>,
}

impl Net {
    /// The rows between which it runs.
    pub fn span(&self) -> (i32, i32) {
        let rows = || self.sources.values().chain(self.targets.values()).copied();
        (rows().min().unwrap_or(0), rows().max().unwrap_or(0))
    }

    /// A single line without a lane.
    fn is_straight(&self) -> bool {
        let (low, high) = self.span();
        low == high
    }
}

/// The nets of a gap and how many lanes they take.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub nets: Vec<Net>,
    pub lanes: usize,
    /// Some net enters beside the middle row, so the last cell before the arrow is taken by the jog.
    pub jogs: bool,
    /// Nets were merged because their lines could not be kept apart, not because lanes ran out.
    pub tangled: bool,
}

/// Plans the wires of a gap over `rows` rows. `width` is how many cells the gap can have at most.
pub(super) fn plan(wires: &[Wire], rows: i32, width: usize) -> Plan {
    let mut router = Router {
        wires,
        rows,
        nets: gather(wires),
        tangled: false,
    };
    router.thin_out(width.saturating_sub(2).max(1));
    loop {
        router.untangle();
        let jogs = router.has_jogs();
        let lanes = router.colour();
        // The first cell leaves the source, the last is the arrow, and a jog needs the one before it.
        let room = width.saturating_sub(2 + usize::from(jogs)).max(1);
        let laned = router.nets.iter().filter(|net| net.lane.is_some()).count();
        if lanes <= room || laned < 2 {
            return Plan {
                nets: router.nets,
                lanes,
                jogs,
                tangled: router.tangled,
            };
        }
        router.merge_nearest(None);
    }
}

/// Sources with the same targets make one net.
fn gather(wires: &[Wire]) -> Vec<Net> {
    let mut targets: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for wire in wires {
        targets.entry(wire.from.item).or_default().insert(wire.to.item);
    }
    let mut nets: BTreeMap<&BTreeSet<usize>, Net> = BTreeMap::new();
    for (at, wire) in wires.iter().enumerate() {
        let net = nets.entry(&targets[&wire.from.item]).or_insert_with(|| Net {
            wires: Vec::new(),
            sources: BTreeMap::new(),
            targets: BTreeMap::new(),
            bundle: false,
            lane: None,
        });
        net.wires.push(at);
        net.sources.insert(wire.from.item, wire.from.row);
        net.targets.insert(wire.to.item, wire.to.row);
    }
    nets.into_values().collect()
}

struct Router<'a> {
    wires: &'a [Wire],
    rows: i32,
    nets: Vec<Net>,
    tangled: bool,
}

/// `before` must have its lane left of `after`; `target` is what `after` would have to enter by another row to be free.
#[derive(Debug, Clone, Copy)]
struct Rule {
    before: usize,
    after: usize,
    target: usize,
}

impl Router<'_> {
    fn in_window(&self, row: i32) -> bool {
        (0..self.rows).contains(&row)
    }

    fn has_jogs(&self) -> bool {
        self.nets.iter().any(|net| {
            net.wires.iter().any(|&wire| {
                let to = self.wires[wire].to;
                net.targets.get(&to.item) != Some(&to.row)
            })
        })
    }

    fn rules(&self) -> Vec<Rule> {
        let mut leaving: BTreeMap<i32, usize> = BTreeMap::new();
        let mut entering: BTreeMap<(i32, usize), Vec<usize>> = BTreeMap::new();
        for (at, net) in self.nets.iter().enumerate() {
            for &row in net.sources.values().filter(|&&row| self.in_window(row)) {
                leaving.insert(row, at);
            }
            for (&target, &row) in net.targets.iter().filter(|&(_, &row)| self.in_window(row)) {
                entering.entry((row, target)).or_default().push(at);
            }
        }
        let mut rules = Vec::new();
        for (&(row, target), nets) in &entering {
            if let Some(&before) = leaving.get(&row) {
                rules.extend(nets.iter().filter(|&&after| after != before).map(|&after| Rule {
                    before,
                    after,
                    target,
                }));
            }
            // All but the one that goes nowhere else come first; two that do contradict each other.
            for &before in nets.iter().filter(|&&net| self.nets[net].targets.len() > 1) {
                rules.extend(nets.iter().filter(|&&after| after != before).map(|&after| Rule {
                    before,
                    after,
                    target,
                }));
            }
        }
        rules
    }

    /// Lets nets enter by spare rows, or merges them, until the rules contradict each other nowhere.
    fn untangle(&mut self) {
        loop {
            let rules = self.rules();
            let Some(cycle) = cycle(self.nets.len(), &rules) else {
                return;
            };
            // A straight line stays straight while another net can step aside.
            let bent = cycle.iter().filter(|rule| !self.nets[rule.after].is_straight());
            let straight = cycle.iter().filter(|rule| self.nets[rule.after].is_straight());
            let jog = bent
                .chain(straight)
                .find_map(|rule| self.free_row(*rule).map(|row| (rule.after, rule.target, row)));
            if let Some((net, target, row)) = jog {
                self.nets[net].targets.insert(target, row);
            } else {
                self.tangled = true;
                self.merge(cycle[0].before, cycle[0].after);
            }
        }
    }

    /// A row beside the target's own by which the net could enter.
    fn free_row(&self, rule: Rule) -> Option<i32> {
        let to = self.nets[rule.after]
            .wires
            .iter()
            .map(|&wire| self.wires[wire].to)
            .find(|to| to.item == rule.target)?;
        if self.nets[rule.after].targets.get(&rule.target) != Some(&to.row) {
            return None;
        }
        [to.row - 1, to.row + 1].into_iter().find(|&row| {
            let taken = |net: &Net| {
                let mut rows = net.targets.values().chain(net.sources.values());
                rows.any(|&other| other == row)
            };
            self.in_window(row) && !self.nets.iter().any(taken)
        })
    }

    /// Merges two nets into a bundle, and with it any other net that then has the same targets.
    fn merge(&mut self, one: usize, other: usize) {
        let (low, high) = (one.min(other), one.max(other));
        let gone = self.nets.remove(high);
        let wires = self.wires;
        let into = &mut self.nets[low];
        into.wires.extend(gone.wires);
        into.sources.extend(gone.sources);
        into.targets.extend(gone.targets);
        into.bundle = true;
        // A bundle enters every target by its own row again: its lines have merged, so the reasons to step aside may be gone.
        for &wire in &into.wires {
            let to = wires[wire].to;
            into.targets.insert(to.item, to.row);
        }
        let twin = (0..self.nets.len())
            .find(|&at| at != low && self.nets[at].targets.keys().eq(self.nets[low].targets.keys()));
        if let Some(twin) = twin {
            self.merge(low, twin);
        }
    }

    /// Bundles where more nets pass one row than there are lanes, so that nothing is worked out for nets that cannot
    /// stay apart anyway.
    fn thin_out(&mut self, room: usize) {
        loop {
            let crowd = |row: i32| {
                let passes = |net: &&Net| {
                    let (low, high) = net.span();
                    low < high && low <= row && row <= high
                };
                self.nets.iter().filter(passes).count()
            };
            let fullest = (-1..=self.rows).map(|row| (crowd(row), row)).max();
            match fullest {
                Some((nets, row)) if nets > room => {
                    // All but the last few at once: each merge may free other rows too.
                    for _ in 0..(nets - room).div_ceil(2) {
                        self.merge_nearest(Some(row));
                    }
                }
                _ => return,
            }
        }
    }

    /// Merges the two nets (of those that pass `row`, if one is given) whose common span grows least; the critical path
    /// keeps its own lane as long as possible, and a straight line stays alone.
    fn merge_nearest(&mut self, row: Option<i32>) {
        let mut candidates: Vec<(usize, bool, i32, i32)> = Vec::with_capacity(self.nets.len());
        for (at, net) in self.nets.iter().enumerate() {
            let (low, high) = net.span();
            if low < high && row.is_none_or(|row| low <= row && row <= high) {
                let heavy = net.wires.iter().any(|&wire| self.wires[wire].heavy);
                candidates.push((at, heavy, low, high));
            }
        }
        let mut best: Option<(bool, i32, usize, usize)> = None;
        for (at, &(one, heavy, low, high)) in candidates.iter().enumerate() {
            for &(other, other_heavy, other_low, other_high) in &candidates[at + 1..] {
                let grown =
                    high.max(other_high) - low.min(other_low) - (high - low).max(other_high - other_low);
                let candidate = (heavy || other_heavy, grown, one, other);
                if best.is_none_or(|best| candidate < best) {
                    best = Some(candidate);
                }
            }
        }
        if let Some((_, _, one, other)) = best {
            self.merge(one, other);
        }
    }

    /// Gives every net that bends a lane, and says how many there are. The rules have no cycle here.
    fn colour(&mut self) -> usize {
        let mut right_of: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.nets.len()];
        for rule in self.rules() {
            right_of[rule.before].insert(rule.after);
        }
        let spans: Vec<(i32, i32)> = self.nets.iter().map(Net::span).collect();
        // Lanes are first counted from the target.
        let mut from_target: Vec<Option<usize>> = vec![None; self.nets.len()];
        let mut open: BTreeSet<usize> = (0..self.nets.len())
            .filter(|&at| !self.nets[at].is_straight())
            .collect();
        let mut lanes = 0;
        while !open.is_empty() {
            let next = open
                .iter()
                .copied()
                .filter(|&at| right_of[at].is_disjoint(&open))
                .max_by_key(|&at| {
                    let (low, high) = spans[at];
                    (high - low, std::cmp::Reverse(at))
                });
            let Some(next) = next.or_else(|| open.first().copied()) else {
                break;
            };
            open.remove(&next);
            let least = right_of[next]
                .iter()
                .filter_map(|&after| from_target[after].map(|lane| lane + 1))
                .max()
                .unwrap_or(0);
            let (low, high) = spans[next];
            let taken: BTreeSet<usize> = spans
                .iter()
                .zip(&from_target)
                .filter(|&(&(other_low, other_high), _)| other_low <= high && low <= other_high)
                .filter_map(|(_, &lane)| lane)
                .collect();
            let lane = (least..=spans.len())
                .find(|lane| !taken.contains(lane))
                .unwrap_or(least);
            from_target[next] = Some(lane);
            lanes = lanes.max(lane + 1);
        }
        for (net, lane) in self.nets.iter_mut().zip(from_target) {
            net.lane = lane.map(|lane| lanes - 1 - lane);
        }
        lanes
    }
}

/// Some cycle among the rules, as the rules along it.
fn cycle(nets: usize, rules: &[Rule]) -> Option<Vec<Rule>> {
    let mut waiting = vec![0; nets];
    let mut leading: Vec<Vec<usize>> = vec![Vec::new(); nets];
    for rule in rules {
        waiting[rule.after] += 1;
        leading[rule.before].push(rule.after);
    }
    let mut free: Vec<usize> = (0..nets).filter(|&net| waiting[net] == 0).collect();
    let mut done = vec![false; nets];
    while let Some(net) = free.pop() {
        done[net] = true;
        for &after in &leading[net] {
            waiting[after] -= 1;
            if waiting[after] == 0 {
                free.push(after);
            }
        }
    }
    // Whatever is left waits for something that is left: walking back must come round.
    let mut before: Vec<Option<Rule>> = vec![None; nets];
    for rule in rules.iter().filter(|rule| !done[rule.before]) {
        before[rule.after].get_or_insert(*rule);
    }
    let mut at = (0..nets).find(|&net| !done[net])?;
    let mut path: Vec<Rule> = Vec::new();
    loop {
        let rule = before[at]?;
        if let Some(start) = path.iter().position(|seen| seen.after == at) {
            return Some(path.split_off(start));
        }
        path.push(rule);
        at = rule.before;
    }
}
