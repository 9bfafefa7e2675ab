use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt};
use serde_json::Value;

use super::call::Call;
use super::chat::ChatChunk;
use super::error::{LlmError, LlmErrorKind};
use super::gather::Gathered;
use super::sse::Splitter;
use super::transport::Source;

/// A streamed answer, chunk by chunk as the provider sends it. It is logged at its end, with the answer put together
/// and the time to its first piece; dropped before that, as cancelled with what had come.
///
/// ```
/// use futures_util::StreamExt;
/// use serde_json::json;
/// use weir_sdk::{InstrumentedLlm, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let llm = InstrumentedLlm::demo(&logger);
/// let request = json!({"model": "demo/echo", "messages": [{"role": "user", "content": "Good day"}]});
/// let mut stream = llm.chat_stream_raw(request).await?;
/// let mut text = String::new();
/// while let Some(chunk) = stream.next().await {
///     text.push_str(chunk?["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
/// }
/// assert_eq!(text, "[demo] You said: Good day");
/// # Ok::<(), weir_sdk::LlmError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RawChatStream {
    source: Source,
    splitter: Splitter,
    ready: VecDeque<Value>,
    call: Option<Call>,
    gathered: Gathered,
    /// The chunk of usage was asked for here, not by the caller.
    hide_usage: bool,
    request_id: String,
}

impl std::fmt::Debug for RawChatStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawChatStream").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// What stands next in a stream.
enum Next {
    Chunk(Value),
    /// `[DONE]`.
    Done,
    Failed(LlmError),
}

impl RawChatStream {
    pub(super) fn new(source: Source, call: Call, hide_usage: bool, keep: usize) -> Self {
        let request_id = call.request_id();
        let gathered = Gathered::new(keep);
        let (splitter, ready) = (Splitter::default(), VecDeque::new());
        Self { source, splitter, ready, call: Some(call), gathered, hide_usage, request_id }
    }

    /// The request, as it will stand in the record.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let stream = llm.chat_stream_raw_blocking(json!({"model": "demo/lorem", "messages": []}))?;
    /// assert!(!stream.request_id().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The next thing in the stream; `None` at its end.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        let bytes = match &mut self.source {
            Source::Demo(chunks) => return Poll::Ready(Some(chunks.pop_front().map_or(Next::Done, Next::Chunk))),
            Source::Http(bytes) => bytes,
        };
        loop {
            if let Some(data) = self.splitter.next() {
                if data.trim() == "[DONE]" {
                    return Poll::Ready(Some(Next::Done));
                }
                return Poll::Ready(Some(match serde_json::from_str(&data) {
                    Ok(chunk) => Next::Chunk(chunk),
                    Err(error) => Next::Failed(odd(&format!("holds an event that is no JSON: {error}"))),
                }));
            }
            match std::task::ready!(bytes.as_mut().poll_next(cx)) {
                Some(Ok(piece)) => {
                    if !self.splitter.push(&piece) {
                        return Poll::Ready(Some(Next::Failed(odd("holds an event that is too long"))));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Next::Failed(LlmError::of_transport(&error)))),
                None => {
                    self.splitter.finish();
                    let Some(data) = self.splitter.next() else { return Poll::Ready(None) };
                    return Poll::Ready(Some(serde_json::from_str(&data).map_or(Next::Done, Next::Chunk)));
                }
            }
        }
    }

    fn fail(&mut self, error: LlmError) -> LlmError {
        match self.call.take() {
            Some(call) => call.failed(error, Some(&self.gathered)),
            None => error,
        }
    }

    fn end(&mut self) {
        if let Some(call) = self.call.take() {
            _ = call.streamed(&self.gathered);
        }
    }
}

fn odd(what: &str) -> LlmError {
    LlmError::new(LlmErrorKind::Answer, format!("the stream {what}"))
}

impl Stream for RawChatStream {
    type Item = Result<Value, LlmError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(chunk) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if this.call.is_none() {
                return Poll::Ready(None);
            }
            match std::task::ready!(this.poll_source(cx)) {
                Some(Next::Chunk(chunk)) if chunk.get("error").is_some_and(|error| !error.is_null()) => {
                    let refusal = LlmError::refused(200, chunk.to_string().as_bytes());
                    let error = this.fail(LlmError { status: None, ..refusal });
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Next::Chunk(chunk)) => {
                    let carries = this.gathered.add(&chunk);
                    if carries && let Some(call) = &mut this.call {
                        call.first_piece();
                    }
                    if carries || !this.hide_usage {
                        this.ready.push_back(chunk);
                    }
                }
                Some(Next::Done) => this.end(),
                Some(Next::Failed(error)) => {
                    let error = this.fail(error);
                    return Poll::Ready(Some(Err(error)));
                }
                // Some servers end without the mark; an answer that says why it stopped is whole.
                None if this.gathered.finish_reason().is_some() => this.end(),
                None => {
                    let error = this.fail(LlmError::new(LlmErrorKind::Connection, "the stream broke off"));
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl Drop for RawChatStream {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.cancelled(&self.gathered);
        }
    }
}

/// The same with typed chunks.
///
/// ```
/// use futures_util::StreamExt;
/// use weir_sdk::{ChatRequest, InstrumentedLlm, Message, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let llm = InstrumentedLlm::demo(&logger);
/// let mut stream = llm.chat_stream(&ChatRequest::new("demo/echo", vec![Message::user("Good day")])).await?;
/// let mut text = String::new();
/// while let Some(chunk) = stream.next().await {
///     text.push_str(chunk?.content());
/// }
/// assert_eq!(text, "[demo] You said: Good day");
/// # Ok::<(), weir_sdk::LlmError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ChatStream(pub(super) RawChatStream);

impl ChatStream {
    /// The request, as it will stand in the record.
    ///
    /// ```
    /// # use weir_sdk::{ChatRequest, InstrumentedLlm, Message, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let request = ChatRequest::new("demo/echo", vec![Message::user("Good day")]);
    /// let stream = InstrumentedLlm::demo(&logger).chat_stream(&request).await?;
    /// assert!(!stream.request_id().is_empty());
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.0.request_id()
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatChunk, LlmError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = std::task::ready!(self.0.poll_next_unpin(cx));
        Poll::Ready(chunk.map(|chunk| {
            serde_json::from_value(chunk?).map_err(|e| {
                let error = odd(&format!("holds a chunk of another form: {e}"));
                LlmError { request_id: self.0.request_id.clone(), ..error }
            })
        }))
    }
}
