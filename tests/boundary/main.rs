//! The walls of the house: which part may name what, how long a file may grow, what the top level holds.
//!
//! Each rule is a row in a table. To add one: a row in [`RULES`] and a planted line for it in
//! `every_rule_finds_what_is_planted`, so that nobody has to trust a rule that has never been seen to fail.

#![cfg(test)]

mod source;

use std::fmt::Write as _;

use regex::Regex;
use source::{Source, files, mark_test_modules, root};

/// What a rule reads of a file.
#[derive(Clone, Copy)]
enum Reads {
    /// Code without comments and literals.
    Code,
    /// Code without comments and literals, leaving out what is compiled for tests only.
    ShippedCode,
    /// Code with literals, without comments.
    CodeAndLiterals,
    /// Everything.
    Text,
}

struct Rule {
    name: &'static str,
    folders: &'static [&'static str],
    reads: Reads,
    pattern: &'static str,
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        name: "engine names no terminal",
        folders: &["src/engine/"],
        reads: Reads::Code,
        pattern: r"\b(ratatui|crossterm|tui_textarea)\b",
        why: "the engine never sees a terminal; screens live in src/tui",
    },
    Rule {
        name: "engine reads no arguments",
        folders: &["src/engine/"],
        reads: Reads::Code,
        pattern: r"\bclap\b|\benv::args",
        why: "arguments are read by the front ends and handed over as values",
    },
    Rule {
        name: "engine names no driver",
        folders: &["src/engine/"],
        reads: Reads::Code,
        pattern: r"\bsqlx\b|\bredis::|\buse redis\b",
        why: "databases stand behind the traits of src/engine/ports",
    },
    Rule {
        name: "engine names no adapter",
        folders: &["src/engine/"],
        reads: Reads::Code,
        pattern: r"\badapters::|\buse crate::(tui|headless)\b",
        why: "arrows point inwards: adapters and front ends know the engine, never the other way",
    },
    Rule {
        name: "engine never prints",
        folders: &["src/engine/", "src/adapters/"],
        reads: Reads::ShippedCode,
        pattern: r"\b(e?print(ln)?|dbg)!|\bio::std(out|err)\b",
        why: "what happened is an event; the front ends print",
    },
    Rule {
        name: "front ends name no adapter",
        folders: &["src/tui/", "src/headless/"],
        reads: Reads::Code,
        pattern: r"\badapters\b|\bsqlx\b|\bredis::",
        why: "only the wiring in src/main.rs and src/lib.rs chooses adapters",
    },
    Rule {
        name: "no shell",
        folders: &["src/"],
        reads: Reads::CodeAndLiterals,
        pattern: r#"Command::new\(\s*"(/(usr/)?bin/)?(ba|da|z|k)?sh"|"(-c|-lc)"\s*,?\s*\)?.{0,40}\bsh\b"#,
        why: "programs are started with an argument list; text from outside never meets a shell",
    },
    Rule {
        name: "no unwrap in shipped code",
        folders: &["src/"],
        reads: Reads::ShippedCode,
        pattern: r"\.unwrap\(\)|\.expect\(\s+\)|\bpanic!|\btodo!|\bunimplemented!",
        why: "an expected failure is an Error with a sentence",
    },
    Rule {
        name: "no lint is silenced for good",
        folders: &["src/", "tests/"],
        reads: Reads::Code,
        pattern: r"#!?\[allow\(",
        why: "use #[expect(lint, reason)], which reports itself when it is no longer needed",
    },
    Rule {
        name: "nothing is left for later",
        folders: &["src/", "tests/", "assets/"],
        reads: Reads::Text,
        pattern: concat!(r"\b(TO", "DO|FIX", "ME|XX", r"X)\b"),
        why: "finish it, or say in plain words what the product does not do",
    },
    Rule {
        name: "the project speaks of itself",
        folders: &["src/", "tests/", "assets/", "README.md"],
        reads: Reads::Text,
        pattern: concat!(
            r"(?i)/wo",
            r"rk/|\b(chat",
            "gpt|cop",
            "ilot|language mo",
            "del|ai[- ]gene",
            "rated|sub-?ag",
            r"ents?)\b"
        ),
        why: "text is about the product and its users, not about how it came to be",
    },
];

