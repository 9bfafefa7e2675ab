//! A cascade asks the cheapest model first and goes on only from an answer that falls short.

use serde::Serialize;
use weir_core::money::NanoUsd;
use weir_core::token::TokenCounts;

/// An answer that was paid for and not taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rejected {
    /// `provider/model` of the deployment that gave it.
    pub model: String,
    /// What was wrong with it.
    pub reason: String,
    /// What it cost, if that is known.
    #[serde(rename = "cost_nano")]
    pub cost: Option<NanoUsd>,
    /// Its tokens.
    #[serde(skip)]
    pub tokens: Option<TokenCounts>,
}
