//! Reads Rust source as the boundary rules need it: without comments, without the contents of literals, and without
//! the parts that exist only under test.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// One file of the project, as written and as the rules see it.
pub struct Source {
    /// Path relative to the project folder, with `/` between the parts.
    pub path: String,
    /// The text as it stands in the file.
    pub text: String,
    /// Whether the whole file is compiled for tests only.
    pub is_test: bool,
    code: OnceCell<String>,
    shipped: OnceCell<String>,
    literals: OnceCell<String>,
}

impl Source {
    /// A file at `path` that holds `text`.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let path = path.into();
        Self {
            is_test: path.starts_with("tests/"),
            path,
            text: text.into(),
            code: OnceCell::new(),
            shipped: OnceCell::new(),
            literals: OnceCell::new(),
        }
    }

    /// The code alone: comments and the contents of literals are blanked, line breaks stay where they are.
    pub fn code(&self) -> &str {
        self.code.get_or_init(|| blank(&self.text, Keep::Nothing))
    }

    /// The code that is compiled when nothing is tested.
    pub fn shipped_code(&self) -> &str {
        self.shipped.get_or_init(|| {
            if self.is_test {
                String::new()
            } else {
                without_test_items(self.code())
            }
        })
    }

    /// Code and literals: only comments are blanked.
    pub fn code_and_literals(&self) -> &str {
        self.literals.get_or_init(|| blank(&self.text, Keep::Literals))
    }

    /// The paths that a module of this file called `name` can have.
    fn module_paths(&self, name: &str) -> [String; 2] {
        let folder = match self
            .path
            .strip_suffix("/mod.rs")
            .or_else(|| self.path.strip_suffix("/lib.rs"))
        {
            Some(folder) => folder,
            None => self.path.trim_end_matches(".rs"),
        };
        [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")]
    }
}

/// Marks the files that another one declares as `#[cfg(test)] mod name;`.
pub fn mark_test_modules(sources: &mut [Source]) {
    let declared = Regex::new(r"#\[cfg\(test\)\]\s*(?:pub(?:\([a-z ]+\))? )?mod (\w+);").unwrap();
    let paths: Vec<String> = sources
        .iter()
        .flat_map(|source| {
            let found = declared
                .captures_iter(source.code())
                .map(|found| source.module_paths(&found[1]));
            found.collect::<Vec<_>>()
        })
        .flatten()
        .collect();
    for path in paths {
        let inside = path.trim_end_matches("mod.rs").to_owned();
        for source in sources.iter_mut() {
            source.is_test |= source.path == path || (inside != path && source.path.starts_with(&inside));
        }
    }
}

/// The project folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `folder` whose name ends in one of `endings` (all files when it is empty), sorted by path.
pub fn files(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort();
    found
        .into_iter()
        .filter(|path| endings.is_empty() || endings.iter().any(|end| path.to_string_lossy().ends_with(end)))
        .filter_map(|path| {
            let text = fs::read_to_string(&path).ok()?;
            let path = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            Some(Source::new(path, text))
        })
        .collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "__pycache__" {
                collect(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Keep {
    Nothing,
    Literals,
}

/// Blanks what is not code. Understands line and nested block comments, strings, raw strings, byte strings and
/// character literals, and tells a lifetime from a character.
fn blank(text: &str, keep: Keep) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, visible) = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => (line_end(&chars, at), false),
            ('/', Some('*')) => (block_end(&chars, at), false),
            ('"', _) => (string_end(&chars, at), keep == Keep::Literals),
            ('r', Some('"' | '#')) if !continues_a_name(&chars, at) => match raw_end(&chars, at) {
                Some(end) => (end, keep == Keep::Literals),
                None => (at + 1, true),
            },
            ('\'', _) => match char_end(&chars, at) {
                Some(end) => (end, keep == Keep::Literals),
                None => (at + 1, true),
            },
            _ => (at + 1, true),
        };
        for &c in &chars[at..end] {
            out.push(if visible || c == '\n' { c } else { ' ' });
        }
        at = end;
    }
    out
}

fn continues_a_name(chars: &[char], at: usize) -> bool {
    // `br"…"` is a raw byte string, `for"` is not; only the former ends in a lone `b` before the `r`.
    let before = |n: usize| {
        at.checked_sub(n)
            .and_then(|i| chars.get(i))
            .copied()
            .unwrap_or(' ')
    };
    let name = |c: char| c.is_alphanumeric() || c == '_';
    name(before(1)) && (before(1) != 'b' || name(before(2)))
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..]
        .iter()
        .position(|&c| c == '\n')
        .map_or(chars.len(), |n| at + n)
}

fn block_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut i = at;
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                i += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

fn raw_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let found = chars[open + 1..].windows(close.len()).position(|w| w == close)?;
    Some(open + 1 + found + close.len())
}

fn char_end(chars: &[char], at: usize) -> Option<usize> {
    match chars.get(at + 1)? {
        '\\' => {
            let close = chars[at + 3..].iter().position(|&c| c == '\'')?;
            Some(at + 3 + close + 1)
        }
        _ if chars.get(at + 2) == Some(&'\'') => Some(at + 3),
        _ => None,
    }
}

/// Blanks every item that stands behind `#[cfg(test)]`. `code` must already be free of comments and literals.
fn without_test_items(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(start) = out.find(MARK) {
        let end = item_end(&out, start + MARK.len());
        let blanked: String = out[start..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(start..end, &blanked);
    }
    out
}

fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_i32;
    for (i, c) in code[from..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return from + i + 1;
                }
            }
            ';' if depth == 0 => return from + i + 1,
            _ => {}
        }
    }
    code.len()
}
