//! How a span failed: the class under which it is counted, from the words of many libraries.

use crate::otlp::wire::{AnyValue, Event};

/// The classes of the metrics page.
const CLASSES: &[&str] = &[
    "timeout",
    "connection",
    "http_4xx",
    "http_5xx",
    "context_length",
    "content_filter",
    "auth",
    "invalid_request",
    "budget",
    "other",
];

/// Parts of a library's word for a failure, and the class; the first that is found.
const WORDS: &[(&str, &str)] = &[
    ("contextlength", "context_length"),
    ("contextwindow", "context_length"),
    ("contentfilter", "content_filter"),
    ("contentpolicy", "content_filter"),
    ("timeout", "timeout"),
    ("timedout", "timeout"),
    ("deadlineexceeded", "timeout"),
    ("ratelimit", "http_4xx"),
    ("throttl", "http_4xx"),
    ("toomanyrequests", "http_4xx"),
    ("insufficientquota", "budget"),
    ("budget", "budget"),
    ("authentication", "auth"),
    ("unauthorized", "auth"),
    ("unauthenticated", "auth"),
    ("permission", "auth"),
    ("forbidden", "auth"),
    ("notfound", "invalid_request"),
    ("badrequest", "invalid_request"),
    ("unprocessable", "invalid_request"),
    ("invalidrequest", "invalid_request"),
    ("invalidargument", "invalid_request"),
    ("apiconnection", "connection"),
    ("connectionerror", "connection"),
    ("connectionrefused", "connection"),
    ("connectionreset", "connection"),
    ("connecterror", "connection"),
    ("internalserver", "http_5xx"),
    ("serviceunavailable", "http_5xx"),
    ("overloaded", "http_5xx"),
];

/// Characters of a word or message that are looked at.
const MAX_LOOKED_AT: usize = 512;

/// How a traceback of Python begins.
const TRACEBACK: &str = "Traceback (most recent call last)";

/// The last exception of a span: its type and its message.
pub(super) fn exception(events: &[Event]) -> Option<(&str, &str)> {
    let event = events.iter().rfind(|event| event.name == "exception")?;
    let text = |name: &str| {
        event
            .attributes
            .iter()
            .find(|(held, _)| held == name)
            .and_then(|(_, value)| value.as_text())
            .unwrap_or_default()
    };
    let message = text("exception.message");
    // LangSmith puts the traceback behind the message.
    Some((text("exception.type"), message.split("\n\nTraceback").next().unwrap_or(message)))
}

/// The message of a failure: what was stated, else what was thrown. LangChain states the whole traceback behind the message,
/// which the exception has alone.
pub(super) fn message<'a>(stated: [&'a str; 2], thrown: &'a str) -> Option<&'a str> {
    let is_clean = |text: &&str| !text.is_empty() && !text.contains(TRACEBACK);
    if let Some(text) = stated.into_iter().find(is_clean) {
        return Some(text);
    }
    if !thrown.is_empty() {
        return Some(thrown);
    }
    let text = stated.into_iter().find(|text| !text.is_empty())?;
    let before = text.split(TRACEBACK).next().unwrap_or_default().trim_end();
    // With nothing before it, its last line is the exception.
    Some(if before.is_empty() { text.trim_end().lines().next_back().unwrap_or(text) } else { before })
}

/// The class of a failure by what is known of it: a word, the HTTP status, a message.
pub(super) fn class(word: &str, status: Option<u16>, message: &str) -> &'static str {
    if let Some(class) = CLASSES.iter().find(|class| **class == word) {
        return class;
    }
    if message.contains("context_length_exceeded") {
        return "context_length";
    }
    if message.contains("content_filter") {
        return "content_filter";
    }
    let status = status.filter(|status| *status >= 400).or_else(|| word.parse().ok()).or_else(|| stated(message));
    if let Some(class) = status.and_then(of_status) {
        return class;
    }
    let found = |text: &str| {
        let letters = text.chars().take(MAX_LOOKED_AT).filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase());
        let squeezed: String = letters.collect();
        WORDS.iter().find(|(part, _)| squeezed.contains(part)).map(|(_, class)| *class)
    };
    found(word).or_else(|| found(message)).unwrap_or("other")
}

fn of_status(status: u16) -> Option<&'static str> {
    Some(match status {
        401 | 403 => "auth",
        400 | 404 | 413 | 422 => "invalid_request",
        408 | 504 => "timeout",
        402 => "budget",
        400..=499 => "http_4xx",
        500..=599 => "http_5xx",
        _ => return None,
    })
}

/// The status in the messages of OpenAI's and Anthropic's Python SDKs: `Error code: 429 - ...`.
fn stated(message: &str) -> Option<u16> {
    let (_, rest) = message.split_once("Error code: ")?;
    rest.get(..3)?.parse().ok()
}

/// The text of an attribute, for whoever holds the foreign word.
pub(super) fn word(value: Option<&AnyValue>) -> &str {
    value.and_then(AnyValue::as_text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_libraries_have_a_class() {
        for (word, status, message, expected) in [
            ("openai.RateLimitError", None, "Error code: 429 - {'error': ...}", "http_4xx"),
            ("RateLimitError", None, "", "http_4xx"),
            ("AuthenticationError", None, "", "auth"),
            ("openai.InternalServerError", None, "Error code: 500 - x", "http_5xx"),
            ("langchain_openai.chat_models.base.OpenAIRateLimitError", None, "", "http_4xx"),
            ("openai.APITimeoutError", None, "Request timed out.", "timeout"),
            ("openai.APIConnectionError", None, "Connection error.", "connection"),
            ("AI_APICallError", Some(429), "", "http_4xx"),
            ("AI_APICallError", None, "Rate limit reached for requests.", "http_4xx"),
            ("BadRequestError", None, "Error code: 400 - {'code': 'context_length_exceeded'}", "context_length"),
            ("503", None, "", "http_5xx"),
            ("budget", None, "", "budget"),
            ("ValueError", None, "not JSON", "other"),
            ("", Some(200), "Error code: é", "other"),
        ] {
            assert_eq!(class(word, status, message), expected, "{word} {message}");
        }
    }

    #[test]
    fn a_message_is_without_its_traceback() {
        let traced =
            "ValueError('no clock')Traceback (most recent call last):\n  File \"a.py\"\n\nValueError: no clock\n";
        let bare = "Traceback (most recent call last):\n  File \"a.py\"\n\nValueError: no clock\n";
        for (stated, thrown, expected) in [
            (["no clock", ""], "thrown", Some("no clock")),
            (["", "said"], "thrown", Some("said")),
            (["", ""], "thrown", Some("thrown")),
            ([traced, ""], "no clock", Some("no clock")),
            ([traced, "said"], "no clock", Some("said")),
            ([traced, ""], "", Some("ValueError('no clock')")),
            ([bare, ""], "", Some("ValueError: no clock")),
            (["", ""], "", None),
        ] {
            assert_eq!(message(stated, thrown), expected);
        }
    }
}
