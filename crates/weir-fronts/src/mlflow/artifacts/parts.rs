//! Uploads in parts and addresses for reading, where an object store has the bytes: they go there and come from there
//! without passing here.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use tokio::runtime::Handle;
use weir_core::access::Role;
use weir_store::artifacts::{ArtifactError, ArtifactPath};

use crate::mlflow::errors::{ErrorCode, Refused};
use crate::mlflow::front::Front;
use crate::mlflow::routes::Endpoint;
use crate::mlflow::wire::{Args, Reply, reply};

/// Parts that MLflow's client makes where it does not say how many.
const ONE: i64 = 1;

pub(in crate::mlflow) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::POST,
        path: "/2.0/mlflow-artifacts/mpu/create/{*path}",
        role: Role::Write,
        handle: create,
    },
    Endpoint {
        method: Method::POST,
        path: "/2.0/mlflow-artifacts/mpu/complete/{*path}",
        role: Role::Write,
        handle: complete,
    },
    Endpoint {
        method: Method::POST,
        path: "/2.0/mlflow-artifacts/mpu/abort/{*path}",
        role: Role::Write,
        handle: abort,
    },
    Endpoint {
        method: Method::GET,
        path: "/2.0/mlflow-artifacts/presigned/{*path}",
        role: Role::Read,
        handle: presigned,
    },
    Endpoint {
        method: Method::POST,
        path: "/2.0/mlflow/artifacts/presigned-upload-url",
        role: Role::Write,
        handle: only_proxied,
    },
    Endpoint {
        method: Method::POST,
        path: "/2.0/mlflow/artifacts/presigned-download-url",
        role: Role::Read,
        handle: only_proxied,
    },
];

/// The sentence by which clients know that they are to send the whole file instead.
const NO_PARTS: &str = "Multipart upload is not supported for the current artifact repository";
const NO_ADDRESS: &str = "Multipart download is not supported for the current artifact repository";

fn unless(sentence: &'static str) -> impl Fn(ArtifactError) -> Refused {
    move |error| match error {
        ArtifactError::NeedsObjectStore => Refused::new(ErrorCode::NotImplemented, sentence),
        error => error.into(),
    }
}

/// The file that an upload is for: the folder in the path, and the last part of the sender's own name of it.
fn target(args: &Args) -> Result<ArtifactPath, Refused> {
    let folder = ArtifactPath::folder(args.path("path"))?;
    let name = args.fields().required("path")?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    Ok(folder.join(&ArtifactPath::parse(name)?)?)
}

fn create(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Credential {
        url: String,
        part_number: usize,
    }
    #[derive(Serialize)]
    struct Answer {
        upload_id: String,
        credentials: Vec<Credential>,
    }
    let path = target(args)?;
    let parts = usize::try_from(args.fields().int("num_parts")?.unwrap_or(ONE)).unwrap_or_default();
    let begun = Handle::current().block_on(front.parts.artifacts.begin_upload(&path, parts));
    let (upload_id, urls) = begun.map_err(unless(NO_PARTS))?;
    let credential = |(n, url)| Credential { url, part_number: n + 1 };
    reply(&Answer { upload_id, credentials: urls.into_iter().enumerate().map(credential).collect() })
}

fn complete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (path, fields) = (target(args)?, args.fields());
    let mut parts = BTreeMap::new();
    for part in fields.objects("parts")? {
        let number = usize::try_from(part.required_int("part_number")?).unwrap_or_default();
        parts.insert(number, part.text("etag")?.unwrap_or_default().to_owned());
    }
    if parts.is_empty() && front.parts.artifacts.is_direct() {
        return Err(fields.absent("parts"));
    }
    let id = fields.text("upload_id")?.unwrap_or_default();
    let done = Handle::current().block_on(front.parts.artifacts.complete_upload(&path, id, parts));
    found(done.map_err(unless(NO_PARTS))?, id)
}

fn abort(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let path = target(args)?;
    let fields = args.fields();
    let id = fields.text("upload_id")?.unwrap_or_default();
    let done = Handle::current().block_on(front.parts.artifacts.abort_upload(&path, id));
    found(done.map_err(unless(NO_PARTS))?, id)
}

fn found(found: bool, id: &str) -> Result<Reply, Refused> {
    if found {
        return Ok(Reply::empty());
    }
    Err(Refused::missing(format!("There is no upload '{id}' of that file: it has ended, or never began")))
}

fn presigned(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Headers {}
    #[derive(Serialize)]
    struct Answer {
        url: String,
        headers: Headers,
        file_size: u64,
    }
    let path = ArtifactPath::parse(args.path("path"))?;
    let signed = Handle::current().block_on(front.parts.artifacts.presigned(&path));
    let signed = signed.map_err(unless(NO_ADDRESS))?;
    let (url, file_size) = signed.ok_or_else(|| Refused::missing(format!("No such artifact: '{path}'")))?;
    reply(&Answer { url, headers: Headers {}, file_size })
}

/// These two are for runs whose files are elsewhere, which this server never opens.
fn only_proxied(_: &Front, _: &Args) -> Result<Reply, Refused> {
    Err(Refused::invalid(
        "Presigned URLs are not supported for proxied artifact storage (artifact URI scheme: mlflow-artifacts). This \
         endpoint requires a direct cloud storage artifact URI.",
    ))
}
