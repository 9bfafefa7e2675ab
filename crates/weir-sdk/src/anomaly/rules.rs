//! The built-in rules: three ratios of means per call, and the change of a branch's share.

use std::collections::BTreeMap;

use super::reading::{BranchShare, Period, Reading};
use super::{Anomaly, AnomalySettings};

/// What the rules find.
pub(super) fn check(settings: &AnomalySettings, reading: &Reading) -> Vec<Anomaly> {
    let (now, before) = (&reading.window.calls, &reading.baseline.calls);
    let ratios = [
        Ratio {
            rule: "tokens",
            metric: "tokens_per_call",
            values: (now.tokens_per_call(), before.tokens_per_call()),
            samples: (now.count, before.count),
            threshold: settings.token_ratio,
            say: |v| format!("{v:.0} tokens per call"),
        },
        Ratio {
            rule: "cost",
            metric: "cost_per_call_usd",
            values: (now.cost_per_call_usd(), before.cost_per_call_usd()),
            samples: (now.priced(), before.priced()),
            threshold: settings.cost_ratio,
            say: |v| format!("${v:.6} per call"),
        },
        Ratio {
            rule: "latency",
            metric: "latency_ms",
            values: (now.latency_ms(), before.latency_ms()),
            samples: (now.count, before.count),
            threshold: settings.latency_ratio,
            say: |v| format!("{v:.0} ms per call"),
        },
    ];
    let mut found: Vec<Anomaly> =
        ratios.iter().filter_map(|ratio| ratio.check(settings.min_sample, &reading.window)).collect();
    found.extend(branches(settings, reading));
    found
}

struct Ratio {
    rule: &'static str,
    metric: &'static str,
    /// In the window and before.
    values: (Option<f64>, Option<f64>),
    samples: (u64, u64),
    threshold: f64,
    say: fn(f64) -> String,
}

impl Ratio {
    fn check(&self, min_sample: u64, window: &Period) -> Option<Anomaly> {
        let (value, baseline) = (self.values.0?, self.values.1?);
        let least = min_sample.max(1);
        // Of nothing there is no multiple.
        if self.samples.0 < least || self.samples.1 < least || baseline <= 0.0 {
            return None;
        }
        let ratio = value / baseline;
        let say = self.say;
        (ratio > self.threshold).then(|| Anomaly {
            rule: self.rule.to_owned(),
            metric: self.metric.to_owned(),
            subject: "all calls".to_owned(),
            value,
            baseline,
            ratio: Some(ratio),
            difference: None,
            threshold: self.threshold,
            window_start_us: window.from_us,
            window_end_us: window.to_us,
            samples: self.samples.0,
            baseline_samples: self.samples.1,
            message: format!(
                "all calls: {}, {ratio:.2} times the {} before (more than {} times)",
                say(value),
                say(baseline),
                self.threshold
            ),
        })
    }
}

type Branch<'a> = (Option<&'a str>, &'a str, &'a str);

