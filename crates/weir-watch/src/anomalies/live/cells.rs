//! The store's figures in the engine's form.

use std::collections::BTreeMap;

use weir_core::sketch::Sketch;
use weir_core::time::Micros;
use weir_store::activity::{ActivityBucket, CallSums, ProjectActivity};
use weir_store::telemetry::Figures;

use super::DEFAULT_PROJECT;
use crate::anomalies::{Branch, Bucket, Cell};

/// A bucket of each project that did something in it, by name.
pub(super) fn buckets(of: ActivityBucket) -> BTreeMap<String, Bucket> {
    let mut out: BTreeMap<String, Bucket> = BTreeMap::new();
    for (project, activity) in of.projects {
        let name = project.unwrap_or_else(|| DEFAULT_PROJECT.to_owned());
        let bucket = out.entry(name).or_insert_with(|| empty(of.start));
        add(bucket, activity);
    }
    out
}

/// A bucket in which nothing happened.
pub(super) fn empty(start: Micros) -> Bucket {
    Bucket { start, ..Bucket::default() }
}

fn add(bucket: &mut Bucket, activity: ProjectActivity) {
    let cell = cell(&activity.calls);
    if bucket.total == Cell::default() {
        bucket.total = cell;
    } else {
        merge(&mut bucket.total, &cell);
        bucket.total.latency.merge(&activity.calls.latency);
    }
    for ((workflow, node, target), count) in activity.branches {
        let branch = Branch { workflow: workflow.unwrap_or_default(), node, target };
        *bucket.branches.entry(branch).or_default() += count;
    }
}

fn cell(of: &CallSums) -> Cell {
    Cell {
        calls: of.calls,
        errors: of.errors.saturating_sub(of.rate_limited),
        rate_limited: of.rate_limited,
        cache_hits: of.cache_hits,
        prompt_tokens: of.prompt_tokens,
        completion_tokens: of.completion_tokens,
        cost: of.cost,
        priced: of.calls.saturating_sub(of.unpriced),
        latency_sum_us: of.latency_sum_us,
        latency: of.latency.clone(),
    }
}

/// Figures that are all of one status, or of any (`None`): then rate limits are among the errors.
pub(super) fn of_figures(of: &Figures, status: Option<&str>) -> Cell {
    let limited = status == Some("rate_limited");
    let tokens = &of.tokens;
    Cell {
        calls: of.count,
        errors: if limited { 0 } else { of.errors },
        rate_limited: if limited { of.count } else { 0 },
        cache_hits: of.cache_hits,
        prompt_tokens: tokens.input_total(),
        completion_tokens: tokens.output_total(),
        cost: of.cost.0,
        priced: of.count.saturating_sub(of.unpriced),
        latency_sum_us: of.latency_sum_us,
        latency: Sketch::new(),
    }
}

/// Adds all but the sketch.
pub(super) fn merge(to: &mut Cell, more: &Cell) {
    to.calls += more.calls;
    to.errors += more.errors;
    to.rate_limited += more.rate_limited;
    to.cache_hits += more.cache_hits;
    to.prompt_tokens += more.prompt_tokens;
    to.completion_tokens += more.completion_tokens;
    to.cost = to.cost.saturating_add(more.cost);
    to.priced += more.priced;
    to.latency_sum_us += more.latency_sum_us;
}
