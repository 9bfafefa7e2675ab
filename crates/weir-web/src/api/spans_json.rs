//! Spans as JSON, on their way in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use weir_core::error::Error;
use weir_core::for_each_span_field;
use weir_core::id::{SpanId, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::Micros;
use weir_core::token::TokenCounts;
use weir_core::unread::{reason, shown};

/// Most spans of one request.
const MAX_SPANS: usize = 10_000;
/// More tokens than any model takes: one such span would spoil every sum.
const MAX_TOKENS: u64 = 1_000_000_000;

/// Spans to write.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes for the OpenAPI document what `parse` reads with better messages")]
pub(super) struct NewSpans {
    /// 1 to 10,000.
    spans: Vec<NewSpan>,
}

/// A span, or a part of one. What is absent is not said; a value is never erased by a part that does not have it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes for the OpenAPI document what `parse` reads with better messages")]
pub(super) struct NewSpan {
    /// `create` (the default) or `update`.
    write: Option<String>,
    /// When it was written, microseconds since the epoch; default: now.
    at: Option<i64>,
    /// The trace: 32 or 16 hex digits.
    trace_id: String,
    /// The span: 32 or 16 hex digits.
    span_id: String,
    /// The span that this one is a step of.
    parent_id: Option<String>,
    /// The operation, function or node.
    name: Option<String>,
    /// `llm`, `tool`, `branch`, `retriever`, `embedding`, `chain`, `agent`, `guardrail`, `evaluator` or `other`.
    kind: Option<String>,
    /// Project; default: the key's, else the configured one.
    project: Option<String>,
    /// Session (thread, conversation).
    session: Option<String>,
    /// Start, microseconds since the epoch.
    start_us: Option<i64>,
    /// End; absent while the span is open.
    end_us: Option<i64>,
    /// From the start to the first piece of a streamed answer, microseconds.
    ttft_us: Option<i64>,
    /// `pending`, `success`, `error`, `cached`, `rate_limited`, `blocked` or `cancelled`.
    status: Option<String>,
    /// Class of the failure.
    error_type: Option<String>,
    /// Message of the failure.
    error: Option<String>,
    /// Provider that answered.
    provider: Option<String>,
    /// Model that was asked for.
    model: Option<String>,
    /// Model that the answer names.
    response_model: Option<String>,
    /// `provider/model` of the target that answered.
    deployment: Option<String>,
    /// `chat`, `text_completion`, `embeddings`, ...
    operation: Option<String>,
    /// Whether the answer was streamed.
    stream: Option<bool>,
    /// Name of the prompt template.
    prompt_name: Option<String>,
    /// Version of the prompt template.
    prompt_version: Option<String>,
    /// Department that pays; default: the key's.
    department: Option<String>,
    /// End user.
    user: Option<String>,
    /// The id of the request.
    request_id: Option<String>,
    /// The provider's id of the request.
    upstream_request_id: Option<String>,
    /// HTTP status of the answer.
    http_status: Option<u16>,
    /// Why the model stopped.
    finish_reason: Option<String>,
    /// Upstream attempts, the first included.
    attempts: Option<u32>,
    /// Part of the cache: hit, semantic, miss or bypass.
    cache: Option<String>,
    /// Tokens in disjoint classes.
    tokens: Option<NewTokens>,
    /// Where the counts come from: provider, estimated or partial.
    token_source: Option<String>,
    /// Cost in nano-dollars; without it a call is priced by its model.
    cost: Option<i64>,
    /// Labels.
    tags: Option<Vec<String>>,
    /// The request as it was sent, or its text.
    input: Option<String>,
    /// The answer.
    output: Option<String>,
    /// The text of a JSON object: what is bulky or only given back.
    details: Option<String>,
    /// Free members: a name and the JSON text of its value.
    attributes: Option<BTreeMap<String, String>>,
}

/// Tokens in classes that do not overlap.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes for the OpenAPI document what `parse` reads with better messages")]
pub(super) struct NewTokens {
    /// Input that was neither read from a cache nor written to one.
    prompt: Option<u64>,
    /// Input read from the provider's prompt cache.
    cached: Option<u64>,
    /// Input written to it.
    cache_write: Option<u64>,
    /// Input written to it for one hour.
    cache_write_1h: Option<u64>,
    /// Output without reasoning and audio.
    completion: Option<u64>,
    /// Output spent on reasoning.
    reasoning: Option<u64>,
    /// Audio input.
    audio_in: Option<u64>,
    /// Audio output.
    audio_out: Option<u64>,
}

/// What was stored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the handler writes")]
pub(super) struct StoredSpans {
    /// How many.
    stored: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    #[serde(borrow)]
    spans: Vec<&'a RawValue>,
}

/// What a write says besides the span.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    write: Option<String>,
    #[serde(default)]
    at: Option<Micros>,
}

