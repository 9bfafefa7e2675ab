//! Files of runs, models and traces: streamed in and out under `mlflow-artifacts`, listed, deleted; and the older paths
//! that name a run, a model or a version instead.
//!
//! What streams is no endpoint of the table, since that reads whole bodies: it has routes of its own.

mod download;
mod list;
mod mime;
mod parts;
mod rooted;
mod roots;
mod streams;
#[cfg(test)]
mod tests;

pub(super) use streams::streams;

use super::errors::{ErrorCode, Refused};
use weir_store::artifacts::{ArtifactError, PathProblem};

pub(super) use list::ENDPOINTS;
pub(super) use parts::ENDPOINTS as PARTS;

impl From<PathProblem> for Refused {
    fn from(problem: PathProblem) -> Self {
        Self::invalid(format!("Invalid path: {problem}"))
    }
}

impl From<ArtifactError> for Refused {
    fn from(error: ArtifactError) -> Self {
        let message = error.to_string();
        match error {
            ArtifactError::Store(error) => error.into(),
            ArtifactError::NeedsObjectStore => Self::new(ErrorCode::NotImplemented, message),
            ArtifactError::BrokeOff { .. } | ArtifactError::Stalled(_) => Self::new(ErrorCode::BadRequest, message),
            ArtifactError::IsFolder
            | ArtifactError::UnderFile(_)
            | ArtifactError::TooLarge(_)
            | ArtifactError::Invalid(_) => Self::invalid(message),
        }
    }
}
