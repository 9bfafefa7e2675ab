//! Weighs values where a template uses them whole.
//!
//! A value may share its parts (`[x, x]`), repeat them (`[0] * 100000000`) or make them when asked, so that it is small
//! in memory and endless when it is printed, compared or sorted. [`weigh`] walks a value as such a use would, charges
//! the walk to the fuel of the rendering and stops where that is spent, where the value is nested too deeply for the
//! walks of the engine, which recur, or where it holds itself.

use minijinja::{
    AutoEscape, Error, ErrorKind, Output, State, Value,
    value::{ObjectRepr, Tuple, ValueKind},
};
use minijinja_contrib::pycompat;

use super::filters;

/// The function that [`super::instrument`] puts around a value that is used whole.
pub(super) const GUARD: &str = "__guard";
/// The function that it puts around an argument of a filter or test.
pub(super) const ARGUMENT: &str = "__argument";
/// The function that it puts around a value that a namespace shall hold.
pub(super) const STORE: &str = "__store";

/// The function that it puts around a value of which one part is taken.
pub(super) const TEXT: &str = "__text";

/// Levels of lists and maps in each other.
const DEPTH: usize = 100;
/// Levels in what a namespace holds: less, because it can be put into something again.
const STORED_DEPTH: usize = 64;
/// Bytes of text that cost one step to compare.
const BYTES_PER_STEP: u64 = 128;
/// Bytes of text that a method costs one step.
const METHOD_BYTES_PER_STEP: u64 = 64;

/// What walking a value met.
#[derive(Default)]
pub(super) struct Weight {
    /// Values, itself included.
    pub(super) parts: u64,
    /// Bytes of text.
    pub(super) bytes: u64,
    /// Levels.
    pub(super) depth: usize,
}

impl Weight {
    /// A step for each part: they are walked twice, here and by the use.
    fn steps(&self) -> u64 {
        self.parts + self.bytes / BYTES_PER_STEP
    }
}

/// Walks a value and charges the walk.
pub(super) fn weigh(state: &State<'_, '_>, value: &Value) -> Result<Weight, Error> {
    let mut weight = Weight::default();
    let budget = state.fuel_levels().map_or(u64::MAX, |(_, remaining)| remaining);
    walk(value, 0, DEPTH, budget, &mut weight)?;
    let steps = weight.steps();
    if steps > 0 {
        state.consume_fuel(steps)?;
    }
    Ok(weight)
}

