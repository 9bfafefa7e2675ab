//! The models that are asked, with the list prices of the built-in table and how fast they answer.

use std::sync::Arc;

use anyhow::anyhow;
use weir_core::money::NanoUsd;
use weir_core::price::{PriceTable, cost};
use weir_core::token::TokenCounts;

/// The place in [`MODELS`] of the one that classifies messages.
pub(super) const SMALL: usize = 0;

/// The provider that has an incident.
pub(super) const TROUBLED: &str = "anthropic";

/// A model.
pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) provider: &'static str,
    /// What its answers name.
    pub(super) full_name: &'static str,
    /// Until the first piece of the answer, milliseconds.
    pub(super) first_ms: f64,
    /// Per token of the answer.
    pub(super) token_ms: f64,
}

pub(super) const MODELS: [Model; 4] = [
    Model {
        name: "gpt-4o-mini",
        provider: "openai",
        full_name: "gpt-4o-mini-2024-07-18",
        first_ms: 340.0,
        token_ms: 8.0,
    },
    Model { name: "gpt-4.1", provider: "openai", full_name: "gpt-4.1-2025-04-14", first_ms: 480.0, token_ms: 11.0 },
    Model {
        name: "claude-haiku-4-5",
        provider: TROUBLED,
        full_name: "claude-haiku-4-5-20251001",
        first_ms: 420.0,
        token_ms: 7.0,
    },
    Model {
        name: "claude-sonnet-4-5",
        provider: TROUBLED,
        full_name: "claude-sonnet-4-5-20250929",
        first_ms: 760.0,
        token_ms: 14.0,
    },
];

/// What tokens of [`MODELS`] cost.
pub(super) struct Prices {
    table: Arc<PriceTable>,
}

impl Prices {
    /// The built-in table; each model is in it.
    pub(super) fn new() -> anyhow::Result<Self> {
        let table = PriceTable::builtin();
        for model in &MODELS {
            table.lookup(model.provider, model.name).ok_or_else(|| anyhow!("{} has no price", model.name))?;
        }
        Ok(Self { table })
    }

    pub(super) fn of(&self, model: &Model, tokens: &TokenCounts) -> Option<NanoUsd> {
        Some(cost(&self.table.lookup(model.provider, model.name)?.rates, tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_a_price() {
        let prices = Prices::new().unwrap();
        for model in &MODELS {
            assert!(prices.of(model, &TokenCounts::of(1_000, 100)).is_some_and(|cost| cost > NanoUsd::ZERO));
        }
    }
}
