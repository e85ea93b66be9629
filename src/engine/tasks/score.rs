//! The parallelization score, 0 to 10, with its reasons.
//!
//! Default rules: the decomposed structure decides the band. Width w is the largest number of subtasks that can run side by
//! side, n their number and l the stages they need (the coordinator left out); n ÷ l bounds the speed-up. One in a line:
//! 1; two side by side: 5, three: 7, and one more for each doubling from there; a long line beside (n ÷ l under 1.25, or
//! under 1.5 for a width of three and more) takes the plan one band down. Words move it by one point inside its band.
//!
//! Guide rules: the guide's formula as written: +2 for each of its phrases for, −1 for each against, kept in 0 to 10.

use serde::Serialize;

use super::grammar::token::{Piece, split_words};
use super::model::Band;
use super::rules::{Matching, Rules, ScoreKind};

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
    let (high, low) = hits(text, rules);
    let mut reasons = Vec::new();
    let weight = |list: &[String], points: i32| points * i32::try_from(list.len()).unwrap_or(i32::MAX);
    let value = match rules.score.kind {
        ScoreKind::Indicators => {
            let sum = weight(&high, rules.score.high_word) + weight(&low, rules.score.low_word);
            u8::try_from(sum.clamp(0, 10)).unwrap_or(0)
        }
        ScoreKind::Structure => {
            let (points, reason) = structure(shape);
            reasons.push(reason);
            let words =
                (weight(&high, rules.score.high_word) + weight(&low, rules.score.low_word)).clamp(-1, 1);
            let moved = (i32::from(points) + words).clamp(0, 10);
            let moved = u8::try_from(moved).unwrap_or(points);
            // Words never outweigh structure.
            if Band::of(moved) == Band::of(points) {
                moved
            } else {
                points
            }
        }
    };
    for (list, what, points) in [
        (&high, "for", rules.score.high_word),
        (&low, "against", rules.score.low_word),
    ] {
        for word in list {
            reasons.push(format!("\"{word}\" speaks {what} it ({points:+})"));
        }
    }
    Score {
        score: value,
        band: Band::of(value),
        reasons,
    }
}

fn structure(shape: Shape) -> (u8, String) {
    let Shape { work, width, length } = shape;
    if work <= 1 {
        return (1, "one subtask: nothing to run side by side".to_owned());
    }
    if width <= 1 {
        return (
            1,
            format!("{work} subtasks in one line, each waits for the one before"),
        );
    }
    let plain = match width {
        2 => 5,
        3 => 7,
        4..=5 => 8,
        6..=11 => 9,
        _ => 10,
    };
    let text = format!("{width} of {work} subtasks can run side by side, the critical path has {length}");
    // n ÷ l < 1.5 and n ÷ l < 1.25, in whole numbers.
    let points = if width >= 3 && work * 2 < length * 3 {
        6
    } else if width == 2 && work * 4 < length * 5 {
        3
    } else {
        plain
    };
    (points, text)
}

/// The indicator words of a text: those for, those against, each once, in the order of the text.
fn hits(text: &str, rules: &Rules) -> (Vec<String>, Vec<String>) {
    let lower = text.to_lowercase();
    if rules.matching == Matching::Substring {
        let found = |words: &[String]| {
            words
                .iter()
                .filter(|word| lower.contains(word.as_str()))
                .cloned()
                .collect()
        };
        return (found(&rules.high), found(&rules.low));
    }
    let pieces: Vec<&str> = split_words(&lower).iter().map(Piece::key).collect();
    let (mut high, mut low) = (Vec::new(), Vec::new());
    for i in 0..pieces.len() {
        if let Some((length, speaks_for)) = rules.indicators.at(&pieces[i..]) {
            let word = pieces[i..i + length].join(" ");
            let list = if *speaks_for { &mut high } else { &mut low };
            if !list.contains(&word) {
                list.push(word);
            }
        }
    }
    (high, low)
}
