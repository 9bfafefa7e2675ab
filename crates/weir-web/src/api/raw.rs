//! Recorded text as JSON values that keep their digits and key order.

use serde_json::value::RawValue;

/// A payload: the JSON that it is, or its text as a JSON string. Bare numbers and words are text, not JSON: an answer
/// of `42` stays a text.
pub(super) fn payload(text: &str) -> Option<Box<RawValue>> {
    if text.trim_start().starts_with(['{', '[', '"']) { json(text) } else { string(text) }
}

/// A value that is kept as JSON text; what is not JSON becomes a string.
pub(super) fn json(text: &str) -> Option<Box<RawValue>> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get().contains(['\n', '\r']) => RawValue::from_string(on_one_line(raw.get())).ok(),
        Ok(raw) => Some(raw.to_owned()),
        Err(_) => string(text),
    }
}

/// JSON `null`.
pub(super) fn null() -> Option<Box<RawValue>> {
    Some(RawValue::NULL.to_owned())
}

fn string(text: &str) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(text).ok()
}

/// Valid JSON without the space between its tokens, so that it fits a line of JSONL.
fn on_one_line(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        if inside {
            inside = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            inside = c == '"';
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_digits_and_fits_a_line() {
        let raw = |text: &str| payload(text).unwrap().get().to_owned();
        assert_eq!(raw(r#"{"b":1.00,"a":12345678901234567890}"#), r#"{"b":1.00,"a":12345678901234567890}"#);
        assert_eq!(raw("{\n \"a\\\" \\\\\": [1,\r\n 2]}"), r#"{"a\" \\":[1,2]}"#);
        assert_eq!(raw("hello \"you\""), r#""hello \"you\"""#);
        assert_eq!(raw("42"), r#""42""#);
        assert_eq!(raw("{broken"), r#""{broken""#);
    }
}
