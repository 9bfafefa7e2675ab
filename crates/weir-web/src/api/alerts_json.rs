//! Alerts, their rules, history and silences as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::anomaly::{Anomaly, Severity};
use weir_core::time::{Micros, rfc3339};
use weir_store::catalog::{AlertAck, AlertRecord, AlertTransition};
use weir_watch::alerts::document::RuleDoc;
use weir_watch::alerts::live::{Kept, Replayed, Shown, Shows};
use weir_watch::alerts::mute::Silence;
use weir_watch::alerts::rule_set::Origin;
use weir_watch::notify::AlertJson;

/// Alerts, what goes on first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct AlertList {
    /// The alerts.
    pub alerts: Vec<AlertView>,
    /// Whether one fires or has no data that is not muted, among those that the other parameters than `state`,
    /// `severity` and `limit` select.
    pub open: bool,
}

/// An alert: a series of a rule that fires, is about to, or did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Alert)]
pub struct AlertView {
    /// Identifies the rule and the series.
    pub fingerprint: String,
    /// The rule's id.
    pub rule_id: String,
    /// The rule's name.
    pub rule: String,
    /// The project; empty: of several.
    pub project: String,
    /// `info`, `warning` or `critical`.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// `pending`, `firing`, `no_data` or `resolved`.
    pub state: String,
    /// Since when it is in that state, RFC 3339.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Micros,
    /// When it began.
    #[serde(with = "rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub starts_at: Option<Micros>,
    /// When it was over.
    #[serde(with = "rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ends_at: Option<Micros>,
    /// What tells the series apart.
    pub labels: BTreeMap<String, String>,
    /// One line: what is wrong.
    pub summary: String,
    /// More of it.
    pub description: String,
    /// The value that was judged last, in `unit`.
    pub value: Option<f64>,
    /// What it was judged against.
    pub threshold: Option<f64>,
    /// `seconds`, `usd`, `ratio`, `tokens`, `calls`, ...
    pub unit: String,
    /// What the value rests on.
    pub samples: u64,
    /// What to do.
    pub runbook_url: Option<String>,
    /// Where people find it.
    pub url: String,
    /// Who is told.
    pub channels: Vec<String>,
    /// Whether nothing is told of it now.
    pub muted: bool,
    /// Who takes care of it.
    #[schema(value_type = Option<AckJson>)]
    pub ack: Option<AlertAck>,
    /// The whole record, when an anomaly is the reason.
    #[schema(value_type = Option<Object>)]
    pub anomaly: Option<Anomaly>,
    /// The instant that was judged last.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub evaluated_at: Micros,
}

impl AlertView {
    /// As it is kept, with what silences it.
    #[must_use]
    pub fn new(record: AlertRecord, alert: AlertJson, kept: Kept, muted: bool, ack: Option<AlertAck>) -> Self {
        Self {
            fingerprint: record.fingerprint,
            rule_id: record.rule,
            rule: alert.rule,
            project: alert.project,
            severity: alert.severity,
            state: record.phase,
            since: kept.series.since,
            starts_at: record.starts_us,
            ends_at: record.ends_us,
            labels: kept.labels,
            summary: alert.summary,
            description: alert.description,
            value: alert.value,
            threshold: alert.threshold,
            unit: alert.unit,
            samples: kept.samples,
            runbook_url: alert.runbook_url,
            url: alert.url,
            channels: kept.channels,
            muted,
            ack,
            anomaly: alert.anomaly,
            evaluated_at: record.evaluated_us,
        }
    }

    /// As it is kept in a file, where nothing is known of silences; `None` where it cannot be read.
    #[must_use]
    pub fn of_file(record: AlertRecord) -> Option<Self> {
        let kept: Kept = serde_json::from_str(&record.state).ok()?;
        let alert: AlertJson = serde_json::from_str(&record.alert).ok()?;
        let ack = record.ack.clone();
        Some(Self::new(record, alert, kept, false, ack))
    }

    /// Whether somebody should look: it fires or has no data, and is not muted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "firing" | "no_data") && !self.muted
    }
}

impl From<Shown> for AlertView {
    fn from(shown: Shown) -> Self {
        Self::new(shown.record, shown.alert, shown.kept, shown.muted, shown.ack)
    }
}

/// An alert with what became of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertDetail)]
pub struct AlertDetail {
    /// The alert.
    pub alert: AlertView,
    /// Its history, newest first; at most 100 lines.
    pub history: Vec<HistoryLine>,
}

/// Lines of history, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertHistory)]
pub struct HistoryList {
    /// The lines.
    pub history: Vec<HistoryLine>,
    /// The cursor of the next page; null on the last one.
    pub next: Option<String>,
}

