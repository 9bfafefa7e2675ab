//! One line of a batch's input: `{"custom_id", "method", "url", "body"}`. Pure.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_store::catalog::BatchProblem;

use crate::exchange::envelope::Envelope;

/// Longest `custom_id`, bytes.
const MAX_CUSTOM_ID: usize = 512;

/// A request of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The caller's name for it.
    pub custom_id: String,
    /// The request's body, as sent.
    pub body: &'a str,
    /// The model that it names.
    pub model: Option<String>,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    custom_id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// Reads a line of a batch for `endpoint`.
///
/// # Errors
/// What is wrong with it, in OpenAI's codes; the line's number is still to be filled in.
pub(super) fn parse<'a>(text: &'a [u8], endpoint: &str) -> Result<Line<'a>, BatchProblem> {
    let members: Members<'a> = serde_json::from_slice(text)
        .map_err(|e| problem("invalid_json_line", None, format!("the line is not a JSON object: {e}")))?;
    let custom_id = required(members.custom_id, "custom_id")?;
    if custom_id.is_empty() || custom_id.len() > MAX_CUSTOM_ID {
        let message = format!("\"custom_id\" must have 1 to {MAX_CUSTOM_ID} bytes");
        return Err(problem("invalid_custom_id", Some("custom_id"), message));
    }
    let method = required(members.method, "method")?;
    if method != "POST" {
        let message = format!("\"method\" is {method:?}; only \"POST\" is possible");
        return Err(problem("invalid_method", Some("method"), message));
    }
    let url = required(members.url, "url")?;
    if url != endpoint {
        let message = format!("\"url\" is {url:?}, but the batch is for {endpoint:?}; all its lines must name that");
        return Err(problem("invalid_url", Some("url"), message));
    }
    let Some(body) = members.body.map(RawValue::get) else { return Err(missing("body")) };
    let wrong = |message: String, param: &str| problem("invalid_request", Some(param), message);
    let envelope = Envelope::parse(body.as_bytes()).map_err(|e| wrong(format!("\"body\": {e}"), "body"))?;
    if envelope.get("stream").is_some_and(|stream| stream != "false") {
        return Err(wrong("requests of a batch cannot be streamed; leave \"stream\" out".to_owned(), "body.stream"));
    }
    // A model of another type is refused when the request is made.
    let model = envelope.read::<String>("model", "a string").unwrap_or_default();
    Ok(Line { custom_id, body, model })
}

fn required(value: Option<&RawValue>, name: &str) -> Result<String, BatchProblem> {
    let value = value.ok_or_else(|| missing(name))?;
    serde_json::from_str(value.get())
        .map_err(|_| problem("invalid_type", Some(name), format!("{name:?} must be a string")))
}

fn missing(name: &str) -> BatchProblem {
    problem("missing_required_parameter", Some(name), format!("{name:?} is missing"))
}

/// Something that is wrong, at no line yet.
pub(super) fn problem(code: &str, param: Option<&str>, message: String) -> BatchProblem {
    BatchProblem { code: code.to_owned(), line: None, message, param: param.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = "/v1/chat/completions";

    fn wrong(text: &str) -> (String, Option<String>) {
        let problem = parse(text.as_bytes(), CHAT).unwrap_err();
        (problem.code, problem.param)
    }

    #[test]
    fn a_line_is_read_and_its_body_left_as_it_is() {
        let text =
            r#"{"custom_id":"a\n1","method":"POST","url":"/v1/chat/completions","body":{"model": "m", "x":1e5}}"#;
        let line = parse(text.as_bytes(), CHAT).unwrap();
        assert_eq!(line.custom_id, "a\n1");
        assert_eq!(line.body, r#"{"model": "m", "x":1e5}"#);
        assert_eq!(line.model.as_deref(), Some("m"));
    }

    #[test]
    fn each_mistake_has_its_code() {
        let is = |text: &str, code: &str, param: Option<&str>| {
            assert_eq!(wrong(text), (code.to_owned(), param.map(str::to_owned)), "{text}");
        };
        is("{", "invalid_json_line", None);
        is("[]", "invalid_json_line", None);
        is("{}", "missing_required_parameter", Some("custom_id"));
        is(r#"{"custom_id":null}"#, "missing_required_parameter", Some("custom_id"));
        is(r#"{"custom_id":7}"#, "invalid_type", Some("custom_id"));
        is(r#"{"custom_id":""}"#, "invalid_custom_id", Some("custom_id"));
        is(r#"{"custom_id":"a"}"#, "missing_required_parameter", Some("method"));
        is(r#"{"custom_id":"a","method":"GET"}"#, "invalid_method", Some("method"));
        is(r#"{"custom_id":"a","method":"POST","url":"/v1/embeddings"}"#, "invalid_url", Some("url"));
        let with = |body: &str| format!(r#"{{"custom_id":"a","method":"POST","url":"{CHAT}"{body}}}"#);
        is(&with(""), "missing_required_parameter", Some("body"));
        is(&with(r#","body":[]"#), "invalid_request", Some("body"));
        is(&with(r#","body":{"stream":true}"#), "invalid_request", Some("body.stream"));
        assert!(parse(with(r#","body":{"stream":false}"#).as_bytes(), CHAT).is_ok());
    }
}
