//! Filters about HTML: for prompts that hold some, or that mark parts the way models know.

use std::fmt::{self, Write};

use minijinja::{Environment, Error, State, Value, value::ValueKind};
use minijinja_contrib::filters as contrib;

use super::{invalid, pay};

/// The longest that one character becomes.
const LONGEST: usize = 5;

pub(super) fn add(engine: &mut Environment<'static>) {
    engine.add_filter("e", escape);
    engine.add_filter("escape", escape);
    engine.add_filter("forceescape", forceescape);
    engine.add_filter("striptags", striptags);
    engine.add_filter("xmlattr", xmlattr);
}

/// Writes a text as Python's Jinja2 escapes it; the engine escapes slashes too.
pub(in super::super) fn write_escaped(out: &mut dyn Write, text: &str) -> fmt::Result {
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        let instead = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'\'' => "&#39;",
            b'"' => "&#34;",
            _ => continue,
        };
        out.write_str(text.get(done..at).unwrap_or_default())?;
        out.write_str(instead)?;
        done = at + 1;
    }
    out.write_str(text.get(done..).unwrap_or_default())
}

fn escaped(state: &State<'_, '_>, text: &str) -> Result<String, Error> {
    pay(state, text.len().saturating_mul(LONGEST))?;
    let mut out = String::with_capacity(text.len());
    write_escaped(&mut out, text)?;
    Ok(out)
}

fn escape(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.is_safe() || value.is_undefined() {
        return Ok(value.clone());
    }
    escaped(state, &value.to_string()).map(Value::from_safe_string)
}

fn forceescape(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Ok(value.clone());
    }
    escaped(state, &value.to_string()).map(Value::from_safe_string)
}

fn striptags(state: &State<'_, '_>, text: String) -> Result<String, Error> {
    // Looking for entities is many times dearer than copying.
    pay(state, text.len().saturating_mul(16))?;
    Ok(contrib::striptags(text))
}

fn xmlattr(state: &State<'_, '_>, value: &Value, autospace: Option<bool>) -> Result<Value, Error> {
    if value.kind() != ValueKind::Map {
        return Err(invalid("xmlattr takes a dict"));
    }
    let mut out = String::new();
    for key in value.try_iter()?.checked() {
        let key = key?;
        let item = value.get_item(&key)?;
        if item.is_none() || item.is_undefined() {
            continue;
        }
        let name = key.to_string();
        if name.chars().any(|c| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=')) {
            return Err(invalid(format!("\"{name}\" cannot be the name of an attribute")));
        }
        if autospace.unwrap_or(true) || !out.is_empty() {
            out.push(' ');
        }
        write!(out, "{}=\"{}\"", escaped(state, &name)?, escaped(state, &item.to_string())?)?;
    }
    Ok(Value::from_safe_string(out))
}
