//! The answer's text and how a stream cuts it into chunks.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::LazyLock;

use super::behaviour::Behaviour;
use crate::english::English;

/// Stands in a laid-out chunk for the time of sending: sixteen characters, as microseconds since 1970 have.
pub(crate) const STAMP: &str = "@unix-us-stamp@@";

const DEFAULT: &str = "The river keeps a steady course through the valley, and the old weir holds the water back \
    just long enough for the mill to turn, the fish to climb, and the village to sleep.";
const SHORT: &str = "Hello from the fake provider.";
const UNICODE: &str =
    "水は堰を越えて流れる 🌊 naïve café — Ωμέγα 👩‍👩‍👧‍👦 数据流 🇪🇺 конец \"quoted\" back\\slash\ttab\nline end 🎉";
const JSON: &str = r#"{"answer":42,"unit":"m3/s","open":true,"gates":["north","south"]}"#;

static DEFAULT_PIECES: LazyLock<Vec<&'static str>> = LazyLock::new(|| by_word(DEFAULT));

/// The names of `text=NAME`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextName {
    /// About thirty words of English.
    #[default]
    Default,
    /// Five words.
    Short,
    /// The default thirty times over.
    Long,
    /// No text at all.
    Empty,
    /// Emoji, CJK, combining marks, quotes and control characters.
    Unicode,
    /// A JSON object, as structured output gives.
    Json,
}

impl TextName {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "default" => Self::Default,
            "short" => Self::Short,
            "long" => Self::Long,
            "empty" => Self::Empty,
            "unicode" => Self::Unicode,
            "json" => Self::Json,
            _ => return None,
        })
    }
}

/// The text of one answer.
#[derive(Debug)]
pub(crate) struct Text {
    /// The whole of it; the chunks joined give the same.
    pub(crate) full: Cow<'static, str>,
    chunks: Option<usize>,
    /// `chunks=N` without a text of its own: chunk i is the word `w{i}`.
    numbered: bool,
    plain_default: bool,
}

impl Text {
    /// The text that a behaviour asks for; `vary` draws it from `english` by the request's body, so that one request
    /// always has one answer.
    pub(crate) fn new(behaviour: &Behaviour, english: &English, request: &[u8]) -> Self {
        if behaviour.vary {
            let mut hasher = DefaultHasher::new();
            hasher.write(request);
            let mut rng = fastrand::Rng::with_seed(hasher.finish());
            let full = Cow::Owned(english.take(behaviour.size.unwrap_or(DEFAULT.len()), &mut rng));
            return Self { full, chunks: behaviour.chunks, numbered: false, plain_default: false };
        }
        let named = behaviour.text != TextName::Default;
        let numbered = behaviour.chunks.is_some() && behaviour.size.is_none() && !named;
        let full = match behaviour.text {
            _ if numbered => Cow::Owned(numbered_words(behaviour.chunks.unwrap_or(0))),
            TextName::Default => Cow::Borrowed(DEFAULT),
            TextName::Short => Cow::Borrowed(SHORT),
            TextName::Long => Cow::Owned([DEFAULT; 30].join(" ")),
            TextName::Empty => Cow::Borrowed(""),
            TextName::Unicode => Cow::Borrowed(UNICODE),
            TextName::Json => Cow::Borrowed(JSON),
        };
        let full = match behaviour.size {
            Some(size) => Cow::Owned(repeat_to(&full, size)),
            None => full,
        };
        let plain_default = matches!(full, Cow::Borrowed(DEFAULT));
        Self { full, chunks: behaviour.chunks, numbered, plain_default }
    }

    /// Number of whitespace-separated words.
    pub(crate) fn words(&self) -> u64 {
        if self.plain_default { DEFAULT_PIECES.len() as u64 } else { words(&self.full) }
    }

