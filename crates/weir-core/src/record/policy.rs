use std::borrow::Cow;

use crate::redact::{Apart, PatternError, RedactOptions, Redactor};
use crate::score::{Score, ScoreValue};
use crate::span::{Attributes, Span};

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
        std::str::from_utf8(body).is_ok_and(|text| matches!(self.redactor.document(text), Cow::Borrowed(_)))
    }

    /// Takes out of a span what is not to be kept.
    pub fn apply(&self, span: &mut Span) {
        self.payload(&mut span.input);
        self.payload(&mut span.output);
        if !self.keeps_payload() {
            span.details = None;
        }
        let text = |field: &mut String| self.text(field);
        let word = |field: &mut String| {
            if let Cow::Owned(clean) = self.redactor.word(field) {
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
        labels.into_iter().flatten().for_each(text);
        span.tags.iter_mut().flatten().for_each(text);
        // Of closed sets or configured when all is well, but whoever sends spans may say anything.
        let words = [
            &mut span.error_type,
            &mut span.provider,
            &mut span.model,
            &mut span.response_model,
            &mut span.deployment,
            &mut span.operation,
            &mut span.key,
            &mut span.upstream_request_id,
            &mut span.finish_reason,
            &mut span.cache,
        ];
        words.into_iter().flatten().for_each(word);
        self.rename(&mut span.attributes);
        for json in span.attributes.values_mut().chain(&mut span.details) {
            if let Cow::Owned(clean) = self.redactor.document(json) {
                *json = clean;
            }
            cut_json(json, self.max);
        }
    }

    /// Takes out of what a call was given or gave what is not to be kept.
    pub fn payload(&self, payload: &mut Option<String>) {
        if !self.keeps_payload() {
            *payload = None;
        }
        let Some(text) = payload else { return };
        self.either(text);
        cut(text, self.max);
    }

    /// Takes out of a text what is not to be kept.
    pub fn text(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.redactor.text(text) {
            *text = clean;
        }
    }

    /// Takes out of a text that may be JSON what is not to be kept.
    pub fn either(&self, text: &mut String) {
        let is_json = matches!(text.as_bytes().first(), Some(b'{' | b'['));
        let clean = if is_json { self.redactor.document(text) } else { self.redactor.text(text) };
        if let Cow::Owned(clean) = clean {
            *text = clean;
        }
    }

    /// Takes out of a score what is not to be kept.
    pub fn score(&self, score: &mut Score) {
        match &mut score.value {
            ScoreValue::Bool(_) | ScoreValue::Number(_) => {}
            ScoreValue::Text(text) | ScoreValue::Json(text) => self.either(text),
        }
        let error = score.error.iter_mut().flat_map(|e| e.message.iter_mut().chain(&mut e.stack));
        score.reason.iter_mut().chain(error).chain(score.metadata.values_mut()).for_each(|text| self.either(text));
    }

    /// Takes out of the names of attributes what is not to be kept.
    fn rename(&self, attributes: &mut Attributes) {
        let clean = |name: &str| matches!(self.redactor.text(name), Cow::Borrowed(_));
        if attributes.keys().all(|name| clean(name)) {
            return;
        }
        let mut apart = Apart::default();
        let renamed = std::mem::take(attributes).into_iter().map(|(name, value)| match self.redactor.text(&name) {
            Cow::Owned(clean) => (apart.name(clean), value),
            Cow::Borrowed(_) => (name, value),
        });
        *attributes = renamed.collect();
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

    /// A span whose every text, name and label is a key.
    fn of_secrets(secret: &str) -> Span {
        let mut json = serde_json::to_value(Span::default()).unwrap();
        macro_rules! field {
            ($field:ident) => {
                json[stringify!($field)] = secret.into()
            };
        }
        for_each_span_field!(field);
        let texts = json.as_object_mut().unwrap();
        // Those of other types, by trial.
        let ids = ["trace_id", "span_id", "parent_id"];
        texts.retain(|name, value| {
            ids.contains(&name.as_str())
                || serde_json::from_value::<Span>(serde_json::json!({
                    "trace_id": "0".repeat(32), "span_id": "0".repeat(32), name: value
                }))
                .is_ok()
        });
        texts.remove("parent_id");
        let mut span: Span = serde_json::from_value(json).unwrap();
        span.tags = Some(vec![secret.to_owned()]);
        let nested = format!(r#"{{"{secret}":{{"{secret}":1,"a {secret}":["{secret}"],"\u0061 {secret}":2}}}}"#);
        span.input = Some(nested.clone());
        span.details = Some(nested.clone());
        span.attributes = [secret.to_owned(), format!("{secret}."), "fine".to_owned()]
            .into_iter()
            .map(|name| (name, nested.clone()))
            .collect();
        span
    }

    #[test]
    fn no_text_and_no_name_keeps_a_key() {
        let secret = "sk-proj-Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7Ie2";
        let mut span = of_secrets(secret);
        assert!(span.model.is_some() && span.finish_reason.is_some() && span.cache.is_some());
        let policy = RecordPolicy::new(&RecordConfig::default()).unwrap();
        policy.apply(&mut span);
        let text = serde_json::to_string(&span).unwrap();
        assert!(!text.contains("sk-proj"), "{text}");
        assert_eq!(
            span.details.as_deref(),
            Some(r#"{"[SECRET]":{"[SECRET] 2":1,"a [SECRET]":["[SECRET]"],"\u0061 [SECRET] 2":2}}"#)
        );
        let names: Vec<_> = span.attributes.keys().map(String::as_str).collect();
        assert_eq!(names, ["[SECRET]", "[SECRET].", "fine"]);
        // What is clean stays as it is.
        let before = span.clone();
        policy.apply(&mut span);
        assert_eq!(span, before);
    }

    #[test]
    fn names_that_become_the_same_are_all_kept() {
        let mut span = Span::default();
        for n in 0..3 {
            span.attributes.insert(format!("sk-proj-Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7Ie{n}"), n.to_string());
        }
        RecordPolicy::new(&RecordConfig::default()).unwrap().apply(&mut span);
        let kept: Vec<_> = span.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(kept, [("[SECRET]", "0"), ("[SECRET] 2", "1"), ("[SECRET] 3", "2")]);
    }

    #[test]
    fn the_digits_of_models_and_ids_are_no_personal_data() {
        let config = RecordConfig { payload: PayloadMode::Redacted, ..RecordConfig::default() };
        let id = || Some("+49 170 1234567".to_owned());
        let mut span = Span { upstream_request_id: id(), user: id(), ..Span::default() };
        RecordPolicy::new(&config).unwrap().apply(&mut span);
        assert_eq!(span.upstream_request_id, id());
        assert_ne!(span.user, id());
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
