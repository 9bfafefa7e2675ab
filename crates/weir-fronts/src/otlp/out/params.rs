//! The parameters of a request: those that are noted on the call, and the others that its body says.

use serde_json::Value;
use weir_core::span::Span;

use super::attributes::Said;
use crate::otlp::wire::AnyValue;

/// Names that the conventions have for parameters, each with the request's own, and whether it is an integer.
const NUMBERS: &[(&str, &[&str], bool)] = &[
    ("gen_ai.request.temperature", &["temperature"], false),
    ("gen_ai.request.top_p", &["top_p"], false),
    ("gen_ai.request.top_k", &["top_k"], false),
    ("gen_ai.request.max_tokens", &["max_completion_tokens", "max_tokens", "max_output_tokens"], true),
    ("gen_ai.request.seed", &["seed"], true),
    ("gen_ai.request.choice.count", &["n"], true),
    ("gen_ai.request.frequency_penalty", &["frequency_penalty"], false),
    ("gen_ai.request.presence_penalty", &["presence_penalty"], false),
];

/// Says the parameters. Returns the span's own attributes that are said with it.
pub(super) fn put(said: &mut Said, span: &Span, body: Option<&Value>) -> Vec<&'static str> {
    let mut consumed = Vec::new();
    for (name, own, is_int) in NUMBERS {
        let noted = own.iter().find_map(|own| Some((*own, number(span.attributes.get(*own)?, *is_int)?)));
        if let Some((own, value)) = noted {
            consumed.push(own);
            said.put(name, value);
        } else if let Some(value) = own.iter().find_map(|own| body?.get(*own)) {
            said.may_put(name, number(&value.to_string(), *is_int));
        }
    }
    let stop = body.and_then(|body| body.get("stop").or_else(|| body.get("stop_sequences")));
    let stop: Vec<String> = match stop {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    if !stop.is_empty() {
        said.list("gen_ai.request.stop_sequences", &stop);
    }
    consumed
}

fn number(json: &str, is_int: bool) -> Option<AnyValue> {
    if is_int {
        json.parse().ok().map(AnyValue::Int)
    } else {
        json.parse().ok().filter(|n: &f64| n.is_finite()).map(AnyValue::Double)
    }
}
