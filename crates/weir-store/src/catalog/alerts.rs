//! Alert rules that were made over the API, the states of alerts, what became of them, and who silenced what.
//!
//! Invariant: a change of an alert, the line of history about it and what is told of it are stored together or not at all,
//! so that a crash neither loses nor doubles a notification.

use serde::{Deserialize, Serialize};
use weir_core::anomaly::Severity;
use weir_core::time::{Micros, rfc3339};

use super::NewNotification;
use crate::telemetry::StoreError;

/// Most rules that are kept.
pub const MAX_ALERT_RULES: usize = 1_000;
/// Most silences that are kept.
pub const MAX_ALERT_MUTES: usize = 1_000;
/// Lines of history that are kept; the oldest are deleted.
pub const MAX_ALERT_HISTORY: i64 = 50_000;
/// Most alerts, or lines of history, of one page.
pub const MAX_ALERTS: usize = 1_000;

/// A rule as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRuleRecord {
    /// Its id.
    pub id: String,
    /// The document as JSON.
    pub document: String,
    /// Counts its changes from 1.
    pub version: u32,
    /// When it was made.
    pub created_us: Micros,
    /// When it was changed last.
    pub updated_us: Micros,
}

/// How a rule is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertRulePut {
    /// There must be none of that id.
    New,
    /// There must be one, of this version where one is named.
    Change(Option<u32>),
}

/// Why a rule was not put.
#[derive(Debug, thiserror::Error)]
pub enum AlertRuleProblem {
    /// There is one of that id.
    #[error("there is a rule of that id already")]
    Exists,
    /// There is none of that id.
    #[error("there is no rule of that id")]
    Unknown,
    /// Somebody changed it meanwhile.
    #[error("the rule was changed meanwhile and has version {0} now")]
    Changed(u32),
    /// There are [`MAX_ALERT_RULES`].
    #[error("there are {MAX_ALERT_RULES} rules already: delete some, or tell series apart by group_by")]
    TooMany,
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// That somebody takes care of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertAck {
    /// Who.
    pub by: String,
    /// What they say.
    #[serde(default)]
    pub note: String,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: Micros,
    /// Until when; until it is over where nothing is said.
    #[serde(with = "rfc3339::option", default)]
    pub until: Option<Micros>,
}

/// An alert: a series of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRecord {
    /// Identifies the rule and the series.
    pub fingerprint: String,
    /// The rule's id.
    pub rule: String,
    /// The project; empty: of several.
    pub project: String,
    /// `inactive`, `pending`, `firing`, `resolved` or `no_data`.
    pub phase: String,
    /// How bad it is.
    pub severity: Severity,
    /// When the alert that goes on, or was last, began.
    pub starts_us: Option<Micros>,
    /// When it was over.
    pub ends_us: Option<Micros>,
    /// The instant that was judged last.
    pub evaluated_us: Micros,
    /// The series' state as JSON.
    pub state: String,
    /// The alert as it is told, as JSON.
    pub alert: String,
    /// Who takes care of it. Writing an alert keeps it as long as `starts_us` stays.
    pub ack: Option<AlertAck>,
}

/// A line of history.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertTransition {
    /// Grows; given by the store.
    pub seq: i64,
    /// The rule's id.
    pub rule: String,
    /// The alert.
    pub fingerprint: String,
    /// The instant that was judged, or when somebody did something.
    pub at: Micros,
    /// Where the series is since then.
    pub phase: String,
    /// What was told.
    pub event: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The value that was judged.
    pub value: Option<f64>,
    /// What it was judged against.
    pub threshold: Option<f64>,
    /// One line for people.
    pub summary: String,
    /// Who did it; `None`: nobody.
    pub person: Option<String>,
}

/// How far a rule was evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertEvaluation {
    /// The rule's id.
    pub rule: String,
    /// The instant that was judged.
    pub evaluated_us: Micros,
    /// When that was done.
    pub ran_us: Micros,
    /// How long it took.
    pub took_us: Micros,
    /// Series that were judged.
    pub series: u64,
    /// Groups that were left out, because others have more calls.
    pub left_out: u64,
    /// Why it could not be.
    pub error: Option<String>,
}

/// What evaluations came to.
#[derive(Clone, Debug, Default)]
pub struct AlertWrite {
    /// Alerts that changed; the row of each is replaced, but for its `ack`.
    pub alerts: Vec<AlertRecord>,
    /// Fingerprints of alerts that need not be remembered any longer.
    pub forgotten: Vec<String>,
    /// What became of them; `seq` does not count.
    pub history: Vec<AlertTransition>,
    /// How far rules are.
    pub evaluations: Vec<AlertEvaluation>,
    /// Rules that are gone, whose evaluation is forgotten.
    pub gone: Vec<String>,
    /// What is told.
    pub notifications: Vec<NewNotification>,
}

