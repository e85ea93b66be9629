//! Drawing into a buffer and looking at it: as text, and as a map of roles.

use maos_migrate::tui::style::{Look, Role};
use ratatui::buffer::Buffer;

/// The sizes every screen is looked at in.
pub const SIZES: [(u16, u16); 5] = [(40, 10), (60, 18), (80, 24), (100, 30), (140, 45)];

/// The buffer as lines; trailing blanks are kept visible by the frame, so they are cut.
pub fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    buffer
        .content()
        .chunks(width)
        .map(|row| {
            let mut line = String::new();
            let mut skip = 0;
            for cell in row {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                line.push_str(cell.symbol());
                skip = maos_migrate::tui::text::width(cell.symbol()).saturating_sub(1);
            }
            line.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The buffer as one letter a cell for its role; blanks without a style are spaces.
pub fn roles(buffer: &Buffer, look: &Look) -> String {
    let width = usize::from(buffer.area.width).max(1);
    buffer
        .content()
        .chunks(width)
        .map(|row| {
            let letters: String = row
                .iter()
                .map(|cell| {
                    let style = cell.style();
                    if style.add_modifier.contains(ratatui::style::Modifier::REVERSED) {
                        return if style.add_modifier.contains(ratatui::style::Modifier::BOLD) {
                            'B'
                        } else {
                            's'
                        };
                    }
                    if cell.symbol() == " " {
                        return ' ';
                    }
                    let same = |role: &&Role| {
                        let wanted = look.style(**role);
                        wanted.fg.unwrap_or(ratatui::style::Color::Reset) == cell.fg
                            && wanted.add_modifier == cell.modifier
                    };
                    Role::ALL.iter().find(same).map_or('#', |role| role.letter())
                })
                .collect();
            letters.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}
