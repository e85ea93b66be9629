//! Files of samples as the world writes them: figures of every wrong kind, samples that come twice, late, in any order or
//! under other clocks, counters that begin anew, dip or leap. Read as `monitor replay` reads them. At two percent errors
//! none of it rolls back; at sixty percent none of it hides the failure.

use jiff::Timestamp;
use maos_migrate::engine::monitor::json::{self, Line};
use maos_migrate::engine::monitor::{Criterion, Gap, State, Verdict};
use serde_json::{Value, json};

use super::support::*;

/// What a stream suffers from.
type Dirt = fn(Vec<Value>, &mut Random) -> Vec<String>;

/// One sample every five minutes, 20 finished tasks each, from counters that began at `from`.
fn clean(samples: u64, rate: f64, from: [u64; 2], random: &mut Random) -> Vec<Value> {
    let mut status = Status::start();
    [status.failed, status.completed] = from;
    (0..samples)
        .map(|i| {
            if i > 0 {
                status.work(20, rate, random);
            }
            json!({
                "at": Timestamp::from_microsecond(at(i)).expect("a time").to_string(),
                "tasks": {
                    "total": status.failed + status.completed,
                    "failed": status.failed,
                    "completed": status.completed,
                },
                "health": {"healthy": 6, "total": 6},
                "performance": {"avg_response_time": 1.9 + random.share() / 5.0, "tasks_per_minute": 4.0},
                "validation": "pass",
            })
        })
        .collect()
}

fn lines(samples: Vec<Value>) -> Vec<String> {
    samples.into_iter().map(|sample| sample.to_string()).collect()
}

fn judged(lines: &[String]) -> Vec<Verdict> {
    let mut evaluator = evaluator();
    evaluator.set_baseline(Some(2.0));
    lines
        .iter()
        .filter_map(|line| match json::line(line.as_bytes()) {
            Line::Sample(sample, _) => Some(evaluator.push(&sample)),
            Line::Baseline(_) => None,
        })
        .collect()
}

const PLACES: [&str; 12] = [
    "/at",
    "/tasks",
    "/tasks/failed",
    "/tasks/completed",
    "/tasks/total",
    "/health",
    "/health/healthy",
    "/health/total",
    "/performance",
    "/performance/avg_response_time",
    "/performance/tasks_per_minute",
    "/validation",
];

const WRONG: [&str; 24] = [
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "-1",
    "-50",
    "1e999",
    "\"12\"",
    "\"n/a\"",
    "\"\"",
    "true",
    "[]",
    "[1, 2]",
    "{}",
    "{\"failed\": 1}",
    "0",
    "0.5",
    "9007199254740991",
    "9007199254740993",
    "18446744073709551615",
    "99999999999999999999",
    "1e300",
    "123456789012",
    "9e15",
];

