//! Artifacts of a server on this machine, as files. What a location leads to is followed as the server followed it; links
//! are not.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::Database;
use crate::import::mlflow::is_remote;
use crate::import::mlflow::source::{Content, Entry, Reach};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;
/// Where servers keep artifacts beside their database, by their defaults.
const USUAL: [&str; 2] = ["mlartifacts", "mlruns"];

impl Database {
    pub(super) fn reach_of(&self, location: &str) -> Reach {
        match self.place(location) {
            _ if is_remote(location) => Reach::Stays,
            Some(_) => Reach::Open,
            None => Reach::Closed,
        }
    }

    /// The folder of a location. One that is not there holds nothing: servers make folders for the first file.
    fn place(&self, location: &str) -> Option<PathBuf> {
        let (scheme, rest) = location.split_once(':').unwrap_or(("", location));
        if scheme == "mlflow-artifacts" {
            let path = match rest.strip_prefix("//") {
                Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
                None => rest,
            };
            let below = relative(path)?;
            return Some(self.own_root().join(below));
        }
        let path = match scheme {
            "file" => rest.strip_prefix("//").map_or(rest, |rest| rest.strip_prefix("localhost").unwrap_or(rest)),
            "" => location,
            _ => return None,
        };
        let path = self.folder.join(path);
        // On another machine: the folder that is named holds what the location's last part names.
        match (&self.artifacts, path.file_name()) {
            (Some(root), Some(last)) if !path.is_dir() => Some(root.join(last)),
            _ => Some(path),
        }
    }

    /// Where `mlflow-artifacts:/` leads.
    fn own_root(&self) -> PathBuf {
        let usual = || USUAL.iter().map(|name| self.folder.join(name)).find(|folder| folder.is_dir());
        self.artifacts.clone().or_else(usual).unwrap_or_else(|| self.folder.join(USUAL[0]))
    }

    pub(super) fn files_in(&self, location: &str, folder: &str) -> anyhow::Result<Vec<Entry>> {
        let place = self.at(location, folder)?;
        let shown = || format!("{} cannot be read", place.display());
        let listed = match std::fs::read_dir(&place) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.with_context(shown)?,
        };
        let mut found = Vec::new();
        for entry in listed {
            let entry = entry.with_context(shown)?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| anyhow!("{}/{name:?} is no UTF-8", place.display()))?;
            let kind = entry.file_type().with_context(shown)?;
            if kind.is_dir() {
                found.push(Entry { name, size: None });
            } else if kind.is_file() {
                found.push(Entry { name, size: Some(entry.metadata().with_context(shown)?.len()) });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    pub(super) fn content_of(&self, location: &str, path: &str) -> anyhow::Result<Content> {
        let place = self.at(location, path)?;
        let mut file = std::fs::File::open(&place).with_context(|| format!("{} cannot be read", place.display()))?;
        let read = move || {
            let mut piece = vec![0; PIECE];
            match file.read(&mut piece) {
                Ok(0) => None,
                Ok(count) => {
                    piece.truncate(count);
                    Some(Ok(Bytes::from(piece)))
                }
                Err(error) => Some(Err(format!("{}: {error}", place.display()))),
            }
        };
        Ok(stream::iter(std::iter::from_fn(read)).boxed())
    }

    fn at(&self, location: &str, path: &str) -> anyhow::Result<PathBuf> {
        let place = self.place(location).ok_or_else(|| anyhow!("{location} is no folder of this machine"))?;
        Ok(if path.is_empty() { place } else { place.join(path) })
    }
}

/// A path that leads down.
fn relative(path: &str) -> Option<&Path> {
    let path = Path::new(path.trim_matches('/'));
    path.components().all(|part| matches!(part, std::path::Component::Normal(_))).then_some(path)
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn locations_lead_where_the_server_kept_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("mlruns")).unwrap();
        let database = |artifacts: Option<&str>| Database {
            db: Mutex::new(Connection::open_in_memory().unwrap()),
            folder: folder.path().to_owned(),
            artifacts: artifacts.map(PathBuf::from),
        };
        let place = |artifacts, location: &str| database(artifacts).place(location);
        let beside = |path: &str| Some(folder.path().join(path));
        assert_eq!(place(None, "mlflow-artifacts:/1"), beside("mlruns/1"));
        assert_eq!(place(None, "mlflow-artifacts://host:5000/1"), beside("mlruns/1"));
        assert_eq!(place(Some("/else"), "mlflow-artifacts:/1"), Some("/else/1".into()));
        assert_eq!(place(Some("/else"), "/gone/mlruns/1"), Some("/else/1".into()));
        assert_eq!(place(None, "./mlruns/1"), beside("./mlruns/1"));
        assert_eq!(place(None, "file:///a/b"), Some("/a/b".into()));
        for closed in ["mlflow-artifacts:/../etc", "http://x/y", "ftp://x/y"] {
            assert_eq!(place(None, closed), None, "{closed}");
        }
        assert_eq!(database(None).reach_of("s3://bucket/1"), Reach::Stays);
    }
}
