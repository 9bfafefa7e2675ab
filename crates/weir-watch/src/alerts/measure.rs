//! What can be measured of calls, and how many of them become one value.

use weir_core::call_sums::CallSums;

use weir_store::sums::Detail;

use super::document::Agg;
use super::parse::{Problem, not_known};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "see Measure::NAMES")]
pub enum Measure {
    Requests,
    Errors,
    ErrorRatio,
    Cost,
    Tokens,
    TokensPrompt,
    TokensCompletion,
    Latency,
    Ttft,
    TokensPerS,
    CacheHitRatio,
    RateLimited,
}

use Agg::{Avg, Count, Last, Max, Min, P50, P90, P95, P99, Rate, Ratio, Sum};
use Measure as M;

/// Name, unit, and the aggregations; the first is the usual one.
const TABLE: &[(Measure, &str, &str, &[Agg])] = &[
    (M::Requests, "requests", "calls", &[Count, Rate]),
    (M::Errors, "errors", "calls", &[Count, Rate, Ratio]),
    (M::ErrorRatio, "error_ratio", "ratio", &[Ratio]),
    (M::Cost, "cost", "usd", &[Sum, Avg, Rate]),
    (M::Tokens, "tokens", "tokens", &[Sum, Avg, Rate]),
    (M::TokensPrompt, "tokens_prompt", "tokens", &[Sum, Avg, Rate]),
    (M::TokensCompletion, "tokens_completion", "tokens", &[Sum, Avg, Rate]),
    (M::Latency, "latency", "seconds", &[P95, Avg, P50, P90, P99, Min, Max]),
    (M::Ttft, "ttft", "seconds", &[P95, P50, P90, P99, Min, Max]),
    (M::TokensPerS, "tokens_per_s", "tokens_per_second", &[Avg, P50, P90, P95, P99, Min, Max]),
    (M::CacheHitRatio, "cache_hit_ratio", "ratio", &[Ratio]),
    (M::RateLimited, "rate_limited", "calls", &[Count, Rate, Ratio]),
];

impl Measure {
    /// The measure and aggregation of these names.
    ///
    /// # Errors
    /// Names the member, and what there is.
    pub fn parse(name: &str, agg: Option<Agg>) -> Result<(Self, Agg), Problem> {
        let Some((measure, _, _, aggs)) = TABLE.iter().find(|row| row.1 == name) else {
            let names: Vec<&str> = TABLE.iter().map(|row| row.1).collect();
            let why = not_known(&format!("\"{name}\" is not measured"), name, &names);
            return Err(Problem::new("metric.measure", why));
        };
        let usual = aggs.first().copied().unwrap_or(Count);
        let agg = agg.unwrap_or(usual);
        if !aggs.contains(&agg) {
            let known: Vec<String> = aggs.iter().map(|a| agg_name(*a)).collect();
            let why = format!("{name} has no \"{}\"; it has {}", agg_name(agg), known.join(", "));
            return Err(Problem::new("metric.agg", why));
        }
        Ok((*measure, agg))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(self, agg: Agg) -> String {
        let unit = TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.2);
        match agg {
            Ratio => "ratio".to_owned(),
            Rate => format!("{unit}_per_minute"),
            _ => unit.to_owned(),
        }
    }

    /// Whether calls that met a rate limit are to be counted for it.
    #[must_use]
    pub fn needs_limited(self) -> bool {
        self == M::RateLimited
    }

    /// What it needs of single calls beside their sums.
    #[must_use]
    pub fn detail(self, agg: Agg) -> Detail {
        let spread = agg != Avg;
        Detail {
            latency: spread && self == M::Latency,
            ttft: self == M::Ttft,
            output_rate: spread && self == M::TokensPerS,
            logs: false,
        }
    }

    /// Whether a value is a sum over its window, so that it grows with it and no calls make 0.
    #[must_use]
    pub fn adds_up(agg: Agg) -> bool {
        matches!(agg, Count | Sum | Rate)
    }

    /// The value of some calls over so many minutes, and how many calls it rests on; `None` where they have none.
    #[must_use]
    pub fn value(self, agg: Agg, of: &CallSums, minutes: f64) -> (Option<f64>, u64) {
        let n = of.calls;
        let spread = match self {
            M::Ttft => Some((&of.ttft, 1e6)),
            M::TokensPerS if agg != Avg => Some((&of.output_rate, 1.0)),
            M::Latency if agg != Avg => Some((&of.latency, 1e6)),
            _ => None,
        };
        if let Some((sketch, units)) = spread {
            return (quantile(agg).and_then(|q| sketch.quantile(q)).map(|value| value / units), sketch.count());
        }
        let (total, n) = match self {
            M::Requests => (n as f64, n),
            M::Errors | M::ErrorRatio => (of.errors as f64, n),
            M::Cost => (of.cost as f64 / 1e9, n.saturating_sub(of.unpriced)),
            M::Tokens => (of.prompt_tokens.saturating_add(of.completion_tokens) as f64, n),
            M::TokensPrompt => (of.prompt_tokens as f64, n),
            M::TokensCompletion => (of.completion_tokens as f64, n),
            M::CacheHitRatio => (of.cache_hits as f64, n),
            M::RateLimited => (of.rate_limited as f64, n),
            M::TokensPerS => {
                let seconds = of.latency_sum_us as f64 / 1e6;
                return ((seconds > 0.0).then(|| of.completion_tokens as f64 / seconds), n);
            }
            M::Latency | M::Ttft => (of.latency_sum_us as f64 / 1e6, n),
        };
        let value = match agg {
            Count | Sum => Some(total),
            Rate => Some(total / minutes.max(1e-9)),
            Avg | Ratio => (n > 0).then(|| total / n as f64),
            // No other measure of calls has them.
            P50 | P90 | P95 | P99 | Min | Max | Last => None,
        };
        (value, n)
    }
}

