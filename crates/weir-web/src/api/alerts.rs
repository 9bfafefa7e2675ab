//! `/api/v1/alerts`: what fires, what became of it, who takes care, and what is muted.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use std::sync::Arc;
use weir_core::access::Identity;
use weir_core::error::{Code, Error};
use weir_core::time::Micros;
use weir_store::catalog::{AlertAck, AlertHistoryQuery};
use weir_watch::alerts::live::AskError;
use weir_watch::alerts::mute::Silence;

use super::alert_access::{AlertAccess, asked, body};
use super::alerts_json::{AlertDetail, AlertList, AlertView, HistoryLine, HistoryList, MuteList, NewAck};
use super::alerts_query::{self, HistoryParams, ListParams};
use super::params::Pairs;
use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;
use super::when;

/// Lines of history that come with an alert.
const HISTORY: usize = 100;

/// Alerts, what goes on first.
#[utoipa::path(
    get,
    path = "/api/v1/alerts",
    operation_id = "listAlerts",
    tag = "alerts",
    params(ListParams),
    responses(
        (status = 200, description = "The alerts", body = AlertList),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
    )
)]
pub(super) async fn list(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let query = alerts_query::list(&pairs)?;
    let work = move |access: &AlertAccess| {
        let view = |query| -> Result<Vec<AlertView>, Error> {
            let records = access.catalog.alerts(query).map_err(refusal)?;
            Ok(access.alerter.show_all(records).into_iter().map(AlertView::from).collect())
        };
        let alerts = view(&query)?;
        let open = view(&alerts_query::open(&query))?.iter().any(AlertView::is_open);
        Ok(AlertList { alerts, open })
    };
    Ok(json(shared.alerts.blocking(work).await?))
}

/// What became of alerts, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/alerts/history",
    operation_id = "listAlertHistory",
    tag = "alerts",
    params(HistoryParams),
    responses(
        (status = 200, description = "The lines", body = HistoryList),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
    )
)]
pub(super) async fn history(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let query = alerts_query::history(&pairs)?;
    let work = move |access: &AlertAccess| {
        let lines = access.catalog.alert_history(&query).map_err(refusal)?;
        let next = lines.last().filter(|_| lines.len() >= query.limit).map(|line| line.seq.to_string());
        Ok(HistoryList { history: lines.into_iter().map(HistoryLine::from).collect(), next })
    };
    Ok(json(shared.alerts.blocking(work).await?))
}

/// An alert with what became of it.
#[utoipa::path(
    get,
    path = "/api/v1/alerts/{fingerprint}",
    operation_id = "getAlert",
    tag = "alerts",
    params(("fingerprint" = String, Path, description = "Its fingerprint")),
    responses(
        (status = 200, description = "The alert", body = AlertDetail),
        (status = 404, description = "There is no such alert", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let work = move |access: &AlertAccess| {
        let record = access.catalog.alert(&name).map_err(refusal)?;
        let shown = record
            .and_then(|record| access.alerter.show(record))
            .ok_or_else(|| asked(AskError::NoAlert(name.clone())))?;
        let query = AlertHistoryQuery { fingerprint: Some(name), limit: HISTORY, ..AlertHistoryQuery::default() };
        let history = access.catalog.alert_history(&query).map_err(refusal)?;
        Ok(AlertDetail { alert: shown.into(), history: history.into_iter().map(HistoryLine::from).collect() })
    };
    Ok(json(shared.alerts.blocking(work).await?))
}

/// Says that somebody takes care of an alert: it is not told again and again; needs a key of role `write`. It ends with
/// the alert, or at `until`.
#[utoipa::path(
    post,
    path = "/api/v1/alerts/{fingerprint}/ack",
    operation_id = "acknowledgeAlert",
    tag = "alerts",
    params(("fingerprint" = String, Path, description = "The alert's fingerprint")),
    request_body = NewAck,
    responses(
        (status = 200, description = "The alert", body = AlertView),
        (status = 400, description = "The body is wrong, or the alert does not go on", body = ErrorAnswer),
        (status = 404, description = "There is no such alert", body = ErrorAnswer),
    )
)]
pub(super) async fn acknowledge(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let caller = caller(&request);
    let said: NewAck = body(request).await?;
    let at = shared.clock.now();
    let until = said.until.as_deref().map(|text| until(text, at)).transpose()?;
    let ack = AlertAck { by: who(said.by, caller), note: said.note, at, until };
    let work = move |access: &AlertAccess| Ok(AlertView::from(access.alerter.acknowledge(&name, ack).map_err(asked)?));
    Ok(json(shared.alerts.blocking(work).await?))
}

