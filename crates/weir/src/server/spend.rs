//! The spend of budgets at start, read back from the store, so that a restart frees no budget.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use weir_core::filter::{Field, Filter};
use weir_core::money::NanoUsd;
use weir_core::time::Micros;
use weir_gateway::limits::{Allowance, LabelRule, Limits};
use weir_store::telemetry::{Dimension, StatsQuery, StoreError, Telemetry, TimeRange};

use super::Running;

/// How long what the journal still holds from before may take to be counted.
const DRAIN: Duration = Duration::from_secs(5);

/// Reads what was spent in their current periods by budgets that did not stand before.
pub(super) fn load(running: &Running, before: Option<&Limits>) {
    let snapshot = running.gateway.snapshot();
    let limits = &snapshot.limits;
    let now = running.clock.now();
    let is_new_key = |name: &String| before.is_none_or(|b| !b.keys().contains_key(name));
    let keys: Vec<_> = limits.keys().iter().filter(|(name, key)| is_new_key(name) && has_budget(key, now)).collect();
    let is_new_rule = |rule: &&LabelRule| {
        before.is_none_or(|b| !b.labels().iter().any(|r| r.label == rule.label && r.value == rule.value))
    };
    let labels: Vec<_> = limits.labels().iter().filter(is_new_rule).filter(|rule| rule.has_budget()).collect();
    if keys.is_empty() && labels.is_empty() {
        return;
    }
    // What the journal still holds from before counts as spent too.
    running.ingest.drain(DRAIN);
    for (name, key) in keys {
        let filter = (Dimension::Key, vec![name.clone()]);
        let spent = key.budget_starts(now).into_iter().map(|from| {
            let stats = running.store.stats(&query(from, vec![filter.clone()], Vec::new()))?;
            Ok(stats.total.cost)
        });
        settle(key, spent.collect());
    }
    for rule in labels {
        if let Err(error) = load_label(running, rule, now) {
            tracing::error!(label = rule.label, %error, "what a label has spent so far cannot be read");
        }
    }
}

fn has_budget(allowance: &Allowance, now: Micros) -> bool {
    !allowance.budget_starts(now).is_empty()
}

fn settle(allowance: &Allowance, spent: Result<Vec<NanoUsd>, StoreError>) {
    match spent {
        Ok(spent) => allowance.set_spent(&spent),
        Err(error) => tracing::error!(of = %allowance.owner(), %error, "what was spent so far cannot be read"),
    }
}

/// The spend of every value that the rule is for, since the start of each of its budgets.
fn load_label(running: &Running, rule: &LabelRule, now: Micros) -> Result<(), StoreError> {
    let mut spent: HashMap<String, Vec<NanoUsd>> = HashMap::new();
    let starts = rule.budget_starts(now);
    for (place, from) in starts.iter().enumerate() {
        for (value, cost) in by_value(running, &rule.label, *from)? {
            spent.entry(value).or_insert_with(|| vec![NanoUsd::ZERO; starts.len()])[place] = cost;
        }
    }
    for (value, spent) in spent {
        if let Some(allowance) = rule.allowance(&value, now) {
            allowance.set_spent(&spent);
        }
    }
    Ok(())
}

/// What each value of a label has cost since an instant: from rollups where the label is a dimension, else from the calls.
fn by_value(running: &Running, label: &str, from: Micros) -> Result<Vec<(String, NanoUsd)>, StoreError> {
    if let Some(dimension) = Dimension::parse(label).filter(|d| *d != Dimension::PromptVersion) {
        let stats = running.store.stats(&query(from, Vec::new(), vec![dimension]))?;
        let value = |g: weir_store::telemetry::StatsGroup| Some((g.values.into_iter().next()??, g.total.cost));
        return Ok(stats.groups.into_iter().filter_map(value).collect());
    }
    let mut sums: HashMap<String, NanoUsd> = HashMap::new();
    let range = TimeRange { from: Some(from), to: None };
    running.store.scan(range, &Filter::Exists(Field::Cost), false, &mut |span| {
        if let (Some(value), Some(cost)) = (span.label(label), span.cost) {
            let sum = sums.entry(value.into_owned()).or_default();
            *sum = sum.saturating_add(cost);
        }
        ControlFlow::Continue(())
    })?;
    Ok(sums.into_iter().collect())
}

fn query(from: Micros, filters: Vec<(Dimension, Vec<String>)>, group_by: Vec<Dimension>) -> StatsQuery {
    StatsQuery { range: TimeRange { from: Some(from), to: None }, filters, group_by, bucket: None }
}
