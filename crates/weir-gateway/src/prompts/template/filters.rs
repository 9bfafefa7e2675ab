//! Filters, tests and functions of Jinja2 that minijinja lacks, takes otherwise, or that need a bound of their own.

#![expect(clippy::needless_pass_by_value, reason = "the engine hands arguments over by value")]

mod cycler;
mod html;

use minijinja::{
    Environment, Error, ErrorKind, State, Value, filters as builtin,
    value::{Kwargs, Rest, ValueKind},
};
use minijinja_contrib::{filters as contrib, globals};

use super::guard::weigh;
pub(super) use html::write_escaped;

/// Spaces per level that JSON is indented with at most.
const INDENT: u64 = 16;
/// Paragraphs and words per paragraph of `lipsum` at most.
const LIPSUM: (usize, usize) = (20, 200);

/// Adds them to an engine.
pub(super) fn add(engine: &mut Environment<'static>) {
    html::add(engine);
    engine.add_filter("center", center);
    engine.add_filter("d", default);
    engine.add_filter("default", default);
    engine.add_filter("dictsort", dictsort);
    engine.add_filter("filesizeformat", contrib::filesizeformat);
    engine.add_filter("float", float);
    engine.add_filter("groupby", groupby);
    engine.add_filter("int", int);
    engine.add_filter("max", max);
    engine.add_filter("min", min);
    engine.add_filter("pluralize", contrib::pluralize);
    engine.add_filter("random", contrib::random);
    engine.add_filter("sort", sort);
    engine.add_filter("tojson", json);
    engine.add_filter("truncate", truncate);
    engine.add_filter("unique", unique);
    engine.add_filter("wordcount", contrib::wordcount);
    engine.add_filter("wordwrap", wordwrap);
    engine.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    // Python's texts and dicts have a length and take a subscript, which is what the test asks.
    engine.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
    });
    engine.add_function("cycler", cycler::cycler);
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

/// The arguments of a filter as keywords: the engine takes some only so, Jinja2 takes them by place too.
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

fn default(state: &State<'_, '_>, value: &Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let kwargs = by_name(&kwargs, placed, &["default_value", "boolean"])?;
    let other = kwargs.get::<Option<Value>>("default_value")?.unwrap_or_else(|| Value::from(""));
    let lax = kwargs.get::<Option<bool>>("boolean")?.unwrap_or(false);
    kwargs.assert_all_used()?;
    builtin::default(state, value, Rest(vec![other, Value::from(lax)]))
}

/// A number, or 0 as Jinja2 has it where the engine has an error; what is undefined stays an error.
fn int(
    state: &State<'_, '_>,
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let default = default.or(kwargs.get::<Option<Value>>("default")?);
    let fallback = (!value.is_undefined()).then(|| Value::from(0));
    let trimmed = value.as_str().filter(|text| text.trim().len() < text.len()).map(|text| Value::from(text.trim()));
    builtin::int(state, trimmed.as_ref().unwrap_or(value), default.or(fallback), base, kwargs)
}

fn float(state: &State<'_, '_>, value: &Value, default: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let default = default.or(kwargs.get::<Option<Value>>("default")?);
    let fallback = (!value.is_undefined()).then(|| Value::from(0.0));
    builtin::float(state, value, default.or(fallback), kwargs)
}

fn dictsort(value: &Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    builtin::dictsort(value, by_name(&kwargs, placed, &["case_sensitive", "by", "reverse"])?)
}

fn groupby(value: Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    builtin::groupby(value, None, by_name(&kwargs, placed, &["attribute", "default", "case_sensitive"])?)
}

fn max(state: &State<'_, '_>, value: Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    builtin::max(state, value, by_name(&kwargs, placed, &["case_sensitive", "attribute"])?)
}

fn min(state: &State<'_, '_>, value: Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    builtin::min(state, value, by_name(&kwargs, placed, &["case_sensitive", "attribute"])?)
}

fn sort(state: &State<'_, '_>, value: Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    builtin::sort(state, value, by_name(&kwargs, placed, &["reverse", "case_sensitive", "attribute"])?)
}

fn unique(state: &State<'_, '_>, value: Value, placed: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    builtin::unique(state, value, by_name(&kwargs, placed, &["case_sensitive", "attribute"])?)
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
    builtin::tojson(value, indent, Kwargs::from_iter(std::iter::empty::<(String, Value)>()))
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
