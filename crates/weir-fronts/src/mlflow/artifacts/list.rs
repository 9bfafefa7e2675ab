//! What folders hold.

use http::Method;
use serde::Serialize;
use weir_core::access::Role;
use weir_store::artifacts::ArtifactPath;
use weir_store::catalog::ArtifactEntry;

use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::routes::Endpoint;
use crate::mlflow::wire::{Args, Reply, reply};

/// Entries of one folder that are listed.
pub(super) const MOST: usize = 50_000;

pub(super) const ENDPOINTS: &[Endpoint] =
    &[Endpoint { method: Method::GET, path: "/2.0/mlflow-artifacts/artifacts", role: Role::Read, handle: folder }];

/// An entry on the wire.
#[derive(Serialize)]
pub(super) struct FileInfo {
    path: String,
    is_dir: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
}

impl FileInfo {
    /// An entry; `within` stands before its name.
    pub(super) fn new(entry: ArtifactEntry, within: Option<&ArtifactPath>) -> Self {
        let path = within.map_or_else(|| entry.name.clone(), |within| format!("{within}/{}", entry.name));
        Self { path, is_dir: entry.size.is_none(), file_size: entry.size }
    }
}

/// The entries of a folder; `None` is the root.
pub(super) fn entries(front: &Front, folder: Option<&ArtifactPath>) -> Result<Vec<ArtifactEntry>, Refused> {
    let entries = front.parts.artifacts.list(folder, MOST + 1)?;
    if entries.len() > MOST {
        return Err(Refused::invalid(format!("The folder holds more than {MOST} files: list the folders in it")));
    }
    Ok(entries)
}

fn folder(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Answer {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        files: Vec<FileInfo>,
    }
    let folder = given(args.fields().text("path")?.unwrap_or_default())?;
    let files = entries(front, folder.as_ref())?.into_iter();
    reply(&Answer { files: files.map(|entry| FileInfo::new(entry, None)).collect() })
}

/// The folder that a request names; an empty name is none.
pub(super) fn given(name: &str) -> Result<Option<ArtifactPath>, Refused> {
    if name.is_empty() { Ok(None) } else { Ok(Some(ArtifactPath::folder(name)?)) }
}
