//! What a client may give as an experiment's artifact location. It is kept as a text; the server opens only its own.

use crate::mlflow::errors::Refused;
use crate::mlflow::names::check_length;

const MOST: usize = 2_048;

/// Refuses what MLflow refuses: query strings and fragments that could lead elsewhere, `runs:`.
pub(super) fn check(location: &str) -> Result<(), Refused> {
    check_length("artifact_location", MOST, location)?;
    let (whole, fragment) = location.split_once('#').unwrap_or((location, ""));
    let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
    let web = ["http:", "https:", "ftp:"].iter().any(|scheme| path.starts_with(scheme));
    if !fragment.is_empty() || (web && path.contains(';')) {
        return Err(Refused::invalid("'artifact_location' URL can't include fragments or params."));
    }
    if query.contains("..") || query.to_ascii_lowercase().contains("%2e") {
        return Err(Refused::invalid("Invalid query string"));
    }
    if location.starts_with("runs:") {
        return Err(Refused::invalid(format!("Artifact location cannot be a runs:/ URI. Given: '{location}'")));
    }
    // Where a host decides what a path means, nothing but a path is taken.
    let lead_up = |path: &str| path.split('/').any(|part| part == "..");
    let own_or_web = path.starts_with("http:") || path.starts_with("https:") || path.starts_with("mlflow-artifacts:");
    if own_or_web && (!query.is_empty() || lead_up(path)) {
        return Err(Refused::invalid(format!("Invalid artifact_location: '{location}' must be a plain path")));
    }
    // Paths of the server's own store are resolved later: they must lead down.
    let own = path.strip_prefix("mlflow-artifacts:");
    if own.is_some_and(|path| path.contains(['%', '\\'])) {
        return Err(Refused::invalid(format!("Invalid artifact_location: '{location}' must be a plain path")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_that_lead_elsewhere_are_refused() {
        for fine in ["s3://bucket/a", "mlflow-artifacts:/x/y", "/tmp/a;b", "file:///a?b=c", "relative/path"] {
            assert!(check(fine).is_ok(), "{fine}");
        }
        for bad in [
            "s3://bucket/a#../b",
            "http://host/a;b",
            "s3://b/a?x=/../y",
            "s3://b/a?x=%2E%2e",
            "runs:/abc",
            "http://h/a/../b",
            "https://h/a?b=c",
            "mlflow-artifacts:/a?x=1",
            "mlflow-artifacts:/a/../b",
            "mlflow-artifacts:/%2e%2e/b",
            "mlflow-artifacts:/a\\b",
            &"x".repeat(2_049),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
