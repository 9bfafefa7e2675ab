//! Sums over calls: as a change to a stored cell, and as read back.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use weir_core::money::NanoUsd;

use super::super::row::tokens_from;
use super::bins::Bins;
use super::measures::Measures;
use super::spread::{Logs, SPREAD_COLUMNS, Spread, add_logs, blob, logs_of, unreadable};
use crate::sums::Detail;
use crate::telemetry::Figures;
use weir_core::call_sums::CallSums;

/// The whole numbers of a cell, in the order of their columns.
pub(in crate::sqlite) const NUMBERS: usize = 14;

/// The columns of [`Numbers`].
const NUMBER_COLUMNS: &str = "count, errors, cache_hits, prompt_tokens, cached_tokens, cache_write_tokens, \
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, audio_in_tokens, audio_out_tokens, cost_nano, unpriced, \
    latency_sum_us";

/// All columns of a cell but its key: what writers, and readers that want everything, name.
pub(in crate::sqlite) fn cell_columns() -> String {
    format!("{NUMBER_COLUMNS}, {SPREAD_COLUMNS}")
}

/// The same places, NULL where something is not wanted: what is not read costs nothing.
pub(super) fn columns_for(detail: Detail) -> String {
    let or_null = |wanted: bool, column: &'static str| if wanted { column } else { "NULL" };
    let sketch = or_null(detail.latency, "sketch");
    let (ttft, rate) = (or_null(detail.ttft, "ttft"), or_null(detail.output_rate, "output_rate"));
    format!("{NUMBER_COLUMNS}, {sketch}, {ttft}, {rate}, {}", or_null(detail.logs, "logs"))
}

/// Sums that may be taken away again; they saturate instead of wrapping.
pub(in crate::sqlite) type Numbers = [i64; NUMBERS];

/// A change to a cell.
#[derive(Clone, Debug, Default)]
pub(in crate::sqlite) struct Delta {
    pub(in crate::sqlite) numbers: Numbers,
    pub(super) plus: Spread,
    pub(super) minus: Spread,
}

impl Delta {
    pub(in crate::sqlite) fn add(&mut self, m: &Measures) {
        add_numbers(&mut self.numbers, &m.numbers);
        self.plus.add(m);
    }

