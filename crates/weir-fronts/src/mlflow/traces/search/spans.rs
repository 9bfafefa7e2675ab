//! Conditions on the spans of a trace.

use std::cell::OnceCell;

use weir_core::query::{Condition, Held, Op, Operand, Target, Test};
use weir_core::span::{Span, SpanKind, Status};

use crate::mlflow::traces::{names, spans};
use crate::otlp::out;
use crate::otlp::wire::{AnyValue, WireSpan};

/// A span, and what is made of it when a condition first asks.
pub(super) struct SpanView<'a> {
    span: &'a Span,
    trace_id: &'a str,
    wire: OnceCell<WireSpan>,
    content: OnceCell<String>,
}

impl<'a> SpanView<'a> {
    pub(super) fn new(span: &'a Span, trace_id: &'a str) -> Self {
        Self { span, trace_id, wire: OnceCell::new(), content: OnceCell::new() }
    }

    pub(super) fn satisfies(&self, condition: &Condition) -> bool {
        let test = &condition.test;
        let text = |held: Option<&str>| test.holds(held.map(Held::Text));
        match &condition.target {
            Target::Related("span", "name") => text(Some(&out::name(self.span))),
            Target::Related("span", "status") => text(Some(self.status())),
            Target::Related("span", "type") => text(Some(&self.kind())),
            Target::Related("span", "content") | Target::Field("text") => self.contains(test),
            Target::Entry("span", name) => {
                let value = self.wire().attributes.iter().find(|(held, _)| held == name);
                text(value.map(|(_, value)| plain(value)).as_deref())
            }
            _ => true,
        }
    }

    fn wire(&self) -> &WireSpan {
        self.wire.get_or_init(|| spans::described(self.span, self.trace_id))
    }

    /// As MLflow names it: not the word on OTLP's wire.
    fn status(&self) -> &'static str {
        match self.span.status {
            Some(Status::Error | Status::RateLimited | Status::Blocked | Status::Cancelled) => "ERROR",
            Some(Status::Success | Status::Cached) => "OK",
            Some(Status::Pending) | None => "UNSET",
        }
    }

    /// The word that the client said; without payload the one that Weir has for its kind.
    fn kind(&self) -> String {
        if self.span.details.is_some() || self.span.kind == Some(SpanKind::Other) {
            let said = self.wire().attributes.iter().find(|(name, _)| name == names::SPAN_TYPE);
            if let Some((_, value)) = said {
                return plain(value);
            }
        }
        spans::span_type(self.span).to_owned()
    }

    /// Whether its whole text fits a pattern: name, attributes, events.
    fn contains(&self, test: &Test) -> bool {
        let Test::Compare(op @ (Op::Like | Op::ILike), Operand::Text(pattern)) = test else { return false };
        // The usual pattern is a word in the midst of anything. It is looked for in what is stored first.
        let word = pattern.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
        if let Some(word) = word.filter(|word| is_plain(word)) {
            let texts = [&self.span.name, &self.span.input, &self.span.output, &self.span.details, &self.span.error];
            let mut texts = texts.into_iter().flatten().chain(self.span.attributes.values());
            let any = match op {
                Op::Like => texts.any(|text| text.contains(word)),
                _ => {
                    let word = word.to_ascii_lowercase();
                    texts.any(|text| text.to_ascii_lowercase().contains(&word))
                }
            };
            if !any && self.span.details.is_some() {
                return false;
            }
        }
        let content = self.content.get_or_init(|| content(self.wire()));
        test.holds(Some(Held::Text(content)))
    }
}

/// Whether a word stands in JSON as it is, whoever wrote that, and is no pattern itself.
fn is_plain(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_alphanumeric() || b" .,:;!?-+*=()#@$^|~".contains(&b))
}

/// A span as one text.
fn content(wire: &WireSpan) -> String {
    let mut out = wire.name.clone();
    let mut say = |name: &str, value: &AnyValue| {
        out.push('\n');
        out.push_str(name);
        out.push_str(": ");
        out.push_str(&plain(value));
    };
    for (name, value) in &wire.attributes {
        say(name, value);
    }
    for event in &wire.events {
        say("event", &AnyValue::Text(event.name.clone()));
        for (name, value) in &event.attributes {
            say(name, value);
        }
    }
    say("status", &AnyValue::Text(wire.status.message.clone()));
    out
}

/// A text without quotes; anything else as JSON.
fn plain(value: &AnyValue) -> String {
    match value {
        AnyValue::Text(text) => text.clone(),
        other => other.to_json(),
    }
}
