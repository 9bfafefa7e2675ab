//! Times as they stand in files: civil (taken as UTC), RFC 3339, or a count since 1970.

use jiff::civil;
use weir_core::time::{self, Micros, SECOND};

/// A larger count is one of milliseconds: as seconds it would be past the year 5000.
const SECONDS_MAX: f64 = 1e11;
/// A larger one is of microseconds, and past [`MICROS_MAX`] of nanoseconds.
const MILLIS_MAX: f64 = 1e14;
const MICROS_MAX: f64 = 1e17;

/// The time that the text says; `None` when it says none.
pub(super) fn parse(text: &str) -> Option<Micros> {
    if let Ok(count) = text.parse::<f64>() {
        let scale = match count.abs() {
            c if c <= SECONDS_MAX => SECOND as f64,
            c if c <= MILLIS_MAX => 1e3,
            c if c <= MICROS_MAX => 1.0,
            _ => 1e-3,
        };
        let micros = (count * scale).round();
        return (micros.abs() < 9e18).then_some(micros as Micros);
    }
    if let Some(at) = time::parse(text) {
        return Some(at);
    }
    let civil: civil::DateTime = text.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_in_many_forms() {
        let expected = 1_404_174_600 * SECOND;
        for text in [
            "2014-07-01 00:30:00",
            "2014-07-01T00:30:00",
            "2014-07-01 00:30:00.000",
            "2014-07-01T00:30:00Z",
            "2014-07-01T02:30:00+02:00",
            "1404174600",
            "1404174600.0",
            "1404174600000",
            "1404174600000000",
            "1404174600000000000",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse("2014-07-01"), Some(1_404_172_800 * SECOND));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "yesterday", "2014-13-01 00:00:00", "nan", "inf", "12:30"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
