//! What `/api/v1/status` says of a running server.

use std::sync::Arc;

use weir_core::time::{Micros, to_rfc3339};
use weir_export::ExportStatus;
use weir_gateway::limits::Allowance;
use weir_web::api::{BatchesJson, BudgetJson, CacheJson, ExporterJson, JournalJson, StatusAnswer};

use super::Running;

/// Most budgets that are listed, the scarcest first.
const MAX_BUDGETS: usize = 100;

pub(super) fn status(running: &Running) -> StatusAnswer {
    let now = running.clock.now();
    let report = running.report();
    StatusAnswer {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: Some(to_rfc3339(running.started)),
        uptime_seconds: Some(now.saturating_sub(running.started).max(0) as f64 / 1e6),
        ready: Some(!report.stopping),
        problems: report.problems,
        journal: Some(JournalJson { backlog_bytes: report.journal_backlog_bytes, calls_lost: report.calls_lost }),
        cache: cache(running),
        budgets: budgets(running, now),
        batches: Some(batches(running)),
        exporters: running.exports.statuses().into_iter().map(|status| exporter(status, now)).collect(),
    }
}

/// `None` where nothing is cached.
fn cache(running: &Running) -> Option<CacheJson> {
    if !running.gateway.snapshot().config.cache.is_on() {
        return None;
    }
    let stats = running.gateway.cache().stats();
    Some(CacheJson {
        entries: stats.entries,
        bytes: stats.bytes,
        hits: stats.hits,
        semantic_hits: stats.semantic_hits,
        misses: stats.misses,
        bypassed: stats.bypassed,
        evicted: stats.evicted,
        saved_usd: stats.saved_nano as f64 / 1e9,
        saved_seconds: stats.saved_us as f64 / 1e6,
        not_kept: stats.persist_dropped,
    })
}

fn budgets(running: &Running, now: Micros) -> Vec<BudgetJson> {
    let of = |allowance: Arc<Allowance>| {
        let owner = allowance.owner().clone();
        let soft = allowance.terms().soft;
        allowance.budgets(now).into_iter().map(move |budget| {
            let (left, limit) = (budget.left.as_usd(), budget.limit.as_usd());
            let used = 1.0 - left / limit.max(f64::MIN_POSITIVE);
            let state = if left <= 0.0 {
                "spent"
            } else if used >= soft {
                "soft"
            } else {
                "ok"
            };
            BudgetJson {
                label: owner.label.clone(),
                value: owner.value.clone(),
                period: budget.period.to_owned(),
                limit_usd: limit,
                left_usd: left,
                state: state.to_owned(),
            }
        })
    };
    let mut all: Vec<_> = running.gateway.snapshot().limits.all().into_iter().flat_map(of).collect();
    all.sort_by(|a, b| (a.left_usd / a.limit_usd).total_cmp(&(b.left_usd / b.limit_usd)));
    all.truncate(MAX_BUDGETS);
    all
}

fn batches(running: &Running) -> BatchesJson {
    let status = running.batches.status();
    BatchesJson { running: status.running as u64, queued_requests: status.queued_requests }
}

fn exporter(status: ExportStatus, now: Micros) -> ExporterJson {
    let (last_error_at, last_error) = status.last_error.map(|(at, text)| (to_rfc3339(at), text)).unzip();
    ExporterJson {
        target: status.target.to_owned(),
        uri: Some(status.uri),
        experiment: Some(status.place).filter(|place| !place.is_empty()),
        state: Some(status.state.as_str().to_owned()),
        lag_records: status.lag.records,
        lag_seconds: status.lag.oldest_us.map_or(0.0, |at| now.saturating_sub(at).max(0) as f64 / 1e6),
        exported: Some(status.exported),
        failed: Some(status.skipped),
        artifacts_refused: Some(status.artifacts_refused),
        last_error,
        last_error_at,
    }
}
