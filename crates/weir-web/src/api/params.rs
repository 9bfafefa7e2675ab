//! Query parameters as a list of pairs: known names, repetition, and messages that say what to change.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};
use weir_core::error::Error;
use weir_core::time::Micros;

use super::when;

/// Decoded query parameters in the order they were given; a name may stand several times.
pub type Pairs = [(String, String)];

/// A parameter of an endpoint, for parsing and for the OpenAPI document.
pub(super) struct Param {
    /// Its name.
    pub name: &'static str,
    /// One sentence for the reference.
    pub about: &'static str,
    /// Whether a second one is an alternative to the first instead of a mistake.
    pub repeats: bool,
}

/// Prefix of the parameters that filter by a free member.
pub(super) const ATTRIBUTE: &str = "attr.";
/// Prefix of the parameters that filter by the scores of a name.
pub(super) const SCORE: &str = "score.";
/// Prefix before any parameter that selects by a value: what it would select is left out.
pub(super) const NOT: &str = "not.";

/// Refuses what is not in the table, what is given twice, and empty values. `free` allows names under [`ATTRIBUTE`] and
/// [`SCORE`], and [`NOT`] before them and before what may be repeated.
pub(super) fn check<'a>(
    pairs: &Pairs,
    known: impl Iterator<Item = &'a Param> + Clone,
    free: bool,
) -> Result<(), Error> {
    for (n, (name, value)) in pairs.iter().enumerate() {
        if value.is_empty() {
            return Err(Error::invalid(
                name,
                format!("parameter \"{name}\" is empty: leave it out or give it a value"),
            ));
        }
        let turned = name.strip_prefix(NOT).filter(|_| free);
        let bare = turned.unwrap_or(name);
        if free && [ATTRIBUTE, SCORE].iter().any(|p| bare.strip_prefix(p).is_some_and(|rest| !rest.is_empty())) {
            continue;
        }
        let Some(param) = known.clone().find(|p| p.name == bare) else {
            return Err(unknown(bare, known.map(|p| p.name)));
        };
        if turned.is_some() && !param.repeats {
            return Err(Error::invalid(
                name,
                format!("parameter \"{name}\": only what selects by a value can be turned around by \"{NOT}\""),
            ));
        }
        let before = pairs.get(..n).unwrap_or_default();
        if !param.repeats && before.iter().any(|(other, _)| other == name) {
            return Err(Error::invalid(name, format!("parameter \"{name}\" is given twice: keep one")));
        }
    }
    Ok(())
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    let near = known.clone().map(|k| (strsim::jaro_winkler(name, k), k)).max_by(|a, b| a.0.total_cmp(&b.0));
    Error::invalid(
        name,
        match near {
            Some((score, near)) if score > 0.75 => {
                format!("there is no parameter \"{name}\": did you mean \"{near}\"?")
            }
            _ => format!("there is no parameter \"{name}\": use {}", known.collect::<Vec<_>>().join(", ")),
        },
    )
}

/// Refuses every parameter, where an endpoint takes none.
pub(super) fn none(pairs: &Pairs) -> Result<(), Error> {
    pairs.first().map_or(Ok(()), |(name, _)| {
        Err(Error::invalid(name, format!("there is no parameter \"{name}\": this endpoint takes none")))
    })
}

/// The value of a parameter that is given at most once.
pub(super) fn one<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Every value of a parameter.
pub(super) fn all<'a>(pairs: &'a Pairs, name: &'a str) -> impl Iterator<Item = &'a str> {
    pairs.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// A point in time, see [`when::instant`].
pub(super) fn instant(pairs: &Pairs, name: &str, now: Micros) -> Result<Option<Micros>, Error> {
    one(pairs, name)
        .map(|text| {
            when::instant(text, now).ok_or_else(|| {
                Error::invalid(
                    name,
                    format!(
                        "parameter \"{name}\": \"{text}\" is no time; write RFC 3339 (2025-11-21T08:00:00Z), a date, \
                         a Unix time, or a time ago (24h, 7d)"
                    ),
                )
            })
        })
        .transpose()
}

/// A `cursor` that is the number of a line, from 1 up.
pub(super) fn line_before(pairs: &Pairs) -> Result<Option<i64>, Error> {
    let line = |text: &str| number(text).filter(|line| *line > 0).ok_or_else(foreign_cursor);
    one(pairs, "cursor").map(line).transpose()
}

/// A number of digits alone: what is printed into a cursor.
pub(super) fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A cursor that no page ends in.
pub(super) fn foreign_cursor() -> Error {
    Error::invalid("cursor", "parameter \"cursor\" is none that this list gave: use `next` of the page before")
}

/// A number from 0 up, times `scale`, rounded.
pub(super) fn scaled(name: &str, text: &str, scale: f64) -> Result<i64, Error> {
    match text.parse::<f64>() {
        Ok(n) if n.is_finite() && n >= 0.0 => Ok((n * scale).round() as i64),
        _ => Err(Error::invalid(name, format!("parameter \"{name}\": \"{text}\" is no number from 0 up"))),
    }
}

/// `true` or `false`.
pub(super) fn boolean(name: &str, text: &str) -> Result<bool, Error> {
    text.parse().map_err(|_| {
        Error::invalid(name, format!("parameter \"{name}\": \"{text}\" is neither \"true\" nor \"false\""))
    })
}

/// A value that is none of a closed set.
pub(super) fn not_one_of<'a>(name: &str, text: &str, set: impl IntoIterator<Item = &'a str>) -> Error {
    let set = set.into_iter().collect::<Vec<_>>().join(", ");
    Error::invalid(name, format!("parameter \"{name}\": \"{text}\" is not one of {set}"))
}

/// The parameters of an endpoint for the OpenAPI document.
pub(super) fn describe<'a>(known: impl Iterator<Item = &'a Param>) -> Vec<Parameter> {
    known
        .map(|p| {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let param = ParameterBuilder::new()
                .name(p.name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(p.about));
            if p.repeats {
                let many = utoipa::openapi::ArrayBuilder::new().items(text);
                param.schema(Some(many)).explode(Some(true)).build()
            } else {
                param.schema(Some(text)).build()
            }
        })
        .collect()
}
