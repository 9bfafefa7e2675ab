//! How fast a channel is gone to: many at once while it takes them, one at a time and after a pause while it does not.

use weir_core::time::Micros;
use weir_store::catalog::NotificationRecord;

use super::backoff;

/// Attempts of one channel at the same time.
const AT_ONCE: usize = 4;

/// How a channel has been doing since the start.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Places in the outbox that are under way.
    busy: Vec<i64>,
    failures: u32,
    /// Nothing is begun before then.
    paused_to: Micros,
}

impl Pace {
    /// What to begin at `now` out of what is due, which is in the order of putting.
    pub(super) fn begin(&mut self, mut due: Vec<NotificationRecord>, now: Micros) -> Vec<NotificationRecord> {
        let most = if self.failures == 0 { AT_ONCE } else { 1 };
        let room = if now < self.paused_to { 0 } else { most.saturating_sub(self.busy.len()) };
        due.retain(|one| !self.busy.contains(&one.seq));
        // Those that were tried least, so that one that is never taken does not hold up the others.
        due.sort_by_key(|one| (one.attempts, one.seq));
        due.truncate(room);
        self.busy.extend(due.iter().map(|one| one.seq));
        due
    }

    /// One has ended; it was taken, or refused for what it is. Returns whether that ends an outage.
    pub(super) fn reached(&mut self, seq: i64) -> bool {
        self.busy.retain(|busy| *busy != seq);
        self.paused_to = 0;
        std::mem::take(&mut self.failures) > 0
    }

    /// One has ended: the channel could not be used. Returns when to try again, and whether an outage begins.
    pub(super) fn failed(&mut self, seq: i64, now: Micros, asked: Option<Micros>, jitter: f64) -> (Micros, bool) {
        self.busy.retain(|busy| *busy != seq);
        self.failures = self.failures.saturating_add(1);
        self.paused_to = self.paused_to.max(now + backoff::pause(self.failures, asked, jitter));
        (self.paused_to, self.failures == 1)
    }

    /// Whether it may be gone to at `now`.
    pub(super) fn is_open(&self, now: Micros) -> bool {
        now >= self.paused_to
    }
}

#[cfg(test)]
mod tests {
    use weir_core::time::SECOND;
    use weir_store::catalog::{Delivery, NewNotification};

    use super::*;

    fn due(of: &[(i64, u32)]) -> Vec<NotificationRecord> {
        let record = |&(seq, attempts): &(i64, u32)| NotificationRecord {
            seq,
            new: NewNotification {
                id: seq.to_string(),
                channel: "a".into(),
                alert: seq.to_string(),
                body: String::new(),
                created_us: 0,
            },
            delivery: Delivery::Waiting,
            attempts,
            next_try_us: 0,
            settled_us: None,
            error: None,
        };
        of.iter().map(record).collect()
    }

    fn begun(pace: &mut Pace, of: &[(i64, u32)], now: Micros) -> Vec<i64> {
        pace.begin(due(of), now).into_iter().map(|one| one.seq).collect()
    }

    #[test]
    fn so_many_at_once_and_none_twice() {
        let mut pace = Pace::default();
        let all = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)];
        assert_eq!(begun(&mut pace, &all, 0), [1, 2, 3, 4]);
        assert!(begun(&mut pace, &all, 0).is_empty());
        assert!(!pace.reached(2));
        assert_eq!(begun(&mut pace, &[(1, 0), (3, 0), (4, 0), (5, 0)], 0), [5]);
    }

    #[test]
    fn one_at_a_time_after_a_failure_and_not_the_same_first() {
        let mut pace = Pace::default();
        assert_eq!(begun(&mut pace, &[(1, 0)], 0), [1]);
        assert_eq!(pace.failed(1, 0, None, 1.0), (SECOND, true));
        assert!(!pace.is_open(SECOND - 1));
        assert!(begun(&mut pace, &[(1, 1), (2, 0), (3, 0)], SECOND - 1).is_empty());
        assert_eq!(begun(&mut pace, &[(1, 1), (2, 0), (3, 0)], SECOND), [2]);
        assert_eq!(pace.failed(2, SECOND, Some(9 * SECOND), 0.0), (10 * SECOND, false));
        assert_eq!(begun(&mut pace, &[(1, 1), (2, 1), (3, 0)], 10 * SECOND), [3]);
        assert!(pace.reached(3));
        assert_eq!(begun(&mut pace, &[(1, 1), (2, 1)], 10 * SECOND), [1, 2]);
    }
}
