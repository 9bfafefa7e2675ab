use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http_body_util::Full;
use weir_core::secret::resolve;

use super::client::Client;
use crate::config::{GatewayConfig, ProviderConfig, Secret};
use crate::providers::{self, Auth, Endpoint, Kind, Wire};

/// Why a provider cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("providers.{provider}.{key}: {problem}")]
pub struct ProviderError {
    provider: String,
    key: String,
    problem: String,
}

/// How long to wait for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To open a connection.
    pub connect: Duration,
    /// From sending to the first byte of the answer.
    pub first_byte: Duration,
    /// Longest silence within an answer.
    pub idle: Duration,
    /// The whole call, all attempts included.
    pub total: Duration,
}

/// A configured provider, ready to be called.
#[derive(Debug)]
pub struct Provider {
    /// Its configured name.
    pub name: String,
    /// Its kind.
    pub kind: &'static Kind,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// Members that it must not be sent.
    pub drop: Vec<String>,
    /// Whether it is asked for usage in streams.
    pub stream_usage: bool,
    /// Whether `metadata` is sent only together with `store`.
    pub strict_metadata: bool,
    config: ProviderConfig,
    base: String,
    headers: HeaderMap,
    has_key: bool,
    /// The key and the values of configured headers, which no answer may carry.
    secrets: Vec<Secret>,
    client: Client,
}