/// Reads a body.
///
/// # Errors
/// A 400 that names the member at fault, as `spans[3].kind`.
pub(super) fn parse(body: &[u8], now: Micros) -> Result<Vec<SpanWrite>, Error> {
    let batch: Batch<'_> = serde_json::from_slice(body)
        .map_err(|e| Error::invalid("body", format!("the body is not {{\"spans\": [...]}}: {}", reason(&e))))?;
    if batch.spans.is_empty() || batch.spans.len() > MAX_SPANS {
        let count = batch.spans.len();
        return Err(Error::invalid("spans", format!("\"spans\" holds {count}: send 1 to {MAX_SPANS} at once")));
    }
    batch.spans.into_iter().enumerate().map(|(n, raw)| one(n, raw.get(), now)).collect()
}

fn one(n: usize, json: &str, now: Micros) -> Result<SpanWrite, Error> {
    let at_fault = |member: &str, what: String| {
        let place = match member {
            "" | "." => format!("spans[{n}]"),
            _ => format!("spans[{n}].{}", shown(member)),
        };
        Error::invalid(place.clone(), format!("{place}: {what}"))
    };
    let unread = |error: serde_path_to_error::Error<serde_json::Error>| {
        let member = error.path().to_string();
        at_fault(&member, without_place(&reason(error.inner())).to_owned())
    };
    fn read<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json))
    }
    let members: BTreeMap<Cow<'_, str>, &RawValue> = read(json).map_err(unread)?;
    if let Some(unknown) = members.keys().find(|name| !is_member(name)) {
        return Err(at_fault(unknown, "there is no such member".to_owned()));
    }
    for (set, is_known, known) in [
        (
            "kind",
            (|word| SpanKind::parse(word).is_some()) as fn(&str) -> bool,
            SpanKind::ALL.iter().map(|k| k.as_str()).collect::<Vec<_>>(),
        ),
        ("status", |word| Status::parse(word).is_some(), Status::ALL.iter().map(|s| s.as_str()).collect()),
    ] {
        let said = members.get(set).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        if said.is_some_and(|word| !is_known(&word)) {
            return Err(at_fault(set, format!("is not one of {}", known.join(", "))));
        }
    }
    let head: Head = read(json).map_err(unread)?;
    let span: Span = read(json).map_err(unread)?;
    if span.trace_id == TraceId::default() {
        return Err(at_fault("trace_id", "is all zero".to_owned()));
    }
    if span.span_id == SpanId::default() {
        return Err(at_fault("span_id", "is all zero".to_owned()));
    }
    if span.cost.is_some_and(|cost| cost < NanoUsd::ZERO) {
        return Err(at_fault("cost", "is negative".to_owned()));
    }
    if span.tokens.as_ref().map_or(0, TokenCounts::total) > MAX_TOKENS {
        return Err(at_fault("tokens", format!("are more than {MAX_TOKENS}")));
    }
    let is_object = |text: &String| serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(text).is_ok();
    if span.details.as_ref().is_some_and(|text| !is_object(text)) {
        return Err(at_fault("details", "must be the text of a JSON object".to_owned()));
    }
    let at = head.at.unwrap_or(now);
    match head.write.as_deref() {
        None | Some("create") => Ok(SpanWrite::create(span, at)),
        Some("update") => Ok(SpanWrite::update(span, at)),
        Some(_) => Err(at_fault("write", "is neither \"create\" nor \"update\"".to_owned())),
    }
}

/// Whether a span has a member of that name.
fn is_member(name: &str) -> bool {
    let mut known = matches!(name, "write" | "at" | "trace_id" | "span_id" | "attributes");
    macro_rules! field {
        ($field:ident) => {
            known |= name == stringify!($field)
        };
    }
    for_each_span_field!(field);
    known
}

