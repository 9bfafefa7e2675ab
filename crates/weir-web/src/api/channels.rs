//! `/api/v1/channels`: where alerts are told, what became of it, and the test button.

use axum::extract::{Path, State};
use axum::response::Response;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::error::{Code, Error};
use weir_store::catalog::{Delivery, NotificationQuery};
use weir_watch::notify::{Post, TestError};

use super::channels_json::{ChannelJson, ChannelList, ChannelTestAnswer, NotificationJson, NotificationList};
use super::params::{self, Pairs, Param};
use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// Notifications of a page where nothing is said.
const LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

static NOTIFICATIONS: [Param; 4] = [
    Param { name: "state", about: "waiting, delivered or given_up", repeats: false },
    Param { name: "alert", about: "Of the alert of this fingerprint", repeats: false },
    Param { name: "limit", about: "At most that many, 1 to 500; 50 by default", repeats: false },
    Param { name: "cursor", about: "`next` of the page before", repeats: false },
];

static TEST: [Param; 1] = [Param {
    name: "queued",
    about: "true: put it into the outbox, from where it goes the way of every notification, with its retries",
    repeats: false,
}];

/// The parameters, for the OpenAPI document.
pub(super) struct NotificationParams;

impl IntoParams for NotificationParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(NOTIFICATIONS.iter())
    }
}

/// The parameters, for the OpenAPI document.
pub(super) struct TestParams;

impl IntoParams for TestParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(TEST.iter())
    }
}

/// The channels, and how each is doing.
#[utoipa::path(
    get,
    path = "/api/v1/channels",
    operation_id = "listChannels",
    tag = "channels",
    responses(
        (status = 200, description = "The channels", body = ChannelList),
        (status = 400, description = "There is no such parameter", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn list(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let post = shared.post.clone();
    let answer = shared.reads.json(move |_| {
        let channels = post.states().map_err(refusal)?.into_iter().map(ChannelJson::new).collect();
        Ok(ChannelList { channels })
    });
    Ok(json(answer.await?))
}

/// Notifications of a channel, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/channels/{name}/notifications",
    operation_id = "listNotifications",
    tag = "channels",
    params(("name" = String, Path, description = "The channel's name"), NotificationParams),
    responses(
        (status = 200, description = "The notifications", body = NotificationList),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 404, description = "There is no such channel", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn notifications(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    let page = Page::parse(&pairs)?;
    let post = shared.post.clone();
    if post.channels().get(&name).is_none() {
        return Err(unknown(&name, &post).into());
    }
    let answer = shared.reads.json(move |_| {
        let query = NotificationQuery {
            channel: Some(&name),
            alert: page.alert.as_deref(),
            delivery: page.delivery,
            before: page.before,
            limit: page.limit,
        };
        let records = post.notifications(&query).map_err(refusal)?;
        let last = records.last().filter(|_| records.len() >= page.limit);
        let next = last.map(|record| record.seq.to_string());
        Ok(NotificationList { notifications: records.into_iter().map(NotificationJson::new).collect(), next })
    });
    Ok(json(answer.await?))
}

/// Tries a channel; needs a key of role `admin`. The receiver gets a real notification, which says that it is a test.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{name}/test",
    operation_id = "testChannel",
    tag = "channels",
    params(("name" = String, Path, description = "The channel's name"), TestParams),
    responses(
        (status = 200, description = "What the receiver said; `ok` says whether it took it", body = ChannelTestAnswer),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 404, description = "There is no such channel", body = ErrorAnswer),
        (status = 503, description = "Too many tests are under way, or the store cannot be written", body = ErrorAnswer),
    )
)]
pub(super) async fn test(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    params::check(&pairs, TEST.iter(), false)?;
    let queued = params::one(&pairs, "queued").map(|text| params::boolean("queued", text)).transpose()?;
    let post = shared.post.clone();
    let failed = |error: TestError, name: &str, post: &Post| match error {
        TestError::Unknown => unknown(name, post),
        TestError::Busy => Error::new(Code::Overloaded, error.to_string()).retry_after_ms(5_000),
        TestError::Store(error) => refusal(error),
    };
    let answer = if queued.unwrap_or(false) {
        let (of, at) = (post.clone(), name.clone());
        let id = tokio::task::spawn_blocking(move || of.queue_test(&at)).await;
        let id = id.map_err(|e| Error::new(Code::Internal, format!("the work broke off: {e}")))?;
        ChannelTestAnswer::queued(name.clone(), id.map_err(|e| failed(e, &name, &post))?)
    } else {
        let tested = post.test(&name).await.map_err(|e| failed(e, &name, &post))?;
        ChannelTestAnswer::tested(name, tested)
    };
    let body = serde_json::to_vec(&answer);
    Ok(json(body.map_err(|e| Error::new(Code::Internal, e.to_string()))?))
}

/// What is asked for.
struct Page {
    delivery: Option<Delivery>,
    alert: Option<String>,
    limit: usize,
    before: Option<i64>,
}

impl Page {
    fn parse(pairs: &Pairs) -> Result<Self, Error> {
        params::check(pairs, NOTIFICATIONS.iter(), false)?;
        let all = [Delivery::Waiting, Delivery::Delivered, Delivery::GivenUp];
        let delivery = params::one(pairs, "state").map(|text| {
            let found = all.into_iter().find(|delivery| delivery.as_str() == text);
            found.ok_or_else(|| params::not_one_of("state", text, all.map(Delivery::as_str)))
        });
        let limit = params::one(pairs, "limit").map(|text| {
            text.parse().ok().filter(|n| (1..=MAX_LIMIT).contains(n)).ok_or_else(|| {
                Error::invalid("limit", format!("parameter \"limit\": \"{text}\" is no number from 1 to {MAX_LIMIT}"))
            })
        });
        Ok(Self {
            delivery: delivery.transpose()?,
            alert: params::one(pairs, "alert").map(str::to_owned),
            limit: limit.transpose()?.unwrap_or(LIMIT),
            before: params::line_before(pairs)?,
        })
    }
}

fn unknown(name: &str, post: &Post) -> Error {
    let known = post.channels().names();
    let known = if known.is_empty() {
        "none is configured; write [[channels]] into weir.toml".to_owned()
    } else {
        format!("there are {}", known.join(", "))
    };
    Error::new(Code::NotFound, format!("there is no channel \"{name}\": {known}"))
}
