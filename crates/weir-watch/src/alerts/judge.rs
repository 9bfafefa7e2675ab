//! Whether a value is a reason to fire: a pure function of the condition, the value and whether it fires already.

use super::document::{Direction, Op};

/// How bad a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Not at all.
    #[default]
    Ok,
    /// A warning.
    Warn,
    /// As bad as the rule says.
    Crit,
}

/// A level and the line that decided.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The level.
    pub level: Level,
    /// The line that was crossed, else the first one that would be.
    pub threshold: Option<f64>,
}

/// Fixed lines. Invariant, checked where rules are: at least one of `warn` and `crit`; with both, `crit` is further out;
/// `recover` lies on the side where all is well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lines {
    /// On which side of a line a value is bad.
    pub op: Op,
    /// From there it is a warning.
    pub warn: Option<f64>,
    /// From there it is as bad as the rule says.
    pub crit: Option<f64>,
    /// Where it must be back to.
    pub recover: Option<f64>,
}

impl Lines {
    /// Judges a value. One that fires goes on until it is back past `recover`.
    #[must_use]
    pub fn judge(&self, value: f64, firing: Level) -> Verdict {
        let beyond = |line: Option<f64>| line.filter(|line| crossed(self.op, value, *line));
        if let Some(line) = beyond(self.crit) {
            return Verdict { level: Level::Crit, threshold: Some(line) };
        }
        if let Some(line) = beyond(self.warn) {
            return Verdict { level: Level::Warn, threshold: Some(line) };
        }
        let lowest = if self.warn.is_some() { Level::Warn } else { Level::Crit };
        match beyond(self.recover) {
            Some(line) if firing > Level::Ok => Verdict { level: lowest, threshold: Some(line) },
            _ => Verdict { level: Level::Ok, threshold: self.warn.or(self.crit) },
        }
    }
}

/// Whether a value is on the bad side of a line.
#[must_use]
pub fn crossed(op: Op, value: f64, line: f64) -> bool {
    match op {
        Op::Gt => value > line,
        Op::Ge => value >= line,
        Op::Lt => value < line,
        Op::Le => value <= line,
        Op::Eq => value == line,
        Op::Ne => value != line,
    }
}

/// Judges a value by its ratio to a baseline; `None` where the baseline is 0, of which nothing is a multiple.
#[must_use]
pub fn ratio(value: f64, baseline: f64, factor: f64) -> Option<Verdict> {
    if !(baseline.is_finite() && baseline > 0.0) {
        return None;
    }
    let threshold = baseline * factor;
    let bad = if factor >= 1.0 { value > threshold } else { value < threshold };
    Some(Verdict { level: if bad { Level::Crit } else { Level::Ok }, threshold: Some(threshold) })
}

/// Fewest values of the past that say what is usual.
pub const MIN_PAST: usize = 4;

/// Judges a value by its robust distance from values of the past: `|x - median| > z · 1.4826 · MAD`. The scale is at
/// least 2 % of the median, so that a past that never moved does not make every value unusual. `None` with too little
/// past. Once firing, two thirds of the distance are enough to go on.
#[must_use]
pub fn unusual(
    value: f64,
    past: &mut [f64],
    z: f64,
    direction: Direction,
    min_effect: f64,
    firing: Level,
) -> Option<Verdict> {
    if past.len() < MIN_PAST {
        return None;
    }
    let median = median(past)?;
    let mut distances: Vec<f64> = past.iter().map(|x| (x - median).abs()).collect();
    let scale = (1.4826 * self::median(&mut distances)?).max(0.02 * median.abs()).max(f64::MIN_POSITIVE);
    let z = if firing > Level::Ok { z * 2.0 / 3.0 } else { z };
    let distance = (z * scale).max(min_effect * median.abs());
    let (upper, lower) = (median + distance, median - distance);
    let up = direction != Direction::Down && value > upper;
    let down = direction != Direction::Up && value < lower;
    let nearest_is_lower = direction == Direction::Down || (direction == Direction::Both && value < median);
    let threshold = if nearest_is_lower { lower } else { upper };
    Some(Verdict { level: if up || down { Level::Crit } else { Level::Ok }, threshold: Some(threshold) })
}

