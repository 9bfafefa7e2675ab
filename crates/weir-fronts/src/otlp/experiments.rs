//! What MLflow's headers mean: `x-mlflow-experiment-id` is the number of a project, `x-mlflow-run-id` the run that the traces of
//! a request belong to.

use std::sync::Arc;

use weir_core::error::{Code, Error};
use weir_core::id::TraceId;
use weir_core::merge::SpanWrite;

use super::answer::Fault;

/// Knows projects by their numbers, and which traces belong to which runs.
pub trait Experiments: Send + Sync {
    /// The key of a project that spans carry. Called for every request: quick.
    ///
    /// # Errors
    /// 400 for what is no number, 404 for one that is unknown, or when the store fails.
    fn key(&self, experiment_id: &str) -> Result<String, Error>;

    /// Says that traces belong to a run; durable when it returns.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn link(&self, traces: &[TraceId], run: &str) -> Result<(), Error>;
}

/// Traces that are linked to a run once their spans are durable.
pub(super) struct Linking {
    pub(super) experiments: Arc<dyn Experiments>,
    pub(super) traces: Vec<TraceId>,
    pub(super) run: String,
}

impl Linking {
    /// For the traces whose roots are among the writes.
    pub(super) fn of(experiments: &Arc<dyn Experiments>, run: &str, writes: &[SpanWrite]) -> Option<Self> {
        let roots = writes.iter().filter(|write| write.span.parent_id.is_none());
        let mut traces: Vec<TraceId> = roots.map(|write| write.span.trace_id).collect();
        traces.sort_unstable();
        traces.dedup();
        let linking = Self { experiments: Arc::clone(experiments), traces, run: run.to_owned() };
        (!linking.traces.is_empty()).then_some(linking)
    }

    /// Links them.
    pub(super) async fn done(self) -> Result<(), Fault> {
        let link = move || self.experiments.link(&self.traces, &self.run);
        let defect = |_| Error::new(Code::Internal, "");
        Ok(tokio::task::spawn_blocking(link).await.map_err(defect)??)
    }
}
