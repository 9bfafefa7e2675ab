//! Why a body cannot be read: what was wrong, and where.

use serde::Deserialize;
use weir_core::unread::reason;

/// Of JSON: the path of the member, and what was wrong with it.
pub(super) fn json<'a, T: Deserialize<'a>>(body: &'a [u8], error: &serde_json::Error) -> String {
    if error.is_data() {
        // Once more, to learn where: to follow the path costs time, which those that are right need not spend.
        let traced = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(body));
        if let Err(traced) = traced
            && traced.path().iter().len() > 0
        {
            return format!("{}: {}", traced.path(), reason(traced.inner()));
        }
    }
    format!("the body is no OTLP JSON: {}", reason(error))
}

/// Of protobuf; what the decoder says names messages and fields, no values.
#[expect(clippy::needless_pass_by_value, reason = "used as the function of map_err")]
pub(super) fn protobuf(error: prost::DecodeError) -> String {
    format!("the body is no OTLP protobuf message: {error}")
}

#[cfg(test)]
mod tests {
    use crate::otlp::decode::{Encoding, traces};

    #[test]
    fn a_refusal_names_the_member_and_not_its_value() {
        let refused = |span: &str| {
            let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{}},{span}]}}]}}]}}"#);
            traces(body.as_bytes(), Encoding::Json).unwrap_err()
        };
        let span = "resourceSpans[0].scopeSpans[0].spans[1]";
        for (wrong, place, said) in [
            (
                r#"{"startTimeUnixNano":"sk-1"}"#,
                ".startTimeUnixNano",
                "invalid value: string, expected a whole number, or",
            ),
            (r#"{"attributes":[{"value":"x"}]}"#, ".attributes[0].value", "invalid type: string, expected an object"),
            (
                r#"{"attributes":[{"value":{"doubleValue":1,"boolValue":"x"}}]}"#,
                ".attributes[0].value.boolValue",
                "invalid",
            ),
            (r#"{"events":{}}"#, ".events", "invalid type: object, expected a list"),
            ("[]", "", "invalid length 0, expected an object"),
        ] {
            let message = refused(wrong);
            assert!(message.starts_with(&format!("{span}{place}: {said}")), "{message}");
        }
        let broken = traces(b"{\"resourceSpans\":[{]}", Encoding::Json).unwrap_err();
        assert_eq!(broken, "the body is no OTLP JSON: key must be a string at line 1 column 20");
    }
}
