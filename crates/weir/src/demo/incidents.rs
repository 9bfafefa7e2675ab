//! What changes over the month: the second version of a prompt is rolled out, a provider has a bad afternoon, and a
//! changed prompt makes one department's answers long.

use std::ops::Range;

use weir_core::time::{DAY, HOUR, Micros};

use super::calendar::working_time_before;

/// How much must have been seen before something is an incident.
const SEEN_BEFORE: Micros = 10 * DAY;
/// How long the provider is in trouble.
const TROUBLE: Micros = 4 * HOUR;
/// How much slower it is then, and how many of its calls fail.
pub(super) const SLOWER: f64 = 4.0;
pub(super) const FAILING: f64 = 0.28;
/// How much longer answers are with the changed prompt.
pub(super) const LONGER: f64 = 2.6;

/// When what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// All of the traffic.
    pub(super) range: Range<Micros>,
    /// The provider is slow and fails.
    pub(super) trouble: Option<Range<Micros>>,
    /// Since when billing asks for every step; it goes on to the end.
    pub(super) changed: Option<Micros>,
}

impl Plan {
    pub(super) fn new(range: Range<Micros>) -> Self {
        let seen = |at: &Micros| at - range.start >= SEEN_BEFORE;
        let trouble = Some(working_time_before(range.end - 7 * DAY, 12, 0)).filter(seen).map(|at| at..at + TROUBLE);
        let changed = Some(working_time_before(range.end - 5 * HOUR, 9, 30)).filter(seen);
        Self { range, trouble, changed }
    }

    /// Whether the provider is in trouble.
    pub(super) fn in_trouble(&self, at: Micros) -> bool {
        self.trouble.as_ref().is_some_and(|range| range.contains(&at))
    }

    /// Whether billing's prompt is the changed one.
    pub(super) fn is_changed(&self, at: Micros) -> bool {
        self.changed.is_some_and(|since| at >= since)
    }

    /// When the second version of the support prompt is first used.
    pub(super) fn rollout(&self) -> Micros {
        self.range.start + (self.range.end - self.range.start) / 2
    }

    /// Part of support's calls that use the second version: a tenth for two days, half for two more, then all.
    pub(super) fn second_version(&self, at: Micros) -> f64 {
        match at - self.rollout() {
            i64::MIN..0 => 0.0,
            since if since < 2 * DAY => 0.1,
            since if since < 4 * DAY => 0.5,
            _ => 1.0,
        }
    }

    /// Growth of the traffic over the month, about 1.
    pub(super) fn growth(&self, at: Micros) -> f64 {
        let whole = (self.range.end - self.range.start).max(1) as f64;
        1.0 + 0.12 * ((at - self.range.start) as f64 / whole - 0.5)
    }
}

#[cfg(test)]
mod tests {
    use weir_core::time::parse;

    use super::*;

    #[test]
    fn incidents_are_on_working_days_and_only_where_there_is_a_past() {
        let until = parse("2026-11-28T06:40:00Z").unwrap();
        let plan = Plan::new(until - 30 * DAY..until);
        assert_eq!(plan.trouble.clone().map(|range| range.start), parse("2026-11-20T12:00:00Z"));
        assert_eq!(plan.changed, parse("2026-11-27T09:30:00Z"));
        assert!(plan.in_trouble(parse("2026-11-20T15:59:00Z").unwrap()));
        assert!(!plan.in_trouble(parse("2026-11-20T16:00:00Z").unwrap()));
        let short = Plan::new(until - 3 * DAY..until);
        assert_eq!((short.trouble, short.changed), (None, None));
    }

    #[test]
    fn the_second_version_is_rolled_out_in_steps() {
        let plan = Plan::new(0..30 * DAY);
        let shares = [14, 15, 16, 17, 18, 19, 29].map(|day| plan.second_version(day * DAY));
        assert_eq!(shares, [0.0, 0.1, 0.1, 0.5, 0.5, 1.0, 1.0]);
    }
}
