//! [`Measured`] over rollups and the rows of scores.

use weir_core::time::Micros;

use super::SqliteStore;
use super::rollup::{self, floors::Floors};
use super::scores::Form;
use crate::sums::{MAX_SCORES, Measured, SumGroup};
use crate::telemetry::{StatsQuery, StoreError, TimeRange};

impl Measured for SqliteStore {
    fn call_sums(&self, query: &StatsQuery) -> Result<Vec<SumGroup>, StoreError> {
        let inner = &self.inner;
        let now = inner.options.clock.now();
        inner.readers.get()?.snapshot(|db| rollup::stats::sums(db, &inner.texts, Floors::read(db, now)?, query))
    }

    fn score_values(&self, name: &str, range: TimeRange) -> Result<Vec<(Micros, f64)>, StoreError> {
        let (from, to) = (range.from.unwrap_or(Micros::MIN), range.to.unwrap_or(Micros::MAX));
        self.inner.readers.get()?.snapshot(|db| {
            let form = Form::of(db)?;
            if form == Form::Empty {
                return Ok(Vec::new());
            }
            let counts = form.counts();
            let mut statement = db.prepare_cached(&format!(
                "SELECT created_us, number FROM scores WHERE created_us >= ?1 AND created_us < ?2 AND name = ?3 \
                 AND number IS NOT NULL AND {counts} ORDER BY created_us, id LIMIT {}",
                MAX_SCORES + 1
            ))?;
            let rows = statement.query_map((from, to, name), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let values: Vec<(Micros, f64)> = rows.collect::<Result<_, _>>()?;
            if values.len() > MAX_SCORES {
                return Err(StoreError::Unsupported(format!(
                    "more than {MAX_SCORES} scores \"{name}\" were given in that time: ask for a shorter one"
                )));
            }
            Ok(values)
        })
    }
}

#[cfg(test)]
mod tests {
    use weir_core::id::{SpanId, SpanKey, TraceId};
    use weir_core::merge::SpanWrite;
    use weir_core::span::{Span, SpanKind, Status};
    use weir_core::time::{DAY, HOUR, MINUTE};

    use super::*;
    use crate::ingest::WriteEngine;
    use crate::telemetry::{Dimension, Telemetry};

    fn call(n: i64, start: Micros) -> SpanWrite {
        let span = Span {
            kind: Some(SpanKind::Llm),
            status: Some(if n % 5 == 0 { Status::RateLimited } else { Status::Success }),
            model: Some(if n % 2 == 0 { "a" } else { "b" }.into()),
            start_us: Some(start),
            end_us: Some(start + 1_000 * (1 + n % 97)),
            ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
        };
        SpanWrite::create(span, start)
    }

    #[test]
    fn the_sums_of_buckets_come_to_the_figures_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1_763_683_200_000_000;
        let options = super::super::SqliteOptions {
            clock: weir_core::time::Clock::fixed(now),
            ..super::super::SqliteOptions::default()
        };
        let store = SqliteStore::open_with(folder.path(), options).unwrap();
        // Five days, of which only two have minutes.
        let from = now - 5 * DAY;
        let writes: Vec<_> = (0..2_000).map(|n| call(n, from + n * 5 * DAY / 2_000)).collect();
        store.commit(&store.prepare(writes).unwrap(), None).unwrap();
        for bucket in [None, Some(MINUTE), Some(15 * MINUTE), Some(HOUR)] {
            let query = StatsQuery {
                range: TimeRange { from: Some(from), to: Some(now) },
                group_by: vec![Dimension::Model],
                bucket,
                ..StatsQuery::default()
            };
            let stats = store.stats(&query).unwrap();
            let groups = store.call_sums(&query).unwrap();
            assert_eq!(groups.len(), 2);
            for (group, figures) in groups.iter().zip(&stats.groups) {
                assert_eq!(group.values, figures.values);
                let mut all = weir_core::call_sums::CallSums::default();
                group.cells.iter().for_each(|(_, cell)| all.add(cell));
                assert_eq!((all.calls, all.errors), (figures.total.count, figures.total.errors));
                assert_eq!(all.latency.quantile(0.95), figures.total.p95_us);
                assert_eq!(bucket.is_none(), group.cells.len() == 1);
                // What was added can be taken away again.
                let whole = all.clone();
                let (_, first) = &group.cells[0];
                all.add(first);
                all.take_away(first);
                assert_eq!(all, whole);
            }
        }
    }
}
