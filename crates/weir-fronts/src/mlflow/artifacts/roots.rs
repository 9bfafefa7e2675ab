//! Where the files of a run, a model or a version are: the one place that knows.

use weir_store::artifacts::ArtifactPath;

use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::{logged_models, runs};

/// What stands in an HTTP address before a name of the tree.
const ANCHOR: &str = "/api/2.0/mlflow-artifacts/artifacts/";

/// The root of some entity's files.
#[derive(Debug)]
pub(super) struct Root {
    /// As it is written.
    pub(super) uri: String,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// A folder of the tree; `None` is all of it.
    Own(Option<ArtifactPath>),
    /// Somewhere that only clients go.
    Foreign,
}

impl Root {
    fn new(uri: String) -> Self {
        Self { place: place(&uri), uri }
    }

    /// A folder in it, or itself, as a folder of the tree.
    pub(super) fn folder(&self, path: Option<&ArtifactPath>) -> Result<Option<ArtifactPath>, Refused> {
        match (&self.place, path) {
            (Place::Own(None), path) => Ok(path.cloned()),
            (Place::Own(Some(root)), None) => Ok(Some(root.clone())),
            (Place::Own(Some(root)), Some(path)) => Ok(Some(root.join(path)?)),
            (Place::Foreign, _) => {
                let message = format!("The artifacts are at '{}', which this server does not open", self.uri);
                Err(Refused::invalid(message))
            }
        }
    }

    /// A file in it as a file of the tree.
    pub(super) fn file(&self, path: &ArtifactPath) -> Result<ArtifactPath, Refused> {
        Ok(self.folder(Some(path))?.unwrap_or_else(|| path.clone()))
    }
}

fn place(uri: &str) -> Place {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    let path = match scheme.to_ascii_lowercase().as_str() {
        "mlflow-artifacts" => match rest.strip_prefix("//") {
            // Another host's name stands first, or none.
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => rest,
        },
        "http" | "https" => match rest.split_once(ANCHOR) {
            Some((_, path)) => path,
            None => return Place::Foreign,
        },
        _ => return Place::Foreign,
    };
    match path.trim_matches('/') {
        "" => Place::Own(None),
        path => ArtifactPath::parse(path).map_or(Place::Foreign, |path| Place::Own(Some(path))),
    }
}

/// The root of a run. A run that is a call has files that are made when they are asked for: whoever answers for a run's
/// file looks there first.
pub(super) fn of_run(front: &Front, id: &str) -> Result<Root, Refused> {
    let run = front.parts.catalog.run_record(runs::parse_id(id)?)?;
    let run = run.ok_or_else(|| Refused::missing(format!("Run with id={id} not found")))?;
    Ok(Root::new(run.artifact_uri))
}

/// The root of a logged model.
pub(super) fn of_model(front: &Front, id: &str) -> Result<Root, Refused> {
    let model = logged_models::find(front, id)?;
    let model = model.ok_or_else(|| Refused::missing(format!("Logged model with ID '{id}' not found.")))?;
    Ok(Root::new(model.artifact_uri))
}

/// The root of a model's version: where its source led when it was made.
pub(super) fn of_version(front: &Front, name: &str, version: &str) -> Result<Root, Refused> {
    let number = version.parse().map_err(|_| Refused::invalid("Model version must be an integer"))?;
    let missing = |_| Refused::missing(format!("Model Version (name={name}, version={version}) not found"));
    Ok(Root::new(front.parts.catalog.model_version(name, number).map_err(missing)?.location))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_tree_is_opened() {
        let own = |path: &str| Place::Own(Some(ArtifactPath::parse(path).unwrap()));
        for (uri, wanted) in [
            ("mlflow-artifacts:/1/r/artifacts", own("1/r/artifacts")),
            ("mlflow-artifacts:/1/r/artifacts/", own("1/r/artifacts")),
            ("mlflow-artifacts://host:1/1/r", own("1/r")),
            ("mlflow-artifacts:///1/r", own("1/r")),
            ("mlflow-artifacts:/", Place::Own(None)),
            ("http://h/api/2.0/mlflow-artifacts/artifacts/1/r", own("1/r")),
            ("http://h/other/1/r", Place::Foreign),
            ("mlflow-artifacts:/1/../2", Place::Foreign),
            ("mlflow-artifacts:/1/%2e%2e/2", Place::Foreign),
            ("file:///etc", Place::Foreign),
            ("/etc", Place::Foreign),
            ("s3://bucket/1", Place::Foreign),
            ("dummy-source", Place::Foreign),
        ] {
            assert_eq!(place(uri), wanted, "{uri}");
        }
        let root = Root::new("s3://b/x".into());
        assert!(root.folder(None).unwrap_err().message.contains("s3://b/x"));
    }
}
