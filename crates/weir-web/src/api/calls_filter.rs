//! What the parameters of `/api/v1/calls` select, as the store's filter.

use weir_core::error::Error;
use weir_core::filter::{Field, Filter, Op, Value};
use weir_core::id::TraceId;
use weir_core::span::{SpanKind, Status};

use super::calls_query::{FILTERS, Match};
use super::params::{self, ATTRIBUTE, NOT, Pairs, SCORE};

/// The filter of all parameters: those of one name are alternatives, different names must all hold, and of what is left
/// out none may.
///
/// # Errors
/// A 400 that names the parameter at fault.
pub(super) fn selection(pairs: &Pairs) -> Result<Filter, Error> {
    let mut parts = Vec::new();
    if params::one(pairs, "kind").is_none() {
        parts.push(calls());
    }
    for (param, how) in &FILTERS {
        let values = |name: &str| -> Result<Vec<Filter>, Error> {
            params::all(pairs, name).map(|text| compare(name, how, text)).collect()
        };
        let alternatives = values(param.name)?;
        if !alternatives.is_empty() {
            parts.push(any(alternatives));
        }
        parts.extend(values(&format!("{NOT}{}", param.name))?.into_iter().map(not));
    }
    for name in under(pairs, ATTRIBUTE) {
        let values =
            params::all(pairs, &format!("{ATTRIBUTE}{name}")).map(|text| member(name, text)).collect::<Vec<_>>();
        if !values.is_empty() {
            parts.push(any(values));
        }
        parts.extend(params::all(pairs, &format!("{NOT}{ATTRIBUTE}{name}")).map(|text| not(member(name, text))));
    }
    for name in under(pairs, SCORE) {
        // Bounds, which all hold.
        for (prefix, turned) in [(String::new(), false), (NOT.to_owned(), true)] {
            let parameter = format!("{prefix}{SCORE}{name}");
            for text in params::all(pairs, &parameter) {
                let said = score(&parameter, name, text)?;
                parts.push(if turned { not(said) } else { said });
            }
        }
    }
    Ok(Filter::And(parts))
}

/// The names that are given under a prefix, turned around or not, each once.
fn under<'a>(pairs: &'a Pairs, prefix: &str) -> Vec<&'a str> {
    let of = |name: &'a str| name.strip_prefix(NOT).unwrap_or(name).strip_prefix(prefix);
    let mut names: Vec<&str> = pairs.iter().filter_map(|(name, _)| of(name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn member(name: &str, text: &str) -> Filter {
    Filter::eq(Field::Attribute(name.to_owned()), text)
}

/// `>0.5`, `<=3`, `=1`, or `any` for what was scored at all; true counts as 1.
fn score(parameter: &str, name: &str, text: &str) -> Result<Filter, Error> {
    let field = Field::Score(name.to_owned());
    if text == "any" {
        return Ok(Filter::Exists(field));
    }
    let operators = [(">=", Op::Ge), ("<=", Op::Le), (">", Op::Gt), ("<", Op::Lt), ("=", Op::Eq)];
    let (op, number) = operators
        .iter()
        .find_map(|(sign, op)| text.strip_prefix(sign).map(|rest| (*op, rest)))
        .unwrap_or((Op::Eq, text));
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Filter::Compare(field, op, Value::Float(number))),
        _ => Err(Error::invalid(
            parameter,
            format!("parameter \"{parameter}\": \"{text}\" is no bound; write <0.5, >=3, 1 or any"),
        )),
    }
}

fn compare(name: &str, how: &Match, text: &str) -> Result<Filter, Error> {
    Ok(match how {
        Match::Text(field) => Filter::eq(field.clone(), text),
        Match::Trace => match TraceId::parse(text) {
            Some(id) => Filter::eq(Field::TraceId, id.to_string()),
            None => {
                return Err(Error::invalid(
                    name,
                    format!("parameter \"{name}\": \"{text}\" is neither 16 or 32 hex digits nor a UUID"),
                ));
            }
        },
        Match::Status => Filter::eq(Field::Status, status(name, text)?.as_str()),
        Match::Kind if text == "any" => Filter::all(),
        Match::Kind => {
            kind(SpanKind::parse(text).ok_or_else(|| {
                params::not_one_of(name, text, SpanKind::ALL.iter().map(|k| k.as_str()).chain(["any"]))
            })?)
        }
        Match::Root => {
            let step = Filter::Exists(Field::ParentId);
            if params::boolean(name, text)? { not(step) } else { step }
        }
        Match::Stream => Filter::Compare(Field::Stream, Op::Eq, Value::Bool(params::boolean(name, text)?)),
        Match::PromptVersion => match text.rsplit_once('@') {
            Some((prompt, version)) => {
                Filter::And(vec![Filter::eq(Field::PromptName, prompt), Filter::eq(Field::PromptVersion, version)])
            }
            None => Filter::eq(Field::PromptVersion, text),
        },
        Match::Bound(field, op, scale) => {
            Filter::Compare(field.clone(), *op, Value::Int(params::scaled(name, text, *scale)?))
        }
    })
}

/// Reads a status.
pub(super) fn status(name: &str, text: &str) -> Result<Status, Error> {
    Status::parse(text).ok_or_else(|| params::not_one_of(name, text, Status::ALL.iter().map(|s| s.as_str())))
}

/// Holds for calls, not for other steps.
pub(super) fn calls() -> Filter {
    any(vec![kind(SpanKind::Llm), kind(SpanKind::Embedding)])
}

fn kind(kind: SpanKind) -> Filter {
    Filter::eq(Field::Kind, kind.as_str())
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn any(mut alternatives: Vec<Filter>) -> Filter {
    match alternatives.pop() {
        Some(only) if alternatives.is_empty() => only,
        Some(last) => {
            alternatives.push(last);
            Filter::Or(alternatives)
        }
        None => Filter::all(),
    }
}
