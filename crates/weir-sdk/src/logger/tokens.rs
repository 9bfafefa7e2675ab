//! Tokens of a call whose provider reported none.

use serde_json::Value;
use weir_core::span::{Span, TokenSource};
use weir_core::token::{TokenCounts, count_messages, count_text};

/// Longest text that is counted.
const MAX_TEXT: usize = 4 << 20;

/// Counts what is marked as to be counted.
pub(super) fn count_missing(span: &mut Span) {
    let marked = matches!(span.token_source, Some(TokenSource::Estimated | TokenSource::Partial));
    if span.tokens.is_some() || !marked {
        return;
    }
    let model = span.response_model.as_deref().or(span.model.as_deref()).unwrap_or_default();
    let (input, output) = (span.input.as_deref().unwrap_or_default(), span.output.as_deref().unwrap_or_default());
    if input.len() > MAX_TEXT || output.len() > MAX_TEXT {
        return;
    }
    let prompt = match serde_json::from_str::<Value>(input) {
        Ok(Value::Object(request)) if request.contains_key("messages") => {
            count_messages(model, &request.get("messages").unwrap_or(&Value::Null).to_string()).tokens
        }
        _ => count_text(model, input).tokens,
    };
    span.tokens = Some(TokenCounts::of(prompt, count_text(model, &said(output)).tokens));
}

/// The texts of an answer.
fn said(output: &str) -> String {
    let Ok(Value::Object(answer)) = serde_json::from_str::<Value>(output) else { return output.to_owned() };
    let choices = answer.get("choices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    choices.iter().filter_map(|choice| choice.get("message")?.get("content")?.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_usage_is_counted_and_one_with_usage_is_not() {
        let mut span = Span {
            model: Some("gpt-4o".into()),
            token_source: Some(TokenSource::Estimated),
            input: Some(r#"{"model":"gpt-4o","messages":[{"role":"user","content":"Good day"}]}"#.into()),
            output: Some(r#"{"choices":[{"message":{"content":"Good day"}}]}"#.into()),
            ..Span::default()
        };
        count_missing(&mut span);
        assert_eq!(span.tokens.map(|t| t.completion), Some(2));
        assert!(span.tokens.is_some_and(|t| t.prompt > 2));
        let said = Some(TokenCounts::of(1, 1));
        span.tokens = said;
        count_missing(&mut span);
        assert_eq!(span.tokens, said);
    }
}
