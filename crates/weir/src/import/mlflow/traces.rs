//! Traces with their spans and assessments, by the routes that MLflow's clients write them by. Ids stay.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use weir_store::catalog::ProjectRecord;

use super::form::{masked, ordered, said};
use super::source::{Counted, SourceTrace, pages};
use super::{Import, Kinds, spans};
use crate::import::{Kind, parallel};

const API: &str = "/api/3.0/mlflow/traces";
/// Tags that a server makes itself.
const OWN: [&str; 4] = [
    "mlflow.artifactLocation",
    "mlflow.trace.spansLocation",
    "mlflow.trace.archiveLocation",
    "mlflow.trace.archivalFailure",
];
/// Characters of tags and of metadata that clients get, at most.
const LONGEST: [(&str, usize); 2] = [("tags", 4_096), ("trace_metadata", 250)];
/// About the most bytes of spans of one request.
const BYTES: usize = 8 << 20;

pub(super) fn all(import: &Import<'_>, experiments: &[ProjectRecord], kinds: &Kinds) -> anyhow::Result<()> {
    import.progress.begin("traces", import.source.count(Counted::Traces));
    for experiment in experiments {
        let number = import.number(experiment.number)?.to_string();
        let read = |page: Option<&str>| import.source.traces(experiment.number, page);
        pages(read, |page| {
            let count = page.len() as u64;
            some(import, page, &number, kinds)?;
            import.progress.more(count);
            Ok(())
        })?;
    }
    Ok(())
}

/// A trace as it is compared, and its assessments by their ids.
#[derive(Clone)]
struct Text {
    trace: Value,
    assessments: BTreeMap<String, Value>,
}