/// The middle value; the mean of the two middle ones of an even number.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let high = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) { (values.get(middle.checked_sub(1)?)? + high) / 2.0 } else { high })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINES: Lines = Lines { op: Op::Gt, warn: Some(5.0), crit: Some(10.0), recover: Some(3.0) };

    #[test]
    fn lines_with_hysteresis() {
        for (value, firing, level, threshold) in [
            (2.0, Level::Ok, Level::Ok, 5.0),
            (4.0, Level::Ok, Level::Ok, 5.0),
            (4.0, Level::Crit, Level::Warn, 3.0),
            (3.0, Level::Warn, Level::Ok, 5.0),
            (5.0, Level::Ok, Level::Ok, 5.0),
            (5.1, Level::Ok, Level::Warn, 5.0),
            (11.0, Level::Ok, Level::Crit, 10.0),
            (6.0, Level::Crit, Level::Warn, 5.0),
        ] {
            assert_eq!(LINES.judge(value, firing), Verdict { level, threshold: Some(threshold) }, "{value} {firing:?}");
        }
        let below = Lines { op: Op::Lt, warn: None, crit: Some(1.0), recover: Some(4.0) };
        assert_eq!(below.judge(0.5, Level::Ok).level, Level::Crit);
        assert_eq!(below.judge(2.0, Level::Ok).level, Level::Ok);
        assert_eq!(below.judge(2.0, Level::Crit).level, Level::Crit);
        assert_eq!(below.judge(4.0, Level::Crit).level, Level::Ok);
    }

    #[test]
    fn ratios_to_a_baseline() {
        assert_eq!(ratio(2.1, 1.0, 2.0).map(|v| (v.level, v.threshold)), Some((Level::Crit, Some(2.0))));
        assert_eq!(ratio(2.0, 1.0, 2.0).map(|v| v.level), Some(Level::Ok));
        assert_eq!(ratio(0.4, 1.0, 0.5).map(|v| v.level), Some(Level::Crit), "a factor below 1 watches for too little");
        assert_eq!(ratio(5.0, 0.0, 2.0), None);
    }

    #[test]
    fn unusual_values() {
        let judge = |value, direction, firing| {
            unusual(value, &mut [10.0, 11.0, 9.0, 10.0, 12.0], 5.0, direction, 0.2, firing).map(|v| v.level)
        };
        assert_eq!(judge(11.5, Direction::Both, Level::Ok), Some(Level::Ok));
        assert_eq!(judge(20.0, Direction::Up, Level::Ok), Some(Level::Crit));
        assert_eq!(judge(20.0, Direction::Down, Level::Ok), Some(Level::Ok));
        assert_eq!(judge(1.0, Direction::Both, Level::Ok), Some(Level::Crit));
        assert_eq!(judge(16.0, Direction::Up, Level::Ok), Some(Level::Ok));
        assert_eq!(judge(16.0, Direction::Up, Level::Crit), Some(Level::Crit), "it goes on until it is well back");
        assert_eq!(unusual(9.0, &mut [1.0, 1.0, 1.0], 5.0, Direction::Up, 0.0, Level::Ok), None);
        let still = unusual(10.5, &mut [10.0; 6], 5.0, Direction::Up, 0.0, Level::Ok).unwrap();
        assert_eq!(still.level, Level::Ok, "a past that never moved has a scale all the same");
    }

    proptest! {
        #[test]
        fn worse_values_never_judge_milder(a in -20.0..20.0f64, b in -20.0..20.0f64, firing in 0usize..3) {
            let firing = [Level::Ok, Level::Warn, Level::Crit][firing];
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(LINES.judge(low, firing).level <= LINES.judge(high, firing).level);
        }

        #[test]
        fn firing_is_never_judged_milder_than_quiet(value in -20.0..20.0f64) {
            prop_assert!(LINES.judge(value, Level::Ok).level <= LINES.judge(value, Level::Crit).level);
        }
    }
}
