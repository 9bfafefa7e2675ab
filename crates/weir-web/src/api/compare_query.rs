//! From the parameters of `/api/v1/prompts/{name}/compare` to what is read from the store.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::error::Error;
use weir_core::filter::{Field, Filter};
use weir_core::span::SpanKind;
use weir_core::time::{DAY, Micros};
use weir_store::telemetry::TimeRange;

use super::params::{self, Pairs, Param};

/// How far back is looked where nothing is said.
const DEFAULT_RANGE: Micros = 30 * DAY;
/// Most versions that may be named.
const MAX_NAMED: usize = 100;

static PARAMS: [Param; 4] = [
    Param {
        name: "from",
        about: "Started at or after: RFC 3339, a date, a Unix time, or a time ago (`-24h`, `7d`). Default: 30 days \
                before `to`. Where somebody looks again and again, name a fixed start: what falls out of a moving \
                range is not seen twice",
        repeats: false,
    },
    Param { name: "to", about: "Started before; written as `from`. Default: now", repeats: false },
    Param {
        name: "baseline",
        about: "The version that the others are compared with. Default: the one with the most calls",
        repeats: false,
    },
    Param {
        name: "versions",
        about: "Only these versions, separated by commas; the baseline is always among them. Default: all",
        repeats: true,
    },
];

/// The parameters, for the OpenAPI document.
pub(super) struct CompareParams;

impl IntoParams for CompareParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(PARAMS.iter())
    }
}

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CompareQuery {
    /// First instant inside and first instant after.
    pub(super) from: Micros,
    /// See `from`.
    pub(super) to: Micros,
    /// The calls of the prompt.
    pub(super) filter: Filter,
    /// The version asked for as the baseline.
    pub(super) baseline: Option<String>,
}

impl CompareQuery {
    pub(super) fn range(&self) -> TimeRange {
        TimeRange { from: Some(self.from), to: Some(self.to) }
    }
}

/// The query. `now` is what relative times and the default range count from.
///
/// # Errors
/// A 400 that names the parameter at fault.
pub(super) fn query(prompt: &str, pairs: &Pairs, now: Micros) -> Result<CompareQuery, Error> {
    params::check(pairs, PARAMS.iter(), false)?;
    let to = params::instant(pairs, "to", now)?.unwrap_or(now);
    let from = params::instant(pairs, "from", now)?.unwrap_or(to.saturating_sub(DEFAULT_RANGE));
    if from > to {
        return Err(Error::invalid("to", "parameter \"to\" lies before \"from\": exchange them"));
    }
    let baseline = params::one(pairs, "baseline").map(str::to_owned);
    let named =
        params::all(pairs, "versions").flat_map(|list| list.split(',')).map(str::trim).filter(|v| !v.is_empty());
    let mut versions: Vec<&str> = named.collect();
    if !versions.is_empty() {
        versions.extend(baseline.as_deref());
    }
    versions.sort_unstable();
    versions.dedup();
    if versions.len() > MAX_NAMED {
        return Err(Error::invalid(
            "versions",
            format!("parameter \"versions\" names {} versions: name at most {MAX_NAMED}", versions.len()),
        ));
    }
    let kind = |kind: SpanKind| Filter::eq(Field::Kind, kind.as_str());
    let mut parts =
        vec![Filter::eq(Field::PromptName, prompt), Filter::Or(vec![kind(SpanKind::Llm), kind(SpanKind::Embedding)])];
    if !versions.is_empty() {
        parts.push(Filter::Or(versions.into_iter().map(|v| Filter::eq(Field::PromptVersion, v)).collect()));
    }
    Ok(CompareQuery { from, to, filter: Filter::And(parts), baseline })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = 1_763_683_230_000_000;

    fn ask(pairs: &[(&str, &str)]) -> Result<CompareQuery, String> {
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        query("greet", &pairs, NOW).map_err(|e| e.message)
    }

    #[test]
    fn the_default_is_every_version_of_thirty_days() {
        let found = ask(&[]).unwrap();
        assert_eq!((found.from, found.to, found.baseline), (NOW - 30 * DAY, NOW, None));
        let Filter::And(parts) = found.filter else { panic!() };
        assert_eq!((parts.len(), &parts[0]), (2, &Filter::eq(Field::PromptName, "greet")));
    }

    #[test]
    fn named_versions_always_hold_the_baseline() {
        let found = ask(&[("versions", "v3, v2"), ("versions", "v2"), ("baseline", "v1")]).unwrap();
        let Filter::And(parts) = found.filter else { panic!() };
        let version = |v: &str| Filter::eq(Field::PromptVersion, v);
        assert_eq!(parts[2], Filter::Or(vec![version("v1"), version("v2"), version("v3")]));
        // A baseline alone leaves nothing out.
        let Filter::And(parts) = ask(&[("baseline", "v1")]).unwrap().filter else { panic!() };
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn refusals_say_what_to_change() {
        assert_eq!(ask(&[("base", "v1")]).unwrap_err(), "there is no parameter \"base\": did you mean \"baseline\"?");
        assert!(ask(&[("from", "1h"), ("to", "2h")]).unwrap_err().contains("exchange"));
        let many: Vec<String> = (0..101).map(|n| format!("v{n}")).collect();
        assert!(ask(&[("versions", &many.join(","))]).unwrap_err().contains("at most 100"));
    }
}
