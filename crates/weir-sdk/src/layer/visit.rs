//! Fields of `tracing` as attributes.

use std::fmt::Debug;

use tracing::field::{Field, Visit};
use weir_fronts::otlp::wire::{AnyValue, WireSpan};

/// How the fields begin by which a span says that it belongs to generative AI.
const KNOWN: &[&str] = &[
    "gen_ai.",
    "weir.",
    "openinference.",
    "llm.",
    "embedding.",
    "retrieval.",
    "reranker.",
    "langfuse.",
    "langsmith.",
    "traceloop.",
    "mlflow.",
    "ai.",
];

/// Whether a field says that its span belongs to generative AI.
pub(super) fn is_known(field: &str) -> bool {
    KNOWN.iter().any(|start| field.starts_with(start))
}

/// Puts fields into a span. Of one that is recorded again the last value counts.
pub(super) struct Fields<'a>(pub(super) &'a mut WireSpan);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: AnyValue) {
        let attributes = &mut self.0.attributes;
        match attributes.iter_mut().find(|(name, _)| name == field.name()) {
            Some((_, held)) => *held = value,
            None => attributes.push((field.name().to_owned(), value)),
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, AnyValue::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, AnyValue::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, i64::try_from(value).map_or_else(|_| AnyValue::Text(value.to_string()), AnyValue::Int));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, i64::try_from(value).map_or_else(|_| AnyValue::Text(value.to_string()), AnyValue::Int));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(field, i64::try_from(value).map_or_else(|_| AnyValue::Text(value.to_string()), AnyValue::Int));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, AnyValue::Double(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, AnyValue::Bool(value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.put(field, AnyValue::Bytes(value.to_vec()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, AnyValue::Text(value.to_string()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, AnyValue::Text(format!("{value:?}")));
    }
}