fn seen_by<'a>(rule: &Rule, source: &'a Source) -> &'a str {
    match rule.reads {
        Reads::Code => source.code(),
        Reads::ShippedCode => source.shipped_code(),
        Reads::CodeAndLiterals => source.code_and_literals(),
        Reads::Text => &source.text,
    }
}

/// Every line of `source` that breaks `rule`, as `path:line: text`.
fn breaches(rule: &Rule, pattern: &Regex, source: &Source) -> Vec<String> {
    if !rule.folders.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let seen = seen_by(rule, source);
    let lines: Vec<&str> = source.text.lines().collect();
    pattern
        .find_iter(seen)
        .map(|found| {
            let line = seen[..found.start()].matches('\n').count();
            format!(
                "{}:{}: {}",
                source.path,
                line + 1,
                lines.get(line).unwrap_or(&"").trim()
            )
        })
        .collect()
}

fn project() -> Vec<Source> {
    let mut all = files("src", &[".rs"]);
    mark_test_modules(&mut all);
    all.extend(files("tests", &[".rs", ".py", ".sh", "/run"]));
    all.extend(files(
        "assets",
        &[".yml", ".yaml", ".sql", ".md", ".json", ".html"],
    ));
    if let Ok(text) = std::fs::read_to_string(root().join("README.md")) {
        all.push(Source::new("README.md", text));
    }
    all
}

