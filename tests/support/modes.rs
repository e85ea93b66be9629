//! Reads a program's raw output for what it has switched on in the terminal.
//!
//! To watch one more mode: a row in [`MODES`].

/// The modes a full-screen program uses and must leave as it found them.
const MODES: &[(&str, &str)] = &[
    ("47", "alternate screen"),
    ("1047", "alternate screen"),
    ("1049", "alternate screen"),
    ("9", "mouse"),
    ("1000", "mouse"),
    ("1002", "mouse drag"),
    ("1003", "mouse motion"),
    ("1005", "mouse UTF-8"),
    ("1006", "mouse SGR"),
    ("1015", "mouse urxvt"),
    ("1004", "focus reports"),
    ("2004", "bracketed paste"),
    ("2026", "synchronised update"),
    ("1", "application cursor keys"),
];

/// What a program's output has switched on and not off again, in words and in the order of [`MODES`].
pub fn left_on(raw: &[u8]) -> Vec<String> {
    let mut on: Vec<&str> = Vec::new();
    let mut hidden = false;
    let mut keyboard = 0_i32;
    let mut titles = 0_i32;
    for (private, parameters, end) in control_sequences(raw) {
        match (private, end) {
            (b'?', b'h' | b'l') => {
                for parameter in parameters.split(';') {
                    if parameter == "25" {
                        hidden = end == b'l';
                    }
                    if let Some((number, _)) = MODES.iter().find(|(number, _)| *number == parameter) {
                        on.retain(|n| n != number);
                        if end == b'h' {
                            on.push(number);
                        }
                    }
                }
            }
            (b'2', b't') if parameters.starts_with("2;") => titles += 1,
            (b'2', b't') if parameters.starts_with("3;") => titles -= 1,
            (b'>', b'u') => keyboard += 1,
            (b'<', b'u') => keyboard -= 1,
            _ => {}
        }
    }
    let mut words: Vec<String> = MODES
        .iter()
        .filter(|(number, _)| on.contains(number))
        .map(|(number, word)| format!("{word} ({number})"))
        .collect();
    if hidden {
        words.push("cursor hidden".into());
    }
    if titles > 0 {
        words.push("window title".into());
    }
    if keyboard > 0 {
        words.push("keyboard protocol".into());
    }
    words
}

/// Every `ESC [` sequence of the kinds that switch something, as first byte, further parameters and final byte.
fn control_sequences(raw: &[u8]) -> impl Iterator<Item = (u8, &str, u8)> {
    raw.windows(3)
        .enumerate()
        .filter(|(_, w)| w.starts_with(b"\x1b["))
        .filter_map(|(at, w)| {
            let marker = w[2];
            let rest = &raw[at + 3..];
            let length = rest.iter().position(|b| !(b.is_ascii_digit() || *b == b';'))?;
            matches!(marker, b'?' | b'>' | b'<' | b'2')
                .then(|| Some((marker, std::str::from_utf8(&rest[..length]).ok()?, rest[length])))?
        })
}