fn wrong_figures(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let mut pick = |of: &[&'static str]| of[usize::try_from(random.next()).unwrap_or(0) % of.len()];
    samples
        .into_iter()
        .enumerate()
        .map(|(i, mut sample)| {
            if i % 5 != 3 {
                return sample.to_string();
            }
            let (place, wrong) = (pick(&PLACES), pick(&WRONG));
            if let Some(value) = sample.pointer_mut(place) {
                *value = "@".into();
            }
            sample.to_string().replace("\"@\"", wrong)
        })
        .collect()
}

fn twice(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    lines(samples)
        .into_iter()
        .flat_map(|line| vec![line; 1 + usize::try_from(random.below(3)).expect("small")])
        .collect()
}

fn late(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let mut lines = lines(samples);
    for i in 0..lines.len() {
        if random.chance(0.2) {
            let line = lines.remove(i);
            let later = (i + 1 + usize::try_from(random.below(8)).expect("small")).min(lines.len());
            lines.insert(later, line);
        }
    }
    lines
}

fn in_any_order(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let mut lines = lines(samples);
    for i in (1..lines.len()).rev() {
        let j = usize::try_from(random.next() % (i as u64 + 1)).expect("small");
        lines.swap(i, j);
    }
    lines
}

/// The counters, changed by what `change` makes of them.
fn counted(samples: Vec<Value>, mut change: impl FnMut(&mut u64, &mut u64)) -> Vec<String> {
    let counted = samples.into_iter().map(|mut sample| {
        let count = |name: &str| sample["tasks"][name].as_u64().expect("a count");
        let (mut failed, mut completed) = (count("failed"), count("completed"));
        change(&mut failed, &mut completed);
        sample["tasks"] = json!({"failed": failed, "completed": completed});
        sample.to_string()
    });
    counted.collect()
}

fn begun_anew(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let mut origin = (0, 0);
    counted(samples, |failed, completed| {
        if random.chance(0.1) {
            origin = (*failed, *completed);
        }
        (*failed, *completed) = (*failed - origin.0, *completed - origin.1);
    })
}

/// Two processes count, and each begins anew on its own.
fn one_counter_begun_anew(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let mut origin = (0, 0);
    counted(samples, |failed, completed| {
        if random.chance(0.05) {
            origin.0 = *failed;
        }
        if random.chance(0.05) {
            origin.1 = *completed;
        }
        (*failed, *completed) = (*failed - origin.0, *completed - origin.1);
    })
}

fn leaps(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    const FAR: [u64; 5] = [1_000_000, 1_000_000_000, 1_000_000_000_000, 1 << 53, u64::MAX];
    counted(samples, |failed, completed| {
        if random.chance(0.05) {
            let far = FAR[usize::try_from(random.below(5)).expect("small")];
            match random.below(3) {
                0 => *failed = far,
                1 => *completed = far,
                _ => (*failed, *completed) = (far, far),
            }
        }
    })
}

fn dips(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let mut first = true;
    counted(samples, |failed, completed| {
        if !first && random.chance(0.1) {
            (*failed, *completed) = (0, 0);
        }
        first = false;
    })
}

/// Either counter reads nought now and then, also in turns.
fn dips_of_either(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let mut first = true;
    counted(samples, |failed, completed| {
        for count in [failed, completed] {
            if !first && random.chance(0.2) {
                *count = 0;
            }
        }
        first = false;
    })
}

/// Spells of nought, of one counter or both, that turn into each other.
fn spells_of_dips(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let (mut left, mut kind) = (0, 0);
    let mut first = true;
    counted(samples, |failed, completed| {
        if !first && random.chance(0.04) {
            (left, kind) = (1 + random.below(12), random.below(4));
        }
        first = false;
        if left > 0 {
            left -= 1;
            match kind {
                0 => (*failed, *completed) = (0, 0),
                1 => *failed = 0,
                2 => *completed = 0,
                _ => (*failed, *completed) = (*failed / 2, *completed / 2),
            }
        }
    })
}

/// Content of an older look under a fresh time, as a cache gives it.
fn stale_content(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let all = samples.clone();
    let stale = samples.into_iter().enumerate().map(|(i, mut sample)| {
        if random.chance(0.2) {
            let ago = usize::try_from(random.below(6)).expect("small");
            sample["tasks"] = all[i.saturating_sub(ago)]["tasks"].clone();
        }
        sample.to_string()
    });
    stale.collect()
}

fn missing_keys(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let missing = samples.into_iter().map(|mut sample| {
        for place in PLACES {
            let (parent, key) = place.rsplit_once('/').expect("a path");
            if random.chance(0.06)
                && let Some(parent) = sample.pointer_mut(parent).and_then(Value::as_object_mut)
            {
                parent.remove(key);
            }
        }
        sample.to_string()
    });
    missing.collect()
}

fn clocks_that_jump(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    const JUMPS: [i64; 6] = [-60, -7_200, 7_200, 86_400, -259_200, -2_592_000];
    let mut off = 0;
    let jumped = samples.into_iter().map(|mut sample| {
        if random.chance(0.03) {
            off += JUMPS[usize::try_from(random.below(6)).expect("small")];
        }
        let at: Timestamp = sample["at"].as_str().expect("text").parse().expect("a time");
        let at = at.saturating_add(jiff::SignedDuration::from_secs(off));
        sample["at"] = at.expect("in range").to_string().into();
        sample.to_string()
    });
    jumped.collect()
}

fn other_units_of_time(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    let other = samples.into_iter().map(|mut sample| {
        if random.chance(0.1) {
            let seconds = sample["performance"]["avg_response_time"]
                .as_f64()
                .expect("a number");
            sample["performance"]["avg_response_time"] = (seconds * 1000.0).into();
        }
        sample.to_string()
    });
    other.collect()
}

fn garbage(samples: Vec<Value>, random: &mut Random) -> Vec<String> {
    const GARBAGE: [&str; 11] = [
        "{",
        "[]",
        "null",
        "{}",
        "\"x\"",
        "12",
        "NaN",
        "<html>502 Bad Gateway</html>",
        "{\"error\":\"timeout\"}",
        "{\"at\":",
        "\u{0}\u{0}\u{0}",
    ];
    lines(samples)
        .into_iter()
        .map(|line| {
            if random.chance(0.1) {
                GARBAGE[usize::try_from(random.below(11)).expect("small")].to_owned()
            } else {
                line
            }
        })
        .collect()
}

const ALL: [(&str, Dirt); 15] = [
    ("wrong figures", wrong_figures),
    ("doubled samples", twice),
    ("late samples", late),
    ("samples in any order", in_any_order),
    ("counters that begin anew", begun_anew),
    ("one counter that begins anew", one_counter_begun_anew),
    ("counters that leap", leaps),
    ("counters that dip", dips),
    ("either counter that dips", dips_of_either),
    ("spells of dips", spells_of_dips),
    ("old content under a new time", stale_content),
    ("missing keys", missing_keys),
    ("clocks that jump", clocks_that_jump),
    ("response times in another unit", other_units_of_time),
    ("garbage", garbage),
];

#[test]
fn fault_e69_no_dirt_rolls_back_at_two_percent_errors() {
    for (name, dirt) in ALL {
        for seed in 0..15 {
            let mut random = Random(300_000 + seed);
            let from = [[0, 0], [600, 400], [3, 90_000]][usize::try_from(seed % 3).expect("small")];
            let samples = clean(300, 0.02, from, &mut random);
            let verdicts = judged(&dirt(samples, &mut random));
            let first = verdicts.iter().find(|verdict| verdict.should_roll_back);
            assert!(
                first.is_none(),
                "{name}, seed {seed}: {:?}",
                first.map(|verdict| verdict.reasons(&criteria()))
            );
        }
    }
}

#[test]
fn no_dirt_hides_sixty_percent_errors_for_long() {
    for (name, dirt) in ALL {
        if name == "samples in any order" {
            // What stands in any order is a few samples in the right one, and the rest is late.
            continue;
        }
        for seed in 0..15 {
            let mut random = Random(700_000 + seed);
            let samples = clean(60, 0.6, [600, 400], &mut random);
            let mut dirty = dirt(samples, &mut random);
            dirty.dedup();
            let seen = first_breach(judged(&dirty));
            assert!(
                seen.is_some_and(|seen| seen <= 21),
                "{name}, seed {seed}: {seen:?}"
            );
        }
    }
}

fn counters(pairs: &[(u64, u64)]) -> Vec<Verdict> {
    let lines: Vec<String> = (0..)
        .zip(pairs)
        .map(|(i, (failed, completed))| {
            let at = Timestamp::from_microsecond(at(i)).expect("a time");
            json!({"at": at, "tasks": {"failed": failed, "completed": completed}, "health": {"healthy": 1, "total": 1}})
                .to_string()
        })
        .collect();
    judged(&lines)
}

/// The error rate's growth in the newest of these samples.
fn newest(pairs: &[(u64, u64)]) -> (State, u64, u64) {
    let judged = *counters(pairs)
        .last()
        .expect("a verdict")
        .of(Criterion::ErrorRate);
    (judged.state, judged.k, judged.n)
}

#[test]
fn one_sample_that_leaps_is_unknown_and_the_window_goes_on_without_it() {
    let far = 9_000_000_000_000_000;
    let (state, ..) = newest(&[(0, 0), (1, 40), (far, far)]);
    assert_eq!(state, State::Unknown(Gap::Leap));
    assert_eq!(
        newest(&[(0, 0), (1, 40), (far, far), (2, 80)]),
        (State::Ok, 2, 82)
    );
}

#[test]
fn counters_that_stay_where_they_leapt_to_begin_anew_there() {
    // 10,000,000 were counted before this process took over their tale.
    let leapt = [(0, 0), (1, 40), (1_000, 10_000_000), (1_001, 10_000_079)];
    assert_eq!(newest(&leapt), (State::Ok, 1, 80));
    // A failure that begins there is seen as anywhere.
    let failing = counters(&[
        (0, 0),
        (1, 40),
        (1_000, 10_000_000),
        (1_018, 10_000_002),
        (1_036, 10_000_004),
    ]);
    assert!(failing.last().expect("a verdict").should_roll_back);
}

#[test]
fn a_real_rush_of_failures_is_no_leap() {
    // 1,000 tasks a second for five minutes, each failing.
    let rush = counters(&[(0, 0), (1, 40), (300_000, 40)]);
    assert!(rush[2].should_roll_back && rush[2].of(Criterion::ErrorRate).at_once);
}

#[test]
fn counters_that_were_nought_for_longer_than_the_window_are_not_taken_for_failures_when_they_return() {
    let mut pairs = vec![(600, 400), (600, 420)];
    pairs.extend([(0, 0); 9]);
    pairs.push((601, 599));
    let verdicts = counters(&pairs);
    assert!(
        verdicts.iter().all(|verdict| !verdict.should_roll_back),
        "{:?}",
        verdicts.last()
    );
    // And from there on they are judged as ever.
    pairs.extend([(619, 601), (637, 603)]);
    assert!(counters(&pairs).last().expect("a verdict").should_roll_back);
}

#[test]
fn a_counter_that_comes_back_while_the_other_is_low_has_not_grown() {
    // Failed reads nought, then completed does, then both are back.
    let back = [(30, 1_300), (36, 1_324), (0, 1_364), (37, 0), (38, 1_402)];
    for upto in 1..=back.len() {
        let verdicts = counters(&back[..upto]);
        assert!(verdicts.iter().all(|verdict| !verdict.should_roll_back), "{upto}");
    }
    assert_eq!(newest(&back), (State::Ok, 2, 80));
    // Both are low, and failed comes back first, by more than the fast path asks for.
    let first = [(220, 9_000), (221, 9_020), (0, 0), (221, 0), (222, 20)];
    assert!(counters(&first).iter().all(|verdict| !verdict.should_roll_back));
    // They begin anew for good, and dip later: what they come back to then is the newer point.
    let anew = [(600, 9_400), (0, 0), (20, 980), (0, 1_000), (21, 1_019)];
    assert_eq!(newest(&anew), (State::Unknown(Gap::Few), 1, 40));
}

#[test]
fn a_failure_that_begins_behind_a_dip_is_seen() {
    let verdicts = counters(&[(600, 400), (0, 0), (12, 8), (24, 16), (36, 24), (48, 32)]);
    assert!(verdicts.iter().any(|verdict| verdict.should_roll_back));
    let verdicts = counters(&[(20, 980), (0, 1_000), (12, 1_008), (24, 1_016), (36, 1_024)]);
    assert!(verdicts.iter().any(|verdict| verdict.should_roll_back));
}
