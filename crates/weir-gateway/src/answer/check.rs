//! Whether an answer of a cascade is good enough: it fits the schema that was asked for, is no refusal, was not cut off
//! and is not too short. Pure; the answer is in the client's protocol.

use serde_json::Value;

use super::Summary;
use crate::config::AcceptConfig;
use crate::exchange::envelope::Envelope;
use crate::providers::Endpoint;

/// How refusals begin; compared in lower case with straight quotes.
const REFUSALS: &[&str] = &[
    "i can't assist",
    "i can't help",
    "i can't provide",
    "i cannot assist",
    "i cannot help",
    "i cannot provide",
    "i'm sorry, but i can",
    "i am sorry, but i can",
    "sorry, but i can",
    "sorry, i can't",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "as an ai",
];

/// Most values of a schema, references written out, and how deep they may be nested.
const MAX_SCHEMA: usize = 5_000;
const MAX_SCHEMA_DEPTH: usize = 100;

/// What the request asks of the answer.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    json: bool,
    schema: Option<jsonschema::Validator>,
}

impl Wanted {
    /// Reads the wish for JSON and its schema. A schema that cannot be read asks for nothing but JSON.
    pub(crate) fn of(envelope: &Envelope<'_>) -> Self {
        let format = envelope.get("response_format").and_then(|text| serde_json::from_str::<Value>(text).ok());
        let format = format.or_else(|| {
            let text: Value = serde_json::from_str(envelope.get("text")?).ok()?;
            text.get("format").cloned()
        });
        let Some(format) = format else { return Self::default() };
        let kind = format.get("type").and_then(Value::as_str).unwrap_or_default();
        let schema = format.pointer("/json_schema/schema").or_else(|| format.get("schema"));
        Self {
            json: matches!(kind, "json_object" | "json_schema"),
            schema: schema.filter(|s| is_bounded(s)).and_then(|schema| jsonschema::validator_for(schema).ok()),
        }
    }
}

/// Whether a schema is small also with every reference written out: a few hundred bytes of references that double at
/// each step would else take hours and all memory. One that refers to itself is not.
fn is_bounded(schema: &Value) -> bool {
    fn walk(root: &Value, value: &Value, depth: usize, budget: &mut usize) -> bool {
        let Some(left) = budget.checked_sub(1) else { return false };
        *budget = left;
        if depth > MAX_SCHEMA_DEPTH {
            return false;
        }
        let mut each = |value: &Value| walk(root, value, depth + 1, budget);
        match value {
            Value::Array(items) => items.iter().all(each),
            Value::Object(members) => {
                let target = |(name, to): (&String, &Value)| {
                    if !matches!(name.as_str(), "$ref" | "$dynamicRef" | "$recursiveRef") {
                        return each(to);
                    }
                    // Only what is written here is followed; anchors and other documents are not.
                    let place = to.as_str().and_then(|to| to.strip_prefix('#'));
                    place.and_then(|place| root.pointer(place)).is_some_and(&mut each)
                };
                members.iter().all(target)
            }
            _ => true,
        }
    }
    walk(schema, schema, 0, &mut { MAX_SCHEMA })
}

/// What an answer holds.
#[derive(Debug, Default, PartialEq)]
struct Content {
    text: String,
    refusal: String,
    calls_tools: bool,
    /// Why a response is incomplete; the other protocols say it in their finish reason.
    incomplete: String,
}

fn content(endpoint: Endpoint, body: &[u8]) -> Option<Content> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let joined = |list: Option<&Value>, member: &str| {
        let parts = list.and_then(Value::as_array).into_iter().flatten();
        parts.filter_map(|p| p.get(member)?.as_str()).collect::<String>()
    };
    let parts = |list: Option<&Value>| joined(list, "text");
    Some(match endpoint {
        Endpoint::Chat => {
            let message = body.pointer("/choices/0/message")?;
            Content {
                text: text(message.get("content")),
                refusal: text(message.get("refusal")),
                calls_tools: message
                    .get("tool_calls")
                    .is_some_and(|calls| calls.as_array().is_some_and(|c| !c.is_empty())),
                ..Content::default()
            }
        }
        Endpoint::Messages => {
            let blocks = body.get("content")?;
            let uses = |block: &Value| block.get("type").and_then(Value::as_str) == Some("tool_use");
            let calls_tools = blocks.as_array().is_some_and(|blocks| blocks.iter().any(uses));
            Content { text: parts(Some(blocks)), calls_tools, ..Content::default() }
        }
        Endpoint::Completions => Content { text: text(body.pointer("/choices/0/text")), ..Content::default() },
        Endpoint::Responses => {
            let items = body.get("output")?.as_array()?;
            let calls = |item: &Value| item.get("type").and_then(Value::as_str).is_some_and(|t| t.ends_with("_call"));
            Content {
                text: items.iter().map(|item| parts(item.get("content"))).collect(),
                refusal: items.iter().map(|item| joined(item.get("content"), "refusal")).collect(),
                calls_tools: items.iter().any(calls),
                incomplete: text(body.pointer("/incomplete_details/reason")),
            }
        }
        Endpoint::Embeddings => return None,
    })
}

