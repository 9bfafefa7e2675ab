//! Tools and the choice among them.

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::super::names::Namer;
use super::RequestOptions;

/// Appends the array of tools; `false` when it is empty.
pub(super) fn write_tools(
    members: &Members<'_>,
    opts: &RequestOptions<'_>,
    namer: &mut Namer,
    out: &mut Vec<u8>,
) -> Result<bool, TranslateError> {
    let Some(token) = members.get("tools") else { return Ok(false) };
    let Some(items) = json::elements(token) else {
        return Err(TranslateError::invalid("tools", "expected an array"));
    };
    let tools: Vec<Members<'_>> = items.iter().map(|item| Members::of(item.get()).unwrap_or_default()).collect();
    for name in tools.iter().filter_map(|tool| tool.text("name")) {
        namer.reserve(&name);
    }
    let mut written = Vec::with_capacity(tools.len());
    for (at, tool) in tools.iter().enumerate() {
        // Everything but "custom" runs at Anthropic or has a schema that only its models know.
        if tool.text("type").is_some_and(|kind| kind != "custom") {
            if opts.drop_params {
                continue;
            }
            return Err(TranslateError::Unsupported { member: format!("tools[{at}]") });
        }
        let Some(name) = tool.text("name") else {
            return Err(TranslateError::invalid(format!("tools[{at}].name"), "expected a string"));
        };
        written.push(function_tool(tool, namer.wire(&name), opts));
    }
    json::array(out, &written);
    Ok(!written.is_empty())
}

fn function_tool(tool: &Members<'_>, name: &str, opts: &RequestOptions<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.text("type", "function");
    let mut function = Object::begin(object.key("function"));
    function.text("name", name);
    function.maybe("description", tool.string("description"));
    function.maybe("parameters", tool.get("input_schema"));
    function.maybe("strict", tool.get("strict"));
    function.end();
    object.maybe("cache_control", tool.get("cache_control").filter(|_| opts.keep_cache_control));
    object.end();
    out
}

/// Writes `tool_choice` and `parallel_tool_calls`.
pub(super) fn write_tool_choice(
    members: &Members<'_>,
    namer: &mut Namer,
    object: &mut Object<'_>,
) -> Result<(), TranslateError> {
    let Some(token) = members.get("tool_choice") else { return Ok(()) };
    let choice = Members::of(token).unwrap_or_default();
    match choice.text("type").as_deref() {
        Some("auto") => object.text("tool_choice", "auto"),
        Some("any") => object.text("tool_choice", "required"),
        Some("none") => object.text("tool_choice", "none"),
        Some("tool") => {
            let Some(name) = choice.text("name") else {
                return Err(TranslateError::invalid("tool_choice.name", "expected a string"));
            };
            let mut chosen = Object::begin(object.key("tool_choice"));
            chosen.text("type", "function");
            let mut function = Object::begin(chosen.key("function"));
            function.text("name", namer.wire(&name));
            function.end();
            chosen.end();
        }
        _ => return Err(TranslateError::invalid("tool_choice.type", "expected auto, any, tool or none")),
    }
    if choice.is_true("disable_parallel_tool_use") {
        object.token("parallel_tool_calls", "false");
    }
    Ok(())
}
