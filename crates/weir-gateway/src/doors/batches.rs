//! `/v1/batches`, as OpenAI's SDKs call it.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::{HeaderMap, Request, Response};
use serde::Deserialize;
use weir_store::catalog::BatchRecord;

use super::files::{Shared, answer, page_limit, read_query};
use crate::batches::wire::{BatchObject, NewBatch, Page};
use crate::exchange::read_body;

/// A page's usual and longest length, as OpenAI has them.
const PAGE: usize = 20;
const MAX_PAGE: usize = 100;
/// Largest request that makes a batch, and how long it may take to come.
const MAX_BODY: u64 = 256 << 10;
const WITHIN: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
pub(super) struct ListQuery {
    after: Option<String>,
    limit: Option<String>,
}

pub(super) async fn create(State(service): Shared, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let made = async {
        let who = service.admit(&head.headers)?;
        let body = read_body(&head.headers, body, MAX_BODY, WITHIN).await?;
        let new = NewBatch::parse(&body)?;
        service.blocking(move |service| service.create(&who, new)).await.map(|batch| Json(BatchObject::from(batch)))
    };
    answer(&head.headers, made.await)
}

pub(super) async fn list(
    State(service): Shared,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response<Body> {
    let listed = async {
        let who = service.admit(&headers)?;
        let query = read_query(query)?;
        let limit = page_limit(query.limit.as_deref(), PAGE, MAX_PAGE)?;
        service
            .blocking(move |service| {
                let rows = service.batches(&who, query.after.as_deref(), limit)?;
                Ok(Json(Page::<BatchObject>::of(rows, limit, |batch: &BatchRecord| &batch.id)))
            })
            .await
    };
    answer(&headers, listed.await)
}

pub(super) async fn retrieve(State(service): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response<Body> {
    let found = async {
        let who = service.admit(&headers)?;
        service.blocking(move |service| service.batch(&who, &id)).await.map(|batch| Json(BatchObject::from(batch)))
    };
    answer(&headers, found.await)
}

pub(super) async fn cancel(State(service): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response<Body> {
    let cancelled = async {
        let who = service.admit(&headers)?;
        service.blocking(move |service| service.cancel(&who, &id)).await.map(|batch| Json(BatchObject::from(batch)))
    };
    answer(&headers, cancelled.await)
}
