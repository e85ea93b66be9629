//! The parallelization score, 0 to 10, with its reasons.
//!
//! Default rules: the decomposed structure decides the band. Width w is the largest number of subtasks that can run side by
//! side, n their number and l the stages they need (the coordinator left out); n ÷ l bounds the speed-up. One in a line:
//! 1; two side by side: 5, three: 7, and one more for each doubling from there; a long line beside (n ÷ l under 1.25, or
//! under 1.5 for a width of three and more) takes the plan one band down. Words move it by one point inside its band.
//!
//! Guide rules: the guide's formula as written: +2 for each of its phrases for, −1 for each against, kept in 0 to 10.

use serde::Serialize;

use super::grammar::reader::Reader;
use super::model::Band;
use super::rules::{Matching, Rules, ScoreKind, Word};

/// What the structure offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Subtasks, the coordinator left out.
    pub work: usize,
    /// The most of them in one stage.
    pub width: usize,
    /// The stages they need.
    pub length: usize,
}

/// A score with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// 0 to 10.
    pub score: u8,
    /// Its band.
    pub band: Band,
    /// Which words and which structure, a sentence each.
    pub reasons: Vec<String>,
}

/// Scores a description whose decomposition has `shape`.
#[must_use]
pub fn score(text: &str, shape: Shape, rules: &Rules) -> Score {
    let (reader, _) = Reader::read(text, &rules.lexicon);
    let hits = hits(&reader, rules);
    let mut reasons = Vec::new();
    if rules.score.kind == ScoreKind::Structure {
        reasons.push(reason(shape));
    }
    for (speaks_for, what, points) in [
        (true, "for", rules.score.high_word),
        (false, "against", rules.score.low_word),
    ] {
        for hit in hits.iter().filter(|hit| hit.speaks_for == speaks_for) {
            reasons.push(format!(
                "\"{}\" speaks {what} it ({points:+})",
                hit.spelled(&reader)
            ));
        }
    }
    let value = value(&hits, shape, rules);
    Score {
        score: value,
        band: Band::of(value),
        reasons,
    }
}

/// The score alone, of a text that is read already.
pub(crate) fn of_read(reader: &Reader<'_>, shape: Shape, rules: &Rules) -> u8 {
    value(&hits(reader, rules), shape, rules)
}

fn value(hits: &[Hit<'_>], shape: Shape, rules: &Rules) -> u8 {
    let sum: i32 = hits
        .iter()
        .map(|hit| {
            if hit.speaks_for {
                rules.score.high_word
            } else {
                rules.score.low_word
            }
        })
        .sum();
    match rules.score.kind {
        ScoreKind::Indicators => u8::try_from(sum.clamp(0, 10)).unwrap_or(0),
        ScoreKind::Structure => {
            let points = structure(shape);
            let moved = (i32::from(points) + sum.clamp(-1, 1)).clamp(0, 10);
            let moved = u8::try_from(moved).unwrap_or(points);
            // Words never outweigh structure.
            if Band::of(moved) == Band::of(points) {
                moved
            } else {
                points
            }
        }
    }
}

fn reason(shape: Shape) -> String {
    let Shape { work, width, length } = shape;
    if work <= 1 {
        "one subtask: nothing to run side by side".to_owned()
    } else if width <= 1 {
        format!("{work} subtasks in one line, each waits for the one before")
    } else {
        format!("{width} of {work} subtasks can run side by side, the critical path has {length}")
    }
}

fn structure(shape: Shape) -> u8 {
    let Shape { work, width, length } = shape;
    if work <= 1 || width <= 1 {
        return 1;
    }
    // n ÷ l < 1.5 and n ÷ l < 1.25, in whole numbers.
    if width >= 3 && work * 2 < length * 3 {
        return 6;
    }
    if width == 2 && work * 4 < length * 5 {
        return 3;
    }
    match width {
        2 => 5,
        3 => 7,
        4..=5 => 8,
        6..=11 => 9,
        _ => 10,
    }
}

/// An indicator word of a text.
struct Hit<'a> {
    speaks_for: bool,
    found: Found<'a>,
}

enum Found<'a> {
    /// By whole words.
    Words(&'a [Word]),
    /// Anywhere in the text.
    Anywhere(&'a str),
}

impl Hit<'_> {
    fn spelled(&self, reader: &Reader<'_>) -> String {
        match self.found {
            Found::Words(words) => {
                let words: Vec<&str> = words.iter().map(|word| reader.spelled(*word)).collect();
                words.join(" ")
            }
            Found::Anywhere(word) => word.to_owned(),
        }
    }
}

/// The indicator words of a text, each once, in the order of the text.
fn hits<'a>(reader: &'a Reader<'_>, rules: &'a Rules) -> Vec<Hit<'a>> {
    if rules.matching == Matching::Substring {
        let lower = reader.text.to_lowercase();
        let lists = [(&rules.high, true), (&rules.low, false)];
        return lists
            .into_iter()
            .flat_map(|(words, speaks_for)| words.iter().map(move |word| (word, speaks_for)))
            .filter(|(word, _)| lower.contains(word.as_str()))
            .map(|(word, speaks_for)| Hit {
                speaks_for,
                found: Found::Anywhere(word),
            })
            .collect();
    }
    let words = reader.words.as_slice();
    let mut out: Vec<Hit<'a>> = Vec::new();
    for i in 0..words.len() {
        let Some((length, &speaks_for)) = rules.indicators.at(&words[i..]) else {
            continue;
        };
        let found = &words[i..i + length];
        let same = |other: &Hit<'_>| match other.found {
            Found::Words(other) => other
                .iter()
                .map(|word| word.id)
                .eq(found.iter().map(|word| word.id)),
            Found::Anywhere(_) => false,
        };
        if !out.iter().any(same) {
            out.push(Hit {
                speaks_for,
                found: Found::Words(found),
            });
        }
    }
    out
}
