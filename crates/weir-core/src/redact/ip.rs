//! IP addresses: dotted IPv4, and IPv6 of at least two groups.
//!
//! Four numbers with dots are an address unless they go on or follow a name and a slash, as the versions in
//! `Chrome/120.0.0.0` do. `::` and `::1` say nothing about a person and stay, as does code (`a::b`).

use std::net::Ipv6Addr;

use super::chars::{before, is_word, run_end, run_start};
use super::digits::Run;
use super::hits::{Hit, Label};

/// Longest text of an IPv6 address, with an IPv4 address at its end.
const LONGEST: usize = 45;

/// IPv4 addresses in a run of digit groups.
pub(super) fn v4(text: &[u8], run: &Run, hits: &mut Vec<Hit>) {
    for (at, window) in run.groups().windows(4).enumerate() {
        let [a, b, c, d] = window else { continue };
        let follows_dot = at > 0 && run.groups().get(at - 1).is_some_and(|g| g.separator == b'.');
        let version = before(text, a.start) == Some(b'/')
            && a.start.checked_sub(1).and_then(|slash| before(text, slash)).is_some_and(is_word);
        let dotted = [a, b, c].iter().all(|g| g.separator == b'.') && d.separator != b'.';
        let octets = window.iter().all(|g| !g.touches_word && octet(text.get(g.start..g.end).unwrap_or_default()));
        if dotted && octets && !follows_dot && !version {
            hits.push(Hit::new(a.start, d.end, Label::IP));
        }
    }
}

fn octet(digits: &[u8]) -> bool {
    digits.len() <= 3 && digits.iter().fold(0u32, |n, d| n * 10 + u32::from(d - b'0')) <= 255
}

/// The IPv6 address around the colon at `colon`, the first one of it; and where to look on.
pub(super) fn v6(text: &str, colon: usize) -> (Option<Hit>, usize) {
    let bytes = text.as_bytes();
    let is_part = |b: u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
    let end = run_end(bytes, colon, is_part);
    let mut start = run_start(bytes, colon, |b| b.is_ascii_hexdigit());
    let mut stop = end;
    let next = |at: usize| bytes.get(at).copied();
    while stop > start && matches!(before(bytes, stop), Some(b':' | b'.')) && !ends_double(bytes, start, stop) {
        stop -= 1;
    }
    if next(start) == Some(b':') && next(start + 1) != Some(b':') {
        start += 1;
    }
    let whole = !before(bytes, start).is_some_and(is_word) && !next(end).is_some_and(is_word);
    let address = text.get(start..stop).filter(|a| whole && a.len() <= LONGEST && tells(a));
    (address.filter(|a| a.parse::<Ipv6Addr>().is_ok()).map(|_| Hit::new(start, stop, Label::IP)), end.max(colon + 1))
}

/// Whether an address ends with its `::`.
fn ends_double(bytes: &[u8], start: usize, stop: usize) -> bool {
    stop - start >= 2 && bytes.get(stop - 2..stop) == Some(b"::")
}

/// Whether it could be more than code or a loopback address.
fn tells(address: &str) -> bool {
    let groups = address.split(':').filter(|g| !g.is_empty());
    groups.clone().count() >= 2 && groups.clone().any(|g| g.len() >= 3) && address.bytes().any(|b| b.is_ascii_digit())
}
