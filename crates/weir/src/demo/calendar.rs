//! When people write: the rhythm of the day and of the week, and working days to place events on. All in UTC.

use weir_core::time::{DAY, HOUR, MINUTE, Micros};

/// How much a department's customers write, over the day.
pub(super) struct Rhythm {
    /// Hour at which most write.
    pub(super) peak: f64,
    /// Hours from there to where a third of them write.
    pub(super) width: f64,
    /// Part of the peak that always writes.
    pub(super) floor: f64,
    /// A day of the weekend against a working day.
    pub(super) weekend: f64,
}

impl Rhythm {
    /// Traffic at an instant against that of a working day's peak.
    pub(super) fn at(&self, at: Micros) -> f64 {
        let hour = at.rem_euclid(DAY) as f64 / HOUR as f64;
        let away = (hour - self.peak).abs();
        let away = away.min(24.0 - away);
        let day = self.floor + (1.0 - self.floor) * (-(away / self.width).powi(2)).exp();
        if is_working_day(at) { day } else { day * self.weekend }
    }
}

/// Whether it is neither Saturday nor Sunday.
pub(super) fn is_working_day(at: Micros) -> bool {
    // The epoch was a Thursday: counted from Monday, day 3.
    (at.div_euclid(DAY) + 3).rem_euclid(7) < 5
}

/// The last working day's `hour:minute` that is not after an instant.
pub(super) fn working_time_before(at: Micros, hour: i64, minute: i64) -> Micros {
    let of_day = hour * HOUR + minute * MINUTE;
    let mut day = at.div_euclid(DAY);
    while day * DAY + of_day > at || !is_working_day(day * DAY) {
        day -= 1;
    }
    day * DAY + of_day
}

#[cfg(test)]
mod tests {
    use weir_core::time::parse;

    use super::*;

    #[test]
    fn working_days_are_from_monday_to_friday() {
        let day = |text: &str| is_working_day(parse(&format!("{text}T12:00:00Z")).unwrap());
        assert!(day("2026-11-23") && day("2026-11-27"));
        assert!(!day("2026-11-28") && !day("2026-11-29"));
    }

    #[test]
    fn a_working_time_is_found_over_the_weekend_and_before_the_hour() {
        let before = |text: &str| weir_core::time::to_rfc3339(working_time_before(parse(text).unwrap(), 9, 30));
        assert_eq!(before("2026-11-29T20:00:00Z"), "2026-11-27T09:30:00.000000Z");
        assert_eq!(before("2026-11-27T09:29:00Z"), "2026-11-26T09:30:00.000000Z");
        assert_eq!(before("2026-11-27T09:30:00Z"), "2026-11-27T09:30:00.000000Z");
    }

    #[test]
    fn the_peak_is_above_the_night_and_the_weekend() {
        let rhythm = Rhythm { peak: 13.0, width: 4.0, floor: 0.1, weekend: 0.4 };
        let at = |text: &str| rhythm.at(parse(text).unwrap());
        let (peak, night, sunday) =
            (at("2026-11-24T13:00:00Z"), at("2026-11-24T01:00:00Z"), at("2026-11-29T13:00:00Z"));
        assert!((peak - 1.0).abs() < 1e-9);
        assert!(night < 0.2 && (sunday - 0.4).abs() < 1e-9);
    }
}
