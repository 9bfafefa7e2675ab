//! Addresses: what may be sent where, and how an address is shown.

use std::net::IpAddr;

use reqwest::Url;

/// Whether an address is within this machine, as far as it tells.
pub(super) fn is_loopback(host: &str) -> bool {
    // Brackets stand around IPv6 addresses.
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// An http or https address that may be used; `secret` says whether something secret goes there.
///
/// # Errors
/// What is wrong with it and what to write; not the address itself, which may be a secret.
pub(super) fn web(text: &str, secret: bool) -> Result<Url, String> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some((url, host)) = url.and_then(|url| Some((url.clone(), url.host_str()?.to_owned()))) else {
        return Err("is no http or https address; write one as in \"https://example.com/hook\"".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or a password; leave them out and write user = \"...\" and password = \"env:NAME\""
            .to_owned());
    }
    if url.fragment().is_some() {
        return Err("has a part after #, which is never sent; leave it out".to_owned());
    }
    if secret && url.scheme() == "http" && !is_loopback(&host) {
        return Err("would send a secret unencrypted; write https://".to_owned());
    }
    Ok(url)
}

/// An address for people: without its query; without its path too where that is secret.
pub(super) fn shown(url: &Url, secret: bool) -> String {
    let mut url = url.clone();
    url.set_query(None);
    if secret && url.path() != "/" {
        url.set_path("…");
        return url.as_str().replace("%E2%80%A6", "…");
    }
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_tls_or_stay_within_this_machine() {
        for fine in ["https://example.com/x", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:9/x"] {
            assert!(web(fine, true).is_ok(), "{fine}");
        }
        assert!(web("http://alertmanager:9093", false).is_ok());
        for (text, why) in [
            ("http://example.com/x", "write https://"),
            ("http://127.0.0.1.example.com/x", "write https://"),
            ("http://10.0.0.1/x", "write https://"),
            ("ftp://example.com", "no http or https"),
            ("example.com", "no http or https"),
            ("https://u:p@example.com", "password = \"env:NAME\""),
            ("https://example.com/#x", "after #"),
        ] {
            let wrong = web(text, true).unwrap_err();
            assert!(wrong.contains(why) && !wrong.contains("127.0.0.1.example"), "{text}: {wrong}");
        }
    }

    #[test]
    fn an_address_is_shown_without_what_is_secret_in_it() {
        let of = |text: &str, secret| shown(&Url::parse(text).unwrap(), secret);
        assert_eq!(of("https://hooks.slack.com/services/T0/B0/x", true), "https://hooks.slack.com/…");
        assert_eq!(of("https://example.com/hook?token=x", false), "https://example.com/hook");
        assert_eq!(of("http://am:9093/", false), "http://am:9093");
    }
}
