//! One event, one anomaly: what another metric's change explains is not told again.
//!
//! More tokens cost more and take longer; another model too; refused and failed calls change what is left. What comes first in
//! `rate limits, errors, cache, tokens, cost, latency` is the cause and is told; what follows from it is not, while the effect is
//! no larger than that. A metric that is about to be told (two thirds of its threshold) holds back what it would explain.

use weir_core::time::Micros;

use super::choice::Choice;
use super::metric::Metric;
use super::series::Series;
use super::window::Shape;

/// A metric that is so near to its threshold is about to be told.
const NEAR: f64 = 0.65;
/// The same where one of many parts stands for the metric.
const NEAR_OF_PARTS: f64 = 0.8;

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
        if self.firing || self.over >= NEAR { self.size } else { 0.0 }
    }
}

/// The status of every metric of calls, in the order of [`Metric::OF_CALLS`].
pub(super) type Statuses = [Status; Metric::OF_CALLS.len()];

/// Whether an effect on a metric follows from what the others do.
pub(super) fn explains(statuses: &Statuses, metric: &Metric, size: f64) -> bool {
    let [rate_limits, errors, cache, prompt, completion, cost, latency, _] = statuses.map(Status::likely);
    let failures = rate_limits.max(0.0) + errors.max(0.0);
    let tokens = prompt.max(completion);
    match metric {
        Metric::Cost => tokens > 0.0 && size < 1.3 * tokens + 0.35 || cache < 0.0 && size < 0.4,
        Metric::Tail if latency > 0.0 => true,
        Metric::Latency | Metric::Tail => {
            failures > 0.0 || cache < 0.0 || tokens > 0.0 && size < 1.2 * tokens + 0.3 || cost > 0.0
        }
        _ => false,
    }
}

/// What the project's metrics do, or a part's, whichever is nearer to being told.
pub(super) fn stronger(one: &Statuses, other: &Statuses) -> Statuses {
    let mut both = *one;
    for (status, other) in both.iter_mut().zip(other) {
        if !status.firing && (other.firing || other.over > status.over) {
            *status = *other;
        }
    }
    both
}

/// The statuses of a project beside those of its parts. There are many parts: only what is all but told counts.
pub(super) fn with_parts<'a>(statuses: &Statuses, parts: impl Iterator<Item = &'a Statuses>) -> Statuses {
    parts.fold(*statuses, |all, part| {
        let told = part.map(|status| if status.over >= NEAR_OF_PARTS { status } else { Status::default() });
        stronger(&all, &told)
    })
}

/// Of what fails in a part it is not known which are rate limits: those of all calls say it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failures {
    /// More of them than expected, in the last hour.
    limited: f64,
    others: f64,
}

impl Failures {
    pub(super) fn of(calls: &[Series], number: i64) -> Self {
        let more = |metric: &Metric| {
            let series = metric.place().and_then(|place| calls.get(place));
            let hour = series.map(|series| series.windows.since(number - 12)).unwrap_or_default();
            hour.seen - hour.expected
        };
        Self { limited: more(&Metric::RateLimits), others: more(&Metric::Errors) }
    }

    /// Whether they are of that metric; what is not of failures always is.
    pub(super) fn are(self, metric: &Metric) -> bool {
        match metric {
            Metric::RateLimits => self.limited >= 2.0 && self.limited > self.others,
            Metric::Errors => self.others >= 2.0 && self.others >= self.limited,
            _ => true,
        }
    }
}

/// Decisions: when one alternative is taken more, the others are taken less.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    told: Vec<Choice>,
    apart: Vec<(Choice, f64)>,
}

impl Decisions {
    pub(super) fn of<'a>(choices: impl Iterator<Item = &'a Series>, at: Micros, strictness: f64) -> Self {
        let mut decisions = Self::default();
        for series in choices {
            let Metric::Choice(choice) = &series.metric else { continue };
            if series.firing.is_some() {
                decisions.tell(&series.metric);
            }
            if let Some((_, found)) = series.judge(at, strictness).filter(|(by, _)| *by >= 0.6) {
                decisions.apart.push((choice.clone(), found.sums.size(Shape::Share)));
            }
        }
        decisions
    }

    /// Whether another alternative is the one to tell of: what is taken more comes before what is taken less. Another model is told
    /// by what it costs, where that shows.
    pub(super) fn explains(&self, statuses: &Statuses, metric: &Metric, size: f64) -> bool {
        let Metric::Choice(choice) = metric else { return false };
        let costs = matches!(choice, Choice::Model(_))
            && Metric::Cost.place().and_then(|place| statuses.get(place)).is_some_and(|cost| cost.likely() > 0.0);
        let rank = |size: f64| if size > 0.0 { size } else { -0.5 * size };
        let outdone =
            |(other, theirs): &(Choice, f64)| other.is_beside(choice) && other != choice && rank(*theirs) > rank(size);
        costs || self.told.iter().any(|told| told.is_beside(choice)) || self.apart.iter().any(outdone)
    }

    pub(super) fn tell(&mut self, metric: &Metric) {
        if let Metric::Choice(choice) = metric {
            self.told.push(choice.clone());
        }
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
        assert!(!explains(&with(4, 0.5, 2f64.ln()), &Metric::Latency, 0.5));
        assert!(explains(&with(1, 0.8, 0.3), &Metric::Latency, 0.5));
        assert!(!explains(&with(5, 2.0, 1.0), &Metric::PromptTokens, 0.5));
    }
}
