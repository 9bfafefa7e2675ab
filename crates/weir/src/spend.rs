//! The spend of budgets read back from the store, so that a restart frees no budget, and that they are known without a server.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use weir_core::filter::{Field, Filter};
use weir_core::money::NanoUsd;
use weir_core::time::Micros;
use weir_gateway::limits::{Allowance, LabelRule, Limits};
use weir_store::telemetry::{Dimension, StatsQuery, StoreError, Telemetry, TimeRange};

/// Reads what was spent in their current periods by budgets that did not stand before. `drain` has what is on its way into
/// the store counted too; it is asked only where there is something to read.
pub(crate) fn restore<S: Telemetry>(
    store: &S,
    limits: &Limits,
    before: Option<&Limits>,
    now: Micros,
    drain: impl FnOnce(),
) {
    let is_new_key = |name: &str, key: &Allowance| match before.and_then(|b| b.keys().get(name)) {
        Some(old) => key.has_new_budget(old),
        None => !key.budget_starts(now).is_empty(),
    };
    let keys: Vec<_> = limits.keys().iter().filter(|(name, key)| is_new_key(name, key)).collect();
    let is_new_rule = |rule: &&LabelRule| match before.and_then(|b| b.same_rule(&rule.label, rule.value.as_deref())) {
        Some(old) => rule.has_new_budget(old, now),
        None => !rule.budget_starts(now).is_empty(),
    };
    let labels: Vec<_> = limits.labels().iter().filter(is_new_rule).collect();
    if keys.is_empty() && labels.is_empty() {
        return;
    }
    drain();
    for (name, key) in keys {
        let filter = (Dimension::Key, vec![name.clone()]);
        let spent = key.budget_starts(now).into_iter().map(|from| {
            let stats = store.stats(&query(from, vec![filter.clone()], Vec::new()))?;
            Ok(stats.total.cost)
        });
        settle(key, spent.collect());
    }
    for rule in labels {
        if let Err(error) = restore_label(store, limits, rule, now) {
            tracing::error!(label = rule.label, %error, "what a label has spent so far cannot be read");
        }
    }
}

fn settle(allowance: &Allowance, spent: Result<Vec<NanoUsd>, StoreError>) {
    match spent {
        Ok(spent) => allowance.set_spent(&spent),
        Err(error) => tracing::error!(of = %allowance.owner(), %error, "what was spent so far cannot be read"),
    }
}

/// The spend of every value that the rule is for, since the start of each of its budgets.
fn restore_label<S: Telemetry>(store: &S, limits: &Limits, rule: &LabelRule, now: Micros) -> Result<(), StoreError> {
    // Several values may share an allowance, past the bound on how many are told apart.
    let mut spent: HashMap<String, (Arc<Allowance>, Vec<NanoUsd>)> = HashMap::new();
    let starts = rule.budget_starts(now);
    for (place, from) in starts.iter().enumerate() {
        for (value, cost) in by_value(store, &rule.label, *from)? {
            if limits.rule(&rule.label, &value).is_none_or(|other| other.value != rule.value) {
                continue;
            }
            let Some(allowance) = limits.of_label(&rule.label, &value, now) else { continue };
            let value = allowance.owner().value.clone();
            let (_, sums) = spent.entry(value).or_insert_with(|| (allowance, vec![NanoUsd::ZERO; starts.len()]));
            sums[place] = sums[place].saturating_add(cost);
        }
    }
    for (allowance, spent) in spent.into_values() {
        allowance.set_spent(&spent);
    }
    Ok(())
}

/// What each value of a label has cost since an instant: from rollups where the label is a dimension, else from the calls.
fn by_value<S: Telemetry>(store: &S, label: &str, from: Micros) -> Result<Vec<(String, NanoUsd)>, StoreError> {
    if let Some(dimension) = Dimension::parse(label).filter(|d| !other_meaning(*d)) {
        let stats = store.stats(&query(from, Vec::new(), vec![dimension]))?;
        let value = |g: weir_store::telemetry::StatsGroup| Some((g.values.into_iter().next()??, g.total.cost));
        return Ok(stats.groups.into_iter().filter_map(value).collect());
    }
    let mut sums: HashMap<String, NanoUsd> = HashMap::new();
    let range = TimeRange { from: Some(from), to: None };
    store.scan(range, &Filter::Exists(Field::Cost), false, &mut |span| {
        // What wraps a call may tell its cost again.
        if span.is_call()
            && let (Some(value), Some(cost)) = (span.label(label), span.cost)
        {
            let sum = sums.entry(value.into_owned()).or_default();
            *sum = sum.saturating_add(cost);
        }
        ControlFlow::Continue(())
    })?;
    Ok(sums.into_iter().collect())
}

/// Whether a dimension's values are others than those of the label of its name.
fn other_meaning(dimension: Dimension) -> bool {
    matches!(dimension, Dimension::PromptVersion | Dimension::Status)
}

fn query(from: Micros, filters: Vec<(Dimension, Vec<String>)>, group_by: Vec<Dimension>) -> StatsQuery {
    StatsQuery { range: TimeRange { from: Some(from), to: None }, filters, group_by, bucket: None }
}
