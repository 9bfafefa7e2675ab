//! A Weir server, asked over HTTP.
//!
//! Invariants: redirects are not followed, so that the key goes nowhere else; answers are read up to a bound; no
//! message holds the key.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use weir_core::merge::{Rank, SpanWrite};
use weir_core::secret::Secret;
use weir_core::span::Span;
use weir_core::time::Micros;

use super::{Outcome, Sender};
use crate::error::SdkError;
use crate::http::{self, read_bounded};

/// A server may take so long for a batch: longer than Weir waits for its store before it says so.
const TIMEOUT: Duration = Duration::from_secs(40);
/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;

/// A server and the key for it.
#[derive(Debug)]
pub(crate) struct Server {
    url: Url,
    key: Option<Secret>,
}

impl Server {
    pub(crate) fn new(url: Url, key: Option<Secret>) -> Result<Self, SdkError> {
        headers(key.as_ref())?;
        weir_tls::prepare();
        Ok(Self { url, key })
    }

    /// The address of one of its endpoints.
    pub(crate) fn endpoint(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// A client that sends the key.
    pub(crate) fn client(&self) -> Result<reqwest::Client, SdkError> {
        let builder = http::builder().default_headers(headers(self.key.as_ref())?).timeout(TIMEOUT);
        builder.build().map_err(|e| SdkError::Server(format!("no connection can be made: {}", http::cause(&e))))
    }

    pub(super) fn sender(&self) -> Box<dyn Sender + '_> {
        let made = http::runtime().and_then(|runtime| Ok(Poster { server: self, client: self.client()?, runtime }));
        match made {
            Ok(poster) => Box::new(poster),
            Err(error) => Box::new(Broken(error.to_string())),
        }
    }
}

fn headers(key: Option<&Secret>) -> Result<HeaderMap, SdkError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
            .map_err(|_| SdkError::Settings("the key holds characters that no header can carry".to_owned()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// Posts batches, on a runtime of the storing thread's own.
struct Poster<'a> {
    server: &'a Server,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// A machine without what a connection needs.
struct Broken(String);

impl Sender for Broken {
    fn send(&mut self, _: &[SpanWrite]) -> Outcome {
        Outcome::Again { wait: None, message: self.0.clone() }
    }
}

#[derive(Serialize)]
struct Batch<'a> {
    spans: Vec<Written<'a>>,
}

#[derive(Serialize)]
struct Written<'a> {
    write: &'static str,
    at: Micros,
    #[serde(flatten)]
    span: &'a Span,
}

impl Sender for Poster<'_> {
    fn send(&mut self, writes: &[SpanWrite]) -> Outcome {
        let kind = |rank| if rank == Rank::Create { "create" } else { "update" };
        let spans = writes.iter().map(|w| Written { write: kind(w.stamp.rank), at: w.stamp.at, span: &w.span });
        let batch = Batch { spans: spans.collect() };
        let request = self.client.post(self.server.endpoint(&["api", "v1", "spans"])).json(&batch);
        self.runtime.block_on(async {
            match request.send().await {
                Ok(answer) => {
                    let (status, headers) = (answer.status(), answer.headers().clone());
                    if status.is_success() {
                        return Outcome::Stored;
                    }
                    let body = read_bounded(answer, MAX_ANSWER).await.unwrap_or_default();
                    refused(status, &headers, &body)
                }
                Err(error) => Outcome::Again { wait: None, message: http::cause(&error) },
            }
        })
    }
}

/// What a refusal means.
fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Outcome {
    let said = http::error_message(body).unwrap_or_else(|| "without a message".to_owned());
    let message = format!("the Weir server answered {}: {said}", status.as_u16());
    let passes = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY);
    if passes {
        let wait = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Outcome::Again { wait: wait.map(Duration::from_secs), message };
    }
    // The key, the address or the version is wrong: no part of the batch fares better. A batch that is too large or
    // holds a wrong span is another matter.
    let parts =
        matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY);
    let at = place(body).filter(|_| parts);
    if parts {
        Outcome::Never { at, reason: "refused", message }
    } else {
        Outcome::Never { at: None, reason: "server", message }
    }
}

/// Which span of the batch is at fault: the `3` of `spans[3].kind`.
fn place(body: &[u8]) -> Option<usize> {
    #[derive(Deserialize)]
    struct Body {
        error: Fault,
    }
    #[derive(Deserialize)]
    struct Fault {
        param: String,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    body.error.param.strip_prefix("spans[")?.split(']').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Outcome {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        refused(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn refusals_that_pass_wait_as_long_as_asked() {
        for status in [429, 500, 503] {
            let Outcome::Again { wait, .. } = answered(status, "") else { panic!("{status}") };
            assert_eq!(wait, Some(Duration::from_secs(7)));
        }
    }

    #[test]
    fn a_wrong_span_is_found_by_its_place() {
        let body = r#"{"error":{"message":"spans[3].kind is \"x\"","param":"spans[3].kind","code":"invalid_request"}}"#;
        let expected = "the Weir server answered 400: spans[3].kind is \"x\"".to_owned();
        assert_eq!(answered(400, body), Outcome::Never { at: Some(3), reason: "refused", message: expected });
        let Outcome::Never { at, reason, .. } = answered(401, "{}") else { panic!() };
        assert_eq!((at, reason), (None, "server"));
    }

    #[test]
    fn a_write_is_the_spans_own_json_with_its_weight() {
        let span = Span { name: Some("a".into()), ..Span::default() };
        let json =
            serde_json::to_value(Batch { spans: vec![Written { write: "create", at: 5, span: &span }] }).unwrap();
        assert_eq!(json["spans"][0]["write"], "create");
        assert_eq!(json["spans"][0]["at"], 5);
        assert_eq!(json["spans"][0]["name"], "a");
    }
}
