use std::borrow::Cow;

use crate::redact::{PatternError, RedactOptions, Redactor};
use crate::span::Span;

use super::config::{PayloadMode, RecordConfig};

/// An attribute of so many bytes is kept also where texts are cut shorter.
const MAX_ATTRIBUTE: usize = 64 << 10;

/// What of a payload is kept.
#[derive(Debug)]
pub struct RecordPolicy {
    mode: PayloadMode,
    max: usize,
    redactor: Redactor,
}

impl RecordPolicy {
    /// The policy of a configuration.
    ///
    /// # Errors
    /// When a configured pattern is not a regular expression.
    pub fn new(config: &RecordConfig) -> Result<Self, PatternError> {
        let personal = config.payload == PayloadMode::Redacted;
        let redactor = Redactor::new(&RedactOptions {
            personal,
            secrets: true,
            custom: config.redact.iter().map(|(label, pattern)| (label.clone(), pattern.clone())).collect(),
        })?;
        let limit = match config.payload {
            PayloadMode::Truncated => config.truncate_to,
            _ => config.max_payload,
        };
        Ok(Self { mode: config.payload, max: usize::try_from(limit.0).unwrap_or(usize::MAX), redactor })
    }

    /// A label as it may be shown and logged.
    #[must_use]
    pub fn shown(&self, label: &str) -> String {
        self.redactor.text(label).into_owned()
    }

    /// Most bytes of a prompt or an answer that are kept.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.max
    }

    /// Whether payloads are kept at all.
    #[must_use]
    pub fn keeps_payload(&self) -> bool {
        self.mode != PayloadMode::None
    }

    /// Whether a body holds nothing that would be replaced before it is written down.
    #[must_use]
    pub fn is_clean(&self, body: &[u8]) -> bool {
        std::str::from_utf8(body).is_ok_and(|text| matches!(self.redactor.json(text), Cow::Borrowed(_)))
    }

    /// Takes out of a span what is not to be kept.
    pub fn apply(&self, span: &mut Span) {
        for payload in [&mut span.input, &mut span.output] {
            if !self.keeps_payload() {
                *payload = None;
            }
            let Some(text) = payload else { continue };
            let is_json = matches!(text.as_bytes().first(), Some(b'{' | b'['));
            let clean = if is_json { self.redactor.json(text) } else { self.redactor.text(text) };
            if let Cow::Owned(clean) = clean {
                *text = clean;
            }
            cut(text, self.max);
        }
        if !self.keeps_payload() {
            span.details = None;
        }
        let replace = |field: &mut String| {
            if let Cow::Owned(clean) = self.redactor.text(field) {
                *field = clean;
            }
        };
        let labels = [
            &mut span.name,
            &mut span.error,
            &mut span.user,
            &mut span.session,
            &mut span.department,
            &mut span.project,
            &mut span.prompt_name,
            &mut span.prompt_version,
            &mut span.request_id,
        ];
        labels.into_iter().flatten().for_each(replace);
        span.tags.iter_mut().flatten().for_each(replace);
        for json in span.attributes.values_mut().chain(&mut span.details) {
            if let Cow::Owned(clean) = self.redactor.json(json) {
                *json = clean;
            }
            cut_json(json, self.max);
        }
    }
}

/// Cuts a text to a bound and says so at its end.
fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        let whole = text.len();
        text.truncate(text.floor_char_boundary(max));
        text.push_str(&format!("…[truncated, {whole} bytes]"));
    }
}

/// Cuts every text within a JSON value to a bound; a value that is still long, because it is many, is replaced by its
/// length.
fn cut_json(json: &mut String, max: usize) {
    fn walk(value: &mut serde_json::Value, max: usize) {
        match value {
            serde_json::Value::String(text) => cut(text, max),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| walk(item, max)),
            serde_json::Value::Object(members) => members.values_mut().for_each(|member| walk(member, max)),
            _ => {}
        }
    }
    if json.len() <= max {
        return;
    }
    let whole = json.len();
    let bound = max.max(MAX_ATTRIBUTE);
    if whole <= bound.saturating_mul(16)
        && let Ok(mut value) = serde_json::from_str::<serde_json::Value>(json)
    {
        walk(&mut value, max);
        *json = value.to_string();
    }
    if json.len() > bound {
        *json = serde_json::json!({"truncated_bytes": whole}).to_string();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    fn recorded(config: &RecordConfig) -> Span {
        let mut span = Span {
            input: Some(r#"{"messages":[{"content":"mail ann@example.com, key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"}]}"#.into()),
            output: Some("é".repeat(40)),
            user: Some("ann@example.com".into()),
            ..Span::default()
        };
        let variables = format!(r#"{{"hash":"0","variables":{{"a":"{}"}}}}"#, "x".repeat(50));
        span.attributes.insert("prompt".into(), variables);
        span.attributes.insert("metadata".into(), format!("[{}0]", "0,".repeat(199_999)));
        RecordPolicy::new(config).unwrap().apply(&mut span);
        span
    }

    #[test]
    fn each_mode_keeps_what_it_says() {
        let mode = |payload| RecordConfig { payload, truncate_to: Bytes(31), ..RecordConfig::default() };
        let full = recorded(&mode(PayloadMode::Full));
        let input = full.input.unwrap();
        assert!(input.contains("ann@example.com") && !input.contains("sk-proj"), "{input}");
        let redacted = recorded(&mode(PayloadMode::Redacted));
        let input = redacted.input.unwrap();
        assert!(!input.contains("ann@") && !input.contains("sk-proj"), "{input}");
        assert_ne!(redacted.user.as_deref(), Some("ann@example.com"));
        let truncated = recorded(&mode(PayloadMode::Truncated));
        assert_eq!(truncated.output.unwrap(), format!("{}…[truncated, 80 bytes]", "é".repeat(15)));
        assert!(truncated.input.unwrap().starts_with(r#"{"messages":[{"content":"mail a"#));
        let none = recorded(&mode(PayloadMode::None));
        assert_eq!((none.input, none.output), (None, None));
    }
}
