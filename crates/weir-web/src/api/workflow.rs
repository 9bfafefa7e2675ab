//! `/api/v1/workflows`: the workflows, and the graph of one.

use axum::extract::{Path, State};
use axum::response::Response;

use super::query::Query;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;
use super::workflow_json::{WorkflowAnswer, WorkflowList};
use super::workflow_query::WorkflowParams;
use super::workflow_read;

/// The workflows that had steps: decisions, calls of tools, retrievals.
///
/// A step belongs to the workflow that its attribute `workflow` names. Figures come from rollups, so that a year is as
/// quick as a day; only steps that have ended count.
#[utoipa::path(
    get,
    path = "/api/v1/workflows",
    operation_id = "listWorkflows",
    tag = "workflows",
    params(WorkflowParams),
    responses(
        (status = 200, description = "The workflows", body = WorkflowList),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn list(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    Ok(json(shared.reads.json(move |store| workflow_read::list_workflows(store, &pairs, now)).await?))
}

/// The graph of a workflow with the share of every branch, its tools and its retrievers, each against the window before.
///
/// The window before is as long and ends where this one begins. A change of a share is called `higher` or `lower` when it is
/// more than chance; the test is named in the answer. Its p-values are corrected for the number of comparisons, and hold
/// for one look.
#[utoipa::path(
    get,
    path = "/api/v1/workflows/{name}",
    operation_id = "getWorkflow",
    tag = "workflows",
    params(
        ("name" = String, Path, description = "Name of the workflow; `-` for the steps that name none"),
        WorkflowParams
    ),
    responses(
        (status = 200, description = "The graph", body = WorkflowAnswer),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 404, description = "No such workflow had steps then; the message says which had", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn get(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    Ok(json(shared.reads.json(move |store| workflow_read::get_workflow(store, &name, &pairs, now)).await?))
}
