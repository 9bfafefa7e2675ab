//! Figures against a recount of the spans.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_core::call_sums::{CallSums, LogSum};
use weir_core::merge::SpanWrite;
use weir_core::sketch::Sketch;
use weir_core::span::{Span, Status};
use weir_core::time::{Clock, DAY, HOUR, MINUTE, Micros};

use super::random::Seed;
use super::{Fixture, Make, check};
use crate::sums::{Detail, SumGroup};
use crate::telemetry::{Dimension, Figures, Stats, StatsGroup, StatsQuery, TimeRange};

/// How long figures must be exact to the minute, and to the hour.
const MINUTES_KEPT: Micros = 2 * DAY;
const HOURS_KEPT: Micros = 400 * DAY;

#[derive(Default)]
struct Count {
    figures: Figures,
    sketch: Sketch,
    sums: CallSums,
}

impl Count {
    fn add(&mut self, span: &Span) {
        let latency = span.latency_us().unwrap_or_default();
        let f = &mut self.figures;
        f.count += 1;
        f.errors += u64::from(matches!(span.status, Some(Status::Error | Status::RateLimited | Status::Blocked)));
        let cached = span.status == Some(Status::Cached) || matches!(span.cache.as_deref(), Some("hit" | "semantic"));
        f.cache_hits += u64::from(cached);
        f.tokens = f.tokens.saturating_add(span.tokens.unwrap_or_default());
        f.cost = f.cost.saturating_add(span.cost.unwrap_or_default());
        f.unpriced += u64::from(span.cost.is_none());
        f.latency_sum_us += latency as u64;
        self.sketch.add(latency as f64);
        self.add_to_sums(span, cached, latency as f64);
    }

    fn add_to_sums(&mut self, span: &Span, cached: bool, latency: f64) {
        let t = span.tokens.unwrap_or_default();
        let prompt = t.prompt + t.cached + t.cache_write + t.cache_write_1h + t.audio_in;
        let completion = t.completion + t.reasoning + t.audio_out;
        let cost = span.cost.unwrap_or_default().0;
        let f = &self.figures;
        let sums = &mut self.sums;
        (sums.calls, sums.errors, sums.cache_hits, sums.unpriced) = (f.count, f.errors, f.cache_hits, f.unpriced);
        sums.prompt_tokens += prompt;
        sums.completion_tokens += completion;
        sums.cost += cost;
        sums.latency_sum_us = f.latency_sum_us;
        sums.latency.add(latency);
        sums.ttft.extend(span.ttft_us.map(|us| us as f64));
        let answered = !cached && matches!(span.status, None | Some(Status::Success));
        if answered && completion > 0 && latency > 0.0 {
            sums.output_rate.add(completion as f64 * 1e6 / latency);
        }
        sums.prompt_logs.add(LogSum::of(prompt as f64));
        sums.completion_logs.add(LogSum::of(completion as f64));
        sums.cost_logs.add(LogSum::of(cost as f64));
    }

    fn figures(self) -> Figures {
        let quantile = |q| self.sketch.quantile(q);
        Figures { p50_us: quantile(0.5), p95_us: quantile(0.95), p99_us: quantile(0.99), ..self.figures }
    }
}

fn value(dimension: Dimension, span: &Span) -> Option<String> {
    match dimension {
        Dimension::Project => span.project.clone(),
        Dimension::Model => span.model.clone(),
        Dimension::Provider => span.provider.clone(),
        Dimension::Department => span.department.clone(),
        Dimension::PromptVersion => match (&span.prompt_name, &span.prompt_version) {
            (Some(name), Some(version)) => Some(format!("{name}@{version}")),
            (Some(name), None) => Some(name.clone()),
            (None, Some(version)) => Some(format!("@{version}")),
            (None, None) => None,
        },
        Dimension::Status => span.status.map(|s| s.as_str().to_owned()),
        Dimension::Key => span.key.clone(),
    }
}

/// A range as it is rounded outwards.
pub(super) fn rounded(range: TimeRange, now: Micros) -> TimeRange {
    let minutes = (now - MINUTES_KEPT).div_euclid(HOUR) * HOUR;
    let hours = (now - HOURS_KEPT).div_euclid(DAY) * DAY;
    let grain = |at: Micros| match at {
        at if at >= minutes => MINUTE,
        at if at >= hours => HOUR,
        _ => DAY,
    };
    TimeRange {
        from: range.from.map(|t| t.div_euclid(grain(t)) * grain(t)),
        to: range.to.map(|t| {
            let width = grain(t - 1);
            (t + width - 1).div_euclid(width) * width
        }),
    }
}

/// A group and its buckets.
type Counted = (Count, BTreeMap<Micros, Count>);

/// The answer as it must be, groups by value.
pub(super) fn recount(spans: &[Span], query: &StatsQuery, now: Micros) -> Stats {
    let (groups, total) = counted(spans, query, now);
    let groups = groups.into_iter().map(|(values, (count, series))| StatsGroup {
        values,
        total: count.figures(),
        series: series.into_iter().map(|(t, count)| (t, count.figures())).collect(),
    });
    Stats { groups: groups.collect(), total: total.figures() }
}

