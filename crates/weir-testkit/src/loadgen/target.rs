//! Where the load goes: a loopback address, nothing else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, bail};
use http::Uri;

/// A loopback address and the path to ask for.
#[derive(Debug, Clone)]
pub struct Target {
    /// Address to connect to.
    pub addr: SocketAddr,
    /// Value of the `host` header.
    pub host: String,
    /// Path and query.
    pub path: Uri,
}

impl Target {
    /// Reads an `http://` URL.
    ///
    /// # Errors
    /// When it is no http URL, or its host is anything but a loopback address or `localhost`: a load
    /// generator must not be pointed at other people's machines by a slip of the hand.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is no URL"))?;
        if uri.scheme_str() != Some("http") {
            bail!("`{url}`: only http:// URLs are accepted");
        }
        let authority = uri.authority().with_context(|| format!("`{url}` has no host"))?;
        let host = authority.host().trim_matches(['[', ']']);
        let ip = match host {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => host.parse().ok().filter(IpAddr::is_loopback).with_context(|| {
                format!("`{host}` is refused: only loopback targets (127.0.0.0/8, ::1, localhost) are accepted")
            })?,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
        let addr = SocketAddr::new(ip, authority.port_u16().unwrap_or(80));
        Ok(Self { addr, host: authority.to_string(), path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_accepted() {
        for url in ["http://127.0.0.1:80/v1", "http://127.9.9.9/", "http://[::1]:8080/x?y=1", "http://localhost:1"] {
            assert!(Target::parse(url).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1/", "http://example.com/", "https://127.0.0.1/", "http://0.0.0.0:80/", "127.0.0.1"]
        {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        assert_eq!(Target::parse("http://localhost:1/a?b=c").unwrap().path, "/a?b=c");
    }
}
