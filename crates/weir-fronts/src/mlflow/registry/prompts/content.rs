//! Templates in the tags of a version, and back.
//!
//! MLflow's text templates know `{{ variable }}` alone and are Jinja2 where they have `{% %}`. Weir keeps them as Jinja2;
//! where the text is none, what is not a variable is written so that Jinja2 leaves it as it is.

use std::collections::BTreeMap;

use serde_json::Value;
use weir_core::prompt::{
    PromptContent, PromptDefaults, PromptRole, PromptVersion, TemplateBody, TemplateFormat, TemplateMessage,
};

use crate::mlflow::errors::Refused;

pub(super) const TEXT: &str = "mlflow.prompt.text";
pub(super) const TYPE: &str = "_mlflow_prompt_type";
const MODEL: &str = "_mlflow_prompt_model_config";
const CHAT: &str = "chat";
/// Messages of a prompt.
const MAX_MESSAGES: usize = 64;

/// The tags that a version's content makes.
pub(super) fn tags(version: &PromptVersion) -> BTreeMap<String, String> {
    let (kind, text) = match &version.content.body {
        TemplateBody::Text { template, .. } => ("text", template.clone()),
        TemplateBody::Chat { messages } => {
            let shown = messages.iter().map(|m| serde_json::json!({"role": m.role.as_str(), "content": m.content}));
            (CHAT, Value::Array(shown.collect()).to_string())
        }
    };
    let mut tags: BTreeMap<_, _> = [(TYPE.to_owned(), kind.to_owned()), (TEXT.to_owned(), text)].into();
    let PromptDefaults { model, temperature, max_tokens } = &version.defaults;
    let mut config = serde_json::Map::new();
    for (key, value) in [
        ("model_name", model.clone().map(Value::from)),
        ("temperature", temperature.map(Value::from)),
        ("max_tokens", max_tokens.map(Value::from)),
    ] {
        config.extend(value.map(|value| (key.to_owned(), value)));
    }
    if !config.is_empty() {
        tags.insert(MODEL.to_owned(), Value::Object(config).to_string());
    }
    tags
}

/// The content that tags hold.
pub(super) fn content(tags: &BTreeMap<String, String>) -> Result<PromptContent, Refused> {
    let text = tags.get(TEXT).ok_or_else(|| {
        Refused::invalid(format!("A version of a prompt needs its template in the tag {TEXT:?}, which is missing."))
    })?;
    let body = if tags.get(TYPE).is_some_and(|kind| kind == CHAT) {
        TemplateBody::Chat { messages: messages(text)? }
    } else {
        TemplateBody::Text { role: PromptRole::User, template: text.clone() }
    };
    Ok(PromptContent { format: TemplateFormat::Jinja2, body })
}

fn messages(text: &str) -> Result<Vec<TemplateMessage>, Refused> {
    let wrong = |why: String| Refused::invalid(format!("The template of a chat prompt cannot be kept: {why}"));
    let list: Vec<Value> = serde_json::from_str(text)
        .map_err(|_| wrong("it must be a JSON list of messages with \"role\" and \"content\".".to_owned()))?;
    if list.is_empty() || list.len() > MAX_MESSAGES {
        return Err(wrong(format!("it has {} messages; 1 to {MAX_MESSAGES} can be kept.", list.len())));
    }
    let message = |(n, value): (usize, &Value)| {
        let role = match value["role"].as_str() {
            Some("system") => PromptRole::System,
            Some("user") => PromptRole::User,
            Some("assistant") => PromptRole::Assistant,
            Some("messages") => PromptRole::Messages,
            _ => {
                return Err(wrong(format!(
                    "message {n} has the role {}; Weir's prompts know system, user and assistant.",
                    value["role"]
                )));
            }
        };
        let content = value["content"].as_str().ok_or_else(|| {
            wrong(format!("message {n} has a content that is no text; Weir's prompts are of texts alone."))
        })?;
        Ok(TemplateMessage { role, content: content.to_owned() })
    };
    list.iter().enumerate().map(message).collect()
}

