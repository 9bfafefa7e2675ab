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
//! The cost is linear in the length of the text, whatever the text. The first use of an encoding loads its table
//! (tens of milliseconds); [`warm`] does that ahead of time.

use bpe_openai::{Tokenizer, cl100k_base, o200k_base};

use super::Encoding;

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
    if text.is_empty() { 0 } else { tokenizer(encoding).count(text) as u64 }
}

/// Tokens of a text or a JSON body of so many bytes, at 4 bytes per token rounded up: OpenAI's rule of thumb for
/// English. Costs nothing; for reservations that the real count corrects.
#[must_use]
pub fn estimate_fast(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}

/// Loads the tables of both encodings.
pub fn warm() {
    let _ = (o200k_base(), cl100k_base());
}

fn tokenizer(encoding: Encoding) -> &'static Tokenizer {
    match encoding {
        Encoding::Cl100k => cl100k_base(),
        Encoding::O200k | Encoding::Estimate => o200k_base(),
    }
}

#[cfg(test)]
#[path = "count_tests.rs"]
mod tests;
