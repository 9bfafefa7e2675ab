//! OpenAI chat completions.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use weir_core::token::usage;

use super::{Passed, Reader, ReaderOptions, Summary, error_message, parse, push_bounded, refuse_error};
use crate::sse::Event;

/// Most choices and tool calls that are kept of one answer.
const MAX_PARTS: usize = 128;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    created: Option<u64>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default, deserialize_with = "raw_or_null")]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    x_groq: Option<XGroq<'a>>,
}

/// Keeps the text `null`, which `Option` would read as absent.
fn raw_or_null<'de: 'a, 'a, D: Deserializer<'de>>(d: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(d).map(Some)
}

#[derive(Deserialize)]
struct XGroq<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: usize,
    #[serde(borrow, default, alias = "message")]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "reasoning")]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ToolDelta<'a>>>,
}

#[derive(Deserialize)]
struct ToolDelta<'a> {
    #[serde(default)]
    index: Option<usize>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    function: Option<FunctionDelta<'a>>,
}

#[derive(Deserialize)]
struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

#[derive(Default)]
struct Kept {
    content: String,
    refusal: String,
    reasoning: String,
    tools: Vec<Tool>,
    finish_reason: Option<String>,
}

#[derive(Default)]
struct Tool {
    id: String,
    name: String,
    arguments: String,
}

/// Reads chat completions.
pub(super) struct ChatReader {
    options: ReaderOptions,
    id: String,
    created: u64,
    choices: Vec<Kept>,
    summary: Summary,
    usage_text: Option<String>,
    done: bool,
}

impl ChatReader {
    pub(super) fn new(options: ReaderOptions) -> Self {
        Self {
            options,
            id: String::new(),
            created: 0,
            choices: Vec::new(),
            summary: Summary::default(),
            usage_text: None,
            done: false,
        }
    }

    fn take(&mut self, chunk: &Chunk<'_>) {
        if self.id.is_empty() {
            self.id = chunk.id.as_deref().unwrap_or_default().to_owned();
        }
        if self.created == 0 {
            self.created = chunk.created.unwrap_or(0);
        }
        if self.summary.model.is_none() {
            self.summary.model = chunk.model.as_deref().filter(|m| !m.is_empty()).map(str::to_owned);
        }
        let groq = chunk.x_groq.as_ref().and_then(|x| x.usage);
        if let Some(raw) = chunk.usage.filter(|raw| raw.get() != "null").or(groq)
            && let Some(counts) = usage::from_openai(raw.get().as_bytes())
        {
            self.summary.usage = Some(counts);
            self.usage_text = Some(raw.get().to_owned());
        }
        for choice in chunk.choices.iter().flatten() {
            self.take_choice(choice);
        }
    }

    fn take_choice(&mut self, choice: &Choice<'_>) {
        if choice.index >= MAX_PARTS {
            return;
        }
        if self.choices.len() <= choice.index {
            self.choices.resize_with(choice.index + 1, Kept::default);
        }
        let max = self.options.max_text;
        let kept = &mut self.choices[choice.index];
        if let Some(reason) = &choice.finish_reason {
            kept.finish_reason = Some(reason.clone().into_owned());
            if choice.index == 0 {
                self.summary.finish_reason.clone_from(&kept.finish_reason);
            }
        }
        let Some(delta) = &choice.delta else { return };
        push_raw(&mut kept.content, delta.content, max);
        push_raw(&mut kept.reasoning, delta.reasoning_content, max);
        if let Some(piece) = &delta.refusal {
            push_bounded(&mut kept.refusal, piece, max);
        }
        for (position, call) in delta.tool_calls.iter().flatten().enumerate() {
            let index = call.index.unwrap_or(position);
            if index >= MAX_PARTS {
                continue;
            }
            if kept.tools.len() <= index {
                kept.tools.resize_with(index + 1, Tool::default);
            }
            let tool = &mut kept.tools[index];
            if let Some(id) = &call.id {
                tool.id = id.clone().into_owned();
            }
            if let Some(function) = &call.function {
                if let Some(name) = &function.name {
                    push_bounded(&mut tool.name, name, max);
                }
                push_raw(&mut tool.arguments, function.arguments, max);
            }
        }
    }
}

