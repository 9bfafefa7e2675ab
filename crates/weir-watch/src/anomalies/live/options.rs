use weir_core::time::{DAY, Micros, SECOND};

use crate::anomalies::Settings;

/// How the traffic is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How engines judge; the width of a bucket too.
    pub settings: Settings,
    /// How long after its end a bucket is read, for calls that take their time.
    pub lag: Micros,
    /// How much of the past is learned from.
    pub history: Micros,
    /// Most projects that are watched: those with most calls.
    pub projects: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { settings: Settings::default(), lag: 45 * SECOND, history: 42 * DAY, projects: 200 }
    }
}

impl Options {
    /// The end of the last bucket that is closed at an instant.
    #[must_use]
    pub fn closed(&self, now: Micros) -> Micros {
        self.align(now.saturating_sub(self.lag))
    }

    /// The start of the bucket of an instant.
    #[must_use]
    pub fn align(&self, at: Micros) -> Micros {
        at.saturating_sub(at.rem_euclid(self.settings.bucket))
    }
}
