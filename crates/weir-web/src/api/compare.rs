//! `/api/v1/prompts/{name}/compare`: the versions of a prompt side by side.

use std::ops::ControlFlow;

use axum::extract::{Path, State};
use axum::response::Response;
use weir_core::error::Error;
use weir_core::span::Span;
use weir_core::time::Micros;
use weir_store::scores::Scores;
use weir_store::telemetry::{StoreError, Telemetry};

use super::compare_fold::{self, Fold};
use super::compare_json::CompareAnswer;
use super::compare_query::{self, CompareParams, CompareQuery};
use super::params::Pairs;
use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// Most calls that one comparison looks at.
const MAX_CALLS: u64 = 1_000_000;
/// Calls whose scores are asked for at once.
const CHUNK: usize = 1_000;

/// The versions of a prompt with calls, errors, latency, tokens, cost and scores, and how far each is from the baseline.
///
/// Every difference comes with a confidence interval and a verdict that stay valid however often one looks: an
/// always-valid test, named in the answer. The intervals of all metrics and versions hold together with 95 % confidence.
/// Less is better for latency, tokens, cost and errors; more is better for scores.
#[utoipa::path(
    get,
    path = "/api/v1/prompts/{name}/compare",
    operation_id = "comparePrompt",
    tag = "prompts",
    params(("name" = String, Path, description = "Name of the prompt"), CompareParams),
    responses(
        (status = 200, description = "The versions and their differences", body = CompareAnswer),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn get(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    let scores = shared.scores.clone();
    Ok(json(shared.reads.json(move |store| compare_versions(store, scores.as_ref(), &name, &pairs, now)).await?))
}

/// Compares the versions of a prompt.
///
/// # Errors
/// A wrong parameter, or a store that cannot answer.
pub fn compare_versions(
    store: &dyn Telemetry,
    scores: &dyn Scores,
    prompt: &str,
    pairs: &Pairs,
    now: Micros,
) -> Result<CompareAnswer, Error> {
    let query = compare_query::query(prompt, pairs, now)?;
    let (mut fold, mut truncated) = folded(Fold::default(), store, scores, &query)?;
    // Callers name versions: only when all are counted is it known which of too many count.
    if let Some(again) = fold.again(query.baseline.as_deref()) {
        (fold, truncated) = folded(again, store, scores, &query)?;
    }
    fold.finish();
    let baseline = baseline(&fold, query.baseline.as_deref())?;
    Ok(CompareAnswer::new(prompt, &query, &fold, baseline, truncated))
}

/// Takes in the calls of a query; says whether there are more than are looked at.
fn folded(
    mut fold: Fold,
    store: &dyn Telemetry,
    scores: &dyn Scores,
    query: &CompareQuery,
) -> Result<(Fold, bool), Error> {
    let mut chunk: Vec<Span> = Vec::with_capacity(CHUNK);
    let (mut calls, mut failed) = (0, None);
    store
        .scan(query.range(), &query.filter, false, &mut |span| {
            calls += 1;
            if calls > MAX_CALLS {
                return ControlFlow::Break(());
            }
            chunk.push(span);
            if chunk.len() < CHUNK {
                return ControlFlow::Continue(());
            }
            match take_in(&mut fold, scores, &mut chunk) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })
        .map_err(refusal)?;
    failed.map_or(Ok(()), Err).and_then(|()| take_in(&mut fold, scores, &mut chunk)).map_err(refusal)?;
    Ok((fold, calls > MAX_CALLS))
}

fn take_in(fold: &mut Fold, scores: &dyn Scores, chunk: &mut Vec<Span>) -> Result<(), StoreError> {
    let tallies = scores.tallies(&compare_fold::targets(chunk))?;
    fold.add(chunk, &tallies);
    chunk.clear();
    Ok(())
}

/// The version asked for, which must have calls where any has; else the one with the most.
fn baseline<'a>(fold: &'a Fold, wanted: Option<&str>) -> Result<Option<&'a str>, Error> {
    let (Some(wanted), false) = (wanted, fold.versions.is_empty()) else { return Ok(fold.most_called()) };
    if let Some((name, _)) = fold.versions.get_key_value(wanted) {
        return Ok(Some(name));
    }
    let known: Vec<&str> = fold.versions.keys().take(20).map(String::as_str).collect();
    Err(Error::invalid(
        "baseline",
        format!(
            "parameter \"baseline\": version \"{wanted}\" has no calls in this range; versions with calls: {}",
            known.join(", ")
        ),
    ))
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
