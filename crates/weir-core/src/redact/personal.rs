//! One pass over a text for personal data: it stops at `@`, at digits and at colons, and asks the detectors there.

use super::chars::before;
use super::digits::Run;
use super::hits::Hit;
use super::{card, email, iban, ip, phone};

/// Fewest digits of a phone number or a card; an IPv4 address may have four.
const FEWEST: usize = 8;

/// Appends what is found.
pub(super) fn find(text: &str, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
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
    let run = Run::at(bytes, at);
    let groups = run.groups();
    let end = run.end(at);
    if groups.len() >= 4 {
        ip::v4(bytes, &run, hits);
    }
    // A parenthesis ends a run, but not a phone number.
    let goes_on = matches!(bytes.get(end), Some(b')' | b'(')) || matches!(bytes.get(end..end + 2), Some([_, b'(']));
    if run.digits() < FEWEST && !goes_on {
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
