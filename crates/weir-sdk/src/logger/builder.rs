use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_core::price::PriceTable;
use weir_core::record::{RecordConfig, RecordPolicy};

use super::core::Settings;
use super::target::Target;
use super::{DEFAULT_FILE, ObservabilityLogger};
use crate::error::SdkError;
use crate::metrics::Metric;

/// Bytes that may wait to be stored, unless set.
const QUEUE_BYTES: usize = 64 << 20;

/// How a logger is set up; made by [`ObservabilityLogger::builder`].
///
/// ```
/// use weir_sdk::{ObservabilityLogger, PayloadMode, RecordConfig};
/// # let folder = tempfile::tempdir()?;
/// let logger = ObservabilityLogger::builder()
///     .db_path(folder.path().join("my.db"))
///     .project("checkout")
///     .record(RecordConfig { payload: PayloadMode::Redacted, ..RecordConfig::default() })
///     .queue_bytes(16 << 20)
///     .build()?;
/// # drop(logger);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LoggerBuilder {
    path: Option<PathBuf>,
    server: Option<(String, Option<String>)>,
    project: Option<String>,
    record: RecordConfig,
    plain_text: bool,
    queue_bytes: usize,
    prices: Arc<PriceTable>,
    metrics: Vec<Arc<dyn Metric>>,
    own_page: bool,
}

impl std::fmt::Debug for LoggerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoggerBuilder").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Default for LoggerBuilder {
    fn default() -> Self {
        Self {
            path: None,
            server: None,
            project: None,
            record: RecordConfig::default(),
            plain_text: true,
            queue_bytes: QUEUE_BYTES,
            prices: PriceTable::builtin(),
            metrics: Vec::new(),
            own_page: false,
        }
    }
}

impl LoggerBuilder {
    /// The database file; made if it is not there. Without it `observability.db` in the working folder.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("logs/my.db");
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(&path).build()?;
    /// assert!(path.is_file());
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn db_path(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_owned());
        self
    }

    /// A Weir server instead of a file: its address, and a key if it wants one.
    ///
    /// ```
    /// let logger = weir_sdk::ObservabilityLogger::builder().server("http://127.0.0.1:8080", None).build()?;
    /// # drop(logger);
    /// # Ok::<(), weir_sdk::SdkError>(())
    /// ```
    #[must_use]
    pub fn server(mut self, url: impl Into<String>, key: Option<&str>) -> Self {
        self.server = Some((url.into(), key.map(str::to_owned)));
        self
    }

    /// The project of records; unless set `default`, and on a server that of the key.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(path).project("checkout").build()?;
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn project(mut self, name: impl Into<String>) -> Self {
        self.project = Some(name.into());
        self
    }

    /// What of prompts and answers is kept, and which patterns are replaced. Secrets such as API keys always are. Only
    /// `payload`, `truncate_to`, `max_payload`, `redact` and `project` count here.
    ///
    /// ```
    /// use weir_sdk::{PayloadMode, RecordConfig};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let record = RecordConfig { payload: PayloadMode::None, ..RecordConfig::default() };
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(path).record(record).build()?;
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn record(mut self, config: RecordConfig) -> Self {
        self.record = config;
        self
    }

    /// Whether prompts and answers stand in the file as plain text, readable with `sqlite3` alone (the default), or
    /// compressed in about a third of the room.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(path).plain_text(false).build()?;
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn plain_text(mut self, plain: bool) -> Self {
        self.plain_text = plain;
        self
    }

    /// Bytes that may wait to be stored, 64 MiB unless set; beyond that records are dropped and counted.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(path).queue_bytes(1 << 20).build()?;
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Prices for calls whose cost is not given; Weir's own list unless set. A server prices by its own.
    ///
    /// ```
    /// use weir_sdk::PriceTable;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let prices = PriceTable::builtin().with_override_file(
    ///     r#"{"models": [{"id": "our-model", "input": 0.5, "output": 1.5}]}"#)?;
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(path).prices(prices).build()?;
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn prices(mut self, prices: PriceTable) -> Self {
        self.prices = Arc::new(prices);
        self
    }

    /// A metric of your own, told of every record.
    ///
    /// ```
    /// use weir_sdk::{Metric, MetricKind, Sample, Span};
    /// struct Words;
    /// impl Metric for Words {
    ///     fn name(&self) -> &str { "answer_words_total" }
    ///     fn help(&self) -> &str { "Words of answers" }
    ///     fn kind(&self) -> MetricKind { MetricKind::Counter }
    ///     fn on_call(&self, span: &Span) -> Option<Sample> {
    ///         let words = span.output.as_ref()?.split_whitespace().count();
    ///         Some(Sample::new(words as f64).label("model", span.model.as_deref().unwrap_or_default()))
    ///     }
    /// }
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(path).metric(Words).build()?;
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn metric(mut self, metric: impl Metric + 'static) -> Self {
        self.metrics.push(Arc::new(metric));
        self
    }

    /// A page of metrics of its own, instead of the process's.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(path).own_metrics().build()?;
    /// assert!(!logger.metrics().contains("gpt-4o"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn own_metrics(mut self) -> Self {
        self.own_page = true;
        self
    }

    /// The logger.
    ///
    /// # Errors
    /// When a path and a server are both given, the file cannot be opened or made, the address is no address, a name of
    /// a metric cannot be one, or a pattern is no regular expression.
    ///
    /// ```
    /// let both = weir_sdk::ObservabilityLogger::builder().db_path("my.db").server("http://127.0.0.1:8080", None);
    /// assert!(both.build().is_err());
    /// ```
    pub fn build(self) -> Result<ObservabilityLogger, SdkError> {
        self.start(true)
    }

    /// A logger that knows everything and opens nothing: what it is given is lost and counted. For an
    /// [`InstrumentedLlm`](crate::InstrumentedLlm) whose records are handed over, and which must not keep the file open.
    ///
    /// # Errors
    /// As [`LoggerBuilder::build`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(&path).unstored()?;
    /// assert!(!path.exists());
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unstored(self) -> Result<ObservabilityLogger, SdkError> {
        self.start(false)
    }

    fn start(self, stored: bool) -> Result<ObservabilityLogger, SdkError> {
        let target = match (&self.path, &self.server) {
            (Some(_), Some(_)) => {
                return Err(SdkError::Settings(
                    "a path and a server are both given: records go to one of them".to_owned(),
                ));
            }
            (_, Some((url, key))) => Target::server(url, key.as_deref())?,
            (Some(path), None) => Target::file(path, self.plain_text)?,
            (None, None) => Target::file(Path::new(DEFAULT_FILE), self.plain_text)?,
        };
        for metric in &self.metrics {
            crate::metrics::check(metric.as_ref())?;
        }
        let default = (self.server.is_none() || self.record.project != RecordConfig::default().project)
            .then_some(self.record.project.clone());
        let project = self.project.or(default);
        let policy = RecordPolicy::new(&self.record).map_err(|e| SdkError::Settings(e.to_string()))?;
        ObservabilityLogger::start(Settings {
            target,
            project,
            policy,
            prices: self.prices,
            queue_bytes: self.queue_bytes,
            metrics: self.metrics,
            own_page: self.own_page,
            stored,
        })
    }
}
