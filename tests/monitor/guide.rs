//! The guide's policy against the guide's own engine, whose answers to 10,000 generated samples are recorded.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use maos_migrate::engine::monitor::sample::{Raw, RawFigures};
use maos_migrate::engine::monitor::{Evaluator, Gap, Policy, Probe};

use super::support::*;
use crate::lcg::Lcg;

/// A SHA-256 over every score, decision, sentence and recommendation; then the scores, a digit each.
const RECORDED: &str = include_str!("guide_golden.txt");

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn raw(n: u64) -> Raw {
    Raw::Number(n as f64)
}

#[test]
fn ten_thousand_samples_give_the_guides_scores_sentences_and_recommendations() {
    // Both sides use this generator.
    let mut random = Lcg(20_260_101);
    let criteria = criteria();
    let mut evaluator = Evaluator::new(criteria, Policy::Guide);
    evaluator.set_baseline(Some(2.0));
    let mut recorded = RECORDED.lines();
    let digest = recorded.next().expect("a digest");
    let scores: String = recorded.collect();
    assert_eq!(scores.len(), 10_000);
    let mut hash = Sha256::new();
    for (i, score) in scores.chars().enumerate() {
        let total = random.below(300);
        let mut failed = random.below(total + 1);
        if random.below(2) == 1 {
            failed /= 5;
        }
        let components = random.below(21);
        let healthy = components - components.min(random.below(4));
        // 2.600 s is exactly the limit; what then holds is in the table of limits, not here.
        let milli = match 1000 + random.below(3000) {
            2600 => 2601,
            other => other,
        };
        let validation = random.below(3);
        let missing = random.below(10);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let mut figures = RawFigures {
            total: raw(total),
            failed: raw(failed),
            completed: raw(total - failed),
            cancelled: Raw::Absent,
            healthy: raw(healthy),
            components: raw(components),
            response: Raw::Number(milli as f64 / 1000.0),
            throughput: Raw::Absent,
        };
        match missing {
            0 => (figures.total, figures.failed) = (Raw::Absent, Raw::Absent),
            1 => (figures.healthy, figures.components) = (Raw::Absent, Raw::Absent),
            2 => figures.response = Raw::Absent,
            _ => {}
        }
        let probe = match (missing, validation) {
            (3, _) => Err(Gap::Absent),
            (_, 0) => Ok(Probe::Pass),
            _ => Ok(Probe::Fail),
        };
        let verdict = evaluator.push(&figures.sample(Some(at(i as u64)), probe));
        assert_eq!(
            std::char::from_digit(verdict.score, 16),
            Some(score),
            "sample {i}: {verdict:?}"
        );
        hash.update(format!(
            "{}|{}|{}|{}\n",
            verdict.score,
            if verdict.should_roll_back { "yes" } else { "no" },
            verdict.reasons(&criteria).join("; "),
            verdict.recommendation(&criteria)
        ));
    }
    let made: String = hash.finalize().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes it");
        text
    });
    assert_eq!(made, digest);
}
