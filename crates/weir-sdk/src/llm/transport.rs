//! Where requests go: to a provider over HTTP, or to the demo provider within this process.
//!
//! Invariant: a client's connections belong to one process and one runtime: what blocks has a client of its own, and
//! a child of a fork makes new ones.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::Stream;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use weir_core::demo;
use weir_core::secret::Secret;

use super::error::{LlmError, LlmErrorKind};
use crate::http;

/// Longest answer that is read whole.
const MAX_ANSWER: usize = 64 << 20;
/// Longest refusal that is read.
const MAX_REFUSAL: usize = 256 << 10;

/// Whether the caller waits on a runtime of its own, or on the library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    CallersRuntime,
    OwnRuntime,
}

/// A provider.
#[derive(Clone, Debug)]
pub(super) enum Provider {
    /// Answers within this process.
    Demo,
    /// At an address.
    Http(HttpProvider),
}

#[derive(Clone, Debug)]
pub(super) struct HttpProvider {
    pub(super) base: Url,
    pub(super) key: Option<Secret>,
    pub(super) timeout: Duration,
    clients: Arc<ArcSwapOption<Clients>>,
}

#[derive(Debug)]
struct Clients {
    pid: u32,
    callers: reqwest::Client,
    own: reqwest::Client,
}

/// A whole answer, or a refusal.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// What comes of a request for a stream.
pub(super) enum Opened {
    /// Its pieces.
    Stream(u16, HeaderMap, Source),
    /// An answer that is no stream.
    Whole(Answer),
}

/// The pieces of a stream.
pub(super) enum Source {
    /// Made here.
    Demo(VecDeque<Value>),
    /// From a connection.
    Http(Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>),
}

impl HttpProvider {
    pub(super) fn new(base: Url, key: Option<Secret>, timeout: Duration) -> Self {
        weir_tls::prepare();
        Self { base, key, timeout, clients: Arc::default() }
    }

    fn client(&self, on: On) -> Result<reqwest::Client, LlmError> {
        let held = self.clients.load_full();
        let clients = match held {
            Some(clients) if clients.pid == std::process::id() => clients,
            other => {
                let make =
                    || http::builder().read_timeout(self.timeout).build().map_err(|e| LlmError::of_transport(&e));
                let fresh = Arc::new(Clients { pid: std::process::id(), callers: make()?, own: make()? });
                let before = self.clients.swap(Some(Arc::clone(&fresh)));
                if other.is_some() {
                    // The parent's connections are not this process's to close.
                    std::mem::forget((other, before));
                }
                fresh
            }
        };
        Ok(match on {
            On::CallersRuntime => clients.callers.clone(),
            On::OwnRuntime => clients.own.clone(),
        })
    }

    fn request(&self, on: On, headers: HeaderMap, body: String) -> Result<reqwest::RequestBuilder, LlmError> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => _ = segments.pop_if_empty().extend(["chat", "completions"]),
            Err(()) => return Err(LlmError::new(LlmErrorKind::Settings, "the base URL is no address of a server")),
        }
        let mut request = self
            .client(on)?
            .post(url)
            .headers(headers)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        Ok(request)
    }
}

impl Provider {
    /// Sends a request that is answered whole.
    pub(super) async fn send(
        &self,
        on: On,
        headers: HeaderMap,
        body: String,
        timeout: Option<Duration>,
    ) -> Result<Answer, LlmError> {
        let http = match self {
            Self::Demo => return Ok(demo_answer(&body)),
            Self::Http(http) => http,
        };
        let request = http.request(on, headers, body)?.timeout(timeout.unwrap_or(http.timeout));
        let answer = request.send().await.map_err(|e| LlmError::of_transport(&e))?;
        read(answer).await
    }

    /// Sends a request that is answered in pieces.
    pub(super) async fn open(
        &self,
        on: On,
        headers: HeaderMap,
        body: String,
        timeout: Option<Duration>,
    ) -> Result<Opened, LlmError> {
        let http = match self {
            Self::Demo => {
                return Ok(match demo_chat(&body) {
                    Ok(answer) => Opened::Stream(200, HeaderMap::new(), Source::Demo(answer.chunks().into())),
                    Err(refusal) => Opened::Whole(*refusal),
                });
            }
            Self::Http(http) => http,
        };
        let mut request = http.request(on, headers, body)?;
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        let answer = request.send().await.map_err(|e| LlmError::of_transport(&e))?;
        let is_stream =
            answer.headers().get(CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/event-stream"));
        if answer.status().is_success() && is_stream {
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            return Ok(Opened::Stream(status, headers, Source::Http(Box::pin(answer.bytes_stream()))));
        }
        read(answer).await.map(Opened::Whole)
    }
}

async fn read(answer: reqwest::Response) -> Result<Answer, LlmError> {
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let most = if status < 400 { MAX_ANSWER } else { MAX_REFUSAL };
    let body = http::read_bounded(answer, most).await.map_err(|unread| match unread {
        http::Unread::TooLong => LlmError::new(LlmErrorKind::Answer, format!("the answer is longer than {most} bytes")),
        http::Unread::Broken(error) => LlmError::of_transport(&error),
    })?;
    Ok(Answer { status, headers, body })
}

fn demo_chat(body: &str) -> Result<demo::ChatAnswer, Box<Answer>> {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let model = request.get("model").and_then(Value::as_str).unwrap_or("echo");
    demo::chat(model.strip_prefix("demo/").unwrap_or(model), body.as_bytes()).map_err(|error| {
        let body = error.body(weir_core::error::Form::OpenAi, "");
        Box::new(Answer { status: error.code.status().as_u16(), headers: HeaderMap::new(), body })
    })
}

fn demo_answer(body: &str) -> Answer {
    match demo_chat(body) {
        Ok(answer) => Answer { status: 200, headers: HeaderMap::new(), body: answer.whole().to_string().into_bytes() },
        Err(refusal) => *refusal,
    }
}
