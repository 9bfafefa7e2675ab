//! Where spans are exported to: the section `[otlp.export]`, and nothing else. `OTEL_EXPORTER_OTLP_ENDPOINT` is not read:
//! in the shell of a developer whose programs send to Weir it names Weir itself.
//!
//! Invariant: the address is kept and shown without the credentials that may stand in it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::secret::{Secret, resolve};
use weir_core::units::Time;

use crate::address;

/// What follows the base URL.
const PATH: &str = "/v1/traces";
/// Headers that are the protocol's own.
const OWN_HEADERS: &[&str] = &["content-type", "content-encoding", "content-length", "transfer-encoding", "host"];

/// Export of every ended span to an OpenTelemetry endpoint, in OTLP over HTTP. Changes need a restart.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpExportConfig {
    /// Whether spans are exported.
    pub enabled: bool,
    /// The endpoint, such as `http://collector:4318`, or `env:NAME`; user and password may stand in it. `/v1/traces` is
    /// added unless it ends so. Without it nothing is exported; `OTEL_EXPORTER_OTLP_ENDPOINT` is not read, as programs
    /// find Weir by it.
    pub endpoint: Option<Secret>,
    /// Headers of every request, as in `{ authorization = "env:OTLP_AUTHORIZATION" }`; values may be `env:NAME`.
    pub headers: BTreeMap<String, Secret>,
    /// Only calls of models; without it every span.
    pub calls_only: bool,
    /// How long one request may take.
    #[schemars(with = "String")]
    pub timeout: Time,
}

impl Default for OtlpExportConfig {
    fn default() -> Self {
        Self { enabled: true, endpoint: None, headers: BTreeMap::new(), calls_only: false, timeout: Time::secs(10) }
    }
}

/// An endpoint to export to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where traces are posted to, without credentials.
    pub(super) url: Url,
    /// Whether only calls are exported.
    pub calls_only: bool,
    pub(super) headers: HeaderMap,
    /// What must not be seen anywhere.
    pub(super) secrets: Vec<Secret>,
    pub(super) timeout: Duration,
}

impl Settings {
    /// The address for people.
    #[must_use]
    pub fn shown_uri(&self) -> String {
        self.url.as_str().trim_end_matches(PATH).to_owned()
    }

    /// Whether a server that listens there is what spans would be sent to, as far as the address tells.
    #[must_use]
    pub fn is_at(&self, listen: SocketAddr) -> bool {
        address::is_at(&self.url, listen)
    }
}

/// What the settings come to.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Nobody asked for it.
    Unset,
    /// Configured and switched off.
    Off(Settings),
    /// To be exported.
    On(Settings),
}

/// What the section comes to.
///
/// # Errors
/// A key of the section that cannot be used, by name.
pub fn choose(config: &OtlpExportConfig, env: &dyn Fn(&str) -> Option<String>) -> Result<Choice, String> {
    let Some(endpoint) = &config.endpoint else {
        if !config.headers.is_empty() {
            return Err("otlp.export.headers: there is no endpoint that they would be sent to; write \
                        endpoint = \"http://collector:4318\""
                .to_owned());
        }
        return Ok(Choice::Unset);
    };
    let endpoint = resolve(endpoint.expose(), env).map_err(|e| format!("otlp.export.endpoint: {e}"))?;
    let Some(url) = address::parse(endpoint.trim()) else {
        return Err("otlp.export.endpoint: is no http or https URL; write http://collector:4318".to_owned());
    };
    if url.query().is_some() {
        return Err("otlp.export.endpoint: has a query, which is not sent; put what it says into headers".to_owned());
    }
    if config.timeout.0.is_zero() {
        return Err("otlp.export.timeout: 0 would end every request; write a duration such as \"10s\"".to_owned());
    }
    let (mut headers, mut secrets) = headers(&config.headers, env)?;
    if let Some((user, password)) = address::credentials(&url) {
        let (text, hidden) = address::basic(&user, password);
        secrets.extend(hidden);
        if headers.insert(AUTHORIZATION, value("endpoint", &text)?).is_some() {
            return Err("otlp.export.headers.authorization: a user stands in the endpoint, too; leave out one of them"
                .to_owned());
        }
    }
    let settings = Settings {
        url: traces(address::bare(url)),
        calls_only: config.calls_only,
        headers,
        secrets,
        timeout: config.timeout.0,
    };
    Ok(if config.enabled { Choice::On(settings) } else { Choice::Off(settings) })
}

/// The URL that traces are posted to.
fn traces(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with(PATH) {
        url.set_path(&format!("{path}{PATH}"));
    }
    url
}

fn headers(
    set: &BTreeMap<String, Secret>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(HeaderMap, Vec<Secret>), String> {
    let mut headers = HeaderMap::new();
    let mut texts = Vec::new();
    for (header, text) in set {
        let at = format!("headers.{header}");
        let name = HeaderName::from_bytes(header.as_bytes())
            .map_err(|_| format!("otlp.export.{at}: is no name of a header"))?;
        if OWN_HEADERS.contains(&name.as_str()) {
            return Err(format!("otlp.export.{at}: is set by Weir; leave it out"));
        }
        let text = resolve(text.expose(), env).map_err(|e| format!("otlp.export.{at}: {e}"))?;
        if headers.insert(name, value(&at, &text)?).is_some() {
            return Err(format!("otlp.export.{at}: stands twice, written differently"));
        }
        // Schemes such as Bearer are followed by what is secret.
        texts.extend(text.split_once(' ').map(|(_, secret)| secret.to_owned()));
        texts.push(text);
    }
    Ok((headers, address::secrets(texts)))
}

fn value(at: &str, text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| format!("otlp.export.{at}: holds characters that cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
