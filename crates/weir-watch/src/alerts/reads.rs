//! What an evaluation reads of the stores.

use std::sync::Arc;

use weir_core::anomaly::Anomaly;
use weir_core::time::Micros;
use weir_store::catalog::{Anomalies, AnomalyQuery};
use weir_store::sums::{Measured, SumGroup};
use weir_store::telemetry::{StatsQuery, StoreError, TimeRange};

/// Reads for evaluations.
pub trait Reads: Send + Sync {
    /// See [`Measured::call_sums`].
    ///
    /// # Errors
    /// As there.
    fn call_sums(&self, query: &StatsQuery) -> Result<Vec<SumGroup>, StoreError>;

    /// See [`Measured::score_values`].
    ///
    /// # Errors
    /// As there.
    fn score_values(&self, name: &str, range: TimeRange) -> Result<Vec<(Micros, f64)>, StoreError>;

    /// See [`Anomalies::anomalies`].
    ///
    /// # Errors
    /// As there.
    fn anomalies(&self, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError>;
}

/// The stores of a server.
#[derive(Clone)]
pub struct Stores {
    /// Calls and scores.
    pub measured: Arc<dyn Measured>,
    /// Anomalies.
    pub anomalies: Arc<dyn Anomalies>,
}

impl Reads for Stores {
    fn call_sums(&self, query: &StatsQuery) -> Result<Vec<SumGroup>, StoreError> {
        self.measured.call_sums(query)
    }

    fn score_values(&self, name: &str, range: TimeRange) -> Result<Vec<(Micros, f64)>, StoreError> {
        self.measured.score_values(name, range)
    }

    fn anomalies(&self, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError> {
        self.anomalies.anomalies(query)
    }
}
