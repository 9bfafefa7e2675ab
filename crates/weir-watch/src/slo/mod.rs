//! Service level objectives: how much of what is allowed to go wrong has gone wrong, and how fast more does.
//!
//! Windows and factors after "Alerting on SLOs" of Google's SRE workbook: a part of the budget of 30 days is spent within
//! a long window, and a short one of a twelfth says that it still goes on. Invariant: pure; the caller counts.

mod document;
mod standing;

use serde::{Deserialize, Serialize};
use weir_core::anomaly::Severity;
use weir_core::time::{DAY, HOUR, MINUTE, Micros};

pub use document::{MAX_SLOS, Slo, SloDoc};
pub use standing::{SloStatus, standing};

/// Events that must be in the long window: with fewer, one failure is much.
pub const FEWEST: u64 = 50;
/// The longest window of [`BURNS`].
pub const LONGEST: Micros = 3 * DAY;
/// The time that the factors are made for.
const MONTH: Micros = 30 * DAY;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Indicator {
    /// Calls that fail.
    Errors,
    /// Calls that take longer, milliseconds.
    LatencyMs(f64),
    /// Scores of a name that are lower.
    ScoreBelow {
        /// The score.
        name: String,
        /// What is good enough.
        least: f64,
    },
}

/// A pair of windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// How bad it is.
    pub severity: Severity,
    /// Share of the budget of 30 days that is spent when it fires.
    pub spent: f64,
    /// The long window.
    pub long: Micros,
    /// The short one.
    pub short: Micros,
}

/// The pairs, fastest first.
pub const BURNS: [Burn; 4] = [
    Burn { severity: Severity::Critical, spent: 0.02, long: HOUR, short: 5 * MINUTE },
    Burn { severity: Severity::Critical, spent: 0.05, long: 6 * HOUR, short: 30 * MINUTE },
    Burn { severity: Severity::Warning, spent: 0.10, long: DAY, short: 2 * HOUR },
    Burn { severity: Severity::Warning, spent: 0.10, long: 3 * DAY, short: 6 * HOUR },
];

impl Burn {
    /// How many times as fast as allowed the budget is spent when it fires.
    ///
    /// ```
    /// use weir_watch::slo::BURNS;
    /// assert_eq!(BURNS.map(|burn| burn.factor().round()), [14.0, 6.0, 3.0, 1.0]);
    /// assert!((BURNS[0].factor() - 14.4).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.spent * MONTH as f64 / self.long as f64
    }
}

/// What went wrong of how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What went wrong.
    pub bad: u64,
    /// All.
    pub total: u64,
}

impl Count {
    /// The share that went wrong; 0 of nothing.
    #[must_use]
    pub fn ratio(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.bad as f64 / self.total as f64 }
    }
}

/// How fast the budget is spent over a pair of windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BurnRate {
    /// How bad it is when it fires.
    pub severity: Severity,
    /// The long window, seconds.
    pub long_s: i64,
    /// The short one, seconds.
    pub short_s: i64,
    /// Times as fast as allowed, over the long window.
    pub long_rate: f64,
    /// And over the short one.
    pub short_rate: f64,
    /// Above which it fires.
    pub factor: f64,
    /// What was looked at in the long window.
    pub total: u64,
    /// Whether it does.
    pub firing: bool,
}

/// Judges the pairs for an objective, the share that must be good (0.995). `count` counts the time that ends now.
///
/// # Errors
/// Those of `count`.
pub fn burn_rates<E>(objective: f64, mut count: impl FnMut(Micros) -> Result<Count, E>) -> Result<Vec<BurnRate>, E> {
    let budget = (1.0 - objective).max(f64::MIN_POSITIVE);
    BURNS
        .iter()
        .map(|burn| {
            let (long, short) = (count(burn.long)?, count(burn.short)?);
            let (long_rate, short_rate) = (long.ratio() / budget, short.ratio() / budget);
            let factor = burn.factor();
            Ok(BurnRate {
                severity: burn.severity,
                long_s: burn.long / 1_000_000,
                short_s: burn.short / 1_000_000,
                long_rate,
                short_rate,
                factor,
                total: long.total,
                firing: long.total > FEWEST && long_rate > factor && short_rate > factor,
            })
        })
        .collect()
}

/// The share of the budget that is left over a whole window; negative when more was spent.
///
/// ```
/// use weir_watch::slo::{Count, budget_left};
/// assert!((budget_left(0.99, Count { bad: 5, total: 1_000 }) - 0.5).abs() < 1e-9);
/// assert_eq!(budget_left(0.99, Count::default()), 1.0);
/// ```
#[must_use]
pub fn budget_left(objective: f64, window: Count) -> f64 {
    1.0 - window.ratio() / (1.0 - objective).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A month of a thousand calls an hour, of which the share fails in the last `bad` of it.
    fn firing(share: f64, bad: Micros, per_hour: u64) -> Vec<bool> {
        let count = |window: Micros| {
            let total = per_hour * window.unsigned_abs() / HOUR.unsigned_abs();
            let failing = per_hour * window.min(bad).unsigned_abs() / HOUR.unsigned_abs();
            Ok::<_, ()>(Count { bad: (failing as f64 * share) as u64, total })
        };
        burn_rates(0.995, count).unwrap().iter().map(|rate| rate.firing).collect()
    }

    #[test]
    fn the_faster_it_burns_the_sooner_it_is_told() {
        assert_eq!(firing(0.0, 3 * DAY, 1_200), [false; 4]);
        assert_eq!(firing(0.006, 3 * DAY, 1_200), [false, false, false, true]);
        assert_eq!(firing(0.02, 3 * DAY, 1_200), [false, false, true, true]);
        assert_eq!(firing(0.04, DAY, 1_200), [false, true, true, true]);
        assert_eq!(firing(0.5, 10 * MINUTE, 1_200), [true, false, false, false]);
    }

    #[test]
    fn what_is_over_is_not_told() {
        let over = |window: Micros| Ok::<_, ()>(Count { bad: if window >= HOUR { 900 } else { 0 }, total: 1_000 });
        let rates = burn_rates(0.995, over).unwrap();
        assert!(!rates[0].firing && rates[0].long_rate > rates[0].factor);
    }

    #[test]
    fn few_calls_are_no_reason() {
        assert!(!firing(1.0, 3 * DAY, 12)[0]);
        assert!(firing(1.0, 3 * DAY, 120)[0]);
    }
}
