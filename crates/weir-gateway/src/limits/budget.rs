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

/// Spend against a limit within a period.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub(super) period: Period,
    pub(super) limit: NanoUsd,
    spent: NanoUsd,
    reserved: NanoUsd,
    from: Micros,
    to: Micros,
    /// Whether it was told of in this period that the soft line was passed, and that calls are refused.
    told_soft: bool,
    told_hard: bool,
}

impl Budget {
    pub(super) fn new(period: Period, limit: NanoUsd, now: Micros) -> Self {
        let (from, to) = period.bounds(now);
        Self {
            period,
            limit,
            spent: NanoUsd::ZERO,
            reserved: NanoUsd::ZERO,
            from,
            to,
            told_soft: false,
            told_hard: false,
        }
    }

    pub(super) fn roll(&mut self, now: Micros) {
        if now >= self.to {
            (self.from, self.to) = self.period.bounds(now);
            self.spent = NanoUsd::ZERO;
            (self.told_soft, self.told_hard) = (false, false);
        }
    }

    /// Whether nothing is spent in the current period and nothing reserved.
    pub(super) fn is_unused(&mut self, now: Micros) -> bool {
        self.roll(now);
        self.spent == NanoUsd::ZERO && self.reserved == NanoUsd::ZERO
    }

    /// Whether the spend has passed that share of the limit, for the first time in this period.
    pub(super) fn crossed(&mut self, soft: f64) -> bool {
        let passed = self.spent.0 as f64 >= soft * self.limit.0 as f64;
        passed && !std::mem::replace(&mut self.told_soft, true)
    }

    /// Whether this is the first refusal of the period.
    pub(super) fn refused_first(&mut self) -> bool {
        !std::mem::replace(&mut self.told_hard, true)
    }

    /// Whether an estimate still fits; else the milliseconds until the next period.
    pub(super) fn fits(&self, estimate: NanoUsd, now: Micros) -> Result<(), u64> {
        let used = self.spent.saturating_add(self.reserved);
        // A free call passes as long as anything is left.
        if used.saturating_add(estimate) <= self.limit && used < self.limit {
            return Ok(());
        }
        Err(u64::try_from((self.to - now) / 1000).unwrap_or(0))
    }

    pub(super) fn reserve(&mut self, estimate: NanoUsd) {
        self.reserved = self.reserved.saturating_add(estimate);
    }

    pub(super) fn settle(&mut self, estimate: NanoUsd, actual: NanoUsd) {
        self.reserved = NanoUsd((self.reserved.0 - estimate.0).max(0));
        self.spent = self.spent.saturating_add(actual);
    }

    pub(super) fn set_spent(&mut self, spent: NanoUsd) {
        self.spent = spent;
    }

    /// Takes over what was spent of another limit for the same period. What is still reserved there is settled there; it
    /// counts as spent here.
    pub(super) fn take_over(&mut self, before: &mut Self, now: Micros) {
        before.roll(now);
        self.spent = before.spent.saturating_add(before.reserved);
        if self.limit == before.limit {
            (self.told_soft, self.told_hard) = (before.told_soft, before.told_hard);
        }
    }

    /// What is left, reservations taken off; negative when calls cost more than was reserved for them.
    pub(super) fn remaining(&self) -> NanoUsd {
        NanoUsd(self.limit.0.saturating_sub(self.spent.0).saturating_sub(self.reserved.0))
    }

    pub(super) fn spent(&self) -> NanoUsd {
        self.spent
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
