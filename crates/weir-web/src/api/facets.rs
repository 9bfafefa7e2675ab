//! `/api/v1/calls/facets`: how often values occur, for side bars and completions.
//!
//! Dimensions that rollups know are counted over the whole range where only such are filtered by; everything else over the
//! newest calls, up to a bound, and the answer says so.

use axum::extract::State;
use axum::response::Response;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::error::Error;
use weir_core::time::{DAY, Micros, to_rfc3339};
use weir_store::telemetry::{Dimension, SpanQuery, StatsQuery, StoreError, Telemetry, TimeRange};

use super::calls_query::{self, FILTERS, RANGE};
use super::facets_count::{Counts, field};
use super::facets_json::{FacetJson, FacetsAnswer};
use super::params::{self, Pairs, Param};
use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;
use super::text::{TEXT, Words};

/// Calls that are counted one by one.
const SAMPLE: usize = 2_000;
/// Calls that are read at once.
const PIECE: usize = 1_000;
/// Values of a field where nothing is said.
const USUAL: usize = 12;
/// Most values of a field.
const MOST: usize = 100;

static LIMIT: Param = Param { name: "limit", about: "Values of a field, 1 to 100. Default: 12", repeats: false };

/// The parameters, for the OpenAPI document.
pub(super) struct FacetParams;

impl IntoParams for FacetParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(known())
    }
}

fn known() -> impl Iterator<Item = &'static Param> + Clone {
    FILTERS.iter().map(|(p, _)| p).chain(&RANGE).chain([&TEXT, &LIMIT])
}

/// How often the values of each field occur among the calls that the parameters of the list select.
///
/// Without `from` the last 24 hours before `to` count.
#[utoipa::path(
    get,
    path = "/api/v1/calls/facets",
    operation_id = "getFacets",
    tag = "calls",
    params(FacetParams),
    responses(
        (status = 200, description = "The fields with their values", body = FacetsAnswer),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    Ok(json(shared.reads.json(move |store| get_facets(store, &pairs, now)).await?))
}

/// The answer.
///
/// # Errors
/// A wrong parameter, or a store that cannot answer.
pub(super) fn get_facets(store: &dyn Telemetry, pairs: &Pairs, now: Micros) -> Result<FacetsAnswer, Error> {
    params::check(pairs, known(), true)?;
    let limit = match params::one(pairs, LIMIT.name) {
        None => USUAL,
        Some(text) => text.parse().ok().filter(|n| (1..=MOST).contains(n)).ok_or_else(|| {
            Error::invalid("limit", format!("parameter \"limit\": \"{text}\" is no whole number from 1 to {MOST}"))
        })?,
    };
    let selecting: Vec<(String, String)> = pairs.iter().filter(|(name, _)| name != LIMIT.name).cloned().collect();
    let mut query = calls_query::list(&selecting, now)?;
    let to = query.range.to.unwrap_or(now);
    let from = query.range.from.unwrap_or(to.saturating_sub(DAY));
    query.range = TimeRange { from: Some(from), to: Some(to) };
    let (counts, complete) = sample(store, query, &Words::of(pairs)?)?;
    let counted = counts.spans;
    let mut fields = counts.into_fields(limit);
    if let Some(filters) = dimensions(pairs) {
        for exact in whole(store, TimeRange { from: Some(from), to: Some(to) }, &filters, limit)?.into_iter().flatten()
        {
            match fields.iter_mut().find(|f| f.name == exact.name) {
                Some(held) => *held = exact,
                None => fields.push(exact),
            }
        }
    }
    Ok(FacetsAnswer { from: to_rfc3339(from), to: to_rfc3339(to), fields, counted, complete })
}

/// Counts the newest calls one by one; whether these were all.
fn sample(store: &dyn Telemetry, mut query: SpanQuery, words: &Words) -> Result<(Counts, bool), Error> {
    let mut counts = Counts::default();
    query.limit = PIECE;
    let mut looked_at = 0;
    while looked_at < SAMPLE {
        let page =
            if words.is_empty() { store.spans(&query).map_err(refusal)? } else { words.search(store, &query)?.page };
        looked_at += if words.is_empty() { page.spans.len() } else { SAMPLE };
        page.spans.iter().for_each(|span| counts.add(span));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return Ok((counts, true));
        }
    }
    Ok((counts, false))
}

