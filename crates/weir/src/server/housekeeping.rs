//! What happens beside the calls: gauges, retention, and the spend of budgets at start.

use std::sync::Arc;
use std::time::Duration;

use weir_core::money::NanoUsd;
use weir_core::time::Micros;
use weir_store::telemetry::{Dimension, StatsQuery, Telemetry, TimeRange};

use super::Running;

const GAUGES_EVERY: Duration = Duration::from_secs(15);
/// Retention is looked after every so many rounds of gauges: once in a quarter of an hour.
const PRUNE_ROUNDS: u32 = 60;

/// Looks after everything for ever.
pub(super) async fn run(running: Arc<Running>) {
    let mut round = 0u32;
    loop {
        let this = running.clone();
        let prune = round.is_multiple_of(PRUNE_ROUNDS);
        let done = tokio::task::spawn_blocking(move || {
            measure_storage(&this);
            if prune {
                retain(&this);
            }
        });
        if done.await.is_err() {
            tracing::error!("housekeeping met a defect");
        }
        round = round.wrapping_add(1);
        tokio::time::sleep(GAUGES_EVERY).await;
    }
}

/// Deletes what is older than the retention setting.
fn retain(running: &Running) {
    let Some(age) = running.gateway.snapshot().config.record.retention else { return };
    let age = Micros::try_from(age.0.as_micros()).unwrap_or(Micros::MAX);
    match running.store.prune(running.clock.now().saturating_sub(age)) {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "deleted calls older than record.retention"),
        Err(error) => tracing::warn!(%error, "calls older than record.retention cannot be deleted now"),
    }
}

fn measure_storage(running: &Running) {
    if let Ok(sizes) = running.store.sizes() {
        let sizes: Vec<_> = sizes.iter().map(|t| (t.name.as_str(), t.bytes)).collect();
        running.observers.metrics.set_storage_bytes(&sizes);
    }
}

/// Brings the quick gauges up to date, just before they are read.
pub(super) fn refresh_gauges(running: &Running) {
    let metrics = &running.observers.metrics;
    let status = running.ingest.status();
    metrics.set_ingest_queue(status.lag_records, 0.0);
    metrics.set_journal(running.journal.size(), status.lag_records);
    let now = running.clock.now();
    for status in running.exports.statuses() {
        let age = status.lag.oldest_us.map_or(0, |oldest| now.saturating_sub(oldest).max(0));
        metrics.set_export_lag(status.target, status.lag.records, age as f64 / 1e6);
    }
    let report = running.report();
    metrics.set_ready(!report.stopping);
    metrics.set_healthy(report.problems.is_empty());
    let snapshot = running.gateway.snapshot();
    let mut budgets: Vec<(String, NanoUsd)> = Vec::new();
    for (name, key) in &snapshot.limits {
        budgets.extend(key.budgets(now).into_iter().map(|(period, left)| (format!("{name}/{period}"), left)));
    }
    let budgets: Vec<_> = budgets.iter().map(|(name, left)| (name.as_str(), *left)).collect();
    metrics.set_budgets_remaining(&budgets);
}

/// Reads back what budgets' keys have spent in their current periods, so that a restart frees no budget.
pub(super) fn load_spend(running: &Running, which: &dyn Fn(&str) -> bool) {
    let snapshot = running.gateway.snapshot();
    let now = running.clock.now();
    let with_budgets: Vec<_> = {
        let mut keys: Vec<_> = snapshot.limits.iter().collect();
        keys.retain(|(name, key)| which(name) && !key.budget_starts(now).is_empty());
        keys
    };
    if with_budgets.is_empty() {
        return;
    }
    // What the journal still holds from before counts as spent too.
    running.ingest.drain(Duration::from_secs(5));
    for (name, key) in with_budgets {
        let spent: Result<Vec<NanoUsd>, _> = key
            .budget_starts(now)
            .into_iter()
            .map(|from| {
                let query = StatsQuery {
                    range: TimeRange { from: Some(from), to: None },
                    filters: vec![(Dimension::Key, vec![name.clone()])],
                    ..StatsQuery::default()
                };
                running.store.stats(&query).map(|stats| stats.total.cost)
            })
            .collect();
        match spent {
            Ok(spent) => key.set_spent(&spent),
            Err(error) => tracing::error!(key = name, %error, "what the key has spent so far cannot be read"),
        }
    }
}