#[test]
fn the_walls_hold() {
    let project = project();
    let mut broken = String::new();
    for rule in RULES {
        let pattern = Regex::new(rule.pattern).unwrap();
        let found: Vec<String> = project
            .iter()
            .flat_map(|source| breaches(rule, &pattern, source))
            .collect();
        if !found.is_empty() {
            let _ = writeln!(broken, "\n{}: {}\n  {}", rule.name, rule.why, found.join("\n  "));
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn every_rule_finds_what_is_planted() {
    let planted: &[(&str, &str, &str)] = &[
        (
            "engine names no terminal",
            "src/engine/a.rs",
            "use ratatui::Frame;",
        ),
        (
            "engine reads no arguments",
            "src/engine/a.rs",
            "#[derive(clap::Parser)] struct A;",
        ),
        (
            "engine names no driver",
            "src/engine/a.rs",
            "let row = sqlx::query(\"select 1\");",
        ),
        (
            "engine names no driver",
            "src/engine/a.rs",
            "fn f(c: redis::Client) {}",
        ),
        (
            "engine names no adapter",
            "src/engine/a.rs",
            "use crate::adapters::maos;",
        ),
        (
            "engine never prints",
            "src/engine/a.rs",
            "fn f() { println!(\"a\"); }",
        ),
        (
            "engine never prints",
            "src/adapters/a.rs",
            "fn f() { eprintln!(\"a\"); }",
        ),
        (
            "front ends name no adapter",
            "src/tui/a.rs",
            "use crate::adapters::maos;",
        ),
        (
            "front ends name no adapter",
            "src/headless/a.rs",
            "use crate::{adapters, engine};",
        ),
        (
            "no shell",
            "src/adapters/a.rs",
            "Command::new(\"sh\").arg(\"-c\").arg(text)",
        ),
        ("no shell", "src/adapters/a.rs", "Command::new(\"/bin/bash\")"),
        (
            "no unwrap in shipped code",
            "src/engine/a.rs",
            "let a = b.unwrap();",
        ),
        (
            "no unwrap in shipped code",
            "src/tui/a.rs",
            "#[cfg(test)]\nmod tests {}\nfn f() { panic!(\"a\") }",
        ),
        (
            "no lint is silenced for good",
            "src/engine/a.rs",
            "#[allow(dead_code)]\nfn f() {}",
        ),
        (
            "nothing is left for later",
            "src/a.rs",
            concat!("// TO", "DO: later"),
        ),
        (
            "the project speaks of itself",
            "src/a.rs",
            concat!("// see /wo", "rk/main"),
        ),
    ];
    for rule in RULES {
        assert!(
            planted.iter().any(|(name, ..)| *name == rule.name),
            "nothing planted for {:?}",
            rule.name
        );
    }
    for (name, path, text) in planted {
        let rule = RULES.iter().find(|rule| rule.name == *name).unwrap();
        let source = Source::new(*path, *text);
        assert_eq!(
            breaches(rule, &Regex::new(rule.pattern).unwrap(), &source).len(),
            1,
            "{name} does not see {text:?}"
        );
    }
}

#[test]
fn what_is_allowed_is_not_reported() {
    let fine: &[(&str, &str)] = &[
        (
            "src/engine/a.rs",
            "//! The engine never sees ratatui, clap or sqlx::query.\n",
        ),
        (
            "src/engine/a.rs",
            "fn f() -> &'static str { \"ratatui println! redis:: sqlx\" }",
        ),
        (
            "src/engine/a.rs",
            "fn f<'a>(x: &'a str) -> char { let q = '\"'; let r = r#\"clap \" sqlx\"#; '\\'' }",
        ),
        ("src/engine/a.rs", "/* sqlx /* clap */ ratatui */ fn f() {}"),
        (
            "src/engine/a.rs",
            "#[cfg(test)]\nmod tests {\n fn f() { a.unwrap(); println!(\"{}\", 1) }\n}\n",
        ),
        (
            "src/tui/a.rs",
            "#[cfg(test)]\nmod tests;\nfn f() { a.unwrap_or(1); }",
        ),
        (
            "src/adapters/a.rs",
            "use sqlx::Row; Command::new(\"maos\").arg(\"-c\")",
        ),
        ("src/headless/a.rs", "println!(\"a\");"),
    ];
    for (path, text) in fine {
        let source = Source::new(*path, *text);
        for rule in RULES {
            assert_eq!(
                breaches(rule, &Regex::new(rule.pattern).unwrap(), &source),
                Vec::<String>::new(),
                "{}",
                rule.name
            );
        }
    }
}

#[test]
fn a_file_declared_for_tests_is_not_shipped() {
    let mut sources = vec![
        Source::new(
            "src/a/mod.rs",
            "mod b;\n#[cfg(test)]\nmod c;\n// #[cfg(test)] mod b;\n",
        ),
        Source::new("src/a/b.rs", "#[cfg(test)]\npub(super) mod d;"),
        Source::new("src/a/c.rs", ""),
        Source::new("src/a/b/d/mod.rs", ""),
        Source::new("src/a/b/d/e.rs", ""),
    ];
    mark_test_modules(&mut sources);
    let tests: Vec<&str> = sources
        .iter()
        .filter(|s| s.is_test)
        .map(|s| s.path.as_str())
        .collect();
    assert_eq!(tests, ["src/a/c.rs", "src/a/b/d/mod.rs", "src/a/b/d/e.rs"]);
}

/// Above this a file is mentioned, above [`TOO_LONG`] it fails. Tables of cases make tests longer than the product.
const LONG: usize = 400;
const TOO_LONG: [(&str, usize); 2] = [("src/", 700), ("tests/", 1000)];

#[test]
fn files_stay_small() {
    let mut all = files("src", &[".rs"]);
    all.extend(files("tests", &[".rs"]));
    let mut lengths: Vec<(usize, &str)> = all
        .iter()
        .map(|s| (s.text.lines().count(), s.path.as_str()))
        .collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    for (lines, path) in lengths.iter().filter(|(lines, _)| *lines > LONG) {
        eprintln!("{path} has {lines} lines; split it by meaning (aim: {LONG})");
    }
    let limit = |path: &str| {
        TOO_LONG
            .iter()
            .find(|(folder, _)| path.starts_with(folder))
            .map(|(_, limit)| *limit)
    };
    let broken: Vec<_> = lengths
        .iter()
        .filter(|(lines, path)| limit(path).is_some_and(|n| *lines > n))
        .collect();
    assert!(broken.is_empty(), "too long: {broken:?}");
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = files("src", &[".rs"])
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert!(silent.is_empty(), "no //! at the top of {silent:?}");
}

#[test]
fn the_top_level_holds_only_what_the_house_names() {
    let named = ["Cargo.toml", "Cargo.lock", "README.md", "assets", "src", "tests"];
    // Made by building and by trying the program in place; .gitignore keeps them out of the project.
    let made = |name: &str| name == "target" || name == "migration" || name.starts_with("maos-demo-");
    let strange: Vec<String> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !named.contains(&name.as_str()) && !made(name))
        .collect();
    assert!(strange.is_empty(), "not part of the house: {strange:?}");
}
