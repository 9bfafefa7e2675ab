//! Whether the calls and decisions of the last hour are unlike those before.

mod alert;
mod reading;
mod rules;
mod source;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use weir_core::time::{Clock, Micros};

pub use alert::{AlertSink, Webhook};
pub use reading::{BranchShare, CallFigures, Period, Reading};

use crate::error::SdkError;
use crate::logger::ObservabilityLogger;

/// How long checking waits for what was just logged to be stored.
const FLUSH: Duration = Duration::from_secs(5);

/// What is compared with what, and when it is an anomaly.
///
/// ```
/// use std::time::Duration;
/// use weir_sdk::AnomalySettings;
/// let settings = AnomalySettings { window: Duration::from_secs(900), min_sample: 50, ..AnomalySettings::default() };
/// assert_eq!((settings.token_ratio, settings.cost_ratio), (1.5, 2.0));
/// assert_eq!((settings.latency_ratio, settings.branch_difference), (1.5, 0.2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AnomalySettings {
    /// The time that is looked at, up to now; one hour.
    pub window: Duration,
    /// The time before it that it is compared with; 24 hours.
    pub baseline: Duration,
    /// So many calls, or decisions of a node, must be in each of the two; 20.
    pub min_sample: u64,
    /// Tokens per call, as a multiple of before, above which they are an anomaly; 1.5.
    pub token_ratio: f64,
    /// Cost per call; 2.0.
    pub cost_ratio: f64,
    /// Latency per call; 1.5.
    pub latency_ratio: f64,
    /// Change of the share of a branch among the decisions of its node, in either direction; 0.2.
    pub branch_difference: f64,
    /// Only this project; without it everything in the store.
    pub project: Option<String>,
}

impl Default for AnomalySettings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(3_600),
            baseline: Duration::from_secs(24 * 3_600),
            min_sample: 20,
            token_ratio: 1.5,
            cost_ratio: 2.0,
            latency_ratio: 1.5,
            branch_difference: 0.2,
            project: None,
        }
    }
}

impl AnomalySettings {
    fn check(&self) -> Result<(), SdkError> {
        let wrong = |name: &str, why: &str| Err(SdkError::Settings(format!("{name} {why}")));
        let minute = Duration::from_secs(60);
        for (name, time) in [("window", self.window), ("baseline", self.baseline)] {
            if time < minute {
                return wrong(name, "is shorter than a minute, the finest that figures are kept by");
            }
            if time > Duration::from_secs(400 * 86_400) {
                return wrong(name, "is longer than 400 days");
            }
        }
        for (name, ratio) in
            [("token_ratio", self.token_ratio), ("cost_ratio", self.cost_ratio), ("latency_ratio", self.latency_ratio)]
        {
            if !ratio.is_finite() || ratio <= 0.0 {
                return wrong(name, "must be a number above 0");
            }
        }
        if !(0.0..=1.0).contains(&self.branch_difference) {
            return wrong("branch_difference", "must be between 0 and 1");
        }
        Ok(())
    }
}

/// Something that is unlike before.
///
/// ```
/// use weir_sdk::Anomaly;
/// let anomaly = Anomaly { rule: "answers".into(), message: "half of the answers are empty".into(), ..Anomaly::default() };
/// assert_eq!(serde_json::to_value(&anomaly)?["rule"], "answers");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Anomaly {
    /// The rule that found it: `tokens`, `cost`, `latency`, `branch_rate`, or that of a detector of your own.
    pub rule: String,
    /// What was measured: `tokens_per_call`, `cost_per_call_usd`, `latency_ms`, `branch_share`.
    pub metric: String,
    /// Of what: `all calls`, or `workflow: node -> node`.
    pub subject: String,
    /// The value in the window.
    pub value: f64,
    /// The value before.
    pub baseline: f64,
    /// Value by baseline, for ratio rules.
    pub ratio: Option<f64>,
    /// Value minus baseline, for difference rules.
    pub difference: Option<f64>,
    /// What it was compared with.
    pub threshold: f64,
    /// Begin of the window, microseconds since the epoch.
    pub window_start_us: Micros,
    /// End of the window.
    pub window_end_us: Micros,
    /// Calls or decisions in the window.
    pub samples: u64,
    /// Calls or decisions before.
    pub baseline_samples: u64,
    /// All of it in a sentence.
    pub message: String,
}

/// Looks at a reading of the store and says what is odd. Implement it for rules of your own.
///
/// ```
/// use weir_sdk::{Anomaly, AnomalyDetector, Detector, ObservabilityLogger, Reading};
///
/// struct Errors;
/// impl Detector for Errors {
///     fn check(&self, reading: &Reading) -> Vec<Anomaly> {
///         let share = reading.window.calls.errors as f64 / reading.window.calls.count.max(1) as f64;
///         let odd = share > 0.1;
///         odd.then(|| Anomaly {
///             rule: "errors".into(),
///             value: share,
///             message: format!("{:.0} % of the calls fail", share * 100.0),
///             ..Anomaly::default()
///         })
///         .into_iter()
///         .collect()
///     }
/// }
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let detector = AnomalyDetector::new(&logger).detector(Errors);
/// assert_eq!(detector.check_anomalies(), []);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Detector: Send + Sync {
    /// What is odd in it.
    fn check(&self, reading: &Reading) -> Vec<Anomaly>;
}

