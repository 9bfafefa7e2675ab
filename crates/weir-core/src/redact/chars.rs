//! Classes of bytes, and runs of them.

/// Letters and digits, the characters that continue a word or a number, and `_`.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What tokens are made of: base64url and the separators of prefixes.
pub(super) fn is_token(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

/// The byte before a position.
pub(super) fn before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}

/// Where a run of bytes ends that begins at `from`.
pub(super) fn run_end(text: &[u8], from: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|&byte| !is_part(byte)).unwrap_or(rest.len())
}

/// Where a run of bytes begins that ends before `to`.
pub(super) fn run_start(text: &[u8], to: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let head = text.get(..to).unwrap_or_default();
    head.iter().rposition(|&byte| !is_part(byte)).map_or(0, |at| at + 1)
}
