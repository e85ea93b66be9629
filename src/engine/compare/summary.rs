//! The figures over all pairs, and what the guide recommends at them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::{Pair, Run, Side};
use super::statistics::{Rate, Spread, spread};
use super::usage::Used;

/// The guide's four recommendations with their thresholds: median speed-up and MAOS's success rate, both at least.
const BANDS: [(f64, f64, Recommendation); 3] = [
    (2.0, 0.95, Recommendation::Strong),
    (1.5, 0.90, Recommendation::Good),
    (1.2, 0.85, Recommendation::Consider),
];

/// What to do, by the guide's thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    /// At least 2.0 times as fast, at least 95 % succeeded.
    Strong,
    /// 1.5 and 90 %.
    Good,
    /// 1.2 and 85 %.
    Consider,
    /// Less.
    NotYet,
    /// Too few pairs succeeded on both sides to say anything.
    TooFew,
}

impl Recommendation {
    /// The recommendation at a speed-up and a success rate. Pure, and calls nothing that calls it.
    #[must_use]
    pub fn at(speedup: f64, success: f64) -> Self {
        BANDS
            .iter()
            .find(|(least, rate, _)| speedup >= *least && success >= *rate)
            .map_or(Self::NotYet, |(_, _, recommendation)| *recommendation)
    }

    /// The guide's sentence; `None` when nothing can be recommended.
    #[must_use]
    pub const fn sentence(self) -> Option<&'static str> {
        match self {
            Self::Strong => {
                Some("Strongly recommend migration - significant performance gains with high reliability")
            }
            Self::Good => Some("Recommend migration - good performance gains with acceptable reliability"),
            Self::Consider => Some("Consider migration - moderate gains, monitor reliability closely"),
            Self::NotYet => Some("Do not migrate yet - insufficient gains or reliability concerns"),
            Self::TooFew => None,
        }
    }
}

/// Pairs that are not compared, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Succeeded on the legacy side only.
    pub failed_on_maos: u64,
    /// Succeeded on MAOS only.
    pub failed_on_legacy: u64,
    /// Succeeded on neither.
    pub failed_on_both: u64,
    /// Succeeded on both, in no time that can be measured.
    pub no_time: u64,
}

/// What the programs of one side used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Runs that were measured.
    pub n: u64,
    /// Processor cores in use on average: CPU seconds ÷ seconds.
    pub cores: f64,
    /// The most memory in one run, bytes.
    pub peak_bytes: u64,
}

/// One task over its repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskFigures {
    /// The legacy id.
    pub task: String,
    /// Pairs that ended.
    pub pairs: u64,
    /// Pairs that are compared.
    pub compared: u64,
    /// Median seconds on the legacy side, of pairs that are compared.
    pub legacy_s: Option<f64>,
    /// Median seconds on MAOS, of the same pairs.
    pub maos_s: Option<f64>,
    /// Median of the pairs' speed-ups.
    pub speedup: Option<f64>,
    /// How many runs succeeded on the legacy side.
    pub legacy: Rate,
    /// How many runs succeeded on MAOS.
    pub maos: Rate,
    /// MAOS's id of the last run.
    pub maos_id: Option<String>,
}

/// Everything that a comparison says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Pairs that were planned.
    pub planned: u64,
    /// Pairs that ended on both sides.
    pub run: u64,
    /// Pairs that succeeded on both, which all times are taken from.
    pub compared: u64,
    /// Pairs that are needed for a recommendation.
    pub needed: u64,
    /// The speed-up over the compared pairs.
    pub speedup: Option<Spread>,
    /// The guide's own average: mean legacy seconds ÷ mean MAOS seconds, over the same pairs.
    pub ratio_of_means: Option<f64>,
    /// Largest share by which a compared MAOS time may be off, because its end is seen only by looking.
    pub uncertainty: f64,
    /// Success on the legacy side.
    pub legacy: Rate,
    /// Success on MAOS.
    pub maos: Rate,
    /// Mean of the efficiencies that MAOS reported for runs that succeeded, and how many did.
    pub efficiency: Option<(f64, u64)>,
    /// Mean and largest number of agents as reported, and how many runs did.
    pub agents: Option<(f64, u32, u64)>,
    /// Compared pairs by speed-up: below 1, up to 2, up to 3, above.
    pub histogram: [u64; 4],
    /// Pairs whose results the user's check found the same, of those it looked at.
    pub quality: Option<Rate>,
    /// What the legacy side used; `None`: not measured.
    pub legacy_used: Option<Resources>,
    /// What MAOS used; `None`: not measured.
    pub maos_used: Option<Resources>,
    /// Pairs that are not compared.
    pub excluded: Excluded,
    /// By the guide's thresholds.
    pub recommendation: Recommendation,
    /// Each task, in the order in which they first ran.
    pub tasks: Vec<TaskFigures>,
}

