//! Keys that tell their vendor by their first characters.
//!
//! Sources: the vendors' documentation of their key formats, and GitHub's list of supported secret scanning patterns.
//! Lengths are lower bounds, so that a longer format of tomorrow is found too.

use super::chars::{before, is_token, is_word, run_end};
use super::hits::{Hit, Label};

/// How a vendor's keys look.
pub(super) struct Key {
    /// Fixed beginning, with its case.
    pub(super) prefix: &'static str,
    /// Fewest characters after the prefix.
    fewest: usize,
    /// What follows the prefix.
    body: Body,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `-` and `_`, of which some part looks random.
    Random,
    /// Letters, digits, `-` and `_`.
    Token,
    /// Exactly 16 capitals and digits, perhaps followed by the secret half of 40 characters.
    Aws,
    /// Three parts of base64url joined by dots (RFC 7519).
    Jwt,
}

const fn key(prefix: &'static str, fewest: usize, body: Body) -> Key {
    Key { prefix, fewest, body }
}

/// The vendors' keys.
pub(super) const KEYS: [Key; 36] = [
    // OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek, LiteLLM
    key("sk-", 20, Body::Random),
    key("gsk_", 20, Body::Alnum),
    key("xai-", 20, Body::Alnum),
    key("pplx-", 20, Body::Alnum),
    key("AIza", 30, Body::Token),
    key("ya29.", 20, Body::Token),
    key("hf_", 30, Body::Alnum),
    key("r8_", 30, Body::Alnum),
    key("nvapi-", 20, Body::Token),
    key("lsv2_", 20, Body::Token),
    // GitHub, GitLab
    key("ghp_", 20, Body::Alnum),
    key("gho_", 20, Body::Alnum),
    key("ghu_", 20, Body::Alnum),
    key("ghs_", 20, Body::Alnum),
    key("ghr_", 20, Body::Alnum),
    key("github_pat_", 20, Body::Token),
    key("glpat-", 20, Body::Token),
    // Slack
    key("xoxa-", 10, Body::Token),
    key("xoxb-", 10, Body::Token),
    key("xoxe-", 10, Body::Token),
    key("xoxo-", 10, Body::Token),
    key("xoxp-", 10, Body::Token),
    key("xoxr-", 10, Body::Token),
    key("xoxs-", 10, Body::Token),
    // Stripe
    key("sk_live_", 16, Body::Alnum),
    key("sk_test_", 16, Body::Alnum),
    key("rk_live_", 16, Body::Alnum),
    key("whsec_", 20, Body::Alnum),
    // Registries
    key("npm_", 30, Body::Alnum),
    key("pypi-", 40, Body::Token),
    key("dckr_pat_", 20, Body::Token),
    // AWS
    key("AKIA", 16, Body::Aws),
    key("ASIA", 16, Body::Aws),
    key("AGE-SECRET-KEY-", 20, Body::Alnum),
    key("SG.", 20, Body::Token),
    key("eyJ", 16, Body::Jwt),
];

/// The key whose prefix is at `start..body`; otherwise where to look on for keys of this vendor: what rules out a key
/// rules out those that begin within it, so that no text is gone through twice for one vendor.
pub(super) fn at(text: &[u8], which: usize, start: usize, body: usize) -> Result<Hit, usize> {
    let key = KEYS.get(which).ok_or(body)?;
    let is_prefix = text.get(start..body) == Some(key.prefix.as_bytes());
    if !is_prefix || before(text, start).is_some_and(is_word) {
        return Err(body);
    }
    let end = match key.body {
        Body::Alnum => run_end(text, body, |b| b.is_ascii_alphanumeric()),
        Body::Token | Body::Random => run_end(text, body, is_token),
        Body::Aws => return aws(text, start, body).ok_or(body),
        Body::Jwt => return jwt(text, start, body),
    };
    let is_key = end - body >= key.fewest && (key.body != Body::Random || is_random(text.get(body..end).ok_or(end)?));
    if !is_key {
        return Err(end);
    }
    // A Google OAuth token and a SendGrid key go on after a dot.
    let goes_on = key.prefix.ends_with('.') && text.get(end) == Some(&b'.');
    Ok(Hit::new(start, if goes_on { run_end(text, end + 1, is_token) } else { end }, Label::SECRET))
}

/// Tells a key from words joined by dashes: digits, and a stretch without a dash that is longer than words are.
fn is_random(body: &[u8]) -> bool {
    let longest = body.split(|b| matches!(b, b'-' | b'_')).map(<[u8]>::len).max().unwrap_or(0);
    body.iter().any(u8::is_ascii_digit) && (longest >= 16 || body.len() >= 60)
}

fn aws(text: &[u8], start: usize, body: usize) -> Option<Hit> {
    let end = run_end(text, body, |b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if end - body != 16 || text.get(end).copied().is_some_and(is_word) {
        return None;
    }
    // The secret half stands close behind the id in credential files and CSV exports.
    let is_secret = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+');
    let mut from = end;
    while from < end + 48 {
        let next = run_end(text, from, |b| !is_secret(b));
        let stop = run_end(text, next, is_secret);
        if stop - next == 40 && text.get(next..stop)?.iter().any(u8::is_ascii_digit) {
            return Some(Hit::new(start, stop, Label::SECRET));
        }
        if stop >= text.len() || stop - next > 40 {
            break;
        }
        from = stop;
    }
    Some(Hit::new(start, end, Label::SECRET))
}

fn jwt(text: &[u8], start: usize, body: usize) -> Result<Hit, usize> {
    let header = run_end(text, body, is_token);
    if text.get(header) != Some(&b'.') || header - body < 8 {
        return Err(header);
    }
    let payload = run_end(text, header + 1, is_token);
    if payload - header <= 8 {
        return Err(header);
    }
    let end = if text.get(payload) == Some(&b'.') { run_end(text, payload + 1, is_token) } else { payload };
    Ok(Hit::new(start, end, Label::SECRET))
}
