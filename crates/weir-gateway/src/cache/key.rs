//! What makes two requests equal: a digest over whose they are and over their canonical JSON.
//!
//! Canonical: members in the order of their names, no whitespace between, numbers as written, strings by their text
//! whatever escapes they were written with. Invariant: two bodies of the same digest mean the same JSON; two that mean
//! the same may differ (`1.0` and `1`), which costs a miss and never a wrong answer.
//!
//! The text is walked as it stands, as building a tree of it would cost more than the digest. Long values are replaced
//! by their own digest, so that sorting members moves little and a hostile nesting costs no more than its length.

use std::fmt::Write;

use http::HeaderMap;
use sha2::{Digest, Sha256};
use weir_core::access::{self, Identity};

use crate::config::CacheScope;
use crate::exchange::envelope::Envelope;
use crate::providers::Endpoint;
use crate::upstream::is_forwarded;

/// Changes whenever the same request gets another digest, so that old files are not misread.
const VERSION: &[u8] = b"weir-cache-2\n";
/// Members that do not change what is answered: how it is sent, who asks, and what is said to the cache itself.
/// `store` and `service_tier` are not among them: the one decides whether the answer can be fetched later, the other
/// stands in the answer and in its price.
const NOT_COUNTED: &[&str] =
    &["stream", "stream_options", "user", "metadata", "cache", "safety_identifier", "prompt_cache_key"];
/// Headers that go upstream and do not change what is answered: what the client is, and ids of one request. A header of
/// another name counts, whatever it is for: the worst of that is a miss.
const NOT_COUNTED_HEADERS: &[&str] = &[
    "user-agent",
    "accept-language",
    "anthropic-dangerous-direct-browser-access",
    "dnt",
    "elastic-apm-traceparent",
    "idempotency-key",
    "newrelic",
    "origin",
    "priority",
    "referer",
    "traceparent",
    "tracestate",
    "uber-trace-id",
    "x-app",
    "x-cloud-trace-context",
    "x-goog-api-client",
];
/// Beginnings of such names.
const NOT_COUNTED_STARTS: &[&str] = &["x-stainless-", "sec-", "x-datadog-"];
/// Ends of such names.
const NOT_COUNTED_ENDS: &[&str] = &["request-id", "trace-id", "correlation-id"];
/// Values longer than that stand as their digest.
const FOLD: usize = 1024;
/// Deeper than that text counts as it is written, whitespace included.
const MAX_DEPTH: usize = 48;

/// The digest of a request, or of what must be equal for two requests to be compared by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub [u8; 32]);

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// What a request's answer depends on beside its body.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Who shares the answer, as [`tenant`] says.
    pub tenant: &'a str,
    /// The namespace that the request names, or nothing.
    pub namespace: &'a str,
    /// What is called.
    pub endpoint: Endpoint,
    /// The model and where its name leads ([`Plan::identity`](crate::routing::Plan)), so that another target behind the
    /// same name is another request.
    pub model: &'a str,
    /// Headers that count, as [`variant`] says.
    pub variant: &'a str,
}

/// Who shares answers with a caller. Labels that the caller chose itself never open another key's answers. Where no keys
/// are configured, `presented` is what the caller sent in place of one: it may go on to the provider, so that only who
/// has it may have what it was answered.
#[must_use]
pub fn tenant(scope: CacheScope, identity: &Identity, presented: Option<&[u8]>, user: Option<&str>) -> String {
    let own = match presented {
        Some(key) => format!("{}\n{}", identity.name, hex::encode(access::digest(key))),
        None => identity.name.clone(),
    };
    let alone = || format!("key:{own}");
    let of = |kind: &str, fixed: Option<&String>| fixed.map_or_else(alone, |name| format!("{kind}:{name}"));
    match scope {
        CacheScope::Shared => "shared".to_owned(),
        CacheScope::Key => alone(),
        CacheScope::Department => of("department", identity.department.as_ref()),
        CacheScope::Project => of("project", identity.project.as_ref()),
        CacheScope::User => format!("user:{own}\n\n{}", user.unwrap_or_default()),
    }
}

/// The headers that count, in one text: all that go upstream but those that are known not to matter.
#[must_use]
pub fn variant(headers: &HeaderMap) -> String {
    let counts = |name: &str| {
        !NOT_COUNTED_HEADERS.contains(&name)
            && !NOT_COUNTED_STARTS.iter().any(|start| name.starts_with(start))
            && !NOT_COUNTED_ENDS.iter().any(|end| name.ends_with(end))
    };
    // The trace headers, which go upstream where that is configured, never count.
    let mut counted: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .filter(|(name, _)| counts(name) && is_forwarded(name, headers, false))
        .collect();
    // By name only: the order of equal names is theirs, that of others is not.
    counted.sort_by_key(|(name, _)| *name);
    let mut out = String::new();
    for (name, value) in counted {
        // Escaped, so that no value looks like another one or like a line.
        let _ = writeln!(out, "{name}:{}", value.as_bytes().escape_ascii());
    }
    out
}

/// The digest of a request.
#[must_use]
pub fn key(scope: &Scope<'_>, envelope: &Envelope<'_>) -> Key {
    digest(b'e', scope, envelope, "", &[])
}

