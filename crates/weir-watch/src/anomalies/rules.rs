//! The four documented rules as they stand: the mean of the last hour against that of the 24 hours before it. They know neither
//! the hour of the day nor chance; so what they find is information.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Severity};
use weir_core::time::{DAY, HOUR, Micros};

use super::engine::{Change, Engine};
use super::metric::Metric;
use super::{Branch, Bucket, Rules, record};

/// Most branches of a project that are counted; later ones are not.
const MOST_BRANCHES: usize = 200;

/// Sums over calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    start: Micros,
    calls: u64,
    tokens: u64,
    priced: u64,
    cost: i64,
    latency_us: u64,
    /// How often each of the branches was taken, by place among [`RuleState::branches`].
    taken: BTreeMap<u8, u64>,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.priced += other.priced;
        self.cost = self.cost.saturating_add(other.cost);
        self.latency_us = self.latency_us.saturating_add(other.latency_us);
        for (branch, count) in &other.taken {
            *self.taken.entry(*branch).or_default() += count;
        }
    }

    fn take(&mut self, other: &Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.tokens = self.tokens.saturating_sub(other.tokens);
        self.priced = self.priced.saturating_sub(other.priced);
        self.cost = self.cost.saturating_sub(other.cost);
        self.latency_us = self.latency_us.saturating_sub(other.latency_us);
        for (branch, count) in &other.taken {
            if let Some(of) = self.taken.get_mut(branch) {
                *of = of.saturating_sub(*count);
            }
        }
    }
}

/// What the rules remember: 25 hours of sums.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RuleState {
    branches: Vec<Branch>,
    buckets: VecDeque<Sums>,
    hour: Sums,
    before: Sums,
    /// How many of the buckets are in `hour`.
    recent: usize,
    /// By place: that of the three ratios, then that of the branch.
    firing: BTreeMap<usize, Anomaly>,
}

/// What a rule compares.
struct Compared {
    place: usize,
    value: f64,
    before: f64,
    bound: f64,
    odd: bool,
}

const RATIOS: [&str; 3] = ["tokens_per_call", "cost_per_call", "latency"];

impl RuleState {
    fn sums_of(&mut self, bucket: &Bucket) -> Sums {
        let total = &bucket.total;
        let mut taken = BTreeMap::new();
        for (branch, count) in &bucket.branches {
            let place = self.branches.iter().position(|known| known == branch).or_else(|| {
                let place = self.branches.len();
                (place < MOST_BRANCHES).then(|| self.branches.push(branch.clone()))?;
                Some(place)
            });
            if let Some(place) = place.and_then(|place| u8::try_from(place).ok()) {
                taken.insert(place, *count);
            }
        }
        Sums {
            start: bucket.start,
            calls: total.calls,
            tokens: total.prompt_tokens.saturating_add(total.completion_tokens),
            priced: total.calls.saturating_sub(total.unpriced),
            cost: total.cost,
            latency_us: total.latency_sum_us,
            taken,
        }
    }

    fn push(&mut self, bucket: &Bucket) {
        let sums = self.sums_of(bucket);
        self.hour.add(&sums);
        self.buckets.push_back(sums);
        self.recent += 1;
        let end = bucket.start;
        while let Some(oldest) = self.buckets.len().checked_sub(self.recent).and_then(|at| self.buckets.get(at)) {
            if self.recent == 0 || oldest.start > end - HOUR {
                break;
            }
            self.hour.take(oldest);
            self.before.add(oldest);
            self.recent -= 1;
        }
        while let Some(oldest) = self.buckets.front().filter(|oldest| oldest.start <= end - HOUR - DAY) {
            self.before.take(oldest);
            self.buckets.pop_front();
        }
    }