/// Appends a JSON string's text, or the JSON itself where an upstream sends something else.
fn push_raw(text: &mut String, raw: Option<&RawValue>, max: usize) {
    let Some(raw) = raw else { return };
    let json = raw.get();
    if let Some(inner) = json.strip_prefix('"').and_then(|s| s.strip_suffix('"')).filter(|s| !s.contains('\\')) {
        push_bounded(text, inner, max);
    } else if let Ok(decoded) = serde_json::from_str::<String>(json) {
        push_bounded(text, &decoded, max);
    } else if json != "null" {
        push_bounded(text, json, max);
    }
}

impl Reader for ChatReader {
    fn whole(&mut self, body: &[u8]) -> Result<(), String> {
        if let Some(chunk) = parse::<Chunk<'_>>(body)? {
            refuse_error(chunk.error.filter(|_| chunk.choices.is_none()))?;
            self.take(&chunk);
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Passed {
        let Some(data) = &event.data else { return Passed::AsIs };
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            return Passed::AsIs;
        }
        let Ok(text) = std::str::from_utf8(data) else { return Passed::AsIs };
        let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(text) else { return Passed::AsIs };
        if chunk.error.is_some_and(|e| !matches!(e.get(), "null" | "false" | "\"\"")) {
            return Passed::Error(error_message(text));
        }
        self.take(&chunk);
        let no_choices = chunk.choices.as_ref().is_some_and(Vec::is_empty);
        match chunk.usage {
            Some(_) if self.options.client_wants_usage => Passed::AsIs,
            Some(usage) if usage.get() == "null" => without_null_usage(&event.raw, text, usage),
            Some(_) if no_choices => Passed::Hidden,
            _ => Passed::AsIs,
        }
    }

    fn is_complete(&self) -> bool {
        self.done
            || (self.choices.len() >= self.options.choices.max(1)
                && self.choices.iter().all(|c| c.finish_reason.is_some()))
    }

    fn is_final(&self) -> bool {
        self.done
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn text(&self) -> String {
        let mut all = String::new();
        for choice in &self.choices {
            all.push_str(&choice.reasoning);
            all.push_str(&choice.content);
            all.push_str(&choice.refusal);
            for tool in &choice.tools {
                all.push_str(&tool.name);
                all.push_str(&tool.arguments);
            }
        }
        all
    }

    fn assembled(&self) -> String {
        let whole = Whole {
            id: &self.id,
            object: "chat.completion",
            created: self.created,
            model: self.summary.model.as_deref().unwrap_or_default(),
            choices: self.choices.iter().enumerate().map(whole_choice).collect(),
            usage: self.usage_text.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        };
        serde_json::to_string(&whole).unwrap_or_default()
    }

    fn closing(&self) -> &'static [u8] {
        if self.done { b"" } else { b"data: [DONE]\n\n" }
    }
}

/// The event without the `"usage":null` that stands there only because Weir asked for usage.
fn without_null_usage(raw: &Bytes, data: &str, usage: &RawValue) -> Passed {
    let value = usage.get().as_ptr() as usize - data.as_ptr() as usize;
    let before = data[..value].trim_ascii_end();
    let Some(before) = before
        .strip_suffix(':')
        .and_then(|s| s.trim_ascii_end().strip_suffix("\"usage\""))
        .and_then(|s| s.trim_ascii_end().strip_suffix(','))
    else {
        return Passed::AsIs;
    };
    // The data is a part of the raw bytes, unless it was joined from several lines.
    let start = (data.as_ptr() as usize).wrapping_sub(raw.as_ptr() as usize);
    if start > raw.len() {
        return Passed::AsIs;
    }
    let mut changed = Vec::with_capacity(raw.len());
    changed.extend_from_slice(&raw[..start + before.len()]);
    changed.extend_from_slice(&raw[start + value + usage.get().len()..]);
    Passed::Changed(changed.into())
}

