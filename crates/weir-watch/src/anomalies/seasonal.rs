//! What is normal at an hour of the week: a ladder of robust means.
//!
//! Three levels: all of time, the hour of a working day or of a weekend (48), the hour of the week (168). Each level is pulled
//! towards the one above it by as much as it knows too little itself (partial pooling: `(Σwx + κ·above) / (Σw + κ)`), so that
//! three days are judged by the hour of the day and three weeks by the hour of the week, with no step in between.
//! Neighbouring hours count half. Old weeks fade by a quarter a week. Memory does not depend on the history.

use serde::{Deserialize, Serialize};
use weir_core::time::{DAY, HOUR, Micros};

/// What a week leaves of the one before.
const FADE: f64 = 0.75;
/// Thursday 1 January 1970 was the fourth day of its week.
const EPOCH_DAY: i64 = 3;

/// The hour of the week, 0 on Monday at midnight (UTC).
#[must_use]
pub(super) fn hour_of_week(at: Micros) -> usize {
    let day = (at.div_euclid(DAY) + EPOCH_DAY).rem_euclid(7);
    (day * 24 + at.rem_euclid(DAY) / HOUR) as usize
}

fn is_weekend(slot: usize) -> bool {
    slot / 24 >= 5
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    weight: f32,
    weighted: f32,
}

impl Sum {
    fn add(&mut self, value: f64, weight: f64) {
        self.weight += weight as f32;
        self.weighted += (weight * value) as f32;
    }

    fn fade(&mut self, by: f64) {
        self.weight *= by as f32;
        self.weighted *= by as f32;
    }
}

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) value: f64,
    /// How much is known of it, in the unit of the weights.
    pub(super) weight: f64,
    /// Which step of the ladder carries it.
    pub(super) step: Step,
}

/// The steps of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    All,
    HourOfDay,
    HourOfWeek,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Seasonal {
    /// How strongly a level is pulled to the one above, in the unit of the weights.
    pull: f32,
    all: Sum,
    days: Vec<Sum>,
    week: Vec<Sum>,
    /// The hour since the epoch that was learned last.
    hour: i64,
}

impl Seasonal {
    pub(super) fn new(pull: f64) -> Self {
        Self {
            pull: pull as f32,
            all: Sum::default(),
            days: vec![Sum::default(); 48],
            week: vec![Sum::default(); 168],
            hour: i64::MIN,
        }
    }

    /// Without the hours of the week.
    pub(super) fn of_days(pull: f64) -> Self {
        Self { week: Vec::new(), ..Self::new(pull) }
    }

    /// How much has been learned, in the unit of the weights.
    pub(super) fn known(&self) -> f64 {
        f64::from(self.all.weight)
    }

    /// Takes a value that counts `weight`.
    pub(super) fn learn(&mut self, at: Micros, value: f64, weight: f64) {
        let slot = hour_of_week(at);
        let (day, weekend) = (slot % 24, is_weekend(slot));
        let hour = at.div_euclid(HOUR);
        let new_hour = self.hour != hour;
        self.hour = hour;
        let days = if weekend { 2.0 } else { 5.0 };
        if new_hour {
            self.all.fade(FADE.powf(1.0 / 168.0));
        }
        self.all.add(value, weight);
        for (level, at, weeks) in
            [(&mut self.days, day + if weekend { 24 } else { 0 }, 1.0 / days), (&mut self.week, slot, 1.0)]
        {
            if let Some(sum) = level.get_mut(at) {
                if new_hour {
                    sum.fade(FADE.powf(weeks));
                }
                sum.add(value, weight);
            }
        }
    }

