//! `/v1/files`, as OpenAI's SDKs call it.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, Response};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use weir_core::error::{Code, Error, Form};
use weir_store::catalog::{FileQuery, FileRecord};

use crate::batches::wire::{DeletedObject, FileObject, Page};
use crate::batches::{Service, receive};
use crate::exchange::{refusal, request_id_text};

/// Most files on a page, as OpenAI has it.
const MAX_PAGE: usize = 10_000;
/// Bytes of a content that are read at a time.
const PIECE: usize = 64 << 10;

pub(super) type Shared = State<Arc<Service>>;

/// An answer or a refusal in OpenAI's form.
pub(super) fn answer<T: IntoResponse>(headers: &HeaderMap, result: Result<T, Error>) -> Response<Body> {
    match result {
        Ok(value) => value.into_response(),
        Err(error) => refusal(HeaderMap::new(), &error, Form::OpenAi, &request_id_text(headers)),
    }
}

/// A page's length within its bounds.
pub(super) fn page_limit(given: Option<&str>, otherwise: usize, most: usize) -> Result<usize, Error> {
    let Some(text) = given else { return Ok(otherwise) };
    let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| Error::invalid("limit", format!("\"limit\" must be a whole number from 1 to {most}")))
}

/// A query that could be read.
pub(super) fn read_query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Error> {
    query.map(|Query(query)| query).map_err(|e| Error::new(Code::InvalidRequest, e.body_text()))
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    after: Option<String>,
    limit: Option<String>,
    order: Option<String>,
    purpose: Option<String>,
}

pub(super) async fn create(State(service): Shared, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let received = async {
        let who = service.admit(&head.headers)?;
        receive(&service, &who, &head.headers, body).await.map(|file| Json(FileObject::from(file)))
    };
    answer(&head.headers, received.await)
}

pub(super) async fn list(
    State(service): Shared,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response<Body> {
    let listed = async {
        let who = service.admit(&headers)?;
        let query = read_query(query)?;
        let limit = page_limit(query.limit.as_deref(), MAX_PAGE, MAX_PAGE)?;
        let ascending = match query.order.as_deref() {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(Error::invalid("order", "\"order\" must be \"asc\" or \"desc\"")),
        };
        service
            .blocking(move |service| {
                let (after, purpose) = (query.after.as_deref(), query.purpose.as_deref());
                let rows = service.files(&who, &FileQuery { owner: None, purpose, after, limit, ascending })?;
                Ok(Json(Page::<FileObject>::of(rows, limit, |file: &FileRecord| &file.id)))
            })
            .await
    };
    answer(&headers, listed.await)
}

pub(super) async fn retrieve(State(service): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response<Body> {
    let found = async {
        let who = service.admit(&headers)?;
        service.blocking(move |service| service.file(&who, &id)).await.map(|file| Json(FileObject::from(file)))
    };
    answer(&headers, found.await)
}

pub(super) async fn delete(State(service): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response<Body> {
    let deleted = async {
        let who = service.admit(&headers)?;
        service
            .blocking(move |service| {
                service.delete_file(&who, &id)?;
                Ok(Json(DeletedObject { id, object: "file", deleted: true }))
            })
            .await
    };
    answer(&headers, deleted.await)
}

pub(super) async fn content(State(service): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response<Body> {
    let opened = async {
        let who = service.admit(&headers)?;
        let file = service.blocking(move |service| service.file(&who, &id)).await?;
        let gone = |e: std::io::Error| {
            Error::new(Code::StoreUnavailable, format!("the content of {} cannot be read: {e}", file.id))
        };
        let mut content = tokio::fs::File::open(service.content(&file.id)).await.map_err(gone)?;
        content.seek(SeekFrom::Start(0)).await.map_err(gone)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_LENGTH, file.bytes.into());
        if let Ok(value) = HeaderValue::from_str(&disposition(&file.filename)) {
            headers.insert(CONTENT_DISPOSITION, value);
        }
        Ok((headers, Body::from_stream(pieces(content))))
    };
    answer(&headers, opened.await)
}

/// The content piece by piece.
fn pieces(file: tokio::fs::File) -> impl stream::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE);
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece).await?;
        Ok((read > 0).then(|| (Bytes::from(piece), file)))
    })
}

/// A header that names the download, in the letters that headers can carry.
fn disposition(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ' { c } else { '_' };
    format!("attachment; filename=\"{}\"", name.chars().map(plain).collect::<String>())
}