/// What is wrong with an answer, if something is.
pub(crate) fn flaw(
    accept: &AcceptConfig,
    wanted: &Wanted,
    endpoint: Endpoint,
    body: &[u8],
    summary: &Summary,
) -> Option<String> {
    let content = content(endpoint, body)?;
    let finish = Some(content.incomplete.as_str()).filter(|reason| !reason.is_empty());
    let finish = finish.or(summary.finish_reason.as_deref()).unwrap_or_default();
    if accept.refusals {
        if !content.refusal.is_empty() || matches!(finish, "content_filter" | "refusal") {
            return Some("refused".to_owned());
        }
        let begin: String = content.text.trim_start().chars().take(40).collect();
        let begin = begin.to_lowercase().replace('\u{2019}', "'");
        if !content.calls_tools && REFUSALS.iter().any(|phrase| begin.starts_with(phrase)) {
            return Some("refused".to_owned());
        }
    }
    if accept.finished && matches!(finish, "length" | "max_tokens" | "max_output_tokens") {
        return Some("cut off by its bound".to_owned());
    }
    if content.calls_tools {
        return None;
    }
    let length = content.text.trim().chars().count();
    if length < accept.min_chars {
        return Some(format!("too short: {length} of {} characters", accept.min_chars));
    }
    if accept.schema && wanted.json {
        let value: Value = match serde_json::from_str(content.text.trim()) {
            Ok(value) => value,
            Err(error) => return Some(format!("not JSON: {error}")),
        };
        if let Some(error) = wanted.schema.as_ref().and_then(|schema| schema.iter_errors(&value).next()) {
            let mut what = format!("not as the schema says at {:?}: {error}", error.instance_path().to_string());
            what.truncate(what.floor_char_boundary(300));
            return Some(what);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(content: &str, finish: &str, request: &str, min_chars: usize) -> Option<String> {
        let body = serde_json::json!({"choices": [{"message": {"content": content}, "finish_reason": finish}]});
        let summary = Summary { finish_reason: Some(finish.into()), ..Summary::default() };
        let wanted = Wanted::of(&Envelope::parse(request.as_bytes()).unwrap());
        let accept = AcceptConfig { min_chars, ..AcceptConfig::default() };
        flaw(&accept, &wanted, Endpoint::Chat, body.to_string().as_bytes(), &summary)
    }

    #[test]
    fn answers_are_judged() {
        assert_eq!(chat("The river is wide.", "stop", "{}", 5), None);
        assert_eq!(chat("No.", "stop", "{}", 5).unwrap(), "too short: 3 of 5 characters");
        assert_eq!(chat("I\u{2019}m sorry, but I can\u{2019}t do that.", "stop", "{}", 1).unwrap(), "refused");
        assert_eq!(chat("", "content_filter", "{}", 0).unwrap(), "refused");
        assert_eq!(chat("The river", "length", "{}", 1).unwrap(), "cut off by its bound");
    }

    #[test]
    fn json_must_fit_its_schema() {
        let request = r#"{"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":
            {"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}}}}"#;
        assert_eq!(chat(r#"{"n": 7}"#, "stop", request, 1), None);
        assert!(chat(r#"{"n": "7"}"#, "stop", request, 1).unwrap().starts_with("not as the schema says at \"/n\""));
        assert!(chat("Here you are: {}", "stop", request, 1).unwrap().starts_with("not JSON"));
        let any = r#"{"response_format":{"type":"json_object"}}"#;
        assert_eq!(chat("[1]", "stop", any, 1), None);
    }

    #[test]
    fn a_schema_that_explodes_is_not_checked() {
        let defs: Vec<String> = (0..40)
            .map(|n| {
                format!(r##""a{n}":{{"anyOf":[{{"$ref":"#/$defs/a{m}"}},{{"$ref":"#/$defs/a{m}"}}]}}"##, m = n + 1)
            })
            .collect();
        let schema = |defs: &str| {
            format!(
                r##"{{"response_format":{{"type":"json_schema","json_schema":{{"schema":{{"$ref":"#/$defs/a0","$defs":{{{defs}}}}}}}}}}}"##
            )
        };
        let hostile = schema(&format!(r#"{},"a40":{{"required":["z"]}}"#, defs.join(",")));
        assert_eq!(chat("{}", "stop", &hostile, 1), None, "JSON is all that is asked");
        assert!(chat("{}", "stop", &schema(r#""a0":{"required":["z"]}"#), 1).unwrap().contains("schema"));
        assert_eq!(chat("{}", "stop", &schema(r##""a0":{"not":{"$ref":"#/$defs/a0"}}"##), 1), None);
    }

    #[test]
    fn calls_of_tools_are_answers() {
        let body = br#"{"content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}"#;
        let flaw = flaw(&AcceptConfig::default(), &Wanted::default(), Endpoint::Messages, body, &Summary::default());
        assert_eq!(flaw, None);
    }

    #[test]
    fn responses_say_elsewhere_why_they_ended() {
        let of = |body: &str| {
            let summary = Summary { finish_reason: Some("incomplete".into()), ..Summary::default() };
            flaw(&AcceptConfig::default(), &Wanted::default(), Endpoint::Responses, body.as_bytes(), &summary)
        };
        let cut = r#"{"output":[{"content":[{"type":"output_text","text":"The"}]}],"incomplete_details":{"reason":"max_output_tokens"}}"#;
        assert_eq!(of(cut).unwrap(), "cut off by its bound");
        let refused = r#"{"output":[{"content":[{"type":"refusal","refusal":"No."}]}],"incomplete_details":null}"#;
        assert_eq!(of(refused).unwrap(), "refused");
    }
}
