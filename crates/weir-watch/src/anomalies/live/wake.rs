//! What wakes the worker: time, calls of the past, and people who wait.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use weir_core::time::Micros;

/// Calls of the past have come when none has for so long.
const QUIET: Duration = Duration::from_secs(2);
/// A flow of them that never ends is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Judging anew takes at most this part of the time, as `1 / SHARE`.
const SHARE: u32 = 10;
/// Most projects that are noted at once.
const PROJECTS: usize = 10_000;

/// What waits to be done.
#[derive(Debug, Default)]
pub(super) struct Wake {
    state: Mutex<State>,
    bell: Condvar,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Projects that got calls of the past, and from when on.
    late: HashMap<String, Micros>,
    /// Projects that were taken and are being judged.
    taken: usize,
    first: Option<Instant>,
    last: Option<Instant>,
    /// Before then it is not begun unasked.
    rest_until: Option<Instant>,
    /// How many have asked for what is late, and how many of them were answered.
    asked: u64,
    answered: u64,
    stopping: bool,
}

impl Wake {
    /// Notes calls of the past of a project.
    pub(super) fn note(&self, project: &str, from: Micros) {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.last = Some(now);
        state.first.get_or_insert(now);
        if let Some(earliest) = state.late.get_mut(project) {
            *earliest = from.min(*earliest);
        } else if state.late.len() < PROJECTS {
            state.late.insert(project.to_owned(), from);
        }
    }

    /// How many projects wait to be judged anew, or are being judged.
    pub(super) fn pending(&self) -> usize {
        let state = self.state.lock();
        state.late.len() + state.taken
    }

    /// Takes what is late, if it is time for it or somebody asked.
    pub(super) fn take(&self) -> HashMap<String, Micros> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let since = |at: Option<Instant>| at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let complete = since(state.last) >= QUIET || since(state.first) >= PATIENCE;
        let rested = state.rest_until.is_none_or(|until| now >= until);
        if state.asked > state.answered || (complete && rested) {
            (state.first, state.last) = (None, None);
            state.taken = state.late.len();
            return std::mem::take(&mut state.late);
        }
        HashMap::new()
    }

    /// Puts back what could not be done.
    pub(super) fn put_back(&self, late: HashMap<String, Micros>) {
        late.into_iter().for_each(|(project, from)| self.note(&project, from));
    }

    /// What is late was judged, which took so long.
    pub(super) fn rest(&self, took: Duration) {
        let mut state = self.state.lock();
        state.taken = 0;
        state.rest_until = Instant::now().checked_add(took * SHARE);
    }

    /// Waits until somebody asks, at most so long; who has asked until then is to be told `answer` after the work.
    /// `None` when it is to end.
    pub(super) fn wait(&self, timeout: Duration) -> Option<u64> {
        let mut state = self.state.lock();
        if state.asked == state.answered && !state.stopping {
            self.bell.wait_for(&mut state, timeout);
        }
        (!state.stopping).then_some(state.asked)
    }

    /// The work that those who asked wait for is done.
    pub(super) fn answer(&self, asked: u64) {
        let mut state = self.state.lock();
        state.answered = state.answered.max(asked);
        self.answered.notify_all();
    }

    /// Asks for what is late and waits for it; `false` when the time is over first.
    pub(super) fn ask(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.state.lock();
        state.asked += 1;
        let mine = state.asked;
        self.bell.notify_one();
        while state.answered < mine && !state.stopping {
            if self.answered.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.answered >= mine
    }

    /// Ends the worker.
    pub(super) fn stop(&self) {
        self.state.lock().stopping = true;
        self.bell.notify_all();
        self.answered.notify_all();
    }

    /// Whether it is to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.state.lock().stopping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_judged_is_still_pending() {
        let wake = Wake::default();
        wake.note("shop", 7);
        wake.note("shop", 5);
        assert!(wake.take().is_empty(), "more may come");
        assert_eq!(wake.pending(), 1);
        assert!(!wake.ask(Duration::ZERO));
        assert_eq!(wake.take(), HashMap::from([("shop".to_owned(), 5)]));
        assert_eq!(wake.pending(), 1);
        wake.rest(Duration::ZERO);
        assert_eq!(wake.pending(), 0);
    }
}