#[derive(Serialize)]
struct Whole<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<WholeChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct WholeChoice<'a> {
    index: usize,
    message: Message<'a>,
    finish_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    refusal: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning_content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WholeTool<'a>>,
}

#[derive(Serialize)]
struct WholeTool<'a> {
    id: &'a str,
    r#type: &'static str,
    function: WholeFunction<'a>,
}

#[derive(Serialize)]
struct WholeFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

fn whole_choice((index, kept): (usize, &Kept)) -> WholeChoice<'_> {
    let tool_calls: Vec<_> = kept
        .tools
        .iter()
        .map(|t| WholeTool {
            id: &t.id,
            r#type: "function",
            function: WholeFunction { name: &t.name, arguments: &t.arguments },
        })
        .collect();
    let content = (!kept.content.is_empty() || tool_calls.is_empty()).then_some(kept.content.as_str());
    WholeChoice {
        index,
        message: Message {
            role: "assistant",
            content,
            refusal: &kept.refusal,
            reasoning_content: &kept.reasoning,
            tool_calls,
        },
        finish_reason: kept.finish_reason.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Splitter;

    fn run(stream: &str, client_wants_usage: bool) -> (ChatReader, String) {
        let mut reader = ChatReader::new(ReaderOptions { client_wants_usage, choices: 1, max_text: 1000 });
        let mut splitter = Splitter::new(1 << 20);
        splitter.push(stream.as_bytes());
        let mut out = Vec::new();
        while let Some(event) = splitter.next_event().unwrap() {
            match reader.event(&event) {
                Passed::AsIs | Passed::Error(_) => out.extend_from_slice(&event.raw),
                Passed::Changed(bytes) => out.extend_from_slice(&bytes),
                Passed::Hidden => {}
            }
        }
        (reader, String::from_utf8(out).unwrap())
    }

    const STREAM: &str = concat!(
        "data: {\"id\":\"c1\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"He\\n\"},\"finish_reason\":null}],\"usage\":null}\n\n",
        "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}],\"usage\": null, \"x\":1}\n\n",
        "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
        "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\n",
        "data: [DONE]\n\n",
    );

    #[test]
    fn a_client_that_asked_for_usage_gets_every_byte() {
        let (reader, out) = run(STREAM, true);
        assert_eq!(out, STREAM);
        assert!(reader.is_complete());
        assert_eq!(reader.summary.usage.as_ref().map(|u| (u.prompt, u.completion)), Some((5, 2)));
    }

    #[test]
    fn usage_that_only_weir_asked_for_is_hidden() {
        let (_, out) = run(STREAM, false);
        assert!(!out.contains("usage"), "{out}");
        assert!(out.contains("\"finish_reason\":null}]}\n\n") && out.contains(", \"x\":1}"), "{out}");
        assert!(out.ends_with("data: [DONE]\n\n"));
    }

    #[test]
    fn the_record_is_the_answer_in_one_piece() {
        let (reader, _) = run(STREAM, true);
        assert_eq!(
            reader.assembled(),
            r#"{"id":"c1","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"He\n","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#
        );
        assert_eq!(reader.text(), "He\nf{\"a\":1}");
    }

    #[test]
    fn an_error_in_the_stream_is_seen() {
        let mut reader = ChatReader::new(ReaderOptions { client_wants_usage: false, choices: 1, max_text: 10 });
        let mut splitter = Splitter::new(1000);
        splitter.push(b"data: {\"error\":{\"message\":\"boom\",\"code\":500}}\n\n");
        let event = splitter.next_event().unwrap().unwrap();
        assert_eq!(reader.event(&event), Passed::Error("boom".into()));
        assert_eq!(super::super::first_event_error(&event).as_deref(), Some("boom"));
        assert!(!reader.is_complete());
    }
}