/// Which of all values an aggregation asks for, from 0, the smallest, to 1.
fn quantile(agg: Agg) -> Option<f64> {
    Some(match agg {
        P50 => 0.50,
        P90 => 0.90,
        P95 => 0.95,
        P99 => 0.99,
        Min => 0.0,
        Max => 1.0,
        Count | Sum | Rate | Avg | Ratio | Last => return None,
    })
}

/// The name of an aggregation in documents.
#[must_use]
pub fn agg_name(agg: Agg) -> String {
    format!("{agg:?}").to_lowercase()
}

/// One value of many, which are in the order of time.
///
/// Quantiles are those of the nearest rank.
#[must_use]
pub fn of_values(agg: Agg, values: &mut [f64]) -> Option<f64> {
    if agg == Count {
        return Some(values.len() as f64);
    }
    if values.is_empty() || agg == Last {
        return values.last().copied();
    }
    values.sort_unstable_by(f64::total_cmp);
    if let Some(q) = quantile(agg) {
        return values.get(((q * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1).copied();
    }
    match agg {
        Sum => Some(values.iter().sum()),
        _ => Some(values.iter().sum::<f64>() / values.len() as f64),
    }
}

#[cfg(test)]
mod tests {
    use weir_core::sketch::Sketch;

    use super::*;

    #[test]
    fn values_of_calls() {
        let calls = CallSums {
            calls: 40,
            errors: 2,
            rate_limited: 4,
            cache_hits: 10,
            cost: 3_000_000_000,
            unpriced: 10,
            latency_sum_us: 80_000_000,
            latency: [1e6, 2e6, 4e6].into_iter().collect(),
            ttft: [0.2e6, 0.5e6].into_iter().collect(),
            completion_tokens: 1_600,
            output_rate: [10.0, 20.0, 60.0].into_iter().collect(),
            ..CallSums::default()
        };
        let value = |name: &str, agg| {
            let (measure, agg) = Measure::parse(name, agg).unwrap();
            measure.value(agg, &calls, 5.0)
        };
        assert_eq!(value("requests", None), (Some(40.0), 40));
        assert_eq!(value("requests", Some(Rate)), (Some(8.0), 40));
        assert_eq!(value("error_ratio", None), (Some(0.05), 40));
        assert_eq!(value("cost", None), (Some(3.0), 30));
        assert_eq!(value("cost", Some(Avg)), (Some(0.1), 30), "calls without a price are none of its samples");
        assert_eq!(value("latency", Some(Avg)), (Some(2.0), 40));
        let max = value("latency", Some(Max)).0.unwrap();
        assert!((max - 4.0).abs() < 0.05, "{max}");
        let near = |(value, n): (Option<f64>, u64), wanted: f64| (value.unwrap() / wanted - 1.0).abs() < 0.01 && n > 0;
        assert!(near(value("ttft", None), 0.2) && near(value("ttft", Some(Max)), 0.5));
        assert_eq!(value("ttft", Some(P50)).1, 2, "calls that were not streamed are none of its samples");
        assert_eq!(value("tokens_per_s", None), (Some(20.0), 40));
        assert!(near(value("tokens_per_s", Some(P50)), 20.0) && near(value("tokens_per_s", Some(Min)), 10.0));
        assert_eq!(value("tokens_per_s", Some(P95)).1, 3);
        assert_eq!(value("cache_hit_ratio", None), (Some(0.25), 40));
        assert_eq!(value("rate_limited", Some(Ratio)), (Some(0.1), 40));
        let (measure, agg) = Measure::parse("error_ratio", None).unwrap();
        assert_eq!(measure.value(agg, &CallSums::default(), 5.0), (None, 0), "nothing is no ratio of 0");
        let known_of_none = CallSums { ttft: Sketch::new(), ..calls };
        assert_eq!(Measure::Ttft.value(P95, &known_of_none, 5.0), (None, 0), "no time is known, so it is none");
    }

    #[test]
    fn refusals_say_what_there_is() {
        let no = |name, agg| Measure::parse(name, agg).unwrap_err().to_string();
        assert_eq!(no("latencey", None), "metric.measure: \"latencey\" is not measured; did you mean \"latency\"?");
        assert_eq!(no("requests", Some(P95)), "metric.agg: requests has no \"p95\"; it has count, rate");
        assert_eq!(no("ttft", Some(Avg)), "metric.agg: ttft has no \"avg\"; it has p95, p50, p90, p99, min, max");
    }

    #[test]
    fn quantiles_are_values_that_there_are() {
        let mut values = [5.0, 1.0, 3.0, 2.0, 4.0];
        assert_eq!(of_values(P50, &mut values), Some(3.0));
        assert_eq!(of_values(P99, &mut values), Some(5.0));
        assert_eq!(of_values(Min, &mut values), Some(1.0));
        assert_eq!(of_values(Avg, &mut values), Some(3.0));
        assert_eq!(of_values(P95, &mut []), None);
        assert_eq!(of_values(Count, &mut []), Some(0.0));
        assert_eq!(of_values(Last, &mut [3.0, 9.0, 1.0]), Some(1.0));
    }
}
