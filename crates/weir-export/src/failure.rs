//! Why a call could not be exported now, and what that means for the next attempt.

use std::time::Duration;

/// The class of a failure: a label of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No connection.
    Connection,
    /// No answer in time.
    Timeout,
    /// The credentials are wanting.
    Auth,
    /// There is no such API at the address.
    NotFound,
    /// Too many requests.
    RateLimited,
    /// The target failed.
    ServerError,
    /// The place that calls are filed under cannot be used.
    Place,
    /// The target does not take this call.
    Refused,
    /// The target says for good that it does not keep this span.
    Rejected,
    /// The target does not take this call's files.
    Artifact,
    /// A call that was given up.
    Skipped,
    /// A call that was deleted before its turn came.
    Pruned,
    /// The outbox could not be read or written.
    Store,
    /// Weir's own fault.
    Defect,
}

impl Reason {
    /// The label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Auth => "auth",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Place => "place",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Artifact => "artifact",
            Self::Skipped => "skipped",
            Self::Pruned => "pruned",
            Self::Store => "store",
            Self::Defect => "defect",
        }
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This call is not taken as it is; others may be.
    Refused(String),
    /// The target has answered for good that it does not keep this span; asking again is of no use. The target logs it,
    /// as it may not say which span of a request it is.
    Rejected(String),
    /// The target cannot be used now.
    Outage {
        /// The class.
        reason: Reason,
        /// For a person, without secrets.
        message: String,
        /// How long the target wants to be left alone.
        retry_after: Option<Duration>,
        /// Whether what was asked for may have been done all the same.
        may_have_happened: bool,
    },
}

impl Failure {
    /// An outage in which nothing can have happened.
    pub(crate) fn outage(reason: Reason, message: impl Into<String>) -> Self {
        Self::Outage { reason, message: message.into(), retry_after: None, may_have_happened: false }
    }

    /// The class.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused(_) => Reason::Refused,
            Self::Rejected(_) => Reason::Rejected,
            Self::Outage { reason, .. } => *reason,
        }
    }

    /// What happened, for a person.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Refused(message) | Self::Rejected(message) | Self::Outage { message, .. } => message,
        }
    }

    /// Whether what was asked for may have been done although no answer says so.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::Outage { may_have_happened: true, .. })
    }
}
