use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::money::NanoUsd;
use weir_core::time::Micros;

/// The calendar period of a budget, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Day,
    Month,
}

impl Period {
    /// The start of the period that holds an instant, and of the one after.
    pub(super) fn bounds(self, now: Micros) -> (Micros, Micros) {
        let utc = jiff::tz::TimeZone::UTC;
        let Ok(at) = jiff::Timestamp::from_microsecond(now) else { return (now, Micros::MAX) };
        let date = at.to_zoned(utc.clone()).date();
        let (first, span) = match self {
            Self::Day => (date, jiff::Span::new().days(1)),
            Self::Month => (date.first_of_month(), jiff::Span::new().months(1)),
        };
        let start_of =
            |date: jiff::civil::Date| date.to_zoned(utc.clone()).map_or(now, |z| z.timestamp().as_microsecond());
        (start_of(first), first.checked_add(span).map_or(Micros::MAX, start_of))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// What is spent and reserved in a period. A reload that changes a limit leaves it where it is, so that calls under way
/// settle what they reserved.
#[derive(Debug)]
struct Spend {
    spent: NanoUsd,
    reserved: NanoUsd,
    from: Micros,
    to: Micros,
}

/// Spend against a limit within a period.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) period: Period,
    pub(super) limit: NanoUsd,
    spend: Arc<Mutex<Spend>>,
    /// The start of the period in which it was told that the soft line was passed, and that calls are refused.
    told_soft: Option<Micros>,
    told_hard: Option<Micros>,
}

impl Budget {
    pub(super) fn new(period: Period, limit: NanoUsd, now: Micros) -> Self {
        let (from, to) = period.bounds(now);
        let spend = Spend { spent: NanoUsd::ZERO, reserved: NanoUsd::ZERO, from, to };
        Self { period, limit, spend: Arc::new(Mutex::new(spend)), told_soft: None, told_hard: None }
    }

    pub(super) fn roll(&self, now: Micros) {
        let mut spend = self.spend.lock();
        if now >= spend.to {
            (spend.from, spend.to) = self.period.bounds(now);
            spend.spent = NanoUsd::ZERO;
        }
    }

    /// Whether nothing is spent in the current period and nothing reserved.
    pub(super) fn is_unused(&self, now: Micros) -> bool {
        self.roll(now);
        let spend = self.spend.lock();
        spend.spent == NanoUsd::ZERO && spend.reserved == NanoUsd::ZERO
    }

    /// Whether the spend has passed that share of the limit, for the first time in this period.
    pub(super) fn crossed(&mut self, soft: f64) -> bool {
        let spend = self.spend.lock();
        let passed = spend.spent.0 as f64 >= soft * self.limit.0 as f64;
        passed && self.told_soft.replace(spend.from) != Some(spend.from)
    }

    /// Whether this is the first refusal of the period.
    pub(super) fn refused_first(&mut self) -> bool {
        let from = self.spend.lock().from;
        self.told_hard.replace(from) != Some(from)
    }

    /// Whether an estimate still fits; else the milliseconds until the next period.
    pub(super) fn fits(&self, estimate: NanoUsd, now: Micros) -> Result<(), u64> {
        let spend = self.spend.lock();
        let used = spend.spent.saturating_add(spend.reserved);
        // A free call passes as long as anything is left.
        if used.saturating_add(estimate) <= self.limit && used < self.limit {
            return Ok(());
        }
        Err(u64::try_from((spend.to - now) / 1000).unwrap_or(0))
    }

    pub(super) fn reserve(&self, estimate: NanoUsd) {
        let mut spend = self.spend.lock();
        spend.reserved = spend.reserved.saturating_add(estimate);
    }

    pub(super) fn settle(&self, estimate: NanoUsd, actual: NanoUsd) {
        let mut spend = self.spend.lock();
        spend.reserved = NanoUsd((spend.reserved.0 - estimate.0).max(0));
        spend.spent = spend.spent.saturating_add(actual);
    }

    /// What is spent is at least that.
    pub(super) fn raise_spent(&self, spent: NanoUsd) {
        let mut spend = self.spend.lock();
        spend.spent = spend.spent.max(spent);
    }

    /// Goes on with the spend of another limit for the same period: both count in the same place from now on.
    pub(super) fn take_over(&mut self, before: &Self, now: Micros) {
        before.roll(now);
        self.spend = before.spend.clone();
        if self.limit == before.limit {
            (self.told_soft, self.told_hard) = (before.told_soft, before.told_hard);
        }
    }

    /// What is left, reservations taken off; negative when calls cost more than was reserved for them.
    pub(super) fn remaining(&self) -> NanoUsd {
        let spend = self.spend.lock();
        NanoUsd(self.limit.0.saturating_sub(spend.spent.0).saturating_sub(spend.reserved.0))
    }

    pub(super) fn spent(&self) -> NanoUsd {
        self.spend.lock().spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::time;

    #[test]
    fn periods_are_calendar_periods() {
        let now = time::parse("2024-02-29T13:00:00Z").unwrap();
        let at = |t: &str| time::parse(t).unwrap();
        assert_eq!(Period::Day.bounds(now), (at("2024-02-29T00:00:00Z"), at("2024-03-01T00:00:00Z")));
        assert_eq!(Period::Month.bounds(now), (at("2024-02-01T00:00:00Z"), at("2024-03-01T00:00:00Z")));
    }
}
