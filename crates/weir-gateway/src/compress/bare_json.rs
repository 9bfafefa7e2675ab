//! JSON that stands in a text without a fence around it: finding where it ends, and writing it without spaces.
//!
//! Invariant: only whitespace between the parts of valid JSON goes. Numbers, the order of names and the escapes within
//! strings are copied, never read and printed again.

use serde::de::IgnoredAny;

/// Finds JSON at the starts of lines of one text, with a bound on all the bytes it looks at: what looks like JSON and
/// is none may otherwise be read again from every line.
pub(super) struct Finder<'a> {
    text: &'a str,
    left: usize,
}

impl<'a> Finder<'a> {
    /// For one text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, left: text.len().saturating_mul(4).saturating_add(4_096) }
    }

    /// The end of the line on which the JSON object or array ends that begins on the line at `start`, after its
    /// indentation; `None` where there is none or something follows on its last line.
    pub(super) fn end(&mut self, start: usize) -> Option<usize> {
        let line = self.text.get(start..)?;
        let value = line.trim_start_matches([' ', '\t']);
        let open = *value.as_bytes().first().filter(|byte| matches!(byte, b'{' | b'['))?;
        let (length, read) = extent(value.as_bytes(), open, self.left);
        self.left = self.left.saturating_sub(read);
        let length = length?;
        let rest = &value[length..];
        let newline = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        if !rest[..newline].trim().is_empty() {
            return None;
        }
        self.left = self.left.checked_sub(length)?;
        serde_json::from_str::<IgnoredAny>(&value[..length]).ok()?;
        Some(start + (line.len() - value.len()) + length + newline)
    }
}

/// Length of the bracketed value at the beginning, if its brackets close within `most` bytes, and the bytes read.
fn extent(text: &[u8], open: u8, most: usize) -> (Option<usize>, usize) {
    // The next byte already tells most prose apart, such as Markdown links and unclosed brackets.
    let next = text.iter().skip(1).find(|byte| !byte.is_ascii_whitespace());
    let begins = match (open, next) {
        (b'{', Some(b'"' | b'}')) => true,
        (b'[', Some(byte)) => {
            byte.is_ascii_digit() || matches!(byte, b'"' | b'{' | b'[' | b']' | b'-' | b't' | b'f' | b'n')
        }
        _ => false,
    };
    let mut at = 0;
    let mut depth = 0_usize;
    let end = text.len().min(most);
    while begins && at < end {
        match text[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return (Some(at + 1), at + 1);
                }
            }
            b'"' => at = string_end(text, at),
            _ => {}
        }
        at += 1;
    }
    (None, at.max(1))
}

/// The position of the quote that closes the string which begins at `at`, or the last byte.
fn string_end(text: &[u8], at: usize) -> usize {
    let mut from = at + 1;
    while let Some(found) = text.get(from..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        let here = from + found;
        if text[here] == b'"' {
            return here;
        }
        from = here + 2;
    }
    text.len().saturating_sub(1)
}

/// JSON without whitespace between its parts.
pub(super) fn minify(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b' ' | b'\n' | b'\t' | b'\r' => {
                at += 1;
                continue;
            }
            b'"' => string_end(bytes, at) + 1,
            _ => bytes[at..]
                .iter()
                .position(|b| matches!(b, b'"' | b' ' | b'\n' | b'\t' | b'\r'))
                .map_or(bytes.len(), |n| at + n),
        };
        out.push_str(json.get(at..end).unwrap_or_default());
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_order_and_escapes_are_copied() {
        let json =
            "{ \"b\" : 1.50 ,\n\t\"a\":[ 1e2, -0.0, 12345678901234567890123 ], \"s\" : \"a \\\" b  \\u00e9\\\\\" }";
        let small = r#"{"b":1.50,"a":[1e2,-0.0,12345678901234567890123],"s":"a \" b  \u00e9\\"}"#;
        assert_eq!(minify(json), small);
    }

    #[test]
    fn json_ends_where_its_line_does() {
        let end = |text: &str| Finder::new(text).end(0);
        assert_eq!(end("{\"a\": [1,\n2]}  \nnext"), Some(16));
        assert_eq!(end("  [{}]"), Some(6));
        for text in
            ["{\"a\": 1} and more", "[link](url)", "[1] A note", "{", "{\"a\": }", "[\"", "{\"\\", "a", "", "[1}"]
        {
            assert_eq!(end(text), None, "{text}");
        }
    }

    #[test]
    fn looking_is_bounded() {
        let text = "[\n".repeat(500_000);
        let mut finder = Finder::new(&text);
        for line in 0..500_000 {
            assert_eq!(finder.end(line * 2), None);
        }
        assert_eq!(finder.left, 0);
    }
}
