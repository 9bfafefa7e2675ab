//! Where a version's files come from: what a source may name, and where it leads.
//!
//! Weir opens nothing but its own artifacts, so sources of other stores are only kept. What lies in Weir's own store must
//! be within the root of the run or of the logged model that the request names: whoever may see the version may see it.

use super::uri::{Uri, within};
use super::{aliases, models, names, of_model, of_version, roots};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

/// Longest source, in characters.
pub(super) const LONGEST: usize = 2_000;

/// What a request says.
pub(super) struct Given<'a> {
    pub(super) source: &'a str,
    pub(super) run_id: Option<&'a str>,
    pub(super) model_id: Option<&'a str>,
}

/// What becomes of it.
pub(super) struct Origin {
    pub(super) source: String,
    pub(super) location: String,
    pub(super) run_id: String,
    pub(super) model_id: String,
}

/// Follows a source.
pub(super) fn origin(front: &Front, given: &Given<'_>) -> Result<Origin, Refused> {
    names::within("source", LONGEST, given.source)?;
    let uri = Uri::of(given.source);
    match uri.scheme.as_str() {
        "models" => from_models(front, given, &uri),
        "" | "file" => from_files(front, given, &uri),
        scheme => {
            if is_of_a_host(scheme) || (scheme == "mlflow-artifacts" && !uri.authority.is_empty()) {
                return Err(Refused::invalid(format!(
                    "'source' cannot use the '{scheme}' scheme with a host: the files would be those of another server. Name \
                     them by mlflow-artifacts:/ without a host, or by a path of an object store"
                )));
            }
            absolute(given.source)?;
            match scheme {
                "runs" => from_run(given, &uri)?,
                "mlflow-artifacts" => from_artifacts(front, given)?,
                _ => {}
            }
            found(front, given, given.source, given.source.to_owned())
        }
    }
}

/// Schemes whose files a client would fetch from any host that is named.
fn is_of_a_host(scheme: &str) -> bool {
    matches!(scheme, "http" | "https" | "ftp" | "sftp")
}

/// `models:/m-...` or `models:/name/version`.
fn from_models(front: &Front, given: &Given<'_>, uri: &Uri<'_>) -> Result<Origin, Refused> {
    if !uri.authority.is_empty() {
        return Err(Refused::invalid(format!(
            "Invalid model version source: '{}'. Registered model sources must use the active model registry.",
            given.source
        )));
    }
    absolute(given.source)?;
    let improper = || elsewhere(given.source, "model_id");
    let path = uri.path.trim_start_matches('/');
    let (name, suffix) = match path.split_once('/') {
        Some((name, suffix)) if !suffix.trim().is_empty() && !suffix.contains('/') => (name, Some(suffix)),
        Some(_) => return Err(improper()),
        None => (path, None),
    };
    if name.trim().is_empty() || !uri.path.starts_with('/') {
        return Err(improper());
    }
    let copied = match (suffix, name.rsplit_once('@')) {
        (Some(suffix), _) => by_suffix(front, names::model(name)?, suffix)?,
        (None, Some((name, alias))) if !alias.trim().is_empty() => {
            aliases::find(front, names::model(name)?, names::alias(alias)?)?
        }
        (None, Some(_)) => return Err(improper()),
        (None, None) => {
            if given.model_id != Some(name) {
                return Err(improper());
            }
            let model = roots::model(front, name)?.ok_or_else(improper)?;
            return found(front, given, given.source, model.artifact_uri);
        }
    };
    let differs = |given: Option<&str>, is: &str| given.is_some_and(|given| given != is);
    if differs(given.run_id, &copied.run_id) || differs(given.model_id, &copied.model_id) {
        return Err(Refused::invalid(format!(
            "Invalid model version source: '{}'. The run_id and model_id request parameters must match the referenced model \
             version.",
            given.source
        )));
    }
    Ok(Origin {
        source: format!("models:/{}/{}", copied.name, copied.version),
        location: copied.location,
        run_id: copied.run_id,
        model_id: copied.model_id,
    })
}

