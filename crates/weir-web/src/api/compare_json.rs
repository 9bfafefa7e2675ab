//! The versions of a prompt side by side as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::experiment::{self, CONFIDENCE, Direction, LEAST, Moments, PLANNED};
use weir_core::time::to_rfc3339;

use super::compare_fold::{Fold, Version};
use super::compare_query::CompareQuery;
use super::number::Usd;

/// The name of the test, and what is special about it.
const TEST: &str = "always-valid asymptotic confidence sequence (normal mixture boundary)";
/// Where it is described.
const SOURCE: &str = "Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic \
                      confidence sequences, Annals of Statistics 52(6), 2024; Robbins 1970; Johari, Pekelis, Walsh: \
                      Always Valid Inference, Operations Research 70(3), 2022";

/// The versions of a prompt, each with its figures, and each against the baseline.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CompareAnswer {
    /// The prompt's name.
    pub prompt: String,
    /// First instant inside, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant after, RFC 3339.
    #[schema(format = DateTime)]
    pub to: String,
    /// The version that the others are compared with; null without calls.
    pub baseline: Option<String>,
    /// Why it is the baseline: `given`, or `most calls` (among equals the first by name).
    pub baseline_by: String,
    /// Calls that were looked at.
    pub calls: u64,
    /// Calls of the prompt that say no version; in no figure.
    pub without_version: u64,
    /// Calls of versions beyond the hundred with the most calls; in no figure.
    pub left_out: u64,
    /// How many versions these are.
    #[serde(default)]
    pub left_out_versions: u64,
    /// Whether there are more calls than are looked at: the figures are of the oldest ones of the range.
    pub truncated: bool,
    /// The versions, by name.
    pub versions: Vec<VersionJson>,
    /// Every other version against the baseline, per metric for which both have values.
    pub differences: Vec<DifferenceJson>,
    /// How differences are judged.
    pub test: TestJson,
}

/// One version. Latency, tokens and cost per call are those of calls that a model answered whole.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionJson {
    /// The version.
    pub version: String,
    /// Start of its first call in the range, RFC 3339.
    #[schema(format = DateTime)]
    pub first: Option<String>,
    /// Start of its last call in the range, RFC 3339.
    #[schema(format = DateTime)]
    pub last: Option<String>,
    /// All calls.
    pub calls: u64,
    /// Calls answered from the cache; they count nowhere below but among the scores.
    pub cache_hits: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Failed calls among those that failed or were answered whole; null without such calls.
    pub error_rate: Option<f64>,
    /// Calls that Weir refused (a rate limit, a budget, a permission).
    pub refused: u64,
    /// Calls whose client went away.
    pub cancelled: u64,
    /// Latency in milliseconds.
    pub latency_ms: SpreadJson,
    /// Time to first token of streamed calls, milliseconds.
    pub ttft_ms: MeanJson,
    /// Input tokens per call.
    pub prompt_tokens: MeanJson,
    /// Output tokens per call, reasoning included.
    pub completion_tokens: MeanJson,
    /// Dollars.
    pub cost_usd: CostJson,
    /// Per name of a score the calls (or traces) that have one, and the mean; true counts as 1.
    pub scores: BTreeMap<String, MeanJson>,
}

/// A mean and how many values it is of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MeanJson {
    /// Values.
    pub n: u64,
    /// Their mean; null without values.
    pub mean: Option<f64>,
}

/// A mean with quantiles.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct SpreadJson {
    /// Values.
    pub n: u64,
    /// Their mean; null without values.
    pub mean: Option<f64>,
    /// Median, within 1 %.
    pub p50: Option<f64>,
    /// 95th percentile, within 1 %.
    pub p95: Option<f64>,
}

/// Cost in dollars.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct CostJson {
    /// Of every call whose cost is known, failed ones too; null where none is known.
    #[schema(value_type = Option<f64>)]
    pub sum: Option<Usd>,
    /// Calls answered whole whose cost is known.
    pub n: u64,
    /// Their mean; null without such calls.
    pub mean: Option<f64>,
    /// Calls answered whole whose cost is not known.
    pub unpriced: u64,
}

/// A version against the baseline in one metric.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DifferenceJson {
    /// The version.
    pub version: String,
    /// `error_rate`, `latency_ms`, `ttft_ms`, `prompt_tokens`, `completion_tokens`, `cost_usd` or `scores.<name>`.
    pub metric: String,
    /// Which way is better: `lower` or `higher`.
    pub better: String,
    /// The baseline's values.
    pub baseline: MeanJson,
    /// The version's values.
    pub this: MeanJson,
    /// The version's mean minus the baseline's.
    pub difference: Option<f64>,
    /// The difference as a share of the baseline's mean; null where that is 0.
    pub relative: Option<f64>,
    /// Confidence interval of the difference, lower and upper end, valid at every look; null where nothing can be said.
    pub interval: Option<(f64, f64)>,
    /// Always-valid p-value, corrected for the number of comparisons.
    pub p_value: Option<f64>,
    /// `better`, `worse`, `no difference found yet` or `too few calls`.
    pub verdict: String,
}

