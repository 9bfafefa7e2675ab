//! Prompts as JSON, and the bodies of the requests that make them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use weir_core::error::Error;
use weir_core::prompt::{PromptContent, PromptDefaults, PromptRole, TemplateBody, TemplateFormat, TemplateMessage};
use weir_core::time::to_rfc3339;
use weir_gateway::prompts::{NewVersion, Prompt, Rendered, Version};

/// One message of a chat template, or of what it made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageJson {
    /// `system`, `user`, `assistant`; in a template also `messages`: the caller's conversation stands here.
    role: String,
    /// The text, or its template.
    #[serde(default)]
    content: String,
}

/// What a request gets where it does not say so itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DefaultsJson {
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    /// The bound on the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
}

/// A version to be made.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewVersionJson {
    /// The prompt's name; it is made with its first version.
    name: String,
    /// The version, as in `v1.0`; without it the next number.
    version: Option<String>,
    /// What the prompt is for.
    description: Option<String>,
    /// `jinja2` (the default) or `mustache`.
    format: Option<String>,
    /// Of a text prompt: whose message it becomes, `user` (the default) or `system`.
    role: Option<String>,
    /// The template of a text prompt.
    template: Option<String>,
    /// The templates of a chat prompt, instead.
    messages: Option<Vec<MessageJson>>,
    /// Defaults of requests.
    defaults: DefaultsJson,
    /// What changed, for people.
    message: Option<String>,
    /// Labels that move to it.
    labels: Vec<String>,
}

/// A version of a prompt.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PromptVersion)]
pub(super) struct VersionJson {
    /// The prompt.
    name: String,
    /// The version.
    version: String,
    /// Labels that stand on it.
    labels: Vec<String>,
    /// SHA-256 of the content; calls carry it.
    hash: String,
    /// `jinja2` or `mustache`.
    format: TemplateFormatJson,
    /// The template of a text prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    /// Whose message a text prompt becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// The templates of a chat prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<MessageJson>>,
    /// Defaults of requests.
    defaults: DefaultsJson,
    /// Variables that the template needs.
    variables: Vec<String>,
    /// What changed.
    message: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created: String,
    /// `api` or `file`.
    source: String,
}

/// How placeholders are written.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TemplateFormatJson {
    /// Jinja2.
    Jinja2,
    /// Mustache.
    Mustache,
}

/// A prompt with its versions, the oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PromptJson {
    /// Its name.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// Label → version.
    labels: BTreeMap<String, String>,
    /// The version that a request gets which names none.
    default_version: Option<String>,
    /// Its versions.
    versions: Vec<VersionJson>,
}

/// Every prompt.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PromptList {
    /// By name.
    pub(super) prompts: Vec<PromptJson>,
}

/// Where a label goes.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelJson {
    /// A version, or another label whose version is taken.
    pub(super) version: String,
}

/// A preview that is asked for.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RenderJson {
    /// A version or label; without it the default one.
    pub(super) version: Option<String>,
    /// The variables.
    #[schema(value_type = Object)]
    pub(super) variables: Map<String, Value>,
    /// What the user says: the variable `user_message`.
    pub(super) user_message: Option<String>,
}

/// A preview.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct RenderedJson {
    /// The version that was rendered.
    version: String,
    /// The hash of its content.
    hash: String,
    /// All of it as one text.
    text: String,
    /// As messages.
    messages: Vec<MessageJson>,
}

/// How two versions differ.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct DiffJson {
    /// The older version.
    from: String,
    /// The newer version.
    to: String,
    /// Whether the contents are the same.
    equal: bool,
    /// A unified diff of the templates and defaults; empty when they are equal.
    diff: String,
}

impl PromptJson {
    pub(super) fn new(name: &str, prompt: &Prompt) -> Self {
        Self {
            name: name.to_owned(),
            description: prompt.description.clone(),
            labels: prompt.labels.clone(),
            default_version: prompt.default_version().map(|v| v.record.version.clone()),
            versions: prompt.versions.iter().map(|v| VersionJson::new(v, &prompt.labels)).collect(),
        }
    }
}

impl VersionJson {
    pub(super) fn new(version: &Version, labels: &BTreeMap<String, String>) -> Self {
        let record = &version.record;
        let (mut template, mut role, mut messages) = (None, None, None);
        match &record.content.body {
            TemplateBody::Text { role: of, template: text } => {
                template = Some(text.clone());
                role = Some(of.as_str().to_owned());
            }
            TemplateBody::Chat { messages: all } => {
                let json = |m: &TemplateMessage| message(m.role, &m.content);
                messages = Some(all.iter().map(json).collect());
            }
        }
        let defaults = record.defaults.clone();
        Self {
            name: version.name.clone(),
            version: record.version.clone(),
            labels: labels.iter().filter(|(_, v)| **v == record.version).map(|(label, _)| label.clone()).collect(),
            hash: version.hash.clone(),
            format: match record.content.format {
                TemplateFormat::Jinja2 => TemplateFormatJson::Jinja2,
                TemplateFormat::Mustache => TemplateFormatJson::Mustache,
            },
            template,
            role,
            messages,
            defaults: DefaultsJson {
                model: defaults.model,
                temperature: defaults.temperature,
                max_tokens: defaults.max_tokens,
            },
            variables: version.variables().iter().cloned().collect(),
            message: record.message.clone(),
            created: to_rfc3339(record.created_us),
            source: if version.from_file { "file" } else { "api" }.to_owned(),
        }
    }
}

