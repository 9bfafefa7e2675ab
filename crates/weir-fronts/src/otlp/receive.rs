//! From a decoded request to the store, the same for HTTP and gRPC: filed under who sent it, handed over, answered when
//! it is durable.
//!
//! Metrics are counted and not kept: what Weir's own metrics say of calls is made from their spans, and points of histograms
//! tell nothing that the spans do not. Log records that carry no content of a model are not kept either. Both are answered as
//! taken, because a client that is told otherwise complains at every export.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;
use weir_core::access::Identity;
use weir_core::merge::SpanWrite;

use super::answer::Fault;
use super::decode::{Decoded, LogRecord, Points, Rejected};
use super::experiments::{Experiments, Linking};
use super::logs::Contents;
use super::wire::WireSpan;
use super::{logs, map};
use crate::intake::{self, Intake};
use crate::room::Room;

/// The name under which spans are counted.
pub const PROTOCOL: &str = "otlp";

/// How long a client waits for the store: exporters give up after 10 s.
const PATIENCE: Duration = Duration::from_secs(8);
/// Most bytes of requests in memory, by the bound of one body, which needs twice as much while it grows.
const BODIES: usize = 4;
/// Headers by which clients name a project: Weir's, LangSmith's, Opik's.
const PROJECT_HEADERS: [&str; 3] = ["x-weir-project", "langsmith-project", "projectname"];
/// The one by which MLflow's clients give its number, and the one of the run that the traces belong to.
const EXPERIMENT_HEADER: &str = "x-mlflow-experiment-id";
const RUN_HEADER: &str = "x-mlflow-run-id";

/// Bounds of the receiver.
#[derive(Clone, Copy, Debug)]
pub struct OtlpOptions {
    /// Most bytes of a request, packed or not.
    pub max_body: usize,
}

/// Takes exports.
pub struct Receiver {
    intake: Arc<Intake>,
    pub(super) max_body: usize,
    pub(super) room: Room,
    contents: Contents,
    experiments: Option<Arc<dyn Experiments>>,
    told_metrics: AtomicBool,
    told_logs: AtomicBool,
}

/// Who sends, and what that says of the spans.
#[derive(Clone)]
pub(super) struct From {
    identity: Arc<Identity>,
    project: Option<String>,
    experiment: Option<String>,
    run: Option<String>,
}

impl From {
    /// A caller and what its headers say.
    pub(super) fn new(identity: Arc<Identity>, headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let text = std::str::from_utf8(headers.get(name)?.as_bytes()).ok()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let project = PROJECT_HEADERS.iter().find_map(|name| text(name));
        Self { identity, project, experiment: text(EXPERIMENT_HEADER), run: text(RUN_HEADER) }
    }

    /// The project that the headers name for all spans.
    fn project(&self, experiments: Option<&Arc<dyn Experiments>>) -> Result<Option<String>, Fault> {
        match (&self.project, &self.experiment, experiments) {
            (None, Some(experiment), Some(experiments)) => Ok(Some(experiments.key(experiment)?)),
            (None, Some(experiment), None) => Ok(Some(experiment.clone())),
            (project, ..) => Ok(project.clone()),
        }
    }

    /// Files a span: a header's project counts for all spans.
    fn file(&self, write: &mut SpanWrite, project: Option<&String>) {
        if let Some(project) = project {
            write.span.project = Some(project.clone());
        }
        intake::sent_by(write, &self.identity);
    }
}

impl Receiver {
    /// A receiver of a way into the store.
    #[must_use]
    pub fn new(intake: Arc<Intake>, options: OtlpOptions) -> Self {
        Self {
            intake,
            max_body: options.max_body,
            room: Room::new(options.max_body.saturating_mul(BODIES)),
            contents: Contents::new(),
            experiments: None,
            told_metrics: AtomicBool::new(false),
            told_logs: AtomicBool::new(false),
        }
    }

    /// The same, which knows MLflow's experiments and runs.
    #[must_use]
    pub fn with_experiments(self, experiments: Arc<dyn Experiments>) -> Self {
        Self { experiments: Some(experiments), ..self }
    }

    /// Maps and hands over spans; the work of a thread, in proportion to their texts.
    ///
    /// # Errors
    /// When a header names an experiment that is not there.
    pub(super) fn spans(&self, decoded: Decoded<WireSpan>, from: &From) -> Result<Handed, Fault> {
        let project = from.project(self.experiments.as_ref())?;
        let mut writes: Vec<_> = decoded.items.into_iter().map(map::map).collect();
        writes.iter_mut().for_each(|write| from.file(write, project.as_ref()));
        let run = self.experiments.as_ref().zip(from.run.as_ref());
        let linking = run.and_then(|(experiments, run)| Linking::of(experiments, run, &writes));
        Ok(Handed { accepted: self.hand_over(writes), rejected: decoded.rejected, linking })
    }

    /// The same with log records.
    pub(super) fn logs(&self, records: Vec<LogRecord>) -> Handed {
        let (writes, dropped) = logs::writes(records, &self.contents);
        if dropped > 0 && !self.told_logs.swap(true, Ordering::Relaxed) {
            tracing::info!(dropped, "log records other than content of models are accepted and not kept");
        }
        Handed { accepted: self.hand_over(writes), rejected: Rejected::default(), linking: None }
    }

    /// Counts points.
    pub(super) fn metrics(&self, points: Points) {
        let Points { gen_ai, other } = points;
        tracing::debug!(gen_ai, other, "points came over OTLP");
        if gen_ai + other > 0 && !self.told_metrics.swap(true, Ordering::Relaxed) {
            tracing::info!("metrics over OTLP are accepted and not kept; Weir makes its own from the spans");
        }
    }

    fn hand_over(&self, writes: Vec<SpanWrite>) -> Option<Result<weir_store::ingest::Receipt, intake::Refused>> {
        (!writes.is_empty()).then(|| self.intake.accept(PROTOCOL, writes))
    }
}

/// Spans on their way to the store.
pub(super) struct Handed {
    accepted: Option<Result<weir_store::ingest::Receipt, intake::Refused>>,
    rejected: Rejected,
    linking: Option<Linking>,
}

impl Handed {
    /// Waits until they are durable; gives what of the request was rejected.
    ///
    /// # Errors
    /// What [`intake::durable`] says.
    pub(super) async fn durable(self) -> Result<Rejected, Fault> {
        if let Some(accepted) = self.accepted {
            intake::durable(accepted, PATIENCE).await?;
        }
        if let Some(linking) = self.linking {
            linking.done().await?;
        }
        Ok(self.rejected)
    }
}

/// Requests shorter than this are decoded where they arrive: the way to another thread would take longer.
const SHORT: usize = 32 << 10;

/// Runs work that takes as long as `bytes` are many.
///
/// # Errors
/// The work's own, or a defect in it.
pub(super) async fn work<T: Send + 'static>(
    bytes: usize,
    run: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    if bytes < SHORT {
        return run();
    }
    let defect = |_| Fault::from(weir_core::error::Error::new(weir_core::error::Code::Internal, ""));
    tokio::task::spawn_blocking(run).await.map_err(defect)?
}
