//! What the store knows of workflows, as the answers of `/api/v1/workflows`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use weir_core::error::{Code, Error};
use weir_core::experiment::{LEAST, Share};
use weir_core::span::SpanKind;
use weir_core::time::{Micros, to_rfc3339};
use weir_store::telemetry::{StepFigures, StepGroup, StepsQuery, Telemetry};

use super::params::Pairs;
use super::read::refusal;
use super::when::print_duration;
use super::workflow_graph::{Edge, Graph, MAX_SERIES};
use super::workflow_json::{
    ChangeJson, EdgeJson, NodeJson, ShareTestJson, ToolBucketJson, ToolFiguresJson, ToolJson, WorkflowAnswer,
    WorkflowBucketJson, WorkflowList, WorkflowRowJson,
};
use super::workflow_query::{self, WorkflowQuery};

/// Most workflows of a list, and most tools of a graph.
const MAX_ROWS: usize = 1_000;
/// So many groups of steps are the most that a store gives.
const MAX_GROUPS: usize = 10_000;
/// Names that a refusal lists.
const MAX_NAMED: usize = 10;

/// The list of workflows.
///
/// # Errors
/// A wrong parameter, or a store that cannot answer.
pub fn list_workflows(store: &dyn Telemetry, pairs: &Pairs, now: Micros) -> Result<WorkflowList, Error> {
    let query = workflow_query::query(pairs, now)?;
    let mut rows: BTreeMap<(Option<String>, Option<String>), Row> = BTreeMap::new();
    let mut truncated = false;
    for kind in KINDS {
        let groups = steps(store, &query.now(kind, None), &mut truncated)?;
        for group in groups {
            rows.entry((group.workflow.clone(), group.project.clone())).or_default().add(kind, &group);
        }
    }
    let row = |((name, project), row): (_, Row)| row.json(name, project, query.bucket.is_some());
    let mut workflows: Vec<WorkflowRowJson> = rows.into_iter().map(row).collect();
    workflows.sort_by_key(|w| Reverse(w.decisions.saturating_add(w.tool_calls).saturating_add(w.retrievals)));
    truncated |= workflows.len() > MAX_ROWS;
    workflows.truncate(MAX_ROWS);
    Ok(WorkflowList {
        from: to_rfc3339(query.from),
        to: to_rfc3339(query.to),
        bucket: query.bucket.map(print_duration),
        workflows,
        truncated,
    })
}

/// The graph of a workflow; the name `-` stands for the steps that name none.
///
/// # Errors
/// A wrong parameter, no steps of such a workflow, or a store that cannot answer.
pub fn get_workflow(store: &dyn Telemetry, name: &str, pairs: &Pairs, now: Micros) -> Result<WorkflowAnswer, Error> {
    let query = workflow_query::query(pairs, now)?;
    let workflow = workflow_query::workflow(name);
    let mut truncated = false;
    let mut read = |kind| -> Result<Windows, Error> {
        Ok(Windows {
            now: steps(store, &query.now(kind, Some(workflow.clone())), &mut truncated)?,
            before: steps(store, &query.before(kind, Some(workflow.clone())), &mut truncated)?,
        })
    };
    let [branches, tools, retrievers] = [read(SpanKind::Branch)?, read(SpanKind::Tool)?, read(SpanKind::Retriever)?];
    let all = || [&branches, &tools, &retrievers].into_iter().flat_map(Windows::all);
    if all().next().is_none() {
        return Err(unknown(store, name, &query)?);
    }
    let projects: BTreeSet<Option<String>> = all().map(|group| group.project.clone()).collect();
    let graph = Graph::of(&branches.now, &branches.before);
    let (tools, retrievers) = (tools.pairs(), retrievers.pairs());
    let comparisons =
        compared_edges(&graph.edges) + [&tools, &retrievers].into_iter().flatten().filter(|t| t.is_compared()).count();
    let sum = |groups: &[StepGroup]| groups.iter().fold(0u64, |sum, group| sum.saturating_add(group.total.count));
    truncated |= graph.left_out > 0 || tools.len() > MAX_ROWS || retrievers.len() > MAX_ROWS;
    let bucketed = query.bucket.is_some();
    let as_json = |tools: Vec<Pair>| {
        let json = |(n, tool): (usize, Pair)| tool.json(comparisons, bucketed && n < MAX_SERIES);
        tools.into_iter().take(MAX_ROWS).enumerate().map(json).collect()
    };
    Ok(WorkflowAnswer {
        name: workflow,
        projects: projects.into_iter().collect(),
        from: to_rfc3339(query.from),
        to: to_rfc3339(query.to),
        before_from: to_rfc3339(query.before_from()),
        bucket: query.bucket.map(print_duration),
        decisions: sum(&branches.now),
        decisions_before: sum(&branches.before),
        nodes: graph.nodes.iter().map(NodeJson::from).collect(),
        edges: graph.edges.into_iter().map(|edge| EdgeJson::new(edge, comparisons, bucketed)).collect(),
        tools: as_json(tools),
        retrievers: as_json(retrievers),
        truncated,
        test: ShareTestJson::new(comparisons),
    })
}