impl Summary {
    /// The guide's sentence, or how many pairs are missing.
    #[must_use]
    pub fn sentence(&self) -> String {
        self.recommendation.sentence().map_or_else(
            || {
                format!(
                    "Too few pairs: {} of {} needed. No recommendation yet.",
                    self.compared, self.needed
                )
            },
            str::to_owned,
        )
    }

    /// What stands beside the recommendation: n, median, interval.
    #[must_use]
    pub fn spread_words(&self) -> String {
        let pairs = crate::engine::text::plural(self.compared, "pair", "pairs");
        match &self.speedup {
            None => format!("n {pairs}"),
            Some(spread) => {
                let interval = spread.interval.map_or_else(
                    || {
                        format!(
                            "{:.1}× to {:.1}× in all, too few tasks for an interval",
                            spread.least, spread.most
                        )
                    },
                    |(low, high)| format!("95 % interval {low:.1} to {high:.1}"),
                );
                format!("n {pairs}, median {:.1}×, {interval}", spread.median)
            }
        }
    }

    /// What weakens the recommendation: an interval that reaches below its threshold. `None` when nothing does.
    #[must_use]
    pub fn caution(&self) -> Option<String> {
        let least = BANDS
            .iter()
            .find(|(_, _, recommendation)| *recommendation == self.recommendation)
            .map(|(least, ..)| *least)?;
        let (low, _) = self.speedup?.interval?;
        (low < least).then(|| {
            format!("The interval reaches down to {low:.1}×, below the {least:.1}× of this recommendation.")
        })
    }

    /// Pairs that are not in the speed-up, in sentences.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let pairs = |n: u64| crate::engine::text::plural(n, "pair", "pairs");
        let are = |n: u64| if n == 1 { "is" } else { "are" };
        [
            (self.excluded.failed_on_maos, "failed on MAOS"),
            (self.excluded.failed_on_legacy, "failed on the legacy side"),
            (self.excluded.failed_on_both, "failed on both sides"),
            (self.excluded.no_time, "took no time that can be measured"),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what} and {} not in the speed-up.", pairs(n), are(n)))
        .collect()
    }
}

/// Sums up the pairs of one comparison. Pairs that have not ended are counted as planned only.
#[must_use]
pub fn summarize<'a>(pairs: impl IntoIterator<Item = &'a Pair>, planned: u64, needed: u64) -> Summary {
    let mut order: Vec<&str> = Vec::new();
    let mut by_task: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
    for pair in pairs.into_iter().filter(|pair| pair.ended()) {
        let of_task = by_task.entry(&pair.task).or_default();
        if of_task.is_empty() {
            order.push(&pair.task);
        }
        of_task.push(pair);
    }
    let all: Vec<&Pair> = order
        .iter()
        .flat_map(|task| by_task[task].iter().copied())
        .collect();
    let speedups: Vec<Vec<f64>> = order
        .iter()
        .map(|task| by_task[task].iter().filter_map(|pair| pair.speedup()).collect())
        .collect();
    let compared: Vec<&Pair> = all
        .iter()
        .copied()
        .filter(|pair| pair.speedup().is_some())
        .collect();
    let (legacy, maos) = (rate(&all, Side::Legacy), rate(&all, Side::Maos));
    let speedup = spread(&speedups);
    let recommendation = match (&speedup, maos.share()) {
        (Some(speedup), Some(success)) if compared.len() as u64 >= needed.max(1) => {
            Recommendation::at(speedup.median, success)
        }
        _ => Recommendation::TooFew,
    };
    Summary {
        planned,
        run: all.len() as u64,
        compared: compared.len() as u64,
        needed: needed.max(1),
        ratio_of_means: ratio_of_means(&compared),
        uncertainty: compared
            .iter()
            .filter_map(|pair| pair.maos.as_ref())
            .map(|run| run.uncertainty_s / run.seconds)
            .fold(0.0, f64::max),
        legacy,
        maos,
        efficiency: efficiency(&all),
        agents: agents(&all),
        histogram: histogram(&speedups),
        quality: quality(&all),
        legacy_used: resources(&all, Side::Legacy),
        maos_used: resources(&all, Side::Maos),
        excluded: excluded(&all),
        recommendation,
        speedup,
        tasks: order.iter().map(|task| figures(task, &by_task[task])).collect(),
    }
}

fn rate(pairs: &[&Pair], side: Side) -> Rate {
    let runs = pairs.iter().filter_map(|pair| pair.side(side));
    let (mut succeeded, mut run) = (0, 0);
    for one in runs {
        run += 1;
        succeeded += u64::from(one.succeeded());
    }
    Rate { succeeded, run }
}

