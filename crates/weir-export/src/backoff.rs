//! Pauses between attempts while a target cannot be used.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
/// A target may ask for a longer pause, up to this.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// Doubling pauses with jitter, so that several Weirs do not come back at the same instant.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Whether the last attempt failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// The pause after another failure; at least what the target asked for. `jitter` is between 0 and 1.
    pub(crate) fn next(&mut self, asked: Option<Duration>, jitter: f64) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(12)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let pause = doubled.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
        pause.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// An attempt succeeded. Returns whether that ends an outage.
    pub(crate) fn reset(&mut self) -> bool {
        std::mem::take(&mut self.failures) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_bound_and_start_anew() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..20).map(|_| backoff.next(None, 1.0).as_millis()).collect();
        assert_eq!(pauses[..4], [250, 500, 1_000, 2_000]);
        assert_eq!(pauses[19], 30_000);
        assert!(backoff.is_failing() && backoff.reset() && !backoff.reset());
        assert_eq!(backoff.next(None, 0.0).as_millis(), 125);
    }

    #[test]
    fn what_the_target_asks_for_is_obeyed_within_reason() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(Some(Duration::from_secs(7)), 0.0).as_secs(), 7);
        assert_eq!(backoff.next(Some(Duration::from_secs(86_400)), 0.0).as_secs(), 600);
    }
}
