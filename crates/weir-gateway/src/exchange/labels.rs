//! What a call is filed under: read from the body's `metadata`, from `x-weir-*` headers and from W3C `traceparent`.
//! Headers win over the body; what the key fixes wins over both.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::value::RawValue;
use weir_core::access::Identity;
use weir_core::id::{SpanId, TraceId};

use super::envelope::Envelope;

/// Longest label that is kept; longer ones are cut.
const MAX_LABEL: usize = 256;
/// Most tags of one call.
const MAX_TAGS: usize = 32;

/// The labels of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    /// The caller's trace, and the span that called.
    pub parent: Option<(TraceId, Option<SpanId>)>,
    /// Project.
    pub project: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// End user.
    pub user: Option<String>,
    /// Session.
    pub session: Option<String>,
    /// The prompt that is asked for, to be rendered where Weir has it.
    pub asked_prompt: Option<String>,
    /// Prompt name.
    pub prompt_name: Option<String>,
    /// Prompt version.
    pub prompt_version: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// The whole `metadata` member, as sent.
    pub metadata: Option<String>,
}

impl Labels {
    /// Reads what the headers and the key say; the body may add to it.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap, identity: &Identity) -> Self {
        let utf8 = |name: &str| headers.get(name).and_then(|v| std::str::from_utf8(v.as_bytes()).ok());
        let text = |name: &str| utf8(name).and_then(label);
        let (asked_prompt, version) = text("x-weir-prompt").map(name_and_version).unzip();
        Self {
            parent: text("x-weir-trace-id")
                .and_then(|id| TraceId::parse(&id))
                .map(|trace| (trace, None))
                .or_else(|| traceparent(headers.get("traceparent")?.to_str().ok()?)),
            project: identity.project.clone().or_else(|| text("x-weir-project")),
            department: identity.department.clone().or_else(|| text("x-weir-department")),
            user: text("x-weir-user"),
            session: text("x-weir-session"),
            prompt_name: asked_prompt.clone(),
            asked_prompt,
            prompt_version: text("x-weir-prompt-version").or(version.flatten()),
            tags: utf8("x-weir-tags")
                .map(|list| list.split(',').filter_map(label).take(MAX_TAGS).collect())
                .unwrap_or_default(),
            metadata: None,
        }
    }

    /// Adds what the body says and the headers left open.
    pub fn add_body(&mut self, envelope: &Envelope<'_>) {
        if let Some(raw) = envelope.get("metadata") {
            self.metadata = Some(raw.to_owned());
            if let Ok(members) = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(raw) {
                self.add_metadata(&members);
            }
        }
        for name in ["user", "safety_identifier"] {
            if self.user.is_none() {
                self.user = envelope.get(name).and_then(scalar);
            }
        }
    }

    fn add_metadata(&mut self, members: &BTreeMap<Cow<'_, str>, &RawValue>) {
        let first = |names: &[&str]| names.iter().find_map(|name| scalar(members.get(*name)?.get()));
        let fill = |held: &mut Option<String>, names: &[&str]| {
            if held.is_none() {
                *held = first(names);
            }
        };
        fill(&mut self.project, &["project"]);
        fill(&mut self.department, &["department"]);
        fill(&mut self.user, &["user", "user_id"]);
        fill(&mut self.session, &["session", "session_id", "thread_id", "conversation_id"]);
        if self.asked_prompt.is_none()
            && let Some((name, version)) = first(&["prompt"]).map(name_and_version)
        {
            self.prompt_name.get_or_insert_with(|| name.clone());
            self.asked_prompt = Some(name);
            self.prompt_version = self.prompt_version.take().or(version);
        }
        fill(&mut self.prompt_name, &["prompt_name"]);
        fill(&mut self.prompt_version, &["prompt_version"]);
        if self.parent.is_none() {
            self.parent = first(&["trace_id"]).and_then(|id| TraceId::parse(&id)).map(|trace| (trace, None));
        }
        if self.tags.is_empty() {
            self.tags = members.get("tags").map(|raw| tags(raw.get())).unwrap_or_default();
        }
    }
}

/// A list of strings, or one string with commas (OpenAI's metadata holds only strings).
fn tags(raw: &str) -> Vec<String> {
    let list = serde_json::from_str::<Vec<String>>(raw)
        .or_else(|_| serde_json::from_str::<String>(raw).map(|s| s.split(',').map(str::to_owned).collect()))
        .unwrap_or_default();
    list.iter().filter_map(|tag| label(tag)).take(MAX_TAGS).collect()
}

/// `name@version`, or a name alone.
fn name_and_version(text: String) -> (String, Option<String>) {
    match text.split_once('@') {
        Some((name, version)) if !name.is_empty() && !version.is_empty() => (name.to_owned(), Some(version.to_owned())),
        _ => (text, None),
    }
}

/// A string, number or boolean as a label.
fn scalar(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => label(&serde_json::from_str::<String>(raw).ok()?),
        b'{' | b'[' | b'n' => None,
        _ => label(raw),
    }
}

fn label(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text[..text.floor_char_boundary(MAX_LABEL)].to_owned())
}

/// `00-<32 hex>-<16 hex>-<flags>`; all-zero ids are not valid.
fn traceparent(value: &str) -> Option<(TraceId, Option<SpanId>)> {
    let mut parts = value.trim().split('-');
    let version = parts.next()?;
    let (trace, span) = (parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 {
        return None;
    }
    let (trace, span) = (TraceId::parse(trace)?, SpanId::parse(span)?);
    (trace.0 != [0; 16] && span.0 != [0; 16]).then_some((trace, Some(span)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_wins_over_headers_and_headers_over_the_body() {
        let body = br#"{"user":"u1","metadata":{"department":"body","session_id":7,"tags":"a, b","prompt_version":"v2","x":{}}}"#;
        let mut headers = HeaderMap::new();
        headers.insert("x-weir-department", "header".parse().unwrap());
        headers.insert("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
        let fixed = Identity { department: Some("key".into()), ..Identity::anonymous() };
        assert_eq!(Labels::from_headers(&headers, &fixed).department.as_deref(), Some("key"));

        let mut labels = Labels::from_headers(&headers, &Identity::anonymous());
        labels.add_body(&Envelope::parse(body).unwrap());
        assert_eq!(labels.department.as_deref(), Some("header"));
        assert_eq!(labels.session.as_deref(), Some("7"));
        assert_eq!(labels.user.as_deref(), Some("u1"));
        assert_eq!(labels.tags, ["a", "b"]);
        assert_eq!(labels.prompt_version.as_deref(), Some("v2"));
        let (trace, span) = labels.parent.unwrap();
        assert_eq!(trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span.unwrap().to_string(), "00f067aa0ba902b7");
    }

    #[test]
    fn nonsense_is_no_label() {
        for value in [
            "",
            "00-0-0-0",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        ] {
            assert_eq!(traceparent(value), None, "{value}");
        }
        assert_eq!(scalar("null"), None);
        assert_eq!(label(&"é".repeat(200)).unwrap().len(), 256);
    }
}
