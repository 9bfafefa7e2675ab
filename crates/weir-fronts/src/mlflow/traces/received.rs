//! What MLflow's headers of an OTLP request mean, looked up in the catalog.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use weir_core::error::{Code, Error};
use weir_core::id::TraceId;
use weir_store::catalog::Catalog;
use weir_store::telemetry::StoreError;
use weir_store::traces::{Link, Traces};

/// Most projects that are remembered.
const REMEMBERED: usize = 10_000;
/// Longest id of a run.
const MOST_RUN: usize = 250;

/// Projects by their numbers, remembered: a key never changes.
pub struct Experiments {
    catalog: Arc<dyn Catalog>,
    traces: Arc<dyn Traces>,
    keys: RwLock<HashMap<i64, String>>,
}

impl Experiments {
    /// Over a catalog and the traces beside it.
    #[must_use]
    pub fn new(catalog: Arc<dyn Catalog>, traces: Arc<dyn Traces>) -> Self {
        Self { catalog, traces, keys: RwLock::default() }
    }
}

impl crate::otlp::Experiments for Experiments {
    fn key(&self, experiment_id: &str) -> Result<String, Error> {
        let number: i64 = experiment_id.parse().map_err(|_| {
            Error::invalid(
                "x-mlflow-experiment-id",
                "Invalid experiment ID. Experiment ID must be a valid integer.".to_owned(),
            )
        })?;
        if let Some(key) = self.keys.read().get(&number) {
            return Ok(key.clone());
        }
        let found = self.catalog.project(number).map_err(|e| failed(&e))?;
        let project =
            found.ok_or_else(|| Error::new(Code::NotFound, format!("No Experiment with id={number} exists")))?;
        let mut keys = self.keys.write();
        if keys.len() >= REMEMBERED {
            keys.clear();
        }
        keys.insert(number, project.key.clone());
        Ok(project.key)
    }

    fn link(&self, traces: &[TraceId], run: &str) -> Result<(), Error> {
        if run.len() > MOST_RUN {
            return Err(Error::invalid("x-mlflow-run-id", format!("the id of a run has at most {MOST_RUN} bytes")));
        }
        self.traces.link_traces(traces, &[Link::Run(run.to_owned())]).map_err(|e| failed(&e))
    }
}

fn failed(error: &StoreError) -> Error {
    Error::new(Code::StoreUnavailable, error.to_string()).retry_after_ms(1_000)
}
