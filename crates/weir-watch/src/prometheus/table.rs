//! The table of metrics: one row is one metric. The fields that record, the registration, the conversion between
//! formats and `docs/metrics.md` follow from it.
//!
//! Invariant: a released row's name, labels and buckets never change; queries, dashboards and rules hold them.

use prometheus_client::registry::{Registry, Unit};

use crate::prometheus::cells::{Cell, Count, Dollars, Level, Measure, Measured, Seconds, Timing};
use crate::prometheus::sets;
use crate::prometheus::vector::{Untyped, Vector};

/// What a metric is to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets, with a sum and a count.
    Histogram,
}

impl Kind {
    /// The word on a `# TYPE` line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A label of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its possible values; empty when they are names that Weir does not choose.
    pub values: &'static [&'static str],
}

/// A metric.
#[derive(Debug)]
pub struct Row {
    /// The name in text format 0.0.4 (of a histogram without `_bucket`, `_sum` and `_count`).
    pub name: &'static str,
    /// A second name of the same figures, without a type.
    pub alias: Option<&'static str>,
    /// What it is.
    pub kind: Kind,
    /// What its numbers count; empty for plain numbers. An `OpenMetrics` unit where the name ends in it.
    pub unit: &'static str,
    /// Its labels, in the order of the values given to it.
    pub labels: &'static [Label],
    /// Upper bounds of a histogram's buckets, without `+Inf`.
    pub buckets: &'static [f64],
    /// What it says, without a full stop.
    pub help: &'static str,
}

impl Row {
    /// The name of the family in `OpenMetrics`, where a counter's `_total` belongs to the sample.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram => self.name,
        }
    }
}

const fn open(name: &'static str) -> Label {
    Label { name, values: &[] }
}

const fn closed(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values }
}

const fn only(names: &[&'static str]) -> Option<&'static str> {
    match names {
        [name, ..] => Some(name),
        [] => None,
    }
}

const MODEL: Label = open("model");
const PROVIDER: Label = open("provider");
const TARGET: Label = open("target");
const ERROR_TYPE: Label = closed("error_type", sets::ERROR_TYPES);
const OPERATION: Label = closed("gen_ai_operation_name", sets::OPERATIONS);
const OTEL_PROVIDER: Label = open("gen_ai_provider_name");
const REQUEST_MODEL: Label = open("gen_ai_request_model");
const RESPONSE_MODEL: Label = open("gen_ai_response_model");

const LATENCY: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0];
const SCORE: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
const EVALUATION: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
// The next four are the buckets of OpenTelemetry's semantic conventions for generative AI.
const DURATION: &[f64] = &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS: &[f64] = &[
    1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0,
    67108864.0,
];
const FIRST_TOKEN: &[f64] =
    &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const PER_TOKEN: &[f64] = &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];

macro_rules! metric_table {
    ($($field:ident: $cell:ty = $name:literal $(or $alias:literal)?, $unit:literal, [$($label:expr),*], $buckets:expr, $help:literal;)+) => {
        /// Every metric, in the order of the page.
        pub static TABLE: &[&Row] = &[$(&rows::$field),+];

        mod rows {
            use super::*;
            $(
                #[expect(non_upper_case_globals, reason = "a row has the name of the field that records it")]
                pub(super) static $field: Row = Row {
                    name: $name,
                    alias: only(&[$($alias)?]),
                    kind: <$cell as Cell>::KIND,
                    unit: $unit,
                    labels: &[$($label),*],
                    buckets: $buckets,
                    help: $help,
                };
            )+
        }

        /// Where each metric is recorded.
        #[derive(Debug)]
        pub(crate) struct Families { $(pub(crate) $field: Vector<$cell>,)+ }

        impl Families {
            /// Empty families of at most `max_series` series each, shown by `registry`.
            pub(crate) fn register(registry: &mut Registry, max_series: usize) -> Self {
                let dropped = Count::make(&rows::series_dropped);
                let families = Self { $($field: Vector::new(&rows::$field, max_series, dropped.clone()),)+ };
                families.series_dropped.adopt(dropped);
                $(register(registry, &rows::$field, &families.$field);)+
                families
            }
        }
    };
}