/// What became of an alert.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertHistoryLine)]
pub struct HistoryLine {
    /// Grows.
    pub seq: i64,
    /// The rule's id.
    pub rule_id: String,
    /// The alert.
    pub fingerprint: String,
    /// The instant that was judged, or when somebody did something.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Micros,
    /// The state from then on.
    pub state: String,
    /// What was told: `fired`, `escalated`, `renotified`, `no_data`, `resolved`, `acknowledged`; null: nothing.
    pub event: Option<String>,
    /// `info`, `warning` or `critical`.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// The value that was judged.
    pub value: Option<f64>,
    /// What it was judged against.
    pub threshold: Option<f64>,
    /// One line.
    pub summary: String,
    /// Who did it; null: nobody.
    pub by: Option<String>,
}

impl From<AlertTransition> for HistoryLine {
    fn from(line: AlertTransition) -> Self {
        Self {
            seq: line.seq,
            rule_id: line.rule,
            fingerprint: line.fingerprint,
            at: line.at,
            state: line.phase,
            event: line.event,
            severity: line.severity,
            value: line.value,
            threshold: line.threshold,
            summary: line.summary,
            by: line.person,
        }
    }
}

/// That somebody takes care of an alert.
#[derive(ToSchema)]
#[schema(as = AlertAck)]
#[expect(dead_code, reason = "describes what is written elsewhere")]
pub(super) struct AckJson {
    /// Who.
    by: String,
    /// What they say.
    note: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Until when; null: until it is over.
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// Says that somebody takes care.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewAlertAck)]
pub(super) struct NewAck {
    /// Who; usually the name of the key.
    pub by: Option<String>,
    /// What they say.
    pub note: String,
    /// Until when: RFC 3339, or how long, as in `2h`; usually until the alert is over.
    pub until: Option<String>,
}

/// Every rule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertRuleList)]
pub struct RuleList {
    /// The rules, by id.
    pub rules: Vec<RuleView>,
}

/// A rule with how far it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertRuleStatus)]
pub struct RuleView {
    /// Its id.
    pub id: String,
    /// As it was written.
    pub rule: RuleDoc,
    /// `file`, `config` (a budget or an objective) or `api`; only the last can be changed here.
    pub origin: String,
    /// The file.
    pub file: Option<String>,
    /// Counts changes over the API.
    pub version: Option<u32>,
    /// When it was made over the API.
    #[serde(with = "rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Micros>,
    /// When it was changed last over the API.
    #[serde(with = "rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Micros>,
    /// Why it cannot be evaluated: what it names is gone.
    pub problem: Option<String>,
    /// The instant that was judged last.
    #[serde(with = "rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub evaluated_at: Option<Micros>,
    /// How long that took, milliseconds.
    pub took_ms: Option<f64>,
    /// Series that were judged then.
    pub series: Option<u64>,
    /// Groups that were left out then, because 200 others have more calls.
    pub left_out: Option<u64>,
    /// Why that could not be done.
    pub error: Option<String>,
    /// Its alerts that fire or have no data.
    pub firing: u64,
    /// Its alerts that are pending.
    pub pending: u64,
}

impl From<Shows> for RuleView {
    fn from(shows: Shows) -> Self {
        let listed = &shows.listed;
        let (origin, file) = match &listed.origin {
            Origin::File(path) => ("file", Some(path.display().to_string())),
            Origin::Config => ("config", None),
            Origin::Api { .. } => ("api", None),
        };
        let made = match listed.origin {
            Origin::Api { version, created_us, updated_us } => Some((version, created_us, updated_us)),
            _ => None,
        };
        let evaluation = shows.evaluation;
        Self {
            id: listed.id.clone(),
            rule: listed.doc.clone(),
            origin: origin.to_owned(),
            file,
            version: made.map(|m| m.0),
            created_at: made.map(|m| m.1),
            updated_at: made.map(|m| m.2),
            problem: listed.rule.as_ref().err().map(ToString::to_string),
            evaluated_at: evaluation.as_ref().map(|e| e.evaluated_us),
            took_ms: evaluation.as_ref().map(|e| e.took_us as f64 / 1_000.0),
            series: evaluation.as_ref().map(|e| e.series),
            left_out: evaluation.as_ref().map(|e| e.left_out),
            error: evaluation.and_then(|e| e.error),
            firing: shows.open.0,
            pending: shows.open.1,
        }
    }
}

/// How far an evaluation of the past came.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertReplay)]
pub struct ReplayJson {
    /// The first instant that was judged.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Micros,
    /// The last one.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub to: Micros,
    /// How many.
    pub evaluations: u64,
}

impl From<Replayed> for ReplayJson {
    fn from(done: Replayed) -> Self {
        Self { from: done.from, to: done.to, evaluations: done.evaluations }
    }
}

/// Silences that have not ended.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertMuteList)]
pub struct MuteList {
    /// The silences.
    pub mutes: Vec<Silence>,
}
