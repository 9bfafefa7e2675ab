//! Backups as they are asked for: the same by the command, the API and the server's own clock.

use std::path::{Path, PathBuf};

use weir_core::error::{Code, Error};
use weir_core::time::{Clock, to_rfc3339};
use weir_store::artifacts::ArtifactPlace;
use weir_store::backup::{self, Backup, BackupError, Manifest, Source, Verified};
use weir_web::api::{BackupAnswer, VerifiedJson};

use crate::config::Settings;

/// What is backed up, and where to.
#[derive(Clone)]
pub(crate) struct Backups {
    source: Source,
    /// The folder of backups.
    pub shelf: Option<PathBuf>,
    /// How many stay.
    pub keep: usize,
}

impl Backups {
    /// Of a data folder with these settings.
    pub(crate) fn new(settings: &Settings, data: &Path, clock: Clock) -> anyhow::Result<Self> {
        settings.backup.check()?;
        let place = settings.artifacts.options(data, &|name| std::env::var(name).ok())?.place;
        let (artifacts, artifacts_elsewhere) = match place {
            ArtifactPlace::Folder(folder) => (Some(folder), None),
            ArtifactPlace::Objects(objects) => (None, Some(format!("s3://{}/{}", objects.bucket, objects.prefix))),
        };
        let source = Source {
            data: data.to_owned(),
            artifacts,
            artifacts_elsewhere,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock,
        };
        Ok(Self { source, shelf: settings.backup.dir.clone(), keep: settings.backup.keep })
    }

    /// Makes one, restores it on trial if that is asked for, and removes old ones. Blocks.
    pub(crate) fn make(&self, verify: bool) -> Result<BackupAnswer, Error> {
        let shelf = self.shelf()?;
        let made = backup::make(&self.source, shelf).map_err(|error| refusal(&error))?;
        let verified = if verify { Some(self.verify(&made.path)?) } else { None };
        let removed = backup::prune(shelf, self.keep).map_err(|error| refusal(&error))?;
        Ok(answer(&made.path, &made.manifest, verified.as_ref(), &removed))
    }

    /// Restores one on trial. Blocks.
    pub(crate) fn verify(&self, path: &Path) -> Result<Verified, Error> {
        let Source { version, clock, .. } = &self.source;
        backup::verify(path, version, clock).map_err(|error| refusal(&error))
    }

    /// Those that there are, newest first. Blocks.
    pub(crate) fn list(&self) -> Result<Vec<Backup>, Error> {
        backup::list(self.shelf()?).map_err(|error| refusal(&error))
    }

    fn shelf(&self) -> Result<&Path, Error> {
        self.shelf.as_deref().ok_or_else(|| {
            Error::new(Code::InvalidRequest, "no folder of backups is set: set `dir` under [backup] in weir.toml")
        })
    }
}

/// What is said of a backup.
pub(crate) fn answer(
    path: &Path,
    manifest: &Manifest,
    verified: Option<&Verified>,
    removed: &[PathBuf],
) -> BackupAnswer {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    BackupAnswer {
        name: name(path),
        path: path.display().to_string(),
        began: to_rfc3339(manifest.began_at),
        made: to_rfc3339(manifest.made_at),
        files: manifest.files,
        bytes: manifest.bytes,
        artifacts_elsewhere: manifest.artifacts_elsewhere.clone(),
        verified: verified.map(|v| VerifiedJson { at: to_rfc3339(v.verified_at), calls: v.calls }),
        removed: removed.iter().map(|path| name(path)).collect(),
    }
}

pub(crate) fn refusal(error: &BackupError) -> Error {
    let code = match error {
        BackupError::Refused(_) => Code::Conflict,
        BackupError::Damaged(_) => Code::Internal,
        BackupError::Io(_) | BackupError::Store(_) => Code::StoreUnavailable,
    };
    Error::new(code, error.to_string())
}
