//! What an evaluation reads of the stores.

use std::sync::Arc;

use weir_core::anomaly::Anomaly;
use weir_store::catalog::{Anomalies, AnomalyQuery, Happenings};
use weir_store::events::{EvalQuery, EventQuery, Labelled, ScoreQuery};
use weir_store::sums::{Detail, Largest, Measured, SumGroup};
use weir_store::telemetry::{StatsQuery, StoreError};

/// Values of the dimensions that tell series apart.
pub type Key = Vec<Option<String>>;

/// Reads for evaluations.
pub trait Reads: Send + Sync {
    /// See [`Measured::largest_groups`].
    ///
    /// # Errors
    /// As there.
    fn largest_groups(&self, query: &StatsQuery, most: usize) -> Result<Largest, StoreError>;

    /// See [`Measured::call_sums`].
    ///
    /// # Errors
    /// As there.
    fn call_sums(&self, query: &StatsQuery, detail: Detail, only: Option<&[Key]>) -> Result<Vec<SumGroup>, StoreError>;

    /// See [`Measured::score_values`].
    ///
    /// # Errors
    /// As there.
    fn score_values(&self, query: &ScoreQuery) -> Result<Vec<Labelled>, StoreError>;

    /// See [`Happenings::eval_results`].
    ///
    /// # Errors
    /// As there.
    fn eval_results(&self, query: &EvalQuery) -> Result<Vec<Labelled>, StoreError>;

    /// What happened, in the order of time: [`Measured::span_events`] and [`Happenings::happenings`].
    ///
    /// # Errors
    /// As there.
    fn events(&self, query: &EventQuery) -> Result<Vec<Labelled>, StoreError>;

    /// See [`Anomalies::anomalies`].
    ///
    /// # Errors
    /// As there.
    fn anomalies(&self, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError>;
}

/// The stores of a server.
#[derive(Clone)]
pub struct Stores {
    /// Calls, spans and scores.
    pub measured: Arc<dyn Measured>,
    /// Anomalies.
    pub anomalies: Arc<dyn Anomalies>,
    /// Runs, prompts and models.
    pub happenings: Arc<dyn Happenings>,
}

/// Events of two stores in the order of time.
#[must_use]
pub fn merged(of_spans: Vec<Labelled>, of_catalog: Vec<Labelled>) -> Vec<Labelled> {
    let mut all = of_spans;
    all.extend(of_catalog);
    all.sort_by_key(|event| event.at);
    all
}

impl Reads for Stores {
    fn largest_groups(&self, query: &StatsQuery, most: usize) -> Result<Largest, StoreError> {
        self.measured.largest_groups(query, most)
    }

    fn call_sums(&self, query: &StatsQuery, detail: Detail, only: Option<&[Key]>) -> Result<Vec<SumGroup>, StoreError> {
        self.measured.call_sums(query, detail, only)
    }

    fn score_values(&self, query: &ScoreQuery) -> Result<Vec<Labelled>, StoreError> {
        self.measured.score_values(query)
    }

    fn eval_results(&self, query: &EvalQuery) -> Result<Vec<Labelled>, StoreError> {
        self.happenings.eval_results(query)
    }

    fn events(&self, query: &EventQuery) -> Result<Vec<Labelled>, StoreError> {
        Ok(merged(self.measured.span_events(query)?, self.happenings.happenings(query)?))
    }

    fn anomalies(&self, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError> {
        self.anomalies.anomalies(query)
    }
}
