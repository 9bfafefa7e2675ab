//! The four documented rules as they stand: the mean of the last hour against that of the 24 hours before it. They know neither
//! the hour of the day nor chance; so what they find is information.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Severity};
use weir_core::time::{DAY, HOUR, Micros};

use super::engine::{Change, Engine};
use super::metric::Metric;
use super::{Branch, Bucket, Rules, record};

/// Most branches of a bucket that are counted.
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
    branches: BTreeMap<Branch, u64>,
}

impl Sums {
    fn of(bucket: &Bucket) -> Self {
        let total = &bucket.total;
        let branches = bucket.branches.iter().take(MOST_BRANCHES).map(|(branch, count)| (branch.clone(), *count));
        Self {
            start: bucket.start,
            calls: total.calls,
            tokens: total.prompt_tokens.saturating_add(total.completion_tokens),
            priced: total.calls.saturating_sub(total.unpriced),
            cost: total.cost,
            latency_us: total.latency_sum_us,
            branches: branches.collect(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.priced += other.priced;
        self.cost = self.cost.saturating_add(other.cost);
        self.latency_us = self.latency_us.saturating_add(other.latency_us);
        for (branch, count) in &other.branches {
            *self.branches.entry(branch.clone()).or_default() += count;
        }
    }

    fn take(&mut self, other: &Self) {
        self.calls = self.calls.saturating_sub(other.calls);
        self.tokens = self.tokens.saturating_sub(other.tokens);
        self.priced = self.priced.saturating_sub(other.priced);
        self.cost = self.cost.saturating_sub(other.cost);
        self.latency_us = self.latency_us.saturating_sub(other.latency_us);
        for (branch, count) in &other.branches {
            if let Some(of) = self.branches.get_mut(branch) {
                *of = of.saturating_sub(*count);
                if *of == 0 {
                    self.branches.remove(branch);
                }
            }
        }
    }

    /// Share of a branch among the decisions of its node, and how many those are.
    fn share(&self, branch: &Branch) -> (f64, u64) {
        let same = |other: &Branch| other.workflow == branch.workflow && other.node == branch.node;
        let of: u64 = self.branches.iter().filter(|(other, _)| same(other)).map(|(_, count)| count).sum();
        (self.branches.get(branch).copied().unwrap_or_default() as f64 / of.max(1) as f64, of)
    }
}

/// What the rules remember: 25 hours of sums.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RuleState {
    buckets: VecDeque<Sums>,
    hour: Sums,
    before: Sums,
    /// How many of the buckets are in `hour`.
    recent: usize,
    firing: BTreeMap<String, Anomaly>,
}

/// What a rule compares.
struct Compared {
    metric: &'static str,
    subject: String,
    value: f64,
    before: f64,
    bound: f64,
    /// Upper ends, and lower ones of rules that look both ways.
    odd: bool,
}

impl RuleState {
    fn push(&mut self, bucket: &Bucket) {
        let sums = Sums::of(bucket);
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

    fn compare(&self, rules: &Rules) -> Vec<Compared> {
        let (now, before) = (&self.hour, &self.before);
        let mean = |sum: f64, of: u64| if of >= rules.min_sample.max(1) { Some(sum / of as f64) } else { None };
        let means = |sums: &Sums| {
            [
                mean(sums.tokens as f64, sums.calls),
                mean(sums.cost as f64 * 1e-9, sums.priced),
                mean(sums.latency_us as f64 * 1e-3, sums.calls),
            ]
        };
        let names = [
            ("tokens_per_call", rules.token_ratio),
            ("cost_per_call", rules.cost_ratio),
            ("latency", rules.latency_ratio),
        ];
        let mut compared: Vec<Compared> = names
            .into_iter()
            .zip(means(now).into_iter().zip(means(before)))
            .filter_map(|((metric, ratio), (value, before))| {
                let (value, before) = (value?, before?);
                let odd = before > 0.0 && value > ratio * before;
                Some(Compared { metric, subject: "all calls".to_owned(), value, before, bound: ratio * before, odd })
            })
            .collect();
        for branch in now.branches.keys().chain(before.branches.keys().filter(|b| !now.branches.contains_key(*b))) {
            let ((value, of), (before, of_before)) = (now.share(branch), before.share(branch));
            if of.min(of_before) < rules.min_sample.max(1) {
                continue;
            }
            compared.push(Compared {
                metric: "branch_share",
                subject: format!("{}: {} -> {}", branch.workflow, branch.node, branch.target),
                value,
                before,
                bound: before + rules.branch_difference,
                odd: (value - before).abs() > rules.branch_difference,
            });
        }
        compared
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
            let key = format!("{} {}", compared.metric, compared.subject);
            if !compared.odd {
                if let Some(mut anomaly) = state.firing.remove(&key) {
                    anomaly.state = AnomalyState::Resolved;
                    anomaly.ended_at = Some(end);
                    changes.push(Change::Ended(anomaly));
                }
                continue;
            }
            if state.firing.contains_key(&key) {
                continue;
            }
            let anomaly = Anomaly {
                id: record::id(end, &record::tag(&self.project, &Metric::Requests, &key)),
                project: self.project.clone(),
                metric: compared.metric.to_owned(),
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
                baseline: format!("{}, mean of the 24 hours before the last hour", compared.subject),
                causes: Vec::new(),
                examples: Vec::new(),
                feedback: None,
            };
            changes.push(Change::Began(anomaly.clone()));
            state.firing.insert(key, anomaly);
        }
    }
}
