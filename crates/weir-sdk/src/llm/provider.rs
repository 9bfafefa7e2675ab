//! Who answers at an address.

use reqwest::Url;

/// Vendors by the end of their host's name, as Weir's price list calls them.
const VENDORS: &[(&str, &str)] = &[
    ("api.openai.com", "openai"),
    (".openai.azure.com", "azure"),
    (".cognitiveservices.azure.com", "azure"),
    ("api.anthropic.com", "anthropic"),
    ("api.groq.com", "groq"),
    ("generativelanguage.googleapis.com", "gemini"),
    ("api.mistral.ai", "mistral"),
    ("api.deepseek.com", "deepseek"),
    ("api.together.xyz", "together"),
    ("openrouter.ai", "openrouter"),
    ("api.x.ai", "xai"),
];

/// Who is asked, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The provider's name, by which prices go.
    pub(super) name: String,
    /// The server, if there is one.
    pub(super) host: Option<String>,
}

impl Named {
    /// Who answers at an address: the vendor of the host, else one of OpenAI's type.
    pub(super) fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let vendor = VENDORS.iter().find(|(end, _)| host == *end || (end.starts_with('.') && host.ends_with(end)));
        let name = vendor.map_or("openai", |(_, name)| name).to_owned();
        Self { name, host: Some(host.to_owned()) }
    }
}

/// Whether two addresses are of one server.
pub(super) fn same_server(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host_str() == b.host_str() && a.port_or_known_default() == b.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_are_known_by_their_hosts() {
        let name = |url: &str| Named::of(&Url::parse(url).unwrap()).name;
        assert_eq!(name("https://api.openai.com/v1"), "openai");
        assert_eq!(name("https://our.openai.azure.com/openai/v1"), "azure");
        assert_eq!(name("http://127.0.0.1:9000/v1"), "openai");
        assert_eq!(name("https://xapi.groq.com/openai/v1"), "openai");
    }

    #[test]
    fn a_server_is_its_scheme_host_and_port() {
        let same = |a: &str, b: &str| same_server(&Url::parse(a).unwrap(), &Url::parse(b).unwrap());
        assert!(same("http://h:80/v1", "http://h/"));
        assert!(!same("http://h/v1", "http://h:8080/"));
        assert!(!same("https://h/v1", "http://h/"));
    }
}
