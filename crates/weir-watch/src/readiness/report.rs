use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::time::{Micros, rfc3339};

use super::Facts;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// It cannot be said.
    Unknown,
}

/// On which side of its target a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// There or above.
    AtLeast,
    /// There or below.
    AtMost,
    /// Below.
    Below,
    /// The target is the whole that the figure is a part of.
    Of,
}

/// A figure beside what it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReadinessFigure)]
pub struct Figure {
    /// What was found; absent where there is nothing to measure.
    pub value: Option<f64>,
    /// Unit of both: `share` (0 to 1), `ms`, `s`, `usd`, `score`, `count`.
    pub unit: String,
    /// What it is judged against.
    pub target: Option<f64>,
    /// How it is judged against it.
    pub bound: Bound,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReadinessLine)]
pub struct Line {
    /// Stable name of the check.
    pub id: String,
    /// What it asks, for people.
    pub title: String,
    /// What it came to.
    pub verdict: Verdict,
    /// The figure.
    pub figure: Figure,
    /// Whether the figure is of the report's window; else it is of now.
    pub windowed: bool,
    /// What was found, in words.
    pub found: String,
    /// What to do, where something is to be done.
    pub fix: Option<String>,
}

/// Whether a service is ready for production.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Readiness)]
pub struct Report {
    /// Whether the service is ready.
    pub ready: bool,
    /// Lines that pass.
    pub passed: u64,
    /// Lines that fail.
    pub failed: u64,
    /// Lines that cannot be judged.
    pub unknown: u64,
    /// Start of the window that calls and scores are of; a whole minute.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Micros,
    /// Its end, exclusive; a whole minute.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub to: Micros,
    /// The lines, in their fixed order.
    pub checks: Vec<Line>,
}

impl Report {
    pub(super) fn new(facts: &Facts, checks: Vec<Line>, unknown_fails: bool) -> Self {
        let count = |verdict| checks.iter().filter(|line| line.verdict == verdict).count() as u64;
        let (passed, failed, unknown) = (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::Unknown));
        let ready = failed == 0 && (unknown == 0 || !unknown_fails);
        let (from, to) = facts.window;
        Self { ready, passed, failed, unknown, from, to, checks }
    }
}
