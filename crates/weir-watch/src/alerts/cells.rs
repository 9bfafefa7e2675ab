//! Sums of calls by time, and the sums of windows over them.

use std::sync::LazyLock;

use weir_core::call_sums::CallSums;
use weir_core::time::Micros;

/// The sums of one series, bucket after bucket. A window that moves on is brought up to date instead of summed anew.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// By the start of the bucket, ascending.
    cells: Vec<(Micros, CallSums)>,
    windows: Vec<Option<Slid>>,
}

/// A window as it was summed last: the cells `low..high`.
#[derive(Clone, Debug)]
struct Slid {
    low: usize,
    high: usize,
    sum: CallSums,
}

/// The sum of no cells.
static NOTHING: LazyLock<CallSums> = LazyLock::new(CallSums::default);

impl Track {
    /// Puts cells that lie before those that are there, or after; each bucket once.
    pub fn put(&mut self, cells: impl IntoIterator<Item = (Micros, CallSums)>) {
        self.windows.clear();
        self.cells.extend(cells);
        self.cells.sort_by_key(|(at, _)| *at);
    }

    /// Notes how many calls of a bucket met a rate limit.
    pub fn limited(&mut self, at: Micros, calls: u64) {
        if let Ok(place) = self.cells.binary_search_by_key(&at, |(at, _)| *at)
            && let Some((_, cell)) = self.cells.get_mut(place)
        {
            cell.rate_limited = calls;
        }
    }

    /// All calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.cells.iter().map(|(_, cell)| cell.calls).sum()
    }

    /// The cells that start in a range.
    #[must_use]
    pub fn within(&self, from: Micros, to: Micros) -> &[(Micros, CallSums)] {
        let (low, high) = self.places(from, to);
        self.cells.get(low..high).unwrap_or_default()
    }

    /// The sum of the cells that start in a range. `slot` tells windows apart that move on by themselves.
    pub fn window(&mut self, slot: usize, from: Micros, to: Micros) -> &CallSums {
        let (low, high) = self.places(from, to);
        if self.windows.len() <= slot {
            self.windows.resize(slot + 1, None);
        }
        let before = self.windows.get_mut(slot).and_then(Option::take);
        let slid = match before {
            Some(before) if before.low <= low && before.high <= high && low <= before.high => {
                let mut sum = before.sum;
                self.cells.get(before.high..high).unwrap_or_default().iter().for_each(|(_, cell)| sum.add(cell));
                self.cells.get(before.low..low).unwrap_or_default().iter().for_each(|(_, cell)| sum.take_away(cell));
                Slid { low, high, sum }
            }
            _ => {
                let mut sum = CallSums::default();
                self.cells.get(low..high).unwrap_or_default().iter().for_each(|(_, cell)| sum.add(cell));
                Slid { low, high, sum }
            }
        };
        match self.windows.get_mut(slot) {
            Some(place) => &place.insert(slid).sum,
            None => &NOTHING,
        }
    }

    fn places(&self, from: Micros, to: Micros) -> (usize, usize) {
        let low = self.cells.partition_point(|(at, _)| *at < from);
        let high = self.cells.partition_point(|(at, _)| *at < to);
        (low, high.max(low))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However a window moves, its sum is that of its cells.
        #[test]
        fn a_window_that_moves_is_the_sum_of_its_cells(
            cells in prop::collection::btree_map(0i64..100, 1u64..1_000, 0..60),
            moves in prop::collection::vec((0i64..110, 0i64..40), 1..30),
        ) {
            let cell = |latency: u64| CallSums {
                calls: 1,
                latency_sum_us: latency,
                latency: [latency as f64].into_iter().collect(),
                ..CallSums::default()
            };
            let mut track = Track::default();
            track.put(cells.iter().map(|(at, latency)| (*at, cell(*latency))));
            for (from, width) in moves {
                let mut anew = CallSums::default();
                cells.range(from..from + width).for_each(|(_, latency)| anew.add(&cell(*latency)));
                prop_assert_eq!(track.window(0, from, from + width), &anew);
            }
        }
    }
}
