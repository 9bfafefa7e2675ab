//! A rule as people write it: the same members in TOML, YAML and JSON, in files and over the API.
//!
//! Only the form is known here; what the members mean together is checked in [`super::rule`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use weir_core::units::Time;

/// How bad an alert of the rule is at its worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertSeverity)]
pub enum Severity {
    /// To be known.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    #[default]
    Critical,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertSource)]
pub enum Source {
    /// Figures of calls.
    #[default]
    Metric,
    /// Judgements of calls and traces.
    Score,
    /// Results of evaluations.
    Eval,
    /// What a budget has spent.
    Budget,
    /// How fast an objective's error budget burns.
    Slo,
    /// What the watch found by itself.
    Anomaly,
    /// Something that happened.
    Event,
}

/// How many figures become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertAggregation)]
#[expect(missing_docs, reason = "the field's own terms")]
pub enum Agg {
    Count,
    Sum,
    Avg,
    P50,
    P90,
    P95,
    P99,
    Min,
    Max,
    Ratio,
    /// Per minute.
    Rate,
    /// The newest, for results of evaluations.
    Last,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertMetric)]
pub struct MetricDoc {
    /// `requests`, `errors`, `error_ratio`, `cost` (US dollars), `tokens`, `tokens_prompt`, `tokens_completion`,
    /// `latency`, `ttft` (seconds), `tokens_per_s`, `cache_hit_ratio`, `rate_limited`, or `score:NAME`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(required)]
    pub measure: String,
    /// How; each measure has a usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agg: Option<Agg>,
}

/// Which anomalies are meant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = AlertAnomalies)]
pub struct AnomalyDoc {
    /// Only of these metrics, as in `latency_p95`; none named: of all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
    /// Only those at least so bad; usually `warning`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<Severity>,
}

/// When a value is a reason to fire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = AlertCondition)]
pub struct ConditionDoc {
    /// `static` (usual), `ratio_to_baseline`, `anomaly`, `burn_rate` or `event`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ConditionKind>,
    /// `>`, `>=`, `<`, `<=`, `==` or `!=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<Op>,
    /// Fires as a warning from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn: Option<f64>,
    /// Fires with the rule's severity from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crit: Option<f64>,
    /// Once firing, it goes on until the value is back past this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recover: Option<f64>,
    /// What `ratio_to_baseline` compares with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Fires when the value is so many times the baseline; below 1: when it is that little of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// How unusual a value must be for `anomaly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// In which direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Least change relative to what is expected: 0.2 is a fifth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_effect: Option<f64>,
    /// Share of good calls aimed at by `burn_rate`, as in 0.99, where the rule names no objective of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// Which events `event` is about: `run_finished`, `run_failed`, `prompt_version`, `model_version`, `guardrail`,
    /// `span_failed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
}

/// Kinds of conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertConditionType)]
pub enum ConditionKind {
    /// Against fixed thresholds.
    #[default]
    Static,
    /// Against the value before.
    RatioToBaseline,
    /// Against what is usual.
    Anomaly,
    /// How fast an error budget is spent.
    BurnRate,
    /// Whether something happened.
    Event,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertOperator)]
#[expect(missing_docs, reason = "they are their signs")]
pub enum Op {
    #[serde(rename = ">", alias = "gt")]
    Gt,
    #[serde(rename = ">=", alias = "gte")]
    Ge,
    #[serde(rename = "<", alias = "lt")]
    Lt,
    #[serde(rename = "<=", alias = "lte")]
    Le,
    #[serde(rename = "==", alias = "eq")]
    Eq,
    #[serde(rename = "!=", alias = "neq")]
    Ne,
}

/// What a ratio is taken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertBaseline)]
pub enum Baseline {
    /// The window before this one.
    PreviousWindow,
    /// The hour that holds the middle of this window, a week ago.
    SameHourLastWeek,
}

/// How unusual a value must be: robust standard deviations from the median of the same time on other days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertSensitivity)]
pub enum Sensitivity {
    /// 8.
    Low,
    /// 5.
    Medium,
    /// 3.5.
    High,
}

/// In which direction a value must leave what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertDirection)]
#[expect(missing_docs, reason = "plain words")]
pub enum Direction {
    Up,
    Down,
    Both,
}

