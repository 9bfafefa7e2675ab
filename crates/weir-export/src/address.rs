//! Addresses of targets: read, kept and shown without the credentials that may stand in them.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use reqwest::Url;
use weir_core::secret::Secret;

/// Shorter texts are no secrets worth looking for in messages.
const SHORTEST_SECRET: usize = 4;

/// An http or https URL.
pub(crate) fn parse(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
}

/// The URL without credentials, query and fragment, and with a path that can be added to.
pub(crate) fn bare(mut url: Url) -> Url {
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url
}

/// Whether a server that listens there is what a URL names, as far as the address tells.
pub(crate) fn is_at(url: &Url, listen: SocketAddr) -> bool {
    if url.port_or_known_default() != Some(listen.port()) {
        return false;
    }
    let local = |is_loopback: bool| is_loopback && (listen.ip().is_loopback() || listen.ip().is_unspecified());
    // Brackets stand around IPv6 addresses.
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(ip) => ip == listen.ip() || local(ip.is_loopback() || ip.is_unspecified()),
        Err(_) => local(host == "localhost" || host.ends_with(".localhost")),
    }
}

/// User and password that stand in a URL.
pub(crate) fn credentials(url: &Url) -> Option<(String, String)> {
    (!url.username().is_empty()).then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())))
}

/// The value of `Authorization` for a user and a password, and what of it must not be seen.
pub(crate) fn basic(user: &str, password: String) -> (String, Vec<Secret>) {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    (format!("Basic {pair}"), secrets([pair, password]))
}

/// Texts that must not be seen.
pub(crate) fn secrets(texts: impl IntoIterator<Item = String>) -> Vec<Secret> {
    texts.into_iter().filter(|text| text.len() >= SHORTEST_SECRET).map(Secret::from).collect()
}

/// Percent escapes of a URL's user and password.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut whole = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = bytes
            .get(at + 1..at + 3)
            .filter(|_| *byte == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()));
        whole.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&whole).into_owned()
}
