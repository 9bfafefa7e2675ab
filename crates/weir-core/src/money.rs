//! Money as an integer of nano-dollars: sums stay exact and a price that is not known stays `None`, never 0.

use serde::{Deserialize, Serialize};

/// An amount in nano-dollars (1 USD = 1,000,000,000). Never negative when it is the cost of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The nearest nano-dollar to an amount in dollars; out-of-range amounts saturate, NaN is 0.
    #[must_use]
    pub fn from_usd(usd: f64) -> Self {
        Self((usd * 1e9).round() as i64)
    }

    /// The amount in dollars, for people and JSON.
    #[must_use]
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Sum that saturates instead of wrapping.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
