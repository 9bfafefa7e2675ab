//! The request's members: each is translated, copied, dropped as a hint, or refused by name.

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::super::names::Namer;
use super::messages::Conversation;
use super::sampling::{Thinking, max_tokens, write_sampling};
use super::tools::{ResponseFormat, ToolChoice, read_tools};
use super::{JSON_TOOL, RequestContext, RequestOptions};

/// Longest tool name that Messages takes, in bytes.
const TOOL_NAME_LIMIT: usize = 128;

/// Members that are translated.
const HANDLED: &[&str] = &[
    "model",
    "messages",
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "stream",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "output_config",
    "user",
    "safety_identifier",
    "service_tier",
];

/// Members that do not change the answer, or that the gateway itself answers (`stream_options`).
const HINTS: &[&str] =
    &["store", "metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "stream_options"];

/// Members of Messages itself, which clients of the OpenAI protocol add as extras.
const COPIED: &[&str] = &["cache_control", "container", "mcp_servers", "context_management", "speed", "inference_geo"];

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
    refuse_unknown(&members, opts)?;
    let format = ResponseFormat::read(&members)?;
    let forced_json = format.forces_tool(opts);
    let mut namer = Namer::new(TOOL_NAME_LIMIT, forced_json.then_some(JSON_TOOL));
    let mut tools = read_tools(&members, opts, &mut namer)?;
    let mut conversation = Conversation::read(&members, opts, &mut namer)?;
    let client_tools = !tools.is_empty();
    format.apply(opts, &mut tools, &mut conversation);
    let choice = ToolChoice::read(&members, opts, &mut namer)?.for_format(forced_json, client_tools);
    let mut thinking = Thinking::read(&members, opts)?;
    if forced_json || choice.is_forced() || conversation.lacks_thinking() {
        thinking.withdraw();
    }
    let max_tokens = max_tokens(&members, opts, &mut thinking)?;

    let mut out = Vec::with_capacity(body.len() + 256);
    let mut object = Object::begin(&mut out);
    object.text("model", opts.model);
    object.number("max_tokens", max_tokens);
    conversation.write(&mut object);
    if !tools.is_empty() {
        json::array(object.key("tools"), &tools);
        choice.write(&mut object);
    }
    thinking.write(&mut object);
    format.write_output_config(&members, opts, &thinking, &mut object);
    write_sampling(&members, &thinking, &mut object)?;
    object.maybe("stream", members.get("stream"));
    write_user(&members, &mut object);
    write_service_tier(&members, opts, &mut object)?;
    for name in COPIED {
        if let Some(token) = members.get(name) {
            object.token(name, token);
        }
    }
    object.end();

    let context = RequestContext {
        model: members.text("model").unwrap_or_default().into_owned(),
        created: 0,
        include_usage: members.object("stream_options").is_some_and(|options| options.is_true("include_usage")),
        tool_names: namer.finish(),
        json_tool: forced_json,
    };
    Ok((out, context))
}

/// Refuses members that are neither translated nor without effect.
fn refuse_unknown(members: &Members<'_>, opts: &RequestOptions<'_>) -> Result<(), TranslateError> {
    if opts.drop_params {
        return Ok(());
    }
    for (name, token) in members.iter() {
        let known = [HANDLED, HINTS, COPIED].iter().any(|set| set.contains(&name));
        if !known && !is_neutral(name, token) {
            return Err(TranslateError::Unsupported { member: name.to_owned() });
        }
    }
    Ok(())
}

/// Whether a member asks for what happens anyway.
fn is_neutral(name: &str, token: &str) -> bool {
    match name {
        "n" => token == "1",
        "logprobs" => token == "false",
        "top_logprobs" | "presence_penalty" | "frequency_penalty" => token.parse() == Ok(0.0),
        "logit_bias" => Members::of(token).is_some_and(|bias| bias.iter().next().is_none()),
        "modalities" => matches!(json::elements(token).as_deref(), Some([only]) if only.get() == "\"text\""),
        "verbosity" => token == "\"medium\"",
        _ => false,
    }
}

/// `user` (or its successor) becomes `metadata.user_id`, which must not be an e-mail address or a telephone number.
fn write_user(members: &Members<'_>, object: &mut Object<'_>) {
    let Some(token) = members.string("user").or_else(|| members.string("safety_identifier")) else { return };
    let text = json::inner(token);
    let is_phone = text.len() >= 7
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b' ' | b'-' | b'(' | b')'))
        && text.starts_with('+');
    if text.is_empty() || text.contains('@') || is_phone {
        return;
    }
    let mut metadata = Object::begin(object.key("metadata"));
    metadata.token("user_id", token);
    metadata.end();
}

fn write_service_tier(
    members: &Members<'_>,
    opts: &RequestOptions<'_>,
    object: &mut Object<'_>,
) -> Result<(), TranslateError> {
    let Some(tier) = members.text("service_tier") else { return Ok(()) };
    match tier.as_ref() {
        "auto" | "priority" => object.text("service_tier", "auto"),
        "default" | "standard_only" => object.text("service_tier", "standard_only"),
        _ if opts.drop_params => {}
        _ => return Err(TranslateError::Unsupported { member: "service_tier".to_owned() }),
    }
    Ok(())
}
