//! Traces in which an anomaly shows.

use weir_core::anomaly::Anomaly;
use weir_core::filter::{Field, Filter};
use weir_store::telemetry::{OrderBy, SpanQuery, StoreError, Telemetry, TimeRange};

use super::DEFAULT_PROJECT;
use super::history::BRANCH;
use crate::anomalies::Window;

/// How many traces are named.
const EXAMPLES: usize = 3;
/// Spans that are looked at for them: several may be of one trace.
const LOOKED_AT: usize = 30;

/// At most three traces of the window: of the first cause, those with the most extreme value.
pub(super) fn of(
    store: &dyn Telemetry,
    project: &str,
    anomaly: &Anomaly,
    window: Window,
) -> Result<Vec<String>, StoreError> {
    let general = Filter::And(vec![of_project(project), of_metric(&anomaly.metric)]);
    let cause = anomaly.causes.first().and_then(|c| of_value(&c.dimension, &c.value));
    let mut found = Vec::new();
    if let Some(cause) = cause {
        found = find(store, Filter::And(vec![general.clone(), cause]), anomaly, window)?;
    }
    if found.is_empty() {
        found = find(store, general, anomaly, window)?;
    }
    Ok(found)
}

fn find(store: &dyn Telemetry, filter: Filter, anomaly: &Anomaly, window: Window) -> Result<Vec<String>, StoreError> {
    let order = match anomaly.metric.as_str() {
        m if m.contains("latency") => OrderBy::Latency,
        m if m.contains("cost") => OrderBy::Cost,
        m if m.contains("token") => OrderBy::Tokens,
        _ => OrderBy::Start,
    };
    let page = store.spans(&SpanQuery {
        range: TimeRange { from: Some(window.from), to: Some(window.to) },
        filter,
        order,
        // The most extreme ones in the direction of the change.
        ascending: order != OrderBy::Start && anomaly.value < anomaly.expected,
        limit: LOOKED_AT,
        cursor: None,
        with_payload: false,
    })?;
    let mut traces: Vec<String> = Vec::new();
    for span in page.spans {
        let trace = span.trace_id.to_string();
        if traces.len() < EXAMPLES && !traces.contains(&trace) {
            traces.push(trace);
        }
    }
    Ok(traces)
}

fn of_project(project: &str) -> Filter {
    let named = Filter::eq(Field::Project, project);
    if project == DEFAULT_PROJECT {
        Filter::Or(vec![named, Filter::Not(Box::new(Filter::Exists(Field::Project)))])
    } else {
        named
    }
}

/// The spans that a metric is about.
fn of_metric(metric: &str) -> Filter {
    let kinds = |kinds: &[&str]| Filter::Or(kinds.iter().map(|k| Filter::eq(Field::Kind, *k)).collect());
    let statuses = |list: &[&str]| Filter::Or(list.iter().map(|s| Filter::eq(Field::Status, *s)).collect());
    let calls = kinds(&["llm", "embedding"]);
    if metric.contains("branch") {
        kinds(&["branch"])
    } else if metric.contains("rate_limit") {
        Filter::And(vec![calls, statuses(&["rate_limited"])])
    } else if metric.contains("error") {
        Filter::And(vec![calls, statuses(&["error", "blocked"])])
    } else {
        calls
    }
}

/// The spans of a cause.
fn of_value(dimension: &str, value: &str) -> Option<Filter> {
    Some(match dimension {
        "model" => Filter::eq(Field::Model, value),
        "provider" => Filter::eq(Field::Provider, value),
        "department" => Filter::eq(Field::Department, value),
        "key" => Filter::eq(Field::Key, value),
        "status" => Filter::eq(Field::Status, value),
        "prompt_version" => match value.rsplit_once('@') {
            Some(("", version)) => Filter::eq(Field::PromptVersion, version),
            Some((name, version)) => {
                Filter::And(vec![Filter::eq(Field::PromptName, name), Filter::eq(Field::PromptVersion, version)])
            }
            None => Filter::eq(Field::PromptName, value),
        },
        BRANCH => {
            let (path, target) = value.rsplit_once(" -> ")?;
            let node = path.rsplit_once(": ").map_or(path, |(_, node)| node);
            let attribute = |name: &str, text: &str| Filter::eq(Field::Attribute(name.to_owned()), text);
            Filter::And(vec![attribute("from_node", node), attribute("to_node", target)])
        }
        _ => return None,
    })
}