/// Compares the last hour with the day before: tokens, cost and latency per call, and the share of every branch of a
/// workflow.
///
/// ```
/// use weir_sdk::{AnomalyDetector, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let detector = AnomalyDetector::new(&logger);
/// let anomalies = detector.check_anomalies();
/// detector.alert(&anomalies);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AnomalyDetector {
    logger: ObservabilityLogger,
    settings: AnomalySettings,
    detectors: Vec<Arc<dyn Detector>>,
    sinks: Vec<Arc<dyn AlertSink>>,
    clock: Clock,
}

impl std::fmt::Debug for AnomalyDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnomalyDetector").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl AnomalyDetector {
    /// A detector over the store that a logger writes to, with the settings of [`AnomalySettings::default`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let detector = weir_sdk::AnomalyDetector::new(&logger);
    /// assert!(detector.check_anomalies().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(logger: &ObservabilityLogger) -> Self {
        Self {
            logger: logger.clone(),
            settings: AnomalySettings::default(),
            detectors: Vec::new(),
            sinks: Vec::new(),
            clock: Clock::system(),
        }
    }

    /// Other settings.
    ///
    /// ```
    /// # use weir_sdk::{AnomalyDetector, AnomalySettings, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let detector = AnomalyDetector::new(&logger)
    ///     .settings(AnomalySettings { token_ratio: 3.0, ..AnomalySettings::default() });
    /// # drop(detector);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn settings(mut self, settings: AnomalySettings) -> Self {
        self.settings = settings;
        self
    }

    /// A detector of your own, beside the built-in rules.
    ///
    /// ```
    /// # use weir_sdk::{Anomaly, AnomalyDetector, Detector, ObservabilityLogger, Reading};
    /// struct Quiet;
    /// impl Detector for Quiet {
    ///     fn check(&self, reading: &Reading) -> Vec<Anomaly> {
    ///         let silent = reading.window.calls.count == 0 && reading.baseline.calls.count > 100;
    ///         silent.then(|| Anomaly { rule: "quiet".into(), ..Anomaly::default() }).into_iter().collect()
    ///     }
    /// }
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let detector = AnomalyDetector::new(&logger).detector(Quiet);
    /// # drop(detector);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn detector(mut self, detector: impl Detector + 'static) -> Self {
        self.detectors.push(Arc::new(detector));
        self
    }

    /// Somebody who is told of alerts.
    ///
    /// ```
    /// # use weir_sdk::{AnomalyDetector, ObservabilityLogger, Webhook};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let detector = AnomalyDetector::new(&logger).sink(Webhook::new("https://hooks.example.com/T0/B0")?);
    /// # drop(detector);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sink(mut self, sink: impl AlertSink + 'static) -> Self {
        self.sinks.push(Arc::new(sink));
        self
    }

    /// What is odd now. What cannot be checked is said in the log, and nothing is odd then: ask
    /// [`AnomalyDetector::try_check_anomalies`] to know.
    ///
    /// ```
    /// # use weir_sdk::{AnomalyDetector, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// for anomaly in AnomalyDetector::new(&logger).check_anomalies() {
    ///     println!("{}", anomaly.message);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn check_anomalies(&self) -> Vec<Anomaly> {
        self.try_check_anomalies().unwrap_or_else(|error| {
            tracing::error!(%error, "anomalies cannot be checked");
            Vec::new()
        })
    }

    /// The same, and says why it cannot be checked.
    ///
    /// # Errors
    /// When the store cannot be read, the server cannot be asked, or a setting makes no sense.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use weir_sdk::{AnomalyDetector, AnomalySettings, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let detector = AnomalyDetector::new(&logger)
    ///     .settings(AnomalySettings { window: Duration::ZERO, ..AnomalySettings::default() });
    /// assert!(detector.try_check_anomalies().unwrap_err().to_string().starts_with("window"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_check_anomalies(&self) -> Result<Vec<Anomaly>, SdkError> {
        let reading = self.read()?;
        let mut found = rules::check(&self.settings, &reading);
        for detector in &self.detectors {
            found.extend(detector.check(&reading));
        }
        Ok(found)
    }

    /// What the detectors look at: the figures of the window and of the time before.
    ///
    /// # Errors
    /// As [`AnomalyDetector::try_check_anomalies`].
    ///
    /// ```
    /// # use weir_sdk::{AnomalyDetector, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let reading = AnomalyDetector::new(&logger).read()?;
    /// assert_eq!(reading.window.calls.count, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(&self) -> Result<Reading, SdkError> {
        self.settings.check()?;
        self.logger.flush(FLUSH);
        let pipeline = self.logger.pipeline()?;
        reading::read(pipeline.backend(), &self.settings, self.clock.now())
    }

    /// Tells of anomalies: a warning in the log for each, and everybody who was added as a sink. A sink that fails is
    /// said in the log.
    ///
    /// ```
    /// # use weir_sdk::{Anomaly, AnomalyDetector, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let detector = AnomalyDetector::new(&logger);
    /// detector.alert(&[Anomaly { message: "the answers are empty".into(), ..Anomaly::default() }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn alert(&self, anomalies: &[Anomaly]) {
        if anomalies.is_empty() {
            return;
        }
        for anomaly in anomalies {
            tracing::warn!(rule = anomaly.rule, subject = anomaly.subject, "anomaly: {}", anomaly.message);
        }
        for sink in &self.sinks {
            if let Err(error) = sink.alert(anomalies) {
                tracing::error!(%error, "an alert could not be delivered");
            }
        }
    }

    /// The same detector at another time.
    #[cfg(test)]
    fn at(mut self, now: Micros) -> Self {
        self.clock = Clock::fixed(now);
        self
    }
}

#[cfg(test)]
mod tests;
