//! A store in memory for the tests of this module.

use std::ops::ControlFlow;

use parking_lot::Mutex;
use weir_core::filter::Filter;
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::score::{Score, ScoreTarget};
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::Micros;
use weir_store::scores::{Scores, Tally};
use weir_store::telemetry::{
    SpanPage, SpanQuery, SpanRef, Stats, StatsQuery, StepGroup, StepsQuery, StoreError, TableSize, Telemetry, TimeRange,
};

#[derive(Default)]
pub(super) struct Fake(Mutex<Vec<Span>>, Mutex<Vec<Score>>);

impl Fake {
    pub(super) fn add(&self, model: &str, request_id: &str) -> Span {
        let span = Span {
            kind: Some(SpanKind::Llm),
            status: Some(Status::Success),
            model: Some(model.into()),
            request_id: Some(request_id.into()),
            input: Some("hello".into()),
            ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
        };
        self.push(span.clone());
        span
    }

    pub(super) fn push(&self, span: Span) {
        self.0.lock().push(span);
    }
}

impl Scores for Fake {
    fn put(&self, scores: &[Score]) -> Result<(), StoreError> {
        let mut held = self.1.lock();
        for score in scores {
            held.retain(|old| old.id != score.id);
            held.push(score.clone());
        }
        Ok(())
    }

    fn of(&self, targets: &[ScoreTarget], limit: usize) -> Result<Vec<Score>, StoreError> {
        Ok(self.1.lock().iter().filter(|s| targets.contains(&s.target)).take(limit).cloned().collect())
    }

    fn tallies(&self, targets: &[ScoreTarget]) -> Result<Vec<Tally>, StoreError> {
        let held = self.1.lock();
        let of = |(target, wanted): (usize, &ScoreTarget)| {
            let numbers = held.iter().filter(|s| s.target == *wanted).filter_map(|s| Some((s, s.value.number()?)));
            numbers.map(|(s, sum)| Tally { target, name: s.name.clone(), sum, count: 1 }).collect::<Vec<_>>()
        };
        Ok(targets.iter().enumerate().flat_map(of).collect())
    }
}

impl Telemetry for Fake {
    fn spans(&self, query: &SpanQuery) -> Result<SpanPage, StoreError> {
        if query.cursor.is_some() {
            return Err(StoreError::Unsupported("the cursor does not belong to this query".into()));
        }
        let spans = self.0.lock().iter().filter(|s| query.filter.matches(s)).take(query.limit).cloned().collect();
        Ok(SpanPage { spans, next: None })
    }

    fn scan(
        &self,
        _: TimeRange,
        filter: &Filter,
        _: bool,
        each: &mut dyn FnMut(Span) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let _ = self.0.lock().iter().filter(|s| filter.matches(s)).cloned().try_for_each(each);
        Ok(())
    }

    fn span(&self, which: &SpanRef) -> Result<Option<Span>, StoreError> {
        let spans = self.0.lock();
        let found = spans.iter().find(|s| match which {
            SpanRef::Key(trace, span) => s.trace_id == *trace && s.span_id == *span,
            SpanRef::Span(span) => s.span_id == *span,
            SpanRef::Request(id) => s.request_id.as_ref() == Some(id),
        });
        Ok(found.cloned())
    }

    fn stats(&self, _: &StatsQuery) -> Result<Stats, StoreError> {
        Ok(Stats::default())
    }

    fn steps(&self, _: &StepsQuery) -> Result<Vec<StepGroup>, StoreError> {
        Ok(Vec::new())
    }

    fn prune(&self, _: Micros) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn sizes(&self) -> Result<Vec<TableSize>, StoreError> {
        Ok(Vec::new())
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
