//! Where secrets can be: one Aho-Corasick pass over a text for the words that they begin with or follow.
//!
//! The pass is shared by all detectors of secrets. Most texts hold no anchor, or only ones that a look at the bytes
//! around them dismisses (`"max_tokens"`, `risk-averse`).

use aho_corasick::{AhoCorasick, MatchKind};

use super::probe::Probe;

/// What an anchor announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The fixed beginning of a vendor's key; its index in [`super::keys::KEYS`].
    Key(usize),
    /// `Bearer` and a token.
    Bearer,
    /// A name such as `password`, to which a value may be assigned.
    Name,
    /// The `BEGIN ` of a PEM block.
    Pem,
}

/// Names that secrets are assigned to, as they begin or in their middle.
pub(super) const NAMES: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "access-key",
    "accesskey",
    "private_key",
    "auth_token",
    "authtoken",
    "access_token",
    "refresh_token",
];

/// Finds anchors, whatever their case; detectors check it where it matters.
#[derive(Debug)]
pub(super) struct Anchors {
    automaton: AhoCorasick,
    kinds: Vec<Anchor>,
    probe: Option<Probe>,
}

impl Anchors {
    /// Builds the automaton; `None` cannot happen with these few words.
    pub(super) fn new() -> Option<Self> {
        let keys = super::keys::KEYS.iter().enumerate().map(|(at, key)| (key.prefix, Anchor::Key(at)));
        let names = NAMES.iter().map(|name| (*name, Anchor::Name));
        let others = [("bearer", Anchor::Bearer), ("begin ", Anchor::Pem)];
        let (words, kinds): (Vec<&str>, Vec<Anchor>) = keys.chain(names).chain(others).unzip();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(words)
            .ok()?;
        Some(Self { automaton, kinds, probe: Probe::new() })
    }

    /// Whether it is worth to look for anchors: in a plain text, or in any string of a JSON document. Errs only towards
    /// yes.
    pub(super) fn may_hold(&self, text: &str) -> bool {
        self.probe.as_ref().is_none_or(|probe| probe.may_hold(text.as_bytes()))
    }

    /// Takes the probe out, for tests that compare with and without it.
    #[cfg(test)]
    pub(super) fn take_probe(&mut self) -> Option<Probe> {
        self.probe.take()
    }

    /// The anchors of a text that do not overlap, with their start and end.
    pub(super) fn of<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (Anchor, usize, usize)> + 't {
        self.automaton
            .find_iter(text)
            .filter_map(|found| Some((*self.kinds.get(found.pattern().as_usize())?, found.start(), found.end())))
    }
}

/// Whether a name is one that secrets are stored under, as a whole: `password`, `DB_PASSWORD`, `apiKey`.
pub(super) fn is_secret_name(name: &str) -> bool {
    let ends = |end: &str| {
        name.len()
            .checked_sub(end.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    NAMES.iter().any(|end| ends(end)) || ends("secret_access_key") || ends("secret_key") || ends("authorization")
}
