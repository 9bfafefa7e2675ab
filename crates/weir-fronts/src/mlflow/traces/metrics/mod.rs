//! `POST traces/metrics`: figures over traces, their spans and their assessments, for charts.
//!
//! They are made of the traces themselves, not of rollups: what a trace says of itself counts, and filters go by tags.

mod filter;
mod items;
mod table;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use weir_core::query::{Condition, Op, Operand, Target, Test};

use super::experiments;
use super::search::{Filter, Walk};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, reply};
use items::Item;
use table::{AGGREGATIONS, Aggregation, VIEWS};

/// Points of an answer, where nothing is said and at most.
const USUAL: i64 = 1_000;
const MOST: i64 = 100_000;
/// The dimension of time.
const BUCKET: &str = "time_bucket";

#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_points: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    metric_name: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    dimensions: BTreeMap<&'static str, String>,
    values: BTreeMap<String, f64>,
}

/// A group: its bucket, and a value for each dimension.
type Group = (Option<i64>, Vec<String>);

pub(super) fn metrics(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let named = fields.texts("experiment_ids")?;
    if named.is_empty() {
        return Err(fields.absent("experiment_ids"));
    }
    let view = fields.choice("view_type", VIEWS)?.ok_or_else(|| fields.absent("view_type"))?;
    let metric = fields.required("metric_name")?;
    let aggregations = aggregations(&fields)?;
    let dimensions = fields.texts("dimensions")?;
    let metric = table::check(view, metric, &aggregations, &dimensions)?;
    let interval_ms = fields.int("time_interval_seconds")?.filter(|s| *s > 0).map(|s| s.saturating_mul(1_000));
    let (start, end) = (fields.int("start_time_ms")?, fields.int("end_time_ms")?);
    if interval_ms.is_some() && (start.is_none() || end.is_none()) {
        return Err(Refused::invalid("start_time_ms and end_time_ms are required if time_interval_seconds is set"));
    }
    let most = fields.int("max_results")?.unwrap_or(USUAL).clamp(1, MOST);
    let narrowed = filter::read(&fields.texts("filters")?, view)?;
    let mut conditions = narrowed.trace;
    let mut by_time = |op, ms: Option<i64>| {
        if let Some(ms) = ms {
            let test = Test::Compare(op, Operand::Number(ms as f64));
            conditions.push(Condition { target: Target::Field("at"), test });
        }
    };
    by_time(Op::Ge, start);
    by_time(Op::Le, end);
    let mut projects = Vec::new();
    for experiment in named {
        projects.extend(experiments::project(front, experiment)?.map(|project| project.key));
    }
    let mut filter = Filter::new(front, conditions)?;
    filter.asks_all();
    let found = Walk { front, filter: &filter, projects }.all()?;
    let mut groups: BTreeMap<Group, Vec<Item>> = BTreeMap::new();
    for item in items::of(front, view, metric, &found, &narrowed.item)? {
        let values: Option<Vec<String>> = dimensions.iter().map(|dimension| item.dimension(dimension)).collect();
        if let Some(values) = values {
            let bucket = interval_ms.map(|width| item.at_ms.div_euclid(width) * width);
            groups.entry((bucket, values)).or_default().push(item);
        }
    }
    if groups.is_empty() && dimensions.is_empty() && interval_ms.is_none() {
        groups.insert((None, Vec::new()), Vec::new());
    }
    let dimensions: Vec<&'static str> = dimensions.into_iter().filter_map(items::dimension_name).collect();
    let points = groups.into_iter().filter_map(|group| point(metric, &dimensions, group, &aggregations));
    reply(&Answer { data_points: points.take(usize::try_from(most).unwrap_or_default()).collect() })
}

fn point(
    metric_name: &'static str,
    dimensions: &[&'static str],
    ((bucket, named), items): (Group, Vec<Item>),
    aggregations: &[Aggregation],
) -> Option<Point> {
    let values = items::values(metric_name, &items);
    let values: BTreeMap<String, f64> = aggregations.iter().filter_map(|a| Some((a.label(), a.of(&values)?))).collect();
    let mut dimensions: BTreeMap<&'static str, String> = dimensions.iter().copied().zip(named).collect();
    if let Some(at) = bucket.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
        dimensions.insert(BUCKET, format!("{}+00:00", at.to_string().trim_end_matches('Z')));
    }
    (!values.is_empty()).then_some(Point { metric_name, dimensions, values })
}

fn aggregations(fields: &Fields<'_>) -> Result<Vec<Aggregation>, Refused> {
    let named = fields.objects("aggregations")?;
    if named.is_empty() {
        return Err(fields.absent("aggregations"));
    }
    let one = |fields: &Fields<'_>| {
        let kind = fields.choice("aggregation_type", AGGREGATIONS)?;
        let percent = fields.double("percentile_value")?;
        match (kind.ok_or_else(|| fields.absent("aggregation_type"))?, percent) {
            (Aggregation::Percentile(_), Some(percent)) if (0.0..=100.0).contains(&percent) => {
                Ok(Aggregation::Percentile(percent))
            }
            (Aggregation::Percentile(_), _) => {
                Err(Refused::invalid("percentile_value must be between 0 and 100 for PERCENTILE aggregation"))
            }
            (kind, _) => Ok(kind),
        }
    };
    named.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_as_python_names_it() {
        let item = Item { at_ms: 0, value: 2.0, session: None, dimensions: vec![] };
        let point =
            point("latency", &[], ((Some(1_700_000_000_000), vec![]), vec![item]), &[Aggregation::Avg]).unwrap();
        assert_eq!(point.dimensions[BUCKET], "2023-11-14T22:13:20+00:00");
        assert_eq!(point.values["AVG"], 2.0);
    }
}
