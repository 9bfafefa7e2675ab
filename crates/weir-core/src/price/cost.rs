//! The cost of a call.

use super::Rates;
use crate::money::NanoUsd;
use crate::token::TokenCounts;

/// Tokens that a rate is stated for.
const PER: i128 = 1_000_000;

/// What the tokens cost: the sum of class × rate, rounded half up to a nano-dollar once, at the end.
///
/// The sum is exact in 128 bits. The result is never negative (a negative rate counts as 0) and saturates.
#[must_use]
pub fn cost(rates: &Rates, tokens: &TokenCounts) -> NanoUsd {
    let r = rates.of_call(tokens);
    let sum = [
        (tokens.prompt, r.input),
        (tokens.cached, r.cached_input),
        (tokens.cache_write, r.cache_write),
        (tokens.cache_write_1h, r.cache_write_1h),
        (tokens.completion, r.output),
        (tokens.reasoning, r.reasoning_output),
        (tokens.audio_in, r.audio_in),
        (tokens.audio_out, r.audio_out),
    ]
    .into_iter()
    .fold(0i128, |sum, (count, rate)| sum.saturating_add(i128::from(count) * i128::from(rate.max(0))));
    let nanos = sum.saturating_add(PER / 2) / PER;
    NanoUsd(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::price::{ClassRates, PriceTable, Tier};

    fn usd(provider: &str, model: &str, tokens: TokenCounts) -> f64 {
        cost(&PriceTable::builtin().lookup(provider, model).unwrap().rates, &tokens).as_usd()
    }

    /// List prices times tokens, worked out by hand.
    #[test]
    fn examples() {
        // 1,000 × 2.50 + 500 × 10 per million
        assert_eq!(usd("openai", "gpt-4o", TokenCounts::of(1_000, 500)), 0.0075);
        // 1,200 × 0.15 + 300 × 0.60
        assert_eq!(usd("openai", "gpt-4o-mini", TokenCounts::of(1_200, 300)), 0.000_36);
        assert_eq!(usd("azure", "gpt-4o-mini-2024-07-18", TokenCounts::of(1_200, 300)), 0.000_36);
        // one token at 0.15 per million is 150 nano-dollars
        assert_eq!(usd("openai", "gpt-4o-mini", TokenCounts::of(1, 0)), 0.000_000_15);
        // 30 + 60
        assert_eq!(usd("openai", "gpt-4", TokenCounts::of(1_000_000, 1_000_000)), 90.0);
        // 0.5 and 1.5
        assert_eq!(usd("openai", "gpt-3.5-turbo", TokenCounts::of(100, 50)), 0.000_125);
        // 80 × 2.50 + 1,920 × 1.25 + 100 × 10 + 400 reasoning at the output rate
        let cached = TokenCounts { cached: 1_920, reasoning: 400, ..TokenCounts::of(80, 100) };
        assert_eq!(usd("openai", "gpt-4o", cached), 0.0076);
        // Anthropic: 10 × 3 + 1,000 × 0.30 + 2,000 × 3.75 + 4,000 × 6 + 100 × 15
        let written =
            TokenCounts { cached: 1_000, cache_write: 2_000, cache_write_1h: 4_000, ..TokenCounts::of(10, 100) };
        assert_eq!(usd("anthropic", "claude-sonnet-4-5", written), 0.033_33);
        // audio 32 in, 64 out; text 2.5 and 10
        let audio = TokenCounts { audio_in: 1_000, audio_out: 500, ..TokenCounts::of(100, 20) };
        assert_eq!(usd("openai", "gpt-audio", audio), 0.064_45);
        assert_eq!(usd("groq", "llama-3.1-8b-instant", TokenCounts::of(1_000, 1_000)), 0.000_13);
        assert_eq!(usd("openai", "text-embedding-3-small", TokenCounts::of(50_000, 0)), 0.001);
    }

    #[test]
    fn long_requests_bill_all_tokens_at_the_tier() {
        // up to 200,000 input tokens 1.25 and 10, above 2.50 and 15, cached 0.25
        let at = TokenCounts { cached: 100_000, ..TokenCounts::of(100_000, 1_000) };
        let above = TokenCounts { prompt: 100_001, ..at };
        assert_eq!(usd("gemini", "gemini-2.5-pro", at), 0.1475);
        assert_eq!(usd("gemini", "gemini-2.5-pro", above), 0.290_002_5);
        // reasoning and audio do not choose the tier, total input does; absent members keep the base rate
        let one_hour = TokenCounts { cache_write_1h: 100_001, ..TokenCounts::default() };
        assert_eq!(usd("anthropic", "claude-haiku-5-5", one_hour), 0.020_000_2);
    }

    #[test]
    fn rounds_half_up_once() {
        let rates = Rates::from(ClassRates { input: 500_000, output: 499_999, ..ClassRates::default() });
        assert_eq!(cost(&rates, &TokenCounts::of(1, 0)), NanoUsd(1));
        assert_eq!(cost(&rates, &TokenCounts::of(0, 1)), NanoUsd(0));
        assert_eq!(cost(&rates, &TokenCounts::of(1, 1)), NanoUsd(1));
        assert_eq!(cost(&rates, &TokenCounts::of(3, 0)), NanoUsd(2));
    }

    fn class_rates() -> impl Strategy<Value = ClassRates> {
        any::<[i64; 8]>().prop_map(|r| ClassRates {
            input: r[0],
            cached_input: r[1],
            cache_write: r[2],
            cache_write_1h: r[3],
            output: r[4],
            reasoning_output: r[5],
            audio_in: r[6],
            audio_out: r[7],
        })
    }

    fn tokens(most: u64) -> impl Strategy<Value = TokenCounts> {
        prop::array::uniform8(0..=most).prop_map(|t| TokenCounts {
            prompt: t[0],
            cached: t[1],
            cache_write: t[2],
            cache_write_1h: t[3],
            completion: t[4],
            reasoning: t[5],
            audio_in: t[6],
            audio_out: t[7],
        })
    }

    proptest! {
        #[test]
        fn never_negative(base in class_rates(), tier in class_rates(), at in any::<u64>(), t in tokens(u64::MAX)) {
            let rates = Rates { base, above: vec![Tier { input_tokens: at, rates: tier }] };
            prop_assert!(cost(&rates, &t) >= NanoUsd::ZERO);
        }

        #[test]
        fn monotone_in_every_class(base in class_rates(), a in tokens(1 << 40), b in tokens(1 << 40)) {
            let rates = Rates::from(base);
            prop_assert!(cost(&rates, &a.saturating_add(b)) >= cost(&rates, &a).max(cost(&rates, &b)));
        }
    }
}