/// The sums as they must be, groups by value.
pub(super) fn recount_sums(spans: &[Span], query: &StatsQuery, now: Micros) -> Vec<SumGroup> {
    let whole = query.range.from.unwrap_or_default();
    let cells = |(count, series): Counted| match query.bucket {
        None => vec![(whole, count.sums)],
        Some(_) => series.into_iter().map(|(t, count)| (t, count.sums)).collect(),
    };
    let groups = counted(spans, query, now).0.into_iter();
    groups.map(|(values, of)| SumGroup { values, cells: cells(of) }).collect()
}

/// Sums as they are read, groups by value.
pub(super) fn sums(fixture: &Fixture, query: &StatsQuery) -> Vec<SumGroup> {
    let mut groups = fixture.sums.call_sums(query, Detail::ALL, None).unwrap();
    groups.sort_by(|a, b| a.values.cmp(&b.values));
    groups
}

fn counted(spans: &[Span], query: &StatsQuery, now: Micros) -> (BTreeMap<Vec<Option<String>>, Counted>, Count) {
    let TimeRange { from, to } = rounded(query.range, now);
    let mut groups: BTreeMap<Vec<Option<String>>, Counted> = BTreeMap::new();
    let mut total = Count::default();
    for span in spans {
        let (Some(start), Some(_)) = (span.start_us, span.end_us) else { continue };
        let asked = query
            .filters
            .iter()
            .all(|(dimension, allowed)| value(*dimension, span).is_some_and(|held| allowed.contains(&held)));
        let inside = from.is_none_or(|from| start >= from) && to.is_none_or(|to| start < to);
        if !span.is_call() || !asked || !inside {
            continue;
        }
        let key = query.group_by.iter().map(|d| value(*d, span)).collect();
        let (count, series) = groups.entry(key).or_default();
        count.add(span);
        total.add(span);
        if let Some(bucket) = query.bucket {
            series.entry(start.div_euclid(bucket) * bucket).or_default().add(span);
        }
    }
    (groups, total)
}

pub(super) fn every_path_agrees_with_a_recount(make: Make<'_>) {
    check(12, any::<u64>(), |seed| {
        let mut seed = Seed(seed);
        // Any time of the day and the hour.
        let now = 1_790_000_000_000_000 + seed.below(5_000) as i64 * 97 * MINUTE;
        let clock = Clock::fixed(now);
        let fixture = make(clock);
        let mut spans: Vec<Span> = Vec::new();
        for _ in 0..4 {
            let minutes = seed.pick(&[90, 26 * 60, 100 * 60]);
            let batch: Vec<Span> = (0..seed.below(80)).map(|_| seed.span(now, minutes)).collect();
            (fixture.write)(batch.iter().map(|s| SpanWrite::create(s.clone(), now)).collect());
            spans.extend(batch);
        }
        (fixture.settle)();
        for _ in 0..60 {
            let mut query = StatsQuery::default();
            let minutes = seed.pick(&[60, 24 * 60, 110 * 60]);
            query.range.from = seed.maybe(|s| now - s.below(minutes) as i64 * MINUTE - s.below(MINUTE as u64) as i64);
            let from = query.range.from.unwrap_or(now - 110 * HOUR);
            query.range.to = seed.maybe(|s| from + 1 + s.below((now - from) as u64 + 1) as i64);
            for _ in 0..seed.below(3) {
                query.group_by.push(seed.pick(Dimension::ALL));
            }
            query.group_by.dedup();
            for _ in 0..seed.below(3) {
                let dimension = seed.pick(Dimension::ALL);
                let values = (0..1 + seed.below(2))
                    .map(|_| seed.pick(&spans_or_one(&spans)).map(|s| value(dimension, &s)))
                    .map(|v| v.flatten().unwrap_or_else(|| "nobody".into()));
                query.filters.push((dimension, values.collect()));
            }
            query.bucket =
                seed.pick(&[None, None, Some(MINUTE), Some(10 * MINUTE), Some(HOUR), Some(6 * HOUR), Some(DAY)]);
            let mut found = fixture.store.stats(&query).unwrap();
            prop_assert!(found.groups.is_sorted_by(|a, b| a.total.count >= b.total.count));
            found.groups.sort_by(|a, b| a.values.cmp(&b.values));
            prop_assert_eq!(found, recount(&spans, &query, now), "{:?}", query);
            prop_assert_eq!(sums(&fixture, &query), recount_sums(&spans, &query, now), "{:?}", query);
        }
        Ok(())
    });
}

fn spans_or_one(spans: &[Span]) -> Vec<Option<Span>> {
    if spans.is_empty() { vec![None] } else { spans.iter().take(20).cloned().map(Some).collect() }
}