impl RenderedJson {
    pub(super) fn new(version: &Version, rendered: Rendered) -> Self {
        let text = rendered.text();
        let messages = match rendered {
            Rendered::Text(role, text) => vec![message(role, &text)],
            Rendered::Chat(messages) => messages.iter().map(|(role, text)| message(*role, text)).collect(),
        };
        Self { version: version.record.version.clone(), hash: version.hash.clone(), text, messages }
    }
}

impl DiffJson {
    pub(super) fn new(from: &Version, to: &Version) -> Self {
        let text = |version: &Version| {
            let defaults = serde_json::to_string(&version.record.defaults).unwrap_or_default();
            let text = version.record.content.text();
            // With a line's end, as the last line of a text has none.
            if defaults == "{}" { text + "\n" } else { format!("# defaults: {defaults}\n{text}\n") }
        };
        let (before, after) = (text(from), text(to));
        let (from, to) = (&from.record.version, &to.record.version);
        let diff = similar::TextDiff::from_lines(&before, &after);
        let diff = diff.unified_diff().context_radius(3).missing_newline_hint(false).header(from, to).to_string();
        Self { from: from.clone(), to: to.clone(), equal: before == after, diff }
    }
}

fn message(role: PromptRole, content: &str) -> MessageJson {
    MessageJson { role: role.as_str().to_owned(), content: content.to_owned() }
}

impl NewVersionJson {
    /// The version that the body describes.
    ///
    /// # Errors
    /// 400 that names the member.
    pub(super) fn into_version(self) -> Result<NewVersion, Error> {
        let format = match self.format.as_deref() {
            None | Some("jinja2") => TemplateFormat::Jinja2,
            Some("mustache") => TemplateFormat::Mustache,
            Some(_) => return Err(Error::invalid("format", "\"format\" must be jinja2 or mustache")),
        };
        let role_of = |text: &str, chat: bool| match text {
            "user" => Ok(PromptRole::User),
            "system" => Ok(PromptRole::System),
            "assistant" if chat => Ok(PromptRole::Assistant),
            "messages" if chat => Ok(PromptRole::Messages),
            _ => Err(Error::invalid("role", "\"role\" is none that can stand here")),
        };
        let body = match (self.template, self.messages) {
            (Some(template), None) => {
                TemplateBody::Text { role: role_of(self.role.as_deref().unwrap_or("user"), false)?, template }
            }
            (None, Some(messages)) if !messages.is_empty() && self.role.is_none() => {
                let message =
                    |m: MessageJson| Ok(TemplateMessage { role: role_of(&m.role, true)?, content: m.content });
                let messages: Vec<_> = messages.into_iter().map(message).collect::<Result<_, Error>>()?;
                let mut places = messages.iter().filter(|m| m.role == PromptRole::Messages);
                if places.next().is_some_and(|m| !m.content.trim().is_empty()) || places.next().is_some() {
                    let message = "the caller's messages stand in one place only: one entry of role \"messages\", without \
                                   content";
                    return Err(Error::invalid("messages", message));
                }
                TemplateBody::Chat { messages }
            }
            _ => {
                return Err(Error::invalid(
                    "template",
                    "send either \"template\" (a text, with \"role\" user or system) or \"messages\" (a list of role and \
                     content)",
                ));
            }
        };
        let DefaultsJson { model, temperature, max_tokens } = self.defaults;
        for (name, wrong, rule) in [
            ("model", model.as_ref().is_some_and(String::is_empty), "the name of a model"),
            ("temperature", temperature.is_some_and(|t| !(0.0..=2.0).contains(&t)), "a number from 0 to 2"),
            ("max_tokens", max_tokens.is_some_and(|n| n == 0 || n > u64::from(u32::MAX)), "a whole number above 0"),
        ] {
            if wrong {
                return Err(Error::invalid("defaults", format!("\"defaults.{name}\" must be {rule}")));
            }
        }
        Ok(NewVersion {
            name: self.name,
            version: self.version,
            description: self.description,
            content: PromptContent { format, body },
            defaults: PromptDefaults { model, temperature, max_tokens },
            message: self.message,
            labels: self.labels,
        })
    }
}