    /// What is expected at a time; on a day off as at a weekend.
    pub(super) fn expected(&self, at: Micros, day_off: bool) -> Option<Expected> {
        if self.all.weight <= 0.0 {
            return None;
        }
        let slot = hour_of_week(at);
        let (hour, weekend) = (slot % 24, day_off || is_weekend(slot));
        let pull = f64::from(self.pull);
        let base = if weekend { 24 } else { 0 };
        let mut value = f64::from(self.all.weighted / self.all.weight);
        let mut weight = f64::from(self.all.weight).min(pull);
        let mut step = Step::All;
        let day = |at: usize| self.days.get(base + at % 24).copied().unwrap_or_default();
        let week = |at: usize| self.week.get(at % 168).copied().unwrap_or_default();
        let levels = [
            ([day(hour + 23), day(hour), day(hour + 1)], Step::HourOfDay),
            ([week(slot + 167), week(slot), week(slot + 1)], Step::HourOfWeek),
        ];
        for (of, next) in levels {
            if next == Step::HourOfWeek && (day_off || self.week.is_empty()) {
                break;
            }
            let [before, at, after] = of;
            let own = f64::from(at.weight + 0.5 * (before.weight + after.weight));
            let sum = f64::from(at.weighted + 0.5 * (before.weighted + after.weighted));
            value = (sum + pull * value) / (own + pull);
            weight = own + weight.min(pull);
            if own >= pull {
                step = next;
            }
        }
        Some(Expected { value, weight, step })
    }
}

/// `median of ... Tue 13-15h`: the words for people.
pub(super) fn words(step: Step, at: Micros, day_off: bool) -> String {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let slot = hour_of_week(at);
    let (from, to) = ((slot + 23) % 24, (slot + 2) % 24);
    let days = if day_off || is_weekend(slot) { "weekends" } else { "working days" };
    match step {
        Step::All => "robust mean of all that was seen".to_owned(),
        Step::HourOfDay => format!("robust mean of {days} {from:02}-{to:02}h UTC"),
        Step::HourOfWeek => {
            format!("robust mean of {} {from:02}-{to:02}h UTC", NAMES.get(slot / 24).copied().unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday.
    const START: Micros = 1_780_272_000_000_000;

    fn taught(days: i64, of: impl Fn(i64) -> f64) -> Seasonal {
        let mut seasonal = Seasonal::new(10.0);
        for hour in 0..days * 24 {
            for part in 0..12 {
                seasonal.learn(START + hour * HOUR + part * HOUR / 12, of(hour), 10.0);
            }
        }
        seasonal
    }

    #[test]
    fn the_first_of_june_is_a_monday() {
        assert_eq!((hour_of_week(START), hour_of_week(START - 1), hour_of_week(0)), (0, 167, 72));
    }

    #[test]
    fn days_are_told_apart_before_weeks_are() {
        let seasonal = taught(3, |hour| if hour % 24 == 12 { 5.0 } else { 1.0 });
        let thursday = seasonal.expected(START + 3 * DAY + 12 * HOUR, false).unwrap();
        assert!(thursday.value > 2.0 && thursday.step == Step::HourOfDay, "{thursday:?}");
        let night = seasonal.expected(START + 3 * DAY + 2 * HOUR, false).unwrap();
        assert!((night.value - 1.0).abs() < 0.05, "{night:?}");
    }

    #[test]
    fn after_weeks_a_day_of_the_week_has_its_own_and_a_day_off_is_a_weekend() {
        // Fridays are 3, weekends 7, the rest 1.
        let seasonal = taught(21, |hour| match hour / 24 % 7 {
            4 => 3.0,
            5 | 6 => 7.0,
            _ => 1.0,
        });
        let at = |day: i64, off| seasonal.expected(START + (21 + day) * DAY + 12 * HOUR, off).unwrap();
        assert!((at(4, false).value - 3.0).abs() < 0.1 && at(4, false).step == Step::HourOfWeek, "{:?}", at(4, false));
        assert!((at(1, false).value - 1.0).abs() < 0.1);
        assert!((at(1, true).value - 7.0).abs() < 0.2, "{:?}", at(1, true));
    }

    #[test]
    fn nothing_is_expected_of_nothing() {
        assert_eq!(Seasonal::new(1.0).expected(START, false), None);
    }
}