/// The defaults of requests that the model's configuration says, as far as Weir has them.
pub(super) fn defaults(tags: &BTreeMap<String, String>) -> PromptDefaults {
    let config: Value = tags.get(MODEL).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    PromptDefaults {
        model: config["model_name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned),
        temperature: config["temperature"].as_f64().filter(|t| (0.0..=2.0).contains(t)),
        max_tokens: config["max_tokens"].as_u64().filter(|n| (1..=u64::from(u32::MAX)).contains(n)),
    }
}

/// The content whose texts are all left as they are, but for MLflow's variables. `None` where it is Jinja2 by MLflow's own
/// rule, so that a mistake in it is one.
pub(super) fn literal(content: &PromptContent) -> Option<PromptContent> {
    let is_jinja = |text: &str| text.contains("{%") && text.contains("%}");
    let body = match &content.body {
        TemplateBody::Text { template, .. } if is_jinja(template) => return None,
        TemplateBody::Chat { messages } if messages.iter().any(|m| is_jinja(&m.content)) => return None,
        TemplateBody::Text { role, template } => TemplateBody::Text { role: *role, template: quoted(template) },
        TemplateBody::Chat { messages } => TemplateBody::Chat {
            messages: messages.iter().map(|m| TemplateMessage { role: m.role, content: quoted(&m.content) }).collect(),
        },
    };
    Some(PromptContent { format: content.format, body })
}

/// A text in which Jinja2 sees nothing but variables.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|mark| rest.find(mark)).min() {
        quoted.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(length) = variable(rest) {
            quoted.push_str(&rest[..length]);
            rest = &rest[length..];
        } else {
            // One brace at a time: `{{{ a }}` holds a variable behind the first.
            quoted.push_str("{{ '{' }}");
            rest = &rest[1..];
        }
    }
    quoted.push_str(rest);
    quoted
}

/// The length of a variable in double braces, `{{ user.name }}`, at the beginning of a text.
fn variable(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("{{")?;
    let end = inner.find("}}")?;
    let name = inner[..end].trim();
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    name.split('.').all(is_name).then_some(end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_come_back_from_their_tags() {
        let chat = r#"[{"role":"system","content":"Be {{ how }}."},{"role":"user","content":"{{ q }}"}]"#;
        for (kind, text) in [("text", "Hi {{ name }}"), (CHAT, chat)] {
            let given: BTreeMap<_, _> = [(TYPE.to_owned(), kind.to_owned()), (TEXT.to_owned(), text.to_owned())].into();
            let version = PromptVersion {
                version: "1".into(),
                content: content(&given).unwrap(),
                defaults: defaults(&[(MODEL.to_owned(), r#"{"model_name":"m","top_p":1}"#.to_owned())].into()),
                message: None,
                created_us: 0,
            };
            let mut shown = tags(&version);
            assert_eq!(shown.remove(MODEL).as_deref(), Some(r#"{"model_name":"m"}"#));
            assert_eq!(
                shown.remove(TEXT).map(|t| serde_json::from_str::<Value>(&t).ok()),
                Some(serde_json::from_str(text).ok())
            );
            assert_eq!(shown[TYPE], kind);
        }
        for text in ["[]", "{}", r#"[{"role":"tool","content":"x"}]"#, r#"[{"role":"user","content":null}]"#] {
            let tags = [(TYPE.to_owned(), CHAT.to_owned()), (TEXT.to_owned(), text.to_owned())].into();
            assert!(content(&tags).is_err(), "{text}");
        }
        assert!(content(&BTreeMap::new()).is_err());
    }

    #[test]
    fn what_is_no_variable_is_left_as_it_is() {
        assert_eq!(quoted("a {{ b.c }} {x}"), "a {{ b.c }} {x}");
        assert_eq!(quoted("{{double words}}"), "{{ '{' }}{double words}}");
        assert_eq!(quoted("{{{a}}}"), "{{ '{' }}{{a}}}");
        assert_eq!(quoted("{# {% {{"), "{{ '{' }}# {{ '{' }}% {{ '{' }}{");
    }
}