impl AlertWrite {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
            && self.forgotten.is_empty()
            && self.history.is_empty()
            && self.evaluations.is_empty()
            && self.gone.is_empty()
            && self.notifications.is_empty()
    }
}

/// Which alerts are asked for.
#[derive(Clone, Debug, Default)]
pub struct AlertQuery {
    /// Only of these rules; empty: of all.
    pub rules: Vec<String>,
    /// Only of these projects; empty: of all.
    pub projects: Vec<String>,
    /// Only those in one of these phases; empty: in any.
    pub phases: Vec<String>,
    /// Only those at least as bad.
    pub severity: Option<Severity>,
    /// At most that many; [`MAX_ALERTS`] at most.
    pub limit: usize,
}

/// Which lines of history are asked for.
#[derive(Clone, Debug, Default)]
pub struct AlertHistoryQuery {
    /// Only of this alert.
    pub fingerprint: Option<String>,
    /// Only of this rule.
    pub rule: Option<String>,
    /// Only those before this one.
    pub before: Option<i64>,
    /// At most that many; [`MAX_ALERTS`] at most.
    pub limit: usize,
}

/// Alerts and their rules.
pub trait Alerts: Send + Sync {
    /// Every rule, by id.
    ///
    /// # Errors
    /// When the engine fails.
    fn alert_rules(&self) -> Result<Vec<AlertRuleRecord>, StoreError>;

    /// Makes or changes a rule.
    ///
    /// # Errors
    /// See [`AlertRuleProblem`]; nothing was written.
    fn put_alert_rule(
        &self,
        id: &str,
        document: &str,
        at: Micros,
        put: AlertRulePut,
    ) -> Result<AlertRuleRecord, AlertRuleProblem>;

    /// Deletes a rule; `false` where there is none of that id. Its alerts stay until they are written again.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_alert_rule(&self, id: &str) -> Result<bool, StoreError>;

    /// Writes all of it in one transaction.
    ///
    /// # Errors
    /// When the engine fails; nothing was written.
    fn put_alerts(&self, write: AlertWrite) -> Result<(), StoreError>;

    /// Alerts: the worst first, then those that began last.
    ///
    /// # Errors
    /// When the engine fails.
    fn alerts(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, StoreError>;

    /// Every alert that is remembered, by rule and fingerprint.
    ///
    /// # Errors
    /// When the engine fails.
    fn every_alert(&self) -> Result<Vec<AlertRecord>, StoreError>;

    /// One alert.
    ///
    /// # Errors
    /// When the engine fails.
    fn alert(&self, fingerprint: &str) -> Result<Option<AlertRecord>, StoreError>;

    /// Notes that somebody takes care of an alert (`None` takes it back), with a line of history and what is told, in one
    /// transaction. `None` when there is no such alert, or it is no longer the one that began at `starts_us`.
    ///
    /// # Errors
    /// When the engine fails; nothing was written.
    fn acknowledge(
        &self,
        fingerprint: &str,
        starts_us: Option<Micros>,
        ack: Option<AlertAck>,
        line: AlertTransition,
        notifications: Vec<NewNotification>,
    ) -> Result<Option<AlertRecord>, StoreError>;

    /// Alerts that somebody takes care of: fingerprint, when the alert began, and that.
    ///
    /// # Errors
    /// When the engine fails.
    fn acknowledged(&self) -> Result<Vec<(String, Option<Micros>, AlertAck)>, StoreError>;

    /// Alerts that fire or have no data, by severity from [`Severity::Info`] up.
    ///
    /// # Errors
    /// When the engine fails.
    fn open_alerts(&self) -> Result<[u64; 3], StoreError>;

    /// What became of alerts, newest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn alert_history(&self, query: &AlertHistoryQuery) -> Result<Vec<AlertTransition>, StoreError>;

    /// How far rules are, by rule.
    ///
    /// # Errors
    /// When the engine fails.
    fn alert_evaluations(&self) -> Result<Vec<AlertEvaluation>, StoreError>;

    /// Puts a silence, a JSON document of that id, which ends then. Those that ended before `now` are deleted.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when there are [`MAX_ALERT_MUTES`]; or when the engine fails.
    fn put_alert_mute(&self, id: &str, document: &str, ends_us: Micros, now: Micros) -> Result<(), StoreError>;

    /// Deletes a silence; `false` where there is none of that id.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_alert_mute(&self, id: &str) -> Result<bool, StoreError>;

    /// The documents of the silences that have not ended at `now`, by id.
    ///
    /// # Errors
    /// When the engine fails.
    fn alert_mutes(&self, now: Micros) -> Result<Vec<String>, StoreError>;
}
