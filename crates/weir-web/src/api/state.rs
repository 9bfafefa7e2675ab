//! What the API needs.

use std::sync::Arc;

use tokio::sync::broadcast;
use weir_core::error::Error;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::Clock;
use weir_fronts::intake::Refused;
use weir_gateway::prompts::Library;
use weir_store::catalog::{Alerts, Anomalies};
use weir_store::ingest::Receipt;
use weir_store::scores::Scores;
use weir_store::telemetry::Telemetry;
use weir_watch::alerts::live::Alerter;
use weir_watch::alerts::reads::Reads as AlertReads;
use weir_watch::anomalies::live::Watch;
use weir_watch::notify::Post;

use super::alert_access::AlertAccess;
use super::anomalies::AnomalyAccess;
use super::backup::MakeBackup;
use super::gc::CollectGarbage;
use super::read::Reads;
use super::readiness::JudgeReadiness;
use super::scores::ScoreWrites;
use super::settings::{Configured, MeasureStorage};
use super::status::StatusAnswer;

/// Deletes every cached answer, or those of a namespace; how many.
pub type FlushCache = Arc<dyn Fn(Option<&str>) -> Result<u64, Error> + Send + Sync>;

/// Hands spans over to the store; the receipt resolves when they are durable.
pub type TakeSpans = Arc<dyn Fn(Vec<SpanWrite>) -> Result<Receipt, Refused> + Send + Sync>;

/// What the API is made of.
pub struct ApiState {
    /// Where calls are read from.
    pub store: Arc<dyn Telemetry>,
    /// Where scores are kept.
    pub scores: Arc<dyn Scores>,
    /// The prompts.
    pub prompts: Arc<Library>,
    /// Where written spans go.
    pub spans: TakeSpans,
    /// Where finished calls come by. Only a weak handle is kept: live tails end when every sender is gone.
    pub live: broadcast::Sender<Arc<Span>>,
    /// What relative times count from.
    pub clock: Clock,
    /// How the server is doing. May block.
    pub status: Arc<dyn Fn() -> StatusAnswer + Send + Sync>,
    /// Takes answers out of the cache; done when that is on disk. May block.
    pub flush_cache: FlushCache,
    /// Lets what is deleted go for good. May block.
    pub gc: CollectGarbage,
    /// Where anomalies are kept.
    pub anomalies: Arc<dyn Anomalies>,
    /// What finds them; nothing where that is switched off.
    pub watch: Option<Arc<Watch>>,
    /// The channels, and the way to them.
    pub post: Arc<Post>,
    /// Whether the service is ready for production.
    pub readiness: JudgeReadiness,
    /// Makes a whole copy of what is stored.
    pub backup: MakeBackup,
    /// Where alerts are kept.
    pub alerts: Arc<dyn Alerts>,
    /// What evaluates their rules.
    pub alerter: Arc<Alerter>,
    /// What rules, budgets and objectives look at.
    pub measured: Arc<dyn AlertReads>,
    /// What is configured.
    pub configured: Arc<dyn Configured>,
    /// Measures the room that is taken.
    pub storage: MeasureStorage,
}

/// The state of the handlers.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) reads: Reads,
    pub(super) scores: Arc<dyn Scores>,
    pub(super) score_writes: ScoreWrites,
    pub(super) prompts: Arc<Library>,
    pub(super) spans: TakeSpans,
    pub(super) live: broadcast::WeakSender<Arc<Span>>,
    pub(super) clock: Clock,
    pub(super) status: Arc<dyn Fn() -> StatusAnswer + Send + Sync>,
    pub(super) flush_cache: FlushCache,
    pub(super) gc: CollectGarbage,
    pub(super) anomalies: AnomalyAccess,
    pub(super) post: Arc<Post>,
    pub(super) readiness: JudgeReadiness,
    pub(super) backup: MakeBackup,
    pub(super) alerts: AlertAccess,
    pub(super) configured: Arc<dyn Configured>,
    pub(super) storage: MeasureStorage,
}

impl From<ApiState> for Shared {
    fn from(state: ApiState) -> Self {
        Self {
            reads: Reads::new(state.store),
            score_writes: ScoreWrites::new(state.scores.clone()),
            scores: state.scores,
            prompts: state.prompts,
            spans: state.spans,
            status: state.status,
            flush_cache: state.flush_cache,
            gc: state.gc,
            anomalies: AnomalyAccess::new(state.anomalies, state.watch),
            post: state.post,
            readiness: state.readiness,
            backup: state.backup,
            alerts: AlertAccess::new(state.alerter, state.alerts, state.measured),
            configured: state.configured,
            storage: state.storage,
            live: state.live.downgrade(),
            clock: state.clock,
        }
    }
}
