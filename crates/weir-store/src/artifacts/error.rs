use crate::telemetry::StoreError;

/// Why a transfer or a change of the tree did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// There is a folder of that name.
    #[error("there is a folder of that name: choose another one for the file")]
    IsFolder,
    /// A file stands where a folder is needed.
    #[error("\"{0}\" is a file and cannot hold others: choose another name")]
    UnderFile(String),
    /// Larger than what is allowed.
    #[error("the file is larger than the {0} bytes that artifacts.max_size allows")]
    TooLarge(u64),
    /// The sender went away or broke its protocol.
    #[error("the upload broke off after {got} bytes: {why}")]
    BrokeOff {
        /// Bytes that came.
        got: u64,
        /// What the connection says.
        why: String,
    },
    /// The sender fell silent.
    #[error("the upload stood still for {0} seconds")]
    Stalled(u64),
    /// Only an object store can do it.
    #[error("only an object store can do that")]
    NeedsObjectStore,
    /// The request cannot be done as it stands.
    #[error("{0}")]
    Invalid(String),
    /// The tree or the bytes cannot be read or written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ArtifactError {
    /// A failure of the place where bytes are.
    pub(super) fn io(what: &str, error: &std::io::Error) -> Self {
        let why = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
            _ => error.to_string(),
        };
        Self::Store(StoreError::Unavailable(format!("{what}: {why}")))
    }

    /// A defect: a thread that did the work met one.
    pub(super) fn broke() -> Self {
        Self::Store(StoreError::Unavailable("the work of an artifact met a defect; the log says more".to_owned()))
    }
}
