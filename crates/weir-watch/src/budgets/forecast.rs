//! What will be spent: Holt–Winters' additive method with a damped trend, once two seasons are known; before that, what
//! was spent lately goes on.
//!
//! Level, trend and season after C. C. Holt (1957) and P. R. Winters (1960); the trend is damped after E. S. Gardner and
//! E. Mckenzie (1985), because an undamped one runs away over a month.

use serde::{Deserialize, Serialize};

/// Weights of the newest value in level, trend and season.
const ALPHA: f64 = 0.3;
const BETA: f64 = 0.05;
const GAMMA: f64 = 0.2;
/// By how much the trend shrinks at each step.
const DAMPING: f64 = 0.98;

/// How a forecast came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Level, trend and weekly season.
    HoltWinters,
    /// The mean of what is known goes on.
    RunRate,
    /// Nothing is known yet.
    Unknown,
}

/// The next `steps` values of a series with a season of `season` values; none is below 0.
///
/// ```
/// use weir_watch::budgets::{Method, forecast};
/// let week = [10.0, 10.0, 10.0, 10.0, 10.0, 2.0, 2.0];
/// let (method, next) = forecast(&week.repeat(4), 7, 7);
/// assert_eq!(method, Method::HoltWinters);
/// assert!(next.iter().zip(week).all(|(f, w)| (f - w).abs() < 0.5));
/// ```
#[must_use]
pub fn forecast(past: &[f64], season: usize, steps: usize) -> (Method, Vec<f64>) {
    if past.is_empty() || season == 0 {
        return (Method::Unknown, vec![0.0; steps]);
    }
    if past.len() < 2 * season {
        let recent = past.get(past.len().saturating_sub(season)..).unwrap_or(past);
        return (Method::RunRate, vec![mean(recent).max(0.0); steps]);
    }
    (Method::HoltWinters, holt_winters(past, season, steps))
}

fn holt_winters(past: &[f64], season: usize, steps: usize) -> Vec<f64> {
    let (first, rest) = past.split_at(season);
    let second = rest.get(..season).unwrap_or(rest);
    let mut level = mean(first);
    let mut trend = (mean(second) - level) / season as f64;
    let mut cycle: Vec<f64> = first.iter().map(|value| value - level).collect();
    for (at, value) in rest.iter().enumerate() {
        let Some(seasonal) = cycle.get_mut(at % season) else { continue };
        let before = level;
        level = ALPHA * (value - *seasonal) + (1.0 - ALPHA) * (level + DAMPING * trend);
        trend = BETA * (level - before) + (1.0 - BETA) * DAMPING * trend;
        *seasonal = GAMMA * (value - level) + (1.0 - GAMMA) * *seasonal;
    }
    let mut damped = 0.0;
    let mut weight = 1.0;
    (0..steps)
        .map(|step| {
            weight *= DAMPING;
            damped += weight;
            let seasonal = cycle.get((rest.len() + step) % season).copied().unwrap_or(0.0);
            (level + damped * trend + seasonal).max(0.0)
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn growth_is_carried_on_and_flattens() {
        let past: Vec<f64> = (0..56).map(|day| 100.0 + f64::from(day)).collect();
        let (_, next) = forecast(&past, 7, 28);
        assert!(next[0] > 150.0 && next[0] < 162.0, "{}", next[0]);
        assert!(next[27] > next[0] && next[27] < 184.0, "{}", next[27]);
    }

    #[test]
    fn little_history_goes_on_as_it_was() {
        assert_eq!(forecast(&[2.0, 4.0], 7, 2), (Method::RunRate, vec![3.0, 3.0]));
        assert_eq!(forecast(&[], 7, 2), (Method::Unknown, vec![0.0, 0.0]));
        let ten: Vec<f64> = (0..10).map(|day| if day < 3 { 100.0 } else { 1.0 }).collect();
        assert_eq!(forecast(&ten, 7, 1), (Method::RunRate, vec![1.0]));
    }

    proptest! {
        #[test]
        fn a_forecast_is_finite_and_never_negative(
            past in proptest::collection::vec(0.0..1e9f64, 0..60), season in 0usize..10, steps in 0usize..50,
        ) {
            let (_, next) = forecast(&past, season, steps);
            prop_assert_eq!(next.len(), steps);
            prop_assert!(next.iter().all(|value| value.is_finite() && *value >= 0.0));
        }
    }
}
