//! The top bar: workspace, type, environment, target, operator. The environment's word and the host are never cut.

use super::model::FrameInfo;
use crate::tui::layout::{Areas, Density};
use crate::tui::paint::Painter;
use crate::tui::style::Role;
use crate::tui::text;

/// The product's name, shown where there is room.
const PRODUCT: &str = "maos-migrate";

type Pieces = Vec<(String, Role)>;

/// Draws the top bar.
pub(super) fn draw(painter: &mut Painter<'_>, areas: &Areas, info: &FrameInfo) {
    let mut line = painter.part(areas.top);
    let width = line.width();
    let bordered = areas.density.bordered();
    let margin = if bordered { 2 } else { 1 };
    let room = usize::from(width.saturating_sub(2 * margin));
    let dash = if bordered {
        line.glyphs().horizontal
    } else {
        line.glyphs().separator
    };
    let people = people(info, areas.density);
    // Unread messages stay when names have to go.
    let mut rights = vec![
        people.clone(),
        people.into_iter().take(usize::from(info.unread > 0)).collect(),
    ];
    rights.push(Vec::new());
    // The widest form that fits, giving up the least important first.
    let fits = |left: &Pieces, right: &Pieces| {
        let gap = if right.is_empty() { 0 } else { length(right) + 4 };
        length(left) + gap <= room
    };
    let (left, right) = forms(info, areas.density)
        .iter()
        .map(|form| spelled(form, dash))
        .find_map(|left| {
            rights
                .iter()
                .find(|right| fits(&left, right))
                .map(|right| (left.clone(), right.clone()))
        })
        .unwrap_or_else(|| (spelled(&[Part::place(info, false)], dash), Vec::new()));
    let right_width = length(&right);
    let mut x = margin;
    if bordered {
        line.put(1, 0, " ", Role::Text, 1);
    }
    for (text, role) in &left {
        x = line.put(x, 0, text, *role, (width - margin).saturating_sub(x));
    }
    if bordered {
        line.put(x, 0, " ", Role::Text, 1);
    }
    if right_width > 0 {
        let mut x = width.saturating_sub(margin + u16::try_from(right_width).unwrap_or(u16::MAX));
        if bordered {
            line.put(x - 1, 0, " ", Role::Text, 1);
            line.put(width - 2, 0, " ", Role::Text, 1);
        }
        for (text, role) in &right {
            x = line.put(x, 0, text, *role, width);
        }
    }
}

/// A field of the bar: pieces without a line between them.
struct Part(Pieces);

impl Part {
    fn plain(text: &str, role: Role) -> Self {
        Self(vec![(text.to_owned(), role)])
    }

    /// Environment, badges and target, which belong together.
    fn place(info: &FrameInfo, whole: bool) -> Self {
        let loud = if info.loud { Role::Banner } else { Role::Critical };
        let mut pieces = vec![(info.environment.clone(), loud)];
        for badge in &info.badges {
            pieces.push((" ".to_owned(), Role::Text));
            pieces.push((badge.word.clone(), badge.role));
        }
        let target = if whole { &info.target } else { &info.host };
        if !target.is_empty() {
            pieces.push((format!(" {target}"), Role::Text));
        }
        Self(pieces)
    }
}

/// The forms of the left side, best first.
fn forms(info: &FrameInfo, density: Density) -> Vec<Vec<Part>> {
    let product = || Part::plain(PRODUCT, Role::Muted);
    let workspace = |max| Part::plain(&text::elide_middle(&info.workspace, max, "…"), Role::Critical);
    let kind = || Part::plain(&info.kind, Role::Text);
    let place = |whole| Part::place(info, whole);
    match density {
        Density::Wide => vec![
            vec![product(), workspace(40), kind(), place(true)],
            vec![workspace(40), kind(), place(true)],
            vec![workspace(20), place(true)],
            vec![workspace(20), place(false)],
        ],
        Density::Rail | Density::Normal => vec![
            vec![workspace(30), kind(), place(true)],
            vec![workspace(16), kind(), place(true)],
            vec![workspace(16), place(true)],
            vec![workspace(16), place(false)],
            vec![place(false)],
        ],
        Density::Compact => vec![vec![place(true)], vec![place(false)]],
        Density::Tiny | Density::TooSmall => {
            vec![
                vec![place(false), workspace(16)],
                vec![place(false), workspace(8)],
                vec![place(false)],
            ]
        }
    }
}

fn length(pieces: &[(String, Role)]) -> usize {
    pieces.iter().map(|(text, _)| text::width(text)).sum()
}

fn spelled(parts: &[Part], dash: &str) -> Pieces {
    let mut out = Vec::new();
    for part in parts
        .iter()
        .filter(|part| part.0.iter().any(|(text, _)| !text.is_empty()))
    {
        if !out.is_empty() {
            out.push((format!(" {dash} "), Role::Muted));
        }
        out.extend(part.0.iter().cloned());
    }
    out
}

/// Unread messages, who operates, who watches.
fn people(info: &FrameInfo, density: Density) -> Pieces {
    let mut out = Vec::new();
    if info.unread > 0 {
        out.push((format!("!{}", info.unread), Role::Bad));
    }
    let watchers = info.watchers.len();
    let text = match density {
        Density::Wide if watchers > 0 => {
            format!("{} operates · {} watch", info.operator, info.watchers.join(", "))
        }
        Density::Wide => format!("{} operates", info.operator),
        Density::Rail | Density::Normal if watchers > 0 => format!("{} · {watchers} watch", info.operator),
        Density::Rail | Density::Normal => info.operator.clone(),
        _ => String::new(),
    };
    if !info.operator.is_empty() && !text.is_empty() {
        let gap = if out.is_empty() { "" } else { " " };
        out.push((format!("{gap}{text}"), Role::Text));
    }
    out
}
