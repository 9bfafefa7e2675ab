//! JSON as the text that somebody wrote: its parts are found without being converted, so that numbers of any size, the
//! order of members and the `NaN` and `Infinity` that Python writes stay what they were.
//!
//! Invariant: whatever [`whole`] takes, the other functions take apart without loss.

use std::borrow::Cow;

/// Lists and objects within each other at most.
const DEPTH: usize = 256;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number without fraction and exponent.
    Int,
    /// Any other number, NaN and infinities among them.
    Float,
    /// A text.
    Text,
    /// A list.
    List,
    /// An object.
    Object,
}

/// The text of one value, without the blanks around it; `None` where the text is no JSON, or nested too deeply.
#[must_use]
pub fn whole(text: &str) -> Option<&str> {
    let text = text.trim_matches(BLANKS);
    let mut scan = Scan { text, at: 0 };
    scan.value(0)?;
    (scan.at == text.len()).then_some(text)
}

/// What a value is that [`whole`] took.
#[must_use]
pub fn kind(text: &str) -> Kind {
    match text.as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::List,
        Some(b'"') => Kind::Text,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'n') | None => Kind::Null,
        Some(_) if text.bytes().all(|b| b == b'-' || b.is_ascii_digit()) => Kind::Int,
        Some(_) => Kind::Float,
    }
}

/// The elements of a list; `None` where the text is none.
#[must_use]
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let mut scan = Scan { text: text.trim_matches(BLANKS), at: 0 };
    let mut found = Vec::new();
    scan.list(0, &mut |value| found.push(value))?;
    (scan.at == scan.text.len()).then_some(found)
}

/// The members of an object, in their order; `None` where the text is none. Of equal names each is there.
#[must_use]
pub fn members(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let mut scan = Scan { text: text.trim_matches(BLANKS), at: 0 };
    let mut found = Vec::new();
    let mut readable = true;
    scan.object(0, &mut |name, value| match unquoted(name) {
        Some(name) => found.push((name, value)),
        None => readable = false,
    })?;
    (readable && scan.at == scan.text.len()).then_some(found)
}

/// The value of a text in quotes; `None` where it is none.
#[must_use]
pub fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    match text.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains(['\\', '"']) => Some(Cow::Borrowed(plain)),
        // Halves of surrogate pairs that stand alone, which Python writes, are no text.
        _ => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

/// A text in quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// An object of these members.
pub fn object<N: AsRef<str>, V: AsRef<str>>(members: impl IntoIterator<Item = (N, V)>) -> String {
    let mut text = String::from("{");
    for (name, value) in members {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&quoted(name.as_ref()));
        text.push(':');
        text.push_str(value.as_ref());
    }
    text.push('}');
    text
}

/// The same text for the same value: without blanks, members by name (of equal ones the last), numbers and texts written
/// one way. A whole number and a fraction stay apart. `None` where the text is no JSON.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    write_canonical(whole(text)?, &mut out)?;
    Some(out)
}

