//! What a parser says of JSON that it cannot read, fit for whoever sent it.
//!
//! Invariants: no text of the request is repeated, because a key may be in it; no type of the program is named.

use std::sync::LazyLock;

use crate::redact::{RedactOptions, Redactor};

/// What the parser expected, in its words and in those of a user.
const EXPECTED: [(&str, &str); 12] = [
    ("a sequence", "a list"),
    ("a map", "an object"),
    ("map", "an object"),
    ("i64", "a whole number"),
    ("i32", "a whole number"),
    ("u64", "a whole number from 0 up"),
    ("usize", "a whole number from 0 up"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u16", "a whole number from 0 to 65535"),
    ("u8", "a whole number from 0 to 255"),
    ("f64", "a number"),
    ("f32", "a number"),
];

/// What was met that is named in another way than its JSON is.
const MET: [(&str, &str); 4] = [("map", "object"), ("sequence", "list"), ("unit", "null"), ("character", "text")];

/// What was wrong and at which line and column, without the text that was met.
#[must_use]
pub fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let (what, place) = match message.strip_suffix(&place) {
        Some(what) => (what, place.as_str()),
        None => (message.as_str(), ""),
    };
    shown(&format!("{}{place}", without_value(what)))
}

/// A text of a request that an answer must name, such as a member: keys in it are replaced.
#[must_use]
pub fn shown(text: &str) -> String {
    static SECRETS: LazyLock<Option<Redactor>> =
        LazyLock::new(|| Redactor::new(&RedactOptions { secrets: true, ..RedactOptions::default() }).ok());
    SECRETS.as_ref().map_or_else(String::new, |secrets| secrets.text(text).into_owned())
}

/// A message of serde's with the kind of what was met in place of its text. Numbers, truth values and unknown members
/// stay: they tell what to change.
fn without_value(message: &str) -> String {
    // What was expected is the program's own text, so the last sign is the right one, whatever the value holds.
    let Some((met, wanted)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let wanted = expected(wanted);
    if met.starts_with("unknown variant ") {
        return format!("unknown word, expected {wanted}");
    }
    let Some((what, value)) = ["invalid type: ", "invalid value: "].iter().find_map(|start| {
        let value = met.strip_prefix(start)?;
        Some((*start, value))
    }) else {
        return format!("{met}, expected {wanted}");
    };
    let is_number = ["integer `", "floating point `", "boolean `"].iter().any(|kind| value.starts_with(kind));
    let kind = value.split(['"', '`']).next().unwrap_or_default().trim_end();
    let kind = MET.iter().find(|(word, _)| *word == kind).map_or(kind, |(_, plain)| plain);
    format!("{what}{}, expected {wanted}", if is_number { value } else { kind })
}

/// What was expected, without a type of the program.
fn expected(wanted: &str) -> &str {
    if ["struct ", "tuple struct ", "internally tagged enum "].iter().any(|kind| wanted.starts_with(kind)) {
        return "an object";
    }
    EXPECTED.iter().find(|(word, _)| *word == wanted).map_or(wanted, |(_, plain)| plain)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Order {
        count: Option<u16>,
        name: Option<String>,
        size: Option<Size>,
        parts: Option<Vec<Order>>,
    }

    #[derive(Debug, Deserialize)]
    enum Size {
        Small,
        Large,
    }

    fn refused(json: &str) -> String {
        reason(&serde_json::from_str::<Order>(json).unwrap_err())
    }

    #[test]
    fn values_are_not_repeated_and_types_not_named() {
        for (json, said) in [
            (r#"{"count":"sk, expected x"}"#, "invalid type: string, expected a whole number from 0 to 65535"),
            (r#"{"count":70000}"#, "invalid value: integer `70000`, expected a whole number from 0 to 65535"),
            (r#"{"name":{}}"#, "invalid type: object, expected a string"),
            (r#"{"name":true}"#, "invalid type: boolean `true`, expected a string"),
            (r#"{"size":"my `, expected key"}"#, "unknown word, expected `Small` or `Large`"),
            (r#"{"parts":"x\"y"}"#, "invalid type: string, expected a list"),
            (r#"{"parts":["x"]}"#, "invalid type: string, expected an object"),
            (r#"{"parts":[null]}"#, "invalid type: null, expected an object"),
            (r#"{"nmae":"x"}"#, "unknown field `nmae`, expected one of `count`, `name`, `size`, `parts`"),
        ] {
            let got = refused(json);
            assert!(got.starts_with(&format!("{said} at line 1 column ")), "{got}");
        }
        assert_eq!(refused("spans"), "expected value at line 1 column 1");
        let member = refused(r#"{"sk-proj-Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7Ie2":1}"#);
        assert!(member.starts_with("unknown field `[SECRET]`"), "{member}");
    }
}
