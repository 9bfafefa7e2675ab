//! `/api/v1/alert-rules`: the rules, what they would have done, and changes of those that were made here.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use weir_watch::alerts::document::RuleDoc;
use weir_watch::alerts::dry_run::DryRun;

use super::alert_access::{AlertAccess, asked, body};
use super::alerts_json::{ReplayJson, RuleList, RuleView};
use super::alerts_query::{self, ChangeParams, DryRunParams, ReplayParams};
use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// Every rule: of files, of budgets and objectives, and made here.
#[utoipa::path(
    get,
    path = "/api/v1/alert-rules",
    operation_id = "listAlertRules",
    tag = "alerts",
    responses((status = 200, description = "The rules", body = RuleList))
)]
pub(super) async fn list(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    super::params::none(&pairs)?;
    let work = |access: &AlertAccess| {
        let rules = access.alerter.list_rules().map_err(refusal)?;
        Ok(RuleList { rules: rules.into_iter().map(RuleView::from).collect() })
    };
    Ok(json(shared.alerts.blocking(work).await?))
}

/// One rule.
#[utoipa::path(
    get,
    path = "/api/v1/alert-rules/{id}",
    operation_id = "getAlertRule",
    tag = "alerts",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The rule", body = RuleView),
        (status = 404, description = "There is no such rule", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let work = move |access: &AlertAccess| Ok(RuleView::from(access.alerter.rule(&id).map_err(asked)?));
    Ok(json(shared.alerts.blocking(work).await?))
}

/// Makes a rule; needs a key of role `admin`.
#[utoipa::path(
    post,
    path = "/api/v1/alert-rules",
    operation_id = "createAlertRule",
    tag = "alerts",
    request_body = RuleDoc,
    responses(
        (status = 200, description = "The rule", body = RuleView),
        (status = 400, description = "A member is wrong; the message names it", body = ErrorAnswer),
        (status = 409, description = "There is a rule of that id", body = ErrorAnswer),
    )
)]
pub(super) async fn create(State(shared): State<Shared>, request: Request<Body>) -> Result<Response, Refusal> {
    let doc: RuleDoc = body(request).await?;
    let work = move |access: &AlertAccess| Ok(RuleView::from(access.alerter.create(doc).map_err(asked)?));
    Ok(json(shared.alerts.blocking(work).await?))
}

/// Replaces a rule that was made here; needs a key of role `admin`.
#[utoipa::path(
    put,
    path = "/api/v1/alert-rules/{id}",
    operation_id = "changeAlertRule",
    tag = "alerts",
    params(("id" = String, Path, description = "Its id"), ChangeParams),
    request_body = RuleDoc,
    responses(
        (status = 200, description = "The rule", body = RuleView),
        (status = 400, description = "A member is wrong; the message names it", body = ErrorAnswer),
        (status = 404, description = "There is no such rule", body = ErrorAnswer),
        (status = 409, description = "It stands in a file, or has another version", body = ErrorAnswer),
    )
)]
pub(super) async fn change(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(pairs): Query,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let version = alerts_query::version(&pairs)?;
    let doc: RuleDoc = body(request).await?;
    let work = move |access: &AlertAccess| Ok(RuleView::from(access.alerter.change(&id, doc, version).map_err(asked)?));
    Ok(json(shared.alerts.blocking(work).await?))
}

/// Deletes a rule that was made here; its alerts end, and who was told of them is told so. Needs a key of role `admin`.
#[utoipa::path(
    delete,
    path = "/api/v1/alert-rules/{id}",
    operation_id = "deleteAlertRule",
    tag = "alerts",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "It is deleted"),
        (status = 404, description = "There is no such rule", body = ErrorAnswer),
        (status = 409, description = "It stands in a file", body = ErrorAnswer),
    )
)]
pub(super) async fn delete(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let work = move |access: &AlertAccess| {
        access.alerter.delete(&id).map_err(asked)?;
        Ok(serde_json::json!({ "deleted": id }))
    };
    Ok(json(shared.alerts.blocking(work).await?))
}

/// What a rule would have done over the last 14 days, evaluation by evaluation: nothing is stored, nobody is told.
#[utoipa::path(
    post,
    path = "/api/v1/alert-rules/dry-run",
    operation_id = "dryRunAlertRule",
    tag = "alerts",
    params(DryRunParams),
    request_body = RuleDoc,
    responses(
        (status = 200, description = "What it would have done", body = DryRun),
        (status = 400, description = "A member is wrong, or it would be too much to read", body = ErrorAnswer),
    )
)]
pub(super) async fn dry_run(
    State(shared): State<Shared>,
    Query(pairs): Query,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let span = alerts_query::dry_run(&pairs)?;
    let doc: RuleDoc = body(request).await?;
    Ok(json(shared.alerts.blocking(move |access| access.alerter.dry_run(doc, span).map_err(asked)).await?))
}

/// Evaluates a rule at instants of the past that it was not evaluated at yet, as if it had been there: its alerts change,
/// and people are told. To try a rule and its channels with what has happened; begin with a rule that is switched off.
/// Needs a key of role `admin`.
#[utoipa::path(
    post,
    path = "/api/v1/alert-rules/{id}/evaluate",
    operation_id = "evaluateAlertRule",
    tag = "alerts",
    params(("id" = String, Path, description = "Its id"), ReplayParams),
    responses(
        (status = 200, description = "How far it came", body = ReplayJson),
        (status = 400, description = "A parameter is wrong, or it was evaluated there already", body = ErrorAnswer),
        (status = 404, description = "There is no such rule", body = ErrorAnswer),
    )
)]
pub(super) async fn evaluate(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    let (from, to) = alerts_query::replay(&pairs, shared.clock.now())?;
    let work = move |access: &AlertAccess| Ok(ReplayJson::from(access.alerter.replay(&id, from, to).map_err(asked)?));
    Ok(json(shared.alerts.blocking(work).await?))
}
