//! What is told of an alert, in one form for all channels.
//!
//! Invariant: the id of a notification is the same on every attempt and in every channel, so that a receiver can tell a
//! repetition from news.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::anomaly::{Anomaly, Severity};
use weir_core::time::{Micros, rfc3339};
use weir_store::catalog::NewNotification;

/// What happened to the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It began.
    Fired,
    /// It became worse.
    Escalated,
    /// It is over.
    Resolved,
    /// There is nothing to judge it by.
    NoData,
    /// It still goes on.
    Renotified,
    /// Somebody has seen it and takes care.
    Acknowledged,
    /// Nothing: a channel is tried.
    Test,
}

impl Event {
    /// Its name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Escalated => "escalated",
            Self::Resolved => "resolved",
            Self::NoData => "no_data",
            Self::Renotified => "renotified",
            Self::Acknowledged => "acknowledged",
            Self::Test => "test",
        }
    }
}

/// An alert as it is told: a series of a rule, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertJson {
    /// Identifies the alert through its life: the rule and the series.
    pub fingerprint: String,
    /// The rule's id.
    pub rule_id: String,
    /// The rule's name.
    pub rule: String,
    /// The project.
    pub project: String,
    /// How bad it is.
    pub severity: Severity,
    /// `firing`, `resolved`, `no_data`, ...
    pub state: String,
    /// What tells the series apart: its dimensions, and the rule's tags.
    pub labels: BTreeMap<String, String>,
    /// One line: what is wrong.
    pub summary: String,
    /// More of it; may have several lines.
    pub description: String,
    /// The value that was judged, in `unit`.
    pub value: Option<f64>,
    /// What it was judged against.
    pub threshold: Option<f64>,
    /// `seconds`, `usd`, `ratio`, `tokens`, `calls`, ...; empty for plain numbers.
    pub unit: String,
    /// What to do.
    pub runbook_url: Option<String>,
    /// When it began.
    #[serde(with = "rfc3339")]
    pub starts_at: Micros,
    /// When it was over.
    #[serde(with = "rfc3339::option")]
    pub ends_at: Option<Micros>,
    /// The alert in Weir. Empty where Weir's own address is not known.
    pub url: String,
    /// The whole record, when an anomaly is the reason.
    pub anomaly: Option<Anomaly>,
}

/// What is told once to each channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id.
    pub id: String,
    /// What happened.
    pub event: Event,
    /// To what.
    pub alert: AlertJson,
}

impl Notification {
    /// A notification with an id of its own.
    #[must_use]
    pub fn new(event: Event, alert: AlertJson) -> Self {
        Self { id: weir_core::id::ScoreId::new().to_string(), event, alert }
    }

    /// Its rows for the outbox, one per channel.
    ///
    /// # Errors
    /// When it has no JSON, which no number of it can cause: those that are not finite are `null`.
    pub fn rows(&self, channels: &[String], now: Micros) -> Result<Vec<NewNotification>, serde_json::Error> {
        let body = serde_json::to_string(self)?;
        let row = |channel: &String| NewNotification {
            id: self.id.clone(),
            channel: channel.clone(),
            alert: self.alert.fingerprint.clone(),
            body: body.clone(),
            created_us: now,
        };
        Ok(channels.iter().map(row).collect())
    }
}
