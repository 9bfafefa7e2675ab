//! A span's attributes as one JSON object that `sqlite3` can look into, without changing a value's text.
//!
//! A value that is not JSON by itself is kept as `{"weir:text": "<the text>"}`; so is one that looks like that.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use weir_core::span::Attributes;

const MARK: &str = "{\"weir:text\":";

/// The object; `None` without attributes.
pub(super) fn encode(attributes: &Attributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut out = String::from("{");
    for (n, (name, value)) in attributes.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push_str(&quoted(name));
        out.push(':');
        let plain =
            !value.starts_with(MARK) && serde_json::from_str::<&RawValue>(value).is_ok_and(|v| v.get() == value);
        if plain {
            out.push_str(value);
        } else {
            out.push_str(MARK);
            out.push_str(&quoted(value));
            out.push('}');
        }
    }
    out.push('}');
    Some(out)
}

/// The inverse of [`encode`].
pub(super) fn decode(object: &str) -> Attributes {
    let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(object) else {
        return Attributes::new();
    };
    members.into_iter().map(|(name, value)| (name, text_of(value.get()))).collect()
}

/// The text of one attribute, without decoding the others.
pub(super) fn text_of(raw: &str) -> String {
    raw.strip_prefix(MARK)
        .and_then(|rest| rest.strip_suffix('}'))
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_else(|| raw.to_owned())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_survives(attributes in proptest::collection::btree_map(".{0,8}", ".{0,20}", 0..5)) {
            prop_assert_eq!(decode(&encode(&attributes).unwrap_or("{}".into())), attributes);
        }
    }

    #[test]
    fn json_stays_as_it_is_written() {
        let attributes: Attributes = [
            ("a", "1.00"),
            ("b", "12345678901234567890123"),
            ("c", "{\"x\": [1, 2]}"),
            ("d", " 1"),
            ("e", "NaN"),
            ("f", "{\"weir:text\":\"x\"}"),
            ("g\"", "\"ü\\u00e9\""),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
        let json = encode(&attributes).unwrap();
        assert!(json.starts_with(r#"{"a":1.00,"b":12345678901234567890123,"c":{"x": [1, 2]},"#), "{json}");
        assert_eq!(decode(&json), attributes);
    }
}
