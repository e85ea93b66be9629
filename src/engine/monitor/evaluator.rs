//! The default policy, one sample at a time, and the form that judges a whole history.

use serde::{Deserialize, Serialize};

use super::criteria::{Criteria, Policy};
use super::guide::{self, ROOM};
use super::sample::{Figure, Gap, Health, Probe, Sample, Tasks};
use super::statistics::{ratio, wilson_lower, wilson_upper};
use super::verdict::{Aside, Criterion, Judged, Latch, State, Verdict, Word};
use super::window::{Counters, Grown, Sums};

/// How many samples in a row that are far too old mean that the clock was set back.
const CLOCK_SET_BACK: u32 = 3;

/// Judges samples as they come. Holds the window and nothing else of the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluator {
    criteria: Criteria,
    policy: Policy,
    baseline: Option<Figure<f64>>,
    tasks: Counters,
    health: Sums,
    response: Sums,
    streaks: [Streak; 4],
    failures: u32,
    /// Samples in a row without each figure.
    unknown: [u32; 4],
    /// Whether the figure was ever given.
    seen: [bool; 4],
    latch: Option<Latch>,
    frozen: bool,
    /// The time of the last sample that was judged, stated or worked out.
    last_at: Option<i64>,
    /// The last time that a sample stated itself.
    last_stated: Option<i64>,
    /// Far too old samples in a row, and the newest of them.
    backwards: (u32, i64),
    last: Option<Verdict>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Streak {
    count: u32,
    first: i64,
    last: i64,
}

/// Judges a whole history: the verdict after its last sample. `None` for an empty one.
#[must_use]
pub fn evaluate(
    criteria: &Criteria,
    policy: Policy,
    baseline: Option<f64>,
    history: &[Sample],
) -> Option<Verdict> {
    let mut evaluator = Evaluator::new(*criteria, policy);
    evaluator.set_baseline(baseline);
    history.iter().map(|sample| evaluator.push(sample)).last()
}

enum Placed {
    InOrder(i64),
    Aside(i64, Aside),
    ClockSetBack(i64),
}

impl Evaluator {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(criteria: Criteria, policy: Policy) -> Self {
        Self {
            criteria,
            policy,
            baseline: None,
            tasks: Counters::default(),
            health: Sums::default(),
            response: Sums::default(),
            streaks: [Streak::default(); 4],
            failures: 0,
            unknown: [0; 4],
            seen: [false; 4],
            latch: None,
            frozen: false,
            last_at: None,
            last_stated: None,
            backwards: (0, 0),
            last: None,
        }
    }

