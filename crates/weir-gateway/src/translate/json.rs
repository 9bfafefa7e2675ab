//! Reading and writing JSON without printing it again.
//!
//! Objects are read as ordered members whose values stay original text. A *token* here is the text of one JSON value
//! as it stood in the input, without surrounding whitespace; a string token includes its quotes and escapes, so it can
//! be copied into another JSON document as it is.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object as its members in order, values as original text.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(Vec<(Key<'a>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads one object; the error says where the text is not JSON or that it is no object.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// Reads a token as an object; `None` when it is something else.
    pub(crate) fn of(token: &'a str) -> Option<Self> {
        if !token.starts_with('{') {
            return None;
        }
        serde_json::from_str(token).ok()
    }

    /// The token of a member, `None` when absent or `null`. The last of equal names wins, as in most parsers.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().rev().find(|(key, _)| key.0 == name)?;
        Some(value.get()).filter(|token| *token != "null")
    }

    /// The string token of a member that is a string.
    pub(crate) fn string(&self, name: &str) -> Option<&'a str> {
        self.get(name).filter(|token| token.starts_with('"'))
    }

    /// The decoded text of a member that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        decode(self.get(name)?)
    }

    /// A member that is an object.
    pub(crate) fn object(&self, name: &str) -> Option<Members<'a>> {
        Members::of(self.get(name)?)
    }

    /// A member that is an array, as the tokens of its elements.
    pub(crate) fn array(&self, name: &str) -> Option<Vec<&'a RawValue>> {
        elements(self.get(name)?)
    }

    /// A member that is a count; numbers with a fraction are cut, negative ones are 0.
    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        let token = self.get(name)?;
        token.parse().ok().or_else(|| token.parse::<f64>().ok().map(|number| number as u64))
    }

    /// Whether a member is the literal `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Names and tokens in order; `null` values are left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, value)| (key.0.as_ref(), value.get())).filter(|(_, token)| *token != "null")
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(member) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A member's name, borrowed unless it has escapes.
#[derive(Debug)]
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// The elements of an array token; `None` when the token is something else.
pub(crate) fn elements(token: &str) -> Option<Vec<&RawValue>> {
    if !token.starts_with('[') {
        return None;
    }
    serde_json::from_str(token).ok()
}

/// What stands between the quotes of a string token, escapes included.
pub(crate) fn inner(token: &str) -> &str {
    token.get(1..token.len().saturating_sub(1)).unwrap_or("")
}

/// The text that a string token means; `None` for other tokens and for lone surrogates.
pub(crate) fn decode(token: &str) -> Option<Cow<'_, str>> {
    if !token.starts_with('"') {
        return None;
    }
    let inside = inner(token);
    if !inside.contains('\\') {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str::<String>(token).ok().map(Cow::Owned)
}

/// Whether a string token means nothing but whitespace.
pub(crate) fn is_blank(token: &str) -> bool {
    let mut rest = inner(token).chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('n' | 't' | 'r' | 'f') => {}
                Some('u') => return decode(token).is_some_and(|text| text.trim().is_empty()),
                _ => return false,
            },
            c if c.is_whitespace() => {}
            _ => return false,
        }
    }
    true
}

/// Appends a token without the whitespace between its parts.
pub(crate) fn compact(out: &mut Vec<u8>, token: &str) {
    if !token.contains([' ', '\n', '\t', '\r']) {
        out.extend_from_slice(token.as_bytes());
        return;
    }
    let mut in_string = false;
    let mut escaped = false;
    for &byte in token.as_bytes() {
        if in_string {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
            }
        } else if byte == b'"' {
            in_string = true;
        } else if matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
            continue;
        }
        out.push(byte);
    }
}

/// Appends a JSON string whose text is the compact form of a token: what OpenAI calls `arguments`.
pub(crate) fn compact_as_string(out: &mut Vec<u8>, token: &str) {
    let mut text = Vec::with_capacity(token.len());
    compact(&mut text, token);
    out.push(b'"');
    escape(out, &text);
    out.push(b'"');
}

/// Appends a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text.as_bytes());
    out.push(b'"');
}

/// Appends UTF-8 text with JSON escapes, without quotes.
fn escape(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut copied = 0;
    for (at, &byte) in text.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(text.get(copied..at).unwrap_or_default());
        copied = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(text.get(copied..).unwrap_or_default());
}

/// Appends a decimal number.
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(value.to_string().as_bytes());
}

/// Writes one object, member by member; `end` closes it.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    /// Opens the object.
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes the name of a member (which must need no escape); the caller appends the value to what is returned.
    pub(crate) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A member whose value is already JSON.
    pub(crate) fn token(&mut self, name: &str, token: &str) {
        self.key(name).extend_from_slice(token.as_bytes());
    }

    /// The same, when there is a value.
    pub(crate) fn maybe(&mut self, name: &str, token: Option<&str>) {
        if let Some(token) = token {
            self.token(name, token);
        }
    }

    /// A string member.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        string(self.key(name), text);
    }

    /// A number member.
    pub(crate) fn number(&mut self, name: &str, value: u64) {
        number(self.key(name), value);
    }

    /// Closes the object.
    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// Appends an array from pieces of JSON.
pub(crate) fn array<T: AsRef<[u8]>>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item.as_ref());
    }
    out.push(b']');
}

/// Appends one string token whose text is the texts of several string tokens with a separator (itself escaped JSON).
pub(crate) fn join<'t>(out: &mut Vec<u8>, tokens: impl IntoIterator<Item = &'t str>, separator: &str) {
    out.push(b'"');
    for (at, token) in tokens.into_iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(separator.as_bytes());
        }
        out.extend_from_slice(inner(token).as_bytes());
    }
    out.push(b'"');
}
