//! OpenAI's chat types. What they do not know is kept, so that a request or an answer passes through them whole.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A chat request. Members without a field here go into `other` and are sent along.
///
/// ```
/// use serde_json::json;
/// use weir_sdk::{ChatRequest, Message};
/// let mut request = ChatRequest::new("gpt-4o", vec![Message::user("Good day")]);
/// request.temperature = Some(0.2);
/// request.other.insert("seed".into(), json!(7));
/// assert_eq!(serde_json::to_value(&request)?["seed"], 7);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The model.
    pub model: String,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Sampling temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Most tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Tools that the model may call, in OpenAI's form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ChatRequest {
    /// A request of a model, all else to be filled in.
    ///
    /// ```
    /// use weir_sdk::{ChatRequest, Message};
    /// let request = ChatRequest { max_tokens: Some(50), ..ChatRequest::new("gpt-4o", vec![Message::user("Good day")]) };
    /// assert_eq!(request.messages.len(), 1);
    /// ```
    #[must_use]
    pub fn new(model: impl Into<String>, messages: Vec<Message>) -> Self {
        Self { model: model.into(), messages, ..Self::default() }
    }
}

/// A message of a conversation.
///
/// ```
/// use weir_sdk::Message;
/// assert_eq!(Message::system("Be brief").role, "system");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it: `system`, `user`, `assistant`, `tool`.
    pub role: String,
    /// What is said: a text, or a list of parts; null where there are only calls of tools.
    #[serde(default)]
    pub content: Value,
    /// Calls of tools that the model asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Message {
    fn of(role: &str, content: impl Into<String>) -> Self {
        Self { role: role.to_owned(), content: Value::String(content.into()), ..Self::default() }
    }

    /// What the user says.
    ///
    /// ```
    /// assert_eq!(weir_sdk::Message::user("Good day").text(), "Good day");
    /// ```
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self::of("user", content)
    }

    /// The system's instructions.
    ///
    /// ```
    /// assert_eq!(weir_sdk::Message::system("Be brief").text(), "Be brief");
    /// ```
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self::of("system", content)
    }

    /// What the model said.
    ///
    /// ```
    /// assert_eq!(weir_sdk::Message::assistant("Good day").role, "assistant");
    /// ```
    #[must_use]
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::of("assistant", content)
    }

    /// Its text: the content, or the text parts of it.
    ///
    /// ```
    /// use weir_sdk::Message;
    /// let message: Message =
    ///     serde_json::from_str(r#"{"role": "user", "content": [{"type": "text", "text": "Good day"}]}"#)?;
    /// assert_eq!(message.text(), "Good day");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn text(&self) -> String {
        text_of(&self.content)
    }
}

/// A text, or the text parts of a list.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// A chat answer. Members without a field here are in `other`.
///
/// ```
/// use weir_sdk::{ChatRequest, InstrumentedLlm, Message, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let llm = InstrumentedLlm::demo(&logger);
/// let answer = llm.chat_blocking(&ChatRequest::new("demo/echo", vec![Message::user("Good day")]))?;
/// assert_eq!(answer.content(), "[demo] You said: Good day");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatResponse {
    /// The provider's id of the answer.
    #[serde(default)]
    pub id: String,
    /// The model that answered.
    #[serde(default)]
    pub model: String,
    /// The answers, mostly one.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// Tokens, if the provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ChatResponse {
    /// The text of the first answer; empty where there is none.
    ///
    /// ```
    /// assert_eq!(weir_sdk::ChatResponse::default().content(), "");
    /// ```
    #[must_use]
    pub fn content(&self) -> String {
        self.choices.first().map(|choice| choice.message.text()).unwrap_or_default()
    }
}

/// One of the answers.
///
/// ```
/// assert_eq!(weir_sdk::Choice::default().finish_reason, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its number.
    #[serde(default)]
    pub index: u64,
    /// What the model said.
    #[serde(default)]
    pub message: Message,
    /// Why it stopped: `stop`, `length`, `tool_calls`, `content_filter`.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Tokens as the provider counts them.
///
/// ```
/// let usage: weir_sdk::Usage = serde_json::from_str(r#"{"prompt_tokens": 3, "completion_tokens": 4}"#)?;
/// assert_eq!(usage.prompt_tokens, 3);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Input, cached input included.
    #[serde(default)]
    pub prompt_tokens: u64,
    /// Output, reasoning included.
    #[serde(default)]
    pub completion_tokens: u64,
    /// Both.
    #[serde(default)]
    pub total_tokens: u64,
    /// Everything else, such as details of the two.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A piece of a streamed answer.
///
/// ```
/// let chunk: weir_sdk::ChatChunk =
///     serde_json::from_str(r#"{"choices": [{"index": 0, "delta": {"content": "Good"}}]}"#)?;
/// assert_eq!(chunk.content(), "Good");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatChunk {
    /// The provider's id of the answer.
    #[serde(default)]
    pub id: String,
    /// The model that answers.
    #[serde(default)]
    pub model: String,
    /// What comes to the answers.
    #[serde(default)]
    pub choices: Vec<ChunkChoice>,
    /// Tokens, in the last piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ChatChunk {
    /// The text that comes to the first answer; empty where none does.
    ///
    /// ```
    /// assert_eq!(weir_sdk::ChatChunk::default().content(), "");
    /// ```
    #[must_use]
    pub fn content(&self) -> &str {
        self.choices.first().and_then(|choice| choice.delta.get("content")?.as_str()).unwrap_or_default()
    }
}

/// What comes to one of the answers.
///
/// ```
/// assert!(weir_sdk::ChunkChoice::default().delta.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// Its number.
    #[serde(default)]
    pub index: u64,
    /// The new part of its message.
    #[serde(default)]
    pub delta: Map<String, Value>,
    /// Why it stopped, in its last piece.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_types_do_not_know_passes_through_them() {
        let request = r#"{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"1"}],"name":"x"}],"seed":7,"response_format":{"type":"json_object"}}"#;
        let answer = r#"{"id":"a","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":1}},"object":"chat.completion","created":1,"system_fingerprint":"fp"}"#;
        let typed: ChatRequest = serde_json::from_str(request).unwrap();
        assert_eq!(serde_json::to_string(&typed).unwrap(), request);
        let typed: ChatResponse = serde_json::from_str(answer).unwrap();
        assert_eq!(serde_json::to_string(&typed).unwrap(), answer);
    }
}