/// The test behind the verdicts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TestJson {
    /// Its name.
    pub name: String,
    /// Where it is described.
    pub source: String,
    /// Confidence of all intervals together.
    pub confidence: f64,
    /// Comparisons that it is divided among (Bonferroni): versions times metrics.
    pub comparisons: usize,
    /// Values that each version needs for a verdict.
    pub least: u64,
    /// Values per version at which the intervals are narrowest.
    pub planned: u64,
}

impl CompareAnswer {
    /// The answer from what was folded. `baseline` is one of the versions, unless there are none.
    pub(super) fn new(
        prompt: &str,
        query: &CompareQuery,
        fold: &Fold,
        baseline: Option<&str>,
        truncated: bool,
    ) -> Self {
        let pairs = pairs(fold, baseline);
        let comparisons = pairs.len();
        Self {
            prompt: prompt.to_owned(),
            from: to_rfc3339(query.from),
            to: to_rfc3339(query.to),
            baseline: baseline.map(str::to_owned),
            baseline_by: if query.baseline.is_some() { "given" } else { "most calls" }.to_owned(),
            calls: fold.calls,
            without_version: fold.without_version,
            left_out: fold.left_out,
            left_out_versions: fold.left_out_versions,
            truncated,
            versions: fold.versions.iter().map(|(name, version)| VersionJson::new(name, version)).collect(),
            differences: pairs.iter().map(|pair| pair.judge(comparisons)).collect(),
            test: TestJson {
                name: TEST.to_owned(),
                source: SOURCE.to_owned(),
                confidence: CONFIDENCE,
                comparisons,
                least: LEAST,
                planned: PLANNED,
            },
        }
    }
}

impl VersionJson {
    fn new(name: &str, v: &Version) -> Self {
        let quantile = |q: f64| v.latencies.quantile(q).map(|us| us.round() / 1_000.0);
        Self {
            version: name.to_owned(),
            first: v.first.map(to_rfc3339),
            last: v.last.map(to_rfc3339),
            calls: v.calls,
            cache_hits: v.cache_hits,
            errors: v.errors,
            error_rate: v.failed.mean(),
            refused: v.refused,
            cancelled: v.cancelled,
            latency_ms: SpreadJson {
                n: v.latency.count(),
                mean: v.latency.mean(),
                p50: quantile(0.5),
                p95: quantile(0.95),
            },
            ttft_ms: MeanJson::of(&v.ttft),
            prompt_tokens: MeanJson::of(&v.prompt_tokens),
            completion_tokens: MeanJson::of(&v.completion_tokens),
            cost_usd: CostJson {
                sum: v.cost_sum.map(Usd),
                n: v.cost.count(),
                mean: v.cost.mean(),
                unpriced: v.unpriced,
            },
            scores: v.scores.iter().map(|(name, moments)| (name.clone(), MeanJson::of(moments))).collect(),
        }
    }
}

impl MeanJson {
    fn of(moments: &Moments) -> Self {
        Self { n: moments.count(), mean: moments.mean() }
    }
}

/// Two samples to compare.
struct Pair<'a> {
    version: &'a str,
    metric: String,
    direction: Direction,
    baseline: &'a Moments,
    this: &'a Moments,
}

/// Every pair of which both have values, per version and metric.
fn pairs<'a>(fold: &'a Fold, baseline: Option<&str>) -> Vec<Pair<'a>> {
    let Some((base_name, base)) = baseline.and_then(|name| fold.versions.get_key_value(name)) else {
        return Vec::new();
    };
    let others = fold.versions.iter().filter(|(name, _)| *name != base_name);
    let all = others.flat_map(|(name, other)| {
        let fixed = metrics(base).into_iter().zip(metrics(other));
        let fixed = fixed.map(|((metric, baseline), (_, this))| (metric.to_owned(), Direction::Lower, baseline, this));
        let scores = base.scores.iter().filter_map(|(score, baseline)| {
            Some((format!("scores.{score}"), Direction::Higher, baseline, other.scores.get(score)?))
        });
        let pair = |(metric, direction, baseline, this)| Pair { version: name, metric, direction, baseline, this };
        fixed.chain(scores).map(pair).collect::<Vec<_>>()
    });
    all.filter(|pair| pair.baseline.count() > 0 && pair.this.count() > 0).collect()
}

/// The metrics of which less is better, by their names in the API.
fn metrics(version: &Version) -> [(&'static str, &Moments); 6] {
    [
        ("error_rate", &version.failed),
        ("latency_ms", &version.latency),
        ("ttft_ms", &version.ttft),
        ("prompt_tokens", &version.prompt_tokens),
        ("completion_tokens", &version.completion_tokens),
        ("cost_usd", &version.cost),
    ]
}

impl Pair<'_> {
    fn judge(&self, comparisons: usize) -> DifferenceJson {
        let found = experiment::compare(self.baseline, self.this, self.direction, comparisons);
        DifferenceJson {
            version: self.version.to_owned(),
            metric: self.metric.clone(),
            better: match self.direction {
                Direction::Lower => "lower",
                Direction::Higher => "higher",
            }
            .to_owned(),
            baseline: MeanJson::of(self.baseline),
            this: MeanJson::of(self.this),
            difference: found.difference,
            relative: found.relative,
            interval: found.interval,
            p_value: found.p_value,
            verdict: found.verdict.as_str().to_owned(),
        }
    }
}