    /// What is judged, and how strictly.
    #[must_use]
    pub const fn criteria(&self) -> &Criteria {
        &self.criteria
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// The verdict of the last sample.
    #[must_use]
    pub const fn last(&self) -> Option<&Verdict> {
        self.last.as_ref()
    }

    /// The usable baseline in seconds.
    #[must_use]
    pub fn baseline(&self) -> Option<f64> {
        self.baseline.and_then(Result::ok)
    }

    /// Records the response time to compare with, in seconds. What cannot be divided by makes degradation unknown.
    pub fn set_baseline(&mut self, seconds: Option<f64>) {
        self.baseline = seconds.map(|seconds| {
            if seconds.is_finite() && seconds > 0.0 {
                Ok(seconds)
            } else {
                Err(Gap::BadBaseline)
            }
        });
        self.streaks[Criterion::Degradation as usize] = Streak::default();
    }

    /// When the verdict latched, and the highest score since.
    #[must_use]
    pub const fn latch(&self) -> Option<Latch> {
        self.latch
    }

    /// Puts back a latch from before the samples that were judged again.
    pub fn keep_latch(&mut self, latch: Option<Latch>) {
        self.latch = latch.or(self.latch);
    }

    /// The time of the newest sample that was judged.
    #[must_use]
    pub const fn last_at(&self) -> Option<i64> {
        self.last_at
    }

    /// Takes a latched verdict back. Everything confirmed so far has to be confirmed again.
    pub fn unlatch(&mut self) {
        self.latch = None;
        self.streaks = [Streak::default(); 4];
        self.failures = 0;
    }

    /// Judges one more sample.
    pub fn push(&mut self, sample: &Sample) -> Verdict {
        if self.policy == Policy::Guide {
            let at = sample.at.or(self.last_at).unwrap_or_default();
            self.last_at = Some(at);
            let verdict = guide::judge(&self.criteria, self.baseline(), &mut self.failures, at, sample);
            self.last = Some(verdict);
            return verdict;
        }
        let at = match self.place(sample.at) {
            Placed::InOrder(at) => at,
            Placed::Aside(at, aside) => return self.stand(at, aside),
            Placed::ClockSetBack(at) => {
                self.tasks.clear();
                self.health.clear();
                self.response.clear();
                self.streaks = [Streak::default(); 4];
                at
            }
        };
        self.last_at = Some(at);
        self.judge(at, sample)
    }

    fn place(&mut self, stated: Option<i64>) -> Placed {
        let Some(at) = stated else {
            // A sample that does not say when it was taken stands one interval after the one before.
            let after = self
                .last_at
                .map_or(0, |last| last.saturating_add(self.criteria.interval));
            return Placed::InOrder(after);
        };
        let Some(last) = self.last_stated else {
            self.last_stated = Some(at);
            return Placed::InOrder(at);
        };
        if at == last {
            return Placed::Aside(at, Aside::Doubled);
        }
        if at < last {
            let far = at < last.saturating_sub(self.criteria.window);
            let (count, before) = self.backwards;
            self.backwards = match (far, count) {
                (false, _) => (0, 0),
                (true, 0) => (1, at),
                (true, _) if at > before => (count + 1, at),
                (true, _) => (count, before),
            };
            if self.backwards.0 < CLOCK_SET_BACK {
                return Placed::Aside(at, Aside::Late);
            }
            self.backwards = (0, 0);
            self.last_stated = Some(at);
            return Placed::ClockSetBack(at);
        }
        self.backwards = (0, 0);
        self.last_stated = Some(at);
        Placed::InOrder(at)
    }

    /// The verdict as it stands, for a sample that is not judged.
    fn stand(&mut self, at: i64, aside: Aside) -> Verdict {
        let mut verdict = self
            .last
            .unwrap_or_else(|| Verdict::bare(at, self.policy, 0, &Criterion::ALL.map(Judged::new)));
        verdict.at = at;
        verdict.aside = Some(aside);
        verdict.page = false;
        verdict.reset = false;
        verdict
    }

    /// The oldest time that still belongs to the window: half an interval of room, for samples that are taken a little late.
    const fn oldest(&self, at: i64) -> i64 {
        at.saturating_sub(self.criteria.window)
            .saturating_sub(self.criteria.interval / 2)
    }

    fn judge(&mut self, at: i64, sample: &Sample) -> Verdict {
        let (errors, reset) = self.errors(at, sample.tasks);
        let mut judged = [
            errors,
            self.degradation(at, sample.response),
            self.availability(at, sample.health),
            self.validation(at, sample.validation),
        ];
        let mut score = 0;
        let mut used = 0;
        let mut turning = [false; 4];
        for (i, one) in judged.iter_mut().enumerate() {
            let weight = self.criteria.rules[i].weight;
            if let State::Unknown(gap) = one.state {
                // Response times and validation may not exist at all here; then nothing was lost.
                let optional = matches!(one.criterion, Criterion::Degradation | Criterion::Validation);
                let never = optional && !self.seen[i] && gap == Gap::Absent;
                let counts = gap.lost() && !never;
                self.unknown[i] = if counts {
                    self.unknown[i].saturating_add(1)
                } else {
                    0
                };
                let structural = matches!(gap, Gap::NoBaseline | Gap::BadBaseline);
                turning[i] = !never && !structural && weight > 0;
            } else {
                self.unknown[i] = 0;
                self.seen[i] = true;
            }
            one.unknown = self.unknown[i];
            if weight > 0 {
                used = used.max(self.unknown[i]);
            }
            if one.state == State::Breach {
                one.addend = weight;
                score += weight;
            }
        }
        let frozen = used >= self.criteria.unknown_budget;
        let page = frozen && !self.frozen;
        self.frozen = frozen;

        let mut verdict = Verdict::bare(at, self.policy, score, &judged);
        verdict.unknown_used = used;
        verdict.frozen = frozen;
        verdict.page = page;
        verdict.reset = reset;
        verdict.latch = self.latch;
        verdict.decide(&self.criteria, turning);
        if verdict.should_roll_back {
            let latch = self.latch.get_or_insert(Latch { at, score });
            latch.score = latch.score.max(score);
        }
        verdict.latch = self.latch;
        self.last = Some(verdict);
        verdict
    }

    fn errors(&mut self, at: i64, tasks: Figure<Tasks>) -> (Judged, bool) {
        let mut judged = Judged::new(Criterion::ErrorRate);
        let counts = match tasks {
            Ok(counts) => counts,
            Err(gap) => return (self.not_known(judged, gap), false),
        };
        let c = self.criteria;
        if self.tasks.leapt(at, counts, c.interval) {
            return (self.not_known(judged, Gap::Leap), false);
        }
        let Grown { window, near, reset } = self.tasks.push(at, counts, self.oldest(at), c.disaster_tasks);
        judged.k = window.failed;
        judged.n = window.ended;
        judged.value = ratio(window.failed, window.ended);
        judged.bound = wilson_lower(window.failed, window.ended, c.z);
        judged.newest = near.and_then(|near| ratio(near.failed, near.ended));

        let disaster = near.filter(|near| {
            ratio(near.failed, near.ended).is_some_and(|share| share >= c.disaster_errors - ROOM)
        });
        if let Some(near) = disaster {
            judged.k = near.failed;
            judged.n = near.ended;
            judged.value = ratio(near.failed, near.ended);
            judged.bound = wilson_lower(near.failed, near.ended, c.z);
            judged.at_once = true;
            return (self.weigh(judged, at, true), reset);
        }
        if window.ended < c.minimum_tasks {
            let waiting = counts.total.is_some_and(|total| total > counts.ended());
            let first = self.last.is_none();
            let gap = if waiting && window.ended == 0 && !reset && !first {
                Gap::Stalled
            } else {
                Gap::Few
            };
            return (self.not_known(judged, gap), reset);
        }
        let limit = c.rule(Criterion::ErrorRate).limit;
        let believable = judged.bound.is_some_and(|bound| bound > limit + ROOM);
        // The window proves it; the newest tasks say whether it still is so, or the window only remembers it.
        let lasting = judged.newest.is_none_or(|newest| newest >= limit - ROOM);
        (self.weigh(judged, at, believable && lasting), reset)
    }

    fn degradation(&mut self, at: i64, response: Figure<f64>) -> Judged {
        let mut judged = Judged::new(Criterion::Degradation);
        let c = self.criteria;
        let seconds = match response {
            Ok(seconds) => seconds,
            Err(gap) => return self.not_known(judged, gap),
        };
        self.seen[Criterion::Degradation as usize] = true;
        self.response.prune(self.oldest(at));
        let reference = self.baseline().or_else(|| self.response.mean());
        if let Some(reference) = reference {
            let factor = seconds / reference;
            if factor >= c.unit_factor || factor <= 1.0 / c.unit_factor {
                judged.seconds = Some(seconds);
                return self.not_known(judged, Gap::UnitJump);
            }
        }
        self.response.add_seconds(at, seconds, self.oldest(at));
        let mean = self.response.mean();
        judged.seconds = mean;
        judged.n = self.response.len();
        let baseline = match self.baseline {
            Some(Ok(baseline)) => baseline,
            Some(Err(gap)) => return self.not_known(judged, gap),
            None => return self.not_known(judged, Gap::NoBaseline),
        };
        let share = |seconds: f64| (seconds - baseline) / baseline;
        judged.value = mean.map(share);
        judged.newest = Some(share(seconds));
        let limit = c.rule(Criterion::Degradation).limit + ROOM;
        // The mean proves it, the newest reading says that it still is so.
        let over = judged.value.is_some_and(|mean| mean > limit) && share(seconds) > limit;
        self.weigh(judged, at, over)
    }

    fn availability(&mut self, at: i64, health: Figure<Health>) -> Judged {
        let mut judged = Judged::new(Criterion::Availability);
        let c = self.criteria;
        let health = match health {
            Ok(health) => health,
            Err(gap) => return self.not_known(judged, gap),
        };
        let (healthy, checks) = self.health.add_health(at, health, self.oldest(at));
        judged.k = healthy;
        judged.n = checks;
        judged.value = ratio(healthy, checks);
        judged.bound = wilson_upper(healthy, checks, c.z);
        judged.newest = ratio(health.healthy, health.total);
        let limit = c.rule(Criterion::Availability).limit - ROOM;
        let over = judged.bound.is_some_and(|bound| bound < limit)
            && judged.newest.is_some_and(|newest| newest < limit);
        self.weigh(judged, at, over)
    }

    fn validation(&mut self, at: i64, probe: Figure<Probe>) -> Judged {
        let mut judged = Judged::new(Criterion::Validation);
        let limit = self.criteria.rule(Criterion::Validation).limit;
        let streak = &mut self.streaks[Criterion::Validation as usize];
        match probe {
            Ok(Probe::Fail) => {
                if self.failures == 0 {
                    streak.first = at;
                }
                self.failures = self.failures.saturating_add(1);
            }
            Ok(Probe::Pass) => self.failures = 0,
            // Unknown between failures neither counts nor starts over.
            Err(_) => {}
        }
        let failures = f64::from(self.failures);
        judged.value = Some(failures);
        judged.k = u64::from(self.failures);
        judged.streak = self.failures;
        judged.since = (self.failures > 0).then_some(streak.first);
        judged.state = match probe {
            Err(gap) => State::Unknown(gap),
            Ok(_) if failures >= limit => State::Breach,
            Ok(_) => State::Ok,
        };
        judged
    }

    /// Counts confirmations.
    fn weigh(&mut self, mut judged: Judged, at: i64, over: bool) -> Judged {
        // Confirmations further apart than two windows do not belong together.
        let apart = self.criteria.window.saturating_mul(2);
        let streak = &mut self.streaks[judged.criterion as usize];
        if over {
            if streak.count == 0 || at.saturating_sub(streak.last) > apart {
                *streak = Streak {
                    count: 0,
                    first: at,
                    last: at,
                };
            }
            streak.count = streak.count.saturating_add(1);
            streak.last = at;
        } else {
            *streak = Streak::default();
        }
        judged.streak = streak.count;
        judged.since = over.then_some(streak.first);
        judged.state = match (over, streak.count) {
            (false, _) => State::Ok,
            (true, count) if count >= self.criteria.confirmations || judged.at_once => State::Breach,
            (true, _) => State::Over,
        };
        judged
    }

    /// Unknown: the confirmations so far stay as they are.
    const fn not_known(&self, mut judged: Judged, gap: Gap) -> Judged {
        let streak = self.streaks[judged.criterion as usize];
        judged.state = State::Unknown(gap);
        judged.streak = streak.count;
        judged.since = if streak.count > 0 {
            Some(streak.first)
        } else {
            None
        };
        judged
    }
}

impl Verdict {
    pub(super) const fn bare(at: i64, policy: Policy, score: u32, criteria: &[Judged; 4]) -> Self {
        Self {
            at,
            policy,
            word: Word::Unknown,
            should_roll_back: false,
            latch: None,
            score,
            criteria: *criteria,
            unknown_used: 0,
            frozen: false,
            page: false,
            reset: false,
            aside: None,
        }
    }

    /// Finds the word. `turning` marks the criteria whose unknown figure could still add its weight.
    pub(super) fn decide(&mut self, criteria: &Criteria, turning: [bool; 4]) {
        let hard = Criterion::ALL.iter().any(|criterion| {
            let rule = criteria.rule(*criterion);
            rule.hard && rule.weight > 0 && self.of(*criterion).state == State::Breach
        });
        let rules = criteria.rules.iter().zip(turning);
        let (mut possible, mut hard_possible) = (self.score, false);
        for (rule, turns) in rules {
            if turns {
                possible = possible.saturating_add(rule.weight);
                hard_possible |= rule.hard;
            }
        }
        self.should_roll_back = self.score >= criteria.roll_back_at || hard || self.latch.is_some();
        self.word = if self.should_roll_back {
            Word::Breach
        } else if possible >= criteria.roll_back_at || hard_possible {
            Word::Unknown
        } else {
            Word::Pass
        };
    }
}
