//! What conditions and orders mean of a run that stands in memory: the same as in the catalog.

use std::cmp::Ordering;
use std::sync::Arc;

use weir_core::query::{Condition, Held, Sort, Target};
use weir_store::catalog::{Point, Run};

/// Whether every condition holds.
pub(super) fn hold(conditions: &[Condition], run: &Run) -> bool {
    conditions.iter().all(|condition| holds(condition, run))
}

fn holds(condition: &Condition, run: &Run) -> bool {
    let test = &condition.test;
    match &condition.target {
        Target::Field("run_id") => test.holds(Some(Held::Text(&run.record.id.to_string()))),
        Target::Field(field) => test.holds(field_of(run, field)),
        Target::Entry("metrics", key) => test.holds(metric(run, key).map(Held::Number)),
        Target::Entry(collection, key) => test.holds(entry(run, collection, key).map(Held::Text)),
        Target::Related(_, field) => run.datasets.iter().any(|dataset| {
            let context = dataset.tags.iter().find(|(key, _)| key == "mlflow.data.context").map(|(_, value)| value);
            match *field {
                "name" => test.holds(Some(Held::Text(&dataset.name))),
                "digest" => test.holds(Some(Held::Text(&dataset.digest))),
                _ => test.holds(context.map(|context| Held::Text(context))),
            }
        }),
    }
}

/// A field other than the id.
fn field_of<'a>(run: &'a Run, field: &str) -> Option<Held<'a>> {
    let record = &run.record;
    Some(match field {
        "run_name" => Held::Text(&record.name),
        "status" => Held::Text(record.status.as_str()),
        "user_id" => Held::Text(&record.user),
        "artifact_uri" => Held::Text(&record.artifact_uri),
        "start_time" => Held::Number(record.start_ms as f64),
        "end_time" => Held::Number(record.end_ms? as f64),
        _ => return None,
    })
}

fn entry<'a>(run: &'a Run, collection: &str, key: &str) -> Option<&'a str> {
    let list: &[(Arc<str>, String)] = if collection == "params" { &run.params } else { &run.tags };
    list.iter().find(|(k, _)| k.as_ref() == key).map(|(_, value)| value.as_str())
}

fn metric(run: &Run, key: &str) -> Option<f64> {
    run.metrics.iter().find(|(k, _): &&(Arc<str>, Point)| k.as_ref() == key).map(|(_, point)| point.value)
}

/// Which of two runs comes first; without an order the later start, then the smaller id.
pub(super) fn order(sorts: &[Sort], a: &Run, b: &Run) -> Ordering {
    for Sort { target, descending } in sorts {
        let order = match target {
            Target::Field("run_id") => directed(a.record.id.cmp(&b.record.id), *descending),
            Target::Field(field) => missing_last(field_of(a, field), field_of(b, field), *descending, compare),
            Target::Entry("metrics", key) => {
                let rank = |n: Option<f64>| n.map_or(2, |n| u8::from(n.is_nan()));
                let (a, b) = (metric(a, key), metric(b, key));
                rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
                    (Some(a), Some(b)) if !a.is_nan() => directed(a.total_cmp(&b), *descending),
                    _ => Ordering::Equal,
                })
            }
            Target::Entry(collection, key) => {
                missing_last(entry(a, collection, key), entry(b, collection, key), *descending, Ord::cmp)
            }
            Target::Related(..) => Ordering::Equal,
        };
        if order.is_ne() {
            return order;
        }
    }
    b.record.start_ms.cmp(&a.record.start_ms).then(a.record.id.cmp(&b.record.id))
}

fn compare(a: &Held<'_>, b: &Held<'_>) -> Ordering {
    match (a, b) {
        (Held::Text(a), Held::Text(b)) => a.cmp(b),
        (Held::Number(a), Held::Number(b)) => a.total_cmp(b),
        _ => Ordering::Equal,
    }
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

fn missing_last<T>(a: Option<T>, b: Option<T>, descending: bool, by: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(by(&a, &b), descending),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