/// Silences that have not ended.
#[utoipa::path(
    get,
    path = "/api/v1/alert-mutes",
    operation_id = "listAlertMutes",
    tag = "alerts",
    responses((status = 200, description = "The silences", body = MuteList))
)]
pub(super) async fn mutes(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    super::params::none(&pairs)?;
    let work = |access: &AlertAccess| Ok(MuteList { mutes: access.alerter.mutes().map_err(refusal)? });
    Ok(json(shared.alerts.blocking(work).await?))
}

/// Silences alerts of a rule or with some labels for a time; needs a key of role `write`. They are evaluated and shown as
/// ever; what still holds when the silence ends is told then.
#[utoipa::path(
    post,
    path = "/api/v1/alert-mutes",
    operation_id = "createAlertMute",
    tag = "alerts",
    request_body = Silence,
    responses(
        (status = 200, description = "The silence", body = Silence),
        (status = 400, description = "The body is wrong; the message says what", body = ErrorAnswer),
    )
)]
pub(super) async fn mute(State(shared): State<Shared>, request: Request<Body>) -> Result<Response, Refusal> {
    let caller = caller(&request);
    let mut silence: Silence = body(request).await?;
    silence.by = who(Some(silence.by), caller);
    Ok(json(shared.alerts.blocking(move |access| access.alerter.mute(silence).map_err(asked)).await?))
}

/// Ends a silence; needs a key of role `write`.
#[utoipa::path(
    delete,
    path = "/api/v1/alert-mutes/{id}",
    operation_id = "deleteAlertMute",
    tag = "alerts",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "It has ended"),
        (status = 404, description = "There is no such silence", body = ErrorAnswer),
    )
)]
pub(super) async fn unmute(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let work = move |access: &AlertAccess| {
        access.alerter.unmute(&id).map_err(asked)?;
        Ok(serde_json::json!({ "deleted": id }))
    };
    Ok(json(shared.alerts.blocking(work).await?))
}

/// The name of the key that asks.
fn caller(request: &Request<Body>) -> Option<String> {
    request.extensions().get::<Arc<Identity>>().map(|identity| identity.name.clone())
}

fn who(said: Option<String>, caller: Option<String>) -> String {
    let named = |name: &String| !name.trim().is_empty();
    let name = said.filter(named).or(caller.filter(named)).unwrap_or_else(|| "somebody".to_owned());
    name.chars().take(200).collect()
}

/// A time, or how long from now.
fn until(text: &str, now: Micros) -> Result<Micros, Error> {
    let after = when::duration(text).map(|us| now.saturating_add(us));
    after.or_else(|| weir_core::time::parse(text)).ok_or_else(|| Error {
        param: Some("until".to_owned()),
        ..Error::new(
            Code::InvalidRequest,
            format!("until: \"{text}\" is no time; write RFC 3339, or how long, as in 2h"),
        )
    })
}

/// The offline answer of the list, for the command line: `stored` is what the catalog gives to a query.
///
/// # Errors
/// A parameter is wrong, or the catalog cannot be read.
pub fn list_of_file<E: From<Error>>(
    pairs: &Pairs,
    mut stored: impl FnMut(&weir_store::catalog::AlertQuery) -> Result<Vec<weir_store::catalog::AlertRecord>, E>,
) -> Result<AlertList, E> {
    let query = alerts_query::list(pairs)?;
    let alerts = stored(&query)?.into_iter().filter_map(AlertView::of_file).collect();
    let open = stored(&alerts_query::open(&query))?.into_iter().filter_map(AlertView::of_file).any(|a| a.is_open());
    Ok(AlertList { alerts, open })
}
