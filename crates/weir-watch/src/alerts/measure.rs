//! What can be measured of calls, and how many of them become one value.

use weir_core::call_sums::CallSums;

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
    (M::TokensPerS, "tokens_per_s", "tokens_per_second", &[Avg]),
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
            if name == "ttft" {
                let why = "time to the first token is kept in no rollup; watch latency here, or \
                           llm_time_to_first_token_seconds in Prometheus";
                return Err(Problem::new("metric.measure", why));
            }
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

    /// Whether it is taken from the distribution of latencies.
    #[must_use]
    pub fn needs_latencies(self, agg: Agg) -> bool {
        self == M::Latency && agg != Avg
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
            M::Latency => (of.latency_sum_us as f64 / 1e6, n),
        };
        let at = |q: f64| of.latency.quantile(q).map(|us| us / 1e6);
        let value = match agg {
            Count | Sum => Some(total),
            Rate => Some(total / minutes.max(1e-9)),
            Avg | Ratio => (n > 0).then(|| total / n as f64),
            P50 => at(0.50),
            P90 => at(0.90),
            P95 => at(0.95),
            P99 => at(0.99),
            Min => at(0.0),
            Max => at(1.0),
            // No measure of calls has it.
            Last => None,
        };
        (value, n)
    }
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
    let at = |q: f64| values.get(((q * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1).copied();
    match agg {
        P50 => at(0.50),
        P90 => at(0.90),
        P95 => at(0.95),
        P99 => at(0.99),
        Min => at(0.0),
        Max => at(1.0),
        Sum => Some(values.iter().sum()),
        _ => Some(values.iter().sum::<f64>() / values.len() as f64),
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(value("cache_hit_ratio", None), (Some(0.25), 40));
        assert_eq!(value("rate_limited", Some(Ratio)), (Some(0.1), 40));
        let (measure, agg) = Measure::parse("error_ratio", None).unwrap();
        assert_eq!(measure.value(agg, &CallSums::default(), 5.0), (None, 0), "nothing is no ratio of 0");
    }

    #[test]
    fn refusals_say_what_there_is() {
        let no = |name, agg| Measure::parse(name, agg).unwrap_err().to_string();
        assert_eq!(no("latencey", None), "metric.measure: \"latencey\" is not measured; did you mean \"latency\"?");
        assert_eq!(no("requests", Some(P95)), "metric.agg: requests has no \"p95\"; it has count, rate");
        assert!(no("ttft", None).starts_with("metric.measure: time to the first token is kept in no rollup"));
        assert_eq!(no("tokens_per_s", Some(P95)), "metric.agg: tokens_per_s has no \"p95\"; it has avg");
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