    /// The contents of the chunks, in order.
    pub(crate) fn pieces(&self) -> Cow<'_, [&str]> {
        match self.chunks {
            None if self.plain_default => Cow::Borrowed(&DEFAULT_PIECES),
            None => Cow::Owned(by_word(&self.full)),
            Some(_) if self.numbered => Cow::Owned(by_word(&self.full)),
            Some(count) => Cow::Owned(evenly(&self.full, count)),
        }
    }
}

/// Words as ASCII whitespace divides them.
pub(crate) fn words(text: &str) -> u64 {
    let mut count = 0;
    let mut inside = false;
    for byte in text.bytes() {
        let space = byte.is_ascii_whitespace();
        count += u64::from(!space && !inside);
        inside = !space;
    }
    count
}

fn numbered_words(count: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(count * 6);
    for i in 0..count {
        let _ = write!(text, "{}w{i}", if i == 0 { "" } else { " " });
    }
    text
}

/// Repeats `text` to exactly `size` bytes; a character that would be cut is replaced by spaces.
fn repeat_to(text: &str, size: usize) -> String {
    let source = if text.is_empty() { DEFAULT } else { text };
    let mut out = String::with_capacity(size);
    while out.len() < size {
        if !out.is_empty() {
            out.push(' ');
        }
        let room = size - out.len();
        out.push_str(&source[..source.floor_char_boundary(room)]);
        if source.len() > room {
            while out.len() < size {
                out.push(' ');
            }
        }
    }
    out
}

/// One piece a word, each but the first with the space before it.
pub(crate) fn by_word(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        if at > start {
            pieces.push(&text[start..at]);
            start = at;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

/// `count` pieces of about one size, cut between characters; some are empty when the text is short.
fn evenly(text: &str, count: usize) -> Vec<&str> {
    let mut pieces = Vec::with_capacity(count);
    let mut start = 0;
    for i in 1..=count {
        let end = text.floor_char_boundary(text.len() * i / count).max(start);
        pieces.push(&text[start..end]);
        start = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Text {
        let mut behaviour = Behaviour::default();
        behaviour.add(words).unwrap();
        Text::new(&behaviour, &English::Words, b"a request")
    }

    #[test]
    fn varied_texts_follow_the_request() {
        let mut behaviour = Behaviour::default();
        behaviour.add("vary,size=700,chunks=7").unwrap();
        let of = |request: &[u8]| Text::new(&behaviour, &English::Words, request).full.into_owned();
        assert_eq!(of(b"one"), of(b"one"));
        assert_ne!(of(b"one"), of(b"two"));
        assert_eq!((of(b"one").len(), text("vary,chunks=7").pieces().len()), (700, 7));
    }

    #[test]
    fn pieces_joined_are_the_text_and_as_many_as_asked() {
        for (words, count) in [
            ("", None),
            ("chunks=7", Some(7)),
            ("chunks=1", Some(1)),
            ("chunks=0", Some(0)),
            ("unicode,chunks=40", Some(40)),
            ("text=short,chunks=100", Some(100)),
            ("size=5000", None),
            ("size=5000,chunks=9", Some(9)),
            ("text=unicode", None),
        ] {
            let text = text(words);
            let pieces = text.pieces();
            assert_eq!(pieces.concat(), text.full, "{words}");
            assert!(count.is_none_or(|count| count == pieces.len()), "{words}: {}", pieces.len());
        }
    }

    #[test]
    fn sizes_are_exact() {
        for size in [0, 1, 29, 164, 165, 1000, 65_537] {
            assert_eq!(text(&format!("size={size}")).full.len(), size);
            assert_eq!(text(&format!("unicode,size={size}")).full.len(), size);
        }
    }

    #[test]
    fn numbered_words_are_predictable() {
        assert_eq!(*text("chunks=3").pieces(), ["w0", " w1", " w2"]);
        assert_eq!(text("").words(), words(DEFAULT));
        assert_eq!(words("  a\n b\tc "), 3);
    }
}
