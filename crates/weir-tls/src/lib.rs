//! Whom connections that Weir makes trust: the compiled-in Mozilla authorities and, where the machine has some, its own.
//!
//! Invariants: a machine without any authority, as in an image of nothing but Weir, is no error; nothing is installed
//! for the whole process, so that a program that embeds the library keeps its own choice of TLS.

use std::sync::{Arc, LazyLock};

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

static OWN: LazyLock<Vec<CertificateDer<'static>>> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs().certs;
    found.into_iter().filter(|one| RootCertStore::empty().add(one.clone()).is_ok()).collect()
});

static CLIENT: LazyLock<ClientConfig> = LazyLock::new(|| {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(OWN.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // It knows every safe version, so the other way is never taken.
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| ClientConfig::builder());
    builder.with_root_certificates(roots).with_no_client_auth()
});

/// How a client of HTTPS begins a connection. The machine's authorities are read once, at the first call.
#[must_use]
pub fn client() -> ClientConfig {
    CLIENT.clone()
}

/// The machine's own authorities, those of them that can be read: a company's, for example.
#[must_use]
pub fn own_authorities() -> &'static [CertificateDer<'static>] {
    &OWN
}

/// Reads the machine's authorities now, on the caller's thread: a fork while another thread does it would leave the
/// child waiting for that thread for ever.
pub fn prepare() {
    LazyLock::force(&CLIENT);
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_client_needs_no_provider_of_the_process() {
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
        assert!(!super::client().alpn_protocols.iter().any(|p| !p.is_empty()));
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
