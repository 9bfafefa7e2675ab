//! What is known of each version of a prompt, folded over its calls.
//!
//! Which calls say something about a version: latency, time to first token, tokens and cost are taken from calls that a
//! model answered whole (`success`). The error rate is taken over `success` and `error`. Hits of the cache say how fast
//! the cache is, refusals of Weir's own (`rate_limited`, `blocked`) what was left of a limit, and a `cancelled` call how
//! patient the client was: they are counted and left out.
//!
//! Invariants: above the bound on versions those with the most calls are kept: callers name versions, and a hundred
//! invented ones would push the real ones out. The order of the calls only decides which scores are left out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use weir_core::experiment::Moments;
use weir_core::id::TraceId;
use weir_core::money::NanoUsd;
use weir_core::score::ScoreTarget;
use weir_core::sketch::Sketch;
use weir_core::span::{Span, Status};
use weir_core::time::Micros;
use weir_store::scores::Tally;

use super::number::millis;

/// Most versions, those with the most calls; calls of further ones are only counted.
const MAX_VERSIONS: usize = 100;
/// Most names of scores per version; scores of further ones are left out.
const MAX_SCORES: usize = 100;

/// Everything folded.
#[derive(Debug, Default)]
pub(super) struct Fold {
    pub(super) versions: BTreeMap<String, Version>,
    /// Calls that were looked at.
    pub(super) calls: u64,
    /// Calls of the prompt that say no version.
    pub(super) without_version: u64,
    /// Calls of versions beyond the bound.
    pub(super) left_out: u64,
    /// These versions.
    pub(super) left_out_versions: u64,
    /// Calls of every version met, by the version's hash: names may be many and long.
    met: HashMap<u64, u64>,
    /// The versions to keep, where it is known already; else those that are met first.
    kept: Option<HashSet<u64>>,
    /// Traces with scores of their own: whose calls they hold, and what they got.
    traces: HashMap<TraceId, ScoredTrace>,
}

/// What is known of one version.
#[derive(Debug, Default)]
pub(super) struct Version {
    pub(super) calls: u64,
    pub(super) cache_hits: u64,
    pub(super) errors: u64,
    pub(super) refused: u64,
    pub(super) cancelled: u64,
    pub(super) first: Option<Micros>,
    pub(super) last: Option<Micros>,
    /// 1 for a failed call, 0 for a whole one.
    pub(super) failed: Moments,
    /// Milliseconds.
    pub(super) latency: Moments,
    pub(super) latencies: Sketch,
    /// Milliseconds.
    pub(super) ttft: Moments,
    pub(super) prompt_tokens: Moments,
    pub(super) completion_tokens: Moments,
    /// Dollars.
    pub(super) cost: Moments,
    /// Of every call whose cost is known, failed ones too.
    pub(super) cost_sum: Option<NanoUsd>,
    /// Whole calls whose cost is not known.
    pub(super) unpriced: u64,
    /// Per name, the mean that each scored call or trace got.
    pub(super) scores: BTreeMap<String, Moments>,
}

#[derive(Debug)]
struct ScoredTrace {
    /// `None` where the trace holds calls of several versions, so that its scores belong to none.
    version: Option<String>,
    means: Vec<(String, f64)>,
}

impl Fold {
    /// Takes in calls and what their [`targets`] got.
    pub(super) fn add(&mut self, spans: &[Span], tallies: &[Tally]) {
        let mut tallies = tallies.iter().peekable();
        let mut first = 0;
        for span in spans {
            let targets = targets_of(span);
            let end = first + targets.len();
            let mut of_call = BTreeMap::<&str, (f64, u64)>::new();
            let mut of_trace = Vec::new();
            while let Some(tally) = tallies.next_if(|t| t.target < end) {
                if tally.target == first {
                    of_trace.push((tally.name.clone(), tally.sum / tally.count.max(1) as f64));
                } else {
                    let (sum, count) = of_call.entry(&tally.name).or_default();
                    *sum += tally.sum;
                    *count += tally.count;
                }
            }
            first = end;
            self.add_call(span, of_call.into_iter().map(|(name, (sum, n))| (name, sum / n.max(1) as f64)), of_trace);
        }
    }

