//! Anthropic: the Messages API.

use super::{Auth, Kind, Wire};

pub(super) static KIND: Kind = Kind {
    name: "anthropic",
    base_url: "https://api.anthropic.com/v1",
    key_env: &["ANTHROPIC_API_KEY"],
    base_url_env: &["ANTHROPIC_BASE_URL"],
    wire: Wire::Anthropic,
    auth: Auth::Header("x-api-key"),
    headers: &[("anthropic-version", "2023-06-01")],
    url: |base, endpoint, _, _| {
        // The SDK's base URL has no version; people configure both forms.
        let base = base.strip_suffix("/v1").unwrap_or(base);
        format!("{base}/v1{}", endpoint.path())
    },
    ..Kind::OPENAI_TYPE
};
