use weir_store::telemetry::StoreError;

/// Why something could not be done. Logging itself never fails a program: only what is called `try_…`, what opens and
/// what reads returns one.
///
/// ```
/// use weir_sdk::{BranchDecision, ObservabilityLogger, SdkError};
/// # let folder = tempfile::tempdir()?;
/// let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let nameless = BranchDecision { request_id: Some("req-1".into()), to_node: "search".into(), ..Default::default() };
/// let error = logger.try_log_branch_decision(nameless).unwrap_err();
/// assert!(matches!(error, SdkError::Invalid { field: "from_node", .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdkError {
    /// A value that cannot be recorded.
    #[error("\"{field}\" {problem}")]
    Invalid {
        /// The field at fault, by its name in the documented tables.
        field: &'static str,
        /// What is wrong with it and what to change.
        problem: String,
    },
    /// A setting that cannot be used; says which and what to change.
    #[error("{0}")]
    Settings(String),
    /// The database file cannot be used.
    #[error("{0}")]
    Store(String),
    /// The Weir server cannot be asked, or refused.
    #[error("{0}")]
    Server(String),
    /// More waits to be stored than the queue holds; the record was dropped and counted.
    #[error("the queue is full: the store does not keep up, the record was dropped")]
    QueueFull,
    /// The logger is closing; the record was dropped and counted.
    #[error("the logger is closing, the record was dropped")]
    Closed,
}

impl SdkError {
    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }
}

impl From<StoreError> for SdkError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}
