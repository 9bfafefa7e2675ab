//! An OpenAI-type client that logs what it does.

mod blocking;
mod call;
mod chat;
mod error;
mod exchange;
mod gather;
mod options;
mod provider;
mod sse;
mod stream;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde_json::Value;
use weir_core::secret::Secret;
use weir_core::span::Span;

pub use blocking::BlockingChatStream;
pub(crate) use blocking::wait;
pub use chat::{ChatChunk, ChatRequest, ChatResponse, Choice, ChunkChoice, Message, Usage};
pub use error::{LlmError, LlmErrorKind};
pub use options::{CallOptions, Reply};
pub use stream::{ChatStream, RawChatStream};

use crate::logger::ObservabilityLogger;
use call::Handover;
use exchange::as_value;
use transport::{HttpProvider, On, Provider};

/// OpenAI's own address, for a key without an address.
const OPENAI: &str = "https://api.openai.com/v1";
/// How long an answer, or the next piece of a streamed one, may take, unless set.
const TIMEOUT: Duration = Duration::from_secs(120);
/// The model of calls that name none.
const MODEL: &str = "gpt-4o-mini";

/// An OpenAI-type client that logs every call: requests and answers pass through it as they are.
///
/// Without settings it takes `OPENAI_BASE_URL` and `OPENAI_API_KEY` from the environment; without both, the demo
/// provider answers within the process, offline and labelled as such. A request id is made for every call and sent as
/// `x-request-id`, with a `traceparent`. Where the address is that of the Weir server to which the logger writes, the
/// gateway records the call, in the same trace, and it is not recorded twice. Failures are logged and returned; nothing
/// is tried again. Clones are cheap.
///
/// ```
/// use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let llm = InstrumentedLlm::demo(&logger);
/// let options = CallOptions { prompt_version: Some("v2".into()), ..CallOptions::default() };
/// let reply = llm.call("How do I reset my password?", &options).await?;
/// assert!(reply.content.contains("reset my password"));
/// # Ok::<(), weir_sdk::LlmError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct InstrumentedLlm {
    logger: ObservabilityLogger,
    base_url: Option<String>,
    api_key: Option<Secret>,
    timeout: Duration,
    model: String,
    provider_name: Option<String>,
    handover: Option<Handover>,
    /// What the settings make; why they cannot be used.
    provider: Result<Provider, String>,
}