    fn add_call<'a>(
        &mut self,
        span: &Span,
        scores: impl Iterator<Item = (&'a str, f64)>,
        of_trace: Vec<(String, f64)>,
    ) {
        self.calls += 1;
        let Some(name) = &span.prompt_version else {
            self.without_version += 1;
            return;
        };
        let id = hash(name);
        *self.met.entry(id).or_default() += 1;
        let is_kept = self.kept.as_ref().is_none_or(|kept| kept.contains(&id));
        if !self.versions.contains_key(name) && (!is_kept || self.versions.len() >= MAX_VERSIONS) {
            self.left_out += 1;
            return;
        }
        let version = self.versions.entry(name.clone()).or_default();
        version.add(span);
        scores.for_each(|(score, mean)| version.score(score, mean));
        if !of_trace.is_empty() {
            let scored = || ScoredTrace { version: Some(name.clone()), means: of_trace };
            let trace = self.traces.entry(span.trace_id).or_insert_with(scored);
            if trace.version.as_ref() != Some(name) {
                trace.version = None;
            }
        }
    }

    /// Where versions had to be left out: a fold to take in the same calls once more, which keeps the version asked for
    /// and those with the most calls.
    pub(super) fn again(&self, wanted: Option<&str>) -> Option<Self> {
        if self.left_out == 0 {
            return None;
        }
        let wanted = wanted.map(hash);
        let mut met: Vec<_> = self.met.iter().map(|(id, calls)| (wanted != Some(*id), Reverse(*calls), *id)).collect();
        met.sort_unstable();
        let kept = met.into_iter().take(MAX_VERSIONS).map(|(.., id)| id).collect();
        Some(Self { kept: Some(kept), ..Self::default() })
    }

    /// Files the scores of traces under the one version whose calls the trace holds.
    pub(super) fn finish(&mut self) {
        self.left_out_versions = self.met.len().saturating_sub(self.versions.len()) as u64;
        // In the order of their ids, so that the same calls give the same digits.
        let mut traces: Vec<_> = std::mem::take(&mut self.traces).into_iter().collect();
        traces.sort_unstable_by_key(|(id, _)| *id);
        for (_, trace) in traces {
            if let Some(version) = trace.version.and_then(|name| self.versions.get_mut(&name)) {
                trace.means.iter().for_each(|(name, mean)| version.score(name, *mean));
            }
        }
    }

    /// The version with the most calls; among equals the first by name.
    pub(super) fn most_called(&self) -> Option<&str> {
        let most = self.versions.iter().max_by(|(a, x), (b, y)| x.calls.cmp(&y.calls).then_with(|| b.cmp(a)));
        most.map(|(name, _)| name.as_str())
    }
}

/// The same in every process, so that the same calls give the same answer.
fn hash(version: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    version.hash(&mut hasher);
    hasher.finish()
}

/// What may have been scored for these calls, in the order that [`Fold::add`] counts on.
pub(super) fn targets(spans: &[Span]) -> Vec<ScoreTarget> {
    spans.iter().flat_map(targets_of).collect()
}

fn targets_of(span: &Span) -> Vec<ScoreTarget> {
    let mut targets = vec![ScoreTarget::Trace(span.trace_id)];
    targets.extend(ScoreTarget::calls_of(span));
    targets
}

impl Version {
    fn add(&mut self, span: &Span) {
        self.calls += 1;
        self.first = self.first.into_iter().chain(span.start_us).min();
        self.last = self.last.into_iter().chain(span.start_us).max();
        if span.status == Some(Status::Cached) || matches!(span.cache.as_deref(), Some("hit" | "semantic")) {
            self.cache_hits += 1;
            return;
        }
        if let Some(cost) = span.cost {
            self.cost_sum = Some(self.cost_sum.unwrap_or(NanoUsd::ZERO).saturating_add(cost));
        }
        match span.status {
            Some(Status::Success) => self.add_whole(span),
            Some(Status::Error) => {
                self.errors += 1;
                self.failed.add(1.0);
            }
            Some(Status::RateLimited | Status::Blocked) => self.refused += 1,
            Some(Status::Cancelled) => self.cancelled += 1,
            Some(Status::Pending | Status::Cached) | None => {}
        }
    }

    fn add_whole(&mut self, span: &Span) {
        self.failed.add(0.0);
        if let Some(us) = span.latency_us() {
            self.latency.add(millis(us));
            self.latencies.add(us as f64);
        }
        if let Some(us) = span.ttft_us {
            self.ttft.add(millis(us));
        }
        if let Some(tokens) = span.tokens {
            self.prompt_tokens.add(tokens.input_total() as f64);
            self.completion_tokens.add(tokens.output_total() as f64);
        }
        match span.cost {
            Some(cost) => self.cost.add(cost.as_usd()),
            None => self.unpriced += 1,
        }
    }

    fn score(&mut self, name: &str, mean: f64) {
        if let Some(moments) = self.scores.get_mut(name) {
            moments.add(mean);
        } else if self.scores.len() < MAX_SCORES {
            self.scores.insert(name.to_owned(), std::iter::once(mean).collect());
        }
    }
}

#[cfg(test)]
#[path = "compare_fold_tests.rs"]
mod tests;