fn some(import: &Import<'_>, mut page: Vec<SourceTrace>, experiment: &str, kinds: &Kinds) -> anyhow::Result<()> {
    for trace in &mut page {
        trace.info["trace_location"] =
            json!({"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}});
    }
    let there: Vec<Text> = page.iter().map(|trace| text(&trace.info, &trace.spans)).collect();
    let ids: Vec<&str> = page.iter().map(|trace| trace.id.as_str()).collect();
    let before = here(import, &ids)?;
    let is_same = |(trace, there): &(&SourceTrace, &Text)| {
        before.get(&trace.id).is_some_and(|here| {
            let same = |there: &Value, here: &Value| masked(there, here) == said(there, here);
            let assessed = |(id, there): (&String, &Value)| here.assessments.get(id).is_some_and(|h| same(there, h));
            same(&there.trace, &here.trace) && there.assessments.iter().all(assessed)
        })
    };
    let new: Vec<&SourceTrace> =
        page.iter().zip(&there).filter(|both| !is_same(both)).map(|(trace, _)| trace).collect();
    let refused = write(import, &new, experiment)?;
    link(import, &new)?;
    let after = if new.is_empty() { before.clone() } else { here(import, &ids)? };
    for (trace, there) in page.iter().zip(&there) {
        if let Some(why) = refused.get(&trace.id) {
            kinds.traces.refused(&trace.id, why);
            continue;
        }
        if !before.contains_key(&trace.id) {
            kinds.traces.added();
        }
        let here = after.get(&trace.id);
        compare(&kinds.traces, &trace.id, &there.trace, here.map(|here| &here.trace));
        for (id, assessment) in &there.assessments {
            if before.get(&trace.id).is_none_or(|before| !before.assessments.contains_key(id)) {
                kinds.assessments.added();
            }
            compare(&kinds.assessments, id, assessment, here.and_then(|here| here.assessments.get(id)));
        }
    }
    Ok(())
}

/// Compares one with what is here. What redaction took out is no difference, and is counted.
fn compare(kind: &Kind, id: &str, there: &Value, here: Option<&Value>) {
    let shown = here.map(|here| said(there, here).to_string());
    let wanted = here.map_or_else(|| there.clone(), |here| masked(there, here));
    if wanted != *there {
        kind.masked();
    }
    kind.compare(id, &wanted.to_string(), shown.as_deref());
}

/// Writes traces; gives what was refused, and why.
fn write(import: &Import<'_>, new: &[&SourceTrace], experiment: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let refused = parking_lot::Mutex::new(BTreeMap::new());
    parallel::each(new.to_vec(), |trace| {
        let body = json!({"trace": {"trace_info": trace.info}});
        if let Err(why) = import.target.ask(Method::POST, API, &[], &body) {
            refused.lock().insert(trace.id.clone(), why.to_string());
        }
        Ok(())
    })?;
    let refused = refused.into_inner();
    let taken = new.iter().filter(|trace| !refused.contains_key(&trace.id));
    let (mut together, mut bytes) = (Vec::new(), 0);
    for span in taken.flat_map(|trace| &trace.spans) {
        bytes += span.to_string().len();
        together.push(span);
        if bytes > BYTES {
            send(import, &std::mem::take(&mut together), experiment)?;
            bytes = 0;
        }
    }
    if !together.is_empty() {
        send(import, &together, experiment)?;
    }
    Ok(refused)
}

fn send(import: &Import<'_>, spans: &[&Value], experiment: &str) -> anyhow::Result<()> {
    let body = json!({"resource_spans": [{"scope_spans": [{"spans": spans}]}]});
    import.target.ask(Method::POST, "/v1/traces", &[("x-mlflow-experiment-id", experiment)], &body)?;
    Ok(())
}

fn link(import: &Import<'_>, new: &[&SourceTrace]) -> anyhow::Result<()> {
    for trace in new {
        for run in &trace.runs {
            let body = json!({"trace_ids": [trace.id], "run_id": run});
            import.target.ask(Method::POST, "/api/2.0/mlflow/traces/link-to-run", &[], &body)?;
        }
        let versions = trace.prompts.iter().filter_map(|prompt| prompt.rsplit_once('/'));
        let versions: Vec<Value> = versions.map(|(name, version)| json!({"name": name, "version": version})).collect();
        if !versions.is_empty() {
            let body = json!({"trace_id": trace.id, "prompt_versions": versions});
            import.target.ask(Method::POST, "/api/2.0/mlflow/traces/link-prompts", &[], &body)?;
        }
    }
    Ok(())
}

/// Those traces that are here.
fn here(import: &Import<'_>, ids: &[&str]) -> anyhow::Result<BTreeMap<String, Text>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let infos = format!("{API}/batchGetInfos");
    let mut infos = import.target.ask(Method::POST, &infos, &[], &json!({"trace_ids": ids}))?;
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(ids.iter().map(|id| ("trace_ids", id))).finish();
    let mut whole = import.target.ask(Method::GET, &format!("{API}/batchGet?{query}"), &[], &Value::Null)?;
    let list = |of: &mut Value| match of.take() {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    let id = |info: &Value| info["trace_id"].as_str().unwrap_or_default().to_owned();
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut trace in list(&mut whole["traces"]) {
        let spans = list(&mut trace["spans"]).into_iter().map(spans::of_wire).collect();
        all.insert(id(&trace["trace_info"]), spans);
    }
    let infos = list(&mut infos["trace_infos"]).into_iter();
    Ok(infos.map(|info| (id(&info), text(&info, all.get(&id(&info)).map(Vec::as_slice).unwrap_or_default()))).collect())
}

fn text(info: &Value, spans: &[Value]) -> Text {
    let mut info = info.clone();
    let assessments = match info["assessments"].take() {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    let texts = info["tags"].as_object_mut();
    texts.into_iter().for_each(|tags| OWN.iter().for_each(|own| drop(tags.remove(*own))));
    for (name, most) in LONGEST {
        for text in info[name].as_object_mut().into_iter().flat_map(|texts| texts.values_mut()) {
            if let Some(cut) = text.as_str().and_then(|text| Some(text[..text.char_indices().nth(most)?.0].to_owned()))
            {
                *text = Value::from(cut);
            }
        }
    }
    let mut compared: Vec<Value> = spans.iter().map(spans::compared).collect();
    compared.sort_by_key(|span| span["span_id"].as_str().unwrap_or_default().to_owned());
    let assessments = assessments.iter().map(|assessment| {
        (assessment["assessment_id"].as_str().unwrap_or_default().to_owned(), ordered(&judged(assessment)))
    });
    Text { trace: ordered(&json!({"info": info, "spans": compared})), assessments: assessments.collect() }
}

/// An assessment with the value of an expectation as what its text holds.
fn judged(assessment: &Value) -> Value {
    let mut judged = assessment.clone();
    let text = assessment["expectation"]["serialized_value"]["value"].as_str();
    if let Some(value) = text.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        judged["expectation"] = json!({"value": value});
    }
    judged
}
