//! An anomaly: what changed, since when, why. One record, the same in the store, the API, the command line and alerts.

use serde::{Deserialize, Serialize};

use crate::time::{Micros, rfc3339};

/// How an anomaly was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// A single value far out of its band.
    Spike,
    /// The level moved and stayed.
    Shift,
    /// A share or ratio changed.
    Proportion,
    /// The distribution over values changed.
    Drift,
    /// Traffic ended.
    Silence,
    /// One of the four documented rules: a ratio or difference to the mean before.
    Rule,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Told, never alarmed: volume that doubled evenly, one huge request.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

/// Where an anomaly is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyState {
    /// Going on.
    Firing,
    /// Over.
    Resolved,
}

/// Whether the rate within the value changed or its share of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The value itself behaves otherwise.
    Rate,
    /// There is more or less of it.
    Mix,
}

/// What people said of an anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// It was no problem: this series is judged less strictly from now on.
    Expected,
    /// It stays so: the baseline begins anew at the onset.
    NewNormal,
}

/// What a value of a dimension contributes to an anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// `model`, `provider`, `prompt_version`, `department`, `status`, `branch`, ...
    pub dimension: String,
    /// Its value.
    pub value: String,
    /// Its part of the whole change; 1 is all of it. Values that moved against it have negative parts.
    pub share: f64,
    /// Rate or mix.
    pub effect: Effect,
}

/// An anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Its id; sorts by time.
    pub id: String,
    /// The project; calls without one belong to `default`.
    pub project: String,
    /// What was measured: `prompt_tokens_per_call`, `latency_p95`, `error_ratio`, ...
    pub metric: String,
    /// How it was found.
    pub kind: AnomalyKind,
    /// How bad it is; the worst it has been.
    pub severity: Severity,
    /// Whether it goes on.
    pub state: AnomalyState,
    /// When it began, as far as the data tell. Never later than `detected_at`.
    #[serde(with = "rfc3339")]
    pub onset: Micros,
    /// When Weir first said so, in data time: the end of the bucket after which it was known.
    #[serde(with = "rfc3339")]
    pub detected_at: Micros,
    /// When it was over.
    #[serde(with = "rfc3339::option")]
    pub ended_at: Option<Micros>,
    /// The value when it was detected, then the most extreme one, in the metric's own unit.
    pub value: f64,
    /// What was expected.
    pub expected: f64,
    /// Lower end of the band of what would have been normal.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
    /// What the expectation comes from, for people: `median of 12 buckets of Tue 13-15h`.
    pub baseline: String,
    /// What contributes most, first.
    pub causes: Vec<Cause>,
    /// Ids of at most three traces in which it shows.
    pub examples: Vec<String>,
    /// What people said of it.
    pub feedback: Option<Feedback>,
}
