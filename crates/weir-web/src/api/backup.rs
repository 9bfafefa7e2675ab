//! `/api/v1/backup`: a whole copy of what is stored.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use weir_core::error::{Code, Error};

use super::params::{self, Param};
use super::query::Query;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

static PARAMS: [Param; 1] = [Param {
    name: "verify",
    about: "true: also restore it on trial, which takes the room of another one and longer",
    repeats: false,
}];

/// The parameters, for the OpenAPI document.
pub(super) struct BackupParams;

impl IntoParams for BackupParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(PARAMS.iter())
    }
}

/// Makes a backup, and with the flag restores it on trial. May block for long.
pub type MakeBackup = Arc<dyn Fn(bool) -> Result<BackupAnswer, Error> + Send + Sync>;

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupAnswer {
    /// Its name in the folder of backups.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// When it began: what was acknowledged before is in it. RFC 3339.
    #[schema(format = DateTime)]
    pub began: String,
    /// When it was whole. RFC 3339.
    #[schema(format = DateTime)]
    pub made: String,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where the contents of artifacts are if they are not in the backup.
    pub artifacts_elsewhere: Option<String>,
    /// That it was restored on trial; null where that was not asked for.
    pub verified: Option<VerifiedJson>,
    /// Older ones that were removed, by name.
    pub removed: Vec<String>,
}

/// That a backup was restored on trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifiedJson {
    /// When. RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// Spans in the restored store: calls and other steps.
    pub calls: u64,
}

/// Makes a backup into the folder that `[backup]` names, while the server runs; needs a key of role `admin`. The answer comes
/// when it is whole.
#[utoipa::path(
    post,
    path = "/api/v1/backup",
    operation_id = "makeBackup",
    tag = "meta",
    params(BackupParams),
    responses(
        (status = 200, description = "The backup is whole and on disk", body = BackupAnswer),
        (status = 400, description = "A parameter is wrong, or no folder is set", body = ErrorAnswer),
        (status = 409, description = "Another backup is being written, or the folder cannot be used", body = ErrorAnswer),
        (status = 503, description = "A file cannot be read or written, such as on a full disk; nothing is left", body = ErrorAnswer),
    )
)]
pub(super) async fn make(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::check(&pairs, PARAMS.iter(), false)?;
    let verify = params::one(&pairs, "verify").map(|text| params::boolean("verify", text)).transpose()?;
    let make = shared.backup.clone();
    let done = tokio::task::spawn_blocking(move || make(verify.unwrap_or(false))).await;
    let answer = done.unwrap_or_else(|e| Err(Error::new(Code::Internal, format!("the work broke off: {e}"))))?;
    let body = serde_json::to_vec(&answer);
    Ok(json(body.map_err(|e| Error::new(Code::Internal, e.to_string()))?))
}