/// What a window without data means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertNoData)]
pub enum NoDataMode {
    /// The value is 0.
    Zero,
    /// Nothing changes.
    Keep,
    /// All is well.
    Ok,
    /// After a while it is an alert of its own.
    Alert,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertNotifyOn)]
#[expect(missing_docs, reason = "plain words")]
pub enum NotifyOn {
    Fire,
    Escalate,
    Resolve,
    NoData,
}

/// A time of the week in which nothing is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertMuteWindow)]
pub struct MuteDoc {
    /// `mon`, `tue`, ... on which it begins; none named: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<String>,
    /// From, as in `22:00`.
    pub from: String,
    /// To; earlier than `from` is on the next day.
    pub to: String,
    /// Time zone, as in `Europe/Berlin`; usually UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// An alert rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertRule)]
pub struct RuleDoc {
    /// Its id; usually made from the name (files) or anew (API).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is called.
    pub name: String,
    /// More about it, told with every alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Only this project's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Whether it is evaluated.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Words of your own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How bad it is when `crit` is crossed; usually `critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook_url: Option<String>,
    /// What it looks at; usually `metric`.
    #[serde(default)]
    pub source: Source,
    /// What is measured, for `metric`; of `score` and `eval` how (`agg`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricDoc>,
    /// Name of the scores, for `score`: their mean unless `metric.agg` says otherwise. For `eval` the name of the metric that
    /// runs log (`NAME` or `NAME/mean`): the newest unless `metric.agg` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// Name of the budget, for `budget`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// Name of the objective, for `slo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<String>,
    /// Which anomalies, for `anomaly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<AnomalyDoc>,
    /// Only calls with these values: a member per dimension with a text or a list of texts. Scores, evaluations and events
    /// have labels of their own, the same as in `group_by`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub filters: BTreeMap<String, Value>,
    /// One alert per value of these dimensions, at most three. `score` also has `source`, `author` and `run`; `eval` has
    /// `project`, `run`, `params.NAME` and `tags.NAME`; `event` has `event`, `project`, `name` and `kind`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<String>,
    /// How much time a value is taken over: `1m` to `30d`, or the calendar's `day`, `week` or `month` so far; usually `5m`,
    /// for `eval` `1d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Time zone of calendar windows; usually UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// How often it is evaluated; usually a tenth of the window, at least `1m`, for `eval` and `event` at most `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub every: Option<Time>,
    /// How long to wait for late calls; usually `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub offset: Option<Time>,
    /// When to fire.
    #[serde(default)]
    pub condition: ConditionDoc,
    /// Fewer calls prove nothing; usually 20, for counts and sums 0, for `eval` 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_samples: Option<u64>,
    /// How long the condition must hold before it fires.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub pending: Option<Time>,
    /// How long it must be over before it is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub keep_firing_for: Option<Time>,
    /// What a window without data means; usually `keep`, for counts and sums `zero`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_data: Option<NoDataMode>,
    /// After how long `no_data = "alert"` alerts; usually `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub no_data_after: Option<Time>,
    /// How often an alert that goes on is told again: `off` (usual) or a duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renotify: Option<String>,
    /// When nothing is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mute: Vec<MuteDoc>,
    /// Who is told: names of channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// What is told; usually all of `fire`, `escalate`, `resolve`, `no_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_on: Option<Vec<NotifyOn>>,
}

impl Default for RuleDoc {
    /// A rule that says nothing, switched on.
    fn default() -> Self {
        Self {
            id: None,
            name: String::new(),
            description: None,
            project: None,
            enabled: true,
            tags: Vec::new(),
            severity: None,
            runbook_url: None,
            source: Source::default(),
            metric: None,
            score: None,
            budget: None,
            slo: None,
            anomaly: None,
            filters: BTreeMap::new(),
            group_by: Vec::new(),
            window: None,
            timezone: None,
            every: None,
            offset: None,
            condition: ConditionDoc::default(),
            min_samples: None,
            pending: None,
            keep_firing_for: None,
            no_data: None,
            no_data_after: None,
            renotify: None,
            mute: Vec::new(),
            channels: Vec::new(),
            notify_on: None,
        }
    }
}

fn yes() -> bool {
    true
}
