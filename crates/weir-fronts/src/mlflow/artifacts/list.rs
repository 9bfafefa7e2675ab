//! What folders hold.

use http::Method;
use serde::Serialize;
use weir_core::access::Role;
use weir_store::artifacts::ArtifactPath;
use weir_store::catalog::ArtifactEntry;

use crate::mlflow::calls;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::routes::{Endpoint, Handler};
use crate::mlflow::runs;
use crate::mlflow::wire::{Args, Reply, reply};

use super::roots::{self, Root};

/// Entries of one folder that are listed.
const MOST: usize = 50_000;

pub(in crate::mlflow) const ENDPOINTS: &[Endpoint] = &[
    get("/2.0/mlflow-artifacts/artifacts", folder),
    get("/2.0/mlflow/artifacts/list", of_run),
    get("/2.0/mlflow/logged-models/{model_id}/artifacts/directories", of_model),
];

const fn get(path: &'static str, handle: Handler) -> Endpoint {
    Endpoint { method: Method::GET, path, role: Role::Read, handle }
}

/// An entry on the wire.
#[derive(Serialize)]
struct FileInfo {
    path: String,
    is_dir: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
}

impl FileInfo {
    /// An entry; `within` stands before its name.
    fn new(entry: &ArtifactEntry, within: Option<&ArtifactPath>) -> Self {
        let path = within.map_or_else(|| entry.name.clone(), |within| format!("{within}/{}", entry.name));
        Self { path, is_dir: entry.size.is_none(), file_size: entry.size }
    }
}

/// The entries of a folder, those of a call among them; `None` is the root.
pub(super) fn entries(
    front: &Front,
    folder: Option<&ArtifactPath>,
    most: usize,
) -> Result<Vec<ArtifactEntry>, Refused> {
    let mut entries = front.parts.artifacts.list(folder, most)?;
    if let Some(folder) = folder {
        for (name, size) in calls::files_at(front, folder.as_str())? {
            if entries.iter().all(|entry| entry.name != name) {
                entries.push(ArtifactEntry { name: name.to_owned(), size: Some(size) });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(entries)
}

/// The same for an answer, which is refused where it would be cut short.
fn all(front: &Front, folder: Option<&ArtifactPath>) -> Result<Vec<ArtifactEntry>, Refused> {
    let entries = entries(front, folder, MOST + 1)?;
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
    let files = all(front, folder.as_ref())?.into_iter();
    reply(&Answer { files: files.map(|entry| FileInfo::new(&entry, None)).collect() })
}

fn of_run(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let path = given(fields.text("path")?.unwrap_or_default())?;
    rooted(front, &roots::of_run(front, runs::run_id(&fields)?)?, path.as_ref())
}

fn of_model(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let path = given(args.fields().text("artifact_directory_path")?.unwrap_or_default())?;
    rooted(front, &roots::of_model(front, args.path("model_id"))?, path.as_ref())
}

/// What a folder under a root holds, named from that root.
fn rooted(front: &Front, root: &Root, path: Option<&ArtifactPath>) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Answer<'a> {
        root_uri: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        files: Vec<FileInfo>,
    }
    let files = all(front, root.folder(path)?.as_ref())?.into_iter();
    reply(&Answer { root_uri: &root.uri, files: files.map(|entry| FileInfo::new(&entry, path)).collect() })
}

/// The folder that a request names; an empty name is none.
fn given(name: &str) -> Result<Option<ArtifactPath>, Refused> {
    if name.is_empty() { Ok(None) } else { Ok(Some(ArtifactPath::folder(name)?)) }
}
