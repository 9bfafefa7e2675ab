//! What a client asks before it does anything: `GET /version` and `server-info`.

use http::Method;
use serde::Serialize;
use weir_core::access::Role;

use super::errors::Refused;
use super::front::Front;
use super::routes::Endpoint;
use super::wire::{Args, Reply, reply};

/// The version of MLflow whose protocol this is. Clients send spans to `/v1/traces` only to 3.4 and later.
pub const VERSION: &str = "3.18.0";

pub(super) const ENDPOINTS: &[Endpoint] =
    &[Endpoint { method: Method::GET, path: "/3.0/mlflow/server-info", role: Role::Read, handle: server_info }];

fn server_info(front: &Front, _: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Answer {
        store_type: &'static str,
        workspaces_enabled: bool,
        trace_archival_enabled: bool,
        multipart_uploads_enabled: bool,
        multipart_downloads_enabled: bool,
        artifact_serving_enabled: bool,
        presigned_upload_run_id_supported: bool,
        presigned_upload_model_id_supported: bool,
        model_artifact_presigned_downloads_supported: bool,
        tracking_auth: &'static str,
        artifacts_presigned_only: bool,
    }
    reply(&Answer {
        store_type: "SqlStore",
        workspaces_enabled: false,
        trace_archival_enabled: false,
        multipart_uploads_enabled: front.parts.artifacts.is_direct(),
        multipart_downloads_enabled: front.parts.artifacts.is_direct(),
        artifact_serving_enabled: true,
        presigned_upload_run_id_supported: false,
        presigned_upload_model_id_supported: false,
        model_artifact_presigned_downloads_supported: false,
        tracking_auth: "",
        artifacts_presigned_only: false,
    })
}
