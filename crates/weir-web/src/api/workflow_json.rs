//! Workflows as JSON: the list of them, and the graph of one with its tools.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::experiment::{LEAST, Share, share_p_value};
use weir_core::time::to_rfc3339;
use weir_store::telemetry::StepFigures;

use super::workflow_graph::{Edge, Node};

/// The name of the test.
const TEST: &str = "two-proportion z test, two-sided, with continuity correction";
/// Where it is described.
const SOURCE: &str = "Fleiss, Levin, Paik: Statistical Methods for Rates and Proportions, 3rd ed. 2003, section 3.2";
/// A p-value below it is a change.
const LEVEL: f64 = 0.05;

/// The workflows that had steps in a window of time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkflowList {
    /// First instant inside, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant after, RFC 3339.
    #[schema(format = DateTime)]
    pub to: String,
    /// Width of the buckets, as `1h`; null when only totals were asked for.
    pub bucket: Option<String>,
    /// The workflows, most steps first.
    pub workflows: Vec<WorkflowRowJson>,
    /// Whether there are more steps or workflows than are looked at: ask for a project or a shorter range.
    pub truncated: bool,
}

/// A workflow.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkflowRowJson {
    /// Its name; null for the steps that name none (`-` in the path of the graph).
    pub name: Option<String>,
    /// The project; null for the steps that name none.
    pub project: Option<String>,
    /// Decisions.
    pub decisions: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// Those that failed.
    pub tool_errors: u64,
    /// Failed calls of tools, 0 to 1; null without calls.
    pub tool_error_rate: Option<f64>,
    /// Retrievals of documents.
    pub retrievals: u64,
    /// Those that failed.
    pub retrieval_errors: u64,
    /// Per bucket that has steps, ascending. Only with `bucket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<WorkflowBucketJson>>,
}

/// The steps of a workflow in one bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowBucketJson {
    /// When the bucket starts, RFC 3339.
    #[schema(format = DateTime)]
    pub start: String,
    /// Decisions.
    pub decisions: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// Those that failed.
    pub tool_errors: u64,
    /// Retrievals of documents.
    pub retrievals: u64,
}

/// The graph of a workflow, its tools and its retrievers, in a window of time and against the one before.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkflowAnswer {
    /// The workflow's name; null for the steps that name none.
    pub name: Option<String>,
    /// The projects in which it had steps; null for the steps that name none.
    pub projects: Vec<Option<String>>,
    /// First instant inside, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant after, RFC 3339.
    #[schema(format = DateTime)]
    pub to: String,
    /// Where the window before begins, RFC 3339; it ends at `from`.
    #[schema(format = DateTime)]
    pub before_from: String,
    /// Width of the buckets, as `1h`; null when only totals were asked for.
    pub bucket: Option<String>,
    /// Decisions.
    pub decisions: u64,
    /// Decisions in the window before.
    pub decisions_before: u64,
    /// What decisions leave or enter, in the order of the flow.
    pub nodes: Vec<NodeJson>,
    /// The ways that decisions took, by the node that they leave, the most frequent first. At most 1,000.
    pub edges: Vec<EdgeJson>,
    /// The tools, most calls first. At most 1,000.
    pub tools: Vec<ToolJson>,
    /// The retrievers, most calls first. At most 1,000.
    pub retrievers: Vec<ToolJson>,
    /// Whether there are more steps than are shown.
    pub truncated: bool,
    /// How changes are judged.
    pub test: ShareTestJson,
}

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeJson {
    /// Its name.
    pub name: String,
    /// How often it was visited: the greater of `entered` and `left`.
    pub visits: u64,
    /// The same in the window before.
    pub visits_before: u64,
    /// Decisions that led to it.
    pub entered: u64,
    /// Decisions that were made in it.
    pub left: u64,
}

/// The decisions from a node to another.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EdgeJson {
    /// The node that was left.
    pub from: String,
    /// The node that was entered.
    pub to: String,
    /// How often.
    pub count: u64,
    /// How often the decision itself failed.
    pub errors: u64,
    /// Share of all decisions that left `from`, 0 to 1; null without any.
    pub share: Option<f64>,
    /// The window before.
    pub before: EdgeBeforeJson,
    /// The share against the one before.
    pub change: ChangeJson,
    /// Per bucket in which `from` was left, ascending. Only with `bucket`, for the hundred most frequent edges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<EdgeBucketJson>>,
}

/// An edge in the window before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EdgeBeforeJson {
    /// How often.
    pub count: u64,
    /// Share of all decisions that left the node, 0 to 1; null without any.
    pub share: Option<f64>,
}

/// An edge in one bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EdgeBucketJson {
    /// When the bucket starts, RFC 3339.
    #[schema(format = DateTime)]
    pub start: String,
    /// How often.
    pub count: u64,
    /// Share of all decisions that left the node in the bucket, 0 to 1.
    pub share: Option<f64>,
}

