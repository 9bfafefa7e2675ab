//! Secrets by what stands before them: `Bearer <token>`, `password=<value>`, `"api_key": "<value>"`.
//!
//! Prose must stay (`Password: must have 8 characters`), and so must code (`password = read_password()`), so a value
//! without quotes counts only directly after `=`, or when it holds a digit or a symbol and is no call.

use super::chars::run_end;
use super::hits::{Hit, Label};

/// Longest value that is looked for between quotes.
const LONGEST: usize = 4_096;

/// How much of a value without quotes tells whether it is a secret.
const DECIDES: usize = 256;

/// How far a name may go on after the part of it that tells.
pub(super) const TAIL: usize = 32;

/// The token after a `Bearer` that ends at `from`.
pub(super) fn bearer(text: &[u8], from: usize) -> Option<Hit> {
    let (start, end) = after_bearer(text, from);
    let token = text.get(start..end)?;
    let looks = token.len() >= 8 && token.iter().any(|b| b.is_ascii_digit() || b"_=+".contains(b)) || token.len() >= 24;
    (start > from && looks).then_some(Hit::new(start, end, Label::SECRET))
}

/// Where the token after a `Bearer` begins and ends.
fn after_bearer(text: &[u8], from: usize) -> (usize, usize) {
    let start = run_end(text, from, |b| matches!(b, b' ' | b'\t' | b':'));
    if start == from {
        // Without anything between it is one word; a token is not gone through again for each `bearer` within it.
        return (from, from);
    }
    (start, run_end(text, start, |b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b)))
}

/// Whether a token may follow the `Bearer` that ends at `from`, also in a JSON string with its escapes.
pub(super) fn may_be_bearer(text: &[u8], from: usize) -> bool {
    // The escape may be that of a tab before the token or of a slash within it.
    bearer(text, from).is_some() || text.get(after_bearer(text, from).1) == Some(&b'\\')
}

/// Whether something is assigned to the name that ends at or after `from`; where the sign is.
pub(super) fn sign(text: &[u8], from: usize) -> Option<usize> {
    let tail = run_end(text.get(..text.len().min(from + TAIL))?, from, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
    });
    let at = run_end(text, tail, |b| matches!(b, b'\\' | b'"' | b'\'' | b'`' | b']' | b' '));
    (at - tail <= 8 && matches!(text.get(at), Some(b'=' | b':'))).then_some(at)
}

/// The value assigned to a name that ends at or after `from`.
pub(super) fn value(text: &[u8], from: usize) -> Option<Hit> {
    let sign = sign(text, from)?;
    let signs = run_end(text, sign, |b| matches!(b, b'=' | b':' | b'>'));
    let spaces = run_end(text, signs, |b| matches!(b, b' ' | b'\t'));
    let start = run_end(text, spaces, |b| b == b'\\');
    match text.get(start)? {
        quote @ (b'"' | b'\'' | b'`') => quoted(text, start + 1, *quote),
        _ if start > spaces => None,
        _ => bare(text, spaces, spaces == signs && text.get(sign) == Some(&b'=')),
    }
}

fn quoted(text: &[u8], start: usize, quote: u8) -> Option<Hit> {
    let window = text.get(..text.len().min(start + LONGEST))?;
    let end = run_end(window, start, |b| b != quote && b != b'\n');
    let value = window.get(start..end)?;
    if window.get(end) != Some(&quote) {
        return bare(text, start, true);
    }
    let value = value.strip_suffix(b"\\").unwrap_or(value);
    is_literal(value).then(|| Hit::new(start, start + value.len(), Label::SECRET))
}

fn bare(text: &[u8], start: usize, tight: bool) -> Option<Hit> {
    let is_part = |b: u8| b > b' ' && !b"\"'`,;&<>()[]{}\\|".contains(&b);
    // What is refused may be looked at again from a name within it, so only so much of it decides.
    let end = run_end(text.get(..text.len().min(start + DECIDES))?, start, is_part);
    let value = text.get(start..end)?;
    let value = value.strip_suffix(b".").unwrap_or(value);
    let symbol = |b: &u8| !b.is_ascii_alphabetic() && !matches!(b, b'.' | b'_' | b'-' | b':');
    let is_code = matches!(text.get(end), Some(b'(' | b'['));
    let looks = value.len() >= 4 && !is_code && (tight || (value.len() >= 6 && value.iter().any(symbol)));
    let whole = || if end - start == DECIDES { run_end(text, end, is_part) } else { start + value.len() };
    (looks && is_literal(value)).then(|| Hit::new(start, whole(), Label::SECRET))
}

/// Whether a value is itself the secret, not nothing, a label or a reference to where it is kept.
fn is_literal(value: &[u8]) -> bool {
    let is_empty = value.iter().all(|b| matches!(b, b'*' | b'x' | b'X' | b'.' | b' '));
    let refers = matches!(value, [b'[' | b'$' | b'{' | b'<' | b'%', ..] | [.., b']'])
        || [b"env:".as_slice(), b"os.environ", b"process.env", b"getenv"].iter().any(|r| value.starts_with(r));
    let constant = [b"null".as_slice(), b"none", b"true", b"false", b"undefined", b"string"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word));
    !is_empty && !refers && !constant
}
