//! [`Evidence`] over the rows.

use weir_core::span::SpanKind;
use weir_core::time::Micros;

use super::scores::Form;
use super::{SqliteStore, seq};
use crate::evidence::{Evidence, ScoreMean, Traced};
use crate::telemetry::{StoreError, TimeRange};

impl Evidence for SqliteStore {
    fn traced(&self, range: TimeRange, limit: u64) -> Result<Traced, StoreError> {
        let (from, to) = ends(range);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.inner.readers.get()?.snapshot(|db| {
            let mut statement = db.prepare_cached(
                "SELECT count(*), \
                 count(*) FILTER (WHERE trace_id != zeroblob(16) AND request_id IS NOT NULL AND request_id != ''), \
                 min(seq) FROM (SELECT trace_id, request_id, seq FROM spans \
                   WHERE seq >= ?1 AND seq < ?2 AND start_us >= ?3 AND start_us < ?4 AND kind IN (?5, ?6) \
                   ORDER BY seq DESC LIMIT ?7)",
            )?;
            let kinds = (SpanKind::Llm.number(), SpanKind::Embedding.number());
            let (calls, traced, oldest): (i64, i64, Option<i64>) = statement.query_row(
                (seq::floor(from), seq::floor(to.saturating_add(1_000)), from, to, kinds.0, kinds.1, limit),
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            let cut_at = oldest.filter(|_| calls >= limit).map(seq::millisecond_us);
            Ok(Traced { calls: calls as u64, traced: traced as u64, cut_at })
        })
    }

    fn score_means(&self, range: TimeRange, limit: usize) -> Result<Vec<ScoreMean>, StoreError> {
        let (from, to) = ends(range);
        self.inner.readers.get()?.snapshot(|db| {
            let form = Form::of(db)?;
            if form == Form::Empty {
                return Ok(Vec::new());
            }
            let counts = form.counts();
            let mut statement = db.prepare(&format!(
                "SELECT name, count(number), avg(number) FROM scores \
                 WHERE created_us >= ?1 AND created_us < ?2 AND {counts} GROUP BY name ORDER BY name LIMIT ?3"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map((from, to, limit), |row| {
                Ok(ScoreMean { name: row.get(0)?, count: row.get::<_, i64>(1)? as u64, mean: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn ends(range: TimeRange) -> (Micros, Micros) {
    (range.from.unwrap_or(Micros::MIN), range.to.unwrap_or(Micros::MAX))
}

#[cfg(test)]
mod tests {
    use weir_core::id::{SpanId, SpanKey, TraceId};
    use weir_core::merge::SpanWrite;
    use weir_core::span::Span;

    use super::*;
    use crate::ingest::WriteEngine;

    fn call(kind: SpanKind, start: Micros, request: Option<&str>) -> SpanWrite {
        let mut span = Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() });
        span.kind = Some(kind);
        span.start_us = Some(start);
        span.end_us = Some(start + 5);
        span.request_id = request.map(str::to_owned);
        SpanWrite::create(span, start)
    }

    #[test]
    fn calls_with_both_ids_are_counted_exactly_within_range_and_bound() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        let at = 1_763_683_200_000_000;
        let writes = vec![
            call(SpanKind::Llm, at, Some("a")),
            call(SpanKind::Embedding, at + 1_000_000, None),
            call(SpanKind::Llm, at + 2_000_000, Some("b")),
            call(SpanKind::Tool, at + 2_500_000, None),
            call(SpanKind::Llm, at + 3_000_000, None),
        ];
        store.commit(&store.prepare(writes).unwrap(), None).unwrap();
        let count = |from: Micros, to: Micros, limit| {
            let range = TimeRange { from: Some(at + from), to: Some(at + to) };
            let traced = store.traced(range, limit).unwrap();
            (traced.calls, traced.traced, traced.cut_at.map(|cut| cut - at))
        };
        assert_eq!(count(0, 10_000_000, 100), (4, 2, None));
        assert_eq!(count(1, 3_000_000, 100), (2, 1, None), "half-open");
        assert_eq!(count(0, 10_000_000, 2), (2, 1, Some(2_000_000)), "the newest ones");
        assert_eq!(count(20_000_000, 30_000_000, 2), (0, 0, None));
    }
}
