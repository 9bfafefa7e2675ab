//! For programs without a runtime: the same calls, waited for on the caller's thread. They may be made within a
//! runtime too, where they hold up the thread that they are made on.

use std::future::Future;

use futures_util::StreamExt;
use serde_json::Value;

use super::InstrumentedLlm;
use super::chat::{ChatRequest, ChatResponse};
use super::error::{LlmError, LlmErrorKind};
use super::options::{CallOptions, Reply};
use super::stream::RawChatStream;
use super::transport::On;
use crate::error::SdkError;
use crate::process::Process;
use crate::workflow::current;

/// Runs a future on the library's runtime, within the current step.
pub(crate) fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T, SdkError> {
    let process = Process::current();
    let runtime = process.runtime()?;
    let (done, result) = std::sync::mpsc::sync_channel(1);
    let step = current::get();
    let task = async move {
        let value = match step {
            Some(step) => current::scope(step, future).await,
            None => future.await,
        };
        // Somebody waits for it.
        _ = done.send(value);
    };
    drop(runtime.spawn(task));
    result.recv().map_err(|_| SdkError::Settings("the request was given up: its task ended early".to_owned()))
}

fn waited<T: Send + 'static>(
    future: impl Future<Output = Result<T, LlmError>> + Send + 'static,
) -> Result<T, LlmError> {
    wait(future).unwrap_or_else(|e| Err(LlmError::new(LlmErrorKind::Settings, e.to_string())))
}

impl InstrumentedLlm {
    /// [`InstrumentedLlm::call`], waited for.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let reply = InstrumentedLlm::demo(&logger).call_blocking("Good day", &CallOptions::default())?;
    /// assert_eq!(reply.content, "[demo] You said: Good day");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_blocking(&self, prompt: &str, options: &CallOptions) -> Result<Reply, LlmError> {
        let (llm, prompt, options) = (self.clone(), prompt.to_owned(), options.clone());
        waited(async move { llm.reply(On::OwnRuntime, &prompt, &options).await })
    }

    /// [`InstrumentedLlm::chat`], waited for.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use weir_sdk::{ChatRequest, InstrumentedLlm, Message, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let request = ChatRequest::new("demo/echo", vec![Message::user("Good day")]);
    /// let answer = InstrumentedLlm::demo(&logger).chat_blocking(&request)?;
    /// assert_eq!(answer.choices[0].finish_reason.as_deref(), Some("stop"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chat_blocking(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        let (llm, request) = (self.clone(), request.clone());
        waited(async move { llm.typed(On::OwnRuntime, &request, &CallOptions::default()).await })
    }

    /// [`InstrumentedLlm::chat_raw`], waited for.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let request = json!({"model": "demo/echo", "messages": [{"role": "user", "content": "Good day"}]});
    /// let answer = InstrumentedLlm::demo(&logger).chat_raw_blocking(request)?;
    /// assert_eq!(answer["object"], "chat.completion");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chat_raw_blocking(&self, request: Value) -> Result<Value, LlmError> {
        self.chat_raw_blocking_with(request, &CallOptions::default())
    }

    /// [`InstrumentedLlm::chat_raw_with`], waited for.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::chat_raw`].
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let options = CallOptions { user: Some("ann".into()), ..CallOptions::default() };
    /// let request = json!({"model": "demo/lorem", "messages": []});
    /// let answer = InstrumentedLlm::demo(&logger).chat_raw_blocking_with(request, &options)?;
    /// assert_eq!(answer["model"], "demo/lorem");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chat_raw_blocking_with(&self, request: Value, options: &CallOptions) -> Result<Value, LlmError> {
        let (llm, options) = (self.clone(), options.clone());
        waited(async move { llm.raw(On::OwnRuntime, request, &options).await })
    }

    /// [`InstrumentedLlm::chat_stream_raw`], waited for chunk by chunk.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let request = json!({"model": "demo/echo", "messages": [{"role": "user", "content": "Good day"}]});
    /// let mut text = String::new();
    /// for chunk in InstrumentedLlm::demo(&logger).chat_stream_raw_blocking(request)? {
    ///     text.push_str(chunk?["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
    /// }
    /// assert_eq!(text, "[demo] You said: Good day");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chat_stream_raw_blocking(&self, request: Value) -> Result<BlockingChatStream, LlmError> {
        self.chat_stream_raw_blocking_with(request, &CallOptions::default())
    }

    /// [`InstrumentedLlm::chat_stream_raw_with`], waited for chunk by chunk.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::chat_stream_raw`].
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let options = CallOptions { request_id: Some("req-1".into()), ..CallOptions::default() };
    /// let request = json!({"model": "demo/lorem", "messages": []});
    /// let stream = InstrumentedLlm::demo(&logger).chat_stream_raw_blocking_with(request, &options)?;
    /// assert_eq!(stream.request_id(), "req-1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chat_stream_raw_blocking_with(
        &self,
        request: Value,
        options: &CallOptions,
    ) -> Result<BlockingChatStream, LlmError> {
        let (llm, options) = (self.clone(), options.clone());
        let stream = waited(async move { llm.stream(On::OwnRuntime, request, &options).await })?;
        Ok(BlockingChatStream { request_id: stream.request_id().to_owned(), stream: Some(stream) })
    }
}

/// A streamed answer as an iterator. Logged as [`RawChatStream`] is.
///
/// ```
/// # use serde_json::json;
/// # use weir_sdk::{InstrumentedLlm, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let request = json!({"model": "demo/lorem", "messages": []});
/// let chunks = InstrumentedLlm::demo(&logger).chat_stream_raw_blocking(request)?;
/// assert!(chunks.count() > 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BlockingChatStream {
    stream: Option<RawChatStream>,
    request_id: String,
}

impl BlockingChatStream {
    /// The request, as it will stand in the record.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let request = json!({"model": "demo/lorem", "messages": []});
    /// assert!(!InstrumentedLlm::demo(&logger).chat_stream_raw_blocking(request)?.request_id().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
}

impl Iterator for BlockingChatStream {
    type Item = Result<Value, LlmError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut stream = self.stream.take()?;
        let waited = wait(async move {
            let chunk = stream.next().await;
            (stream, chunk)
        });
        match waited {
            Ok((stream, chunk)) => {
                self.stream = chunk.is_some().then_some(stream);
                chunk
            }
            Err(error) => Some(Err(LlmError::new(LlmErrorKind::Settings, error.to_string()))),
        }
    }
}
