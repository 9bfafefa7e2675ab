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
}
