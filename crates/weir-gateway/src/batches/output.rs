//! The lines of a batch's answers and failures, in OpenAI's form, and what is read back of them after a restart. Pure.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weir_core::id::TraceId;
use weir_core::token::{TokenCounts, usage};

#[derive(Serialize)]
struct OutputLine<'a> {
    id: &'a str,
    custom_id: &'a str,
    response: Option<Answer<'a>>,
    error: Option<NotMade<'a>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    status_code: u16,
    request_id: &'a str,
    body: &'a RawValue,
}

#[derive(Serialize)]
struct NotMade<'a> {
    code: &'a str,
    message: &'a str,
}

/// An id for one request of a batch: of its line in the output, and of its recorded call.
pub(super) fn request_id() -> String {
    format!("batch_req_{}", TraceId::new())
}

/// The line of a request that was answered.
pub(super) fn answered(id: &str, custom_id: &str, status_code: u16, request_id: &str, body: &[u8]) -> Vec<u8> {
    let text = one_line(body);
    let quoted;
    let body = match serde_json::from_str::<&RawValue>(&text) {
        Ok(json) => json,
        Err(_) => {
            quoted = serde_json::value::to_raw_value(&text).unwrap_or_default();
            &*quoted
        }
    };
    line(&OutputLine { id, custom_id, response: Some(Answer { status_code, request_id, body }), error: None })
}

/// The line of a request that was never made.
pub(super) fn not_made(custom_id: &str, code: &str, message: &str) -> Vec<u8> {
    line(&OutputLine { id: &request_id(), custom_id, response: None, error: Some(NotMade { code, message }) })
}

fn line(line: &OutputLine<'_>) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// A body as text without line ends. In JSON they stand only between members, where a space does the same.
fn one_line(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body);
    match text.contains(['\n', '\r']) {
        true => Cow::Owned(text.replace(['\n', '\r'], " ")),
        false => text,
    }
}

/// The tokens that an answer says it used.
pub(super) fn tokens(body: &[u8]) -> TokenCounts {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        usage: Option<&'a RawValue>,
    }
    let usage = serde_json::from_slice::<Body<'_>>(body).ok().and_then(|body| body.usage);
    usage.and_then(|raw| usage::from_any(raw.get().as_bytes())).unwrap_or_default()
}

/// What a written line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The caller's name of the request.
    pub custom_id: String,
    /// Tokens of its answer.
    pub tokens: TokenCounts,
    /// Whether the request was made.
    pub made: bool,
}

/// Reads a line that was written before; `None` when it is none.
pub(super) fn read_back(line: &[u8]) -> Option<Written> {
    #[derive(Deserialize)]
    struct Line<'a> {
        custom_id: String,
        #[serde(borrow)]
        response: Option<Response<'a>>,
    }
    #[derive(Deserialize)]
    struct Response<'a> {
        #[serde(borrow)]
        body: &'a RawValue,
    }
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let tokens = line.response.as_ref().map(|r| tokens(r.body.get().as_bytes())).unwrap_or_default();
    Some(Written { custom_id: line.custom_id, tokens, made: line.response.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_stands_on_one_line_as_it_came() {
        let body = b"{\n \"x\": \"a\\nb\",\r\n \"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": 2}}";
        let line = String::from_utf8(answered("batch_req_1", "c\"1", 200, "r1", body)).unwrap();
        assert_eq!(
            line,
            "{\"id\":\"batch_req_1\",\"custom_id\":\"c\\\"1\",\"response\":{\"status_code\":200,\"request_id\":\"r1\",\"body\":\
             {  \"x\": \"a\\nb\",   \"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": 2}}},\"error\":null}\n"
        );
        let read = read_back(line.trim_end().as_bytes()).unwrap();
        assert_eq!(read, Written { custom_id: "c\"1".into(), tokens: TokenCounts::of(3, 2), made: true });
    }

    #[test]
    fn what_is_no_json_is_a_string_and_what_was_not_made_says_why() {
        let line = answered("i", "c", 502, "r", b"<html>\xff\n");
        assert!(String::from_utf8(line).unwrap().contains("\"body\":\"<html>\u{fffd} \"}"));
        let line = String::from_utf8(not_made("c", "batch_cancelled", "it was cancelled")).unwrap();
        assert!(
            line.contains(r#""custom_id":"c","response":null,"error":{"code":"batch_cancelled","message":"#),
            "{line}"
        );
        assert!(!read_back(line.as_bytes()).unwrap().made);
        assert_eq!(read_back(&line.as_bytes()[..20]), None);
    }
}
