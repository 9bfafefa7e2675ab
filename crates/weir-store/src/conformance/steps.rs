//! Figures of steps against a recount of the spans.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::sketch::Sketch;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{Clock, DAY, HOUR, MINUTE, Micros};

use super::random::Seed;
use super::stats::{self, rounded};
use super::{Make, check};
use crate::telemetry::{StatsQuery, StepFigures, StepGroup, StepsQuery, TimeRange};

/// Everything of a kind.
pub(super) fn all(kind: SpanKind) -> StepsQuery {
    StepsQuery { range: TimeRange::default(), kind, project: None, workflow: None, bucket: None }
}

/// In the order of their names.
pub(super) fn sorted(mut groups: Vec<StepGroup>) -> Vec<StepGroup> {
    groups.sort_by_key(key);
    groups
}

/// What a group is of: project, workflow, step, target.
type Key = (Option<String>, Option<String>, String, Option<String>);

fn key(group: &StepGroup) -> Key {
    (group.project.clone(), group.workflow.clone(), group.step.clone(), group.target.clone())
}

#[derive(Default)]
struct Count {
    figures: StepFigures,
    sketch: Sketch,
}

impl Count {
    fn add(&mut self, span: &Span) {
        let latency = span.latency_us().unwrap_or_default();
        self.figures.count += 1;
        let failed = matches!(span.status, Some(Status::Error | Status::RateLimited | Status::Blocked));
        self.figures.errors += u64::from(failed);
        self.figures.latency_sum_us += latency as u64;
        self.sketch.add(latency as f64);
    }

    fn figures(self) -> StepFigures {
        let quantile = |q| self.sketch.quantile(q);
        StepFigures { p50_us: quantile(0.5), p95_us: quantile(0.95), p99_us: quantile(0.99), ..self.figures }
    }
}

/// What a span is a step of.
fn step(span: &Span) -> Option<Key> {
    let named = |name: &str| span.attributes.get(name).map(|json| serde_json::from_str::<String>(json).unwrap());
    let (step, target) = match span.kind? {
        SpanKind::Branch => (named("from_node")?, Some(named("to_node")?)),
        SpanKind::Tool => (named("tool_name").or(span.name.clone()).unwrap_or_default(), None),
        SpanKind::Retriever => (span.name.clone().unwrap_or_default(), None),
        _ => return None,
    };
    let kept = |text: String| text.chars().take(200).collect::<String>();
    Some((span.project.clone(), named("workflow").map(kept), kept(step), target.map(kept)))
}

/// The answer as it must be, in the order of the names.
pub(super) fn recount(spans: &[Span], query: &StepsQuery, now: Micros) -> Vec<StepGroup> {
    let TimeRange { from, to } = rounded(query.range, now);
    let mut groups: BTreeMap<Key, (Count, BTreeMap<Micros, Count>)> = BTreeMap::new();
    for span in spans.iter().filter(|s| s.kind == Some(query.kind)) {
        let (Some(start), Some(_), Some(key)) = (span.start_us, span.end_us, step(span)) else { continue };
        let asked = query.project.is_none() || query.project == key.0;
        let asked = asked && query.workflow.as_ref().is_none_or(|wanted| *wanted == key.1);
        if !asked || from.is_some_and(|from| start < from) || to.is_some_and(|to| start >= to) {
            continue;
        }
        let (count, series) = groups.entry(key).or_default();
        count.add(span);
        if let Some(bucket) = query.bucket {
            series.entry(start.div_euclid(bucket) * bucket).or_default().add(span);
        }
    }
    let group = |((project, workflow, step, target), (count, series)): (Key, (Count, BTreeMap<Micros, Count>))| {
        let series = series.into_iter().map(|(t, count)| (t, count.figures())).collect();
        StepGroup { project, workflow, step, target, total: count.figures(), series }
    };
    groups.into_iter().map(group).collect()
}