/// A share against the one of the window before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeJson {
    /// The share minus the one before; null where one of them is not known.
    pub difference: Option<f64>,
    /// Two-sided p-value, corrected for the number of comparisons; null with too few values in one of the windows.
    pub p_value: Option<f64>,
    /// `higher`, `lower`, `no change found` or `too few`.
    pub verdict: String,
}

/// A tool or a retriever.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ToolJson {
    /// Its name.
    pub name: String,
    /// The project; null for the calls that name none.
    pub project: Option<String>,
    /// The figures of the window.
    #[serde(flatten)]
    pub figures: ToolFiguresJson,
    /// The window before.
    pub before: ToolFiguresJson,
    /// The error rate against the one before.
    pub change: ChangeJson,
    /// Per bucket that has calls, ascending. Only with `bucket`, for the hundred with the most calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<ToolBucketJson>>,
}

/// How often a tool was called, how often it failed and how long it took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolFiguresJson {
    /// Calls.
    pub calls: u64,
    /// Those that failed.
    pub errors: u64,
    /// Failed calls, 0 to 1; null without calls.
    pub error_rate: Option<f64>,
    /// How long they took.
    pub duration_ms: DurationsJson,
}

/// Durations in milliseconds; null without calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DurationsJson {
    /// Mean.
    pub mean: Option<f64>,
    /// Median, within 1 %.
    pub p50: Option<f64>,
    /// 95th percentile, within 1 %.
    pub p95: Option<f64>,
    /// 99th percentile, within 1 %.
    pub p99: Option<f64>,
}

/// A tool in one bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToolBucketJson {
    /// When the bucket starts, RFC 3339.
    #[schema(format = DateTime)]
    pub start: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: ToolFiguresJson,
}

/// The test behind the verdicts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShareTestJson {
    /// Its name.
    pub name: String,
    /// Where it is described.
    pub source: String,
    /// A p-value below it is called a change.
    pub level: f64,
    /// Comparisons that it is divided among (Bonferroni).
    pub comparisons: usize,
    /// Values that each window needs for a verdict.
    pub least: u64,
}

impl ShareTestJson {
    pub(super) fn new(comparisons: usize) -> Self {
        Self { name: TEST.to_owned(), source: SOURCE.to_owned(), level: LEVEL, comparisons, least: LEAST }
    }
}

impl ChangeJson {
    /// A share against the one before, as one of so many comparisons.
    pub(super) fn of(before: Share, now: Share, comparisons: usize) -> Self {
        let difference = now.rate().zip(before.rate()).map(|(now, before)| now - before);
        let p_value = share_p_value(before, now).map(|p| (p * comparisons.max(1) as f64).min(1.0));
        let verdict = match p_value {
            None => "too few",
            Some(p) if p >= LEVEL => "no change found",
            Some(_) if difference.is_some_and(|d| d > 0.0) => "higher",
            Some(_) => "lower",
        };
        Self { difference, p_value, verdict: verdict.to_owned() }
    }
}

impl From<&Node> for NodeJson {
    fn from(node: &Node) -> Self {
        let visits = node.visits();
        Self {
            name: node.name.clone(),
            visits: visits.now,
            visits_before: visits.before,
            entered: node.entered.now,
            left: node.left.now,
        }
    }
}

impl EdgeJson {
    pub(super) fn new(edge: Edge, comparisons: usize, with_series: bool) -> Self {
        let (now, before) = (edge.share(), edge.share_before());
        let bucket = |(start, share): (i64, Share)| EdgeBucketJson {
            start: to_rfc3339(start),
            count: share.hits,
            share: share.rate(),
        };
        Self {
            from: edge.from,
            to: edge.to,
            count: edge.count.now,
            errors: edge.errors,
            share: now.rate(),
            before: EdgeBeforeJson { count: edge.count.before, share: before.rate() },
            change: ChangeJson::of(before, now, comparisons),
            series: edge.series.filter(|_| with_series).map(|all| all.into_iter().map(bucket).collect()),
        }
    }
}

impl From<&StepFigures> for ToolFiguresJson {
    fn from(f: &StepFigures) -> Self {
        let of_calls = |n: u64| (f.count > 0).then(|| n as f64 / f.count as f64);
        let millis = |us: Option<f64>| us.map(|us| us.round() / 1_000.0);
        Self {
            calls: f.count,
            errors: f.errors,
            error_rate: of_calls(f.errors),
            duration_ms: DurationsJson {
                mean: millis(of_calls(f.latency_sum_us)),
                p50: millis(f.p50_us),
                p95: millis(f.p95_us),
                p99: millis(f.p99_us),
            },
        }
    }
}
