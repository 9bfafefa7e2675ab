use weir_core::span::SpanKind;
use weir_core::time::{MINUTE, Micros};

use super::AnomalySettings;
use super::source;
use crate::backend::Backend;
use crate::error::SdkError;

/// What the detectors look at.
///
/// ```
/// # use weir_sdk::{AnomalyDetector, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let reading = AnomalyDetector::new(&logger).read()?;
/// assert_eq!(reading.window.from_us, reading.baseline.to_us);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The time that is looked at.
    pub window: Period,
    /// The time before it.
    pub baseline: Period,
}

/// The figures of a time.
///
/// ```
/// assert_eq!(weir_sdk::Period::default().branches, []);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Period {
    /// First instant, microseconds since the epoch, a whole minute.
    pub from_us: Micros,
    /// First instant after.
    pub to_us: Micros,
    /// Of all calls.
    pub calls: CallFigures,
    /// Every branch that was taken.
    pub branches: Vec<BranchShare>,
}

/// Figures over calls of models.
///
/// ```
/// use weir_sdk::CallFigures;
/// let figures = CallFigures { count: 4, tokens: 100, ..CallFigures::default() };
/// assert_eq!(figures.tokens_per_call(), Some(25.0));
/// assert_eq!(figures.cost_per_call_usd(), Some(0.0));
/// assert_eq!(CallFigures::default().latency_ms(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallFigures {
    /// Calls.
    pub count: u64,
    /// Those that failed or were refused.
    pub errors: u64,
    /// All tokens.
    pub tokens: u64,
    /// What is known of the cost, in US dollars.
    pub cost_usd: f64,
    /// Calls whose cost is not known.
    pub unpriced: u64,
    /// Sum of the latencies, in milliseconds.
    pub latency_sum_ms: f64,
}

impl CallFigures {
    /// Mean of the tokens; nothing without calls.
    ///
    /// ```
    /// # use weir_sdk::CallFigures;
    /// let figures = CallFigures { count: 2, tokens: 30, ..CallFigures::default() };
    /// assert_eq!(figures.tokens_per_call(), Some(15.0));
    /// ```
    #[must_use]
    pub fn tokens_per_call(&self) -> Option<f64> {
        (self.count > 0).then(|| self.tokens as f64 / self.count as f64)
    }

    /// Calls whose cost is known.
    ///
    /// ```
    /// # use weir_sdk::CallFigures;
    /// assert_eq!(CallFigures { count: 5, unpriced: 2, ..CallFigures::default() }.priced(), 3);
    /// ```
    #[must_use]
    pub fn priced(&self) -> u64 {
        self.count.saturating_sub(self.unpriced)
    }

    /// Mean of the known costs; nothing without any.
    ///
    /// ```
    /// # use weir_sdk::CallFigures;
    /// let figures = CallFigures { count: 3, unpriced: 1, cost_usd: 0.5, ..CallFigures::default() };
    /// assert_eq!(figures.cost_per_call_usd(), Some(0.25));
    /// ```
    #[must_use]
    pub fn cost_per_call_usd(&self) -> Option<f64> {
        (self.priced() > 0).then(|| self.cost_usd / self.priced() as f64)
    }

    /// Mean of the latencies in milliseconds; nothing without calls.
    ///
    /// ```
    /// # use weir_sdk::CallFigures;
    /// let figures = CallFigures { count: 2, latency_sum_ms: 300.0, ..CallFigures::default() };
    /// assert_eq!(figures.latency_ms(), Some(150.0));
    /// ```
    #[must_use]
    pub fn latency_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.latency_sum_ms / self.count as f64)
    }
}

/// How often a branch was taken.
///
/// ```
/// let branch = weir_sdk::BranchShare { count: 3, of: 4, ..Default::default() };
/// assert_eq!(branch.share(), 0.75);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BranchShare {
    /// The workflow, if the decision named one.
    pub workflow: Option<String>,
    /// The node that was left.
    pub from_node: String,
    /// The node that was entered.
    pub to_node: String,
    /// How often.
    pub count: u64,
    /// Decisions of the node, whichever way they went.
    pub of: u64,
}

impl BranchShare {
    /// The part of the node's decisions that went this way, 0 to 1.
    ///
    /// ```
    /// assert_eq!(weir_sdk::BranchShare::default().share(), 0.0);
    /// ```
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }
}

/// Reads both periods. They meet at a whole minute, so that no call is in both.
pub(super) fn read(backend: &Backend, settings: &AnomalySettings, now: Micros) -> Result<Reading, SdkError> {
    let us = |time: std::time::Duration| Micros::try_from(time.as_micros()).unwrap_or(Micros::MAX);
    let middle = now.saturating_sub(us(settings.window)).div_euclid(MINUTE).saturating_mul(MINUTE);
    let from = middle.saturating_sub(us(settings.baseline)).div_euclid(MINUTE).saturating_mul(MINUTE);
    // What is logged in this very minute counts, also by a clock that goes ahead a little.
    let to = now.div_euclid(MINUTE).saturating_add(1).saturating_mul(MINUTE);
    let period = |from_us, to_us| -> Result<Period, SdkError> {
        let calls = source::calls(backend, settings.project.as_deref(), from_us, to_us)?;
        let branches = source::branches(backend, settings.project.as_deref(), from_us, to_us)?;
        Ok(Period { from_us, to_us, calls, branches })
    };
    Ok(Reading { window: period(middle, to)?, baseline: period(from, middle)? })
}

/// The kind of step that decisions are.
pub(super) const DECISION: SpanKind = SpanKind::Branch;
