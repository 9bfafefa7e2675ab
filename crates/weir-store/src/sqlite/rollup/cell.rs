//! Sums over calls: as a change to a stored cell, and as read back.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use weir_core::money::NanoUsd;
use weir_core::sketch::Sketch;

use super::super::row::tokens_from;
use super::bins::Bins;
use crate::telemetry::Figures;
use weir_core::call_sums::CallSums;

/// The whole numbers of a cell, in the order of the columns `count` to `latency_sum_us`.
pub(in crate::sqlite) const NUMBERS: usize = 14;

/// The columns of [`Numbers`] and the sketch.
pub(in crate::sqlite) const CELL_COLUMNS: &str = "count, errors, cache_hits, prompt_tokens, cached_tokens, \
    cache_write_tokens, cache_write_1h_tokens, completion_tokens, reasoning_tokens, audio_in_tokens, audio_out_tokens, \
    cost_nano, unpriced, latency_sum_us, sketch";

/// Sums that may be taken away again; they saturate instead of wrapping.
pub(in crate::sqlite) type Numbers = [i64; NUMBERS];

/// What one call adds.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sqlite) struct Measures {
    pub(in crate::sqlite) numbers: Numbers,
    pub(in crate::sqlite) latency_us: i64,
}

/// A change to a cell.
#[derive(Clone, Debug, Default)]
pub(in crate::sqlite) struct Delta {
    pub(in crate::sqlite) numbers: Numbers,
    pub(in crate::sqlite) plus: Sketch,
    pub(in crate::sqlite) minus: Sketch,
}

impl Delta {
    pub(in crate::sqlite) fn add(&mut self, m: &Measures) {
        add_numbers(&mut self.numbers, &m.numbers);
        self.plus.add(m.latency_us as f64);
    }

    pub(in crate::sqlite) fn take_away(&mut self, m: &Measures) {
        for (sum, n) in self.numbers.iter_mut().zip(m.numbers) {
            *sum = sum.saturating_sub(n);
        }
        self.minus.add(m.latency_us as f64);
    }

    pub(in crate::sqlite) fn merge(&mut self, other: &Self) {
        add_numbers(&mut self.numbers, &other.numbers);
        self.plus.merge(&other.plus);
        self.minus.merge(&other.minus);
    }

    /// Whether it changes nothing.
    pub(in crate::sqlite) fn is_nothing(&self) -> bool {
        self.numbers == Numbers::default() && self.plus == self.minus
    }
}

pub(in crate::sqlite) fn add_numbers(sums: &mut Numbers, more: &Numbers) {
    for (sum, n) in sums.iter_mut().zip(more) {
        *sum = sum.saturating_add(*n);
    }
}

/// A cell as it is stored.
#[derive(Clone, Debug, Default)]
pub(in crate::sqlite) struct Cell {
    pub(in crate::sqlite) numbers: Numbers,
    pub(in crate::sqlite) sketch: Sketch,
}

/// The whole numbers that stand in a row's columns from `at` on.
pub(super) fn read_numbers(row: &Row<'_>, at: usize) -> rusqlite::Result<Numbers> {
    let mut numbers = Numbers::default();
    for (n, number) in numbers.iter_mut().enumerate() {
        if let ValueRef::Integer(value) = row.get_ref(at + n)? {
            *number = value;
        }
    }
    Ok(numbers)
}

/// A sum of cells on its way to [`Figures`].
#[derive(Clone, Debug, Default)]
pub(in crate::sqlite) struct Sum {
    pub(in crate::sqlite) numbers: Numbers,
    latencies: Bins,
}

impl Sum {
    /// Adds the cell that stands in a row's columns from `at` on.
    pub(in crate::sqlite) fn add_row(&mut self, row: &Row<'_>, at: usize) -> rusqlite::Result<()> {
        for (n, sum) in self.numbers.iter_mut().enumerate() {
            if let ValueRef::Integer(number) = row.get_ref(at + n)? {
                *sum = sum.saturating_add(number);
            }
        }
        if let ValueRef::Blob(bytes) = row.get_ref(at + NUMBERS)?
            && !self.latencies.add_encoded(bytes)
        {
            tracing::warn!("a latency sketch cannot be read");
        }
        Ok(())
    }

    /// Adds one call.
    pub(in crate::sqlite) fn add_call(&mut self, numbers: &Numbers, latency_us: i64) {
        add_numbers(&mut self.numbers, numbers);
        self.latencies.add_value(latency_us as f64);
    }

    /// Adds another sum.
    pub(in crate::sqlite) fn add(&mut self, other: &Self) {
        add_numbers(&mut self.numbers, &other.numbers);
        self.latencies.add(&other.latencies);
    }

    /// Empties it and keeps its room.
    pub(in crate::sqlite) fn clear(&mut self) {
        self.numbers = Numbers::default();
        self.latencies.clear();
    }

    /// As sums that can be added up further; see [`crate::sums::SumGroup::cells`].
    pub(in crate::sqlite) fn sums(&self) -> CallSums {
        let [count, errors, cache_hits, p0, p1, p2, p3, c0, c1, audio_in, audio_out, cost, unpriced, latency] =
            self.numbers;
        let count_of = |n: i64| u64::try_from(n).unwrap_or_default();
        CallSums {
            calls: count_of(count),
            errors: count_of(errors),
            rate_limited: 0,
            cache_hits: count_of(cache_hits),
            prompt_tokens: [p0, p1, p2, p3, audio_in].map(count_of).iter().sum(),
            completion_tokens: [c0, c1, audio_out].map(count_of).iter().sum(),
            cost,
            unpriced: count_of(unpriced),
            latency_sum_us: count_of(latency),
            latency: self.latencies.whole(),
            ..CallSums::default()
        }
    }

    pub(in crate::sqlite) fn figures(&mut self) -> Figures {
        let [p50_us, p95_us, p99_us] = self.latencies.quantiles([0.50, 0.95, 0.99]);
        let [count, errors, cache_hits, t0, t1, t2, t3, t4, t5, t6, t7, cost, unpriced, latency] = self.numbers;
        let count_of = |n: i64| u64::try_from(n).unwrap_or_default();
        Figures {
            count: count_of(count),
            errors: count_of(errors),
            cache_hits: count_of(cache_hits),
            tokens: tokens_from([t0, t1, t2, t3, t4, t5, t6, t7]),
            cost: NanoUsd(cost),
            unpriced: count_of(unpriced),
            latency_sum_us: count_of(latency),
            p50_us,
            p95_us,
            p99_us,
        }
    }
}
