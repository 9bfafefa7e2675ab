//! Where to export to: the `[mlflow]` section and the environment variables of MLflow's own clients.
//!
//! Rule: what stands in the file wins over a variable; only `MLFLOW_ENABLED=false` wins over the file. Where the file says
//! who calls, no variable does: those credentials are for another server. Invariant: the address is kept and shown without
//! the credentials that may stand in it.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::secret::{Secret, resolve};
use weir_core::units::Time;

use crate::address::{self, bare, basic, credentials, parse, secrets};

/// Experiment of calls when none is named.
const EXPERIMENT: &str = "llmops-production-api";
/// Longest name of an experiment.
const MAX_EXPERIMENT: usize = 500;
/// Most calls on their way at once.
const MAX_CONCURRENCY: usize = 64;

/// Export of every call as a run to an MLflow server. Changes need a restart.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MlflowConfig {
    /// Whether calls are exported. `MLFLOW_ENABLED=false` turns it off whatever stands here.
    pub enabled: bool,
    /// The MLflow server, such as `http://127.0.0.1:5000`; user and password may stand in it; or `env:NAME`. Without it:
    /// `MLFLOW_TRACKING_URI`. Without either nothing is exported.
    pub tracking_uri: Option<Secret>,
    /// The experiment that the runs are filed under; made if it is not there. Without it: `MLFLOW_EXPERIMENT_NAME`, else
    /// `llmops-production-api`.
    pub experiment: Option<String>,
    /// What stands in the tag `environment`.
    pub environment: String,
    /// User for Basic authentication; or `env:NAME`; needs a password. Without it: `MLFLOW_TRACKING_USERNAME`, unless a
    /// token stands here or a user in `tracking_uri`: then no credentials are taken from variables.
    pub username: Option<Secret>,
    /// Password for Basic authentication; or `env:NAME`. Without it: `MLFLOW_TRACKING_PASSWORD`, as above.
    pub password: Option<Secret>,
    /// Bearer token, used where there is no user and password; or `env:NAME`. Without it: `MLFLOW_TRACKING_TOKEN`, as above.
    pub token: Option<Secret>,
    /// How long one request to the server may take.
    #[schemars(with = "String")]
    pub timeout: Time,
    /// Calls that are on their way at once (1 to 64).
    pub concurrency: usize,
}

impl Default for MlflowConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            tracking_uri: None,
            experiment: None,
            environment: "production".to_owned(),
            username: None,
            password: None,
            token: None,
            timeout: Time::secs(10),
            concurrency: 8,
        }
    }
}

/// A server to export to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is, without credentials.
    pub(super) base: Url,
    /// The experiment's name.
    pub experiment: String,
    /// The tag `environment`.
    pub environment: String,
    /// The `Authorization` header.
    pub(super) authorization: Option<HeaderValue>,
    /// What must not be seen anywhere.
    pub(super) secrets: Vec<Secret>,
    pub(super) timeout: Duration,
    pub(super) concurrency: usize,
}

impl Settings {
    /// The address for people.
    #[must_use]
    pub fn shown_uri(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether a server that listens there is what calls would be sent to, as far as the address tells.
    #[must_use]
    pub fn is_at(&self, listen: SocketAddr) -> bool {
        address::is_at(&self.base, listen)
    }
}

/// What the settings come to.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Nobody asked for it.
    Unset,
    /// What is named is no server, or this one; why it is ignored.
    Ignored(String),
    /// Configured and switched off.
    Off(Settings),
    /// To be exported.
    On(Settings),
}

/// What the section and the environment come to.
///
/// # Errors
/// A key of the section that cannot be used, by name.
pub fn choose(config: &MlflowConfig, env: &dyn Fn(&str) -> Option<String>) -> Result<Choice, String> {
    let variable = |name: &str| env(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    let value = |key: &str, set: &Option<Secret>, name: &str| match set {
        Some(text) => resolve(text.expose(), env).map(Some).map_err(|e| format!("mlflow.{key}: {e}")),
        None => Ok(variable(name)),
    };
    let Some(uri) = value("tracking_uri", &config.tracking_uri, "MLFLOW_TRACKING_URI")? else {
        return Ok(Choice::Unset);
    };
    let base = match (parse(&uri), &config.tracking_uri) {
        (Some(base), _) => base,
        (None, Some(_)) => {
            return Err("mlflow.tracking_uri: is no http or https URL; write http://127.0.0.1:5000".to_owned());
        }
        // Notebooks on the same machine may well use a file or a database: that is no server to export to.
        (None, None) => {
            return Ok(Choice::Ignored(
                "MLFLOW_TRACKING_URI is ignored, as it is no http or https URL; calls are exported only to a server"
                    .to_owned(),
            ));
        }
    };
    if !(1..=MAX_CONCURRENCY).contains(&config.concurrency) {
        return Err(format!("mlflow.concurrency: {} is not between 1 and {MAX_CONCURRENCY}", config.concurrency));
    }
    if config.timeout.0.is_zero() {
        return Err("mlflow.timeout: 0 would end every request; write a duration such as \"10s\"".to_owned());
    }
    let experiment = config.experiment.clone().or_else(|| variable("MLFLOW_EXPERIMENT_NAME"));
    let experiment = experiment.unwrap_or_else(|| EXPERIMENT.to_owned());
    if experiment.trim().is_empty() || experiment.chars().count() > MAX_EXPERIMENT {
        return Err(format!("mlflow.experiment: a name has 1 to {MAX_EXPERIMENT} characters"));
    }
    let in_url = credentials(&base);
    let is_own =
        config.tracking_uri.is_some() && in_url.is_some() || config.username.is_some() || config.token.is_some();
    // What the environment holds is for another server then.
    let credential = |key: &str, set: &Option<Secret>, name: &str| match set {
        None if is_own => Ok(None),
        _ => value(key, set, name),
    };
    let username = credential("username", &config.username, "MLFLOW_TRACKING_USERNAME")?;
    let password = credential("password", &config.password, "MLFLOW_TRACKING_PASSWORD")?;
    let token = credential("token", &config.token, "MLFLOW_TRACKING_TOKEN")?;
    if config.username.is_some() && password.is_none() {
        return Err("mlflow.username: has no password; write one, as in password = \"env:MLFLOW_TRACKING_PASSWORD\", \
                    or leave the username out"
            .to_owned());
    }
    let user = username.zip(password).or(in_url);
    let (authorization, secrets) = authorization(user, token)?;
    let settings = Settings {
        base: bare(base),
        experiment,
        environment: config.environment.clone(),
        authorization,
        secrets,
        timeout: config.timeout.0,
        concurrency: config.concurrency,
    };
    let off =
        variable("MLFLOW_ENABLED").is_some_and(|v| matches!(v.to_lowercase().as_str(), "false" | "0" | "no" | "off"));
    Ok(if off || !config.enabled { Choice::Off(settings) } else { Choice::On(settings) })
}

fn authorization(
    user: Option<(String, String)>,
    token: Option<String>,
) -> Result<(Option<HeaderValue>, Vec<Secret>), String> {
    let (header, secrets) = match (user, token) {
        (Some((user, password)), _) => basic(&user, password),
        (None, Some(token)) => (format!("Bearer {token}"), secrets([token])),
        (None, None) => return Ok((None, Vec::new())),
    };
    let mut header = HeaderValue::from_str(&header)
        .map_err(|_| "mlflow.token: holds characters that cannot stand in a header".to_owned())?;
    header.set_sensitive(true);
    Ok((Some(header), secrets))
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
