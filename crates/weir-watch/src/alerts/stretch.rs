//! Which parts of the past an evaluation reads, and in which buckets.
//!
//! Invariant: what is read for one instant and what is read for many at once come to the same windows, so that a dry run
//! says what the worker will do.

use weir_core::time::{DAY, HOUR, MINUTE, Micros};

use super::document::Baseline;
use super::rule::{Condition, Read, Rule, Window, floor};
use crate::budgets::HISTORY;
use crate::slo::BURNS;

/// Days before that say what is usual.
pub const PAST_DAYS: i64 = 14;
/// Width of buckets in which a calendar's day can begin, in any time zone.
const QUARTER: Micros = 15 * MINUTE;

/// A part of the past, and the width of its buckets; without one it is read as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its begin.
    pub from: Micros,
    /// Its end.
    pub to: Micros,
    /// Its buckets.
    pub bucket: Option<Micros>,
}

/// The windows that an instant's evaluation is made of, in turn; the first is the one that is judged.
#[must_use]
pub fn windows(rule: &Rule, at: Micros) -> Vec<(Micros, Micros)> {
    match &rule.read {
        Read::Metric { .. } | Read::Values(_) => {
            let Some((from, to)) = rule.range(at) else { return Vec::new() };
            let mut all = vec![(from, to)];
            match &rule.condition {
                Condition::Ratio { baseline: Baseline::PreviousWindow, .. } => {
                    all.push((floor(at, from - (to - from)), from));
                }
                Condition::Ratio { baseline: Baseline::SameHourLastWeek, .. } => {
                    let middle = from + (to - from) / 2 - 7 * DAY;
                    let hour = middle - middle.rem_euclid(HOUR);
                    all.push((hour, hour + HOUR));
                }
                Condition::Unusual { .. } => {
                    all.extend((1..=PAST_DAYS).map(|day| hours(from - day * DAY, to - day * DAY)));
                }
                Condition::Static(_) | Condition::Given => {}
            }
            all
        }
        Read::Budget(budget) => {
            let Some((from, _)) = budget.period.around(at - 1, &budget.zone) else { return Vec::new() };
            let ahead = budget.forecast.then(|| (floor(at, at - HISTORY), at));
            [(from, at)].into_iter().chain(ahead).collect()
        }
        Read::Slo(_) => {
            BURNS.iter().flat_map(|burn| [burn.long, burn.short]).map(|width| (floor(at, at - width), at)).collect()
        }
        Read::Anomalies { .. } => Vec::new(),
    }
}

/// The whole hours that cover a range.
fn hours(from: Micros, to: Micros) -> (Micros, Micros) {
    (from - from.rem_euclid(HOUR), to + (-to).rem_euclid(HOUR))
}

/// What is read for one instant of now.
#[must_use]
pub fn of_now(rule: &Rule, at: Micros) -> Vec<Stretch> {
    let windows = windows(rule, at);
    match (&rule.read, &rule.condition) {
        // Many windows over each other: buckets serve them all.
        (Read::Slo(_), _) => of_past(rule, at, at),
        (Read::Budget(budget), _) if budget.forecast => of_past(rule, at, at),
        (_, Condition::Unusual { .. }) => {
            let main = windows.first().map(|(from, to)| Stretch { from: *from, to: *to, bucket: None });
            let past = windows.get(1..).unwrap_or_default();
            let oldest = past.iter().map(|w| w.0).min();
            let newest = past.iter().map(|w| w.1).max();
            let past = oldest.zip(newest).map(|(from, to)| Stretch { from, to, bucket: Some(HOUR) });
            past.into_iter().chain(main).collect()
        }
        _ => windows.into_iter().map(|(from, to)| Stretch { from, to, bucket: None }).collect(),
    }
}

/// What is read for all instants from `first` to `last`: whole hours of what every one of them sees as long ago, finer
/// buckets after that.
#[must_use]
pub fn of_past(rule: &Rule, first: Micros, last: Micros) -> Vec<Stretch> {
    let Some(oldest) = windows(rule, first).iter().map(|w| w.0).min() else { return Vec::new() };
    let split = (first - DAY) - (first - DAY).rem_euclid(HOUR);
    let fine = Stretch { from: split.max(oldest), to: last, bucket: Some(grain(rule)) };
    // Past windows reach over hours that end after the instant that they are a day before.
    let coarse = (oldest < split).then_some(Stretch { from: oldest, to: split, bucket: Some(HOUR) });
    coarse.into_iter().chain([fine]).collect()
}

/// The widest buckets that every window of every instant is made of.
fn grain(rule: &Rule) -> Micros {
    let width = match (&rule.read, &rule.window) {
        (Read::Slo(_), _) => 5 * MINUTE,
        (Read::Budget(_), _) | (_, Window::Calendar(..)) => QUARTER,
        (_, Window::Rolling(width)) => *width,
    };
    gcd(gcd(rule.every, width), HOUR)
}

fn gcd(a: Micros, b: Micros) -> Micros {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::super::parse::{Format, rules};
    use super::super::rule::Targets;
    use super::*;

    fn rule(more: &str) -> Rule {
        let text = format!("name = \"r\"\nmetric = {{ measure = \"errors\" }}\n{more}");
        Rule::new(rules(&text, Format::Toml).unwrap().remove(0), "r", &Targets::default()).unwrap()
    }

    #[test]
    fn every_window_is_made_of_whole_buckets() {
        let at = 400 * DAY + 13 * HOUR + 24 * MINUTE;
        for more in [
            "condition = { crit = 1 }",
            "condition = { crit = 1 }\nwindow = \"1d\"",
            "condition = { crit = 1 }\nwindow = \"7d\"",
            "condition = { crit = 1 }\nwindow = \"month\"\ntimezone = \"Asia/Kolkata\"",
            "condition = { type = \"ratio_to_baseline\", factor = 2 }\nwindow = \"1d\"",
            "condition = { type = \"ratio_to_baseline\", factor = 2, baseline = \"same_hour_last_week\" }",
            "condition = { type = \"anomaly\" }\nwindow = \"30m\"",
        ] {
            let rule = rule(more);
            for at in [at - at % rule.every, at - at % rule.every + 5 * rule.every] {
                let stretches = of_past(&rule, at, at + 10 * rule.every);
                let edge = |t: Micros| {
                    stretches.iter().any(|s| s.from <= t && t <= s.to && (t - s.from) % s.bucket.unwrap() == 0)
                };
                for (from, to) in windows(&rule, at) {
                    assert!(edge(from) && edge(to), "{more}: {from} {to} {stretches:?}");
                }
            }
        }
    }
}
