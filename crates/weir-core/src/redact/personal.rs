//! One pass over a text for personal data: it stops at `@`, at digits and at colons, and asks the detectors there.

use super::chars::{before, run_end};
use super::digits::Run;
use super::hits::Hit;
use super::{card, email, iban, ip, phone};

/// Fewest digits of a phone number or a card; an IPv4 address may have four.
const FEWEST: usize = 8;

/// Appends what is found.
pub(super) fn find(text: &str, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(stop) = next_stop(bytes, at) {
        at = stop;
        at = match bytes.get(at).copied().unwrap_or(0) {
            b'@' => {
                hits.extend(email::around(bytes, at));
                at + 1
            }
            b':' => colon(text, at, hits),
            b'0'..=b'9' => digits(bytes, at, hits),
            _ => at + 1,
        };
    }
}

/// Whether it is worth to look: in a plain text, or in a string of JSON with its escapes, as those of the characters
/// where the pass stops have digits themselves.
pub(super) fn may_hold(text: &str) -> bool {
    next_stop(text.as_bytes(), 0).is_some()
}

/// The next `@`, digit or colon.
pub(super) fn next_stop(bytes: &[u8], from: usize) -> Option<usize> {
    // The colon comes directly after the digits. Without branches, a piece becomes a few vector instructions.
    let is_stop = |b: u8| (b.wrapping_sub(b'0') <= b':' - b'0') | (b == b'@');
    let mut at = from;
    for piece in bytes.get(from..)?.chunks(32) {
        if piece.iter().fold(false, |any, b| any | is_stop(*b)) {
            return Some(at + piece.iter().position(|b| is_stop(*b))?);
        }
        at += piece.len();
    }
    None
}

fn colon(text: &str, at: usize, hits: &mut Vec<Hit>) -> usize {
    let is_near = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_hexdigit() || *b == b':');
    if !is_near(text.as_bytes().get(at + 1)) {
        return at + 1;
    }
    let (hit, end) = ip::v6(text, at);
    match hit {
        Some(hit) => {
            hits.push(hit);
            hit.end
        }
        // Digits within may be something else: a time, an address after a port.
        None => text
            .as_bytes()
            .get(at..end)
            .and_then(|run| run.iter().rposition(|b| *b == b':'))
            .map_or(at + 1, |n| at + n + 1),
    }
}

fn digits(bytes: &[u8], at: usize, hits: &mut Vec<Hit>) -> usize {
    if before(bytes, at).is_some_and(|b| b.is_ascii_alphabetic())
        && let Some(hit) = iban::at(bytes, at)
    {
        hits.push(hit);
        return hit.end;
    }
    if let Some(end) = few_digits_end(bytes, at) {
        return end;
    }
    let run = Run::at(bytes, at);
    let groups = run.groups();
    let end = run.end(at);
    if groups.len() >= 4 {
        ip::v4(bytes, &run, hits);
    }
    if run.digits() < FEWEST && !goes_on(bytes, end) {
        return end;
    }
    let found = hits.len();
    card::find(bytes, &run, hits);
    if hits.len() > found {
        return end;
    }
    let mut from = at;
    for group in groups {
        if group.start >= from
            && !group.touches_word
            && let Some(hit) = phone::at(bytes, group.start)
        {
            from = hit.end;
            hits.push(hit);
        }
    }
    from.max(end)
}

/// Where the run of digit groups from `at` ends if it has too few of them for anything: most numbers of a text.
pub(super) fn few_digits_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut from = at;
    let mut digits = 0;
    for _ in 0..3 {
        let end = run_end(bytes, from, |b| b.is_ascii_digit());
        digits += end - from;
        if digits >= FEWEST {
            return None;
        }
        let joins = matches!(bytes.get(end), Some(b' ' | b'-' | b'.' | b'/'))
            && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !joins {
            return (!goes_on(bytes, end)).then_some(end);
        }
        from = end + 1;
    }
    None
}

/// Whether a parenthesis follows a run of groups: it ends the run, but not a phone number.
fn goes_on(bytes: &[u8], end: usize) -> bool {
    matches!(bytes.get(end), Some(b')' | b'(')) || matches!(bytes.get(end..end + 2), Some([_, b'(']))
}
