//! How many requests of one batch may be under way: all that the server allows, until a limit of the key refuses one;
//! then one at a time after the pause that the limit named, and one more with each answer. So a batch uses what its
//! key may, and few requests are refused and recorded as such. Pure.

use weir_core::time::{MINUTE, Micros, SECOND};

/// Longest pause: limits and budgets may be raised while a batch waits.
const LONGEST: Micros = MINUTE;

/// The pace of one batch.
#[derive(Debug)]
pub(super) struct Pace {
    width: usize,
    until: Micros,
}

impl Default for Pace {
    fn default() -> Self {
        Self { width: usize::MAX, until: 0 }
    }
}

impl Pace {
    /// Whether one more request may be made.
    pub(super) fn has_room(&self, under_way: usize, now: Micros) -> bool {
        under_way < self.width && now >= self.until
    }

    /// When a pause ends.
    pub(super) fn pause_ends(&self, now: Micros) -> Option<Micros> {
        (self.until > now).then_some(self.until)
    }

    /// A request was refused, to be made again after a while.
    pub(super) fn refused(&mut self, after: Micros, now: Micros) {
        self.width = 1;
        self.until = self.until.max(now + pause(after));
    }

    /// A request was answered.
    pub(super) fn answered(&mut self) {
        self.width = self.width.saturating_add(1);
    }
}

/// A pause within its bounds.
pub(super) fn pause(after: Micros) -> Micros {
    after.clamp(SECOND / 20, LONGEST)
}

/// The pause before a further attempt at what may pass: what the provider named, else one that doubles.
pub(super) fn before_attempt(tries: u32, named: Option<Micros>) -> Micros {
    pause(named.unwrap_or_else(|| SECOND << tries.min(6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_narrows_and_answers_widen() {
        let mut pace = Pace::default();
        assert!(pace.has_room(1_000, 0));
        pace.refused(2 * SECOND, 10);
        assert!(!pace.has_room(0, 10 + SECOND));
        assert_eq!(pace.pause_ends(10), Some(10 + 2 * SECOND));
        let later = 10 + 2 * SECOND;
        assert!(pace.has_room(0, later) && !pace.has_room(1, later));
        pace.answered();
        assert!(pace.has_room(1, later) && !pace.has_room(2, later));
        pace.refused(i64::MAX, later);
        assert!(pace.has_room(0, later + LONGEST));
    }

    #[test]
    fn pauses_double_and_have_bounds() {
        assert_eq!(before_attempt(0, None), SECOND);
        assert_eq!(before_attempt(2, None), 4 * SECOND);
        assert_eq!(before_attempt(60, None), LONGEST);
        assert_eq!(before_attempt(0, Some(0)), SECOND / 20);
    }
}