fn ratio_of_means(compared: &[&Pair]) -> Option<f64> {
    let sum = |side: Side| -> f64 {
        compared
            .iter()
            .filter_map(|pair| pair.side(side))
            .map(|run| run.seconds)
            .sum()
    };
    let maos = sum(Side::Maos);
    // Equal counts on both sides: the ratio of sums is the ratio of means.
    (maos > 0.0).then(|| sum(Side::Legacy) / maos)
}

fn succeeded_on_maos<'a>(pairs: &'a [&Pair]) -> impl Iterator<Item = &'a Run> {
    pairs
        .iter()
        .filter_map(|pair| pair.maos.as_ref())
        .filter(|run| run.succeeded())
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn efficiency(pairs: &[&Pair]) -> Option<(f64, u64)> {
    let reported: Vec<f64> = succeeded_on_maos(pairs)
        .filter_map(|run| run.efficiency)
        .filter(|value| value.is_finite())
        .collect();
    (!reported.is_empty()).then(|| {
        (
            reported.iter().sum::<f64>() / reported.len() as f64,
            reported.len() as u64,
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn agents(pairs: &[&Pair]) -> Option<(f64, u32, u64)> {
    let reported: Vec<u32> = succeeded_on_maos(pairs).filter_map(|run| run.agents).collect();
    let most = *reported.iter().max()?;
    let mean = reported.iter().map(|n| f64::from(*n)).sum::<f64>() / reported.len() as f64;
    Some((mean, most, reported.len() as u64))
}

fn histogram(speedups: &[Vec<f64>]) -> [u64; 4] {
    let mut bins = [0; 4];
    for speedup in speedups.iter().flatten() {
        let bin = match *speedup {
            below if below < 1.0 => 0,
            up_to_two if up_to_two < 2.0 => 1,
            up_to_three if up_to_three <= 3.0 => 2,
            _ => 3,
        };
        bins[bin] += 1;
    }
    bins
}

fn quality(pairs: &[&Pair]) -> Option<Rate> {
    let mut rate = Rate::default();
    for same in pairs.iter().filter_map(|pair| pair.same_quality) {
        rate.run += 1;
        rate.succeeded += u64::from(same);
    }
    (rate.run > 0).then_some(rate)
}

fn resources(pairs: &[&Pair], side: Side) -> Option<Resources> {
    let mut out = Resources::default();
    let (mut cpu, mut seconds) = (0.0, 0.0);
    let measured = pairs
        .iter()
        .filter_map(|pair| pair.side(side))
        .filter_map(|run| run.used.map(|used| (used, run.seconds)));
    for (Used { cpu_s, peak_bytes }, lasted) in measured {
        out.n += 1;
        cpu += cpu_s;
        seconds += lasted;
        out.peak_bytes = out.peak_bytes.max(peak_bytes);
    }
    if out.n == 0 || seconds <= 0.0 {
        return None;
    }
    out.cores = cpu / seconds;
    Some(out)
}

fn excluded(pairs: &[&Pair]) -> Excluded {
    let mut out = Excluded::default();
    for pair in pairs.iter().filter(|pair| pair.speedup().is_none()) {
        let ok = |side| pair.side(side).is_some_and(Run::succeeded);
        *match (ok(Side::Legacy), ok(Side::Maos)) {
            (true, false) => &mut out.failed_on_maos,
            (false, true) => &mut out.failed_on_legacy,
            (false, false) => &mut out.failed_on_both,
            (true, true) => &mut out.no_time,
        } += 1;
    }
    out
}

fn figures(task: &str, pairs: &[&Pair]) -> TaskFigures {
    let compared: Vec<&Pair> = pairs
        .iter()
        .copied()
        .filter(|pair| pair.speedup().is_some())
        .collect();
    let seconds = |side: Side| {
        let values: Vec<f64> = compared
            .iter()
            .filter_map(|pair| pair.side(side))
            .map(|run| run.seconds)
            .collect();
        super::statistics::median(&values)
    };
    let speedups: Vec<f64> = compared.iter().filter_map(|pair| pair.speedup()).collect();
    TaskFigures {
        task: task.to_owned(),
        pairs: pairs.len() as u64,
        compared: compared.len() as u64,
        legacy_s: seconds(Side::Legacy),
        maos_s: seconds(Side::Maos),
        speedup: super::statistics::median(&speedups),
        legacy: rate(pairs, Side::Legacy),
        maos: rate(pairs, Side::Maos),
        maos_id: pairs
            .iter()
            .rev()
            .find_map(|pair| pair.maos.as_ref().and_then(|run| run.id.clone())),
    }
}
