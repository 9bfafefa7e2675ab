//! What others measure and set here: levels, and observations that are no calls.
//!
//! Invariant: a `set_` of several series replaces them all, so that what is gone is not shown any longer.

use std::collections::{BTreeMap, HashSet};

use weir_core::money::NanoUsd;
use weir_core::time::Micros;

use crate::prometheus::Metrics;
use crate::prometheus::cells::Cell;
use crate::prometheus::names::cut;
use crate::prometheus::vector::Vector;

impl Metrics {
    /// Replaces the models that keep their name in labels: the configured ones, as callers write them. Models that
    /// were seen to work keep theirs too.
    pub fn set_known_models(&self, models: &[String]) {
        self.models.set_known(models);
        self.response_models.set_known(models);
    }

    /// Replaces the labels that calls are counted by, each with its closed set of values.
    pub fn set_labels(&self, labels: &BTreeMap<String, Vec<String>>) {
        self.by_label.set(labels);
    }

    /// Forgets the deployments that are not configured any longer: one that was unhealthy would stay so for ever.
    pub fn retain_upstreams(&self, keep: impl Fn(&str, &str) -> bool) {
        self.families.upstream_healthy.retain(|values| match values {
            [provider, deployment] => keep(provider, deployment),
            _ => false,
        });
    }

    /// Writes that wait for the store, and the age of the oldest in seconds.
    pub fn set_ingest_queue(&self, depth: u64, lag_seconds: f64) {
        self.families.queue_depth.get(&[]).set(level(depth));
        self.families.ingest_lag.get(&[]).set(lag_seconds);
    }

    /// Bytes and records of the journal that are not in the store yet.
    pub fn set_journal(&self, bytes: u64, records: u64) {
        self.families.journal_bytes.get(&[]).set(level(bytes));
        self.families.journal_records.get(&[]).set(level(records));
    }

    /// Bytes of every table; replaces what was set before.
    pub fn set_storage_bytes(&self, tables: &[(&str, u64)]) {
        replace(&self.families.storage_bytes, tables, |cell, bytes| _ = cell.set(level(bytes)));
    }

    /// What is left of every budget, negative when overspent; replaces what was set before.
    pub fn set_budgets_remaining(&self, budgets: &[(&str, NanoUsd)]) {
        replace(&self.families.budget_remaining, budgets, |cell, left| _ = cell.set(left.as_usd()));
    }

    /// Calls that wait to be exported to a target, and the age of the oldest in seconds.
    pub fn set_export_lag(&self, target: &str, records: u64, seconds: f64) {
        self.families.export_lag.get(&[target]).set(level(records));
        self.families.export_lag_seconds.get(&[target]).set(seconds);
    }

    /// Anomalies that go on, from information up.
    pub fn set_anomalies_open(&self, open: [u64; 3]) {
        for (severity, count) in ["info", "warning", "critical"].iter().zip(open) {
            self.families.anomalies_open.get(&[severity]).set(level(count));
        }
    }

    /// So many notifications of a channel were `delivered`, `failed` or `given_up`.
    pub fn notified(&self, channel: &str, outcome: &str, count: u64) {
        self.families.notifications.get(&[channel, outcome]).inc_by(count);
    }

    /// Notifications that wait, per channel; replaces what was set before.
    pub fn set_notifications_waiting(&self, channels: &[(&str, u64)]) {
        replace(&self.families.notifications_waiting, channels, |cell, count| _ = cell.set(level(count)));
    }

    /// Alerts that fire or have no data, from information up.
    pub fn set_alerts_firing(&self, firing: [u64; 3]) {
        for (severity, count) in ["info", "warning", "critical"].iter().zip(firing) {
            self.families.alerts_firing.get(&[severity]).set(level(count));
        }
    }

    /// The evaluation of an alert rule: how long it took, and whether it could be done.
    pub fn alert_evaluated(&self, took: std::time::Duration, done: bool) {
        self.families.alert_evaluations.get(&[if done { "done" } else { "failed" }]).inc();
        self.families.alert_evaluation.get(&[]).observe(took.as_secs_f64());
    }

    /// A backup was to be made: whether it could be.
    pub fn backed_up(&self, done: bool) {
        self.families.backups.get(&[if done { "done" } else { "failed" }]).inc();
    }

    /// When the newest backup began that was made, and that was restored on trial; `None` where no folder is set.
    pub fn set_backups(&self, newest: Option<[Option<Micros>; 2]>) {
        if newest.is_none() {
            self.families.backup_newest.retain(|_| false);
        }
        for (state, at) in ["made", "restored"].iter().zip(newest.into_iter().flatten()) {
            self.families.backup_newest.get(&[state]).set(at.unwrap_or_default() as f64 / 1e6);
        }
    }

    /// Whether requests are accepted.
    pub fn set_ready(&self, ready: bool) {
        self.families.ready.get(&[]).set(i64::from(ready));
    }

    /// Whether every part works.
    pub fn set_healthy(&self, healthy: bool) {
        self.families.healthy.get(&[]).set(i64::from(healthy));
    }

    /// The relevance, from 0 to 1, of a document that was retrieved from a collection; no number counts nothing.
    pub fn observe_relevance(&self, collection: &str, score: f64) {
        if score.is_finite() {
            self.families.relevance.get(&[collection]).observe(score);
        }
    }
}

fn replace<C: Cell, T: Copy>(vector: &Vector<C>, values: &[(&str, T)], set: impl Fn(&C, T)) {
    let names: HashSet<&str> = values.iter().map(|(name, _)| cut(name)).collect();
    vector.retain(|labels| labels.iter().all(|label| names.contains(&**label)));
    for (name, value) in values {
        set(&vector.get(&[name]), *value);
    }
}

fn level(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