/// A version by its number, `latest` or a stage.
fn by_suffix(front: &Front, name: &str, suffix: &str) -> Result<weir_store::catalog::ModelVersion, Refused> {
    let catalog = &front.parts.catalog;
    if suffix.bytes().all(|b| b.is_ascii_digit()) {
        let version = names::version(suffix)?;
        return match catalog.model_version(name, version) {
            Ok(version) => Ok(version),
            // Says first that the model is missing, if it is.
            Err(error) => {
                catalog.registered_model(name).map_err(of_model(name))?;
                Err(of_version(name, version)(error))
            }
        };
    }
    let model = catalog.registered_model(name).map_err(of_model(name))?;
    let stage = if suffix.eq_ignore_ascii_case(names::LATEST) { None } else { Some(models::stage(suffix)?) };
    let newest = model.latest.into_iter().filter(|v| stage.is_none_or(|s| s == v.stage)).max_by_key(|v| v.version);
    newest
        .ok_or_else(|| Refused::missing(format!("No versions of model with name '{name}' and stage '{suffix}' found")))
}

/// Files of a machine: only within a root that is of the same kind.
fn from_files(front: &Front, given: &Given<'_>, uri: &Uri<'_>) -> Result<Origin, Refused> {
    let (what, root) = owner(front, given)?;
    let local = |uri: &Uri<'_>| matches!(uri.scheme.as_str(), "" | "file") && uri.is_of_this_machine();
    let contained = root.is_some_and(|root| {
        let root = Uri::of(&root);
        local(uri) && local(&root) && absolute(given.source).is_ok() && uri.lies_under(&root)
    });
    if !contained {
        return Err(Refused::invalid(format!(
            "Invalid model version source: '{}'. To use a local path as a model version source, the {what} request parameter \
             has to be specified and the local path has to be contained within the artifact directory of the {} specified by \
             the {what}.",
            given.source,
            what.trim_end_matches("_id")
        )));
    }
    found(front, given, given.source, given.source.to_owned())
}

/// `runs:/<run>/path`: the run must be the one that the request names.
fn from_run(given: &Given<'_>, uri: &Uri<'_>) -> Result<(), Refused> {
    if is_named(given.model_id) {
        return Err(elsewhere(given.source, "model_id"));
    }
    let run = uri.path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
    if !uri.authority.is_empty() || run.is_empty() || given.run_id != Some(run) {
        return Err(elsewhere(given.source, "run_id"));
    }
    Ok(())
}

/// Weir's own artifacts: within the root of what the request names.
fn from_artifacts(front: &Front, given: &Given<'_>) -> Result<(), Refused> {
    let (what, root) = owner(front, given)?;
    if root.is_some_and(|root| within(given.source, &root)) { Ok(()) } else { Err(elsewhere(given.source, what)) }
}

/// The root of what the request says the source belongs to.
fn owner(front: &Front, given: &Given<'_>) -> Result<(&'static str, Option<String>), Refused> {
    match (given.model_id.filter(|id| !id.is_empty()), given.run_id.filter(|id| !id.is_empty())) {
        (Some(id), _) => Ok(("model_id", roots::model(front, id)?.map(|model| model.artifact_uri))),
        (None, Some(id)) => Ok(("run_id", roots::run(front, id)?)),
        (None, None) => Ok(("run_id", None)),
    }
}

/// The end of the way; the run is that of the logged model where none is named.
fn found(front: &Front, given: &Given<'_>, source: &str, location: String) -> Result<Origin, Refused> {
    let model_id = given.model_id.unwrap_or_default();
    let mut run_id = given.run_id.unwrap_or_default().to_owned();
    if run_id.is_empty() && !model_id.is_empty() {
        let model = roots::model(front, model_id)?;
        run_id = model.ok_or_else(|| elsewhere(source, "model_id"))?.run_id;
    }
    Ok(Origin { source: source.to_owned(), location, run_id, model_id: model_id.to_owned() })
}

fn is_named(id: Option<&str>) -> bool {
    id.is_some_and(|id| !id.is_empty())
}

fn elsewhere(source: &str, what: &str) -> Refused {
    Refused::invalid(format!(
        "Invalid model version source: '{source}'. The {what} request parameter must identify the resource that contains the \
         source."
    ))
}

/// Refuses what leads to its place by way of another one.
fn absolute(source: &str) -> Result<(), Refused> {
    if super::uri::is_absolute(source) {
        return Ok(());
    }
    Err(Refused::invalid(format!(
        "Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp, objectstore, \
         or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide \
         an absolute path."
    )))
}
