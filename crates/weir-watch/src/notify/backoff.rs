//! Pauses between attempts.

use weir_core::time::{HOUR, MINUTE, Micros, SECOND};

const FIRST: Micros = SECOND;
const LONGEST: Micros = 5 * MINUTE;
/// A receiver may ask for a longer pause, up to this.
const LONGEST_ASKED: Micros = HOUR;

/// The pause after so many failures in a row, microseconds: doubling from a second to five minutes, half of it by chance
/// so that several do not come back at the same instant; at least what the receiver asked for. `jitter` is between 0 and 1.
pub(super) fn pause(failures: u32, asked: Option<Micros>, jitter: f64) -> Micros {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(12)).min(LONGEST);
    let pause = doubled / 2 + (doubled as f64 / 2.0 * jitter.clamp(0.0, 1.0)) as Micros;
    pause.max(asked.unwrap_or_default().clamp(0, LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_bound() {
        let pauses: Vec<_> = (1..=12).map(|n| pause(n, None, 1.0) / SECOND).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!((pause(1, None, 0.0), pause(40, None, 1.0)), (SECOND / 2, LONGEST));
    }

    #[test]
    fn what_the_receiver_asks_for_is_obeyed_within_reason() {
        assert_eq!(pause(1, Some(7 * SECOND), 0.5), 7 * SECOND);
        assert_eq!(pause(1, Some(48 * HOUR), 0.5), LONGEST_ASKED);
        assert_eq!(pause(8, Some(SECOND), 1.0), 128 * SECOND);
    }
}
