//! Rates per class of token.

use crate::token::TokenCounts;

/// What each class of token costs, in nano-dollars per million tokens: 2.5 USD per million is 2,500,000,000.
///
/// Complete: where a vendor has no rate of its own for a class, the rate that it bills the class at stands here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassRates {
    /// Input that no cache was used for.
    pub input: i64,
    /// Input read from the prompt cache; the `input` rate when the vendor lists none.
    pub cached_input: i64,
    /// Input written to the prompt cache; the `input` rate when the vendor lists none.
    pub cache_write: i64,
    /// Input written to the prompt cache for an hour; the `cache_write` rate when the vendor lists none.
    pub cache_write_1h: i64,
    /// Output text.
    pub output: i64,
    /// Reasoning; the `output` rate when the vendor lists none.
    pub reasoning_output: i64,
    /// Audio input; the `input` rate when the vendor lists none.
    pub audio_in: i64,
    /// Audio output; the `output` rate when the vendor lists none.
    pub audio_out: i64,
}

/// Rates of long requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The tier applies when the request's total input is above this.
    pub input_tokens: u64,
    /// The rates of all tokens of such a request.
    pub rates: ClassRates,
}

/// All rates of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Rates below every tier.
    pub base: ClassRates,
    /// Long-context tiers by ascending `input_tokens`.
    pub above: Vec<Tier>,
}

impl Rates {
    /// The rates of a call: those of the highest tier that its total input exceeds.
    #[must_use]
    pub fn of_call(&self, tokens: &TokenCounts) -> &ClassRates {
        let input = tokens.input_total();
        self.above.iter().rev().find(|tier| input > tier.input_tokens).map_or(&self.base, |tier| &tier.rates)
    }
}

impl From<ClassRates> for Rates {
    fn from(base: ClassRates) -> Self {
        Self { base, above: Vec::new() }
    }
}
