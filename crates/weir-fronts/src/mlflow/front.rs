//! What the handlers work with.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use weir_core::time::Clock;
use weir_store::artifacts::ArtifactStore;
use weir_store::catalog::Catalog;
use weir_store::scores::Scores;
use weir_store::telemetry::Telemetry;
use weir_store::traces::Traces;

use super::calls::CallRuns;
use super::prompt_shelf::PromptShelf;
use crate::intake::Intake;

/// Requests that are worked on at once; more wait.
const AT_ONCE: usize = 64;

/// What the front is made of.
pub struct Parts {
    /// Runs, models and what belongs to them.
    pub catalog: Arc<dyn Catalog>,
    /// Files of runs, models and traces.
    pub artifacts: Arc<ArtifactStore>,
    /// Spans.
    pub telemetry: Arc<dyn Telemetry>,
    /// What traces say of themselves, and lists of them.
    pub traces: Arc<dyn Traces>,
    /// Weir's prompts.
    pub prompts: Arc<dyn PromptShelf>,
    /// Assessments.
    pub scores: Arc<dyn Scores>,
    /// The way of new spans into the store.
    pub intake: Arc<Intake>,
    /// How calls are shown as runs.
    pub calls: CallRuns,
    /// What time it is.
    pub clock: Clock,
}

/// The front.
pub struct Front {
    pub(super) parts: Parts,
    pub(super) places: Semaphore,
    /// Held while notes on prompts are changed.
    pub(super) prompt_notes: Mutex<()>,
}

impl Front {
    /// A front over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, places: Semaphore::new(AT_ONCE), prompt_notes: Mutex::new(()) }
    }

    /// Unix milliseconds.
    pub(super) fn now_ms(&self) -> i64 {
        self.parts.clock.now().div_euclid(1_000)
    }
}
