//! The JSON of files and batches, member for member as OpenAI's API has it: what is absent is null. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::error::{Code, Error};
use weir_core::time::{Micros, SECOND};
use weir_store::catalog::{BatchProblem, BatchRecord, FileRecord};

/// Paths that a batch can be for.
pub(crate) const ENDPOINTS: &[&str] =
    &["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages"];
/// How long a batch may take.
const WINDOW: &str = "24h";

fn seconds(at: Micros) -> i64 {
    at.div_euclid(SECOND)
}

/// A file.
#[derive(Debug, Serialize)]
pub(crate) struct FileObject {
    id: String,
    object: &'static str,
    bytes: u64,
    created_at: i64,
    expires_at: Option<i64>,
    filename: String,
    purpose: String,
    status: &'static str,
    status_details: Option<String>,
}

impl From<FileRecord> for FileObject {
    fn from(file: FileRecord) -> Self {
        Self {
            id: file.id,
            object: "file",
            bytes: file.bytes,
            created_at: seconds(file.created_us),
            expires_at: file.expires_us.map(seconds),
            filename: file.filename,
            purpose: file.purpose,
            status: "processed",
            status_details: None,
        }
    }
}

/// A file that was deleted.
#[derive(Debug, Serialize)]
pub(crate) struct DeletedObject {
    pub id: String,
    pub object: &'static str,
    pub deleted: bool,
}

