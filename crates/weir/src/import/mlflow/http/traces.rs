//! Traces with spans and assessments.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::values::{list, text, token};
use super::{API, Server};
use crate::import::mlflow::source::{Page, SourceTrace};
use crate::import::mlflow::spans;

const TRACES: &str = "api/3.0/mlflow/traces";
/// Traces of one page: each comes with all its spans.
const PAGE: u64 = 50;
/// Runs and traces of one page where only their ids are looked for.
const IDS: u64 = 500;
/// Where a trace's spans are, if the server has them.
const SPANS: &str = "mlflow.trace.spansLocation";

impl Server {
    pub(super) fn traces_of(&self, experiment: i64, page: Option<&str>) -> Page<SourceTrace> {
        let page = page.unwrap_or_default();
        // What comes meanwhile comes last.
        let mut answer = self.search(experiment, "", PAGE, page)?;
        let infos = list(&mut answer, "traces");
        let stored = infos.iter().filter(|info| info["tags"][SPANS] == "TRACKING_STORE");
        let ids: Vec<String> = stored.map(|info| text(info, "trace_id")).collect();
        let mut spans = self.spans(&ids)?;
        let trace = |info: Value| {
            let id = text(&info, "trace_id");
            SourceTrace { spans: spans.remove(&id).unwrap_or_default(), id, info, ..SourceTrace::default() }
        };
        let mut traces: Vec<SourceTrace> = infos.into_iter().map(trace).collect();
        if page.is_empty() && !traces.is_empty() {
            self.note_links(experiment)?;
        }
        let links = self.links.lock();
        for trace in &mut traces {
            trace.runs = links.get(&trace.id).cloned().unwrap_or_default();
        }
        Ok((traces, token(&answer, page)))
    }

    fn search(&self, experiment: i64, filter: &str, most: u64, page: &str) -> anyhow::Result<Value> {
        let location =
            json!({"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment.to_string()}});
        let mut body = json!({"locations": [location], "max_results": most, "order_by": ["timestamp_ms ASC"]});
        for (name, value) in [("filter", filter), ("page_token", page)] {
            if !value.is_empty() {
                body[name] = Value::from(value);
            }
        }
        self.client.post(&format!("{TRACES}/search"), &body)
    }

    fn spans(&self, ids: &[String]) -> anyhow::Result<HashMap<String, Vec<Value>>> {
        let mut found = HashMap::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let query: Vec<_> = ids.iter().map(|id| ("trace_ids", id.as_str())).collect();
        let mut answer = self.client.get(&format!("{TRACES}/batchGet"), &query)?;
        for mut trace in list(&mut answer, "traces") {
            let spans = list(&mut trace, "spans").into_iter().map(spans::of_wire).collect();
            found.insert(text(&trace["trace_info"], "trace_id"), spans);
        }
        Ok(found)
    }

    /// Finds which traces runs of an experiment are linked to. The server tells it by run alone.
    fn note_links(&self, experiment: i64) -> anyhow::Result<()> {
        let mut links: HashMap<String, Vec<String>> = HashMap::new();
        let mut sent = String::new();
        loop {
            let body = json!({"experiment_ids": [experiment.to_string()], "run_view_type": "ALL", "max_results": IDS,
                "page_token": sent});
            let mut answer = self.client.post(&format!("{API}/runs/search"), &body)?;
            for run in list(&mut answer, "runs") {
                let run = text(&run["info"], "run_id");
                for trace in self.linked(experiment, &run)? {
                    links.entry(trace).or_default().push(run.clone());
                }
            }
            match token(&answer, &sent) {
                Some(token) => sent = token,
                None => break,
            }
        }
        *self.links.lock() = links;
        Ok(())
    }

    /// Traces of a run that do not say so themselves.
    fn linked(&self, experiment: i64, run: &str) -> anyhow::Result<Vec<String>> {
        let (mut found, mut sent) = (Vec::new(), String::new());
        loop {
            let mut answer = self.search(experiment, &format!("run_id = '{run}'"), IDS, &sent)?;
            let infos = list(&mut answer, "traces");
            let other = infos.iter().filter(|info| info["trace_metadata"]["mlflow.sourceRun"] != *run);
            found.extend(other.map(|info| text(info, "trace_id")));
            match token(&answer, &sent) {
                Some(token) => sent = token,
                None => return Ok(found),
            }
        }
    }
}
