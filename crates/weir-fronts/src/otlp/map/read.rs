//! Attribute values as what a field wants: instrumentations send the same thing as a number, a text, a JSON text, or the
//! only member of a list.

use std::borrow::Cow;

use serde_json::Value;

use super::super::wire::AnyValue;

/// A text, without the quotes of a JSON string; a number or truth value as it prints; of a list the first that is one.
pub(super) fn text(value: &AnyValue) -> Option<String> {
    match value {
        AnyValue::Text(text) => Some(unquoted(text)?.into_owned()),
        AnyValue::Bool(value) => Some(value.to_string()),
        AnyValue::Int(value) => Some(value.to_string()),
        AnyValue::Double(value) if value.is_finite() => Some(value.to_string()),
        AnyValue::List(items) => items.iter().find_map(text),
        _ => None,
    }
}

/// A count: a whole number that is not negative.
pub(super) fn count(value: &AnyValue) -> Option<u64> {
    match value {
        AnyValue::Int(value) => u64::try_from(*value).ok(),
        AnyValue::Double(value) if *value >= 0.0 && *value < 1e18 => Some(value.round() as u64),
        AnyValue::Text(text) => unquoted(text)?.parse().ok(),
        _ => None,
    }
}

/// A number.
pub(super) fn number(value: &AnyValue) -> Option<f64> {
    let number = match value {
        AnyValue::Int(value) => *value as f64,
        AnyValue::Double(value) => *value,
        AnyValue::Text(text) => unquoted(text)?.parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// True or false.
pub(super) fn flag(value: &AnyValue) -> Option<bool> {
    match value {
        AnyValue::Bool(value) => Some(*value),
        AnyValue::Int(0) => Some(false),
        AnyValue::Int(1) => Some(true),
        AnyValue::Text(text) => match unquoted(text)?.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A list of texts: a list, a JSON list, or one text with commas.
pub(super) fn texts(value: &AnyValue) -> Option<Vec<String>> {
    let list: Vec<String> = match value {
        AnyValue::List(items) => items.iter().filter_map(text).collect(),
        AnyValue::Text(text) => match serde_json::from_str::<Vec<String>>(text) {
            Ok(list) => list,
            Err(_) => unquoted(text)?.split(',').map(|tag| tag.trim().to_owned()).collect(),
        },
        _ => return None,
    };
    let list: Vec<_> = list.into_iter().filter(|text| !text.is_empty()).collect();
    (!list.is_empty()).then_some(list)
}

/// A JSON value as an attribute's.
pub(super) fn of_json(value: &Value) -> AnyValue {
    match value {
        Value::Null => AnyValue::Empty,
        Value::Bool(value) => AnyValue::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(int) => AnyValue::Int(int),
            None => AnyValue::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => AnyValue::Text(text.clone()),
        Value::Array(items) => AnyValue::List(items.iter().map(of_json).collect()),
        Value::Object(members) => {
            AnyValue::Map(members.iter().map(|(name, value)| (name.clone(), of_json(value))).collect())
        }
    }
}

/// An attribute's value as JSON; for what Weir makes of it, not for what must come back as it was.
pub(super) fn to_json(value: &AnyValue) -> Value {
    match value {
        AnyValue::Text(text) => Value::String(text.clone()),
        other => serde_json::from_str(&other.to_json()).unwrap_or_default(),
    }
}

/// A text without surrounding space and, where it is a JSON string, without its quotes; nothing where that is empty.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let inner = (text.len() > 1 && text.starts_with('"') && text.ends_with('"'))
        .then(|| serde_json::from_str::<String>(text).ok())
        .flatten();
    match inner {
        Some(inner) => (!inner.is_empty()).then_some(Cow::Owned(inner)),
        None => (!text.is_empty()).then_some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_in_other_clothes() {
        let of = |json: &str| AnyValue::from_json(json).unwrap();
        assert_eq!(text(&of(r#""\"gpt-4o\"""#)).as_deref(), Some("gpt-4o"));
        assert_eq!(text(&of(r#"["stop"]"#)).as_deref(), Some("stop"));
        assert_eq!(text(&of("3.0")).as_deref(), Some("3"));
        assert_eq!(text(&of(r#""  ""#)), None);
        assert_eq!(count(&of("12")).zip(count(&of("12.0"))).zip(count(&of(r#""12""#))), Some(((12, 12), 12)));
        assert_eq!(count(&of("-1")), None);
        assert_eq!(number(&of(r#""Infinity""#)), None);
        assert_eq!(number(&of(r#""0.2""#)), Some(0.2));
        assert_eq!(flag(&of(r#""false""#)), Some(false));
        assert_eq!(texts(&of(r#""production, geography""#)).unwrap(), ["production", "geography"]);
        assert_eq!(texts(&of(r#""[\"a\",\"b\"]""#)).unwrap(), ["a", "b"]);
        assert_eq!(texts(&of(r#"["a"]"#)).unwrap(), ["a"]);
    }
}
