//! The readiness result in sentences, for the screen, the prompts and the report.

use jiff::tz::TimeZone;

use super::model::{Band, Dimension, DimensionId, Readiness};
use crate::engine::assess::answers::Source;
use crate::engine::assess::dialogue::clock;
use crate::engine::capability::Capability;
use crate::engine::text::phrase;

/// The recommendation line: `Recommendation: Proceed with migration`.
#[must_use]
pub fn recommendation(readiness: &Readiness) -> String {
    format!("Recommendation: {}", readiness.recommendation)
}

/// What stands behind a bar: `average score 4 of 10`, `yes, 8 of 8 met`, `yes, lena 14:05`, `not answered`.
#[must_use]
pub fn evidence(dimension: &Dimension, zone: &TimeZone) -> String {
    let Some(answer) = &dimension.answer else {
        return "not answered, counted as 0".to_owned();
    };
    if dimension.id == DimensionId::Parallelization {
        let from = match dimension.source {
            Some(Source::Probed) => format!(", {}", dimension.evidence),
            _ => String::new(),
        };
        return format!("average score {} of 10{from}", rounded(answer));
    }
    match (dimension.source, dimension.at) {
        (Some(Source::Stated), Some(at)) => {
            format!("{answer}, {} {}", dimension.evidence, clock(at, zone))
        }
        _ => format!("{answer}, {}", dimension.evidence),
    }
}

/// A figure with two decimals at most; a mean may have any number of them.
fn rounded(figure: &str) -> String {
    match figure.split_once('.') {
        Some((_, decimals)) if decimals.len() > 2 => figure
            .parse::<f64>()
            .map_or_else(|_| figure.to_owned(), |value| format!("{value:.2}")),
        _ => figure.to_owned(),
    }
}

/// The arithmetic line with the signs of the screen: `4 × 25 ÷ 10 = 10    10 + 25 + 25 + 25 = 85    80 or more: proceed`.
#[must_use]
pub fn arithmetic(readiness: &Readiness) -> String {
    let sum = readiness
        .arithmetic
        .replace(" x ", " × ")
        .replace(" / ", " ÷ ")
        .replace("; ", "    ");
    format!("{sum}    {}", rule(readiness.band_without_blockers))
}

fn rule(band: Band) -> String {
    match band {
        Band::Proceed => "80 or more: proceed".to_owned(),
        Band::AddressGaps => "60 to 79: address gaps".to_owned(),
        Band::Improve => "below 60: improve".to_owned(),
    }
}

/// `none`, or the open dimensions: `2 not answered, counted as 0: Team, Business. Answering them can add 50.`
#[must_use]
pub fn unanswered(readiness: &Readiness) -> String {
    let open: Vec<&Dimension> = readiness
        .dimensions
        .iter()
        .filter(|dimension| !dimension.answered)
        .collect();
    if open.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = open.iter().map(|dimension| dimension.id.title()).collect();
    let gain: i64 = open.iter().map(|dimension| dimension.max).sum();
    format!(
        "{} not answered, counted as 0: {}. Answering {} can add {gain}.",
        open.len(),
        names.join(", "),
        if open.len() == 1 { "it" } else { "them" }
    )
}

/// `none`, or the blockers' texts.
#[must_use]
pub fn blockers(readiness: &Readiness) -> String {
    if readiness.blockers.is_empty() {
        return "none".to_owned();
    }
    let texts: Vec<&str> = readiness
        .blockers
        .iter()
        .map(|blocker| blocker.text.as_str())
        .collect();
    texts.join("; ")
}

/// The sentence of the now line: `85 of 100 is in the band 80 to 100.`, or why the band is held.
#[must_use]
pub fn now_line(readiness: &Readiness) -> String {
    let (score, max) = (readiness.score, readiness.max);
    if readiness.blockers.is_empty() {
        return format!("{score} of {max} is in the band {}.", readiness.band.range());
    }
    let by = if readiness.blockers.len() == 1 {
        "a blocker"
    } else {
        "blockers"
    };
    let said = blockers(readiness);
    if readiness.band == readiness.band_without_blockers {
        return format!(
            "{score} of {max} is in the band {}; {by}: {said}.",
            readiness.band.range()
        );
    }
    format!(
        "{score} of {max}, band held at {} by {by}: {said}.",
        readiness.recommendation
    )
}

/// The lines that end the numbered prompts.
#[must_use]
pub fn plain(readiness: &Readiness, next: Option<Capability>) -> Vec<String> {
    let mut lines = vec![
        format!(
            "Done. Readiness {} of {}, band {}. {}.",
            readiness.score,
            readiness.max,
            readiness.band.name(),
            readiness.arithmetic
        ),
        format!(
            "{}. Blockers: {}. Unanswered: {}",
            recommendation(readiness),
            blockers(readiness),
            full_stop(&unanswered(readiness))
        ),
    ];
    let mut choices: Vec<String> = readiness
        .actions
        .iter()
        .enumerate()
        .map(|(i, action)| format!("Next {}: {}, gain {}.", i + 1, phrase(&action.text), action.gain))
        .collect();
    if let Some(step) = next {
        choices.push(format!("Next {}: go on to {step}.", choices.len() + 1));
    }
    if !choices.is_empty() {
        lines.push(choices.join(" "));
    }
    lines
}

fn full_stop(text: &str) -> String {
    if text.ends_with('.') {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn a_mean_has_two_decimals_at_most() {
        for (figure, shown) in [
            ("4", "4"),
            ("4.5", "4.5"),
            ("4.702702702702703", "4.70"),
            ("yes", "yes"),
        ] {
            assert_eq!(rounded(figure), shown);
        }
    }
}
