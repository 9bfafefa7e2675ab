//! `/api/v1/calls/live`: finished calls as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::HeaderValue;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use weir_core::error::{Code, Error};
use weir_core::filter::Filter;

use super::call_json::Call;
use super::calls_query::{self, LiveParams};
use super::query::Query;
use super::respond::{ErrorAnswer, Refusal};
use super::state::Shared;
use super::text::Words;

/// A comment is sent when nothing else was for so long, so that proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Calls as they finish: an event `call` with the call's JSON (without payload) each.
///
/// `kind` asks for other steps than calls. What started more than an hour before it arrived is history, and is not told.
/// A reader that is too slow gets an event `lagged` with `{"missed": n}` and goes on with what comes next.
#[utoipa::path(
    get,
    path = "/api/v1/calls/live",
    operation_id = "tailCalls",
    tag = "calls",
    params(LiveParams),
    responses(
        (status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The server is stopping", body = ErrorAnswer),
    )
)]
pub(super) async fn tail(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let (filter, words) = (calls_query::live(&pairs)?, Words::of(&pairs)?);
    let Some(live) = shared.live.upgrade() else {
        return Err(Error::new(Code::Overloaded, "Weir is shutting down").retry_after_ms(1_000).into());
    };
    let hello = futures_util::stream::iter([Ok::<_, Infallible>(Event::default().comment("live"))]);
    let calls = BroadcastStream::new(live.subscribe())
        .filter_map(move |item| std::future::ready(event(&filter, &words, item).map(Ok::<_, Infallible>)));
    let mut answer = Sse::new(hello.chain(calls)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // nginx would otherwise hold events back until its buffer is full.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(answer)
}

fn event(
    filter: &Filter,
    words: &Words,
    item: Result<std::sync::Arc<weir_core::span::Span>, BroadcastStreamRecvError>,
) -> Option<Event> {
    match item {
        Ok(span) if filter.matches(&span) && words.are_in(&span) => {
            let mut span = weir_core::span::Span::clone(&span);
            (span.input, span.output) = (None, None);
            let data = serde_json::to_string(&Call::summary(span)).ok()?;
            Some(Event::default().event("call").data(data))
        }
        Ok(_) => None,
        Err(BroadcastStreamRecvError::Lagged(missed)) => {
            Some(Event::default().event("lagged").data(format!("{{\"missed\":{missed}}}")))
        }
    }
}
