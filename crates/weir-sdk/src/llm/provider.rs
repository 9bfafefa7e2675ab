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

/// The provider's name: the vendor's, else the host's.
pub(super) fn of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let vendor = VENDORS.iter().find(|(end, _)| host == *end || (end.starts_with('.') && host.ends_with(end)));
    vendor.map_or_else(|| host.to_owned(), |(_, name)| (*name).to_owned())
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
        let name = |url: &str| of(&Url::parse(url).unwrap());
        assert_eq!(name("https://api.openai.com/v1"), "openai");
        assert_eq!(name("https://our.openai.azure.com/openai/v1"), "azure");
        assert_eq!(name("http://127.0.0.1:9000/v1"), "127.0.0.1");
        assert_eq!(name("https://evil-api.openai.com.example/v1"), "evil-api.openai.com.example");
    }

    #[test]
    fn a_server_is_its_scheme_host_and_port() {
        let same = |a: &str, b: &str| same_server(&Url::parse(a).unwrap(), &Url::parse(b).unwrap());
        assert!(same("http://h:80/v1", "http://h/"));
        assert!(!same("http://h/v1", "http://h:8080/"));
        assert!(!same("https://h/v1", "http://h/"));
    }
}