fn write_canonical(text: &str, out: &mut String) -> Option<()> {
    match kind(text) {
        Kind::Object => {
            let mut all = members(text)?;
            // Stable: of equal names the last stays last.
            all.sort_by(|a, b| a.0.cmp(&b.0));
            out.push('{');
            let mut first = true;
            for (n, (name, value)) in all.iter().enumerate() {
                if all.get(n + 1).is_some_and(|(next, _)| next == name) {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                out.push_str(&quoted(name));
                out.push(':');
                write_canonical(value, out)?;
            }
            out.push('}');
        }
        Kind::List => {
            out.push('[');
            for (n, value) in elements(text)?.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_canonical(value, out)?;
            }
            out.push(']');
        }
        Kind::Text => match unquoted(text) {
            Some(text) => out.push_str(&quoted(&text)),
            None => out.push_str(text),
        },
        Kind::Float => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => out.push_str(&format!("{number:?}")),
            _ => out.push_str(text),
        },
        Kind::Int if text == "-0" => out.push('0'),
        Kind::Int | Kind::Bool | Kind::Null => out.push_str(text),
    }
    Some(())
}

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        self.skip_blanks();
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// Passes over a value; its text.
    fn value(&mut self, depth: usize) -> Option<&'a str> {
        self.skip_blanks();
        let from = self.at;
        match self.peek()? {
            b'"' => self.string()?,
            b'{' => self.object(depth, &mut |_, _| {})?,
            b'[' => self.list(depth, &mut |_| {})?,
            _ => self.scalar()?,
        }
        self.text.get(from..self.at)
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    fn scalar(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.')).unwrap_or(rest.len());
        let word = &rest[..end];
        let named = matches!(word, "true" | "false" | "null" | "NaN" | "Infinity" | "-Infinity");
        if !named && !is_number(word) {
            return None;
        }
        self.at += end;
        Some(())
    }

    fn list(&mut self, depth: usize, each: &mut dyn FnMut(&'a str)) -> Option<()> {
        self.take(b'[').filter(|()| depth < DEPTH)?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            each(self.value(depth + 1)?);
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn object(&mut self, depth: usize, each: &mut dyn FnMut(&'a str, &'a str)) -> Option<()> {
        self.take(b'{').filter(|()| depth < DEPTH)?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            self.skip_blanks();
            let from = self.at;
            self.string()?;
            let name = self.text.get(from..self.at)?;
            self.take(b':')?;
            each(name, self.value(depth + 1)?);
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }
}

fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let word = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = word.split_once(['e', 'E']).map_or((word, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_texts_that_were_written() {
        let text = r#" [ {"a" : 1.0, "b\"": [1e5, NaN]} , "x,]", -12345678901234567890123 ,null] "#;
        let parts = elements(text).unwrap();
        assert_eq!(parts, [r#"{"a" : 1.0, "b\"": [1e5, NaN]}"#, r#""x,]""#, "-12345678901234567890123", "null"]);
        let of = members(parts[0]).unwrap();
        assert_eq!(of, [(Cow::Borrowed("a"), "1.0"), (Cow::Borrowed("b\""), "[1e5, NaN]")]);
        let kinds: Vec<_> = parts.iter().map(|part| kind(part)).collect();
        assert_eq!(kinds, [Kind::Object, Kind::Text, Kind::Int, Kind::Null]);
        assert_eq!(
            (kind("1.0"), kind("-Infinity"), kind("NaN"), kind("true")),
            (Kind::Float, Kind::Float, Kind::Float, Kind::Bool)
        );
        assert_eq!(elements("[]").unwrap().len() + members("{ }").unwrap().len(), 0);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "[",
            "{]",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "nul",
            "\"a",
            "\"\\\"",
            "1 2",
            "[1]]",
            "{\"a\" 1}",
            "\"\n\"",
            "nan",
            "é",
        ] {
            assert!(whole(text).is_none(), "{text}");
        }
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(whole(&deep(DEPTH)).is_some() && whole(&deep(DEPTH + 1)).is_none() && whole(&deep(100_000)).is_none());
        assert!(elements("{}").is_none() && members("[]").is_none() && elements("[] x").is_none());
    }

    #[test]
    fn equal_values_have_one_canonical_text() {
        let one = canonical(r#"{ "b": [1, 2.50, "\u00e4"], "a": {"y": 1, "x": NaN}, "a": {"x":-0} }"#).unwrap();
        assert_eq!(one, r#"{"a":{"x":0},"b":[1,2.5,"ä"]}"#);
        assert_ne!(canonical("1"), canonical("1.0"));
        assert_eq!(canonical("1e1"), canonical("10.0"));
        assert_eq!(object([("a\"", "1"), ("b", "[2]")]), r#"{"a\"":1,"b":[2]}"#);
    }
}
