//! Figures out of a file or a server.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use weir_core::time::{Micros, to_rfc3339};
use weir_store::telemetry::{Dimension, StatsQuery, StepsQuery, Telemetry, TimeRange};

use super::reading::{BranchShare, CallFigures, DECISION};
use crate::backend::{Backend, Server};
use crate::error::SdkError;
use crate::http;
use crate::llm::wait;

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 16 << 20;
/// Workflows that a server is asked about.
const MAX_WORKFLOWS: usize = 100;

/// The figures of all calls that started in a time.
pub(super) fn calls(
    backend: &Backend,
    project: Option<&str>,
    from: Micros,
    to: Micros,
) -> Result<CallFigures, SdkError> {
    match backend {
        Backend::File(file) => {
            let query = StatsQuery {
                range: TimeRange { from: Some(from), to: Some(to) },
                filters: project.map(|name| (Dimension::Project, vec![name.to_owned()])).into_iter().collect(),
                ..StatsQuery::default()
            };
            let total = file.open()?.store()?.stats(&query)?.total;
            Ok(CallFigures {
                count: total.count,
                errors: total.errors,
                tokens: total.tokens.total(),
                cost_usd: total.cost.as_usd(),
                unpriced: total.unpriced,
                latency_sum_ms: total.latency_sum_us as f64 / 1_000.0,
            })
        }
        Backend::Server(server) => {
            let answer: StatsAnswer = get(server, &["api", "v1", "stats"], project, from, to)?;
            let StatsAnswer { total } = answer;
            Ok(CallFigures {
                count: total.count,
                errors: total.errors,
                tokens: total.tokens.total,
                cost_usd: total.cost_usd,
                unpriced: total.unpriced,
                latency_sum_ms: total.latency_ms.avg.unwrap_or_default() * total.count as f64,
            })
        }
    }
}

/// Every branch that was taken in a time.
pub(super) fn branches(
    backend: &Backend,
    project: Option<&str>,
    from: Micros,
    to: Micros,
) -> Result<Vec<BranchShare>, SdkError> {
    let taken = match backend {
        Backend::File(file) => {
            let query = StepsQuery {
                range: TimeRange { from: Some(from), to: Some(to) },
                kind: DECISION,
                project: project.map(str::to_owned),
                workflow: None,
                bucket: None,
            };
            let steps = file.open()?.store()?.steps(&query)?;
            steps
                .into_iter()
                .map(|step| BranchShare {
                    workflow: step.workflow,
                    from_node: step.step,
                    to_node: step.target.unwrap_or_default(),
                    count: step.total.count,
                    of: 0,
                })
                .collect()
        }
        Backend::Server(server) => {
            let list: WorkflowList = get(server, &["api", "v1", "workflows"], project, from, to)?;
            // The same workflow in several projects stands there several times.
            let names: BTreeSet<String> =
                list.workflows.into_iter().filter(|w| w.decisions > 0).map(|w| w.name.unwrap_or("-".into())).collect();
            let mut taken = Vec::new();
            for name in names.iter().take(MAX_WORKFLOWS) {
                let graph: Graph = get(server, &["api", "v1", "workflows", name], project, from, to)?;
                taken.extend(graph.edges.into_iter().map(|edge| BranchShare {
                    workflow: graph.name.clone(),
                    from_node: edge.from,
                    to_node: edge.to,
                    count: edge.count,
                    of: 0,
                }));
            }
            taken
        }
    };
    Ok(with_shares(taken))
}

/// Puts branches of one name together (they may be of several projects) and adds how often their node decided.
fn with_shares(taken: Vec<BranchShare>) -> Vec<BranchShare> {
    type Node = (Option<String>, String);
    let mut counts: BTreeMap<(Node, String), u64> = BTreeMap::new();
    let mut nodes: BTreeMap<Node, u64> = BTreeMap::new();
    for branch in taken {
        let node = (branch.workflow, branch.from_node);
        *nodes.entry(node.clone()).or_default() += branch.count;
        *counts.entry((node, branch.to_node)).or_default() += branch.count;
    }
    counts
        .into_iter()
        .map(|((node, to_node), count)| {
            let of = nodes.get(&node).copied().unwrap_or_default();
            let (workflow, from_node) = node;
            BranchShare { workflow, from_node, to_node, count, of }
        })
        .collect()
}

#[derive(Deserialize)]
struct StatsAnswer {
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    count: u64,
    errors: u64,
    tokens: Tokens,
    cost_usd: f64,
    unpriced: u64,
    latency_ms: Latency,
}

#[derive(Deserialize)]
struct Tokens {
    total: u64,
}

#[derive(Deserialize)]
struct Latency {
    avg: Option<f64>,
}

#[derive(Deserialize)]
struct WorkflowList {
    workflows: Vec<WorkflowRow>,
}

#[derive(Deserialize)]
struct WorkflowRow {
    name: Option<String>,
    decisions: u64,
}

#[derive(Deserialize)]
struct Graph {
    name: Option<String>,
    edges: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    from: String,
    to: String,
    count: u64,
}

/// Asks a server about a time.
fn get<T: serde::de::DeserializeOwned>(
    server: &Server,
    path: &[&str],
    project: Option<&str>,
    from: Micros,
    to: Micros,
) -> Result<T, SdkError> {
    let mut url = server.endpoint(path);
    url.query_pairs_mut().append_pair("from", &to_rfc3339(from)).append_pair("to", &to_rfc3339(to));
    if let Some(project) = project {
        url.query_pairs_mut().append_pair("project", project);
    }
    let request = server.client()?.get(url);
    let body = wait(async move {
        let failed = |why: String| SdkError::Server(format!("the Weir server cannot be asked: {why}"));
        let answer = request.send().await.map_err(|e| failed(http::cause(&e)))?;
        let status = answer.status();
        let body =
            http::read_bounded(answer, MAX_ANSWER).await.map_err(|_| failed("its answer breaks off".to_owned()))?;
        if status.is_success() {
            return Ok(body);
        }
        let said = http::error_message(&body).unwrap_or_default();
        Err(SdkError::Server(format!("the Weir server answered {}: {said}", status.as_u16())))
    })??;
    serde_json::from_slice(&body).map_err(|e| SdkError::Server(format!("the server's answer is not Weir's: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_decisions_of_a_node_of_a_workflow() {
        let taken = |workflow: &str, to: &str, count| BranchShare {
            workflow: Some(workflow.to_owned()),
            from_node: "classify".into(),
            to_node: to.into(),
            count,
            of: 0,
        };
        let shares = with_shares(vec![taken("a", "x", 2), taken("a", "y", 5), taken("b", "x", 1), taken("a", "x", 1)]);
        let seen: Vec<_> = shares.iter().map(|b| (b.workflow.as_deref(), &*b.to_node, b.count, b.of)).collect();
        assert_eq!(seen, [(Some("a"), "x", 3, 8), (Some("a"), "y", 5, 8), (Some("b"), "x", 1, 1)]);
    }

    #[test]
    fn the_servers_figures_are_read_from_its_answer() {
        let json = r#"{"from":"x","to":"y","bucket":null,"group_by":[],"groups":[],"total":{"count":2,"errors":1,
            "error_rate":0.5,"cache_hits":0,"tokens":{"prompt":1,"total":30},"cost_usd":0.25,"unpriced":0,
            "latency_ms":{"avg":10.5,"p50":1.0,"p95":1.0,"p99":1.0}}}"#;
        let answer: StatsAnswer = serde_json::from_str(json).unwrap();
        assert_eq!((answer.total.tokens.total, answer.total.latency_ms.avg), (30, Some(10.5)));
    }
}
