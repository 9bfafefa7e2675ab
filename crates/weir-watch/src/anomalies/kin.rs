//! One event, one anomaly: what another metric's change explains is not told again.
//!
//! More tokens cost more and take longer; another model too; refused and failed calls change what is left. What comes first in
//! `rate limits, errors, cache, tokens, cost, latency` is the cause and is told; what follows from it is not, while the effect is
//! no larger than that. A metric that is about to be told (nearly half of its threshold) holds back what it would explain.

use super::metric::Metric;

/// What a metric does now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Status {
    /// Score of the window that stands out, by the threshold.
    pub(super) over: f64,
    /// Its effect.
    pub(super) size: f64,
    pub(super) firing: bool,
}

impl Status {
    /// The effect, where there is reason to think that there is one.
    fn likely(self) -> f64 {
        if self.firing || self.over >= 0.45 { self.size } else { 0.0 }
    }
}

/// The status of every metric of calls, in the order of [`Metric::OF_CALLS`].
pub(super) type Statuses = [Status; Metric::OF_CALLS.len()];

/// Whether an effect on a metric follows from what the others do.
pub(super) fn explains(statuses: &Statuses, metric: &Metric, size: f64) -> bool {
    let [rate_limits, errors, cache, prompt, completion, cost, _] = statuses.map(Status::likely);
    let failures = rate_limits.max(0.0) + errors.max(0.0);
    let tokens = prompt.max(completion);
    match metric {
        // Some providers count no tokens of calls that failed.
        Metric::PromptTokens => failures > 0.0 && size < 0.0,
        Metric::Cost => tokens > 0.0 && size < 1.3 * tokens + 0.35 || cache < 0.0 && size < 0.4,
        Metric::Latency => failures > 0.0 || cache < 0.0 || tokens > 0.0 && size < 1.2 * tokens + 0.3 || cost > 0.0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(place: usize, over: f64, size: f64) -> Statuses {
        let mut statuses = Statuses::default();
        statuses[place] = Status { over, size, firing: false };
        statuses
    }

    #[test]
    fn cost_follows_tokens_as_far_as_they_go() {
        let doubled = with(3, 1.2, 2f64.ln());
        assert!(explains(&doubled, &Metric::Cost, 2f64.ln()));
        assert!(!explains(&doubled, &Metric::Cost, 8f64.ln()));
        assert!(!explains(&Statuses::default(), &Metric::Cost, 2f64.ln()));
    }

    #[test]
    fn what_is_hardly_odd_explains_nothing() {
        assert!(!explains(&with(4, 0.3, 2f64.ln()), &Metric::Latency, 0.5));
        assert!(explains(&with(1, 0.8, 0.3), &Metric::Latency, 0.5));
        assert!(!explains(&with(5, 2.0, 1.0), &Metric::PromptTokens, 0.5));
    }
}
