//! Words of a filter.

use crate::mlflow::errors::Refused;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Letters and what keys may hold; dots among them.
    Word(String),
    /// In backticks.
    Quoted(String),
    /// In double quotes: a key or a text, by its place.
    Double(String),
    /// In single quotes.
    Text(String),
    Number(String),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Sign(&'static str),
    Dot,
    Comma,
    Open,
    Close,
}

/// Longest filter, in bytes.
const MOST: usize = 64 << 10;

/// Splits a text into its words.
pub(super) fn words(text: &str) -> Result<Vec<Token>, Refused> {
    let fault = || Refused::invalid(format!("Invalid clause(s) in filter string: '{text}'"));
    if text.len() > MOST {
        return Err(Refused::invalid(format!(
            "Invalid filter string: it has {} bytes, at most {MOST} are read",
            text.len()
        )));
    }
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            c if c.is_whitespace() => {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            '\'' | '"' | '`' => {
                let inner = &rest[1..];
                let end = inner.find(first).ok_or_else(fault)?;
                let held = inner[..end].to_owned();
                let token = match first {
                    '\'' => Token::Text(held),
                    '"' => Token::Double(held),
                    _ => Token::Quoted(held),
                };
                (token, end + 2)
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => (Token::Dot, 1),
            ',' => (Token::Comma, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '=' | '!' | '<' | '>' => {
                let sign = ["!=", "<=", ">=", "=", "<", ">"].into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(fault)?;
                if matches!(rest.as_bytes().get(sign.len()), Some(b'=' | b'<' | b'>' | b'!')) {
                    return Err(fault());
                }
                (Token::Sign(sign), sign.len())
            }
            c if c.is_ascii_digit()
                || c == '.'
                || (c == '-' && rest[1..].starts_with(|d: char| d.is_ascii_digit() || d == '.')) =>
            {
                let length = number(rest);
                (Token::Number(rest[..length].to_owned()), length)
            }
            c if c.is_alphanumeric() || c == '_' => {
                let length = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => return Err(fault()),
        };
        words.push(token);
        rest = &rest[length..];
    }
    Ok(words)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/')
}

/// The length of a number with sign, fraction and exponent.
fn number(text: &str) -> usize {
    let mut end = 0;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let part = c.is_ascii_digit()
            || c == '.'
            || (at > 0 && matches!(c, 'e' | 'E'))
            || (matches!(c, '+' | '-') && (at == 0 || matches!(before, 'e' | 'E')));
        if !part {
            break;
        }
        end = at + c.len_utf8();
        before = c;
    }
    end
}
