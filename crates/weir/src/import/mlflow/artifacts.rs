//! The bytes of artifacts: all that lies below the locations of experiments, which is where files of runs, logged models
//! and traces are. Streamed into the store, which addresses them by their content; then read back and compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use weir_store::artifacts::{ArtifactError, ArtifactPath};
use weir_store::catalog::{ProjectRecord, Projects};

use super::source::Reach;
use super::{Import, Kinds};
use crate::import::parallel;

/// Files that are gathered before they are moved.
const FILES: usize = 256;
/// How often the bytes of one file are asked for.
const ATTEMPTS: usize = 4;
/// What the server's own locations begin with.
const OWN: &str = "mlflow-artifacts:/";

/// A file to be moved.
struct File {
    location: Arc<str>,
    /// Below the location.
    path: String,
    size: u64,
    /// The folder of the location here.
    root: Arc<str>,
}

pub(super) fn all(
    import: &Import<'_>,
    experiments: &[ProjectRecord],
    kinds: &Kinds,
    notes: &mut Vec<String>,
) -> anyhow::Result<()> {
    import.progress.begin("artifacts", None);
    let by_size = AtomicU64::new(0);
    for experiment in experiments {
        let location = experiment.artifact_location.trim_end_matches('/');
        let name = &experiment.name;
        match import.source.reach(location) {
            Reach::Open => {}
            Reach::Stays => {
                notes.push(format!("artifacts of {name:?} stay at {location}, where clients read them"));
                continue;
            }
            Reach::Closed => {
                kinds
                    .artifacts
                    .refused(name, format!("its artifacts are at {location}, which cannot be read from here"));
                continue;
            }
        }
        let number = import.number(experiment.number)?;
        let here = import.target.catalog.project(number)?.map(|here| here.artifact_location).unwrap_or_default();
        let Some(root) = here.strip_prefix(OWN) else {
            kinds
                .artifacts
                .refused(name, format!("its artifacts belong to {here} here, which is not Weir's own store"));
            continue;
        };
        walk(import, location, root.trim_matches('/'), |files| {
            parallel::each(files, |file| {
                one(import, &file, kinds, &by_size)?;
                import.progress.more(1);
                Ok(())
            })
        })?;
    }
    let by_size = by_size.into_inner();
    if by_size > 0 {
        notes.push(format!("{by_size} artifacts were here with the same size; --verify reads them again and compares"));
    }
    Ok(())
}

/// Gives out all files below a location.
fn walk(
    import: &Import<'_>,
    location: &str,
    root: &str,
    mut each: impl FnMut(Vec<File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (location, root): (Arc<str>, Arc<str>) = (location.into(), root.into());
    let (mut folders, mut files) = (vec![String::new()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in import.source.files(&location, &folder)? {
            let path = if folder.is_empty() { entry.name } else { format!("{folder}/{}", entry.name) };
            match entry.size {
                None => folders.push(path),
                Some(size) => files.push(File { location: location.clone(), path, size, root: root.clone() }),
            }
            if files.len() >= FILES {
                each(std::mem::take(&mut files))?;
            }
        }
    }
    each(files)
}

fn one(import: &Import<'_>, file: &File, kinds: &Kinds, by_size: &AtomicU64) -> anyhow::Result<()> {
    let id = format!("{}/{}", file.location, file.path);
    let name = if file.root.is_empty() { file.path.clone() } else { format!("{}/{}", file.root, file.path) };
    // Names are decoded once where clients give them.
    let Ok(path) = ArtifactPath::parse(&name.replace('%', "%25")) else {
        kinds.artifacts.refused(&id, "Weir takes no such name");
        return Ok(());
    };
    let before = import.target.artifacts.file(&path)?;
    let same_size = before.as_ref().is_some_and(|before| before.blob.size == file.size);
    if same_size && !import.source.is_near() && !import.verify {
        by_size.fetch_add(1, Ordering::Relaxed);
        let text = format!("{} {}", file.size, before.map(|before| before.blob.digest).unwrap_or_default());
        kinds.artifacts.compare(&id, &text, Some(&text));
        return Ok(());
    }
    let there = if same_size { Some(read_there(import, file)?) } else { None };
    let mut here = if same_size { read_here(import, &path)? } else { None };
    let there = match there {
        Some(there) if Some(&there) == here.as_ref() => there,
        _ => {
            let there = match put(import, file, &path)? {
                Ok(there) => there,
                Err(why) => {
                    kinds.artifacts.refused(&id, why);
                    return Ok(());
                }
            };
            kinds.artifacts.added();
            here = read_here(import, &path)?;
            there
        }
    };
    kinds.artifacts.compare(&id, &there, here.as_deref());
    Ok(())
}

/// Copies a file; gives its size and digest as they were read, or why it is not taken.
fn put(import: &Import<'_>, file: &File, path: &ArtifactPath) -> anyhow::Result<Result<String, String>> {
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        let hash = Arc::new(Mutex::new((0_u64, Sha256::new())));
        let content = import.source.open(&file.location, &file.path)?;
        let hashed = {
            let hash = hash.clone();
            content.inspect(move |piece| {
                if let Ok(piece) = piece {
                    let mut hash = hash.lock();
                    hash.0 += piece.len() as u64;
                    hash.1.update(piece);
                }
            })
        };
        let done = import.target.runtime.block_on(import.target.artifacts.put(path, None, hashed));
        match done {
            Ok(()) => {
                let (size, hash) = std::mem::take(&mut *hash.lock());
                return Ok(Ok(format!("{size} {}", hex::encode(hash.finalize()))));
            }
            Err(ArtifactError::BrokeOff { .. } | ArtifactError::Stalled(_)) if left > 0 => {}
            Err(error @ (ArtifactError::IsFolder | ArtifactError::UnderFile(_) | ArtifactError::TooLarge(_))) => {
                return Ok(Err(error.to_string()));
            }
            Err(error) => return Err(anyhow::anyhow!("{}/{}: {error}", file.location, file.path)),
        }
    }
}

/// Size and digest of a file of the source.
fn read_there(import: &Import<'_>, file: &File) -> anyhow::Result<String> {
    let content = import.source.open(&file.location, &file.path)?;
    import.target.runtime.block_on(sum(content))
}

/// Size and digest of a file as it is stored here.
fn read_here(import: &Import<'_>, path: &ArtifactPath) -> anyhow::Result<Option<String>> {
    import.target.runtime.block_on(async {
        let Some(opened) = import.target.artifacts.open_file(path).await? else { return Ok(None) };
        let size = opened.record.blob.size;
        let bytes = opened.bytes(0..size).await?;
        sum(bytes.map(|piece| piece.map_err(|error| error.to_string())).boxed()).await.map(Some)
    })
}

async fn sum(mut content: super::source::Content) -> anyhow::Result<String> {
    let (mut size, mut hash) = (0, Sha256::new());
    while let Some(piece) = content.next().await {
        let piece = piece.map_err(anyhow::Error::msg)?;
        size += piece.len() as u64;
        hash.update(&piece);
    }
    Ok(format!("{size} {}", hex::encode(hash.finalize())))
}