impl Provider {
    /// Makes a provider of its configuration. `env` looks up environment variables.
    ///
    /// # Errors
    /// Names the key of the configuration that is wrong, and what to write instead.
    pub fn new(
        name: &str,
        config: &ProviderConfig,
        gateway: &GatewayConfig,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ProviderError> {
        let wrong =
            |key: &str, problem: String| ProviderError { provider: name.to_owned(), key: key.to_owned(), problem };
        let kind = match &config.kind {
            Some(kind) => providers::find(kind).ok_or_else(|| {
                let known: Vec<_> = providers::ALL.iter().map(|k| k.name).collect();
                wrong("kind", format!("{kind:?} is not known; one of {}", known.join(", ")))
            })?,
            None => providers::find(name)
                .or_else(|| providers::find("openai"))
                .ok_or_else(|| wrong("kind", "is missing".to_owned()))?,
        };
        let from_env = |names: &[&str]| names.iter().find_map(|n| env(n)).filter(|v| !v.is_empty());
        let base =
            config.base_url.clone().or_else(|| from_env(kind.base_url_env)).unwrap_or_else(|| kind.base_url.to_owned());
        let base = base.trim_end_matches('/').to_owned();
        if kind.wire != Wire::Demo {
            if base.is_empty() {
                return Err(wrong("base_url", format!("is missing; a provider of kind {} has no default", kind.name)));
            }
            let uri = base.parse::<http::Uri>().ok();
            if !uri.is_some_and(|u| matches!(u.scheme_str(), Some("http" | "https")) && u.host().is_some()) {
                return Err(wrong("base_url", format!("{base:?} must begin with http:// or https:// and name a host")));
            }
        }

        let mut headers = HeaderMap::new();
        for (header, value) in kind.headers {
            headers.insert(HeaderName::from_static(header), HeaderValue::from_static(value));
        }
        let key = match &config.api_key {
            Some(text) => Some(resolve(text.expose(), env).map_err(|problem| wrong("api_key", problem))?),
            None => from_env(kind.key_env),
        };
        if let Some(key) = &key {
            let (header, value) = match kind.auth {
                Auth::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
                Auth::Header(header) => (HeaderName::from_static(header), key.clone()),
            };
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| wrong("api_key", "holds characters that cannot stand in a header".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        let mut header_values = Vec::new();
        for (header, text) in &config.headers {
            let at = format!("headers.{header}");
            let name =
                HeaderName::from_bytes(header.as_bytes()).map_err(|_| wrong(&at, "is not a header name".to_owned()))?;
            let text = resolve(text.expose(), env).map_err(|problem| wrong(&at, problem))?;
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| wrong(&at, "holds characters that cannot stand in a header".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
            header_values.push(text);
        }

        let or = |own: Option<weir_core::units::Time>, general: weir_core::units::Time| own.unwrap_or(general).0;
        Ok(Self {
            name: name.to_owned(),
            kind,
            timeouts: Timeouts {
                connect: or(config.connect_timeout, gateway.connect_timeout),
                first_byte: or(config.first_byte_timeout, gateway.first_byte_timeout),
                idle: or(config.idle_timeout, gateway.idle_timeout),
                total: or(config.total_timeout, gateway.total_timeout),
            },
            drop: kind.drop.iter().map(|d| (*d).to_owned()).chain(config.drop.iter().cloned()).collect(),
            stream_usage: config.stream_usage.unwrap_or(kind.stream_usage),
            strict_metadata: kind.strict_metadata_host.is_some_and(|host| base.contains(host)),
            client: Client::new(or(config.connect_timeout, gateway.connect_timeout)),
            config: config.clone(),
            has_key: key.is_some(),
            secrets: key.into_iter().chain(header_values).filter(|s| s.len() >= 8).map(Secret::from).collect(),
            base,
            headers,
        })
    }

    /// The models it lists.
    #[must_use]
    pub fn models(&self) -> &[String] {
        &self.config.models
    }

    /// Its base URL, for people.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// Azure's API version, for people.
    #[must_use]
    pub fn api_version(&self) -> Option<&str> {
        self.config.api_version.as_deref()
    }

    /// Its connections.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it has a key of its own, so that callers' keys do not go there.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.has_key
    }

    /// A request to it. `caller` are the caller's headers that go on; `caller_key` is used where the provider has no
    /// key of its own.
    ///
    /// # Errors
    /// When the model's name cannot stand in the provider's URL.
    pub fn request(
        &self,
        endpoint: Endpoint,
        model: &str,
        caller: &HeaderMap,
        caller_key: Option<&[u8]>,
        body: Bytes,
    ) -> Result<http::Request<Full<Bytes>>, http::Error> {
        let url = (self.kind.url)(&self.base, endpoint, model, &self.config);
        let mut request = http::Request::post(url).body(Full::new(body))?;
        let headers = request.headers_mut();
        *headers = caller.clone();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(http::header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for (name, value) in &self.headers {
            // A caller may ask Anthropic for another version; keys and configured headers are not the caller's to set.
            if name != "anthropic-version" || !headers.contains_key(name) {
                headers.insert(name.clone(), value.clone());
            }
        }
        if let Some(key) = caller_key.filter(|_| !self.has_key) {
            let (name, value) = match self.kind.auth {
                Auth::Bearer => (AUTHORIZATION, [b"Bearer ", key].concat()),
                Auth::Header(name) => (HeaderName::from_static(name), key.to_vec()),
            };
            let mut value = HeaderValue::from_bytes(&value)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(request)
    }

    /// A failure's body without the provider's own secrets, which some providers repeat in their refusals.
    #[must_use]
    pub fn without_secrets(&self, body: Bytes) -> Bytes {
        let found = |secret: &Secret| memchr::memmem::find(&body, secret.expose().as_bytes()).is_some();
        if !self.secrets.iter().any(found) {
            return body;
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        self.secrets.iter().fold(text, |text, secret| text.replace(secret.expose(), "***")).into()
    }

    /// What would be the same after a reload, so that its connections can be kept.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let by_name = |h: &HeaderMap| -> HashMap<String, Vec<u8>> {
            h.iter().map(|(k, v)| (k.to_string(), v.as_bytes().to_vec())).collect()
        };
        self.name == other.name
            && self.kind.name == other.kind.name
            && self.base == other.base
            && self.timeouts == other.timeouts
            && serde_json::to_string(&self.config).ok() == serde_json::to_string(&other.config).ok()
            && by_name(&self.headers) == by_name(&other.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(name: &str, toml: &ProviderConfig) -> Result<Provider, ProviderError> {
        let env = |n: &str| (n == "SET").then(|| "sk-value".to_owned());
        Provider::new(name, toml, &GatewayConfig::default(), &env)
    }

    #[test]
    fn mistakes_are_named() {
        let config = |kind: &str, url: &str, key: &str| ProviderConfig {
            kind: Some(kind.into()),
            base_url: Some(url.into()),
            api_key: Some(key.into()),
            ..ProviderConfig::default()
        };
        let message = |c| make("x", &c).unwrap_err().to_string();
        assert!(
            message(config("openia", "http://h", "k"))
                .starts_with("providers.x.kind: \"openia\" is not known; one of openai")
        );
        assert!(message(config("openai", "h/v1", "k")).contains("must begin with http://"));
        assert_eq!(
            message(config("openai", "http://h", "env:UNSET")),
            "providers.x.api_key: the environment variable UNSET is not set"
        );
        assert!(make("azure", &ProviderConfig::default()).unwrap_err().to_string().contains("base_url: is missing"));
    }

    #[test]
    fn a_request_carries_the_providers_key_and_never_the_callers() {
        let config = ProviderConfig { api_key: Some("env:SET".into()), ..ProviderConfig::default() };
        let provider = make("openai", &config).unwrap();
        let request = provider.request(Endpoint::Chat, "m", &HeaderMap::new(), Some(b"caller"), Bytes::new()).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer sk-value");
        assert!(!format!("{provider:?}").contains("sk-value"), "keys must not be printed");

        let keyless =
            make("local", &ProviderConfig { base_url: Some("http://h/v1".into()), ..ProviderConfig::default() })
                .unwrap();
        let request = keyless.request(Endpoint::Chat, "m", &HeaderMap::new(), Some(b"caller"), Bytes::new()).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer caller");
        assert_eq!(request.uri(), "http://h/v1/chat/completions");
    }
}
