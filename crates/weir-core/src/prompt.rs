//! A prompt: a named template with immutable versions and movable labels. Its content is addressed by its hash.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest name of a prompt, a version or a label.
pub const MAX_NAME: usize = 128;

/// How the placeholders of a template are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TemplateFormat {
    /// Jinja2.
    #[default]
    Jinja2,
    /// Mustache.
    Mustache,
}

/// Who says a message; in a template also where the caller's conversation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptRole {
    /// The system's instructions.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// Not a message: the caller's conversation stands here.
    Messages,
}

impl PromptRole {
    /// The role's name in a chat request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Messages => "messages",
        }
    }
}

/// One message of a chat template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateMessage {
    /// Who says it.
    pub role: PromptRole,
    /// The template of what is said; empty for [`PromptRole::Messages`].
    #[serde(default)]
    pub content: String,
}

/// What a template makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TemplateBody {
    /// One text: the user's turn, or the system's instructions.
    Text {
        /// Whose message it becomes: `user` or `system`.
        role: PromptRole,
        /// The template.
        template: String,
    },
    /// A list of messages.
    Chat {
        /// In order.
        messages: Vec<TemplateMessage>,
    },
}

/// What a version holds and never changes: the template and its format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptContent {
    /// How placeholders are written.
    #[serde(default)]
    pub format: TemplateFormat,
    /// The template.
    #[serde(flatten)]
    pub body: TemplateBody,
}

impl PromptContent {
    /// SHA-256 in hex of the content's JSON form: equal contents have equal hashes, whatever they are called.
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(serde_json::to_vec(self).unwrap_or_default()))
    }

    /// The template as one text: of a chat template its messages, each under a comment that names the role, which is how
    /// a file of it looks.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.body {
            TemplateBody::Text { template, .. } => template.clone(),
            TemplateBody::Chat { messages } => {
                let (open, close) = match self.format {
                    TemplateFormat::Jinja2 => ("{# ", " #}"),
                    TemplateFormat::Mustache => ("{{! ", " }}"),
                };
                let part = |m: &TemplateMessage| format!("{open}{}{close}\n{}", m.role.as_str(), m.content);
                messages.iter().map(part).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// What a request gets from a version where it does not say so itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromptDefaults {
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The bound on the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
}

/// One version of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptVersion {
    /// `v1.0`, `2`, ...
    pub version: String,
    /// The template.
    pub content: PromptContent,
    /// Defaults of requests that use it.
    pub defaults: PromptDefaults,
    /// What changed, for people.
    pub message: Option<String>,
    /// When it was made, microseconds.
    pub created_us: i64,
}

/// Whether a name of a prompt, a version or a label can stand in a path, a file name and a metric: letters, digits and
/// `. _ -`, not at the beginning a dot.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Orders versions as people count: `v2.0` before `v10.0`, `3` between them, words last.
#[must_use]
pub fn compare_versions(a: &str, b: &str) -> std::cmp::Ordering {
    let parts = |text: &str| -> Vec<u64> {
        let number = text.strip_prefix(['v', 'V']).unwrap_or(text);
        number.split(['.', '-', '_']).map(|part| part.parse().unwrap_or(u64::MAX)).collect()
    };
    parts(a).cmp(&parts(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_as_people_count() {
        let mut versions = ["v10.0", "v2.0", "3", "v1.0", "draft", "v2.1", "v2.0-rc"];
        versions.sort_by(|a, b| compare_versions(a, b));
        assert_eq!(versions, ["v1.0", "v2.0", "v2.0-rc", "v2.1", "3", "v10.0", "draft"]);
    }

    #[test]
    fn equal_contents_have_equal_hashes() {
        let content = |template: &str| PromptContent {
            format: TemplateFormat::Jinja2,
            body: TemplateBody::Text { role: PromptRole::User, template: template.into() },
        };
        assert_eq!(content("a").hash(), content("a").hash());
        assert_ne!(content("a").hash(), content("b").hash());
        let json = serde_json::to_string(&content("a")).unwrap();
        assert_eq!(json, r#"{"format":"jinja2","kind":"text","role":"user","template":"a"}"#);
        assert_eq!(serde_json::from_str::<PromptContent>(&json).unwrap(), content("a"));
    }

    #[test]
    fn names_fit_into_paths() {
        assert!(is_name("v1.0") && is_name("support_answer-2"));
        assert!(!is_name("") && !is_name("..") && !is_name(".x") && !is_name("a/b") && !is_name("ä"));
    }
}
