//! Budgets: what may be spent in a day, a week or a month by some of the calls, what was, and what will be.
//!
//! They are watched here; keys and labels that must stop at a limit have theirs in the gateway. Invariant: a status is a
//! pure function of what was spent, hour by hour, and the time.

mod document;
mod forecast;
mod standing;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::time::{DAY, HOUR, Micros, rfc3339};
use weir_store::telemetry::Dimension;

use crate::calendar::Period;

pub use document::{BudgetDoc, MAX_BUDGETS};
pub use forecast::{Method, forecast};
pub use standing::standing;

/// Most past that a forecast looks at.
pub const HISTORY: Micros = 56 * DAY;

/// What a budget counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Dollars.
    #[default]
    Usd,
    /// Tokens of all kinds.
    Tokens,
}

/// A budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// What it is called.
    pub name: String,
    /// How much, in its unit; above 0.
    pub limit: f64,
    /// Of what.
    pub unit: Unit,
    /// For how long.
    pub period: Period,
    /// Whose calendar.
    pub zone: TimeZone,
    /// Values to keep, per dimension: all pairs must hold, several values of one are alternatives.
    pub filters: Vec<(Dimension, Vec<String>)>,
    /// So much for each combination of values of these.
    pub per: Vec<Dimension>,
    /// Shares of the limit at which somebody is told, ascending.
    pub thresholds: Vec<f64>,
    /// Whether it is told too that it will be spent before the end of the period.
    pub forecast: bool,
}

/// How a budget stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetStatus {
    /// The budget.
    pub name: String,
    /// How much, in `unit`.
    pub limit: f64,
    /// Of what.
    pub unit: Unit,
    /// For how long.
    pub period: Period,
    /// Begin of the period.
    #[serde(with = "rfc3339")]
    pub from: Micros,
    /// Its end.
    #[serde(with = "rfc3339")]
    pub to: Micros,
    /// What was spent in it.
    pub spent: f64,
    /// What is left; 0 when more was spent.
    pub remaining: f64,
    /// Spent by limit.
    pub share: f64,
    /// The highest threshold that was reached.
    pub crossed: Option<f64>,
    /// What will have been spent at its end.
    pub projected: f64,
    /// When the limit will be reached, if before the end.
    #[serde(with = "rfc3339::option")]
    pub exhausted_at: Option<Micros>,
    /// How the forecast came about.
    pub forecast: Method,
}

impl Budget {
    /// How it stands. `spent` is what was spent per hour, by the hour's start, ascending; hours without calls may be left
    /// out. It should reach back [`HISTORY`]; what is before the first hour given is not known.
    ///
    /// `None` when the time is beyond the calendar.
    #[must_use]
    pub fn status(&self, spent: &[(Micros, f64)], now: Micros) -> Option<BudgetStatus> {
        let (from, to) = self.period.around(now, &self.zone)?;
        let inside = |at: Micros| (from..to).contains(&at);
        // A sum of nothing is -0.
        let used = 0.0 + spent.iter().filter(|(at, _)| inside(*at)).map(|(_, amount)| amount).sum::<f64>();
        // A day's course matters within a day, a week's within more.
        let (step, season) = match self.period {
            Period::Day => (HOUR, 168),
            Period::Week | Period::Month => (DAY, 7),
        };
        let past = past(spent, now, step);
        let left = to - now;
        let steps = usize::try_from(left.div_euclid(step) + 1).unwrap_or(0);
        let (method, next) = forecast(&past, season, steps);
        let (mut projected, mut exhausted_at) = (used, (used >= self.limit).then_some(now));
        for (at, amount) in (0..).map(|n: i64| now + n * step).zip(next) {
            let length = step.min(to - at).max(0);
            let amount = amount * length as f64 / step as f64;
            if exhausted_at.is_none() && amount > 0.0 && projected + amount >= self.limit {
                let part = (self.limit - projected) / amount;
                exhausted_at = Some(at + (part * length as f64) as Micros);
            }
            projected += amount;
        }
        Some(BudgetStatus {
            name: self.name.clone(),
            limit: self.limit,
            unit: self.unit,
            period: self.period,
            from,
            to,
            spent: used,
            remaining: (self.limit - used).max(0.0),
            share: used / self.limit,
            crossed: self.thresholds.iter().copied().rfind(|threshold| used >= threshold * self.limit),
            projected,
            exhausted_at,
            forecast: method,
        })
    }
}

/// Sums per step that end now, oldest first, from the first hour that is known.
fn past(spent: &[(Micros, f64)], now: Micros, step: Micros) -> Vec<f64> {
    let Some((first, _)) = spent.first() else { return Vec::new() };
    let known = (now - first).clamp(0, HISTORY);
    let steps = usize::try_from(known.div_euclid(step)).unwrap_or(0);
    if steps == 0 {
        // Less than a step: as if the whole of it had gone on so.
        let sum: f64 = spent.iter().map(|(_, amount)| amount).sum();
        return if known == 0 { Vec::new() } else { vec![sum * step as f64 / known as f64] };
    }
    let mut sums = vec![0.0; steps];
    for (at, amount) in spent {
        let back = usize::try_from((now - at - 1).div_euclid(step)).unwrap_or(usize::MAX);
        if let Some(sum) = steps.checked_sub(back + 1).and_then(|at| sums.get_mut(at)) {
            *sum += amount;
        }
    }
    sums
}

#[cfg(test)]
mod tests;
