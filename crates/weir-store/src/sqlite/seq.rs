//! The sequence of spans: ordered by start, so that it is the time index.
//!
//! `seq = milliseconds since 2020-01-01 << 20 | place`. The place is the microsecond within the millisecond and a
//! counter below 1,024, so rows order by microsecond; only where more than a thousand spans share one microsecond do
//! they spill over other places of their millisecond.

use weir_core::time::Micros;

/// 2020-01-01T00:00:00Z in milliseconds since the epoch.
pub(super) const EPOCH_MS: i64 = 1_577_836_800_000;

const PLACE_BITS: u32 = 20;
const COUNTER_BITS: u32 = 10;
const LAST_MS: i64 = (1 << 42) - 1;

/// The first seq of the millisecond that an instant lies in; instants outside the range go to its ends.
pub(super) fn floor(at: Micros) -> i64 {
    at.div_euclid(1_000).saturating_sub(EPOCH_MS).clamp(0, LAST_MS) << PLACE_BITS
}

/// The seq of the `attempt`-th place to try for a span that starts then.
pub(super) fn place(start: Micros, counter: u32, attempt: u32) -> i64 {
    let micro = start.rem_euclid(1_000) as u32;
    let counter = counter & ((1 << COUNTER_BITS) - 1);
    let place = if attempt < 64 {
        micro << COUNTER_BITS | (counter + attempt) & ((1 << COUNTER_BITS) - 1)
    } else {
        // Crowded: anywhere in the millisecond, by a full-period step through all places.
        (micro << COUNTER_BITS | counter).wrapping_add(attempt.wrapping_mul(0x9E375)) & ((1 << PLACE_BITS) - 1)
    };
    floor(start) | i64::from(place)
}

/// Whether a span that starts then may stay at its seq.
pub(super) fn is_in_place(seq: i64, start: Micros) -> bool {
    seq >> PLACE_BITS == floor(start) >> PLACE_BITS && (seq >> COUNTER_BITS) & 0x3ff == start.rem_euclid(1_000)
}

/// The start of the millisecond of a seq.
pub(super) fn millisecond_us(seq: i64) -> Micros {
    ((seq >> PLACE_BITS) + EPOCH_MS) * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn orders_by_start(a in 1_600_000_000_000_000i64..1_900_000_000_000_000, b in 1_600_000_000_000_000i64..1_900_000_000_000_000, n in 0u32.., k in 0u32..64) {
            prop_assert_eq!(place(a, n, k).cmp(&place(b, n, k)), a.cmp(&b));
            prop_assert!(is_in_place(place(a, n, k), a));
            prop_assert!(floor(a) <= place(a, n, k));
            prop_assert_eq!(millisecond_us(place(a, n, k)), a - a % 1000);
            prop_assert_eq!(floor(a), floor(millisecond_us(place(a, n, k + 64))));
        }
    }

    #[test]
    fn odd_times_have_a_place() {
        for at in [i64::MIN, -1, 0, i64::MAX] {
            assert!(place(at, u32::MAX, 3) >= 0);
        }
    }
}
