//! Tools, the choice among them, and JSON output, which may need a tool of its own.

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::super::names::Namer;
use super::messages::Conversation;
use super::sampling::Thinking;
use super::{JSON_TOOL, RequestOptions};

/// What a JSON object mode without a schema adds to the system prompt: Messages has no such mode.
const JSON_OBJECT_INSTRUCTION: &str =
    r#""Answer with one valid JSON object and nothing else: no prose, no code fence.""#;

/// Reads the tools, each already as JSON of Messages.
pub(super) fn read_tools(
    members: &Members<'_>,
    opts: &RequestOptions<'_>,
    namer: &mut Namer,
) -> Result<Vec<Vec<u8>>, TranslateError> {
    let Some(token) = members.get("tools") else { return Ok(Vec::new()) };
    let Some(items) = json::elements(token) else {
        return Err(TranslateError::invalid("tools", "expected an array"));
    };
    let tools: Vec<Option<Members<'_>>> = items.iter().map(|item| Members::of(item.get())).collect();
    for name in tools.iter().flatten().filter_map(|tool| tool.object("function")?.text("name")) {
        namer.reserve(&name);
    }
    let mut out = Vec::with_capacity(tools.len());
    for (at, tool) in tools.iter().enumerate() {
        let path = format!("tools[{at}]");
        let Some(tool) = tool else { return Err(TranslateError::invalid(path, "expected an object")) };
        match tool.text("type").as_deref() {
            Some("function") | None => out.push(function_tool(tool, &path, opts, namer)?),
            Some("custom") if opts.drop_params => {}
            Some("custom") => return Err(TranslateError::Unsupported { member: path }),
            // Anthropic's own tools (web search, code execution) are written in its own form.
            Some(_) => {
                let mut copy = Vec::new();
                items.get(at).into_iter().for_each(|item| json::compact(&mut copy, item.get()));
                out.push(copy);
            }
        }
    }
    Ok(out)
}

fn function_tool(
    tool: &Members<'_>,
    path: &str,
    opts: &RequestOptions<'_>,
    namer: &mut Namer,
) -> Result<Vec<u8>, TranslateError> {
    let Some(function) = tool.object("function") else {
        return Err(TranslateError::invalid(format!("{path}.function"), "expected an object"));
    };
    let Some(name) = function.text("name") else {
        return Err(TranslateError::invalid(format!("{path}.function.name"), "expected a string"));
    };
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.text("name", namer.wire(&name));
    object.maybe("description", function.string("description"));
    write_schema(object.key("input_schema"), function.get("parameters"));
    if opts.native_json_schema && function.is_true("strict") {
        object.token("strict", "true");
    }
    object.maybe("cache_control", tool.get("cache_control").or_else(|| function.get("cache_control")));
    object.end();
    Ok(out)
}

/// A tool's schema must be of type object; one that does not say so gets the member, the rest is copied.
fn write_schema(out: &mut Vec<u8>, schema: Option<&str>) {
    let Some((token, schema)) = schema.and_then(|token| Some((token, Members::of(token)?))) else {
        out.extend_from_slice(br#"{"type":"object","properties":{}}"#);
        return;
    };
    if schema.get("type").is_some() {
        out.extend_from_slice(token.as_bytes());
        return;
    }
    let mut object = Object::begin(out);
    object.text("type", "object");
    for (name, value) in schema.iter().filter(|(name, _)| *name != "type") {
        let mut key = Vec::new();
        json::string(&mut key, name);
        object.token(json::inner(&String::from_utf8_lossy(&key)), value);
    }
    object.end();
}

/// Which tools the model must or may call.
pub(super) struct ToolChoice {
    kind: Choice,
    parallel: bool,
}

enum Choice {
    Unset,
    Auto,
    Any,
    None,
    Tool(String),
}

impl ToolChoice {
    /// Reads `tool_choice` and `parallel_tool_calls`.
    pub(super) fn read(
        members: &Members<'_>,
        opts: &RequestOptions<'_>,
        namer: &mut Namer,
    ) -> Result<Self, TranslateError> {
        let parallel = members.get("parallel_tool_calls") != Some("false");
        let Some(token) = members.get("tool_choice") else { return Ok(Self { kind: Choice::Unset, parallel }) };
        let kind = match json::decode(token).as_deref() {
            Some("auto") => Choice::Auto,
            Some("required" | "any") => Choice::Any,
            Some("none") => Choice::None,
            Some(_) => {
                return Err(TranslateError::invalid("tool_choice", "expected none, auto, required or an object"));
            }
            None => {
                let function = Members::of(token).and_then(|choice| choice.object("function"));
                match function.and_then(|function| function.text("name")) {
                    Some(name) => Choice::Tool(namer.wire(&name).to_owned()),
                    None if opts.drop_params => Choice::Unset,
                    None => return Err(TranslateError::Unsupported { member: "tool_choice".to_owned() }),
                }
            }
        };
        Ok(Self { kind, parallel })
    }

    /// Makes the model call the JSON tool: that one if the client has no tools or forbids them, else any.
    pub(super) fn for_format(self, forced_json: bool, client_tools: bool) -> Self {
        if !forced_json {
            return self;
        }
        match self.kind {
            Choice::Unset | Choice::Auto | Choice::Any if client_tools => Self { kind: Choice::Any, ..self },
            Choice::Tool(_) if client_tools => self,
            _ => Self { kind: Choice::Tool(JSON_TOOL.to_owned()), parallel: false },
        }
    }

    /// Whether a tool must be called, which excludes thinking.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self.kind, Choice::Any | Choice::Tool(_))
    }

    /// Writes the `tool_choice` member.
    pub(super) fn write(&self, object: &mut Object<'_>) {
        let (kind, name) = match &self.kind {
            Choice::Unset if self.parallel => return,
            Choice::Unset | Choice::Auto => ("auto", None),
            Choice::Any => ("any", None),
            Choice::None => ("none", None),
            Choice::Tool(name) => ("tool", Some(name)),
        };
        let mut choice = Object::begin(object.key("tool_choice"));
        choice.text("type", kind);
        if let Some(name) = name {
            choice.text("name", name);
        }
        if !self.parallel && kind != "none" {
            choice.token("disable_parallel_tool_use", "true");
        }
        choice.end();
    }
}