const KINDS: [SpanKind; 3] = [SpanKind::Branch, SpanKind::Tool, SpanKind::Retriever];

fn steps(store: &dyn Telemetry, query: &StepsQuery, truncated: &mut bool) -> Result<Vec<StepGroup>, Error> {
    let groups = store.steps(query).map_err(refusal)?;
    *truncated |= groups.len() >= MAX_GROUPS;
    Ok(groups)
}

/// That there is no such workflow, with what there is: the most alike first.
fn unknown(store: &dyn Telemetry, name: &str, query: &WorkflowQuery) -> Result<Error, Error> {
    let mut names = BTreeSet::new();
    for kind in KINDS {
        let totals = StepsQuery { bucket: None, ..query.now(kind, None) };
        let groups = store.steps(&totals).map_err(refusal)?;
        names.extend(groups.into_iter().map(|g| g.workflow.unwrap_or_else(|| "-".to_owned())));
    }
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by(|a, b| strsim::jaro_winkler(name, b).total_cmp(&strsim::jaro_winkler(name, a)));
    let what = match workflow_query::workflow(name) {
        Some(name) => format!("the workflow \"{name}\" has no steps"),
        None => "there are no steps that name no workflow".to_owned(),
    };
    let (from, to) = (to_rfc3339(query.before_from()), to_rfc3339(query.to));
    let there = match names.as_slice() {
        [] => "no other has either; ask for a longer range".to_owned(),
        some => {
            let more = if some.len() > MAX_NAMED { ", ..." } else { "" };
            format!(
                "workflows that have: {}{more}",
                some.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ")
            )
        }
    };
    Ok(Error::new(Code::NotFound, format!("{what} from {from} to {to}; {there}")))
}

/// Comparisons among edges. Where a node is left by two ways, one share says the other: they are one comparison. Where it
/// is left by one way only there is nothing to compare.
fn compared_edges(edges: &[Edge]) -> usize {
    let mut of_node: BTreeMap<&str, usize> = BTreeMap::new();
    for edge in edges.iter().filter(|e| e.left.now >= LEAST && e.left.before >= LEAST) {
        *of_node.entry(&edge.from).or_default() += 1;
    }
    of_node.values().map(|ways| if *ways > 2 { *ways } else { ways - 1 }).sum()
}

/// The steps of one kind in both windows.
struct Windows {
    now: Vec<StepGroup>,
    before: Vec<StepGroup>,
}

/// A tool in both windows, of which it is in one at least.
#[derive(Default)]
struct Pair {
    now: Option<StepGroup>,
    before: Option<StepGroup>,
}

impl Windows {
    fn all(&self) -> impl Iterator<Item = &StepGroup> {
        self.now.iter().chain(&self.before)
    }

