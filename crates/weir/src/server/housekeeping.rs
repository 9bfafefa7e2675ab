//! What happens beside the calls: gauges and retention.

use std::sync::Arc;
use std::time::Duration;

use weir_core::money::NanoUsd;
use weir_core::time::Micros;
use weir_store::catalog::{Alerts, Anomalies};
use weir_store::telemetry::Telemetry;

use super::{Running, operations};

const GAUGES_EVERY: Duration = Duration::from_secs(15);
/// Backups are looked at every so many rounds: once in a minute; their folder may be on a slow disk.
const BACKUP_ROUNDS: u32 = 4;
/// Retention is looked after every so many rounds of gauges: once in a quarter of an hour.
const PRUNE_ROUNDS: u32 = 60;

/// Most budgets that the metrics page shows.
const MAX_BUDGETS: usize = 1_000;

/// Looks after everything for ever.
pub(super) async fn run(running: Arc<Running>) {
    let mut round = 0u32;
    loop {
        let this = running.clone();
        let prune = round.is_multiple_of(PRUNE_ROUNDS);
        let backups = round.is_multiple_of(BACKUP_ROUNDS);
        let done = tokio::task::spawn_blocking(move || {
            measure_storage(&this);
            if backups {
                operations::measure_backups(&this);
            }
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
    let now = running.clock.now();
    let seconds_since = |at: Option<Micros>| at.map_or(0.0, |at| now.saturating_sub(at).max(0) as f64 / 1e6);
    metrics.set_ingest_queue(status.lag_records, seconds_since(status.oldest_us));
    metrics.set_journal(running.journal.size(), status.lag_records);
    for status in running.exports.statuses() {
        metrics.set_export_lag(status.target, status.lag.records, seconds_since(status.lag.oldest_us));
    }
    let report = running.report();
    metrics.set_ready(!report.stopping);
    metrics.set_healthy(report.problems.is_empty());
    match running.catalog.open_anomalies() {
        Ok(open) => metrics.set_anomalies_open(open),
        Err(error) => tracing::debug!(%error, "open anomalies cannot be counted"),
    }
    match running.post.waiting() {
        Ok(waiting) => {
            let waiting: Vec<_> = waiting.iter().map(|(channel, count)| (channel.as_str(), *count)).collect();
            metrics.set_notifications_waiting(&waiting);
        }
        Err(error) => tracing::debug!(%error, "notifications that wait cannot be counted"),
    }
    match running.catalog.open_alerts() {
        Ok(open) => metrics.set_alerts_firing(open),
        Err(error) => tracing::debug!(%error, "alerts that fire cannot be counted"),
    }
    let snapshot = running.gateway.snapshot();
    let mut budgets: Vec<(String, NanoUsd)> = Vec::new();
    for allowance in snapshot.limits.all() {
        let owner = allowance.owner();
        budgets.extend(allowance.budgets(now).into_iter().map(|b| (owner.budget(b.period), b.left)));
    }
    // Always the same ones, so that no series comes and goes.
    budgets.sort();
    budgets.truncate(MAX_BUDGETS);
    let budgets: Vec<_> = budgets.iter().map(|(name, left)| (name.as_str(), *left)).collect();
    metrics.set_budgets_remaining(&budgets);
}
