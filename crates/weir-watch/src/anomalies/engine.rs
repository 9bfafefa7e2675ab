//! The engine of one project: fed bucket by bucket, it says what began, changed or ended.

use weir_core::anomaly::{Anomaly, Feedback};

use super::{Bucket, History, HistoryError, Settings};

/// What happened to an anomaly; each a whole record.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is new.
    Began(Anomaly),
    /// Its value, severity or causes are others than told before.
    Changed(Anomaly),
    /// It is over.
    Ended(Anomaly),
}

impl Change {
    /// The record.
    #[must_use]
    pub fn anomaly(&self) -> &Anomaly {
        match self {
            Self::Began(anomaly) | Self::Changed(anomaly) | Self::Ended(anomaly) => anomaly,
        }
    }
}

/// What a metric does, for a page of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learning {
    /// Too little has been seen to judge; so many buckets have been learned.
    Learning(u32),
    /// Judged, and nothing is odd.
    Ok,
    /// An anomaly goes on.
    Firing,
}

/// One project: all its series, their baselines and what goes on.
#[derive(Clone, Debug)]
pub struct Engine {
    project: String,
    settings: Settings,
}

impl Engine {
    /// An engine that has learned nothing.
    #[must_use]
    pub fn new(project: &str, settings: Settings) -> Self {
        Self { project: project.to_owned(), settings }
    }

    /// Takes one closed bucket. Buckets come in the order of time; one without calls is fed empty; one that is not
    /// later than the last is passed over.
    ///
    /// # Errors
    /// When history is needed and cannot be read. The bucket counts as taken; what began is told with the next one.
    pub fn push(&mut self, bucket: &Bucket, history: &dyn History) -> Result<Vec<Change>, HistoryError> {
        let (_, _) = (bucket, history);
        Ok(Vec::new())
    }

    /// Learns from what people said of an anomaly.
    pub fn feedback(&mut self, anomaly: &Anomaly, feedback: Feedback) {
        let (_, _) = (anomaly, feedback);
    }

    /// The whole state, for [`Engine::restore`].
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// An engine as it was saved; it goes on as if it had never stopped. `None` when the bytes are of another version or
    /// of other settings of the bucket: learn anew then.
    #[must_use]
    pub fn restore(project: &str, settings: Settings, bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then(|| Self { project: project.to_owned(), settings })
    }

    /// Each metric and what it does, by name.
    #[must_use]
    pub fn learning(&self) -> Vec<(String, Learning)> {
        Vec::new()
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// How it judges.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
