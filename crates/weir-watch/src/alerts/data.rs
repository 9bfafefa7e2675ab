//! What a rule looks at, read once for an instant or for many.

use std::collections::BTreeMap;

use weir_core::anomaly::{Anomaly, Severity as Badness};
use weir_core::call_sums::CallSums;
use weir_core::span::Status;
use weir_core::time::{HOUR, Micros};
use weir_store::catalog::{AnomalyQuery, MAX_ANOMALIES};
use weir_store::events::{EvalQuery, EventQuery, Labelled, ScoreQuery};
use weir_store::sums::{Detail, Largest};
use weir_store::telemetry::{Dimension, StatsQuery, StoreError, TimeRange};

use super::cells::Track;
use super::document::Severity;
use super::reads::{Key, Reads};
use super::rule::{MAX_SERIES, Read, Rule, ValuesOf};
use super::stretch::Stretch;
use crate::slo::Indicator;

/// Most buckets of all series together.
const MAX_CELLS: usize = 400_000;
/// How much of fine buckets is read at once; less where that takes too many rows.
const AT_ONCE: Micros = 6 * HOUR;

/// What was read.
#[derive(Clone, Debug)]
pub enum Data {
    /// Calls by series.
    Calls(BTreeMap<Key, Track>),
    /// Single values by series, each with when it was given, in the order of time.
    Values(BTreeMap<Key, Vec<(Micros, f64)>>),
    /// Anomalies that went on at some time.
    Anomalies(Vec<Anomaly>),
}

/// What was read, and how many groups were left out of it because others have more calls.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What was read.
    pub data: Data,
    /// Groups beyond the 200 that a rule looks at.
    pub left_out: u64,
}

/// The calls that a rule looks at.
struct Calls<'a> {
    filters: &'a [(Dimension, Vec<String>)],
    group_by: &'a [Dimension],
    /// Whether those that met a rate limit are told apart.
    limited: bool,
    detail: Detail,
}

/// Reads what a rule needs for the instants from `first` to `last`. Stretches must not overlap.
///
/// # Errors
/// When the store fails, or it would be too much; the message says what to change.
pub fn load(
    rule: &Rule,
    reads: &dyn Reads,
    stretches: &[Stretch],
    (first, last): (Micros, Micros),
) -> Result<Loaded, StoreError> {
    let all = |data| Loaded { data, left_out: 0 };
    let calls = |filters, group_by, limited, detail| Calls { filters, group_by, limited, detail };
    match &rule.read {
        Read::Metric { measure, agg, filters, group_by } => {
            let which = calls(filters, group_by, measure.needs_limited(), measure.detail(*agg));
            tracks(reads, &which, stretches)
        }
        Read::Budget(budget) => tracks(reads, &calls(&budget.filters, &budget.per, false, Detail::NONE), stretches),
        Read::Slo(slo) => match &slo.indicator {
            Indicator::ScoreBelow { name, .. } => {
                let query = ScoreQuery { name: name.clone(), range: range(stretches), labels: Vec::new() };
                Ok(all(Data::Values(grouped(reads.score_values(&query)?, 0, &[]))))
            }
            indicator => {
                let latencies = matches!(indicator, Indicator::LatencyMs(_));
                let detail = Detail { latency: latencies, ..Detail::NONE };
                tracks(reads, &calls(&slo.filters, &[], false, detail), stretches)
            }
        },
        Read::Values(values) => {
            let range = range(stretches);
            let read = match &values.of {
                ValuesOf::Scores(name, labels) => {
                    reads.score_values(&ScoreQuery { name: name.clone(), range, labels: labels.clone() })
                }
                ValuesOf::Evals(name, labels) => {
                    reads.eval_results(&EvalQuery { name: name.clone(), range, labels: labels.clone() })
                }
                ValuesOf::Events(kinds, labels) => {
                    reads.events(&EventQuery { kinds: kinds.clone(), range, labels: labels.clone() })
                }
            };
            let mut found = grouped(read?, values.group_by.len(), &values.keep);
            let left_out = keep_largest(&mut found, |values| values.len() as u64);
            Ok(Loaded { data: Data::Values(found), left_out })
        }
        Read::Anomalies { project, metrics, min_severity } => {
            let query = AnomalyQuery {
                projects: project.iter().cloned().collect(),
                metrics: metrics.clone(),
                severity: Some(badness(*min_severity)),
                range: TimeRange { from: Some(first), to: Some(last.saturating_add(1)) },
                limit: MAX_ANOMALIES,
                ..AnomalyQuery::default()
            };
            reads.anomalies(&query).map(Data::Anomalies).map(all)
        }
    }
}

/// The severity of anomalies that a rule's word means.
#[must_use]
pub fn badness(severity: Severity) -> Badness {
    match severity {
        Severity::Info => Badness::Info,
        Severity::Warning => Badness::Warning,
        Severity::Critical => Badness::Critical,
    }
}

/// All of the time that stretches lie in.
fn range(stretches: &[Stretch]) -> TimeRange {
    TimeRange { from: stretches.iter().map(|s| s.from).min(), to: stretches.iter().map(|s| s.to).max() }
}