metric_table! {
    requests: Count = "llm_requests_total", "", [MODEL, closed("status", sets::STATUSES)], &[],
        "Requests that ended, by the requested model and how they ended; one that the client broke off is an error";
    latency: Timing = "llm_request_latency_seconds", "seconds", [MODEL], LATENCY,
        "Time from a request to the end of its answer, streaming included; every request counts";
    tokens: Count = "llm_tokens_total", "tokens", [MODEL, closed("type", sets::TOKEN_TYPES)], &[],
        "Tokens; cached_prompt is part of prompt and reasoning of completion, so a sum takes prompt and completion only";
    errors: Count = "llm_errors_total", "", [MODEL, ERROR_TYPE], &[],
        "Requests that were not answered, refusals of Weir included, by class";
    rate_limit_hits: Count = "llm_rate_limit_hits_total" or "llm_rate_limit_hits", "", [MODEL, closed("source", sets::LIMIT_SOURCES)], &[],
        "Answers 429 of an upstream, and requests refused by a rate limit of Weir; the same figures have both names, llm_rate_limit_hits without a type";
    relevance: Measure = "retrieval_relevance_score", "", [open("collection")], SCORE,
        "Relevance of retrieved documents from 0 to 1; the average is sum divided by count";
    cost: Dollars = "llm_cost_usd_total", "usd", [MODEL, PROVIDER], &[],
        "Cost of the requests whose price is known, in US dollars";
    first_token: Timing = "llm_time_to_first_token_seconds", "seconds", [MODEL], LATENCY,
        "Time to the first piece of a streamed answer of an upstream";
    per_token: Timing = "llm_time_per_output_token_seconds", "seconds", [MODEL], PER_TOKEN,
        "Time per output token after the first, of streamed answers of an upstream";
    inflight: Level = "llm_inflight_requests", "", [MODEL], &[],
        "Requests that have not ended";
    cache_hits: Count = "llm_cache_hits_total", "", [closed("kind", sets::CACHE_KINDS)], &[],
        "Requests answered from the cache";
    cache_misses: Count = "llm_cache_misses_total", "", [], &[],
        "Requests that the cache was asked for and did not hold";
    fallbacks: Count = "llm_fallbacks_total", "", [open("from"), open("to")], &[],
        "Requests that moved to another model";
    retries: Count = "llm_retries_total", "", [PROVIDER], &[],
        "Attempts that failed and were followed by another";
    upstream_healthy: Level = "llm_upstream_healthy", "", [PROVIDER, open("deployment")], &[],
        "1 while a deployment is in the rotation, 0 while it is not";
    budget_remaining: Measured = "llm_budget_remaining_usd", "usd", [open("budget")], &[],
        "What is left of a budget, in US dollars; negative when overspent";
    budget_alerts: Count = "llm_budget_alerts_total", "", [open("budget"), closed("line", sets::BUDGET_LINES)], &[],
        "Times that a budget passed its soft line or began to refuse, once per line and period";
    cache_saved_cost: Dollars = "llm_cache_saved_usd_total", "usd", [], &[],
        "What answers out of the cache did not cost, as far as prices are known, in US dollars";
    cache_saved_time: Seconds = "llm_cache_saved_seconds_total", "seconds", [], &[],
        "Time of upstream calls that answers out of the cache did not take";
    label_requests: Count = "llm_label_requests_total", "", [open("label"), open("value"), closed("status", sets::STATUSES)], &[],
        "Requests that ended, by the labels and values of [metrics].labels (department, ...); other values are other, none is without the label";
    label_tokens: Count = "llm_label_tokens_total", "tokens", [open("label"), open("value"), closed("type", sets::TOKEN_TYPES)], &[],
        "Tokens by label";
    label_cost: Dollars = "llm_label_cost_usd_total", "usd", [open("label"), open("value")], &[],
        "Cost by label, in US dollars";
    client_duration: Timing = "gen_ai_client_operation_duration_seconds", "seconds",
        [OPERATION, OTEL_PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, ERROR_TYPE], DURATION,
        "OpenTelemetry gen_ai.client.operation.duration: requests that Weir sent to an upstream, retries included";
    token_usage: Measure = "gen_ai_client_token_usage", "tokens",
        [OPERATION, OTEL_PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, closed("gen_ai_token_type", sets::OTEL_TOKEN_TYPES)], TOKENS,
        "OpenTelemetry gen_ai.client.token.usage: tokens of a request that Weir sent to an upstream";
    server_duration: Timing = "gen_ai_server_request_duration_seconds", "seconds",
        [OPERATION, OTEL_PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, ERROR_TYPE], DURATION,
        "OpenTelemetry gen_ai.server.request.duration: requests that Weir answered or refused";
    server_first_token: Timing = "gen_ai_server_time_to_first_token_seconds", "seconds",
        [OPERATION, OTEL_PROVIDER, REQUEST_MODEL, RESPONSE_MODEL], FIRST_TOKEN,
        "OpenTelemetry gen_ai.server.time_to_first_token, of streamed answers of an upstream";
    server_per_token: Timing = "gen_ai_server_time_per_output_token_seconds", "seconds",
        [OPERATION, OTEL_PROVIDER, REQUEST_MODEL, RESPONSE_MODEL], PER_TOKEN,
        "OpenTelemetry gen_ai.server.time_per_output_token, after the first, of streamed answers of an upstream";
    spans_ingested: Count = "weir_spans_ingested_total", "", [open("protocol")], &[],
        "Spans made durable, by the protocol that brought them";
    spans_dropped: Count = "weir_spans_dropped_total", "", [open("reason")], &[],
        "Records that could not be kept";
    queue_depth: Level = "weir_ingest_queue_depth", "", [], &[],
        "Writes that wait for the store";
    ingest_lag: Measured = "weir_ingest_lag_seconds", "seconds", [], &[],
        "Age of the oldest write that waits for the store";
    storage_bytes: Level = "weir_storage_bytes", "bytes", [open("table")], &[],
        "Size on disk";
    journal_bytes: Level = "weir_journal_bytes", "bytes", [], &[],
        "Size of the journal of calls that are not in the store yet";
    journal_records: Level = "weir_journal_records", "", [], &[],
        "Calls in the journal that are not in the store yet";
    export_lag: Level = "weir_export_lag_records", "", [TARGET], &[],
        "Calls that wait to be exported";
    export_lag_seconds: Measured = "weir_export_lag_seconds", "seconds", [TARGET], &[],
        "Age of the oldest call that waits to be exported";
    exported: Count = "weir_exported_total", "", [TARGET], &[],
        "Calls that an export target has taken";
    export_failures: Count = "weir_export_failures_total", "", [TARGET, open("reason")], &[],
        "Attempts to export that failed, by reason; skipped and pruned count the calls that were given up";
    anomalies_open: Level = "weir_anomalies_open", "", [closed("severity", sets::SEVERITIES)], &[],
        "Anomalies that go on, by severity";
    notifications: Count = "weir_notifications_total", "", [open("channel"), closed("outcome", sets::DELIVERIES)], &[],
        "Notifications of alerts: delivered, failed and tried again, or given up";
    notifications_waiting: Level = "weir_notifications_waiting", "", [open("channel")], &[],
        "Notifications that wait to be delivered";
    alerts_firing: Level = "weir_alerts_firing", "", [closed("severity", sets::SEVERITIES)], &[],
        "Alerts that fire or have no data, by severity";
    alert_evaluations: Count = "weir_alert_evaluations_total", "", [closed("result", sets::RESULTS)], &[],
        "Evaluations of alert rules, by whether they could be done";
    alert_evaluation: Measure = "weir_alert_evaluation_seconds", "seconds", [], EVALUATION,
        "Time that the evaluation of an alert rule took, all of its series together";
    backups: Count = "weir_backups_total", "", [closed("result", sets::RESULTS)], &[],
        "Backups that the server was to make, by whether they could be made, and restored on trial where that is asked for";
    backup_newest: Measured = "weir_backup_newest_timestamp_seconds", "seconds", [closed("backup", sets::BACKUPS)], &[],
        "When the newest backup began that was made, and that was restored on trial, as Unix time; 0: there is none";
    ready: Level = "weir_ready", "", [], &[],
        "1 while requests are accepted";
    healthy: Level = "weir_healthy", "", [], &[],
        "1 while every part works";
    build_info: Level = "weir_build_info", "", [open("version")], &[],
        "Always 1; the label says what runs";
    series_dropped: Count = "weir_metric_series_dropped_total", "", [], &[],
        "Times that a metric with its maximum of series was asked for a new one and gave the one named other";
}

fn register<C: Cell>(registry: &mut Registry, row: &'static Row, vector: &Vector<C>) {
    if let Some(alias) = row.alias {
        // OpenMetrics reads `x` and `x_total` as one counter, so that two names need two families without a type.
        registry.register(alias, row.help, Untyped(vector.clone()));
        registry.register(row.name, row.help, Untyped(vector.clone()));
        return;
    }
    let family = row.family();
    // The encoder appends the unit to the name.
    match family.strip_suffix(row.unit).and_then(|stem| stem.strip_suffix('_')) {
        Some(stem) if !row.unit.is_empty() => {
            registry.register_with_unit(stem, row.help, Unit::Other(row.unit.to_owned()), vector.clone());
        }
        _ => registry.register(family, row.help, vector.clone()),
    }
}
