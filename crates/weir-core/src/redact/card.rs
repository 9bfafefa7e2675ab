//! Payment card numbers: 13 to 19 digits, alone or in groups joined by one space or dash, with the prefix and length
//! of a known network (ISO/IEC 7812 issuer ranges) and a valid check digit (Luhn, ISO/IEC 7812-1 annex B).

use super::digits::Run;
use super::hits::{Hit, Label};

/// Cards in a run of digit groups.
pub(super) fn find(text: &[u8], run: &Run, hits: &mut Vec<Hit>) {
    let groups = run.groups();
    let mut at = 0;
    while at < groups.len() {
        match longest(text, run, at) {
            Some(last) => {
                hits.push(Hit::new(groups[at].start, groups[last].end, Label::CARD));
                at = last + 1;
            }
            None => at += 1,
        }
    }
}

/// The last group of the longest card that begins with group `first`.
fn longest(text: &[u8], run: &Run, first: usize) -> Option<usize> {
    let groups = run.groups();
    let separator = groups.get(first)?.separator;
    let mut digits = [0u8; 19];
    let mut count = 0;
    let mut found = None;
    for (at, group) in groups.iter().enumerate().skip(first) {
        if at > first && (group.start - groups[at - 1].end != 1 || groups[at - 1].separator != separator) {
            break;
        }
        let bytes = text.get(group.start..group.end)?;
        if group.touches_word || bytes.len() < 2 || count + bytes.len() > digits.len() {
            break;
        }
        digits.get_mut(count..count + bytes.len())?.copy_from_slice(bytes);
        count += bytes.len();
        if is_card(digits.get(..count)?) && !decimal(text, groups[first].start, group.end) {
            found = Some(at);
        }
        if !matches!(separator, b' ' | b'-') {
            break;
        }
    }
    found
}

/// Whether the digits continue before or after a decimal point.
fn decimal(text: &[u8], start: usize, end: usize) -> bool {
    let digit = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
    let dot = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|b| matches!(b, b'.' | b','));
    (dot(start.checked_sub(1)) && digit(start.checked_sub(2))) || (dot(Some(end)) && digit(Some(end + 1)))
}

fn is_card(digits: &[u8]) -> bool {
    digits.len() >= 13 && known_network(digits) && luhn(digits)
}

/// Whether the first six digits and the length are those of a network that issues cards.
fn known_network(digits: &[u8]) -> bool {
    let head = digits.iter().take(6).fold(0u32, |n, d| n * 10 + u32::from(d - b'0'));
    match (head, digits.len()) {
        // Visa
        (400_000..=499_999, 13 | 16 | 19) => true,
        // Mastercard
        (510_000..=559_999 | 222_100..=272_099, 16) => true,
        // American Express
        (340_000..=349_999 | 370_000..=379_999, 15) => true,
        // Diners Club
        (300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999, 14..=19) => true,
        // Discover, UnionPay
        (601_100..=601_199 | 644_000..=659_999 | 620_000..=629_999, 16..=19) => true,
        // JCB
        (352_800..=358_999, 16..=19) => true,
        // Maestro
        (500_000..=509_999 | 560_000..=589_999 | 630_000..=639_999 | 670_000..=679_999, 16..=19) => true,
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0u32, |sum, (at, digit)| {
        let n = u32::from(digit - b'0');
        sum + if at.is_multiple_of(2) { n } else { n * 2 / 10 + n * 2 % 10 }
    });
    sum.is_multiple_of(10)
}
