//! An anomaly is told once: at its onset, and again only when it becomes clearly worse.

/// Rows after an onset in which only what is clearly worse is told.
const QUIET: u64 = 150;
/// What clearly worse is: so many times the strength that was told last.
const WORSE: f64 = 1.6;
/// Weaker is no onset, and a row that is held back is told with no more.
const FAINT: f64 = 0.67;

/// Holds back what has been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Onset {
    told: f64,
    age: u64,
}

impl Onset {
    /// The strength with which the row is told.
    pub(super) fn push(&mut self, strength: f64) -> f64 {
        self.age = self.age.saturating_add(1);
        if strength < FAINT {
            return strength;
        }
        if self.told > 0.0 && self.age < QUIET && strength < WORSE * self.told {
            return FAINT;
        }
        self.told = strength;
        self.age = 0;
        strength
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_onset_is_told_and_what_is_clearly_worse() {
        let mut onset = Onset::default();
        assert_eq!(onset.push(0.5), 0.5);
        assert_eq!(onset.push(1.0), 1.0);
        assert_eq!(onset.push(1.5), FAINT);
        assert_eq!(onset.push(2.0), 2.0);
        for _ in 1..QUIET {
            assert_eq!(onset.push(2.0), FAINT);
        }
        assert_eq!(onset.push(2.0), 2.0);
    }
}