/// Values by their first labels, of those whose other labels are wanted.
fn grouped(values: Vec<Labelled>, by: usize, keep: &[(usize, Vec<String>)]) -> BTreeMap<Key, Vec<(Micros, f64)>> {
    let mut all: BTreeMap<Key, Vec<(Micros, f64)>> = BTreeMap::new();
    for mut value in values {
        let is = |(place, texts): &(usize, Vec<String>)| {
            let label = value.labels.get(*place).and_then(Option::as_ref);
            label.is_some_and(|label| texts.contains(label))
        };
        if keep.iter().all(is) {
            value.labels.truncate(by);
            all.entry(value.labels).or_default().push((value.at, value.value));
        }
    }
    all
}

/// Leaves the series that rest on most; how many go.
fn keep_largest<T>(all: &mut BTreeMap<Key, T>, size: impl Fn(&T) -> u64) -> u64 {
    let left_out = all.len().saturating_sub(MAX_SERIES);
    if left_out > 0 {
        let mut sizes: Vec<(u64, Key)> = all.iter().map(|(key, of)| (size(of), key.clone())).collect();
        sizes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        sizes.split_off(MAX_SERIES).iter().for_each(|(_, key)| drop(all.remove(key)));
    }
    left_out as u64
}

/// The series with most calls in all of the time that is read, and how many others there are: so that no store has to hold
/// thousands of groups in many buckets.
fn largest(reads: &dyn Reads, which: &Calls<'_>, stretches: &[Stretch]) -> Result<Option<Largest>, StoreError> {
    let query = StatsQuery {
        range: range(stretches),
        filters: which.filters.to_vec(),
        group_by: which.group_by.to_vec(),
        bucket: None,
    };
    match reads.largest_groups(&query, MAX_SERIES) {
        Ok(largest) => Ok(Some(largest)),
        // Too many single calls at its edges; in pieces it may do.
        Err(StoreError::Unsupported(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn tracks(reads: &dyn Reads, which: &Calls<'_>, stretches: &[Stretch]) -> Result<Loaded, StoreError> {
    let in_buckets = !which.group_by.is_empty() && stretches.iter().any(|stretch| stretch.bucket.is_some());
    let known = if in_buckets { largest(reads, which, stretches)? } else { None };
    let only = known.as_ref().map(|largest| largest.values.as_slice());
    let mut all: BTreeMap<Key, Track> = BTreeMap::new();
    let mut count = 0;
    for stretch in stretches {
        let mut pieces = pieces(*stretch);
        while let Some(piece) = pieces.pop() {
            match read(reads, which, only, piece) {
                Ok(groups) => {
                    for (key, cells) in groups {
                        count += cells.len();
                        all.entry(key).or_default().put(cells);
                    }
                }
                // Too many rows at once.
                Err(StoreError::Unsupported(_)) if piece.bucket.is_some_and(|b| piece.to - piece.from > b) => {
                    let bucket = piece.bucket.unwrap_or(HOUR);
                    let half = (piece.to - piece.from) / 2;
                    let middle = piece.from + (half - half % bucket).max(bucket);
                    pieces.extend([Stretch { to: middle, ..piece }, Stretch { from: middle, ..piece }]);
                }
                Err(error) => return Err(error),
            }
            if count > MAX_CELLS {
                return Err(StoreError::Unsupported(format!(
                    "more than {MAX_CELLS} values would be read: ask for less time, tell fewer series apart, or evaluate less often"
                )));
            }
        }
    }
    let gone = keep_largest(&mut all, Track::calls);
    let known = if known.is_none() && gone > 0 { largest(reads, which, stretches)? } else { known };
    Ok(Loaded { data: Data::Calls(all), left_out: known.map_or(gone, |largest| largest.others) })
}

/// A stretch in pieces of which each is read at once, the oldest last.
fn pieces(stretch: Stretch) -> Vec<Stretch> {
    let Some(bucket) = stretch.bucket.filter(|bucket| *bucket < HOUR) else { return vec![stretch] };
    let step = AT_ONCE - AT_ONCE % bucket;
    let mut pieces = Vec::new();
    let mut from = stretch.from;
    while from < stretch.to {
        let to = (from + step).min(stretch.to);
        pieces.push(Stretch { from, to, ..stretch });
        from = to;
    }
    pieces.reverse();
    pieces
}

type Cells = Vec<(Micros, CallSums)>;

fn read(
    reads: &dyn Reads,
    which: &Calls<'_>,
    only: Option<&[Key]>,
    of: Stretch,
) -> Result<Vec<(Key, Cells)>, StoreError> {
    let query = StatsQuery {
        range: TimeRange { from: Some(of.from), to: Some(of.to) },
        filters: which.filters.to_vec(),
        group_by: which.group_by.to_vec(),
        bucket: of.bucket,
    };
    let inside = |at: &Micros| (of.from..of.to).contains(at);
    let mut all: Vec<(Key, Track)> = Vec::new();
    for group in reads.call_sums(&query, which.detail, only)? {
        let cells = group.cells.into_iter().filter(|(at, _)| inside(at));
        let mut track = Track::default();
        track.put(cells);
        all.push((group.values, track));
    }
    if which.limited {
        let mut filters = query.filters.clone();
        filters.push((Dimension::Status, vec![Status::RateLimited.as_str().to_owned()]));
        for group in reads.call_sums(&StatsQuery { filters, ..query }, Detail::NONE, only)? {
            if let Some((_, track)) = all.iter_mut().find(|(key, _)| *key == group.values) {
                group.cells.iter().for_each(|(at, sums)| track.limited(*at, sums.calls));
            }
        }
    }
    Ok(all.into_iter().map(|(key, track)| (key, track.within(Micros::MIN, Micros::MAX).to_vec())).collect())
}
