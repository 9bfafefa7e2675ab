//! Tokens in a text.
//!
//! For the models of [`Encoding::O200k`] and [`Encoding::Cl100k`] the count is the provider's own, special tokens
//! excepted: text that looks like one (`<|endoftext|>`) counts as ordinary text, as the API treats it.
//!
//! For all other models the count is that of `o200k_base` and marked as an estimate. It was chosen over a number of
//! characters because it follows the script and the kind of text (code, digits, CJK), which move the ratio of
//! characters to tokens from about 4.5 to below 1. Vocabularies of a similar size (Llama 3, Mistral, Qwen, Gemini)
//! usually land within 10 % on English prose; Claude's yields more tokens, up to about a third more in its newer
//! models. Counts that a provider sends always win over it.
//!
//! The cost is linear in the length of usual text, and n log n at worst, whatever the text. The first use of an
//! encoding builds its tables (about ten milliseconds, and a few megabytes that stay); [`warm`] does that in advance.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::Encoding;
use super::bpe::Bpe;
use super::pieces::{self, Pieces};

/// A number of tokens, and whether it is the provider's own count or an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Tokens.
    pub tokens: u64,
    /// False for an estimate.
    pub exact: bool,
}

/// Counts the tokens of a text for a model; see the module for what is exact.
#[must_use]
pub fn count_text(model: &str, text: &str) -> Count {
    let encoding = Encoding::of_model(model);
    Count { tokens: count_with(encoding, text), exact: encoding.is_exact() }
}

/// Counts the tokens of a text in an encoding.
#[must_use]
pub fn count_with(encoding: Encoding, text: &str) -> u64 {
    if text.is_empty() { 0 } else { tokenizer(encoding).count(text) }
}

/// Tokens of a text or a JSON body of so many bytes, at 4 bytes per token rounded up: OpenAI's rule of thumb for
/// English. Costs nothing; for reservations that the real count corrects.
#[must_use]
pub fn estimate_fast(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}

/// Loads the tables of both encodings.
pub fn warm() {
    LazyLock::force(&O200K);
    LazyLock::force(&CL100K);
}

static CL100K: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::new(pieces::CL100K, include_bytes!(concat!(env!("OUT_DIR"), "/cl100k_base.bpe"))));

static O200K: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::new(pieces::O200K, include_bytes!(concat!(env!("OUT_DIR"), "/o200k_base.bpe"))));

/// Bytes of states that a pattern keeps per thread that counts at the same time. Random Unicode fills whatever it is
/// given, and nothing frees it; English and code need less than this.
const MOST_STATES: usize = 512 << 10;

/// An encoding: what cuts a text into pieces, and what merges a piece into tokens.
struct Tokenizer {
    /// `None` only if the regex crate refused the constant pattern, which a test rules out; then the text is one piece.
    pattern: Option<Regex>,
    bpe: Bpe,
}

impl Tokenizer {
    fn new(pattern: &str, table: &'static [u8]) -> Self {
        let pattern = RegexBuilder::new(pattern).dfa_size_limit(MOST_STATES).build().ok();
        Self { pattern, bpe: Bpe::new(table) }
    }

    fn count(&self, text: &str) -> u64 {
        let tokens = |piece: &str| self.bpe.count(piece.as_bytes()) as u64;
        match &self.pattern {
            Some(pattern) => Pieces::new(pattern, text).map(tokens).sum(),
            None => tokens(text),
        }
    }
}

fn tokenizer(encoding: Encoding) -> &'static Tokenizer {
    match encoding {
        Encoding::Cl100k => &CL100K,
        Encoding::O200k | Encoding::Estimate => &O200K,
    }
}

#[cfg(test)]
#[path = "count_tests.rs"]
mod tests;
