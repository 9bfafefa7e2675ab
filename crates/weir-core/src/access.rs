//! Who may call: keys known by their SHA-256, and the one place that knows where clients put a key.
//!
//! Invariant: a key itself is never kept, printed or compared in the clear; only its digest is.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::money::NanoUsd;

/// What a key may do; each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Call models through the gateway.
    Call,
    /// Also write traces, runs and scores.
    Write,
    /// Also read what was recorded.
    Read,
    /// Everything.
    Admin,
}

/// The limits of a key; absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLimits {
    /// Requests per minute.
    pub rpm: Option<u32>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Spend per UTC day.
    pub budget_per_day: Option<NanoUsd>,
    /// Spend per UTC month.
    pub budget_per_month: Option<NanoUsd>,
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Name of the key.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Models it may call, as asked for; a trailing `*` matches any ending. Empty is any.
    pub models: Vec<String>,
    /// Limits.
    pub limits: KeyLimits,
    /// Project of its calls.
    pub project: Option<String>,
    /// Department of its calls, which the caller cannot change.
    pub department: Option<String>,
}

impl Identity {
    /// The caller where no keys are configured (loopback only).
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            name: String::new(),
            role: Role::Admin,
            models: Vec::new(),
            limits: KeyLimits::default(),
            project: None,
            department: None,
        }
    }

    /// Whether it may call that model.
    #[must_use]
    pub fn may_call(&self, model: &str) -> bool {
        self.models.is_empty()
            || self.models.iter().any(|allowed| match allowed.strip_suffix('*') {
                Some(start) => model.starts_with(start),
                None => allowed == model,
            })
    }
}

/// The known keys, by digest.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: HashMap<[u8; 32], Arc<Identity>>,
}

impl Keyring {
    /// Adds a key by its digest; a digest that is there already is replaced.
    pub fn insert(&mut self, digest: [u8; 32], identity: Identity) {
        self.keys.insert(digest, Arc::new(identity));
    }

    /// Whether no keys are configured, so that everybody on loopback may call.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.keys.is_empty()
    }

    /// The owner of a key. Looking up a digest leaks nothing about keys that differ from it.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<&Arc<Identity>> {
        self.keys.get(&digest(key))
    }

    /// Everyone, in no order.
    pub fn identities(&self) -> impl Iterator<Item = &Arc<Identity>> {
        self.keys.values()
    }
}

/// SHA-256 of a key.
#[must_use]
pub fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// The key that a request presents: `Authorization` as Bearer, Basic (the password, else the user) or raw,
/// `x-api-key`, `api-key`.
#[must_use]
pub fn presented_key(headers: &HeaderMap) -> Option<Vec<u8>> {
    if let Some(value) = headers.get(http::header::AUTHORIZATION) {
        let value = value.as_bytes().trim_ascii();
        if let Some(token) = after_scheme(value, b"bearer ") {
            return Some(token.to_vec());
        }
        if let Some(encoded) = after_scheme(value, b"basic ") {
            let pair = decode_base64(encoded)?;
            let colon = pair.iter().position(|b| *b == b':')?;
            let (user, password) = (&pair[..colon], &pair[colon + 1..]);
            return Some(if password.is_empty() { user } else { password }.to_vec());
        }
        return Some(value.to_vec());
    }
    ["x-api-key", "api-key"].iter().find_map(|name| headers.get(*name)).map(|value| value.as_bytes().to_vec())
}

fn after_scheme<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = value.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| rest.trim_ascii())
}

/// Standard base64, its padding optional, as clients differ there.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    use base64::Engine;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(name: &'static str, value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        presented_key(&headers).map(|key| String::from_utf8(key).unwrap())
    }

    #[test]
    fn a_key_is_found_wherever_clients_put_it() {
        assert_eq!(presented("authorization", "Bearer wk-1").as_deref(), Some("wk-1"));
        assert_eq!(presented("authorization", "bearer  wk-1 ").as_deref(), Some("wk-1"));
        assert_eq!(presented("authorization", "wk-1").as_deref(), Some("wk-1"));
        assert_eq!(presented("authorization", "Basic dXNlcjp3ay0x").as_deref(), Some("wk-1"));
        assert_eq!(presented("authorization", "Basic d2stMTo=").as_deref(), Some("wk-1"));
        assert_eq!(presented("x-api-key", "wk-1").as_deref(), Some("wk-1"));
        assert_eq!(presented("api-key", "wk-1").as_deref(), Some("wk-1"));
        assert_eq!(presented("authorization", "Basic !!!"), None);
        assert_eq!(presented("cookie", "wk-1"), None);
    }

    #[test]
    fn a_key_opens_only_its_own_door() {
        let mut ring = Keyring::default();
        assert!(ring.is_open());
        let identity = Identity { models: vec!["gpt-4o".into(), "azure/*".into()], ..Identity::anonymous() };
        ring.insert(digest(b"wk-1"), identity);
        assert!(!ring.is_open());
        assert!(ring.find(b"wk-2").is_none());
        let found = ring.find(b"wk-1").unwrap();
        assert!(found.may_call("gpt-4o") && found.may_call("azure/x"));
        assert!(!found.may_call("gpt-4o-mini"));
    }
}
