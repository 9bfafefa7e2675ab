//! Whether a text may hold a secret at all, at the speed of memory: most texts do not, and end here.
//!
//! Three passes with vector instructions are faster than one through an automaton: for parts of the vendors' prefixes,
//! for other fixed words, and for the signs of assignments, from which the look goes back over the name. It errs only
//! towards yes, also for the raw text of a JSON document, whose strings have escapes.

use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Span};

use super::anchors::NAMES;
use super::chars::{before, is_token, is_word, run_start};
use super::{assigned, keys};

/// Characters that the keys of all vendors have after their prefix, at least.
const BODY: usize = 8;

/// How far before a sign the name of a secret can begin: what may follow within the name, and the longest one itself.
const BACK: usize = assigned::TAIL + 16;

/// What the first line of every PEM block of a private key has.
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// How an escape of JSON begins for a character that may be ASCII.
const ESCAPE: &str = r"\u00";

/// The whole name of a member that is telling without being one of [`NAMES`].
const AUTHORIZATION: &str = "authorization";

/// Finds out whether a text may hold a secret.
#[derive(Debug)]
pub(super) struct Probe {
    /// Three bytes of each vendor's prefix.
    parts: Searcher,
    /// By pattern of `parts`: the prefixes that have it, and where.
    prefixes: Vec<Vec<(usize, &'static str)>>,
    /// The end of `Bearer`, what PEM blocks have, and the escapes of JSON. Apart from the others because it can look at
    /// four bytes at once.
    words: Searcher,
    names: AhoCorasick,
}

impl Probe {
    /// `None` on a machine without the vector instructions.
    pub(super) fn new() -> Option<Self> {
        let mut parts: Vec<&str> = Vec::new();
        let mut prefixes: Vec<Vec<(usize, &str)>> = Vec::new();
        for key in &keys::KEYS {
            let (at, part) = part(key.prefix)?;
            let which = parts.iter().position(|known| *known == part).unwrap_or(parts.len());
            if which == parts.len() {
                parts.push(part);
                prefixes.push(Vec::new());
            }
            prefixes.get_mut(which)?.push((at, key.prefix));
        }
        // Patterns that differ in case only are cheap: they share a bucket of the searcher.
        let bearer = (0..16).map(|upper| in_case("arer", upper));
        let words = [PRIVATE_KEY.to_owned(), ESCAPE.to_owned()].into_iter().chain(bearer);
        let names = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .prefilter(false)
            .build(NAMES.iter().copied().chain([AUTHORIZATION]))
            .ok()?;
        Some(Self { parts: searcher(parts)?, prefixes, words: searcher(words)?, names })
    }

    /// Whether it may, as plain text or in a string of it if it is a JSON document.
    pub(super) fn may_hold(&self, text: &[u8]) -> bool {
        any_match(&self.parts, text, |which, start| {
            let prefixes = self.prefixes.get(which).map_or([].as_slice(), Vec::as_slice);
            prefixes.iter().any(|(at, prefix)| start.checked_sub(*at).is_some_and(|start| is_key(text, start, prefix)))
        }) || any_match(&self.words, text, |which, start| match which {
            0 => true,
            1 => is_hiding(text, start + ESCAPE.len()),
            _ => is_bearer(text, start + 4),
        }) || memchr::memchr2_iter(b':', b'=', text).any(|sign| self.follows_name(text, sign))
    }

