//! How many requests of one batch may be under way: all that the server allows, until a limit of the key refuses
//! several; then one at a time after the pause that the limit named, and one more with each answer. So a batch uses what
//! its key may, and few requests are refused and recorded as such. A single request that is refused says little about
//! the others (it may cost more than what is left, or a limit may be for its label only): it waits for itself. Pure.

use weir_core::time::{MINUTE, Micros, SECOND};

/// Longest pause: limits and budgets may be raised while a batch waits.
const LONGEST: Micros = MINUTE;
/// So many different requests refused in a row tell that it is not about one of them.
const SEVERAL: usize = 3;
/// Up to this width a batch is held back by a limit that it knows, and one refusal is enough to wait for it.
const NARROW: usize = 3;

/// The pace of one batch.
#[derive(Debug)]
pub(super) struct Pace {
    width: usize,
    until: Micros,
    /// Positions of requests that were refused since the last answer or pause, at most `SEVERAL`.
    refused: Vec<u32>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { width: usize::MAX, until: 0, refused: Vec::new() }
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

    /// The request at a position was refused, to be made again after a while.
    pub(super) fn refused(&mut self, position: u32, after: Micros, now: Micros) {
        if !self.refused.contains(&position) {
            self.refused.push(position);
        }
        // A rate is waited for exactly; a long wait, as for a budget, may be that of costly requests alone.
        let known = self.width <= NARROW && after < LONGEST;
        if known || self.refused.len() >= SEVERAL {
            self.wait(after, now);
        }
    }

    /// Nothing is made for a while, and then one request at a time at first.
    pub(super) fn wait(&mut self, after: Micros, now: Micros) {
        self.refused.clear();
        self.width = 1;
        self.until = self.until.max(now + pause(after));
    }

    /// A request was answered.
    pub(super) fn answered(&mut self) {
        self.refused.clear();
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
    fn several_refusals_narrow_and_answers_widen() {
        let mut pace = Pace::default();
        for position in [7, 7, 8, 7] {
            pace.refused(position, 2 * SECOND, 10);
            assert!(pace.has_room(1_000, 10), "one or two requests hold no others back");
        }
        pace.refused(9, 2 * SECOND, 10);
        assert!(!pace.has_room(0, 10 + SECOND));
        assert_eq!(pace.pause_ends(10), Some(10 + 2 * SECOND));
        let later = 10 + 2 * SECOND;
        assert!(pace.has_room(0, later) && !pace.has_room(1, later));
        pace.answered();
        assert!(pace.has_room(1, later) && !pace.has_room(2, later));
        // A rate that is known to hold is waited for at once, a budget only when it refuses several.
        for position in [1, 2] {
            pace.refused(position, i64::MAX, later);
            assert!(pace.has_room(1, later));
        }
        pace.refused(2, SECOND, later);
        assert!(!pace.has_room(0, later) && pace.has_room(0, later + SECOND));
        for position in [1, 2, 3] {
            pace.refused(position, i64::MAX, later + SECOND);
        }
        assert!(!pace.has_room(0, later + LONGEST) && pace.has_room(0, later + SECOND + LONGEST));
    }

    #[test]
    fn an_answer_between_ends_the_row() {
        let mut pace = Pace::default();
        for position in 0..20 {
            pace.refused(position, i64::MAX, 0);
            pace.answered();
        }
        assert!(pace.has_room(1_000, 0));
    }

    #[test]
    fn pauses_double_and_have_bounds() {
        assert_eq!(before_attempt(0, None), SECOND);
        assert_eq!(before_attempt(2, None), 4 * SECOND);
        assert_eq!(before_attempt(60, None), LONGEST);
        assert_eq!(before_attempt(0, Some(0)), SECOND / 20);
    }
}
