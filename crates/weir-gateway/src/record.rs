//! Recording: what of a call is kept, made harmless, journalled and told to whoever counts.
//!
//! Invariant: nothing is written, logged or counted before secrets have been taken out of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use weir_core::observe::Observer;
use weir_core::redact::{PatternError, RedactOptions, Redactor};
use weir_core::span::Span;
use weir_core::time::{Clock, SECOND};
use weir_store::journal::Journal;

use crate::config::{PayloadMode, RecordConfig};

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
        std::str::from_utf8(body).is_ok_and(|text| matches!(self.redactor.json(text), std::borrow::Cow::Borrowed(_)))
    }

    fn apply(&self, span: &mut Span) {
        for payload in [&mut span.input, &mut span.output] {
            if !self.keeps_payload() {
                *payload = None;
            }
            let Some(text) = payload else { continue };
            let is_json = matches!(text.as_bytes().first(), Some(b'{' | b'['));
            let clean = if is_json { self.redactor.json(text) } else { self.redactor.text(text) };
            if let std::borrow::Cow::Owned(clean) = clean {
                *text = clean;
            }
            cut(text, self.max);
        }
        let replace = |field: &mut String| {
            if let std::borrow::Cow::Owned(clean) = self.redactor.text(field) {
                *field = clean;
            }
        };
        let labels = [
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
        for json in span.attributes.values_mut() {
            if let std::borrow::Cow::Owned(clean) = self.redactor.json(json) {
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

/// Where finished calls go.
pub struct Recorder {
    journal: Arc<Journal>,
    observer: Arc<dyn Observer>,
    clock: Clock,
    complained: AtomicI64,
}

impl Recorder {
    /// A recorder into a journal.
    #[must_use]
    pub fn new(journal: Arc<Journal>, observer: Arc<dyn Observer>, clock: Clock) -> Self {
        Self { journal, observer, clock, complained: AtomicI64::new(0) }
    }

    /// Records a finished call: when this returns, it survives the death of the process. A journal that cannot be
    /// written never fails the user's call; what is lost is counted and said in the log at most once in 10 s.
    pub fn record(&self, mut span: Span, policy: &RecordPolicy) {
        policy.apply(&mut span);
        self.observer.call_finished(&span);
        log(&span);
        if let Err(error) = self.journal.append(&span) {
            self.observer.lost("journal", 1);
            let now = self.clock.now();
            let last = self.complained.load(Ordering::Relaxed);
            if now - last > 10 * SECOND
                && self.complained.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            {
                tracing::error!(%error, "calls are answered but cannot be recorded");
            }
        }
    }
}

/// One line per call: failures for whoever is woken by them, all others only when asked for.
fn log(span: &Span) {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    macro_rules! line {
        ($level:ident, $message:literal) => {
            tracing::$level!(
                request_id = text(&span.request_id),
                model = text(&span.model),
                deployment = text(&span.deployment),
                status = span.status.map_or("", weir_core::span::Status::as_str),
                http_status = span.http_status,
                latency_ms = span.latency_us().unwrap_or(0) / 1000,
                error = text(&span.error),
                $message
            )
        };
    }
    if span.error_type.is_some() { line!(warn, "a call failed") } else { line!(debug, "a call was answered") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::units::Bytes;

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
