//! From the parameters of `/api/v1/calls` to the store's query.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::error::Error;
use weir_core::filter::{Field, Filter, Op};
use weir_core::time::Micros;
use weir_store::telemetry::{OrderBy, SpanQuery, TimeRange};

use super::calls_filter::selection;
use super::params::{self, NOT, Pairs, Param, SCORE};
use super::text::TEXT;

/// Calls of a page unless `limit` says otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Most calls of a page.
const MAX_LIMIT: usize = 1_000;
/// Most calls of a page that carries payloads, so that its size stays bounded.
pub const MAX_LIMIT_WITH_PAYLOAD: usize = 100;

/// How a parameter's text becomes a comparison.
pub(super) enum Match {
    Text(Field),
    Trace,
    Root,
    Status,
    Kind,
    Stream,
    PromptVersion,
    /// Bound and factor from the parameter's unit to the field's.
    Bound(Field, Op, f64),
}

const fn filter(name: &'static str, how: Match, about: &'static str) -> (Param, Match) {
    let repeats = !matches!(how, Match::Bound(..));
    (Param { name, about, repeats }, how)
}

const fn plain(name: &'static str, about: &'static str) -> Param {
    Param { name, about, repeats: false }
}

/// The parameters that select calls; repeated ones are alternatives.
pub(super) static FILTERS: [(Param, Match); 25] = [
    filter("project", Match::Text(Field::Project), "Project"),
    filter("model", Match::Text(Field::Model), "Model that was asked for"),
    filter("response_model", Match::Text(Field::ResponseModel), "Model that the answer names"),
    filter("provider", Match::Text(Field::Provider), "Provider that answered, by its configured name"),
    filter("department", Match::Text(Field::Department), "Department that pays"),
    filter("user", Match::Text(Field::User), "End user"),
    filter("session", Match::Text(Field::Session), "Session (thread, conversation)"),
    filter("trace_id", Match::Trace, "Trace, as 16 or 32 hex digits or a UUID"),
    filter("request_id", Match::Text(Field::RequestId), "Request id"),
    filter("key", Match::Text(Field::Key), "Name of the key that called"),
    filter("prompt", Match::Text(Field::PromptName), "Name of the prompt template"),
    filter("prompt_version", Match::PromptVersion, "Version of the prompt template, or `name@version`"),
    filter(
        "status",
        Match::Status,
        "How it ended: pending, success, error, cached, rate_limited, blocked or cancelled",
    ),
    filter("error_type", Match::Text(Field::ErrorType), "Class of the failure"),
    filter("finish_reason", Match::Text(Field::FinishReason), "Why the model stopped"),
    filter("cache", Match::Text(Field::Cache), "Part of the cache: hit, semantic, miss or bypass"),
    filter("stream", Match::Stream, "Whether the answer was streamed: true or false"),
    filter("tag", Match::Text(Field::Tag), "A label that the call carries"),
    filter(
        "kind",
        Match::Kind,
        "Kind of the span: llm, embedding, tool, ...; `any` for all. Default: llm and embedding",
    ),
    filter("name", Match::Text(Field::Name), "Name of the step"),
    filter("root", Match::Root, "`true` for what is no step of another, `false` for steps; with `kind=any` the traces"),
    filter("min_latency_ms", Match::Bound(Field::Latency, Op::Ge, 1e3), "Took at least that many milliseconds"),
    filter("max_latency_ms", Match::Bound(Field::Latency, Op::Le, 1e3), "Took at most that many milliseconds"),
    filter("min_cost_usd", Match::Bound(Field::Cost, Op::Ge, 1e9), "Cost at least that many dollars"),
    filter("max_cost_usd", Match::Bound(Field::Cost, Op::Le, 1e9), "Cost at most that many dollars"),
];

/// The parameters that say when.
pub(super) static RANGE: [Param; 2] = [
    plain("from", "Started at or after: RFC 3339, a date, a Unix time, or a time ago (`-24h`, `7d`)"),
    plain("to", "Started before; written as `from`"),
];

