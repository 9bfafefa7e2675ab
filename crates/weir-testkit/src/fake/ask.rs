//! What is read of a request: only the members that decide the answer, borrowed from the body.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text;

/// The members of a request that the fake provider looks at, for all endpoints together.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ask<'a> {
    #[serde(borrow, default)]
    pub(crate) model: Cow<'a, str>,
    #[serde(default)]
    pub(crate) stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    pub(crate) n: Option<u32>,
    /// A flag for chat, a number for completions.
    #[serde(default)]
    logprobs: Option<serde_json::Value>,
    #[serde(default)]
    pub(crate) encoding_format: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) dimensions: Option<usize>,
    #[serde(default)]
    messages: Words,
    #[serde(default)]
    system: Words,
    #[serde(default)]
    instructions: Words,
    #[serde(default)]
    prompt: Words,
    #[serde(default)]
    input: Words,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

impl<'a> Ask<'a> {
    /// Reads a request's body.
    ///
    /// # Errors
    /// The parser's own when the body is not JSON or a member has a wrong type.
    pub(crate) fn parse(body: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }

    pub(crate) fn include_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// Number of choices wanted, 1 to 128.
    pub(crate) fn choices(&self) -> u32 {
        self.n.unwrap_or(1).clamp(1, 128)
    }

    pub(crate) fn logprobs(&self) -> bool {
        self.logprobs.as_ref().is_some_and(|wanted| wanted.as_bool() == Some(true) || wanted.is_u64())
    }

    /// Whitespace-separated words of everything the model would read.
    pub(crate) fn words(&self) -> u64 {
        self.messages.0 + self.system.0 + self.instructions.0 + self.prompt.0 + self.input.0
    }
}

/// Counts words of text wherever a prompt may have it, without keeping it: a string, a list of strings,
/// messages (`content`), parts (`text`). Numbers (token ids) count one each.
#[derive(Debug, Default)]
struct Words(u64);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, parts or messages")
    }

    fn visit_str<E>(self, value: &str) -> Result<Words, E> {
        Ok(Words(text::words(value)))
    }

    fn visit_unit<E>(self) -> Result<Words, E> {
        Ok(Words(0))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Words, E> {
        Ok(Words(0))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Words, E> {
        Ok(Words(1))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Words, E> {
        Ok(Words(1))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Words, E> {
        Ok(Words(1))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words, A::Error> {
        let mut sum = 0;
        while let Some(Words(words)) = seq.next_element()? {
            sum += words;
        }
        Ok(Words(sum))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
        let mut sum = 0;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if matches!(&*name, "content" | "text" | "output" | "thinking") {
                sum += map.next_value::<Words>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Words(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_wherever_text_stands() {
        let body = br#"{"model":"m","system":"be brief","messages":[
            {"role":"user","content":"one two  three"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"not counted at all"}]},
            {"role":"user","content":[{"type":"text","text":"four \"five\""},{"type":"image_url","image_url":{"url":"x y"}}]}]}"#;
        assert_eq!(Ask::parse(body).unwrap().words(), 7);
        assert_eq!(Ask::parse(br#"{"input":["a b","c"]}"#).unwrap().words(), 3);
        assert_eq!(Ask::parse(br#"{"prompt":[1,2,3]}"#).unwrap().words(), 3);
    }

    #[test]
    fn the_model_is_borrowed_and_nulls_are_absences() {
        let ask = Ask::parse(br#"{"model":"gpt","n":null,"stream_options":null,"logprobs":true}"#).unwrap();
        assert!(matches!(ask.model, Cow::Borrowed("gpt")));
        assert_eq!((ask.choices(), ask.include_usage(), ask.logprobs()), (1, false, true));
        assert!(Ask::parse(b"{\"model\":").is_err());
    }
}
