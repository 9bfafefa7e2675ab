//! Private keys in PEM (RFC 7468): everything from `-----BEGIN ... PRIVATE KEY-----` to its end line, or, when that was
//! cut off, as far as the encoded bytes go.

use super::chars::run_end;
use super::hits::{Hit, Label};

/// The block whose `BEGIN ` is at `start..from`.
pub(super) fn at(text: &str, start: usize, from: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let begin = start.checked_sub(5)?;
    let label = run_end(bytes, from, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ');
    let is_private = text.get(from..label)?.contains("PRIVATE KEY");
    if bytes.get(begin..start)? != b"-----" || !is_private || !bytes.get(label..)?.starts_with(b"-----") {
        return None;
    }
    // Headers of old formats (`Proc-Type: 4,ENCRYPTED`) and line breaks that were escaped belong to it. A dash in the
    // body ends it: that is the end line.
    let body = run_end(bytes, label + 5, |b| b.is_ascii_alphanumeric() || b" \t\r\n+/=\\:,-".contains(&b) && b != b'-');
    let rest = text.get(body..)?;
    let tail = rest.strip_prefix("-----END ").and_then(|tail| Some(tail.find("-----")? + "-----END ".len() + 5));
    let end = match tail {
        Some(tail) if tail < 80 => body + tail,
        _ => headers(bytes, body),
    };
    Some(Hit::new(begin, end, Label::SECRET))
}

/// Goes on after single dashes, as the names of headers have them.
fn headers(bytes: &[u8], body: usize) -> usize {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b" \t\r\n+/=\\:,-".contains(&b);
    run_end(bytes, body, is_part)
}
