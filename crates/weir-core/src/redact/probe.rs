//! Whether a text may hold a secret at all, at the speed of memory: most texts do not, and end here.
//!
//! Two passes with vector instructions are faster than one through an automaton: for what has fixed first bytes, and
//! for the signs of assignments, from which the look goes back over the name. It errs only towards yes, also for the
//! raw text of a JSON document, whose strings have escapes.

use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Span};

use super::anchors::NAMES;
use super::chars::{before, is_token, is_word, run_start};
use super::{assigned, keys};

/// Fewest characters that any vendor's key has after its prefix, and fewer.
const BODY: usize = 8;

/// How far before a sign the name of a secret can begin: what may follow within the name, and the longest one itself.
const BACK: usize = assigned::TAIL + 16;

/// The whole name of a member that is telling without being one of [`NAMES`].
const AUTHORIZATION: &str = "authorization";

/// What fixed bytes announce.
#[derive(Clone, Copy, Debug)]
enum Head {
    /// The beginning of a vendor's key.
    Key,
    /// The end of a `Bearer` in some case.
    Bearer,
    /// The middle of a PEM block's first line.
    Pem,
    /// The beginning of an escape of JSON for a character that may be ASCII.
    Escape,
}

/// Finds out whether a text may hold a secret.
#[derive(Debug)]
pub(super) struct Probe {
    heads: Searcher,
    kinds: Vec<Head>,
    names: AhoCorasick,
}

impl Probe {
    /// `None` on a machine without the vector instructions.
    pub(super) fn new() -> Option<Self> {
        let keys = keys::KEYS.iter().map(|key| (key.prefix.to_owned(), Head::Key));
        // Patterns that differ in case only cost one: they share a bucket of the searcher. Three letters make eight.
        let bearer = (0..8u8).map(|upper| (in_case("rer", upper), Head::Bearer));
        let others = [("PRIVATE KEY".to_owned(), Head::Pem), (r"\u00".to_owned(), Head::Escape)];
        let (words, kinds): (Vec<String>, Vec<Head>) = keys.chain(bearer).chain(others).unzip();
        let names = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .prefilter(false)
            .build(NAMES.iter().copied().chain([AUTHORIZATION]))
            .ok()?;
        let heads = Config::new().match_kind(MatchKind::LeftmostLongest).builder().extend(words).build()?;
        Some(Self { heads, kinds, names })
    }

    /// Whether it may, as plain text or in a string of it if it is a JSON document.
    pub(super) fn may_hold(&self, text: &[u8]) -> bool {
        self.has_head(text) || memchr::memchr2_iter(b':', b'=', text).any(|sign| self.follows_name(text, sign))
    }

    /// Whether it has a key, a token after `Bearer`, a private key, or an escape that may hide one.
    fn has_head(&self, text: &[u8]) -> bool {
        let mut from = 0;
        while let Some(found) = self.heads.find_in(text, Span { start: from, end: text.len() }) {
            let (start, end) = (found.start(), found.end());
            let counts = match self.kinds.get(found.pattern().as_usize()) {
                Some(Head::Key) => is_key(text, start, end),
                Some(Head::Bearer) => is_bearer(text, end),
                Some(Head::Escape) => is_hiding(text, end),
                Some(Head::Pem) | None => true,
            };
            if counts {
                return true;
            }
            // What was dismissed may overlap what counts.
            from = start + 1;
        }
        false
    }

    /// Whether the sign at `sign` assigns to a name of a secret.
    fn follows_name(&self, text: &[u8], sign: usize) -> bool {
        let is_between = |b: u8| matches!(b, b'\\' | b'"' | b'\'' | b'`' | b']') || b.is_ascii_whitespace();
        let end = run_start(text, sign, is_between);
        let Some(near) = text.get(end.saturating_sub(BACK)..end) else { return false };
        let start = run_start(near, near.len(), |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        let name = near.get(start..).unwrap_or_default();
        has_telling_pair(name) && self.names.is_match(name)
    }
}

/// A word with the letters in capitals whose bits are set.
fn in_case(word: &str, upper: u8) -> String {
    let letter = |(at, c): (usize, char)| if upper >> at & 1 == 1 { c.to_ascii_uppercase() } else { c };
    word.chars().enumerate().map(letter).collect()
}

/// Two letters of which every name of a secret has some: what most names of members lack, at less than the automaton.
fn has_telling_pair(name: &[u8]) -> bool {
    name.windows(2).any(|pair| {
        matches!([pair[0] | 0x20, pair[1] | 0x20], [b's', b's'] | [b'w', b'd'] | [b'c', b'r'] | [b'k', b'e'] | [b'z', b'a'])
    })
}

fn is_key(text: &[u8], start: usize, end: usize) -> bool {
    let long = text.get(end..end + BODY).is_some_and(|body| body.iter().all(|b| is_token(*b)));
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
            assert!(has_telling_pair(name.as_bytes()), "{name}");
            assert!(assigned::TAIL + name.len() <= BACK, "{name}");
        }
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
