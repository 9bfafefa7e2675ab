//! Figures as people read them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use weir_core::time::Micros;

/// A duration of milliseconds: `812ms`, `1.24s`, `2m05s`.
#[must_use]
pub(crate) fn millis(ms: f64) -> String {
    if ms < 9.95 {
        format!("{ms:.1}ms")
    } else if ms < 999.5 {
        format!("{ms:.0}ms")
    } else if ms < 59_950.0 {
        format!("{:.2}s", ms / 1_000.0)
    } else {
        let seconds = (ms / 1_000.0).round() as u64;
        match seconds / 60 {
            minutes @ 0..60 => format!("{minutes}m{:02}s", seconds % 60),
            minutes => format!("{}h{:02}m", minutes / 60, minutes % 60),
        }
    }
}

/// Dollars: enough digits to see small amounts, no more than cents of large ones.
#[must_use]
pub(crate) fn dollars(usd: f64) -> String {
    match usd.abs() {
        0.0 => "$0".to_owned(),
        a if a < 0.000_001 => format!("${usd:.9}"),
        a if a < 0.01 => format!("${usd:.6}"),
        a if a < 100.0 => format!("${usd:.4}"),
        _ => format!("${usd:.2}"),
    }
}

/// A count: as it is up to 99,999, then in thousands, millions, ...
#[must_use]
pub(crate) fn count(n: u64) -> String {
    let of = |unit: f64, suffix: &str| {
        let scaled = n as f64 / unit;
        if scaled < 99.95 { format!("{scaled:.1}{suffix}") } else { format!("{scaled:.0}{suffix}") }
    };
    match n {
        0..100_000 => n.to_string(),
        100_000..1_000_000 => of(1e3, "k"),
        1_000_000..1_000_000_000 => of(1e6, "M"),
        _ => of(1e9, "G"),
    }
}

/// A share, 0 to 1, in percent; a share that is not zero never reads as zero.
#[must_use]
pub(crate) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0%".to_owned(),
        p if p < 0.1 => "<0.1%".to_owned(),
        p if p < 9.95 => format!("{p:.1}%"),
        p => format!("{p:.0}%"),
    }
}

/// A time of the API in the local zone: the hour alone for today, with the day before.
#[must_use]
pub(crate) fn short_time(rfc3339: &str) -> String {
    local(rfc3339, &TimeZone::system(), &Zoned::now())
}

fn local(rfc3339: &str, zone: &TimeZone, now: &Zoned) -> String {
    let Ok(at) = rfc3339.parse::<Timestamp>() else { return rfc3339.to_owned() };
    let at = at.to_zoned(zone.clone());
    let pattern = if at.date() == now.date() {
        "%H:%M:%S"
    } else if at.year() == now.year() {
        "%b %d %H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    at.strftime(pattern).to_string()
}

/// A time of the API in the local zone, to the millisecond, with the zone.
#[must_use]
pub(crate) fn full_time(rfc3339: &str) -> String {
    match rfc3339.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// Text that may come from anybody, without what a terminal would obey.
#[must_use]
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// One bar per value, the tallest for the greatest.
#[must_use]
pub(crate) fn sparkline(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let bar = |n: u64| match n {
        0 => ' ',
        n => usize::try_from((n * 8).div_ceil(most) - 1).ok().and_then(|at| BARS.get(at)).copied().unwrap_or('█'),
    };
    values.iter().map(|n| bar(*n)).collect()
}

/// One bar per bucket of the range `from..to`, or per several where there are more than `most`; buckets that are not among
/// the `values` (start and value) are 0. Times in microseconds.
#[must_use]
pub(crate) fn course(
    (from, to): (Micros, Micros),
    width: Micros,
    values: impl Iterator<Item = (Micros, u64)>,
    most: usize,
) -> String {
    let width = width.max(1);
    let first = from.div_euclid(width);
    let buckets = usize::try_from((to - 1).div_euclid(width) - first + 1).unwrap_or(1).max(1);
    let per_bar = buckets.div_ceil(most.max(1));
    let mut bars = vec![0u64; buckets.div_ceil(per_bar)];
    for (start, value) in values {
        let bar = usize::try_from(start.div_euclid(width) - first).unwrap_or(0) / per_bar;
        if let Some(bar) = bars.get_mut(bar) {
            *bar = bar.saturating_add(value);
        }
    }
    sparkline(&bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well_at_every_size() {
        let all = |f: fn(f64) -> String, v: &[f64]| v.iter().map(|n| f(*n)).collect::<Vec<_>>().join(" ");
        assert_eq!(
            all(millis, &[0.0, 3.11, 9.96, 812.4, 999.6, 1_240.0, 59_949.0, 59_960.0, 125_000.0, 7_260_000.0]),
            "0.0ms 3.1ms 10ms 812ms 1.00s 1.24s 59.95s 1m00s 2m05s 2h01m"
        );
        assert_eq!(
            all(dollars, &[0.0, 5e-9, 0.000_15, 0.0123, 12.5, 1234.5]),
            "$0 $0.000000005 $0.000150 $0.0123 $12.5000 $1234.50"
        );
        assert_eq!(all(percent, &[0.0, 0.0001, 0.0123, 0.5, 1.0]), "0% <0.1% 1.2% 50% 100%");
        let counts = [0, 99_999, 123_456, 1_500_000, 123_456_789, 2_000_000_000].map(count);
        assert_eq!(counts.join(" "), "0 99999 123k 1.5M 123M 2.0G");
    }

    #[test]
    fn times_say_the_day_when_it_is_not_today() {
        let now: Zoned = "2025-11-21T09:00:00+00:00[UTC]".parse().unwrap();
        let short = |text| local(text, &TimeZone::UTC, &now);
        assert_eq!(short("2025-11-21T08:00:01.5Z"), "08:00:01");
        assert_eq!(short("2025-11-20T08:00:01Z"), "Nov 20 08:00");
        assert_eq!(short("2024-11-20T08:00:01Z"), "2024-11-20 08:00");
        assert_eq!(short("soon"), "soon");
    }

    #[test]
    fn sparklines_scale_to_the_greatest() {
        assert_eq!(sparkline(&[0, 1, 4, 8]), " ▁▄█");
        assert_eq!(sparkline(&[0, 0]), "  ");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_course_covers_the_range_and_joins_buckets_where_there_are_many() {
        let values = || [(100, 1), (130, 8)].into_iter();
        assert_eq!(course((100, 140), 10, values(), 32), "▁  █");
        assert_eq!(course((100, 140), 10, values(), 2), "▁█");
        assert_eq!(course((0, 0), 10, [].into_iter(), 32), " ");
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\nc");
    }
}