    /// Whether the sign at `sign` assigns to a name of a secret.
    fn follows_name(&self, text: &[u8], sign: usize) -> bool {
        let is_between = |b: u8| matches!(b, b'\\' | b'"' | b'\'' | b'`' | b']') || b.is_ascii_whitespace();
        let end = run_start(text, sign, is_between);
        let Some(near) = text.get(end.saturating_sub(BACK)..end) else { return false };
        telling_start(near).and_then(|start| near.get(start..)).is_some_and(|name| self.names.is_match(name))
    }
}

/// The three bytes of a prefix that are looked for: the last ones, rarer in prose than the first; and where they are.
fn part(prefix: &'static str) -> Option<(usize, &'static str)> {
    // One pattern for all of Slack's: with more than 32 the searcher takes a form of half the speed.
    let at = if prefix.starts_with("xox") { 0 } else { prefix.len().checked_sub(3)? };
    Some((at, prefix.get(at..at + 3)?))
}

fn searcher<P: AsRef<[u8]>>(patterns: impl IntoIterator<Item = P>) -> Option<Searcher> {
    Config::new().match_kind(MatchKind::LeftmostLongest).builder().extend(patterns).build()
}

/// Whether a match counts, of those of all patterns: what was dismissed may overlap what counts.
fn any_match(searcher: &Searcher, text: &[u8], counts: impl Fn(usize, usize) -> bool) -> bool {
    let mut from = 0;
    while let Some(found) = searcher.find_in(text, Span { start: from, end: text.len() }) {
        if counts(found.pattern().as_usize(), found.start()) {
            return true;
        }
        from = found.start() + 1;
    }
    false
}

/// A word with the letters in capitals whose bits are set.
fn in_case(word: &str, upper: u8) -> String {
    let letter = |(at, c): (usize, char)| if upper >> at & 1 == 1 { c.to_ascii_uppercase() } else { c };
    word.chars().enumerate().map(letter).collect()
}

/// Where the name begins that a text ends with, if it has one of the pairs of letters of which every name of a secret has
/// one. Most names of members have none, and that is cheaper to see than with the automaton.
fn telling_start(text: &[u8]) -> Option<usize> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let mut start = text.len();
    let mut tells = false;
    let mut next = 0;
    for &byte in text.iter().rev().take_while(|b| is_part(**b)) {
        let pair = [byte | 0x20, next];
        tells |= matches!(&pair, b"ss" | b"wd" | b"cr" | b"ke" | b"za");
        next = byte | 0x20;
        start -= 1;
    }
    tells.then_some(start)
}

/// Whether a prefix is at `start` and enough behind it.
fn is_key(text: &[u8], start: usize, prefix: &str) -> bool {
    let body = text.get(start..).and_then(|rest| rest.strip_prefix(prefix.as_bytes()));
    let long = body.and_then(|body| body.get(..BODY)).is_some_and(|body| body.iter().all(|b| is_token(*b)));
    // After a letter it is part of a word, unless the letter is that of an escape: `\nsk-`, `\u00e9sk-`.
    let in_word = before(text, start).is_some_and(is_word);
    let after_escape = || text.get(start.saturating_sub(6)..start).is_some_and(|head| head.contains(&b'\\'));
    long && (!in_word || after_escape())
}

/// Whether the word that ends at `end` is `bearer` in any case, and a token follows or an escape that may begin one.
fn is_bearer(text: &[u8], end: usize) -> bool {
    let word = end.checked_sub(6).and_then(|start| text.get(start..end));
    word.is_some_and(|word| word.eq_ignore_ascii_case(b"bearer")) && assigned::may_be_bearer(text, end)
}

/// Whether an escape of which `\u00` ends at `end` is that of a character that can be part of an anchor or a secret.
fn is_hiding(text: &[u8], end: usize) -> bool {
    match text.get(end..end + 2) {
        // `<`, `>` and `&`, which some serializers escape always, end all that a secret is made of.
        Some(b"3c" | b"3e" | b"26" | b"3C" | b"3E") => false,
        Some([b'2'..=b'7', _]) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_have_a_telling_pair() {
        for name in NAMES.iter().copied().chain([AUTHORIZATION]) {
            assert!(telling_start(name.to_uppercase().as_bytes()) == Some(0), "{name}");
            assert!(assigned::TAIL + name.len() <= BACK, "{name}");
        }
    }

    #[test]
    fn searchers_are_of_the_fast_form() {
        let probe = Probe::new().unwrap();
        assert!(probe.prefixes.len() <= 32);
        assert_eq!(probe.prefixes.iter().map(Vec::len).sum::<usize>(), keys::KEYS.len());
    }

    #[test]
    fn ordinary_text_ends_here() {
        let probe = Probe::new().unwrap();
        for text in [
            r#"{"model":"gpt-4o","max_tokens":512,"messages":[{"role":"user","content":"risk-averse \u00e9"}]}"#,
            "the bearer of good news: he is clearer, and so on",
            r#"a \u003cb\u003e in HTML, and sk-learn = key:value"#,
        ] {
            assert!(!probe.may_hold(text.as_bytes()), "{text}");
        }
    }
}
