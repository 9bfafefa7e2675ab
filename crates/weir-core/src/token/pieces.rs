//! Cuts a text into the pieces that are merged on their own, as tiktoken's patterns do.
//!
//! Source: the patterns of `cl100k_base` and `o200k_base` in tiktoken's `tiktoken_ext/openai_public.py`. They are
//! written here so that the crate regex (no look-around, no possessive quantifiers, but linear time) can run them; what
//! matches stays the same:
//!
//! - Possessive quantifiers are plain ones. What follows each of them cannot match what it would give back, or nothing
//!   follows.
//! - `\s*[\r\n]` and `\s*[\r\n]+` are one: the greedy `\s*` leaves the last line break of the run only.
//! - The end of `\s+(?!\S)|\s+` (or `|\s`) is `\s+`, and the run gives back its last character when a character that is
//!   no space follows and it has more than one. The look-ahead says the same: at the end of the text the whole run
//!   matches; before another character it fails for the whole run, and one step back it holds, as the next character is
//!   then the run's last. Only a run of one has no step back, and is left to the second alternative.
//!
//! Runs reach that alternative only without a line break, as `\s*[\r\n]+` comes before it. Every other one ends in a
//! line break, in a character that is no space, or at the end of the text, so the last character of a match that ends
//! before tells which one matched.
//!
//! Invariant: the pieces are not empty, and joined they are the text. Every character is a letter, a number, a space or
//! none of them, and each of these matches at the start of what is left.

use regex::Regex;

/// `\A`, because every match starts where the one before ended: the search goes forward only.
pub(super) const CL100K: &str = concat!(
    r"\A(?:",
    r"'(?i:[sdmt]|ll|ve|re)",
    r"|[^\r\n\p{L}\p{N}]?\p{L}+",
    r"|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*",
    r"|\s+$",
    r"|\s*[\r\n]+",
    r"|\s+",
    r")",
);

/// See [`CL100K`].
pub(super) const O200K: &str = concat!(
    r"\A(?:",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*",
    r"|\s*[\r\n]+",
    r"|\s+",
    r")",
);

/// The pieces of a text, in order. What the pattern does not match is one piece.
pub(super) struct Pieces<'r, 't> {
    pattern: &'r Regex,
    rest: &'t str,
}

impl<'r, 't> Pieces<'r, 't> {
    pub(super) fn new(pattern: &'r Regex, text: &'t str) -> Self {
        Self { pattern, rest: text }
    }
}

impl<'t> Iterator for Pieces<'_, 't> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let mut end = self.pattern.find(self.rest).map_or(0, |found| found.end());
        if end == 0 {
            end = self.rest.len();
        }
        if end < self.rest.len() {
            end -= given_back(&self.rest[..end]);
        }
        let (piece, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(piece)
    }
}

/// Bytes of the last character, if the piece is a run of more than one space without a line break at its end.
fn given_back(piece: &str) -> usize {
    match piece.chars().next_back() {
        Some(last) if last.is_whitespace() && !matches!(last, '\r' | '\n') && last.len_utf8() < piece.len() => {
            last.len_utf8()
        }
        _ => 0,
    }
}
