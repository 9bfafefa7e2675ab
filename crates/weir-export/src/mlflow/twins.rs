//! Runs that were made twice: a server that was given up on may still do what it was asked, after the run was looked for
//! and made again. Such calls are looked up once more later, and the run that nobody went on with is deleted.
//!
//! Bounds: so many calls are remembered, each for a few times the request's timeout; beyond that the oldest is let go.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Calls that are remembered.
const MOST: usize = 1_024;
/// When they are looked up, in timeouts after they were done.
const LOOKS: [u32; 2] = [3, 12];

/// A call whose run may have a twin.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    /// What a run is searched by.
    pub(super) call_id: String,
    /// And its start.
    pub(super) start_ms: i64,
    /// The run that was gone on with.
    pub(super) run_id: String,
    looks: usize,
    due: Instant,
}

/// The calls to be looked up again.
#[derive(Debug)]
pub(super) struct Twins {
    timeout: Duration,
    suspects: Mutex<VecDeque<Suspect>>,
}

impl Twins {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, suspects: Mutex::default() }
    }

    /// The run of a call was made without knowing whether another one was.
    pub(super) fn suspect(&self, call_id: &str, start_ms: i64, run_id: &str) {
        let (call_id, run_id) = (call_id.to_owned(), run_id.to_owned());
        self.put(Suspect { call_id, start_ms, run_id, looks: 0, due: Instant::now() });
    }

    /// The next call whose time has come.
    pub(super) fn due(&self) -> Option<Suspect> {
        let mut suspects = self.suspects.lock();
        let now = Instant::now();
        let at = suspects.iter().position(|suspect| suspect.due <= now)?;
        suspects.remove(at)
    }

    /// It was looked up: again later, if that was not the last time.
    pub(super) fn looked_up(&self, suspect: Suspect) {
        self.put(Suspect { looks: suspect.looks + 1, ..suspect });
    }

    /// It could not be looked up now.
    pub(super) fn put_back(&self, suspect: Suspect) {
        self.put(suspect);
    }

    fn put(&self, mut suspect: Suspect) {
        let Some(timeouts) = LOOKS.get(suspect.looks) else { return };
        suspect.due = Instant::now() + self.timeout * *timeouts;
        let mut suspects = self.suspects.lock();
        if suspects.len() >= MOST {
            suspects.pop_front();
        }
        suspects.push_back(suspect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspect_is_looked_up_twice_and_the_number_is_bounded() {
        let twins = Twins::new(Duration::ZERO);
        twins.suspect("c", 1, "r");
        let first = twins.due().unwrap();
        assert!(twins.due().is_none());
        twins.put_back(first);
        twins.looked_up(twins.due().unwrap());
        twins.looked_up(twins.due().unwrap());
        assert!(twins.due().is_none(), "the second look was the last");
        for n in 0..MOST + 5 {
            twins.suspect(&n.to_string(), 1, "r");
        }
        assert_eq!(twins.suspects.lock().len(), MOST);
        assert_eq!(twins.due().unwrap().call_id, "5");
        let later = Twins::new(Duration::from_secs(60));
        later.suspect("c", 1, "r");
        assert!(later.due().is_none(), "not before its time");
    }
}