    /// By project and name, most calls first.
    fn pairs(self) -> Vec<Pair> {
        let mut pairs: BTreeMap<(Option<String>, String), Pair> = BTreeMap::new();
        let key = |group: &StepGroup| (group.project.clone(), group.step.clone());
        for group in self.now {
            let pair = pairs.entry(key(&group)).or_default();
            pair.now = Some(group);
        }
        for group in self.before {
            let pair = pairs.entry(key(&group)).or_default();
            pair.before = Some(group);
        }
        let mut pairs: Vec<Pair> = pairs.into_values().collect();
        pairs.sort_by_key(|p| Reverse((p.failed().of, p.failed_before().of)));
        pairs
    }
}

impl Pair {
    fn failed(&self) -> Share {
        self.now.as_ref().map(failed).unwrap_or_default()
    }

    fn failed_before(&self) -> Share {
        self.before.as_ref().map(failed).unwrap_or_default()
    }

    fn is_compared(&self) -> bool {
        self.failed().of >= LEAST && self.failed_before().of >= LEAST
    }

    fn json(self, comparisons: usize, with_series: bool) -> ToolJson {
        let change = ChangeJson::of(self.failed_before(), self.failed(), comparisons);
        let bucket = |(start, figures): &(Micros, StepFigures)| ToolBucketJson {
            start: to_rfc3339(*start),
            figures: figures.into(),
        };
        let figures =
            |group: &Option<StepGroup>| group.as_ref().map(|g| ToolFiguresJson::from(&g.total)).unwrap_or_default();
        let either = self.now.as_ref().or(self.before.as_ref());
        ToolJson {
            figures: figures(&self.now),
            before: figures(&self.before),
            change,
            series: with_series.then(|| self.now.iter().flat_map(|g| &g.series).map(bucket).collect()),
            name: either.map(|g| g.step.clone()).unwrap_or_default(),
            project: either.and_then(|g| g.project.clone()),
        }
    }
}

fn failed(group: &StepGroup) -> Share {
    Share { hits: group.total.errors, of: group.total.count }
}

/// A workflow of the list, summed up.
#[derive(Default)]
struct Row {
    decisions: StepFigures,
    tools: StepFigures,
    retrievals: StepFigures,
    series: BTreeMap<Micros, WorkflowBucketJson>,
}

impl Row {
    fn add(&mut self, kind: SpanKind, group: &StepGroup) {
        let sum = match kind {
            SpanKind::Branch => &mut self.decisions,
            SpanKind::Tool => &mut self.tools,
            _ => &mut self.retrievals,
        };
        sum.count = sum.count.saturating_add(group.total.count);
        sum.errors = sum.errors.saturating_add(group.total.errors);
        for (start, figures) in &group.series {
            let bucket = self.series.entry(*start).or_default();
            let n = match kind {
                SpanKind::Branch => &mut bucket.decisions,
                SpanKind::Tool => {
                    bucket.tool_errors = bucket.tool_errors.saturating_add(figures.errors);
                    &mut bucket.tool_calls
                }
                _ => &mut bucket.retrievals,
            };
            *n = n.saturating_add(figures.count);
        }
    }

    fn json(self, name: Option<String>, project: Option<String>, with_series: bool) -> WorkflowRowJson {
        let bucket =
            |(start, bucket): (Micros, WorkflowBucketJson)| WorkflowBucketJson { start: to_rfc3339(start), ..bucket };
        WorkflowRowJson {
            name,
            project,
            decisions: self.decisions.count,
            tool_calls: self.tools.count,
            tool_errors: self.tools.errors,
            tool_error_rate: Share { hits: self.tools.errors, of: self.tools.count }.rate(),
            retrievals: self.retrievals.count,
            retrieval_errors: self.retrievals.errors,
            series: with_series.then(|| self.series.into_iter().map(bucket).collect()),
        }
    }
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
