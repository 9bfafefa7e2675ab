//! The request's members: each is translated, copied, dropped as a hint, or refused by name.

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::super::names::Namer;
use super::messages::write_messages;
use super::tools::{write_tool_choice, write_tools};
use super::{RequestContext, RequestOptions};

/// Longest tool name that chat completions take, in bytes.
const TOOL_NAME_LIMIT: usize = 64;

/// Members that are translated.
const HANDLED: &[&str] = &[
    "model",
    "messages",
    "system",
    "max_tokens",
    "temperature",
    "top_p",
    "stop_sequences",
    "stream",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "metadata",
    "service_tier",
];

/// Members that do not change the answer.
const HINTS: &[&str] = &["cache_control", "speed"];

/// Translates a request body.
///
/// # Errors
/// [`TranslateError::Invalid`] and [`TranslateError::Unsupported`] name the member at fault.
pub fn request(body: &[u8], opts: &RequestOptions<'_>) -> Result<Vec<u8>, TranslateError> {
    request_with_context(body, opts).map(|(body, _)| body)
}

/// Translates a request body and tells what the answer will need.
///
/// # Errors
/// [`TranslateError::Invalid`] and [`TranslateError::Unsupported`] name the member at fault.
pub fn request_with_context(
    body: &[u8],
    opts: &RequestOptions<'_>,
) -> Result<(Vec<u8>, RequestContext), TranslateError> {
    let members = Members::read(body).map_err(|error| TranslateError::invalid("body", error.to_string()))?;
    if !opts.drop_params {
        let unknown = |name: &&str| !HANDLED.contains(name) && !HINTS.contains(name);
        if let Some(name) = members.iter().map(|(name, _)| name).find(unknown) {
            return Err(TranslateError::Unsupported { member: name.to_owned() });
        }
    }
    let mut namer = Namer::new(TOOL_NAME_LIMIT, None);
    let mut tools = Vec::new();
    let has_tools = write_tools(&members, opts, &mut namer, &mut tools)?;

    let mut out = Vec::with_capacity(body.len() + 256);
    let mut object = Object::begin(&mut out);
    object.text("model", opts.model);
    write_messages(&members, opts, &mut namer, object.key("messages"))?;
    let bound = if opts.max_completion_tokens { "max_completion_tokens" } else { "max_tokens" };
    object.maybe(bound, members.get("max_tokens"));
    object.maybe("temperature", members.get("temperature"));
    object.maybe("top_p", members.get("top_p"));
    object.maybe(
        "stop",
        members.get("stop_sequences").filter(|stops| json::elements(stops).is_some_and(|s| !s.is_empty())),
    );
    if has_tools {
        object.key("tools").extend_from_slice(&tools);
        write_tool_choice(&members, &mut namer, &mut object)?;
    }
    write_format(&members, &mut object)?;
    write_effort(&members, opts, &mut object);
    if let Some(user) = members.object("metadata").and_then(|metadata| metadata.string("user_id")) {
        object.token("user", user);
    }
    match members.text("service_tier").as_deref() {
        Some("auto") => object.text("service_tier", "auto"),
        Some("standard_only") => object.text("service_tier", "default"),
        _ => {}
    }
    if members.is_true("stream") {
        object.token("stream", "true");
        object.token("stream_options", r#"{"include_usage":true}"#);
    }
    object.end();

    let context = RequestContext {
        model: members.text("model").unwrap_or_default().into_owned(),
        input_tokens: 0,
        tool_names: namer.finish(),
    };
    Ok((out, context))
}

/// The answer's schema, from `output_config.format` or its older place. It is not marked strict: OpenAI's strict mode
/// refuses schemas with optional members, which Messages takes.
fn write_format(members: &Members<'_>, object: &mut Object<'_>) -> Result<(), TranslateError> {
    let config = members.object("output_config").unwrap_or_default();
    let Some(format) = config.object("format").or_else(|| members.object("output_format")) else { return Ok(()) };
    let Some(schema) = format.get("schema").filter(|schema| schema.starts_with('{')) else {
        return Err(TranslateError::invalid("output_config.format.schema", "expected an object"));
    };
    let mut response_format = Object::begin(object.key("response_format"));
    response_format.text("type", "json_schema");
    let mut inner = Object::begin(response_format.key("json_schema"));
    inner.text("name", "output");
    inner.token("schema", schema);
    inner.end();
    response_format.end();
    Ok(())
}

/// Effort as the client names it, else from the thinking budget: the inverse of the other direction's table.
fn write_effort(members: &Members<'_>, opts: &RequestOptions<'_>, object: &mut Object<'_>) {
    if !opts.reasoning_effort {
        return;
    }
    let config = members.object("output_config").unwrap_or_default();
    if let Some(effort) = config.string("effort") {
        object.token("reasoning_effort", if effort == "\"max\"" { "\"xhigh\"" } else { effort });
        return;
    }
    let thinking = members.object("thinking").unwrap_or_default();
    if thinking.text("type").as_deref() != Some("enabled") {
        return;
    }
    let effort = match thinking.count("budget_tokens").unwrap_or(0) {
        0..2048 => "low",
        2048..4096 => "medium",
        _ => "high",
    };
    object.text("reasoning_effort", effort);
}