fn branches(settings: &AnomalySettings, reading: &Reading) -> Vec<Anomaly> {
    let key = |b: &BranchShare| -> (Option<String>, String, String) {
        (b.workflow.clone(), b.from_node.clone(), b.to_node.clone())
    };
    let node = |period: &Period, (workflow, from, _): Branch<'_>| {
        let of_node = |b: &&BranchShare| b.workflow.as_deref() == workflow && b.from_node == from;
        period.branches.iter().find(of_node).map_or(0, |b| b.of)
    };
    let now: BTreeMap<_, _> = reading.window.branches.iter().map(|b| (key(b), b.count)).collect();
    let before: BTreeMap<_, _> = reading.baseline.branches.iter().map(|b| (key(b), b.count)).collect();
    let mut all: Vec<_> = now.keys().chain(before.keys()).collect();
    all.sort_unstable();
    all.dedup();
    let least = settings.min_sample.max(1);
    all.into_iter()
        .filter_map(|branch| {
            let (workflow, from, to) = branch;
            let at = (workflow.as_deref(), from.as_str(), to.as_str());
            let (samples, baseline_samples) = (node(&reading.window, at), node(&reading.baseline, at));
            if samples < least || baseline_samples < least {
                return None;
            }
            let share =
                |counts: &BTreeMap<_, u64>, of: u64| counts.get(branch).copied().unwrap_or_default() as f64 / of as f64;
            let (value, baseline) = (share(&now, samples), share(&before, baseline_samples));
            let difference = value - baseline;
            let subject = match workflow {
                Some(workflow) => format!("{workflow}: {from} -> {to}"),
                None => format!("{from} -> {to}"),
            };
            (difference.abs() > settings.branch_difference).then(|| Anomaly {
                rule: "branch_rate".to_owned(),
                metric: "branch_share".to_owned(),
                message: format!(
                    "{subject}: taken in {:.0} % of the decisions, {:.0} % before (a change of more than {:.0} points)",
                    value * 100.0,
                    baseline * 100.0,
                    settings.branch_difference * 100.0
                ),
                subject,
                value,
                baseline,
                ratio: None,
                difference: Some(difference),
                threshold: settings.branch_difference,
                window_start_us: reading.window.from_us,
                window_end_us: reading.window.to_us,
                samples,
                baseline_samples,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::reading::CallFigures;
    use super::*;

    fn period(count: u64, tokens: u64, cost_usd: f64, latency_ms: f64) -> Period {
        let latency_sum_ms = latency_ms * count as f64;
        let calls = CallFigures {
            count,
            tokens: tokens * count,
            cost_usd: cost_usd * count as f64,
            latency_sum_ms,
            ..CallFigures::default()
        };
        Period { calls, ..Period::default() }
    }

    fn found(window: Period, baseline: Period) -> Vec<(String, Option<f64>)> {
        let reading = Reading { window, baseline };
        check(&AnomalySettings::default(), &reading).into_iter().map(|a| (a.rule, a.ratio)).collect()
    }

    #[test]
    fn each_ratio_has_its_own_bound() {
        let before = || period(100, 100, 0.01, 200.0);
        assert_eq!(found(period(30, 149, 0.0199, 299.0), before()), []);
        assert_eq!(found(period(30, 200, 0.01, 200.0), before()), [("tokens".to_owned(), Some(2.0))]);
        assert_eq!(found(period(30, 100, 0.04, 200.0), before()), [("cost".to_owned(), Some(4.0))]);
        assert_eq!(found(period(30, 100, 0.01, 400.0), before()), [("latency".to_owned(), Some(2.0))]);
    }

    #[test]
    fn few_calls_and_a_baseline_of_nothing_prove_nothing() {
        assert_eq!(found(period(19, 900, 1.0, 900.0), period(100, 100, 0.01, 200.0)), []);
        assert_eq!(found(period(30, 900, 1.0, 900.0), period(19, 100, 0.01, 200.0)), []);
        assert_eq!(found(period(30, 100, 1.0, 200.0), period(100, 100, 0.0, 200.0)), []);
    }

    #[test]
    fn a_branch_that_is_new_or_gone_or_shifted_is_found_with_its_sign() {
        let branch = |to: &str, count, of| BranchShare {
            workflow: Some("support".into()),
            from_node: "classify".into(),
            to_node: to.into(),
            count,
            of,
        };
        let with = |branches| Period { branches, ..Period::default() };
        let reading = Reading {
            window: with(vec![branch("answer", 10, 40), branch("review", 30, 40)]),
            baseline: with(vec![branch("answer", 50, 100), branch("escalate", 50, 100)]),
        };
        let found = check(&AnomalySettings::default(), &reading);
        let seen: Vec<_> = found.iter().map(|a| (&*a.subject, a.difference)).collect();
        assert_eq!(
            seen,
            [
                ("support: classify -> answer", Some(-0.25)),
                ("support: classify -> escalate", Some(-0.5)),
                ("support: classify -> review", Some(0.75)),
            ]
        );
        assert!(found[0].message.contains("25 % of the decisions, 50 % before"), "{}", found[0].message);
    }
}
