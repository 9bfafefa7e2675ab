//! A request and its answer, and the record of both.

use std::time::Duration;

use serde_json::{Value, json};
use weir_core::money::NanoUsd;
use weir_core::span::Span;

use super::InstrumentedLlm;
use super::call::{Call, Recorder};
use super::chat::{ChatRequest, ChatResponse};
use super::error::{LlmError, LlmErrorKind};
use super::options::{CallOptions, Reply};
use super::provider::{self, Named};
use super::stream::RawChatStream;
use super::transport::{Answer, On, Opened, Provider};
use crate::logger::core::DEMO;

impl InstrumentedLlm {
    pub(super) async fn reply(&self, on: On, prompt: &str, options: &CallOptions) -> Result<Reply, LlmError> {
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
            cost: record.cost.map(NanoUsd::as_usd),
            latency: Duration::from_micros(latency),
            finish_reason: record.finish_reason,
            span_id: record.span_id,
            response: answer,
        })
    }

    pub(super) async fn typed(
        &self,
        on: On,
        request: &ChatRequest,
        options: &CallOptions,
    ) -> Result<ChatResponse, LlmError> {
        let answer = self.raw(on, as_value(request)?, options).await?;
        serde_json::from_value(answer)
            .map_err(|e| LlmError::new(LlmErrorKind::Answer, format!("the answer is no chat answer: {e}")))
    }

    pub(super) async fn raw(&self, on: On, request: Value, options: &CallOptions) -> Result<Value, LlmError> {
        if request.get("stream").and_then(Value::as_bool) == Some(true) {
            let message = "\"stream\" is true: ask with chat_stream or chat_stream_raw for an answer in pieces";
            return Err(LlmError::new(LlmErrorKind::Settings, message));
        }
        self.exchange(on, &request, None, options).await.map(|(answer, _)| answer)
    }

    /// A whole request and its whole answer, and the record of both.
    pub(super) async fn exchange(
        &self,
        on: On,
        request: &Value,
        input: Option<String>,
        options: &CallOptions,
    ) -> Result<(Value, Span), LlmError> {
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

    pub(super) async fn stream(
        &self,
        on: On,
        mut request: Value,
        options: &CallOptions,
    ) -> Result<RawChatStream, LlmError> {
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
        let (mut named, recorder) = match &provider {
            Provider::Demo => (Named { name: DEMO.to_owned(), host: None }, Recorder::Here),
            Provider::Http(http) => {
                let same =
                    self.logger.settings().target.url().is_some_and(|url| provider::same_server(url, &http.base));
                (Named::of(&http.base), if same { Recorder::Gateway } else { Recorder::Here })
            }
        };
        if let Some(name) = &self.provider_name {
            named.name.clone_from(name);
        }
        let body = request.to_string();
        let input = input.unwrap_or_else(|| body.clone());
        let call =
            Call::begin(&self.logger, recorder, &named, request, input, options).handing_over(self.handover.clone());
        Ok((provider, body, call))
    }
}

/// A typed request as it is sent.
pub(super) fn as_value(request: &ChatRequest) -> Result<Value, LlmError> {
    serde_json::to_value(request)
        .map_err(|e| LlmError::new(LlmErrorKind::Settings, format!("the request cannot be written as JSON: {e}")))
}
