//! E-mail addresses: `local@domain.tld` in ASCII, found from the `@` outwards.
//!
//! The cost is linear: neither side of an address contains an `@`, so no byte is looked at for more than two of them.

use super::chars::{before, run_end, run_start};
use super::hits::{Hit, Label};

/// The address around the `@` at `at`.
pub(super) fn around(text: &[u8], at: usize) -> Option<Hit> {
    let is_ascii_local = |b: u8| b.is_ascii_alphanumeric() || b"._%+-".contains(&b);
    // Other scripts only when they stand directly before the `@`: text without spaces would be taken along.
    let start = match before(text, at)? {
        0x80.. => run_start(text, at, |b| is_ascii_local(b) || b >= 0x80),
        _ => run_start(text, at, is_ascii_local),
    };
    let start = run_end(text, start, |b| b"._%+-".contains(&b) && b != b'_');
    let end = domain_end(text, at + 1)?;
    (start < at).then_some(Hit::new(start, end, Label::EMAIL))
}

/// Where the longest domain ends that begins at `from`: labels of letters, digits and dashes, the last one of at least
/// two letters.
fn domain_end(text: &[u8], from: usize) -> Option<usize> {
    let mut end = None;
    let mut label = from;
    loop {
        let label_end = run_end(text, label, |b| b.is_ascii_alphanumeric() || b == b'-');
        if label_end == label {
            return end;
        }
        if label > from {
            let letters = run_end(text, label, |b| b.is_ascii_alphabetic());
            if letters - label >= 2 && !text.get(letters).is_some_and(u8::is_ascii_digit) {
                end = Some(letters);
            }
        } else if text.get(label) == Some(&b'-') {
            return None;
        }
        if text.get(label_end) != Some(&b'.') {
            return end;
        }
        label = label_end + 1;
    }
}