    /// What has enough calls on both sides to be compared.
    fn compare(&self, rules: &Rules) -> Vec<Compared> {
        let (now, before, least) = (&self.hour, &self.before, rules.min_sample.max(1));
        let mean = |sum: f64, of: u64| if of >= least { Some(sum / of as f64) } else { None };
        let means = |sums: &Sums| {
            [
                mean(sums.tokens as f64, sums.calls),
                mean(sums.cost as f64 * 1e-9, sums.priced),
                mean(sums.latency_us as f64 * 1e-3, sums.calls),
            ]
        };
        let factors = [rules.token_ratio, rules.cost_ratio, rules.latency_ratio];
        let of_means = means(now).into_iter().zip(means(before)).zip(factors).enumerate();
        let mut compared: Vec<Compared> = of_means
            .filter_map(|(place, ((value, before), factor))| {
                let (value, before) = (value?, before?);
                let odd = before > 0.0 && value > factor * before;
                Some(Compared { place, value, before, bound: factor * before, odd })
            })
            .collect();
        for (place, branch) in self.branches.iter().enumerate() {
            let ((value, of), (before, of_before)) =
                (self.share(now, place, branch), self.share(before, place, branch));
            if of.min(of_before) >= least {
                let odd = (value - before).abs() > rules.branch_difference;
                let bound = before + rules.branch_difference;
                compared.push(Compared { place: RATIOS.len() + place, value, before, bound, odd });
            }
        }
        compared
    }

    /// Share of a branch among the decisions of its node, and how many those are.
    fn share(&self, sums: &Sums, place: usize, branch: &Branch) -> (f64, u64) {
        let (mut own, mut all) = (0, 0);
        for (at, count) in &sums.taken {
            let at = usize::from(*at);
            let same = |other: &Branch| other.node == branch.node && other.workflow == branch.workflow;
            all += if self.branches.get(at).is_some_and(same) { *count } else { 0 };
            own += if at == place { *count } else { 0 };
        }
        (own as f64 / all.max(1) as f64, all)
    }

    /// The metric of a place, and whose it is.
    fn subject(&self, place: usize) -> (&'static str, String) {
        match place.checked_sub(RATIOS.len()).and_then(|place| self.branches.get(place)) {
            Some(branch) => ("branch_share", format!("{}: {} -> {}", branch.workflow, branch.node, branch.target)),
            None => (RATIOS.get(place).copied().unwrap_or_default(), "all calls".to_owned()),
        }
    }
}

impl Engine {
    /// Applies the rules, if they are wanted.
    pub(super) fn rules(&mut self, bucket: &Bucket, changes: &mut Vec<Change>) {
        if !self.settings.rules.enabled {
            return;
        }
        let end = bucket.start + self.width();
        let state = &mut self.state.rules;
        state.push(bucket);
        for compared in state.compare(&self.settings.rules) {
            if !compared.odd {
                if let Some(mut anomaly) = state.firing.remove(&compared.place) {
                    anomaly.state = AnomalyState::Resolved;
                    anomaly.ended_at = Some(end);
                    changes.push(Change::Ended(anomaly));
                }
                continue;
            }
            if state.firing.contains_key(&compared.place) {
                continue;
            }
            let (metric, subject) = state.subject(compared.place);
            let tag = record::tag(&self.project, &Metric::Requests, &format!("{metric} {subject}"));
            let anomaly = Anomaly {
                id: record::id(end, &tag),
                project: self.project.clone(),
                metric: metric.to_owned(),
                kind: AnomalyKind::Rule,
                severity: Severity::Info,
                state: AnomalyState::Firing,
                onset: (end - HOUR).max(0),
                detected_at: end,
                ended_at: None,
                value: compared.value,
                expected: compared.before,
                lower: 0.0,
                upper: compared.bound,
                baseline: format!("{subject}, mean of the 24 hours before the last hour"),
                causes: Vec::new(),
                examples: Vec::new(),
                feedback: None,
            };
            changes.push(Change::Began(anomaly.clone()));
            state.firing.insert(compared.place, anomaly);
        }
    }
}
