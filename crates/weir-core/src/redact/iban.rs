//! International bank account numbers (ISO 13616): country, two check digits and the country's length, in one piece or
//! in groups joined by single spaces or dashes, with a remainder of 1 modulo 97 (ISO 7064 MOD 97-10).

use super::chars::{before, is_word};
use super::hits::{Hit, Label};

/// Country and total length, from the SWIFT registry of IBAN formats.
#[rustfmt::skip]
const LENGTHS: [(&[u8; 2], usize); 87] = [
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22),
    (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27),
    (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26),
    (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20),
    (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20),
    (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24),
    (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25),
    (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24),
];

/// The account number whose check digits begin at `digit`.
pub(super) fn at(text: &[u8], digit: usize) -> Option<Hit> {
    let start = digit.checked_sub(2)?;
    let country = [text.get(start)?.to_ascii_uppercase(), text.get(start + 1)?.to_ascii_uppercase()];
    if before(text, start).is_some_and(is_word) || !text.get(digit + 1)?.is_ascii_digit() {
        return None;
    }
    let (_, length) = LENGTHS.iter().find(|(code, _)| **code == country)?;
    let mut remainder = 0;
    let mut count = 0;
    let mut at = digit + 2;
    while count < length - 4 {
        let byte = *text.get(at)?;
        if matches!(byte, b' ' | b'-') && text.get(at + 1)?.is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        remainder = push(remainder, byte)?;
        count += 1;
        at += 1;
    }
    // The country and the check digits go last.
    for byte in text.get(start..digit + 2)? {
        remainder = push(remainder, *byte)?;
    }
    let ends = !text.get(at).copied().is_some_and(is_word);
    (ends && remainder == 1).then_some(Hit::new(start, at, Label::IBAN))
}

/// Appends a digit, or a letter as 10 to 35, to a number modulo 97.
fn push(remainder: u32, byte: u8) -> Option<u32> {
    let value = char::from(byte).to_digit(36)?;
    Some(if value < 10 { remainder * 10 + value } else { remainder * 100 + value } % 97)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_is_sorted_without_doubles() {
        assert!(LENGTHS.windows(2).all(|w| w[0].0 < w[1].0));
    }
}
