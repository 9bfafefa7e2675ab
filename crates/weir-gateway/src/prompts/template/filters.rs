//! Filters and functions of Jinja2 that minijinja lacks or that need a bound of their own.

use minijinja::{
    Environment, Error, ErrorKind, HtmlEscape, State, Value,
    filters::tojson,
    value::{Kwargs, Rest, ValueKind},
};
use minijinja_contrib::{filters as contrib, globals};

use super::guard::weigh;

/// Spaces per level that JSON is indented with at most.
const INDENT: u64 = 16;
/// Paragraphs and words per paragraph of `lipsum` at most.
const LIPSUM: (usize, usize) = (20, 200);

/// Adds them to an engine.
pub(super) fn add(engine: &mut Environment<'static>) {
    engine.add_filter("center", center);
    engine.add_filter("filesizeformat", contrib::filesizeformat);
    engine.add_filter("forceescape", forceescape);
    engine.add_filter("pluralize", contrib::pluralize);
    engine.add_filter("random", contrib::random);
    engine.add_filter("striptags", striptags);
    engine.add_filter("tojson", json);
    engine.add_filter("truncate", truncate);
    engine.add_filter("wordcount", contrib::wordcount);
    engine.add_filter("wordwrap", wordwrap);
    engine.add_filter("xmlattr", xmlattr);
    engine.add_function("cycler", globals::cycler);
    engine.add_function("joiner", globals::joiner);
    engine.add_function("lipsum", lipsum);
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Pays for text before it is made.
fn pay(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    state.consume_fuel(bytes as u64 / 64)
}

/// The arguments of a filter as keywords: minijinja-contrib takes some only so, Jinja2 takes them by place too.
fn by_name(given: &Kwargs, placed: Rest<Value>, names: &[&'static str]) -> Result<Kwargs, Error> {
    if placed.len() > names.len() {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let mut all: Vec<(String, Value)> = names.iter().map(|name| (*name).to_owned()).zip(placed.0).collect();
    for name in given.args() {
        if all.iter().any(|(placed, _)| placed == name) {
            return Err(invalid(format!("the argument \"{name}\" is given twice")));
        }
        all.push((name.to_owned(), given.get(name)?));
    }
    Ok(all.into_iter().collect())
}

fn center(state: &State<'_, '_>, value: &Value, width: Option<usize>, kwargs: Kwargs) -> Result<String, Error> {
    let width = match width {
        Some(width) => width,
        None => kwargs.get::<Option<usize>>("width")?.unwrap_or(80),
    };
    kwargs.assert_all_used()?;
    let text = value.to_string();
    let missing = width.saturating_sub(text.chars().count());
    pay(state, missing)?;
    // Python's `str.center`: the odd space goes left when the width is odd.
    let left = missing / 2 + (missing & width & 1);
    Ok(format!("{}{text}{}", " ".repeat(left), " ".repeat(missing - left)))
}

fn forceescape(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    let text = value.to_string();
    pay(state, text.len().saturating_mul(6))?;
    Ok(Value::from_safe_string(HtmlEscape(&text).to_string()))
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
        let (name, item) = (key.to_string(), item.to_string());
        if name.chars().any(|c| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=')) {
            return Err(invalid(format!("\"{name}\" cannot be the name of an attribute")));
        }
        pay(state, (name.len() + item.len()).saturating_mul(6))?;
        if autospace.unwrap_or(true) || !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&format!("{}=\"{}\"", HtmlEscape(&name), HtmlEscape(&item)));
    }
    Ok(Value::from_safe_string(out))
}

fn json(state: &State<'_, '_>, value: &Value, indent: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => kwargs.get::<Option<Value>>("indent")?,
    };
    kwargs.assert_all_used()?;
    let spaces = match &indent {
        Some(indent) if indent.kind() == ValueKind::Number => indent.as_i64().map_or(u64::MAX, |n| n.max(0) as u64),
        _ => 2,
    };
    if spaces > INDENT {
        return Err(invalid(format!("tojson indents by at most {INDENT} spaces")));
    }
    let weight = weigh(state, value)?;
    let most =
        weight.bytes.saturating_mul(2).saturating_add(weight.parts.saturating_mul(spaces * weight.depth as u64 + 8));
    state.consume_fuel(most / 64)?;
    tojson(value, indent, Kwargs::from_iter(std::iter::empty::<(String, Value)>()))
}

fn striptags(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let text = value.to_string();
    // Looking for entities is many times dearer than copying.
    pay(state, text.len().saturating_mul(16))?;
    Ok(contrib::striptags(text))
}

fn truncate(state: &mut State<'_, '_>, value: &Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let kwargs = by_name(&kwargs, placed, &["length", "killwords", "end", "leeway"])?;
    contrib::truncate(state, value, kwargs)
}

fn wordwrap(state: &State<'_, '_>, value: &Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let kwargs = by_name(&kwargs, placed, &["width", "break_long_words", "wrapstring", "break_on_hyphens"])?;
    let text = value.as_str().ok_or_else(|| invalid("wordwrap takes a text"))?;
    let ends = kwargs.get::<Option<&str>>("wrapstring")?.map_or(1, str::len);
    // A line for every character, at most; breaking them is many times dearer than copying them.
    pay(state, text.len().saturating_mul(ends.saturating_add(16)))?;
    contrib::wordwrap(value, kwargs)
}

fn lipsum(state: &mut State<'_, '_>, n: Option<usize>, kwargs: Kwargs) -> Result<Value, Error> {
    let paragraphs = n.or(kwargs.get::<Option<usize>>("n")?).unwrap_or(5);
    let words =
        kwargs.get::<Option<usize>>("max")?.unwrap_or(100).max(kwargs.get::<Option<usize>>("min")?.unwrap_or(20));
    if paragraphs > LIPSUM.0 || words > LIPSUM.1 {
        return Err(invalid(format!("lipsum makes at most {} paragraphs of {} words", LIPSUM.0, LIPSUM.1)));
    }
    pay(state, paragraphs * words * 10)?;
    globals::lipsum(state, n, kwargs)
}
