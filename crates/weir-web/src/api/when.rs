//! Durations and points in time as people write them, the same in the API's parameters and on the command line.

use weir_core::time::{self, DAY, HOUR, MINUTE, Micros, SECOND};

/// Units by their suffix, in microseconds.
const UNITS: [(&str, Micros); 6] =
    [("ms", 1_000), ("s", SECOND), ("m", MINUTE), ("h", HOUR), ("d", DAY), ("w", 7 * DAY)];

/// Reads a duration such as `90s`, `12h`, `30d` or `1h30m`, in microseconds. A number needs a unit.
#[must_use]
pub fn duration(text: &str) -> Option<Micros> {
    let mut rest = text;
    let mut sum: Micros = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: Micros = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = rest.get(..letters)?;
        rest = rest.get(letters..)?;
        let (_, width) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(number.checked_mul(*width)?)?;
    }
    (!text.is_empty()).then_some(sum)
}

/// Reads a point in time: RFC 3339, a date (midnight UTC), a Unix time in seconds, milliseconds or microseconds,
/// `now`, or a duration before now (`-24h` or `24h`).
#[must_use]
pub fn instant(text: &str, now: Micros) -> Option<Micros> {
    let text = text.trim();
    if text == "now" {
        return Some(now);
    }
    if let Some(ago) = duration(text.strip_prefix('-').unwrap_or(text)) {
        return now.checked_sub(ago);
    }
    // A `+` of a time zone that was not percent-encoded arrives as a space.
    time::parse(text).or_else(|| time::parse(&text.replace(' ', "+"))).or_else(|| midnight(text))
}

fn midnight(text: &str) -> Option<Micros> {
    let date: jiff::civil::Date = text.parse().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

/// The width of a bucket as [`duration`] reads it, in its largest whole unit.
#[must_use]
pub fn print_duration(us: Micros) -> String {
    UNITS
        .iter()
        .rev()
        .find(|(name, width)| *name != "w" && us != 0 && us % width == 0)
        .map_or_else(|| format!("{}ms", us / 1_000), |(name, width)| format!("{}{name}", us / width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("90s"), Some(90 * SECOND));
        assert_eq!(duration("1h30m"), Some(90 * MINUTE));
        assert_eq!(duration("30d"), Some(30 * DAY));
        assert_eq!(duration("250ms"), Some(250_000));
        for wrong in ["", "5", "h", "-5s", "5 s", "5y", "1.5h", "99999999999999999999s", "9999999999999w", "é"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(print_duration(90 * MINUTE), "90m");
        assert_eq!(print_duration(DAY), "1d");
        assert_eq!(print_duration(14 * DAY), "14d");
    }

    #[test]
    fn instants_are_absolute_or_before_now() {
        let now = 1_763_683_200_000_000;
        assert_eq!(instant("now", now), Some(now));
        assert_eq!(instant("-24h", now), Some(now - DAY));
        assert_eq!(instant("7d", now), Some(now - 7 * DAY));
        assert_eq!(instant("1763683200", 0), Some(now));
        assert_eq!(instant("2025-11-21", 0), Some(now));
        assert_eq!(instant("2025-11-21T02:00:00 02:00", 0), Some(now));
        assert_eq!(instant("2025-11-21T00:00:00Z", 0), Some(now));
        assert_eq!(instant("yesterday", now), None);
    }
}
