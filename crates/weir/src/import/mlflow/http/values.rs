//! Members of the server's JSON: what is not set is not sent, whole numbers may be texts, NaN is one.

use serde_json::Value;

/// A text, empty where there is none.
pub(super) fn text(of: &Value, name: &str) -> String {
    match &of[name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A text, if it is set.
pub(super) fn maybe(of: &Value, name: &str) -> Option<String> {
    of[name].as_str().map(str::to_owned)
}

/// A whole number, 0 where there is none.
pub(super) fn int(of: &Value, name: &str) -> i64 {
    maybe_int(of, name).unwrap_or_default()
}

/// A whole number, if it is set.
pub(super) fn maybe_int(of: &Value, name: &str) -> Option<i64> {
    let value = &of[name];
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A number of a metric: infinities are the greatest ones.
pub(super) fn number(of: &Value, name: &str) -> f64 {
    let value = &of[name];
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default();
    number.clamp(f64::MIN, f64::MAX)
}

/// The things of a list, taken out.
pub(super) fn list(of: &mut Value, name: &str) -> Vec<Value> {
    match of.get_mut(name).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// Keys and values of a list of them.
pub(super) fn pairs(of: &Value) -> Vec<(String, String)> {
    of.as_array().into_iter().flatten().map(|pair| (text(pair, "key"), text(pair, "value"))).collect()
}

/// The token of the next page, unless it is the one that was sent.
pub(super) fn token(of: &Value, sent: &str) -> Option<String> {
    maybe(of, "next_page_token").filter(|token| !token.is_empty() && token != sent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_read_in_every_form() {
        let of = json!({"a": 1, "b": "2", "nan": "NaN", "x": 1.5, "inf": "-Infinity"});
        assert_eq!((int(&of, "a"), int(&of, "b"), int(&of, "c"), maybe_int(&of, "c")), (1, 2, 0, None));
        assert!(number(&of, "nan").is_nan());
        assert_eq!((number(&of, "x"), number(&of, "inf"), number(&of, "none")), (1.5, f64::MIN, 0.0));
        assert_eq!((token(&json!({"next_page_token": "a"}), "a"), token(&of, "")), (None, None));
    }
}