fn walk(value: &Value, level: usize, most: usize, budget: u64, weight: &mut Weight) -> Result<(), Error> {
    weight.parts += 1;
    weight.depth = weight.depth.max(level);
    if let Some(text) = value.as_str() {
        weight.bytes += text.len() as u64;
        return Ok(());
    }
    let Some(object) = value.as_object() else { return Ok(()) };
    if level >= most {
        return Err(invalid(format!("a value is nested more than {most} levels deep")));
    }
    let repr = object.repr();
    if matches!(repr, ObjectRepr::Plain) {
        return Ok(());
    }
    let Some(pairs) = object.try_iter_pairs() else { return Ok(()) };
    for (key, item) in pairs {
        if weight.steps() > budget {
            return Err(Error::from(ErrorKind::OutOfFuel));
        }
        if matches!(repr, ObjectRepr::Map) {
            walk(&key, level + 1, most, budget, weight)?;
        }
        walk(&item, level + 1, most, budget, weight)?;
    }
    Ok(())
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// The value itself, weighed.
pub(super) fn guard(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_object().is_some() || value.as_str().is_some_and(|text| text.len() as u64 > BYTES_PER_STEP) {
        weigh(state, &value)?;
    }
    Ok(value)
}

/// The same for an argument: the engine takes one that is undefined for one that is not given.
pub(super) fn argument(state: &mut State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.is_undefined() {
        // Fails, and only the engine can make an error that knows which variable it was.
        return value.call(state, &[]);
    }
    guard(state, value)
}

/// The value itself; a text is paid for, a list is not looked into.
pub(super) fn text(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if let Some(text) = value.as_str()
        && text.len() as u64 > BYTES_PER_STEP
    {
        state.consume_fuel(text.len() as u64 / BYTES_PER_STEP)?;
    }
    Ok(value)
}

/// The value as a namespace may hold it: a namespace is the one thing that a loop can change, so what it holds could
/// otherwise become deeper with every turn, or hold the namespace and never be freed.
pub(super) fn store(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_object().is_none() {
        return Ok(value);
    }
    let weight = weigh(state, &value)?;
    if weight.depth > STORED_DEPTH {
        return Err(invalid(format!("a namespace can hold values of at most {STORED_DEPTH} levels")));
    }
    settle(&value).map(|settled| settled.unwrap_or(value))
}

/// The value made of nothing but lists, maps and scalars, if it is not: what is made when asked may be made from
/// another such thing, and so on, and may hold what it does not show.
fn settle(value: &Value) -> Result<Option<Value>, Error> {
    let Some(object) = value.as_object() else { return Ok(None) };
    let name = object.type_name();
    let held = |name: &str| Err(invalid(format!("a namespace can hold texts, numbers, lists and dicts, not a {name}")));
    match object.repr() {
        ObjectRepr::Map if name.ends_with("::Namespace") => held("namespace"),
        ObjectRepr::Map if name.ends_with("::Loop") => held("loop"),
        ObjectRepr::Map => {
            let mut plain = name.contains("Map<");
            let mut pairs = Vec::new();
            for (key, item) in object.try_iter_pairs().into_iter().flatten() {
                let (settled_key, settled) = (settle(&key)?, settle(&item)?);
                plain &= settled_key.is_none() && settled.is_none();
                pairs.push((settled_key.unwrap_or(key), settled.unwrap_or(item)));
            }
            Ok((!plain).then(|| Value::from_pairs(pairs)))
        }
        ObjectRepr::Seq | ObjectRepr::Iterable => {
            let mut plain = object.is::<Vec<Value>>() || object.is::<Tuple>();
            let mut items = Vec::new();
            for item in value.try_iter()?.checked() {
                let item = item?;
                let settled = settle(&item)?;
                plain &= settled.is_none();
                items.push(settled.unwrap_or(item));
            }
            Ok((!plain).then(|| Value::from(items)))
        }
        _ => held("function"),
    }
}

/// Prints a value, which is a use of it.
pub(super) fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.as_object().is_some() {
        weigh(state, value)?;
    }
    if matches!(state.auto_escape(), AutoEscape::Html)
        && !value.is_safe()
        && let Some(text) = value.as_str()
    {
        return Ok(filters::write_escaped(out, text)?);
    }
    minijinja::escape_formatter(out, state, value)
}

/// The methods of Python's strings, lists and dicts, with everything that they read paid for first.
pub(super) fn method(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let mut total = Weight::default();
    for part in arguments.iter().chain((value.kind() != ValueKind::Map).then_some(value)) {
        let weight = weigh(state, part)?;
        total.parts += weight.parts;
        total.bytes += weight.bytes;
    }
    state.consume_fuel(total.bytes / METHOD_BYTES_PER_STEP)?;
    if name == "format"
        && let Some(format) = value.as_str()
    {
        charge_format(state, format, &total)?;
    }
    pycompat::unknown_method_callback(state, value, name, arguments)
}

/// Pays for what `str.format` can make at most: every field as wide as the widest width or all the arguments.
fn charge_format(state: &State<'_, '_>, format: &str, arguments: &Weight) -> Result<(), Error> {
    let fields = format.bytes().filter(|byte| *byte == b'{').count() as u64;
    let width = format
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse::<u64>().unwrap_or(u64::MAX))
        .max()
        .unwrap_or(0);
    let most = width.saturating_add(arguments.bytes).saturating_add(arguments.parts.saturating_mul(32));
    state.consume_fuel(fields.saturating_mul(most) / METHOD_BYTES_PER_STEP)
}
