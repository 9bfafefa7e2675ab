//! Metrics of what is logged: Weir's own, and those that a program adds.

mod custom;
pub(crate) mod page;
pub(crate) mod serve;

use weir_core::span::Span;

pub use serve::MetricsServer;

use crate::error::SdkError;

/// A metric of your own, shown on the page beside Weir's. It is told of every record that is logged, off the caller's
/// thread, after secrets were taken out.
///
/// ```
/// use weir_sdk::{LlmCall, Metric, MetricKind, ObservabilityLogger, Sample, Span};
///
/// struct Refusals;
/// impl Metric for Refusals {
///     fn name(&self) -> &str { "answers_refused_total" }
///     fn help(&self) -> &str { "Answers that say no" }
///     fn kind(&self) -> MetricKind { MetricKind::Counter }
///     fn on_call(&self, span: &Span) -> Option<Sample> {
///         let no = span.output.as_ref()?.contains("I cannot");
///         no.then(|| Sample::new(1.0).label("model", span.model.as_deref().unwrap_or("unknown")))
///     }
/// }
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("my.db");
/// let logger = ObservabilityLogger::builder().db_path(path).metric(Refusals).build()?;
/// logger.log_llm_call(LlmCall { response: Some("I cannot do that".into()), ..LlmCall::new("gpt-4o") });
/// assert!(logger.metrics().contains(r#"answers_refused_total{model="gpt-4o"} 1"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Metric: Send + Sync {
    /// Its name: letters, digits, `_` and `:`, not a digit first. A counter's ends in `_total`.
    fn name(&self) -> &str;
    /// What it says, in one line.
    fn help(&self) -> &str;
    /// A counter, to which samples are added, or a gauge, which shows the last one.
    fn kind(&self) -> MetricKind;
    /// What a record says, if it says something.
    fn on_call(&self, span: &Span) -> Option<Sample>;
}

/// What a custom metric is to Prometheus.
///
/// ```
/// assert_ne!(weir_sdk::MetricKind::Counter, weir_sdk::MetricKind::Gauge);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows: samples are added up; negative ones and such that are no numbers are left out.
    Counter,
    /// Goes up and down: the last sample counts.
    Gauge,
}

/// A value of a custom metric, with its labels.
///
/// ```
/// use weir_sdk::Sample;
/// let sample = Sample::new(0.93).label("model", "gpt-4o").label("department", "it");
/// assert_eq!(sample.labels.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The value.
    pub value: f64,
    /// Labels: names (letters, digits and `_`, not a digit first) and values. A sample with another name is left out.
    pub labels: Vec<(String, String)>,
}

impl Sample {
    /// A value without labels.
    ///
    /// ```
    /// assert_eq!(weir_sdk::Sample::new(1.0).value, 1.0);
    /// ```
    #[must_use]
    pub fn new(value: f64) -> Self {
        Self { value, labels: Vec::new() }
    }

    /// The same with a label more.
    ///
    /// ```
    /// assert_eq!(weir_sdk::Sample::new(1.0).label("model", "m").labels[0].1, "m");
    /// ```
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }
}

/// Whether a metric can stand on the page.
pub(crate) fn check(metric: &dyn Metric) -> Result<(), SdkError> {
    let name = metric.name();
    let wrong = |why: &str| Err(SdkError::Settings(format!("the metric \"{name}\" {why}")));
    if !custom::is_name(name, true) {
        return wrong("has a name that Prometheus does not take: use letters, digits, _ and :");
    }
    if metric.kind() == MetricKind::Counter && !name.ends_with("_total") {
        return wrong("counts, so its name must end in _total");
    }
    let taken = weir_watch::prometheus::table::TABLE.iter().any(|row| row.name == name || row.alias == Some(name));
    if taken { wrong("is one of Weir's: give yours another name") } else { Ok(()) }
}