/// The digest of a request in which an array stands for one of its members.
pub(super) fn digest(
    kind: u8,
    scope: &Scope<'_>,
    envelope: &Envelope<'_>,
    replaced: &str,
    elements: &[&serde_json::value::RawValue],
) -> Key {
    let mut out = Canonical::default();
    out.out.extend_from_slice(VERSION);
    out.out.push(kind);
    for part in [scope.tenant, scope.namespace, scope.endpoint.path(), scope.model, scope.variant] {
        out.out.extend_from_slice(&part.len().to_le_bytes());
        out.out.extend_from_slice(part.as_bytes());
    }
    out.open_object();
    for (name, value) in envelope.members().filter(|(name, _)| !NOT_COUNTED.contains(name)) {
        let start = out.out.len();
        encode(&mut out.out, name);
        if name == replaced {
            out.member(start, |out| out.array_of(elements));
        } else {
            out.member(start, |out| Walk { text: value.as_bytes(), at: 0, canonical: out }.value(1));
        }
    }
    out.close_object(0);
    Key(Sha256::digest(&out.out).into())
}

/// A JSON string of a text.
fn encode(out: &mut Vec<u8>, text: &str) {
    // Writing into memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// A member in the output.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    name_end: usize,
    end: usize,
}

/// The canonical text as it is made.
#[derive(Default)]
struct Canonical {
    out: Vec<u8>,
    /// Members of the objects that are open.
    members: Vec<Member>,
    spare: Vec<u8>,
}

impl Canonical {
    fn open_object(&mut self) {
        self.out.push(b'{');
    }

    /// Finishes the member whose name is written.
    fn member(&mut self, start: usize, value: impl FnOnce(&mut Self)) {
        let name_end = self.out.len();
        self.out.push(b':');
        let from = self.out.len();
        value(self);
        if self.out.len() - from > FOLD {
            let digest = Sha256::digest(&self.out[from..]);
            self.out.truncate(from);
            // A NUL stands nowhere in JSON, so that a digest is not taken for a value.
            self.out.push(0);
            self.out.extend_from_slice(&digest);
        }
        self.out.push(b',');
        self.members.push(Member { start, name_end, end: self.out.len() });
    }

    /// Sorts the members from `base` on and closes their object.
    fn close_object(&mut self, base: usize) {
        let Self { out, members, spare } = self;
        let own = &mut members[base..];
        let name = |m: &Member| &out[m.start..m.name_end];
        if !own.is_sorted_by(|a, b| name(a) <= name(b)) {
            let from = own[0].start;
            // Stable: of equal names the order counts, as the last one wins with most readers.
            own.sort_by(|a, b| name(a).cmp(name(b)));
            spare.clear();
            for member in own.iter() {
                spare.extend_from_slice(&out[member.start..member.end]);
            }
            out.truncate(from);
            out.extend_from_slice(spare);
        }
        members.truncate(base);
        out.push(b'}');
    }

    fn array_of(&mut self, elements: &[&serde_json::value::RawValue]) {
        self.out.push(b'[');
        for element in elements {
            Walk { text: element.get().as_bytes(), at: 0, canonical: self }.value(2);
            self.out.push(b',');
        }
        self.out.push(b']');
    }
}

/// Walks the text of one value, which is known to be JSON.
struct Walk<'t, 'c> {
    text: &'t [u8],
    at: usize,
    canonical: &'c mut Canonical,
}

impl Walk<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) {
        self.skip_whitespace();
        match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => self.raw(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            _ => {
                let end = self.text[self.at..]
                    .iter()
                    .position(|b| matches!(b, b',' | b']' | b'}' | b' ' | b'\n' | b'\t' | b'\r'))
                    .map_or(self.text.len(), |n| self.at + n);
                self.copy_to(end);
            }
        }
    }

    fn copy_to(&mut self, end: usize) {
        self.canonical.out.extend_from_slice(&self.text[self.at..end]);
        self.at = end;
    }

    fn object(&mut self, depth: usize) {
        self.at += 1;
        let base = self.canonical.members.len();
        self.canonical.open_object();
        loop {
            self.skip_whitespace();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let start = self.canonical.out.len();
                    self.string();
                    self.skip_whitespace();
                    // The colon.
                    self.at += 1;
                    let (text, mut at) = (self.text, self.at);
                    self.canonical.member(start, |canonical| {
                        let mut walk = Walk { text, at, canonical };
                        walk.value(depth + 1);
                        at = walk.at;
                    });
                    self.at = at;
                }
                _ => break,
            }
        }
        self.at += 1;
        self.canonical.close_object(base);
    }

    fn array(&mut self, depth: usize) {
        self.at += 1;
        self.canonical.out.push(b'[');
        loop {
            self.skip_whitespace();
            match self.peek() {
                None | Some(b']') => break,
                Some(b',') => self.at += 1,
                Some(_) => {
                    self.value(depth + 1);
                    self.canonical.out.push(b',');
                }
            }
        }
        self.at += 1;
        self.canonical.out.push(b']');
    }

    /// A string. Escapes that JSON demands are the canonical ones already; only others need the text behind them.
    fn string(&mut self) {
        let mut end = self.at + 1;
        let mut is_canonical = true;
        loop {
            let rest = self.text.get(end..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                end = self.text.len();
                break;
            };
            end += found;
            if self.text[end] == b'"' {
                end += 1;
                break;
            }
            is_canonical &= !matches!(self.text.get(end + 1), Some(b'u' | b'/'));
            end += 2;
        }
        let end = end.min(self.text.len());
        if !is_canonical && let Ok(text) = serde_json::from_slice::<String>(&self.text[self.at..end]) {
            encode(&mut self.canonical.out, &text);
            self.at = end;
        } else {
            // Also half a surrogate pair, which stands for no text.
            self.copy_to(end);
        }
    }

    /// An object or array as it is written.
    fn raw(&mut self) {
        let mut open = 0_usize;
        let mut end = self.at;
        let mut in_string = false;
        while let Some(byte) = self.text.get(end) {
            end += 1;
            match byte {
                b'\\' if in_string => end += 1,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => open += 1,
                b'}' | b']' if !in_string => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        self.copy_to(end.min(self.text.len()));
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
