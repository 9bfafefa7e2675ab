//! Days, weeks and months of a calendar: the windows of alert rules and the periods of budgets.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::time::Micros;

use crate::alerts::parse::Problem;

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CalendarPeriod)]
pub enum Period {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    #[default]
    Month,
}

impl Period {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Start of the one that an instant lies in, and of the next. `None` beyond the calendar's range.
    #[must_use]
    pub fn around(self, at: Micros, zone: &TimeZone) -> Option<(Micros, Micros)> {
        let date = Timestamp::from_microsecond(at).ok()?.to_zoned(zone.clone()).date();
        let (from, to) = match self {
            Self::Day => (date, date.checked_add(1.day()).ok()?),
            Self::Week => {
                let back = i64::from(date.weekday().to_monday_zero_offset());
                let from = date.checked_sub(back.days()).ok()?;
                (from, from.checked_add(7.days()).ok()?)
            }
            Self::Month => (date.first_of_month(), date.first_of_month().checked_add(1.month()).ok()?),
        };
        let start = |day: jiff::civil::Date| Some(day.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond());
        Some((start(from)?, start(to)?))
    }
}

/// A time zone by its name; UTC where none is named.
///
/// # Errors
/// There is none of that name.
pub fn zone(name: Option<&str>) -> Result<TimeZone, Problem> {
    let Some(name) = name.filter(|name| *name != "UTC") else { return Ok(TimeZone::UTC) };
    TimeZone::get(name).map_err(|_| {
        Problem::new("timezone", format!("\"{name}\" is no time zone; write it as \"Europe/Berlin\", or \"UTC\""))
    })
}

#[cfg(test)]
mod tests {
    use weir_core::time::{HOUR, parse};

    use super::*;

    fn around(period: Period, at: &str, name: &str) -> (String, String) {
        let (from, to) = period.around(parse(at).unwrap(), &zone(Some(name)).unwrap()).unwrap();
        let text = |at| weir_core::time::to_rfc3339(at)[..16].to_owned();
        (text(from), text(to))
    }

    fn pair(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn days_weeks_and_months_are_those_of_the_calendar() {
        let at = "2026-02-04T10:00:00Z"; // a Wednesday
        assert_eq!(around(Period::Day, at, "UTC"), pair("2026-02-04T00:00", "2026-02-05T00:00"));
        assert_eq!(around(Period::Week, at, "UTC"), pair("2026-02-02T00:00", "2026-02-09T00:00"));
        assert_eq!(around(Period::Month, at, "UTC"), pair("2026-02-01T00:00", "2026-03-01T00:00"));
        assert_eq!(around(Period::Week, "2026-02-02T00:00:00Z", "UTC").0, "2026-02-02T00:00");
        assert_eq!(around(Period::Week, "2026-02-01T23:59:59Z", "UTC").0, "2026-01-26T00:00");
        assert_eq!(around(Period::Day, at, "Europe/Berlin").0, "2026-02-03T23:00");
    }

    #[test]
    fn a_day_may_have_another_length_where_clocks_change() {
        let berlin = zone(Some("Europe/Berlin")).unwrap();
        let (from, to) = Period::Day.around(parse("2026-03-29T12:00:00Z").unwrap(), &berlin).unwrap();
        assert_eq!(to - from, 23 * HOUR);
        assert!(zone(Some("Mars")).unwrap_err().to_string().starts_with("timezone: \"Mars\""));
    }
}
