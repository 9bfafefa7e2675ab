//! When embeddings are not asked for: for a while after several have failed one after the other. Each miss would else wait
//! for a provider that hangs as long as `cache.semantic.timeout` allows.
//!
//! Invariant: after a pause one more failure begins the next, and one that comes ends the count.

use parking_lot::Mutex;
use weir_core::time::{Micros, SECOND};

/// Failures, one after the other, after which it pauses.
const MOST_FAILURES: u32 = 3;
/// How long a pause is.
pub const PAUSE: Micros = 30 * SECOND;

/// Failures, and until when it pauses because of them.
#[derive(Debug, Default)]
pub struct Pause(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Option<Micros>,
}

impl State {
    fn is_paused(&self, now: Micros) -> bool {
        // A clock that was put back makes no longer pause.
        self.until.is_some_and(|until| (until - PAUSE..until).contains(&now))
    }
}

impl Pause {
    /// Whether embeddings are not to be asked for now.
    #[must_use]
    pub fn is_on(&self, now: Micros) -> bool {
        self.0.lock().is_paused(now)
    }

    /// Notes a failure; whether a pause begins with it.
    pub fn failed(&self, now: Micros) -> bool {
        let mut state = self.0.lock();
        // Those that were under way when it began say nothing new.
        if state.is_paused(now) {
            return false;
        }
        state.failures = state.failures.saturating_add(1);
        let begins = state.failures >= MOST_FAILURES;
        if begins {
            state.until = Some(now.saturating_add(PAUSE));
        }
        begins
    }

    /// Notes that one came.
    pub fn worked(&self) {
        *self.0.lock() = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_after_some_failures_and_again_after_one_more() {
        let pause = Pause::default();
        let now = 1_000 * SECOND;
        assert_eq!([0, 1].map(|_| pause.failed(now)), [false, false]);
        pause.worked();
        assert_eq!([0, 1, 2, 3].map(|_| pause.failed(now)), [false, false, true, false]);
        assert!(pause.is_on(now) && pause.is_on(now + PAUSE - 1) && !pause.is_on(now + PAUSE));
        assert!(!pause.is_on(now - 1), "the clock was put back");
        let later = now + PAUSE;
        assert!(pause.failed(later) && pause.is_on(later));
        pause.worked();
        assert!(!pause.is_on(later) && !pause.failed(later));
    }
}
