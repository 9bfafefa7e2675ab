//! One call whole: every field that is known, then its input and output.

use serde_json::value::RawValue;
use weir_web::api::{Call, Tokens};

use super::format;
use super::print::Terminal;

/// Width of the names.
const NAMES: usize = 14;

/// The call as text.
#[must_use]
pub(crate) fn render(call: &Call, terminal: Terminal) -> String {
    let mut page = Page { text: String::new(), colour: terminal.colour };
    page.field("call", Some(call.id.clone()));
    page.field("request id", call.request_id.clone());
    page.field("trace", Some(call.trace_id.clone()));
    page.field("parent", call.parent_id.clone());
    page.field("time", call.timestamp.as_deref().map(format::full_time));
    page.field("status", status(call));
    page.field("error", call.error.clone());
    page.field("kind", call.kind.clone());
    page.field("name", call.name.clone());
    page.field("operation", call.operation.clone());
    page.field("model", call.model.clone());
    page.field("answered by", call.response_model.clone().filter(|m| Some(m) != call.model.as_ref()));
    page.field("provider", call.provider.clone());
    page.field("deployment", call.deployment.clone());
    page.field("latency", latency(call));
    page.field("tokens", call.tokens.as_ref().map(|t| tokens(t, call.token_source.as_deref())));
    page.field("cost", Some(call.cost_usd.map_or_else(|| "unknown".to_owned(), |usd| format!("${}", usd.decimal()))));
    page.field("streamed", call.stream.map(|s| if s { "yes" } else { "no" }.to_owned()));
    page.field("finish reason", call.finish_reason.clone());
    page.field("attempts", call.attempts.filter(|n| *n != 1).map(|n| n.to_string()));
    page.field("cache", call.cache.clone());
    page.field("prompt", prompt(call));
    page.field("project", call.project.clone());
    page.field("session", call.session.clone());
    page.field("department", call.department.clone());
    page.field("user", call.user.clone());
    page.field("key", call.key.clone());
    page.field("tags", (!call.tags.is_empty()).then(|| call.tags.join(", ")));
    for (name, value) in &call.attributes {
        page.field(name, Some(value.get().to_owned()));
    }
    page.body("input", call.input.as_deref());
    page.body("output", call.output.as_deref());
    if call.details.as_deref().is_some_and(|details| details.get() != "null") {
        page.body("details", call.details.as_deref());
    }
    page.text
}

struct Page {
    text: String,
    colour: bool,
}

impl Page {
    fn field(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            let value = format::harmless(&value).replace('\n', "\n                ");
            let name = format!("{:NAMES$}", format::harmless(name));
            self.text.push_str(&self.dim(&name));
            self.text.push_str("  ");
            self.text.push_str(&value);
            self.text.push('\n');
        }
    }

    fn body(&mut self, name: &str, value: Option<&RawValue>) {
        self.text.push('\n');
        self.text.push_str(&self.dim(name));
        self.text.push('\n');
        self.text.push_str(&format::harmless(&pretty(value)));
        self.text.push('\n');
    }

    fn dim(&self, text: &str) -> String {
        if self.colour { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn status(call: &Call) -> Option<String> {
    let mut text = call.status.clone()?;
    for part in [call.error_type.clone(), call.http_status.map(|s| format!("HTTP {s}"))].into_iter().flatten() {
        text = format!("{text}, {part}");
    }
    Some(text)
}

fn latency(call: &Call) -> Option<String> {
    let whole = format::millis(call.latency_ms?);
    Some(match call.ttft_ms {
        Some(ttft) => format!("{whole}, first token after {}", format::millis(ttft)),
        None => whole,
    })
}

fn tokens(t: &Tokens, source: Option<&str>) -> String {
    let mut text = format!("{} prompt + {} completion = {}", t.prompt, t.completion, t.total);
    let classes = [
        (t.cached, "cached"),
        (t.cache_write, "cache write"),
        (t.reasoning, "reasoning"),
        (t.audio_in, "audio in"),
        (t.audio_out, "audio out"),
    ];
    for (n, class) in classes.into_iter().filter(|(n, _)| *n > 0) {
        text = format!("{text}, {n} {class}");
    }
    match source {
        Some(source @ ("estimated" | "partial")) => format!("{text} ({source})"),
        _ => text,
    }
}

fn prompt(call: &Call) -> Option<String> {
    let prompt = call.prompt.as_ref()?;
    Some([prompt.name.as_deref(), prompt.version.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("@"))
}

/// A text as it is, JSON indented.
fn pretty(value: Option<&RawValue>) -> String {
    let Some(value) = value.filter(|v| v.get() != "null") else {
        return "(not recorded)".to_owned();
    };
    match serde_json::from_str::<serde_json::Value>(value.get()) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(json) => serde_json::to_string_pretty(&json).unwrap_or_else(|_| value.get().to_owned()),
        Err(_) => value.get().to_owned(),
    }
}
