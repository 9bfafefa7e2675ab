//! Which figures there are: of traces, of their spans, of their assessments; how they may be summed up, and by what.

use crate::mlflow::errors::Refused;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Traces,
    Spans,
    Assessments,
}

pub(super) const VIEWS: &[(&str, i64, View)] =
    &[("TRACES", 1, View::Traces), ("SPANS", 2, View::Spans), ("ASSESSMENTS", 3, View::Assessments)];

/// How values become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Aggregation {
    Count,
    Sum,
    Avg,
    Percentile(f64),
    Min,
    Max,
}

pub(super) const AGGREGATIONS: &[(&str, i64, Aggregation)] = &[
    ("COUNT", 1, Aggregation::Count),
    ("SUM", 2, Aggregation::Sum),
    ("AVG", 3, Aggregation::Avg),
    ("PERCENTILE", 4, Aggregation::Percentile(0.0)),
    ("MIN", 5, Aggregation::Min),
    ("MAX", 6, Aggregation::Max),
];

impl Aggregation {
    fn kind(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
            Self::Percentile(_) => "PERCENTILE",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }

    /// Its name in an answer.
    pub(super) fn label(self) -> String {
        match self {
            // As Python prints a float: 95.0
            Self::Percentile(percent) => format!("P{percent:?}"),
            other => other.kind().to_owned(),
        }
    }

    /// Of some values; `None` where there are none.
    pub(super) fn of(self, values: &[f64]) -> Option<f64> {
        let count = values.len() as f64;
        let sum = || values.iter().sum::<f64>();
        match self {
            Self::Count => Some(count),
            _ if values.is_empty() => None,
            Self::Sum => Some(sum()),
            Self::Avg => Some(sum() / count),
            Self::Min => values.iter().copied().reduce(f64::min),
            Self::Max => values.iter().copied().reduce(f64::max),
            Self::Percentile(percent) => {
                let mut sorted = values.to_vec();
                sorted.sort_by(f64::total_cmp);
                let at = percent / 100.0 * (count - 1.0);
                let (low, high) = (sorted.get(at.floor() as usize)?, sorted.get(at.ceil() as usize)?);
                Some(low + (high - low) * at.fract())
            }
        }
    }
}

const COUNT: &[&str] = &["COUNT"];
const SPREAD: &[&str] = &["AVG", "MAX", "MIN", "PERCENTILE"];
const ALL: &[&str] = &["AVG", "MAX", "MIN", "PERCENTILE", "SUM"];
const MODEL: &[&str] = &["span_model_name", "span_model_provider"];

type Row = (View, &'static str, &'static [&'static str], &'static [&'static str]);

const METRICS: &[Row] = &[
    (View::Traces, "trace_count", COUNT, &["trace_name", "trace_status"]),
    (View::Traces, "session_count", COUNT, &[]),
    (View::Traces, "latency", SPREAD, &["trace_name"]),
    (View::Traces, "input_tokens", ALL, &["trace_name"]),
    (View::Traces, "output_tokens", ALL, &["trace_name"]),
    (View::Traces, "total_tokens", ALL, &["trace_name"]),
    (View::Traces, "cache_read_input_tokens", ALL, &["trace_name"]),
    (View::Traces, "cache_creation_input_tokens", ALL, &["trace_name"]),
    (
        View::Spans,
        "span_count",
        COUNT,
        &["span_model_name", "span_model_provider", "span_name", "span_status", "span_type"],
    ),
    (View::Spans, "latency", SPREAD, &["span_name", "span_status"]),
    (View::Spans, "input_cost", ALL, MODEL),
    (View::Spans, "output_cost", ALL, MODEL),
    (View::Spans, "total_cost", ALL, MODEL),
    (View::Assessments, "assessment_count", COUNT, &["assessment_name", "assessment_value"]),
    (View::Assessments, "assessment_value", SPREAD, &["assessment_name"]),
];

/// The metric of a name, if it may be summed up and told apart so.
pub(super) fn check(
    view: View,
    metric: &str,
    aggregations: &[Aggregation],
    dimensions: &[&str],
) -> Result<&'static str, Refused> {
    let of_view = || METRICS.iter().filter(|(of, ..)| *of == view);
    let Some((_, name, may, by)) = of_view().find(|(_, name, ..)| *name == metric) else {
        let names: Vec<_> = of_view().map(|(_, name, ..)| *name).collect();
        return Err(Refused::invalid(format!("metric_name must be one of {}, got '{metric}'", python(&names))));
    };
    let wrong: Vec<&str> = aggregations.iter().map(|a| a.kind()).filter(|kind| !may.contains(kind)).collect();
    if !wrong.is_empty() {
        return Err(Refused::invalid(format!(
            "Found invalid aggregation_type(s): {}. Supported aggregation types: {}",
            python(&wrong),
            python(may)
        )));
    }
    let wrong: Vec<&str> = dimensions.iter().copied().filter(|dimension| !by.contains(dimension)).collect();
    if !wrong.is_empty() {
        return Err(Refused::invalid(format!(
            "Found invalid dimension(s): {}. Supported dimensions: {}",
            python(&wrong),
            python(by)
        )));
    }
    Ok(name)
}

/// A list as Python prints it.
fn python(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_values() {
        let of = |aggregation: Aggregation| aggregation.of(&[10.0, 40.0, 20.0, 30.0]);
        assert_eq!(of(Aggregation::Percentile(50.0)), Some(25.0));
        assert_eq!((of(Aggregation::Percentile(0.0)), of(Aggregation::Percentile(100.0))), (Some(10.0), Some(40.0)));
        assert_eq!((of(Aggregation::Avg), of(Aggregation::Sum)), (Some(25.0), Some(100.0)));
        assert_eq!((Aggregation::Sum.of(&[]), Aggregation::Count.of(&[])), (None, Some(0.0)));
        assert_eq!(Aggregation::Percentile(95.0).label(), "P95.0");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(check(View::Traces, "trace_count", &[Aggregation::Count], &["trace_name"]).is_ok());
        assert!(check(View::Traces, "trace_count", &[Aggregation::Sum], &[]).is_err());
        assert!(check(View::Spans, "trace_count", &[Aggregation::Count], &[]).is_err());
        assert!(check(View::Spans, "latency", &[Aggregation::Avg], &["span_type"]).is_err());
    }
}
