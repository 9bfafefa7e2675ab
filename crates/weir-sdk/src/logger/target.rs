//! Where a logger's records go.

use std::path::{Path, PathBuf};

use reqwest::Url;
use weir_core::secret::Secret;

use crate::error::SdkError;
use crate::process::TargetId;

/// A file or a server.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    File { path: PathBuf, plain_text: bool },
    Server { url: Url, key: Option<Secret> },
}

impl Target {
    /// A file, by its absolute path; its folder is made if it is not there.
    pub(crate) fn file(path: &Path, plain_text: bool) -> Result<Self, SdkError> {
        let cannot =
            |what: &str, e: std::io::Error| SdkError::Store(format!("{} cannot be {what}: {e}", path.display()));
        let name = path.file_name().ok_or_else(|| {
            SdkError::Settings(format!("\"{}\" is no path of a file: give one such as my.db", path.display()))
        })?;
        if path.is_dir() {
            return Err(SdkError::Settings(format!(
                "\"{}\" is a folder: give the path of a file in it, such as {}",
                path.display(),
                path.join("observability.db").display()
            )));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(|e| cannot("made", e))?;
        // The true path, so that all ways to one file share one store.
        let path = folder.canonicalize().map_err(|e| cannot("opened", e))?.join(name);
        Ok(Self::File { path: path.canonicalize().unwrap_or(path), plain_text })
    }

    /// A Weir server, by its address.
    pub(crate) fn server(url: &str, key: Option<&str>) -> Result<Self, SdkError> {
        let wrong = |why: &str| {
            SdkError::Settings(format!("\"{url}\" is no address of a Weir server: {why}, as in http://127.0.0.1:8080"))
        };
        let parsed = Url::parse(url.trim()).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong("it must begin with http:// or https://"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(SdkError::Settings("the address must not hold a key: give it on its own".to_owned()));
        }
        let key = key.filter(|key| !key.is_empty()).map(Secret::from);
        Ok(Self::Server { url: parsed, key })
    }

    /// The server's address.
    pub(crate) fn url(&self) -> Option<&Url> {
        match self {
            Self::File { .. } => None,
            Self::Server { url, .. } => Some(url),
        }
    }

    pub(crate) fn id(&self) -> TargetId {
        match self {
            Self::File { path, .. } => TargetId::File(path.clone()),
            Self::Server { url, key } => {
                let key = key.as_ref().map(|key| key.expose().to_owned()).unwrap_or_default();
                TargetId::Server(url.as_str().to_owned(), key)
            }
        }
    }
}
