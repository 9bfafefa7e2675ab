//! What was chosen among alternatives: the branch a workflow took at a node, the model a call went to.
//!
//! Each alternative is a series of counts against the share that is normal at that hour, so the distribution over all of them is
//! watched one against the rest. A change matters by the population stability index, `PSI = Σ (q − p) ln(q/p)` (0.1: look at it,
//! 0.25: act); by itself that is large by chance where counts are small (about `(k − 1)(1/n₁ + 1/n₂)`), so it is asked only of what
//! the likelihood ratio (the G-test of the two) has found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::anomaly::Cause;

use super::metric::{Metric, Reading};
use super::series::Series;
use super::window::Sums;
use super::{Branch, Bucket};

/// Most alternatives of a project that are watched, of branches and of models; later ones are not.
const MOST: usize = 200;
/// The least PSI that matters.
const MATTERS: f64 = 0.1;

/// One of the alternatives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Choice {
    Branch(Branch),
    Model(String),
}

impl Choice {
    /// Whether the other is an alternative to it, or itself.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Branch(one), Self::Branch(other)) => one.workflow == other.workflow && one.node == other.node,
            (Self::Model(_), Self::Model(_)) => true,
            _ => false,
        }
    }

    /// It is its own cause, however it moved.
    pub(super) fn cause(&self, size: f64) -> Cause {
        let (dimension, value) = match self {
            Self::Branch(branch) => ("branch", &branch.target),
            Self::Model(model) => ("model", model),
        };
        Cause {
            dimension: dimension.to_owned(),
            value: value.clone(),
            share: size.signum(),
            effect: weir_core::anomaly::Effect::Mix,
        }
    }

    /// `workflow: node -> target`, or the model.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Branch(Branch { workflow, node, target }) if workflow.is_empty() => format!("{node} -> {target}"),
            Self::Branch(Branch { workflow, node, target }) => format!("{workflow}: {node} -> {target}"),
            Self::Model(model) => format!("model {model}"),
        }
    }
}

/// How often each alternative was taken, and of how many decisions.
fn taken(bucket: &Bucket) -> BTreeMap<Choice, (u64, u64)> {
    let mut of_node: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (branch, count) in &bucket.branches {
        *of_node.entry((&branch.workflow, &branch.node)).or_default() += count;
    }
    let of = |branch: &Branch| of_node.get(&(&*branch.workflow, &*branch.node)).copied().unwrap_or_default();
    let branches = bucket.branches.iter().map(|(branch, count)| (Choice::Branch(branch.clone()), (*count, of(branch))));
    let of_models = bucket.parts.iter().filter(|(part, _)| part.dimension == "model");
    let calls: u64 = of_models.clone().map(|(_, sums)| sums.calls).sum();
    let models = of_models.map(|(part, sums)| (Choice::Model(part.value.clone()), (sums.calls, calls)));
    branches.chain(models).collect()
}

/// Takes the choices of a bucket.
pub(super) fn observe(all: &mut BTreeMap<Choice, Series>, number: i64, bucket: &Bucket, day_off: bool) {
    let taken = taken(bucket);
    for choice in taken.keys() {
        let alike = |other: &&Choice| matches!(other, Choice::Model(_)) == matches!(choice, Choice::Model(_));
        if all.contains_key(choice) || all.keys().filter(alike).count() >= MOST {
            continue;
        }
        let metric = Metric::Choice(choice.clone());
        let series = match all.iter().find(|(other, _)| other.is_beside(choice)) {
            Some((_, sibling)) => Series::of_new(metric, sibling, bucket.start),
            None => Series::new(metric),
        };
        all.insert(choice.clone(), series);
    }
    for (choice, series) in all {
        let own = taken.get(choice);
        let of = own.or_else(|| Some(taken.iter().find(|(other, _)| other.is_beside(choice))?.1)).map(|(_, of)| *of);
        if let Some(of) = of.filter(|of| *of > 0) {
            let value = own.map_or(0, |(count, _)| *count) as f64;
            series.observe(number, bucket.start, Reading { value, of }, None, day_off);
        }
    }
}

/// Whether a window of an alternative is distributed otherwise than expected.
pub(super) fn matters(sums: &Sums) -> bool {
    // Half a decision for and against, so that nothing is infinite.
    let share = |count: f64| (count + 0.5) / (sums.calls + 1.0);
    let (now, before) = (share(sums.seen), share(sums.expected));
    let psi = (now - before) * ((now / before).ln() - ((1.0 - now) / (1.0 - before)).ln());
    psi >= MATTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(seen: f64, expected: f64, calls: f64) -> Sums {
        Sums { seen, expected, calls, ..Sums::default() }
    }

    #[test]
    fn what_matters_is_the_population_stability_index() {
        // (0.4 − 0.2)(ln 2 − ln 0.75) = 0.196; (0.25 − 0.2)(ln 1.25 − ln 0.9375) = 0.014.
        assert!(matters(&sums(400.0, 200.0, 1_000.0)));
        assert!(!matters(&sums(250.0, 200.0, 1_000.0)));
        assert!(matters(&sums(0.0, 200.0, 1_000.0)));
    }
}
