//! Anomalies, what people said of them, and what the engines that find them have learned.
//!
//! Invariants: an anomaly is one row, written again as it changes; what people said of it stays. What an engine found
//! and how far it came are written together, so that a crash neither loses nor doubles anything.

use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Feedback, Severity};
use weir_core::time::Micros;

use crate::telemetry::{StoreError, TimeRange};

/// Most anomalies of one page.
pub const MAX_ANOMALIES: usize = 1_000;

/// Which anomalies are asked for.
#[derive(Clone, Debug, Default)]
pub struct AnomalyQuery {
    /// Only of these projects; empty: of all.
    pub projects: Vec<String>,
    /// Only of these metrics; empty: of all.
    pub metrics: Vec<String>,
    /// Only of these kinds; empty: all but [`AnomalyKind::Rule`].
    pub kinds: Vec<AnomalyKind>,
    /// Only those at least as bad.
    pub severity: Option<Severity>,
    /// Only those that go on, or only those that are over.
    pub state: Option<AnomalyState>,
    /// Only those that people said something of.
    pub judged: bool,
    /// Only those that went on at some time of it: began (`onset`) before its end and not over before its start.
    pub range: TimeRange,
    /// At most that many; [`MAX_ANOMALIES`] at most.
    pub limit: usize,
    /// Only those after this one in the list's order: its `detected_at` and id.
    pub after: Option<(Micros, String)>,
}

impl AnomalyQuery {
    /// Whether it asks for an anomaly; what a list is cut by (`limit`, `after`) aside.
    #[must_use]
    pub fn asks_for(&self, anomaly: &Anomaly) -> bool {
        let among = |list: &[String], text: &String| list.is_empty() || list.contains(text);
        let kind = match self.kinds.as_slice() {
            [] => anomaly.kind != AnomalyKind::Rule,
            kinds => kinds.contains(&anomaly.kind),
        };
        kind && among(&self.projects, &anomaly.project)
            && among(&self.metrics, &anomaly.metric)
            && self.severity.is_none_or(|least| anomaly.severity >= least)
            && self.state.is_none_or(|state| anomaly.state == state)
            && (!self.judged || anomaly.feedback.is_some())
            && self.range.from.is_none_or(|from| anomaly.ended_at.is_none_or(|ended| ended >= from))
            && self.range.to.is_none_or(|to| anomaly.onset < to)
    }
}

/// What the engine of a project has learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineRecord {
    /// The project.
    pub project: String,
    /// The end of the last bucket that it was fed.
    pub until: Micros,
    /// Whether its traffic is followed as it comes: then a bucket without calls is news.
    pub live: bool,
    /// From when on calls came that it has not seen.
    pub late: Option<Micros>,
    /// Its state in its own form.
    pub state: Vec<u8>,
}

/// What an engine found and how far it came.
#[derive(Clone, Debug, Default)]
pub struct AnomalyWrite {
    /// Anomalies that began, changed or ended; the row of each is replaced, but for its feedback.
    pub anomalies: Vec<Anomaly>,
    /// What the engines have learned then.
    pub engines: Vec<EngineRecord>,
    /// Projects that were judged anew, and from when on: what was found there and is not among `anomalies` is deleted,
    /// unless people said something of it.
    pub anew: Vec<(String, Micros)>,
}

/// Anomalies.
pub trait Anomalies: Send + Sync {
    /// Writes all of it in one transaction.
    ///
    /// # Errors
    /// When the engine fails; nothing was written.
    fn put_anomalies(&self, write: AnomalyWrite) -> Result<(), StoreError>;

    /// Anomalies, the latest detected first.
    ///
    /// # Errors
    /// When the engine fails.
    fn anomalies(&self, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError>;

    /// One anomaly.
    ///
    /// # Errors
    /// When the engine fails.
    fn anomaly(&self, id: &str) -> Result<Option<Anomaly>, StoreError>;

    /// How many go on, by severity from [`Severity::Info`] up; [`AnomalyKind::Rule`] is not counted.
    ///
    /// # Errors
    /// When the engine fails.
    fn open_anomalies(&self) -> Result<[u64; 3], StoreError>;

    /// Writes what people said of an anomaly (`None` takes it back), and what its engine learned from that, in one
    /// transaction. `None` when there is no such anomaly.
    ///
    /// # Errors
    /// When the engine fails; nothing was written.
    fn put_feedback(
        &self,
        id: &str,
        feedback: Option<Feedback>,
        engine: Option<EngineRecord>,
    ) -> Result<Option<Anomaly>, StoreError>;

    /// What the engines have learned, without their states, by project.
    ///
    /// # Errors
    /// When the engine fails.
    fn engines(&self) -> Result<Vec<EngineRecord>, StoreError>;

    /// What the engine of a project has learned.
    ///
    /// # Errors
    /// When the engine fails.
    fn engine(&self, project: &str) -> Result<Option<EngineRecord>, StoreError>;

    /// Notes that a project got calls from an instant on that its engine has not seen; the earliest is kept.
    ///
    /// # Errors
    /// When the engine fails.
    fn mark_late(&self, late: Vec<(String, Micros)>) -> Result<(), StoreError>;

    /// Deletes what was over before an instant. Returns how many.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_anomalies(&self, before: Micros) -> Result<u64, StoreError>;
}