type Filters = Vec<(Dimension, Vec<String>)>;

/// The filters as rollups know them; nothing where something else is filtered by.
fn dimensions(pairs: &Pairs) -> Option<Filters> {
    let mut filters: Filters = Vec::new();
    for (name, value) in pairs {
        if name == LIMIT.name || RANGE.iter().any(|p| p.name == name) {
            continue;
        }
        let dimension = Dimension::parse(name)?;
        match filters.iter_mut().find(|(held, _)| *held == dimension) {
            Some((_, values)) => values.push(value.clone()),
            None => filters.push((dimension, vec![value.clone()])),
        }
    }
    Some(filters)
}

/// The values of every dimension over the whole range, each without what it is itself filtered by; nothing for one that
/// the store cannot say.
fn whole(
    store: &dyn Telemetry,
    range: TimeRange,
    filters: &Filters,
    limit: usize,
) -> Result<Vec<Option<FacetJson>>, Error> {
    let one = |dimension: &Dimension| {
        let others = filters.iter().filter(|(held, _)| held != dimension).cloned().collect();
        let query = StatsQuery { range, filters: others, group_by: vec![*dimension], bucket: None };
        let stats = match store.stats(&query) {
            Ok(stats) => stats,
            Err(StoreError::Unsupported(_)) => return Ok(None),
            Err(other) => return Err(refusal(other)),
        };
        let value = |values: &[Option<String>]| values.first().cloned().flatten();
        let values: Vec<_> = stats
            .groups
            .iter()
            .filter_map(|g| Some((value(&g.values)?, g.total.count)))
            .filter(|(_, n)| *n > 0)
            .collect();
        Ok((!values.is_empty()).then(|| field(dimension.as_str().to_owned(), true, values, limit)))
    };
    Dimension::ALL.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    const NOW: Micros = 1_763_683_200_000_000;

    fn ask(store: &Fake, query: &str) -> Result<FacetsAnswer, String> {
        let pairs: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        get_facets(store, &pairs, NOW).map_err(|e| e.message)
    }

    #[test]
    fn the_filters_of_the_list_select_what_is_counted() {
        let store = Fake::default();
        for n in 0..3 {
            store.add("gpt-4o", &format!("req-{n}"));
        }
        store.add("llama", "req-9");
        let of = |answer: &FacetsAnswer, name: &str| {
            let values = answer.fields.iter().find(|f| f.name == name).map(|f| f.values.clone()).unwrap_or_default();
            values.into_iter().map(|v| (v.value, v.count)).collect::<Vec<_>>()
        };
        let all = ask(&store, "").unwrap();
        assert_eq!(of(&all, "model"), [("gpt-4o".to_owned(), 3), ("llama".to_owned(), 1)]);
        assert_eq!((all.counted, all.complete), (4, true));
        let one = ask(&store, "request_id=req-9").unwrap();
        assert_eq!(of(&one, "model"), [("llama".to_owned(), 1)]);
        assert_eq!(of(&ask(&store, "text=hello&model=llama").unwrap(), "kind"), [("llm".to_owned(), 1)]);
    }

    #[test]
    fn only_dimensions_are_counted_from_rollups() {
        let pairs = |name: &str| vec![(name.to_owned(), "x".to_owned()), ("from".to_owned(), "7d".to_owned())];
        assert_eq!(dimensions(&pairs("model")), Some(vec![(Dimension::Model, vec!["x".to_owned()])]));
        assert_eq!(dimensions(&pairs("user")), None);
        assert_eq!(dimensions(&pairs("kind")), None);
    }

    #[test]
    fn refusals_say_what_to_change() {
        let store = Fake::default();
        assert_eq!(ask(&store, "limit=0").unwrap_err(), "parameter \"limit\": \"0\" is no whole number from 1 to 100");
        assert!(ask(&store, "order=cost").unwrap_err().starts_with("there is no parameter \"order\""));
    }
}
