//! From the parameters of `/api/v1/stats` to the store's query.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::error::Error;
use weir_core::time::{DAY, MINUTE, Micros};
use weir_store::telemetry::{Dimension, StatsQuery, TimeRange};

use super::params::{self, Pairs, Param};
use super::{calls_filter, when};

/// Most buckets that a range is cut into: a week of minutes.
const MAX_BUCKETS: i64 = 10_080;

static SHAPE: [Param; 4] = [
    Param {
        name: "from",
        about: "Started at or after: RFC 3339, a date, a Unix time, or a time ago (`-24h`, `7d`); rounded down to the \
                minute. Default: 24 h before `to`",
        repeats: false,
    },
    Param { name: "to", about: "Started before; written as `from`, rounded up. Default: now", repeats: false },
    Param {
        name: "bucket",
        about: "Width of a series' buckets, whole minutes: `1m`, `1h`, `1d`, ... Without it there are only totals",
        repeats: false,
    },
    Param {
        name: "group_by",
        about: "One group per combination of: project, model, provider, department, prompt_version, status, key; \
                separated by commas",
        repeats: true,
    },
];

static DIMENSIONS: [Param; 7] = [
    dimension("project"),
    dimension("model"),
    dimension("provider"),
    dimension("department"),
    dimension("prompt_version"),
    dimension("status"),
    dimension("key"),
];

const fn dimension(name: &'static str) -> Param {
    Param { name, about: "Only calls with one of these values", repeats: true }
}

/// The parameters, for the OpenAPI document.
pub(super) struct StatsParams;

impl IntoParams for StatsParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(SHAPE.iter().chain(&DIMENSIONS))
    }
}

/// The query for grouped figures. `now` is what relative times and the default range count from. The range of the
/// answer is already rounded to minutes.
///
/// # Errors
/// A 400 that names the parameter at fault.
pub fn stats(pairs: &Pairs, now: Micros) -> Result<StatsQuery, Error> {
    params::check(pairs, SHAPE.iter().chain(&DIMENSIONS), false)?;
    let to = params::instant(pairs, "to", now)?.unwrap_or(now);
    let from = params::instant(pairs, "from", now)?.unwrap_or(to.saturating_sub(DAY));
    if from > to {
        return Err(Error::invalid("to", "parameter \"to\" lies before \"from\": exchange them"));
    }
    let floor = |at: Micros| at.div_euclid(MINUTE).saturating_mul(MINUTE);
    let (from, to) = (floor(from), floor(to.saturating_add(MINUTE - 1)));
    let bucket = bucket(pairs, to.saturating_sub(from), MAX_BUCKETS)?;
    let mut filters = Vec::new();
    for dimension in Dimension::ALL {
        let name = dimension.as_str();
        let values: Vec<String> = params::all(pairs, name).map(str::to_owned).collect();
        if *dimension == Dimension::Status {
            for value in &values {
                calls_filter::status(name, value)?;
            }
        }
        if !values.is_empty() {
            filters.push((*dimension, values));
        }
    }
    Ok(StatsQuery { range: TimeRange { from: Some(from), to: Some(to) }, filters, group_by: group_by(pairs)?, bucket })
}

/// The width of a series' buckets, of which a range of that length holds at most so many.
pub(super) fn bucket(pairs: &Pairs, range: Micros, most: i64) -> Result<Option<Micros>, Error> {
    let Some(text) = params::one(pairs, "bucket") else { return Ok(None) };
    let wrong = |why: String| Err(Error::invalid("bucket", format!("parameter \"bucket\": {why}")));
    match when::duration(text) {
        Some(width) if width > 0 && width % MINUTE == 0 => {
            let buckets = range / width;
            if buckets > most {
                return wrong(format!(
                    "{text} cuts the range into {buckets} buckets, more than {most}; take wider ones or a shorter range"
                ));
            }
            Ok(Some(width))
        }
        _ => wrong(format!("\"{text}\" is no whole number of minutes; write 1m, 15m, 1h or 1d")),
    }
}

fn group_by(pairs: &Pairs) -> Result<Vec<Dimension>, Error> {
    let mut dimensions = Vec::new();
    for name in params::all(pairs, "group_by").flat_map(|list| list.split(',')).map(str::trim) {
        let dimension = Dimension::parse(name)
            .ok_or_else(|| params::not_one_of("group_by", name, Dimension::ALL.iter().map(|d| d.as_str())))?;
        if !dimensions.contains(&dimension) {
            dimensions.push(dimension);
        }
    }
    Ok(dimensions)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = 1_763_683_230_000_000;

    fn ask(pairs: &[(&str, &str)]) -> Result<StatsQuery, String> {
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        stats(&pairs, NOW).map_err(|e| e.message)
    }

    #[test]
    fn the_default_is_the_last_day_in_whole_minutes() {
        let query = ask(&[]).unwrap();
        let (from, to) = (query.range.from.unwrap(), query.range.to.unwrap());
        assert_eq!((from % MINUTE, to % MINUTE), (0, 0));
        assert!(to >= NOW && from <= NOW - DAY && to - from == DAY + MINUTE);
        assert!(query.group_by.is_empty() && query.bucket.is_none());
    }

    #[test]
    fn groups_filters_and_buckets() {
        let query = ask(&[
            ("group_by", "model, department"),
            ("group_by", "model"),
            ("model", "a"),
            ("model", "b"),
            ("bucket", "1h"),
        ])
        .unwrap();
        assert_eq!(query.group_by, [Dimension::Model, Dimension::Department]);
        assert_eq!(query.filters, [(Dimension::Model, vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(query.bucket, Some(60 * MINUTE));
    }

    #[test]
    fn every_dimension_is_a_parameter() {
        assert!(Dimension::ALL.iter().map(|d| d.as_str()).eq(DIMENSIONS.iter().map(|p| p.name)));
    }

    #[test]
    fn refusals_say_what_to_change() {
        let no = |pairs: &[(&str, &str)]| ask(pairs).unwrap_err();
        assert_eq!(
            no(&[("bucket", "90s")]),
            "parameter \"bucket\": \"90s\" is no whole number of minutes; write 1m, 15m, 1h or 1d"
        );
        assert_eq!(
            no(&[("bucket", "1m"), ("from", "30d")]),
            "parameter \"bucket\": 1m cuts the range into 43201 buckets, more than 10080; take wider ones or a shorter \
             range"
        );
        assert_eq!(
            no(&[("group_by", "user")]),
            "parameter \"group_by\": \"user\" is not one of project, model, provider, department, prompt_version, \
             status, key"
        );
        assert_eq!(no(&[("groupby", "model")]), "there is no parameter \"groupby\": did you mean \"group_by\"?");
    }
}
