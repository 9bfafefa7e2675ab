//! What the handlers work with.

use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::time::Clock;
use weir_store::artifacts::ArtifactStore;
use weir_store::catalog::Catalog;
use weir_store::scores::Scores;
use weir_store::telemetry::Telemetry;
use weir_store::traces::Traces;

use super::calls::CallRuns;
use super::prompt_shelf::PromptShelf;
use super::routes::MAX_BODY;
use crate::intake::Intake;
use crate::room::Room;
use crate::workers::Workers;

/// Requests that are worked on at once; more wait.
const AT_ONCE: usize = 64;
/// What a request takes in memory, by the length of its body: the body and the values that it is parsed to.
pub(super) const WEIGHT: usize = 4;

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
    pub(super) workers: Workers,
    /// For the bodies of all requests and what they are parsed to: one of the largest, or many that are smaller.
    pub(super) room: Room,
    /// Held while notes on prompts are changed.
    pub(super) prompt_notes: Mutex<()>,
}

impl Front {
    /// A front over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, workers: Workers::new(AT_ONCE), room: Room::new(MAX_BODY * WEIGHT), prompt_notes: Mutex::new(()) }
    }

    /// Unix milliseconds.
    pub(super) fn now_ms(&self) -> i64 {
        self.parts.clock.now().div_euclid(1_000)
    }
}
