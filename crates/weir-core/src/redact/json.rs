//! Redaction inside the strings of a JSON document.
//!
//! Values are looked at, names of members where that is asked for, never numbers or structure, so what was valid stays
//! valid and keeps its shape. Strings are looked at as they read after their escapes are undone; of a string with a finding, all
//! bytes but the finding stay as they were written. Text that is not valid JSON is treated as well as can be.

use std::borrow::Cow;

/// A string literal of a document, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'a> {
    /// Where its content begins in the document.
    pub(super) start: usize,
    /// The content, escapes and all.
    pub(super) raw: &'a str,
    /// Whether it has escapes.
    pub(super) escaped: bool,
    /// The raw name of the member that it is the value of.
    pub(super) name: Option<&'a str>,
    /// Whether it is the name of a member itself.
    pub(super) is_name: bool,
}

/// The strings of a document that are values, or all of them.
pub(super) struct Literals<'a> {
    json: &'a str,
    at: usize,
    name: Option<&'a str>,
    with_names: bool,
}

impl<'a> Literals<'a> {
    pub(super) fn of(json: &'a str, with_names: bool) -> Self {
        Self { json, at: 0, name: None, with_names }
    }
}

impl<'a> Iterator for Literals<'a> {
    type Item = Literal<'a>;

    fn next(&mut self) -> Option<Literal<'a>> {
        let bytes = self.json.as_bytes();
        loop {
            let quote = self.at + memchr::memchr(b'"', bytes.get(self.at..)?)?;
            // The name holds for the string that follows its colon at once.
            let is_value_of_name = bytes.get(self.at..quote)?.iter().all(|b| b.is_ascii_whitespace() || *b == b':');
            let name = self.name.take().filter(|_| is_value_of_name);
            let start = quote + 1;
            let (end, escaped) = end_of(bytes, start);
            let raw = self.json.get(start..end)?;
            self.at = (end + 1).min(bytes.len());
            let after = bytes.get(self.at..)?.iter().find(|b| !b.is_ascii_whitespace());
            let is_name = after == Some(&b':');
            if is_name {
                self.name = Some(raw);
            }
            if !is_name || self.with_names {
                return Some(Literal { start, raw, escaped, name: name.filter(|_| !is_name), is_name });
            }
        }
    }
}

/// Where a string ends whose content begins at `start`, and whether it has escapes.
fn end_of(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut at = start;
    let mut escaped = false;
    while let Some(n) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += n;
        if bytes.get(at) == Some(&b'"') {
            return (at, escaped);
        }
        escaped = true;
        at += 2;
    }
    (bytes.len(), escaped)
}

/// The text of a string, and how its bytes lie in the raw content.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// Where the text changes its distance to the raw content: offset in the text, offset in the raw content.
    steps: Vec<(usize, usize)>,
}

impl Decoded {
    /// Undoes the escapes. A lone surrogate reads as U+FFFD, an escape that is none as itself.
    pub(super) fn read(&mut self, raw: &str) {
        self.text.clear();
        self.steps.clear();
        let mut from = 0;
        while let Some(n) = raw.as_bytes().get(from..).and_then(|rest| memchr::memchr(b'\\', rest)) {
            let escape = from + n;
            self.text.push_str(raw.get(from..escape).unwrap_or_default());
            self.steps.push((self.text.len(), escape));
            let (c, len) = unescape(raw.get(escape..).unwrap_or_default());
            self.text.push(c);
            from = escape + len;
            self.steps.push((self.text.len(), from));
        }
        self.text.push_str(raw.get(from..).unwrap_or_default());
    }

    /// The offset in the raw content of an offset in the text.
    pub(super) fn raw_offset(&self, at: usize) -> usize {
        let step = self.steps.partition_point(|step| step.0 <= at).checked_sub(1).and_then(|n| self.steps.get(n));
        step.map_or(at, |(text, raw)| raw + (at - text))
    }
}

/// The character of the escape that a text begins with, and the length of the escape.
fn unescape(escape: &str) -> (char, usize) {
    let simple = match escape.as_bytes().get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unicode(escape),
        Some(&c @ (b'"' | b'\\' | b'/')) => char::from(c),
        _ => return ('\\', 1),
    };
    (simple, 2)
}

fn unicode(escape: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let Some(first) = unit(0) else {
        return ('\\', 1);
    };
    if let (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) = (first, unit(6)) {
        let point = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(point).unwrap_or('\u{fffd}'), 12);
    }
    (char::from_u32(first).unwrap_or('\u{fffd}'), 6)
}

/// Escapes what a label may hold, for a string of JSON.
pub(super) fn escape(label: &str) -> Cow<'_, str> {
    if label.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\') {
        return Cow::Borrowed(label);
    }
    let quoted = serde_json::to_string(label).unwrap_or_default();
    Cow::Owned(quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned())
}
