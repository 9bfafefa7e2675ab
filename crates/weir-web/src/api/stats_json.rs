//! Grouped figures as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::time::to_rfc3339;
use weir_store::telemetry::{Figures, Stats, StatsGroup, StatsQuery};

use super::call_json::Tokens;
use super::number::{Usd, millis};
use super::when;

/// Figures over the calls of a range, in total and per group.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StatsAnswer {
    /// First instant inside, RFC 3339.
    #[schema(format = DateTime)]
    pub from: Option<String>,
    /// First instant after, RFC 3339.
    #[schema(format = DateTime)]
    pub to: Option<String>,
    /// Width of the buckets, as `1h`; null when only totals were asked for.
    pub bucket: Option<String>,
    /// What the calls are grouped by.
    pub group_by: Vec<String>,
    /// The groups, most calls first.
    pub groups: Vec<GroupJson>,
    /// Over all groups.
    pub total: FiguresJson,
}

/// The calls that share the values of the grouping.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GroupJson {
    /// The value per grouping; null where calls had none.
    #[schema(value_type = std::collections::BTreeMap<String, Option<String>>)]
    pub by: serde_json::Map<String, serde_json::Value>,
    /// Over the whole range.
    pub total: FiguresJson,
    /// Per bucket that has calls, ascending. Only with `bucket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<BucketJson>>,
}

/// The figures of one bucket.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BucketJson {
    /// When the bucket starts, RFC 3339.
    #[schema(format = DateTime)]
    pub start: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: FiguresJson,
}

/// Figures over calls.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FiguresJson {
    /// Calls.
    pub count: u64,
    /// Calls that ended as `error`, `rate_limited` or `blocked`.
    pub errors: u64,
    /// Errors per call, 0 to 1.
    pub error_rate: f64,
    /// Calls answered from the cache.
    pub cache_hits: u64,
    /// Sums of tokens.
    pub tokens: Tokens,
    /// Sum of the known costs in dollars.
    #[schema(value_type = f64)]
    pub cost_usd: Usd,
    /// Calls whose cost is not known and not in `cost_usd`.
    pub unpriced: u64,
    /// Latency in milliseconds, of every call.
    pub latency_ms: LatencyJson,
}

/// Latency in milliseconds; null without calls. Hits of the cache and refusals count like any call, and are quick: ask
/// with `status=success` for the calls that a model answered, or group by `status`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LatencyJson {
    /// Mean.
    pub avg: Option<f64>,
    /// Median, within 1 %.
    pub p50: Option<f64>,
    /// 95th percentile, within 1 %.
    pub p95: Option<f64>,
    /// 99th percentile, within 1 %.
    pub p99: Option<f64>,
}

impl StatsAnswer {
    /// The answer to a query.
    #[must_use]
    pub fn new(query: &StatsQuery, stats: &Stats) -> Self {
        let names: Vec<String> = query.group_by.iter().map(|d| d.as_str().to_owned()).collect();
        Self {
            from: query.range.from.map(to_rfc3339),
            to: query.range.to.map(to_rfc3339),
            bucket: query.bucket.map(when::print_duration),
            groups: stats.groups.iter().map(|g| group(&names, g, query.bucket.is_some())).collect(),
            group_by: names,
            total: FiguresJson::from(&stats.total),
        }
    }
}

fn group(names: &[String], group: &StatsGroup, bucketed: bool) -> GroupJson {
    GroupJson {
        by: names.iter().cloned().zip(group.values.iter().map(|v| v.clone().into())).collect(),
        total: FiguresJson::from(&group.total),
        series: bucketed.then(|| {
            let bucket = |(start, f): &(i64, Figures)| BucketJson { start: to_rfc3339(*start), figures: f.into() };
            group.series.iter().map(bucket).collect()
        }),
    }
}

impl From<&Figures> for FiguresJson {
    fn from(f: &Figures) -> Self {
        let per_call = |sum: f64| if f.count == 0 { None } else { Some(sum / f.count as f64) };
        let quantile = |us: Option<f64>| us.map(|us| (us.round()) / 1_000.0);
        let avg_us = per_call(f.latency_sum_us as f64);
        Self {
            count: f.count,
            errors: f.errors,
            error_rate: per_call(f.errors as f64).unwrap_or(0.0),
            cache_hits: f.cache_hits,
            tokens: f.tokens.into(),
            cost_usd: Usd(f.cost),
            unpriced: f.unpriced,
            latency_ms: LatencyJson {
                avg: avg_us.map(|us| millis(us.round() as i64)),
                p50: quantile(f.p50_us),
                p95: quantile(f.p95_us),
                p99: quantile(f.p99_us),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_core::money::NanoUsd;
    use weir_core::token::TokenCounts;
    use weir_store::telemetry::{Dimension, TimeRange};

    use super::*;

    #[test]
    fn groups_carry_their_values_and_series() {
        let figures = Figures {
            count: 4,
            errors: 1,
            tokens: TokenCounts::of(10, 2),
            cost: NanoUsd(2_500_000),
            latency_sum_us: 10_000,
            p50_us: Some(2_000.4),
            ..Figures::default()
        };
        let query = StatsQuery {
            range: TimeRange { from: Some(0), to: Some(60_000_000) },
            group_by: vec![Dimension::Model, Dimension::Key],
            bucket: Some(60_000_000),
            ..StatsQuery::default()
        };
        let stats = Stats {
            groups: vec![StatsGroup {
                values: vec![Some("m".into()), None],
                total: figures.clone(),
                series: vec![(0, figures.clone())],
            }],
            total: figures,
        };
        let answer = StatsAnswer::new(&query, &stats);
        let text = serde_json::to_string(&answer).unwrap();
        let figures = concat!(
            r#""count":4,"errors":1,"error_rate":0.25,"cache_hits":0,"tokens":{"prompt":10,"completion":2,"total":12,"#,
            r#""cached":0,"cache_write":0,"reasoning":0,"audio_in":0,"audio_out":0},"cost_usd":0.0025,"unpriced":0,"#,
            r#""latency_ms":{"avg":2.5,"p50":2.0,"p95":null,"p99":null}"#
        );
        let wanted = [
            r#"{"from":"1970-01-01T00:00:00.000000Z","to":"1970-01-01T00:01:00.000000Z","bucket":"1m","#,
            r#""group_by":["model","key"],"groups":[{"by":{"model":"m","key":null},"total":{"#,
            figures,
            r#"},"series":[{"start":"1970-01-01T00:00:00.000000Z","#,
            figures,
            r#"}]}],"total":{"#,
            figures,
            "}}",
        ];
        assert_eq!(text, wanted.concat());
        assert!(serde_json::from_str::<StatsAnswer>(&text).is_ok());
    }
}
