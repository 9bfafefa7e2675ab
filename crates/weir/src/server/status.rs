//! What `/api/v1/status` says of a running server.

use weir_core::time::{Micros, to_rfc3339};
use weir_export::ExportStatus;
use weir_web::api::{ExporterJson, JournalJson, StatusAnswer};

use super::Running;

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
        exporters: running.exports.statuses().into_iter().map(|status| exporter(status, now)).collect(),
    }
}

fn exporter(status: ExportStatus, now: Micros) -> ExporterJson {
    let (last_error_at, last_error) = status.last_error.map(|(at, text)| (to_rfc3339(at), text)).unzip();
    ExporterJson {
        target: status.target.to_owned(),
        uri: Some(status.uri),
        experiment: Some(status.place),
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