/// What form the answer's text must have.
pub(super) enum ResponseFormat<'a> {
    /// Any text.
    Text,
    /// One JSON object.
    JsonObject,
    /// JSON of a schema, with its description.
    Schema { schema: &'a str, description: Option<&'a str> },
}

impl<'a> ResponseFormat<'a> {
    /// Reads `response_format`.
    pub(super) fn read(members: &Members<'a>) -> Result<Self, TranslateError> {
        let Some(token) = members.get("response_format") else { return Ok(Self::Text) };
        let Some(format) = Members::of(token) else {
            return Err(TranslateError::invalid("response_format", "expected an object"));
        };
        match format.text("type").as_deref() {
            Some("text") => Ok(Self::Text),
            Some("json_object") => Ok(Self::JsonObject),
            Some("json_schema") => {
                let inner = format.object("json_schema").unwrap_or_default();
                let Some(schema) = inner.get("schema").filter(|schema| schema.starts_with('{')) else {
                    return Err(TranslateError::invalid("response_format.json_schema.schema", "expected an object"));
                };
                Ok(Self::Schema { schema, description: inner.string("description") })
            }
            _ => Err(TranslateError::invalid("response_format.type", "expected text, json_object or json_schema")),
        }
    }

    /// Whether the schema needs the forced tool.
    pub(super) fn forces_tool(&self, opts: &RequestOptions<'_>) -> bool {
        matches!(self, Self::Schema { .. }) && !opts.native_json_schema
    }

    /// Adds the forced tool or the instruction.
    pub(super) fn apply(
        &self,
        opts: &RequestOptions<'_>,
        tools: &mut Vec<Vec<u8>>,
        conversation: &mut Conversation<'a>,
    ) {
        match self {
            Self::JsonObject => conversation.instruct(JSON_OBJECT_INSTRUCTION),
            Self::Schema { schema, description } if self.forces_tool(opts) => {
                let mut tool = Vec::with_capacity(schema.len() + 128);
                let mut object = Object::begin(&mut tool);
                object.text("name", JSON_TOOL);
                let otherwise = r#""Give the final answer by calling this tool.""#;
                object.token("description", description.unwrap_or(otherwise));
                write_schema(object.key("input_schema"), Some(schema));
                object.end();
                tools.push(tool);
            }
            Self::Text | Self::Schema { .. } => {}
        }
    }

    /// Writes `output_config`: what the client gave, then effort and format unless it gave them.
    pub(super) fn write_output_config(
        &self,
        members: &Members<'_>,
        opts: &RequestOptions<'_>,
        thinking: &Thinking<'_>,
        object: &mut Object<'_>,
    ) {
        let given = members.object("output_config").unwrap_or_default();
        let effort = thinking.effort().filter(|_| given.get("effort").is_none());
        let schema = match self {
            Self::Schema { schema, .. } if opts.native_json_schema && given.get("format").is_none() => Some(*schema),
            _ => None,
        };
        if effort.is_none() && schema.is_none() {
            object.maybe("output_config", members.get("output_config"));
            return;
        }
        let mut config = Object::begin(object.key("output_config"));
        for name in ["effort", "format"] {
            config.maybe(name, given.get(name));
        }
        config.maybe("effort", effort);
        if let Some(schema) = schema {
            let mut format = Object::begin(config.key("format"));
            format.text("type", "json_schema");
            format.token("schema", schema);
            format.end();
        }
        config.end();
    }
}
