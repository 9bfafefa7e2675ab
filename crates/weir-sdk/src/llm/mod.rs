//! An OpenAI-type client that logs what it does.

mod blocking;
mod call;
mod chat;
mod error;
mod gather;
mod options;
mod provider;
mod sse;
mod stream;
mod transport;

use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};
use weir_core::secret::Secret;

pub use blocking::BlockingChatStream;
pub(crate) use blocking::wait;
pub use chat::{ChatChunk, ChatRequest, ChatResponse, Choice, ChunkChoice, Message, Usage};
pub use error::{LlmError, LlmErrorKind};
pub use options::{CallOptions, Reply};
pub use stream::{ChatStream, RawChatStream};

use crate::logger::ObservabilityLogger;
use call::{Call, Recorder};
use transport::{Answer, HttpProvider, On, Opened, Provider};

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

    /// The provider's name in the record; without it the vendor's by its address, else the host's.
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

    async fn reply(&self, on: On, prompt: &str, options: &CallOptions) -> Result<Reply, LlmError> {
        let mut request = json!({"model": options.model.as_deref().unwrap_or(&self.model)});
        if let Some(members) = request.as_object_mut() {
            let mut messages = Vec::new();
            if let Some(system) = &options.system {
                messages.push(json!({"role": "system", "content": system}));
            }
            messages.push(json!({"role": "user", "content": prompt}));
            members.insert("messages".to_owned(), Value::Array(messages));
            if let Some(temperature) = options.temperature {
                members.insert("temperature".to_owned(), json!(temperature));
            }
            if let Some(max_tokens) = options.max_tokens {
                members.insert("max_tokens".to_owned(), json!(max_tokens));
            }
            members.extend(options.extra.clone());
        }
        // What was asked is the prompt; around instructions and other members it is the whole request.
        let whole = options.system.is_some() || !options.extra.is_empty();
        let input = (!whole).then(|| prompt.to_owned());
        let (answer, record) = self.exchange(on, &request, input, options).await?;
        let typed: ChatResponse = serde_json::from_value(answer.clone()).unwrap_or_default();
        let latency = record.latency_us().and_then(|us| u64::try_from(us).ok()).unwrap_or_default();
        Ok(Reply {
            content: typed.content(),
            request_id: record.request_id.unwrap_or_default(),
            model: typed.model,
            usage: typed.usage,
            cost: record.cost.map(weir_core::money::NanoUsd::as_usd),
            latency: Duration::from_micros(latency),
            finish_reason: record.finish_reason,
            span_id: record.span_id,
            response: answer,
        })
    }

    async fn typed(&self, on: On, request: &ChatRequest, options: &CallOptions) -> Result<ChatResponse, LlmError> {
        let answer = self.raw(on, as_value(request)?, options).await?;
        serde_json::from_value(answer)
            .map_err(|e| LlmError::new(LlmErrorKind::Answer, format!("the answer is no chat answer: {e}")))
    }

    async fn raw(&self, on: On, request: Value, options: &CallOptions) -> Result<Value, LlmError> {
        if request.get("stream").and_then(Value::as_bool) == Some(true) {
            let message = "\"stream\" is true: ask with chat_stream or chat_stream_raw for an answer in pieces";
            return Err(LlmError::new(LlmErrorKind::Settings, message));
        }
        self.exchange(on, &request, None, options).await.map(|(answer, _)| answer)
    }

    /// A whole request and its whole answer, and the record of both.
    async fn exchange(
        &self,
        on: On,
        request: &Value,
        input: Option<String>,
        options: &CallOptions,
    ) -> Result<(Value, weir_core::span::Span), LlmError> {
        let (provider, body, mut call) = self.begin(request, input, options)?;
        let answer = match provider.send(on, call.headers(), body, options.timeout).await {
            Ok(answer) => answer,
            Err(error) => return Err(call.failed(error, None)),
        };
        call.note_headers(answer.status, &answer.headers);
        let Answer { status, body, .. } = answer;
        if status >= 300 {
            return Err(call.failed(LlmError::refused(status, &body), None));
        }
        match serde_json::from_slice::<Value>(&body) {
            Ok(value) if value.is_object() => {
                let record = call.answered(&value, String::from_utf8_lossy(&body).into_owned()).unwrap_or_default();
                Ok((value, record))
            }
            _ => Err(call.failed(LlmError::new(LlmErrorKind::Answer, "the answer is no JSON object"), None)),
        }
    }

    async fn stream(&self, on: On, mut request: Value, options: &CallOptions) -> Result<RawChatStream, LlmError> {
        let mut hide_usage = false;
        if let Some(members) = request.as_object_mut() {
            members.insert("stream".to_owned(), Value::Bool(true));
            let asked = members.entry("stream_options").or_insert_with(|| json!({}));
            if let Some(asked) = asked.as_object_mut() {
                hide_usage = asked.get("include_usage").and_then(Value::as_bool) != Some(true);
                asked.insert("include_usage".to_owned(), Value::Bool(true));
            }
        }
        let (provider, body, mut call) = self.begin(&request, None, options)?;
        match provider.open(on, call.headers(), body, options.timeout).await {
            Ok(Opened::Stream(status, headers, source)) => {
                call.note_headers(status, &headers);
                let keep = self.logger.settings().policy.max_payload();
                Ok(RawChatStream::new(source, call, hide_usage, keep))
            }
            Ok(Opened::Whole(answer)) => {
                call.note_headers(answer.status, &answer.headers);
                let error = if answer.status >= 300 {
                    LlmError::refused(answer.status, &answer.body)
                } else {
                    LlmError::new(LlmErrorKind::Answer, "the provider did not answer with a stream")
                };
                Err(call.failed(error, None))
            }
            Err(error) => Err(call.failed(error, None)),
        }
    }

    /// Begins a call: where it goes, its body, and what records it.
    fn begin(
        &self,
        request: &Value,
        input: Option<String>,
        options: &CallOptions,
    ) -> Result<(Provider, String, Call), LlmError> {
        let refuse = |message: &str| LlmError::new(LlmErrorKind::Settings, message);
        if !request.is_object() {
            return Err(refuse("the request is no JSON object"));
        }
        let provider = self.provider.clone().map_err(|why| refuse(&why))?;
        let (name, recorder) = match &provider {
            Provider::Demo => ("demo".to_owned(), Recorder::Here),
            Provider::Http(http) => {
                let same =
                    self.logger.settings().target.url().is_some_and(|url| provider::same_server(url, &http.base));
                (provider::of(&http.base), if same { Recorder::Gateway } else { Recorder::Here })
            }
        };
        let name = self.provider_name.clone().unwrap_or(name);
        let body = request.to_string();
        let input = input.unwrap_or_else(|| body.clone());
        let call = Call::begin(&self.logger, recorder, &name, request, input, options);
        Ok((provider, body, call))
    }
}

fn as_value(request: &ChatRequest) -> Result<Value, LlmError> {
    serde_json::to_value(request)
        .map_err(|e| LlmError::new(LlmErrorKind::Settings, format!("the request cannot be written as JSON: {e}")))
}
