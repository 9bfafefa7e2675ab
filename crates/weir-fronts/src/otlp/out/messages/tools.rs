//! The tools that a request offers.

use serde_json::{Map, Value};

/// The definitions: a function's name, description and the schema of its parameters; tools of the provider's own as they
/// are.
pub(super) fn definitions(body: &Value) -> Vec<Value> {
    let tools = body.get("tools").or_else(|| body.get("functions")).and_then(Value::as_array);
    tools.into_iter().flatten().map(definition).collect()
}

fn definition(tool: &Value) -> Value {
    // OpenAI's chat puts the function into a member of its own; Anthropic and the Responses API do not.
    let function = tool.get("function").unwrap_or(tool);
    let own = tool.get("type").and_then(Value::as_str).is_some_and(|kind| !matches!(kind, "function" | "custom"));
    if own || function.get("name").is_none() {
        return tool.clone();
    }
    let mut definition = Map::new();
    definition.insert("type".to_owned(), "function".into());
    let parameters = function.get("parameters").or_else(|| function.get("input_schema"));
    let members =
        [("name", function.get("name")), ("description", function.get("description")), ("parameters", parameters)];
    for (name, value) in members {
        if let Some(value) = value {
            definition.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(definition)
}