/// A batch.
#[derive(Debug, Serialize)]
pub(crate) struct BatchObject {
    id: String,
    object: &'static str,
    endpoint: String,
    model: Option<String>,
    errors: Option<Errors>,
    input_file_id: String,
    completion_window: String,
    status: &'static str,
    output_file_id: Option<String>,
    error_file_id: Option<String>,
    created_at: i64,
    in_progress_at: Option<i64>,
    expires_at: Option<i64>,
    finalizing_at: Option<i64>,
    completed_at: Option<i64>,
    failed_at: Option<i64>,
    expired_at: Option<i64>,
    cancelling_at: Option<i64>,
    cancelled_at: Option<i64>,
    request_counts: RequestCounts,
    usage: Option<Usage>,
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
struct Errors {
    object: &'static str,
    data: Vec<BatchProblem>,
}

#[derive(Debug, Serialize)]
struct RequestCounts {
    total: u64,
    completed: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct Usage {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: u64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl From<BatchRecord> for BatchObject {
    fn from(batch: BatchRecord) -> Self {
        let ended = batch.status.has_ended();
        let used = &batch.usage;
        let usage = (used.total() > 0).then(|| Usage {
            input_tokens: used.input_total(),
            input_tokens_details: InputDetails { cached_tokens: used.cached },
            output_tokens: used.output_total(),
            output_tokens_details: OutputDetails { reasoning_tokens: used.reasoning },
            total_tokens: used.total(),
        });
        Self {
            id: batch.id,
            object: "batch",
            endpoint: batch.endpoint,
            model: batch.model,
            errors: (!batch.errors.is_empty()).then_some(Errors { object: "list", data: batch.errors }),
            input_file_id: batch.input_file,
            completion_window: batch.completion_window,
            status: batch.status.as_str(),
            // Reserved ids are nobody's business before the files are there.
            output_file_id: batch.output_file.filter(|_| ended),
            error_file_id: batch.error_file.filter(|_| ended),
            created_at: seconds(batch.created_us),
            in_progress_at: batch.in_progress_us.map(seconds),
            expires_at: batch.expires_us.map(seconds),
            finalizing_at: batch.finalizing_us.map(seconds),
            completed_at: batch.completed_us.map(seconds),
            failed_at: batch.failed_us.map(seconds),
            expired_at: batch.expired_us.map(seconds),
            cancelling_at: batch.cancelling_us.map(seconds),
            cancelled_at: batch.cancelled_us.map(seconds),
            request_counts: RequestCounts {
                total: batch.counts.total,
                completed: batch.counts.completed,
                failed: batch.counts.failed,
            },
            usage,
            metadata: batch.metadata,
        }
    }
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    object: &'static str,
    data: Vec<T>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

impl<T> Page<T> {
    /// A page of at most `limit` of the rows; one more than that tells that there are more.
    pub(crate) fn of<R: Into<T>>(mut rows: Vec<R>, limit: usize, id: impl Fn(&R) -> &str) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Self {
            object: "list",
            first_id: rows.first().map(|row| id(row).to_owned()),
            last_id: rows.last().map(|row| id(row).to_owned()),
            has_more,
            data: rows.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a batch is made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NewBatch {
    pub input_file: String,
    pub endpoint: String,
    pub completion_window: String,
    pub metadata: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Request {
    input_file_id: Option<serde_json::Value>,
    endpoint: Option<serde_json::Value>,
    completion_window: Option<serde_json::Value>,
    metadata: Option<serde_json::Value>,
}

impl NewBatch {
    /// Reads a request. Members that are not known are left aside, as OpenAI adds some now and then.
    ///
    /// # Errors
    /// 400 naming the member that is missing or wrong.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Error> {
        let request: Request = serde_json::from_slice(body)
            .map_err(|e| Error::new(Code::InvalidRequest, format!("the request body is not a JSON object: {e}")))?;
        let input_file = text(request.input_file_id, "input_file_id", "the id of an uploaded file")?;
        let known = ENDPOINTS.join(", ");
        let endpoint = text(request.endpoint, "endpoint", &known)?;
        if !ENDPOINTS.contains(&endpoint.as_str()) {
            let message = format!("batches cannot be made for {endpoint:?}; \"endpoint\" is one of {known}");
            return Err(Error::invalid("endpoint", message));
        }
        let completion_window = text(request.completion_window, "completion_window", "\"24h\"")?;
        if completion_window != WINDOW {
            return Err(Error::invalid("completion_window", "\"completion_window\" must be \"24h\""));
        }
        let metadata = request.metadata.filter(|value| !value.is_null()).map(metadata).transpose()?;
        Ok(Self { input_file, endpoint, completion_window, metadata })
    }
}

fn text(value: Option<serde_json::Value>, name: &str, what: &str) -> Result<String, Error> {
    match value {
        Some(serde_json::Value::String(text)) if !text.is_empty() => Ok(text),
        Some(serde_json::Value::Null) | None => Err(Error::invalid(name, format!("{name:?} is missing; send {what}"))),
        Some(_) => Err(Error::invalid(name, format!("{name:?} must be a string: {what}"))),
    }
}

fn metadata(value: serde_json::Value) -> Result<BTreeMap<String, String>, Error> {
    let pairs: BTreeMap<String, String> = serde_json::from_value(value)
        .map_err(|_| Error::invalid("metadata", "\"metadata\" must be an object whose values are strings"))?;
    let fits = |(key, value): (&String, &String)| key.chars().count() <= 64 && value.chars().count() <= 512;
    if pairs.len() > 16 || !pairs.iter().all(fits) {
        let message = "\"metadata\" holds at most 16 pairs, keys of 64 and values of 512 characters";
        return Err(Error::invalid("metadata", message));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use weir_core::token::TokenCounts;
    use weir_store::catalog::{BatchCounts, BatchStatus};

    #[test]
    fn a_batch_looks_as_openais() {
        let mut batch = BatchRecord {
            id: "batch_1".into(),
            owner: "team".into(),
            endpoint: "/v1/embeddings".into(),
            input_file: "file-1".into(),
            completion_window: "24h".into(),
            status: BatchStatus::InProgress,
            output_file: Some("file-2".into()),
            created_us: 1_700_000_000_900_000,
            counts: BatchCounts { total: 3, completed: 1, failed: 1 },
            ..BatchRecord::default()
        };
        let shown = serde_json::to_value(BatchObject::from(batch.clone())).unwrap();
        assert_eq!(
            shown,
            json!({
                "id": "batch_1", "object": "batch", "endpoint": "/v1/embeddings", "model": null, "errors": null,
                "input_file_id": "file-1", "completion_window": "24h", "status": "in_progress", "output_file_id": null,
                "error_file_id": null, "created_at": 1_700_000_000, "in_progress_at": null, "expires_at": null,
                "finalizing_at": null, "completed_at": null, "failed_at": null, "expired_at": null,
                "cancelling_at": null, "cancelled_at": null,
                "request_counts": {"total": 3, "completed": 1, "failed": 1}, "usage": null, "metadata": null,
            })
        );
        batch.status = BatchStatus::Completed;
        batch.usage = TokenCounts::of(5, 7);
        batch.errors = vec![BatchProblem { code: "x".into(), line: Some(2), ..BatchProblem::default() }];
        let shown = serde_json::to_value(BatchObject::from(batch)).unwrap();
        assert_eq!(shown["output_file_id"], "file-2");
        assert_eq!(shown["usage"]["total_tokens"], 12);
        assert_eq!(
            shown["errors"],
            json!({"object": "list", "data": [{"code": "x", "line": 2, "message": "", "param": null}]})
        );
    }

    #[test]
    fn a_file_and_a_page() {
        let file = FileRecord { id: "file-1".into(), bytes: 3, expires_us: Some(2_000_000), ..FileRecord::default() };
        let page: Page<FileObject> = Page::of(vec![file, FileRecord::default()], 1, |f| &f.id);
        let shown = serde_json::to_value(page).unwrap();
        assert_eq!((&shown["has_more"], &shown["last_id"]), (&json!(true), &json!("file-1")));
        assert_eq!(shown["data"].as_array().unwrap().len(), 1);
        assert_eq!(shown["data"][0]["expires_at"], 2);
        let empty: Page<FileObject> = Page::of(Vec::<FileRecord>::new(), 1, |f| &f.id);
        assert_eq!(serde_json::to_value(empty).unwrap()["first_id"], json!(null));
    }

    #[test]
    fn requests_are_checked_member_by_member() {
        let param = |body: serde_json::Value| NewBatch::parse(body.to_string().as_bytes()).unwrap_err().param;
        let good = json!({"input_file_id": "f", "endpoint": "/v1/messages", "completion_window": "24h",
                          "metadata": {"a": "b"}, "output_expires_after": {"anchor": "created_at", "seconds": 3600}});
        assert_eq!(NewBatch::parse(good.to_string().as_bytes()).unwrap().endpoint, "/v1/messages");
        let with = |name: &str, value: serde_json::Value| {
            let mut changed = good.clone();
            changed[name] = value;
            param(changed)
        };
        assert_eq!(with("input_file_id", json!(null)).as_deref(), Some("input_file_id"));
        assert_eq!(with("endpoint", json!("/v1/images")).as_deref(), Some("endpoint"));
        assert_eq!(with("completion_window", json!("7d")).as_deref(), Some("completion_window"));
        assert_eq!(with("metadata", json!({"a": 1})).as_deref(), Some("metadata"));
        assert_eq!(with("metadata", json!({"a": "x".repeat(513)})).as_deref(), Some("metadata"));
        assert_eq!(param(json!([])), None);
    }
}