impl InstrumentedLlm {
    /// A client of what the environment names, else of the demo provider.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let llm = weir_sdk::InstrumentedLlm::new(&logger);
    /// # drop(llm);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(logger: &ObservabilityLogger) -> Self {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let mut llm = Self::demo(logger);
        llm.base_url = env("OPENAI_BASE_URL");
        llm.api_key = env("OPENAI_API_KEY").map(Secret::from);
        llm.settle()
    }

    /// A client of the demo provider, whatever the environment says.
    ///
    /// ```
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let reply = InstrumentedLlm::demo(&logger).call_blocking("Good day", &CallOptions::default())?;
    /// assert!(reply.model.starts_with("demo/"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn demo(logger: &ObservabilityLogger) -> Self {
        Self {
            logger: logger.clone(),
            base_url: None,
            api_key: None,
            timeout: TIMEOUT,
            model: MODEL.to_owned(),
            provider_name: None,
            handover: None,
            provider: Ok(Provider::Demo),
        }
    }

    /// The address of a provider, up to `/v1`. One that is none makes every call fail with a sentence that says so.
    ///
    /// ```
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let llm = InstrumentedLlm::new(&logger).base_url("http://127.0.0.1:9/v1");
    /// let error = llm.call_blocking("Good day", &CallOptions::default()).unwrap_err();
    /// assert_eq!(error.kind, weir_sdk::LlmErrorKind::Connection);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self.settle()
    }

    /// The key for the provider; it is neither logged nor recorded.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let llm = weir_sdk::InstrumentedLlm::new(&logger).base_url("http://127.0.0.1:8080/v1").api_key("my-key");
    /// assert!(!format!("{llm:?}").contains("my-key"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(Secret::from(key.into()));
        self.settle()
    }

    /// How long an answer may take, and each piece of a streamed one; two minutes unless set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let llm = weir_sdk::InstrumentedLlm::new(&logger).timeout(Duration::from_secs(20));
    /// # drop(llm);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.settle()
    }

    /// The model of calls that name none; `gpt-4o-mini` unless set.
    ///
    /// ```
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let llm = InstrumentedLlm::demo(&logger).model("demo/lorem");
    /// assert!(llm.call_blocking("?", &CallOptions::default())?.content.starts_with("A weir"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// Hands the record of every call over instead of logging it: to one who adds to it, and logs it with
    /// [`ObservabilityLogger::try_log_span`]. The flag says that the gateway which answered has stored it, so that it is
    /// only to be counted, with [`ObservabilityLogger::count_span`]. Called once per call, however that ends, on the thread
    /// on which it ends.
    ///
    /// ```
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let (hand, records) = std::sync::mpsc::channel();
    /// let llm = InstrumentedLlm::demo(&logger).hand_over(move |span, _| _ = hand.send(span));
    /// llm.call_blocking("Good day", &CallOptions::default())?;
    /// let mut span = records.recv()?;
    /// span.tags = Some(vec!["greeting".into()]);
    /// logger.try_log_span(span)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn hand_over(mut self, to: impl Fn(Span, bool) + Send + Sync + 'static) -> Self {
        self.handover = Some(Handover(Arc::new(to)));
        self
    }

    /// The provider's name in the record, by which prices go; without it the vendor's by its address, else `openai`, whose
    /// type it is.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let llm = weir_sdk::InstrumentedLlm::new(&logger).base_url("http://10.0.0.7:8000/v1").provider("vllm");
    /// # drop(llm);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn provider(mut self, name: impl Into<String>) -> Self {
        self.provider_name = Some(name.into());
        self
    }

    /// Makes the provider of the settings.
    fn settle(mut self) -> Self {
        self.provider = match (&self.base_url, &self.api_key) {
            (None, None) => Ok(Provider::Demo),
            (url, key) => {
                let url = url.as_deref().unwrap_or(OPENAI);
                Url::parse(url.trim())
                    .map_err(|e| e.to_string())
                    .and_then(|url| match url.scheme() {
                        "http" | "https" => Ok(url),
                        _ => Err("it must begin with http:// or https://".to_owned()),
                    })
                    .map(|url| Provider::Http(HttpProvider::new(url, key.clone(), self.timeout)))
                    .map_err(|why| format!("the base URL \"{url}\" is no address: {why}"))
            }
        };
        self
    }

    /// Sends a prompt, logs the call, and returns the answer with what it took.
    ///
    /// # Errors
    /// As the provider says, with its message; when there is no connection or no answer in time. Logged already.
    ///
    /// ```
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let options = CallOptions { system: Some("Be brief.".into()), ..CallOptions::default() };
    /// let reply = llm.call("Good day", &options).await?;
    /// assert_eq!(reply.finish_reason.as_deref(), Some("stop"));
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn call(&self, prompt: &str, options: &CallOptions) -> Result<Reply, LlmError> {
        self.reply(On::CallersRuntime, prompt, options).await
    }

    /// Sends a chat request and logs it.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::call`]; also when the answer is no chat answer.
    ///
    /// ```
    /// # use weir_sdk::{ChatRequest, InstrumentedLlm, Message, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let answer = llm.chat(&ChatRequest::new("demo/echo", vec![Message::user("Good day")])).await?;
    /// assert_eq!(answer.content(), "[demo] You said: Good day");
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, LlmError> {
        self.chat_with(request, &CallOptions::default()).await
    }

    /// The same, filed under what the options say.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::chat`].
    ///
    /// ```
    /// # use weir_sdk::{CallOptions, ChatRequest, InstrumentedLlm, Message, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let options = CallOptions { user: Some("ann".into()), ..CallOptions::default() };
    /// llm.chat_with(&ChatRequest::new("demo/echo", vec![Message::user("Good day")]), &options).await?;
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn chat_with(&self, request: &ChatRequest, options: &CallOptions) -> Result<ChatResponse, LlmError> {
        self.typed(On::CallersRuntime, request, options).await
    }

    /// Sends a chat request as it is, and returns the answer as it is.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::call`].
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let request = json!({"model": "demo/echo", "messages": [{"role": "user", "content": "Good day"}]});
    /// assert_eq!(llm.chat_raw(request).await?["object"], "chat.completion");
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn chat_raw(&self, request: Value) -> Result<Value, LlmError> {
        self.chat_raw_with(request, &CallOptions::default()).await
    }

    /// The same, filed under what the options say.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::call`].
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let options = CallOptions { session: Some("thread-7".into()), ..CallOptions::default() };
    /// llm.chat_raw_with(json!({"model": "demo/lorem", "messages": []}), &options).await?;
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn chat_raw_with(&self, request: Value, options: &CallOptions) -> Result<Value, LlmError> {
        self.raw(On::CallersRuntime, request, options).await
    }

    /// Sends a chat request and returns the answer in pieces.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::call`], before the first piece; the stream itself says what happens after.
    ///
    /// ```
    /// # use futures_util::StreamExt;
    /// # use weir_sdk::{ChatRequest, InstrumentedLlm, Message, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let stream = llm.chat_stream(&ChatRequest::new("demo/lorem", vec![Message::user("?")])).await?;
    /// assert!(stream.count().await > 5);
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn chat_stream(&self, request: &ChatRequest) -> Result<ChatStream, LlmError> {
        self.chat_stream_with(request, &CallOptions::default()).await
    }

    /// The same, filed under what the options say.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::chat_stream`].
    ///
    /// ```
    /// # use futures_util::StreamExt;
    /// # use weir_sdk::{CallOptions, ChatRequest, InstrumentedLlm, Message, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let options = CallOptions { request_id: Some("req-1".into()), ..CallOptions::default() };
    /// let request = ChatRequest::new("demo/lorem", vec![Message::user("?")]);
    /// assert_eq!(llm.chat_stream_with(&request, &options).await?.request_id(), "req-1");
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn chat_stream_with(&self, request: &ChatRequest, options: &CallOptions) -> Result<ChatStream, LlmError> {
        self.stream(On::CallersRuntime, as_value(request)?, options).await.map(ChatStream)
    }

    /// Sends a chat request as it is, and returns the answer's pieces as they are.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::chat_stream`].
    ///
    /// ```
    /// # use futures_util::StreamExt;
    /// # use serde_json::json;
    /// # use weir_sdk::{InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let mut stream = llm.chat_stream_raw(json!({"model": "demo/lorem", "messages": []})).await?;
    /// let first = stream.next().await.unwrap()?;
    /// assert_eq!(first["object"], "chat.completion.chunk");
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn chat_stream_raw(&self, request: Value) -> Result<RawChatStream, LlmError> {
        self.chat_stream_raw_with(request, &CallOptions::default()).await
    }

    /// The same, filed under what the options say.
    ///
    /// # Errors
    /// As [`InstrumentedLlm::chat_stream`].
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let llm = InstrumentedLlm::demo(&logger);
    /// let options = CallOptions { request_id: Some("req-1".into()), ..CallOptions::default() };
    /// let stream = llm.chat_stream_raw_with(json!({"model": "demo/lorem", "messages": []}), &options).await?;
    /// drop(stream); // logged as cancelled
    /// # Ok::<(), weir_sdk::LlmError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn chat_stream_raw_with(&self, request: Value, options: &CallOptions) -> Result<RawChatStream, LlmError> {
        self.stream(On::CallersRuntime, request, options).await
    }
}
