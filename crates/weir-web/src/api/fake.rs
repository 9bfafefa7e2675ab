//! A store in memory for the tests of this module.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use parking_lot::Mutex;
use weir_core::anomaly::Anomaly;
use weir_core::filter::Filter;
use weir_core::id::{ScoreId, SpanId, SpanKey, TraceId};
use weir_core::score::{Score, ScoreTarget};
use weir_core::sketch::Sketch;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::Micros;
use weir_store::catalog::AnomalyQuery;
use weir_store::events::{EvalQuery, EventQuery, Labelled, ScoreQuery};
use weir_store::scores::{ScoreName, Scores, Tally};
use weir_store::sums::{Detail, Largest, SumGroup};
use weir_store::telemetry::{
    SpanPage, SpanQuery, SpanRef, Stats, StatsQuery, StepFigures, StepGroup, StepsQuery, StoreError, TableSize,
    Telemetry, TimeRange,
};
use weir_watch::alerts::reads::Reads;

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

/// Nothing to alert of.
impl Reads for Fake {
    fn largest_groups(&self, _: &StatsQuery, _: usize) -> Result<Largest, StoreError> {
        Ok(Largest::default())
    }

    fn call_sums(
        &self,
        _: &StatsQuery,
        _: Detail,
        _: Option<&[Vec<Option<String>>]>,
    ) -> Result<Vec<SumGroup>, StoreError> {
        Ok(Vec::new())
    }

    fn score_values(&self, _: &ScoreQuery) -> Result<Vec<Labelled>, StoreError> {
        Ok(Vec::new())
    }

    fn eval_results(&self, _: &EvalQuery) -> Result<Vec<Labelled>, StoreError> {
        Ok(Vec::new())
    }

    fn events(&self, _: &EventQuery) -> Result<Vec<Labelled>, StoreError> {
        Ok(Vec::new())
    }

    fn anomalies(&self, _: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError> {
        Ok(Vec::new())
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

    fn score(&self, id: ScoreId) -> Result<Option<Score>, StoreError> {
        Ok(self.1.lock().iter().find(|s| s.id == id).cloned())
    }

    fn change(&self, id: ScoreId, change: &mut dyn FnMut(&mut Score)) -> Result<Option<Score>, StoreError> {
        Ok(self.1.lock().iter_mut().find(|s| s.id == id).map(|score| {
            change(score);
            score.clone()
        }))
    }

    fn delete(&self, id: ScoreId) -> Result<bool, StoreError> {
        let mut held = self.1.lock();
        let before = held.len();
        held.retain(|s| s.id != id);
        Ok(held.len() < before)
    }

    fn delete_of(&self, traces: &[TraceId]) -> Result<(), StoreError> {
        self.1.lock().retain(|s| s.target.trace().is_none_or(|trace| !traces.contains(&trace)));
        Ok(())
    }

    fn of(&self, targets: &[ScoreTarget], limit: usize) -> Result<Vec<Score>, StoreError> {
        Ok(self.1.lock().iter().filter(|s| targets.contains(&s.target)).take(limit).cloned().collect())
    }

    fn tallies(&self, targets: &[ScoreTarget]) -> Result<Vec<Tally>, StoreError> {
        let held = self.1.lock();
        let of = |(target, wanted): (usize, &ScoreTarget)| {
            let numbers = held.iter().filter(|s| s.target == *wanted).filter_map(|s| Some((s, s.counts()?)));
            numbers.map(|(s, sum)| Tally { target, name: s.name.clone(), sum, count: 1 }).collect::<Vec<_>>()
        };
        Ok(targets.iter().enumerate().flat_map(of).collect())
    }

    fn names(&self, newest: usize) -> Result<Vec<ScoreName>, StoreError> {
        let held = self.1.lock();
        let mut names: Vec<ScoreName> = Vec::new();
        for (name, number) in held.iter().rev().take(newest).filter_map(|s| Some((&s.name, s.counts()?))) {
            match names.iter_mut().find(|n| n.name == *name) {
                Some(n) => (n.count, n.least, n.most) = (n.count + 1, n.least.min(number), n.most.max(number)),
                None => names.push(ScoreName { name: name.clone(), count: 1, least: number, most: number }),
            }
        }
        Ok(names)
    }
}

impl Telemetry for Fake {
    fn spans(&self, query: &SpanQuery) -> Result<SpanPage, StoreError> {
        let wrong = |_| StoreError::Unsupported("the cursor does not belong to this query".into());
        let first: usize = query.cursor.as_deref().map_or(Ok(0), |text| text.parse().map_err(wrong))?;
        let mut spans: Vec<Span> = self.0.lock().iter().filter(|s| query.filter.matches(s)).cloned().collect();
        spans.sort_by_key(|s| if query.ascending { s.start_us } else { s.start_us.map(|start| -start) });
        let next = (spans.len() > first + query.limit).then(|| (first + query.limit).to_string());
        Ok(SpanPage { spans: spans.into_iter().skip(first).take(query.limit).collect(), next })
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

    fn steps(&self, query: &StepsQuery) -> Result<Vec<StepGroup>, StoreError> {
        let mut groups: BTreeMap<_, (StepGroup, Sketch, BTreeMap<Micros, StepFigures>)> = BTreeMap::new();
        for span in self.0.lock().iter() {
            let (Some(start), Some(latency)) = (span.start_us, span.latency_us()) else { continue };
            let inside =
                query.range.from.is_none_or(|from| start >= from) && query.range.to.is_none_or(|to| start < to);
            let project = query.project.is_none() || query.project == span.project;
            let workflow = query.workflow.as_ref().is_none_or(|workflow| *workflow == span.workflow());
            if !inside || !project || !workflow || span.kind != Some(query.kind) {
                continue;
            }
            let (step, target) = span.branch().map_or_else(
                || (span.attribute_text("tool_name").or_else(|| span.name.clone()).unwrap_or_default(), None),
                |(from, to)| (from, Some(to)),
            );
            let key = (span.project.clone(), span.workflow(), step.clone(), target.clone());
            let (group, sketch, series) = groups.entry(key).or_default();
            (group.project, group.workflow) = (span.project.clone(), span.workflow());
            (group.step, group.target) = (step, target);
            sketch.add(latency as f64);
            let bucket = query.bucket.map(|width| series.entry(start - start.rem_euclid(width)).or_default());
            for figures in bucket.into_iter().chain([&mut group.total]) {
                figures.count += 1;
                figures.errors += u64::from(span.status == Some(Status::Error));
                figures.latency_sum_us += latency as u64;
            }
        }
        let whole = |(mut group, sketch, series): (StepGroup, Sketch, BTreeMap<_, _>)| {
            let total = &mut group.total;
            (total.p50_us, total.p95_us, total.p99_us) =
                (sketch.quantile(0.5), sketch.quantile(0.95), sketch.quantile(0.99));
            group.series = series.into_iter().collect();
            group
        };
        let mut groups: Vec<StepGroup> = groups.into_values().map(whole).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.total.count));
        Ok(groups)
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
