//! JSON as it is compared: what says nothing is left out, members are in one order, and of what is here only that counts
//! which the source says, as Weir says more.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Members that are times.
const TIMES: [&str; 3] = ["request_time", "create_time", "last_update_time"];
/// A member that is a duration, in seconds.
const DURATION: &str = "execution_duration";

/// A value in the one form that it is compared in.
pub(super) fn ordered(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                let value = told(key, value).unwrap_or_else(|| ordered(value));
                (!is_nothing(&value)).then(|| (key.clone(), value))
            };
            let sorted: BTreeMap<_, _> = members.iter().filter_map(member).collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(values) => values.iter().map(ordered).collect(),
        other => other.clone(),
    }
}

/// A time or a duration, however it is written.
fn told(key: &str, value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    if TIMES.contains(&key) {
        return text.parse::<Timestamp>().ok().map(|at| at.as_microsecond().into());
    }
    if key == DURATION {
        let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
        return Some(format!("{seconds:.3}").into());
    }
    None
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

/// Of what is here, that of which the source says something. Both are [`ordered`].
pub(super) fn said(there: &Value, here: &Value) -> Value {
    match (there, here) {
        (Value::Object(there), Value::Object(here)) => {
            let member = |(key, value): (&String, &Value)| Some((key.clone(), said(value, here.get(key)?)));
            Value::Object(there.iter().filter_map(member).collect::<Map<_, _>>())
        }
        (Value::Array(there), Value::Array(here)) if there.len() == here.len() => {
            there.iter().zip(here).map(|(there, here)| said(there, here)).collect()
        }
        (_, here) => here.clone(),
    }
}

/// What the source says, with the labels of redaction where they stand here in place of something.
pub(super) fn masked(there: &Value, here: &Value) -> Value {
    match (there, here) {
        (Value::Object(there), Value::Object(here)) => {
            let member = |(key, value): (&String, &Value)| {
                (key.clone(), here.get(key).map_or_else(|| value.clone(), |here| masked(value, here)))
            };
            Value::Object(there.iter().map(member).collect::<Map<_, _>>())
        }
        (Value::Array(there), Value::Array(here)) if there.len() == here.len() => {
            there.iter().zip(here).map(|(there, here)| masked(there, here)).collect()
        }
        (Value::String(text), Value::String(shown)) if text != shown && is_masked(text, shown) => here.clone(),
        (there, _) => there.clone(),
    }
}

/// Whether one text is another with labels such as `[SECRET]` in place of some of it.
fn is_masked(text: &str, shown: &str) -> bool {
    let mut rest = text;
    let (mut begins, mut labels) = (true, 0_usize);
    let mut left = shown;
    while let Some((before, after)) = at_label(left) {
        let at = if begins { rest.starts_with(before).then_some(0) } else { rest.find(before) };
        let Some(at) = at else { return false };
        rest = rest.get(at + before.len()..).unwrap_or_default();
        (left, begins, labels) = (after, false, labels + 1);
    }
    labels > 0 && rest.ends_with(left)
}

/// What stands before the first label, and what behind it.
fn at_label(text: &str) -> Option<(&str, &str)> {
    text.match_indices('[').find_map(|(at, _)| {
        let label = text.get(at + 1..)?;
        let (name, after) = label.split_once(']')?;
        let is_label = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        is_label.then(|| (text.get(..at).unwrap_or_default(), after))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_source_says_is_compared() {
        let there = ordered(&json!({"b": 1, "a": {"x": "y", "none": null}, "list": [{"k": 1}], "tags": {},
            "request_time": "2026-01-01T00:00:00.5Z", "execution_duration": "1.5s"}));
        let here = ordered(&json!({"request_time": "2026-01-01T00:00:00.500Z", "execution_duration": "1.500s",
            "a": {"x": "y", "more": 2}, "b": 1, "list": [{"k": 1, "l": 2}], "c": 3}));
        assert_eq!(there.to_string(), said(&there, &here).to_string());
        let other = ordered(&json!({"a": {"x": "z"}, "b": 1}));
        assert_ne!(there.to_string(), said(&there, &other).to_string());
    }

    #[test]
    fn a_label_stands_for_what_was_taken_out_and_for_nothing_else() {
        let there = json!({"inputs": ["my key is sk-1, or sk-2.", "ann@x.org"], "n": 1, "label": "[SECRET]"});
        let here = json!({"inputs": ["my key is [SECRET], or [SECRET].", "[EMAIL]"], "n": 1, "label": "[SECRET]"});
        assert_eq!(masked(&there, &here), here);
        for (text, shown) in [
            ("my key is sk-1", "your key is [SECRET]"),
            ("my key is sk-1 now", "my key is [SECRET"),
            ("a sk-1 b", "a [SECRET] c"),
            ("a sk-1 b", "x"),
            ("a", "[1]"),
        ] {
            let (there, here) = (json!({"x": text}), json!({"x": shown}));
            assert_eq!(masked(&there, &here), there, "{text} {shown}");
        }
    }
}
