//! When requests fall due in an open loop.
//!
//! A thread of its own keeps the time: tokio's timer has ticks of a millisecond, too coarse to space
//! thousands of requests a second.

use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::sync::mpsc::UnboundedSender;

/// How far before its time a request may be let go; the kernel wakes sleepers about this late.
const SLACK: Duration = Duration::from_micros(55);

/// The gaps between requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// All alike.
    Uniform,
    /// Exponentially distributed, as arrivals independent of each other have them.
    Poisson,
}

/// A row of times.
#[derive(Debug)]
pub(crate) struct Schedule {
    next: Instant,
    rate: f64,
    spacing: Spacing,
    rng: Rng,
}

impl Schedule {
    /// `rate` requests a second from `start`.
    pub(crate) fn new(start: Instant, rate: f64, spacing: Spacing, seed: u64) -> Self {
        Self { next: start, rate, spacing, rng: Rng::with_seed(seed) }
    }

    fn step(&mut self) -> Instant {
        let due = self.next;
        let gap = match self.spacing {
            Spacing::Uniform => 1.0 / self.rate,
            Spacing::Poisson => -(1.0 - self.rng.f64()).ln() / self.rate,
        };
        self.next = due + Duration::from_secs_f64(gap);
        due
    }

    /// Sends each time when it has come, until `end`, `limit` times, or nobody listens.
    pub(crate) fn keep(mut self, end: Instant, limit: u64, due: &UnboundedSender<Instant>) {
        for _ in 0..limit {
            let at = self.step();
            if at >= end {
                return;
            }
            let left = at.saturating_duration_since(Instant::now());
            if left > SLACK {
                std::thread::sleep(left - SLACK);
            }
            if due.send(at).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spacings_keep_the_rate() {
        for spacing in [Spacing::Uniform, Spacing::Poisson] {
            let start = Instant::now();
            let mut schedule = Schedule::new(start, 1000.0, spacing, 7);
            let last = (0..=20_000).map(|_| schedule.step()).last().unwrap();
            let seconds = (last - start).as_secs_f64();
            assert!((19.4..20.6).contains(&seconds), "{spacing:?}: {seconds}");
        }
    }
}