/// A parser's message without the line and column within a span.
fn without_place(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use weir_core::merge::Rank;

    use super::*;

    const IDS: &str = r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7""#;

    const KEY: &str = "sk-proj-Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7Ie2";

    fn read(spans: &str) -> Result<Vec<SpanWrite>, (String, String)> {
        parse(format!("{{\"spans\":[{spans}]}}").as_bytes(), 7).map_err(|e| (e.param.unwrap_or_default(), e.message))
    }

    #[test]
    fn creates_and_updates_in_the_form_that_spans_have() {
        let writes = read(&format!(
            r#"{{{IDS},"kind":"tool","tokens":{{"prompt":3}},"attributes":{{"tool_name":"\"search\""}}}},
               {{"write":"update","at":9,{IDS},"end_us":5,"status":"error"}}"#
        ))
        .unwrap();
        assert_eq!((writes[0].stamp.rank, writes[0].stamp.at), (Rank::Create, 7));
        assert_eq!(writes[0].span.attribute_text("tool_name").as_deref(), Some("search"));
        assert_eq!((writes[1].stamp.rank, writes[1].stamp.at, writes[1].span.end_us), (Rank::Update, 9, Some(5)));
        // What is written as JSON is read as the same span.
        let json = serde_json::to_string(&writes[0].span).unwrap();
        assert_eq!(read(&json).unwrap()[0].span, writes[0].span);
    }

    #[test]
    fn refusals_name_the_member_and_the_span() {
        let good = format!("{{{IDS}}}");
        for (span, param, says) in [
            (format!(r#"{{{IDS},"kind":"cat"}}"#), "spans[1].kind", ": is not one of llm, tool, branch"),
            (format!(r#"{{{IDS},"status":"done"}}"#), "spans[1].status", "pending, success"),
            (
                format!(r#"{{{IDS},"start_us":"x"}}"#),
                "spans[1].start_us",
                "invalid type: string, expected a whole number",
            ),
            (format!(r#"{{{IDS},"nmae":1}}"#), "spans[1].nmae", "no such member"),
            (format!(r#"{{{IDS},"write":"patch"}}"#), "spans[1].write", "neither"),
            (format!(r#"{{{IDS},"cost":-1}}"#), "spans[1].cost", "negative"),
            (format!(r#"{{{IDS},"details":"[]"}}"#), "spans[1].details", "JSON object"),
            (format!(r#"{{{IDS},"attributes":{{"a":1}}}}"#), "spans[1].attributes.a", "expected a string"),
            (format!(r#"{{{IDS},"tokens":{{"prompt":2000000000}}}}"#), "spans[1].tokens", "more than"),
            (r#"{"span_id":"00f067aa0ba902b7"}"#.to_owned(), "spans[1]", "missing field `trace_id`"),
            (IDS.replace("4bf9", "zzzz").replacen('"', "{\"", 1) + "}", "spans[1].trace_id", "hex digits"),
            (
                r#"{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"0000000000000000"}"#.to_owned(),
                "spans[1].span_id",
                "zero",
            ),
            ("7".to_owned(), "spans[1]", "expected an object"),
            (format!(r#"{{{IDS},"{KEY}":1}}"#), "spans[1].[SECRET]", "no such member"),
            (format!(r#"{{{IDS},"attributes":{{"{KEY}":1}}}}"#), "spans[1].attributes.[SECRET]", "expected a string"),
            (format!(r#"{{{IDS},"kind":"{KEY}"}}"#), "spans[1].kind", "is not one of"),
            (format!(r#"{{{IDS},"token_source":"{KEY}"}}"#), "spans[1].token_source", "unknown word, expected one of"),
            (format!(r#"{{{IDS},"end_us":"{KEY}"}}"#), "spans[1].end_us", "expected a whole number"),
        ] {
            let (at, message) = read(&format!("{good},{span}")).unwrap_err();
            assert_eq!(at, param, "{message}");
            assert!(message.starts_with(&format!("{param}: ")) && message.contains(says), "{message}");
            assert!(!message.contains(KEY), "a value is not repeated: {message}");
        }
        assert_eq!(read("").unwrap_err().0, "spans");
        assert_eq!(parse(b"[]", 0).unwrap_err().param.as_deref(), Some("body"));
        assert_eq!(parse(b"{\"spans\":[],\"x\":1}", 0).unwrap_err().param.as_deref(), Some("body"));
    }
}