/// The parameters that say which page and in what order.
static PAGE: [Param; 4] = [
    plain("order", "`time`, `latency`, `cost` or `tokens`; `-` before it for the greatest first. Default: -time"),
    plain("limit", "Calls of a page, 1 to 1000 (100 with payload). Default: 50"),
    plain("cursor", "`next` of the page before"),
    plain("payload", "`true` to get `input` and `output` with each call"),
];

/// The parameters of the list, for the OpenAPI document.
pub(super) struct ListParams;

impl IntoParams for ListParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(known_to_lists())
    }
}

/// The parameters of the live tail, for the OpenAPI document.
pub(super) struct LiveParams;

impl IntoParams for LiveParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(FILTERS.iter().map(|(p, _)| p).chain([&TEXT]))
    }
}

fn known_to_lists() -> impl Iterator<Item = &'static Param> + Clone {
    FILTERS.iter().map(|(p, _)| p).chain([&TEXT]).chain(&RANGE).chain(&PAGE)
}

/// The query of a list of calls, without the words of `text`. `now` is what relative times count from.
///
/// # Errors
/// A 400 that names the parameter at fault.
pub fn list(pairs: &Pairs, now: Micros) -> Result<SpanQuery, Error> {
    params::check(pairs, known_to_lists(), true)?;
    let range = TimeRange { from: params::instant(pairs, "from", now)?, to: params::instant(pairs, "to", now)? };
    if let (Some(from), Some(to)) = (range.from, range.to)
        && from > to
    {
        return Err(Error::invalid("to", "parameter \"to\" lies before \"from\": exchange them"));
    }
    let (order, ascending) = order(params::one(pairs, "order").unwrap_or("-time"))?;
    let with_payload = params::one(pairs, "payload").map_or(Ok(false), |text| params::boolean("payload", text))?;
    let most = if with_payload { MAX_LIMIT_WITH_PAYLOAD } else { MAX_LIMIT };
    let limit = match params::one(pairs, "limit") {
        None => DEFAULT_LIMIT,
        Some(text) => text.parse().ok().filter(|n| (1..=most).contains(n)).ok_or_else(|| {
            Error::invalid("limit", format!("parameter \"limit\": \"{text}\" is no whole number from 1 to {most}"))
        })?,
    };
    Ok(SpanQuery {
        range,
        filter: selection(pairs)?,
        order,
        ascending,
        limit,
        cursor: params::one(pairs, "cursor").map(str::to_owned),
        with_payload,
    })
}

/// The filter of the live tail: the same parameters without time and page, and without the words of `text`.
///
/// # Errors
/// A 400 that names the parameter at fault.
pub fn live(pairs: &Pairs) -> Result<Filter, Error> {
    params::check(pairs, FILTERS.iter().map(|(p, _)| p).chain([&TEXT]), true)?;
    let score = |name: &str| name.strip_prefix(NOT).unwrap_or(name).starts_with(SCORE);
    if let Some((name, _)) = pairs.iter().find(|(name, _)| score(name)) {
        return Err(Error::invalid(
            name,
            format!("parameter \"{name}\": scores come after calls; filter the list by them, not what comes in live"),
        ));
    }
    selection(pairs)
}

fn order(text: &str) -> Result<(OrderBy, bool), Error> {
    let (name, ascending) = text.strip_prefix('-').map_or((text, true), |name| (name, false));
    let by = match name {
        "time" => OrderBy::Start,
        "latency" => OrderBy::Latency,
        "cost" => OrderBy::Cost,
        "tokens" => OrderBy::Tokens,
        _ => {
            let known = ["time", "latency", "cost", "tokens", "-time", "-latency", "-cost", "-tokens"];
            return Err(params::not_one_of("order", text, known));
        }
    };
    Ok((by, ascending))
}

#[cfg(test)]
#[path = "calls_query_tests.rs"]
mod tests;
