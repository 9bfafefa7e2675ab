//! Calendar periods of budgets.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use weir_core::time::Micros;

use crate::anomalies::Window;

/// For how long a budget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
}

impl Period {
    /// The period that holds this instant, by the calendar of a time zone. `None` beyond the calendar's range.
    #[must_use]
    pub fn around(self, now: Micros, zone: &TimeZone) -> Option<Window> {
        let date = Timestamp::from_microsecond(now).ok()?.to_zoned(zone.clone()).date();
        let (first, length) = match self {
            Self::Day => (date, Span::new().days(1)),
            Self::Week => {
                let since = date.weekday().since(Weekday::Monday);
                (date.checked_sub(Span::new().days(i64::from(since))).ok()?, Span::new().weeks(1))
            }
            Self::Month => (date.first_of_month(), Span::new().months(1)),
        };
        let next = first.checked_add(length).ok()?;
        let at = |date: jiff::civil::Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond());
        Some(Window { from: at(first)?, to: at(next)? })
    }
}

#[cfg(test)]
mod tests {
    use weir_core::time::{HOUR, parse, to_rfc3339};

    use super::*;

    fn around(period: Period, at: &str, zone: &str) -> (String, String) {
        let window = period.around(parse(at).unwrap(), &TimeZone::get(zone).unwrap()).unwrap();
        (to_rfc3339(window.from)[..19].to_owned(), to_rfc3339(window.to)[..19].to_owned())
    }

    fn pair(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn days_weeks_and_months_are_those_of_the_calendar() {
        let at = "2026-02-04T10:00:00Z"; // a Wednesday
        assert_eq!(around(Period::Day, at, "UTC"), pair("2026-02-04T00:00:00", "2026-02-05T00:00:00"));
        assert_eq!(around(Period::Week, at, "UTC"), pair("2026-02-02T00:00:00", "2026-02-09T00:00:00"));
        assert_eq!(around(Period::Month, at, "UTC"), pair("2026-02-01T00:00:00", "2026-03-01T00:00:00"));
        assert_eq!(around(Period::Week, "2026-02-02T00:00:00Z", "UTC").0, "2026-02-02T00:00:00");
        assert_eq!(around(Period::Week, "2026-02-01T23:59:59Z", "UTC").0, "2026-01-26T00:00:00");
    }

    #[test]
    fn a_day_may_have_another_length_where_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let window = Period::Day.around(parse("2026-03-29T12:00:00Z").unwrap(), &zone).unwrap();
        assert_eq!(window.to - window.from, 23 * HOUR);
        assert_eq!(around(Period::Day, "2026-01-31T23:30:00Z", "Europe/Berlin").0, "2026-01-31T23:00:00");
    }
}
