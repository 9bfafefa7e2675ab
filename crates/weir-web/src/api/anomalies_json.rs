//! Anomalies as JSON. The record itself is [`weir_core::anomaly::Anomaly`], the same everywhere.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::anomaly::{Anomaly, Feedback};
use weir_core::error::Error;
use weir_core::time::to_rfc3339;
use weir_core::unread::reason;
use weir_watch::anomalies::live::WatchStatus;

/// A page of anomalies, the latest detected first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnomalyList {
    /// The anomalies.
    #[schema(value_type = Vec<AnomalyJson>)]
    pub anomalies: Vec<Anomaly>,
    /// Whether an anomaly of severity warning or above goes on, among those that the other parameters than `state`,
    /// `severity`, `limit` and `cursor` select.
    pub open: bool,
    /// The cursor of the next page; null on the last one.
    pub next: Option<String>,
    /// How far the watch is.
    pub watch: WatchJson,
}

/// How far the watch is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct WatchJson {
    /// Whether anomalies are looked for (`watch.enabled`).
    pub enabled: bool,
    /// Up to when traffic was judged, RFC 3339; null while what was stored before the start is learned.
    #[schema(format = DateTime)]
    pub evaluated_to: Option<String>,
    /// Whether everything that is stored was judged: false while calls of the past wait for it.
    pub complete: bool,
    /// Projects that are watched.
    pub projects: usize,
    /// Those of them that have no baseline to judge by yet.
    pub learning: usize,
    /// Projects that are not watched, because there are more than `watch.projects`.
    pub left_out: usize,
}

impl WatchJson {
    /// Of a running watch, or of none.
    #[must_use]
    pub fn new(status: Option<WatchStatus>) -> Self {
        let Some(status) = status else { return Self { complete: true, ..Self::default() } };
        Self {
            enabled: true,
            evaluated_to: status.to.map(to_rfc3339),
            complete: status.to.is_some() && status.pending == 0,
            projects: status.projects,
            learning: status.learning,
            left_out: status.left_out,
        }
    }
}

/// An anomaly: what changed, since when, why.
#[derive(ToSchema)]
#[schema(as = Anomaly)]
#[expect(dead_code, reason = "describes what is written elsewhere")]
pub(super) struct AnomalyJson {
    /// Its id; sorts by time.
    id: String,
    /// The project; calls without one belong to `default`.
    project: String,
    /// What was measured: `prompt_tokens_per_call`, `cost_per_call`, `latency_p50`, `error_ratio`, ...
    metric: String,
    /// How it was found: `spike`, `shift`, `proportion`, `drift`, `silence`, or `rule` for the documented rules.
    kind: String,
    /// `info`, `warning` or `critical`; the worst it has been.
    severity: String,
    /// `firing` or `resolved`.
    state: String,
    /// When it began, as far as the data tell, RFC 3339.
    #[schema(format = DateTime)]
    onset: String,
    /// When Weir first said so, in data time, RFC 3339.
    #[schema(format = DateTime)]
    detected_at: String,
    /// When it was over, RFC 3339.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// The value in the metric's unit: tokens, US dollars, milliseconds, a share.
    value: f64,
    /// What was expected.
    expected: f64,
    /// Lower end of what would have been normal.
    lower: f64,
    /// Its upper end.
    upper: f64,
    /// What the expectation comes from, for people.
    baseline: String,
    /// What contributes most, first.
    causes: Vec<CauseJson>,
    /// Ids of at most three traces in which it shows.
    examples: Vec<String>,
    /// What people said of it: `expected` or `new_normal`.
    feedback: Option<String>,
}

/// What a value of a dimension contributes to an anomaly.
#[derive(ToSchema)]
#[schema(as = Cause)]
#[expect(dead_code, reason = "describes what is written elsewhere")]
pub(super) struct CauseJson {
    /// `model`, `provider`, `prompt_version`, `department`, `key`, `status` or `branch`.
    dimension: String,
    /// Its value.
    value: String,
    /// Its part of the whole change; 1 is all of it, negative moved against it.
    share: f64,
    /// `rate`: it behaves otherwise; `mix`: there is more or less of it.
    effect: String,
}

/// What people say of an anomaly.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedbackJson {
    /// `expected`: no problem, be less strict with this; `new_normal`: it stays so, learn anew from its onset.
    feedback: String,
}

/// Reads feedback from a body.
pub(super) fn parse_feedback(body: &[u8]) -> Result<Feedback, Error> {
    let read: FeedbackJson = serde_json::from_slice(body).map_err(|e| {
        let why = reason(&e);
        Error::invalid("feedback", format!("{why}; write {{\"feedback\": \"expected\"}} or \"new_normal\""))
    })?;
    match read.feedback.replace([' ', '-'], "_").as_str() {
        "expected" => Ok(Feedback::Expected),
        "new_normal" => Ok(Feedback::NewNormal),
        _ => Err(Error::invalid(
            "feedback",
            format!("feedback: {:?} is neither \"expected\" nor \"new_normal\"", read.feedback),
        )),
    }
}
