//! `calculate-filter-correlation`: how much more often two filters hold for one trace than by chance, as the normalized
//! pointwise mutual information of -1 (never together) to 1 (always).

use std::collections::HashSet;

use serde::Serialize;
use weir_core::id::TraceId;

use super::experiments;
use super::search::{Filter, Walk, filter};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Reply, double, reply};

/// What each cell is raised by in the smoothed figure: Jeffreys' prior.
const PRIOR: f64 = 0.5;

#[derive(Serialize)]
struct Answer {
    #[serde(serialize_with = "double")]
    npmi: f64,
    #[serde(serialize_with = "double")]
    npmi_smoothed: f64,
    filter1_count: usize,
    filter2_count: usize,
    joint_count: usize,
    total_count: usize,
}

pub(super) fn correlation(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let named = fields.texts("experiment_ids")?;
    if named.is_empty() {
        return Err(fields.absent("experiment_ids"));
    }
    let [first, second] = [fields.required("filter_string1")?, fields.required("filter_string2")?];
    let base = filter(front, fields.text("base_filter")?.unwrap_or_default())?;
    let mut projects = Vec::new();
    for experiment in named {
        projects.extend(experiments::project(front, experiment)?.map(|project| project.key));
    }
    let all = Walk { front, filter: &base, projects }.all()?;
    let held = |text: &str| -> Result<HashSet<TraceId>, Refused> {
        let heads = all.iter().map(|found| found.head.clone()).collect();
        let filter: Filter = filter(front, text)?;
        Ok(filter.keep(front, heads)?.into_iter().map(|found| found.head.id).collect())
    };
    let (first, second) = (held(first)?, held(second)?);
    let joint = first.intersection(&second).count();
    let counts = [joint, first.len(), second.len(), all.len()];
    reply(&Answer {
        npmi: npmi(counts, 0.0),
        npmi_smoothed: npmi(counts, PRIOR),
        filter1_count: first.len(),
        filter2_count: second.len(),
        joint_count: joint,
        total_count: all.len(),
    })
}

/// Of how many are in both, in the first, in the second, and there at all.
fn npmi([joint, first, second, total]: [usize; 4], prior: f64) -> f64 {
    if first == 0 || second == 0 {
        return f64::NAN;
    }
    if joint == 0 && prior == 0.0 {
        return -1.0;
    }
    if joint == total {
        return 1.0;
    }
    let both = joint as f64 + prior;
    let (of_first, of_second) = (first as f64 + 2.0 * prior, second as f64 + 2.0 * prior);
    let all = total as f64 + 4.0 * prior;
    let pmi = (both * all / (of_first * of_second)).ln();
    (pmi / -(both / all).ln()).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_together_correlates() {
        assert_eq!(npmi([5, 5, 5, 5], 0.0), 1.0);
        assert_eq!(npmi([0, 5, 5, 10], 0.0), -1.0);
        assert!(npmi([0, 0, 5, 10], 0.0).is_nan());
        assert!(npmi([25, 50, 50, 100], 0.0).abs() < 1e-12, "by chance");
        assert!(npmi([20, 20, 20, 100], 0.0) > 0.999);
        assert!((npmi([10, 20, 15, 100], 0.0) - 0.522_878_745_28).abs() < 1e-6);
    }
}