    pub(in crate::sqlite) fn take_away(&mut self, m: &Measures) {
        for (sum, n) in self.numbers.iter_mut().zip(m.numbers) {
            *sum = sum.saturating_sub(n);
        }
        self.minus.add(m);
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
#[derive(Clone, Debug)]
pub(in crate::sqlite) struct Cell {
    pub(in crate::sqlite) numbers: Numbers,
    pub(super) spread: Spread,
    /// Whether more than latencies is known of its calls; see [`super::spread`].
    pub(super) known: bool,
}

impl Default for Cell {
    fn default() -> Self {
        Self { numbers: Numbers::default(), spread: Spread::default(), known: true }
    }
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

/// All tokens of prompts.
pub(super) fn prompt_tokens(numbers: &Numbers) -> u64 {
    let [_, _, _, p0, p1, p2, p3, _, _, audio, ..] = *numbers;
    [p0, p1, p2, p3, audio].map(whole).iter().fold(0, |sum, n| sum.saturating_add(*n))
}

/// All tokens of answers.
pub(super) fn completion_tokens(numbers: &Numbers) -> u64 {
    let [.., c0, c1, _, audio, _, _, _] = *numbers;
    [c0, c1, audio].map(whole).iter().fold(0, |sum, n| sum.saturating_add(*n))
}

/// Whole numbers as sums, without what is kept of single calls. Rate limits are not among them.
pub(super) fn sums_of(numbers: &Numbers) -> CallSums {
    let [count, errors, cache_hits, .., cost, unpriced, latency] = *numbers;
    CallSums {
        calls: whole(count),
        errors: whole(errors),
        cache_hits: whole(cache_hits),
        prompt_tokens: prompt_tokens(numbers),
        completion_tokens: completion_tokens(numbers),
        cost,
        unpriced: whole(unpriced),
        latency_sum_us: whole(latency),
        ..CallSums::default()
    }
}

pub(super) fn whole(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

/// A sum of cells on its way to [`Figures`] or [`CallSums`].
#[derive(Clone, Debug, Default)]
pub(in crate::sqlite) struct Sum {
    pub(in crate::sqlite) numbers: Numbers,
    latency: Bins,
    ttft: Bins,
    output_rate: Bins,
    logs: Logs,
}

impl Sum {
    /// Adds the cell that stands in a row's columns from `at` on, see [`columns_for`].
    pub(in crate::sqlite) fn add_row(&mut self, row: &Row<'_>, at: usize) -> rusqlite::Result<()> {
        for (n, sum) in self.numbers.iter_mut().enumerate() {
            if let ValueRef::Integer(number) = row.get_ref(at + n)? {
                *sum = sum.saturating_add(number);
            }
        }
        let at = at + NUMBERS;
        for (n, bins) in [&mut self.latency, &mut self.ttft, &mut self.output_rate].into_iter().enumerate() {
            if blob(row, at + n)?.is_some_and(|bytes| !bins.add_encoded(bytes)) {
                unreadable();
            }
        }
        add_logs(&mut self.logs, &logs_of(row, at + 3)?);
        Ok(())
    }

    /// Adds one call, of its single figures what is wanted.
    pub(in crate::sqlite) fn add_call(&mut self, m: &Measures, detail: Detail) {
        add_numbers(&mut self.numbers, &m.numbers);
        if detail.latency {
            self.latency.add_value(m.latency_us as f64);
        }
        if let Some(us) = m.ttft_us.filter(|_| detail.ttft) {
            self.ttft.add_value(us as f64);
        }
        if let Some(rate) = m.output_rate.filter(|_| detail.output_rate) {
            self.output_rate.add_value(rate);
        }
        if detail.logs {
            add_logs(&mut self.logs, &m.logs);
        }
    }

    /// Adds another sum.
    pub(in crate::sqlite) fn add(&mut self, other: &Self) {
        add_numbers(&mut self.numbers, &other.numbers);
        self.latency.add(&other.latency);
        self.ttft.add(&other.ttft);
        self.output_rate.add(&other.output_rate);
        add_logs(&mut self.logs, &other.logs);
    }

    /// Empties it and keeps its room.
    pub(in crate::sqlite) fn clear(&mut self) {
        self.numbers = Numbers::default();
        self.logs = Logs::default();
        for bins in [&mut self.latency, &mut self.ttft, &mut self.output_rate] {
            bins.clear();
        }
    }

    /// As sums that can be added up further; see [`crate::sums::SumGroup::cells`].
    pub(in crate::sqlite) fn sums(&self) -> CallSums {
        let [prompt_logs, completion_logs, cost_logs] = self.logs;
        CallSums {
            latency: self.latency.whole(),
            ttft: self.ttft.whole(),
            output_rate: self.output_rate.whole(),
            prompt_logs,
            completion_logs,
            cost_logs,
            ..sums_of(&self.numbers)
        }
    }

    pub(in crate::sqlite) fn figures(&mut self) -> Figures {
        let [p50_us, p95_us, p99_us] = self.latency.quantiles([0.50, 0.95, 0.99]);
        let [count, errors, cache_hits, t0, t1, t2, t3, t4, t5, t6, t7, cost, unpriced, latency] = self.numbers;
        Figures {
            count: whole(count),
            errors: whole(errors),
            cache_hits: whole(cache_hits),
            tokens: tokens_from([t0, t1, t2, t3, t4, t5, t6, t7]),
            cost: NanoUsd(cost),
            unpriced: whole(unpriced),
            latency_sum_us: whole(latency),
            p50_us,
            p95_us,
            p99_us,
        }
    }
}
