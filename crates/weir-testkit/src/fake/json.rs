//! Small pieces of JSON written as text: the hot answers are not built as trees.

/// Unknown members whose exact bytes a proxy must not change: an integer above 2^53, a decimal fraction,
/// members out of alphabetical order, escapes.
pub(crate) const BIGINT: &str = r#""x_vendor":{"z":9007199254740993,"a":0.1,"m":"\u00e9\u4e2d\ud83d\ude00\/","e":1.0E+2,"n":[1.10,-0.0,18446744073709551615]}"#;

/// Appends `text` as a JSON string.
pub(crate) fn push_str(out: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&string(text));
    }
}

/// `text` as a JSON string.
pub(crate) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Puts `members` (`"a":1,"b":2`) at the end of the JSON object `object`.
pub(crate) fn splice(object: &str, members: &str) -> String {
    let open = object.strip_suffix('}').unwrap_or(object);
    let comma = if open.ends_with('{') { "" } else { "," };
    format!("{open}{comma}{members}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_when_needed() {
        for text in ["plain", "", "q\"b\\n\n\u{1}", "水🌊"] {
            let mut out = String::new();
            push_str(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn members_are_spliced_in() {
        assert_eq!(splice("{}", "\"a\":1"), r#"{"a":1}"#);
        let spliced = splice(r#"{"b":{}}"#, BIGINT);
        let value: serde_json::Value = serde_json::from_str(&spliced).unwrap();
        assert_eq!(value["x_vendor"]["z"].as_u64(), Some(9_007_199_254_740_993));
        assert_eq!(value["x_vendor"]["m"], "é中😀/");
    }
}