pub(super) fn every_path_agrees_with_a_recount(make: Make<'_>) {
    check(12, any::<u64>(), |seed| {
        let mut seed = Seed(seed);
        let now = 1_790_000_000_000_000 + seed.below(5_000) as i64 * 97 * MINUTE;
        let fixture = make(Clock::fixed(now));
        let mut spans: Vec<Span> = Vec::new();
        for _ in 0..4 {
            let minutes = seed.pick(&[90, 26 * 60, 100 * 60]);
            let batch: Vec<Span> = (0..seed.below(80)).map(|_| seed.span(now, minutes)).collect();
            (fixture.write)(batch.iter().map(|s| SpanWrite::create(s.clone(), now)).collect());
            spans.extend(batch);
        }
        (fixture.settle)();
        for _ in 0..60 {
            let mut query = all(seed.pick(SpanKind::ALL));
            let minutes = seed.pick(&[60, 24 * 60, 110 * 60]);
            query.range.from = seed.maybe(|s| now - s.below(minutes) as i64 * MINUTE - s.below(MINUTE as u64) as i64);
            let from = query.range.from.unwrap_or(now - 110 * HOUR);
            query.range.to = seed.maybe(|s| from + 1 + s.below((now - from) as u64 + 1) as i64);
            if seed.below(3) == 0 {
                query.project = Some(seed.pick(&["a", "ü", "nobody"]).to_owned());
            }
            if seed.below(3) == 0 {
                query.workflow = Some(seed.maybe(|s| s.pick(&["a", "b", "nothing"]).to_owned()));
            }
            query.bucket = seed.pick(&[None, None, Some(MINUTE), Some(10 * MINUTE), Some(HOUR), Some(DAY)]);
            let found = fixture.store.steps(&query).unwrap();
            prop_assert!(found.is_sorted_by(|a, b| a.total.count >= b.total.count));
            prop_assert_eq!(sorted(found), recount(&spans, &query, now), "{:?}", query);
        }
        for bucket in [0, -MINUTE, MINUTE + 1] {
            let query = StepsQuery { bucket: Some(bucket), ..all(SpanKind::Tool) };
            prop_assert!(fixture.store.steps(&query).is_err());
        }
        Ok(())
    });
}

/// Spans of months ago, in two writes: their hours and days have them, also when the rows are deleted.
pub(super) fn what_is_filled_in_later_is_counted_where_it_belongs(make: Make<'_>) {
    let now = 1_790_000_000_000_000;
    let fixture = make(Clock::fixed(now));
    let mut spans = Vec::new();
    for (n, days) in [30, 90, 399, 401, 500].into_iter().enumerate() {
        for (m, kind) in [SpanKind::Branch, SpanKind::Tool, SpanKind::Retriever, SpanKind::Llm].into_iter().enumerate()
        {
            let start = now - days * DAY - (n + m) as i64 * 40 * MINUTE;
            let mut span = Span {
                kind: Some(kind),
                name: Some("n".into()),
                project: Some("p".into()),
                start_us: Some(start),
                end_us: Some(start + 1_000),
                ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
            };
            for (name, value) in [("from_node", "\"a\""), ("to_node", "\"b\""), ("workflow", "\"w\"")] {
                span.attributes.insert(name.into(), value.into());
            }
            spans.push(span);
        }
    }
    let opened = |s: &Span| SpanWrite::create(Span { end_us: None, ..s.clone() }, now);
    (fixture.write)(spans.iter().map(opened).collect());
    assert_eq!(fixture.store.steps(&all(SpanKind::Tool)).unwrap(), []);
    let ended = |s: &Span| SpanWrite::update(Span { end_us: s.end_us, ..Span::new(s.span_key()) }, now);
    (fixture.write)(spans.iter().map(ended).collect());
    let check = || {
        for (range, bucket) in [((399, 20), HOUR), ((600, 1), DAY)] {
            let range = TimeRange { from: Some(now - range.0 * DAY - HOUR), to: Some(now - range.1 * DAY) };
            for kind in [SpanKind::Branch, SpanKind::Tool, SpanKind::Retriever] {
                let query = StepsQuery { range, bucket: Some(bucket), ..all(kind) };
                let found = fixture.store.steps(&query).unwrap();
                assert_eq!(sorted(found), recount(&spans, &query, now), "{query:?}");
            }
            let query = StatsQuery { range, bucket: Some(bucket), ..StatsQuery::default() };
            assert_eq!(fixture.store.stats(&query).unwrap(), stats::recount(&spans, &query, now), "{query:?}");
        }
    };
    check();
    assert_eq!(fixture.store.prune(now).unwrap(), spans.len() as u64);
    check();
}
