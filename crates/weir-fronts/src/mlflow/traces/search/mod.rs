//! `POST traces/search`: the whole grammar, evaluated over assembled traces.
//!
//! Newest first, traces are looked through as they stand in the store, a page of them at a time, and a page token is the place
//! where it ended; in any other order all that match are sorted, up to a bound. A request looks at so many traces; then it
//! answers with what it has found and a token to go on, or, where it would have to sort, asks for a narrower range.

mod evaluate;
mod sorted;
mod spans;
mod token;
mod vocabulary;

use serde::Serialize;
use weir_core::query::{Sort, Target};
use weir_store::traces::{HeadQuery, Place};

use super::info::TraceInfo;
use super::{assemble, experiments, id};
use crate::mlflow::errors::Refused;
use crate::mlflow::filter;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, reply};
pub(super) use evaluate::{Filter, Found};
use vocabulary::TRACES;

/// Most traces of a page, and how many it has where nothing is said.
const MOST: i64 = 500;
const USUAL: i64 = 100;
/// Heads that are looked at together.
const AT_ONCE: usize = 1_000;
/// Most traces that one request looks at; where their spans are read, fewer.
const LOOKED_AT: usize = 200_000;
const LOOKED_INTO: usize = 20_000;

#[derive(Serialize)]
struct Page {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    traces: Vec<TraceInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

pub(super) fn search(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let locations = fields.objects("locations")?;
    if locations.is_empty() {
        return Err(fields.absent("locations"));
    }
    let mut experiments = Vec::new();
    for location in locations {
        if let Some(experiment) = location.object("mlflow_experiment")? {
            experiments.push(experiment.required("experiment_id")?);
        }
    }
    let (traces, next_page_token) = find(front, &fields, &experiments)?;
    reply(&Page { traces, next_page_token })
}

/// What a request looks for: filter, order and page are its members.
pub(super) fn find(
    front: &Front,
    fields: &Fields<'_>,
    experiments: &[&str],
) -> Result<(Vec<TraceInfo>, Option<String>), Refused> {
    let most = fields.int("max_results")?.unwrap_or(USUAL);
    if most > MOST {
        return Err(Refused::invalid(format!(
            "Invalid value {most} for parameter 'max_results' supplied. It must be at most {MOST}, but got value {most}"
        )));
    }
    if most < 1 {
        return Err(Refused::invalid(format!(
            "Invalid value {most} for parameter 'max_results' supplied. It must be a positive integer"
        )));
    }
    let most = usize::try_from(most).unwrap_or_default();
    let mut filter = filter(front, fields.text("filter")?.unwrap_or_default())?;
    let order = filter::order(&fields.texts("order_by")?, &TRACES)?;
    order.iter().for_each(|sort| filter.asks(&sort.target));
    let token = fields.text("page_token")?.filter(|token| !token.is_empty());
    let mut projects = Vec::new();
    for experiment in experiments {
        projects.extend(experiments::project(front, experiment)?.map(|project| project.key));
    }
    let walk = Walk { front, filter: &filter, projects };
    let (found, next) = if let Some(named) = filter.named() {
        sorted::page(walk.named(&named)?, &order, token, most)?
    } else if is_newest_first(&order) {
        walk.newest(token.map(token::read).transpose()?, most)?
    } else {
        sorted::page(walk.all()?, &order, token, most)?
    };
    let heads = found.into_iter().map(|found| found.head).collect();
    Ok((assemble::infos(front, heads)?, next))
}

/// A filter of the language of searches.
pub(super) fn filter(front: &Front, text: &str) -> Result<Filter, Refused> {
    Filter::new(front, filter::conditions(text, &TRACES)?)
}

/// Whether an order is the one in which traces stand.
fn is_newest_first(order: &[Sort]) -> bool {
    let by_time = |sort: &Sort| sort.target == Target::Field("at") && sort.descending;
    let by_id = |sort: &Sort| sort.target == Target::Field("id") && !sort.descending;
    match order {
        [] => true,
        [time] => by_time(time),
        [time, id] => by_time(time) && by_id(id),
        _ => false,
    }
}

/// Looks through the traces of some projects.
pub(super) struct Walk<'a> {
    pub(super) front: &'a Front,
    pub(super) filter: &'a Filter,
    pub(super) projects: Vec<String>,
}

impl Walk<'_> {
    fn query(&self, after: Option<Place>, limit: usize) -> HeadQuery {
        let (from_ms, to_ms) = self.filter.range();
        HeadQuery { projects: self.projects.clone(), from_ms, to_ms, after, limit }
    }

    fn bound(&self) -> usize {
        if self.filter.needs.spans { LOOKED_INTO } else { LOOKED_AT }
    }

    /// The next ones from a place on, newest first.
    fn newest(&self, mut after: Option<Place>, most: usize) -> Result<(Vec<Found>, Option<String>), Refused> {
        let mut kept: Vec<Found> = Vec::new();
        let mut looked_at = 0;
        loop {
            // Without conditions every trace counts.
            let limit = (most + 1 - kept.len()).clamp(1, AT_ONCE);
            let heads = self.front.parts.traces.list_traces(&self.query(after, limit))?;
            looked_at += heads.len();
            let is_last = heads.len() < limit;
            after = heads.last().map(|head| Place { at_ms: head.at_ms, id: head.id }).or(after);
            kept.extend(self.filter.keep(self.front, heads)?);
            if kept.len() > most {
                kept.truncate(most);
                let last = kept.last().map(|found| Place { at_ms: found.head.at_ms, id: found.head.id });
                return Ok((kept, last.map(token::print)));
            }
            if is_last {
                return Ok((kept, None));
            }
            if looked_at >= self.bound() {
                return Ok((kept, after.map(token::print)));
            }
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Result<Vec<Found>, Refused> {
        let (mut kept, mut looked_at, mut after) = (Vec::new(), 0, None);
        loop {
            let heads = self.front.parts.traces.list_traces(&self.query(after, AT_ONCE))?;
            looked_at += heads.len();
            let is_last = heads.len() < AT_ONCE;
            after = heads.last().map(|head| Place { at_ms: head.at_ms, id: head.id });
            kept.extend(self.filter.keep(self.front, heads)?);
            if is_last {
                return Ok(kept);
            }
            if looked_at >= self.bound() {
                return Err(Refused::invalid(format!(
                    "More than {} traces would have to be sorted: narrow the filter by timestamp_ms, or order by \
                     timestamp_ms DESC.",
                    self.bound()
                )));
            }
        }
    }

    /// Those of the named traces that are in the projects.
    fn named(&self, named: &[&str]) -> Result<Vec<Found>, Refused> {
        let ids: Vec<_> = named.iter().map(|named| id::read(named).0).collect();
        let heads = self.front.parts.traces.trace_heads(&ids)?.into_iter().flatten().collect();
        let mut found = self.filter.keep(self.front, heads)?;
        let mut wanted = Vec::new();
        for key in &self.projects {
            wanted.extend(self.front.parts.catalog.project_of_key(key)?.map(|project| project.number.to_string()));
        }
        found.retain(|found| wanted.contains(&found.info.experiment_id));
        Ok(found)
    }
}
