//! What one span adds to a cell, the same from a span and from its row.

use rusqlite::{Connection, Row};
use weir_core::call_sums::{CallSums, LogSum, output_rate};
use weir_core::span::Status;

use super::super::names::NameTexts;
use super::cell::{Numbers, completion_tokens, prompt_tokens, sums_of};
use super::spread::Logs;
use crate::telemetry::StoreError;

/// The columns of a row that say what its call adds; see [`Measures::of_row`].
pub(super) const MEASURED: &str = "duration_us, status, cache, cost_nano, prompt_tokens, cached_tokens, cache_write_tokens, \
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, audio_in_tokens, audio_out_tokens, ttft_us";

/// What one span adds.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sqlite) struct Measures {
    pub(in crate::sqlite) numbers: Numbers,
    pub(super) latency_us: i64,
    pub(super) ttft_us: Option<i64>,
    pub(super) output_rate: Option<f64>,
    pub(super) logs: Logs,
}

impl Measures {
    /// Those of a call.
    pub(super) fn of_call(numbers: Numbers, latency_us: i64, ttft_us: Option<i64>, status: Option<Status>) -> Self {
        let [_, _, cached, .., cost, _, _] = numbers;
        let completion = completion_tokens(&numbers);
        let answered = cached == 0 && matches!(status, None | Some(Status::Success));
        Self {
            numbers,
            latency_us,
            ttft_us,
            output_rate: if answered { output_rate(completion, latency_us) } else { None },
            logs: [prompt_tokens(&numbers) as f64, completion as f64, cost as f64].map(LogSum::of),
        }
    }

    /// Those of a step of a workflow.
    pub(super) fn of_step(numbers: Numbers, latency_us: i64) -> Self {
        Self { numbers, latency_us, ttft_us: None, output_rate: None, logs: Logs::default() }
    }

    /// Those of the call of a row, whose columns [`MEASURED`] begin at `at`, and how it ended; `None` while it is open.
    pub(super) fn of_row(
        db: &Connection,
        texts: &NameTexts,
        row: &Row<'_>,
        at: usize,
    ) -> Result<Option<(Self, Option<Status>)>, StoreError> {
        let int = |n: usize| row.get::<_, Option<i64>>(at + n);
        let Some(latency_us) = int(0)?.map(|us| us.max(0)) else { return Ok(None) };
        let status = int(1)?.and_then(Status::from_number);
        let cached = match int(2)? {
            Some(id) => matches!(texts.text(db, id)?.as_ref(), "hit" | "semantic"),
            None => false,
        };
        let cost = int(3)?;
        let tokens = |n: usize| int(n).map(Option::unwrap_or_default);
        let numbers = [
            1,
            i64::from(matches!(status, Some(Status::Error | Status::RateLimited | Status::Blocked))),
            i64::from(cached || status == Some(Status::Cached)),
            tokens(4)?,
            tokens(5)?,
            tokens(6)?,
            tokens(7)?,
            tokens(8)?,
            tokens(9)?,
            tokens(10)?,
            tokens(11)?,
            cost.unwrap_or_default(),
            i64::from(cost.is_none()),
            latency_us,
        ];
        Ok(Some((Self::of_call(numbers, latency_us, int(12)?, status), status)))
    }

    /// As the sums of one call. Whether it met a rate limit is not among them.
    pub(super) fn sums(&self) -> CallSums {
        let [prompt_logs, completion_logs, cost_logs] = self.logs;
        CallSums {
            latency: std::iter::once(self.latency_us as f64).collect(),
            ttft: self.ttft_us.iter().map(|us| *us as f64).collect(),
            output_rate: self.output_rate.into_iter().collect(),
            prompt_logs,
            completion_logs,
            cost_logs,
            ..sums_of(&self.numbers)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_provider_answered_has_a_rate() {
        let numbers = |cached, completion| [1, 0, cached, 10, 0, 0, 0, completion, 0, 0, 0, 5, 0, 2_000_000];
        let rate = |numbers, status| Measures::of_call(numbers, 2_000_000, None, status).output_rate;
        assert_eq!(rate(numbers(0, 30), Some(Status::Success)), Some(15.0));
        assert_eq!(rate(numbers(0, 30), None), Some(15.0), "nobody said how it ended");
        assert_eq!(rate(numbers(1, 30), Some(Status::Success)), None);
        assert_eq!(rate(numbers(0, 0), Some(Status::Success)), None);
        for status in [Status::Error, Status::Cancelled, Status::Blocked] {
            assert_eq!(rate(numbers(0, 30), Some(status)), None);
        }
    }
}
