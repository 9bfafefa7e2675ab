//! Azure OpenAI: the deployment is in the path, the API version in the query, the key in `api-key`.

use super::{Auth, Endpoint, Kind};
use crate::config::ProviderConfig;

/// The API version used where none is configured.
const DEFAULT_API_VERSION: &str = "2024-10-21";

pub(super) static KIND: Kind = Kind {
    name: "azure",
    key_env: &["AZURE_OPENAI_API_KEY"],
    base_url_env: &["AZURE_OPENAI_ENDPOINT"],
    auth: Auth::Header("api-key"),
    url,
    strict_metadata_host: Some(".azure.com"),
    ..Kind::OPENAI_TYPE
};

fn url(base: &str, endpoint: Endpoint, model: &str, config: &ProviderConfig) -> String {
    let version = config.api_version.as_deref().unwrap_or(DEFAULT_API_VERSION);
    let base = base.strip_suffix("/openai").unwrap_or(base);
    let path = endpoint.path();
    if version == "none" {
        return format!("{}/openai/v1{path}", base.strip_suffix("/openai/v1").unwrap_or(base));
    }
    match endpoint {
        Endpoint::Responses => format!("{base}/openai{path}?api-version={version}"),
        _ => format!("{base}/openai/deployments/{}{path}?api-version={version}", Escaped(model)),
    }
}

/// A path segment with everything but unreserved characters percent-encoded, and dots, so that none goes up a folder.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => write!(f, "{}", byte as char)?,
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}
