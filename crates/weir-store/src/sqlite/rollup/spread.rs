//! What a cell keeps of the single figures of its calls: sketches, and sums of logarithms.
//!
//! All but latencies came later: the column `logs` of a cell that an earlier Weir made is NULL, nothing of the kind is known
//! of its calls, and it stays so. Of a cell that is known `logs` is a text of bytes, empty where there is nothing to sum.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use weir_core::call_sums::{CallSums, LogSum};
use weir_core::sketch::Sketch;
use weir_core::varint::{put, take};

use super::cell::NUMBERS;
use super::measures::Measures;

/// Logarithms of prompts, of answers, of costs.
pub(in crate::sqlite) type Logs = [LogSum; 3];

/// The columns after the whole numbers, in the order in which they are read and written.
pub(super) const SPREAD_COLUMNS: &str = "sketch, ttft, output_rate, logs";
/// How many they are.
pub(super) const SPREADS: usize = 4;

/// The single figures of many calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::sqlite) struct Spread {
    pub(super) latency: Sketch,
    pub(super) ttft: Sketch,
    pub(super) output_rate: Sketch,
    pub(super) logs: Logs,
}

impl Spread {
    pub(super) fn add(&mut self, m: &Measures) {
        self.latency.add(m.latency_us as f64);
        self.ttft.extend(m.ttft_us.map(|us| us as f64));
        self.output_rate.extend(m.output_rate);
        add_logs(&mut self.logs, &m.logs);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.ttft.merge(&other.ttft);
        self.output_rate.merge(&other.output_rate);
        add_logs(&mut self.logs, &other.logs);
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        self.latency.subtract(&other.latency);
        self.ttft.subtract(&other.ttft);
        self.output_rate.subtract(&other.output_rate);
        for (sum, less) in self.logs.iter_mut().zip(other.logs) {
            sum.take_away(less);
        }
    }
}

pub(super) fn add_logs(sums: &mut Logs, more: &Logs) {
    for (sum, more) in sums.iter_mut().zip(more) {
        sum.add(*more);
    }
}

/// The stored form of logarithms: count and, in zigzag, sum of each; nothing where there are none.
pub(super) fn encode_logs(logs: &Logs) -> Vec<u8> {
    let mut bytes = Vec::new();
    if *logs != Logs::default() {
        for log in logs {
            put(&mut bytes, log.count);
            put(&mut bytes, ((log.micros << 1) ^ (log.micros >> 63)) as u64);
        }
    }
    bytes
}

/// The inverse of [`encode_logs`]; `None` where it is not of its making.
pub(super) fn decode_logs(mut bytes: &[u8]) -> Option<Logs> {
    let mut logs = Logs::default();
    if bytes.is_empty() {
        return Some(logs);
    }
    for log in &mut logs {
        let (count, micros) = (take(&mut bytes)?, take(&mut bytes)?);
        *log = LogSum { count, micros: (micros >> 1) as i64 ^ -((micros & 1) as i64) };
    }
    bytes.is_empty().then_some(logs)
}

/// The blob of a column; `None` for NULL.
pub(super) fn blob<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r [u8]>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    })
}

/// The logarithms in a column; none where they are not known.
pub(super) fn logs_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Logs> {
    let Some(bytes) = blob(row, column)? else { return Ok(Logs::default()) };
    Ok(decode_logs(bytes).unwrap_or_else(|| {
        unreadable();
        Logs::default()
    }))
}

/// Adds the cell whose whole numbers stand in a row's columns from `at` on, but for those.
pub(super) fn add_spread(calls: &mut CallSums, row: &Row<'_>, at: usize) -> rusqlite::Result<()> {
    let sketches = [&mut calls.latency, &mut calls.ttft, &mut calls.output_rate];
    for (n, sketch) in sketches.into_iter().enumerate() {
        if blob(row, at + NUMBERS + n)?.is_some_and(|bytes| !sketch.merge_encoded(bytes)) {
            unreadable();
        }
    }
    let logs = logs_of(row, at + NUMBERS + SPREADS - 1)?;
    for (sum, more) in [&mut calls.prompt_logs, &mut calls.completion_logs, &mut calls.cost_logs].into_iter().zip(logs)
    {
        sum.add(more);
    }
    Ok(())
}

/// Says that a stored sketch or sum is none.
pub(super) fn unreadable() {
    tracing::warn!("a sketch of a rollup cannot be read");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log() -> impl Strategy<Value = LogSum> {
        prop_oneof![
            Just(LogSum::default()),
            (any::<u64>(), any::<i64>()).prop_map(|(count, micros)| LogSum { count, micros })
        ]
    }

    proptest! {
        #[test]
        fn logarithms_read_back(logs in [log(), log(), log()]) {
            prop_assert_eq!(decode_logs(&encode_logs(&logs)), Some(logs));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Some(logs) = decode_logs(&bytes) {
                prop_assert_eq!(decode_logs(&encode_logs(&logs)), Some(logs));
            }
        }
    }
}
