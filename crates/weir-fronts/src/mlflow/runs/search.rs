//! `runs/search`.

use serde::Serialize;
use weir_store::catalog::{Run, RunQuery};

use super::form::RunForm;
use crate::mlflow::calls;
use crate::mlflow::errors::Refused;
use crate::mlflow::experiments;
use crate::mlflow::filter::{self, CollectionName, FieldName, Kind, Vocabulary};
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Reply, next_token, offset, reply, run_after, token_after};

const MOST: i64 = 50_000;
const USUAL: i64 = 1_000;
/// Experiments that are searched at once.
const MAX_EXPERIMENTS: usize = 10_000;

/// What a search of runs knows.
pub(super) const RUNS: Vocabulary = Vocabulary {
    fields: &[
        FieldName { names: &["run_id"], field: "run_id", kind: Kind::TextOrList, filters: true, orders: true },
        FieldName {
            names: &["run_name", "run name", "Run name", "Run Name"],
            field: "run_name",
            kind: Kind::Text,
            filters: true,
            orders: true,
        },
        FieldName { names: &["status"], field: "status", kind: Kind::Text, filters: true, orders: true },
        FieldName { names: &["user_id"], field: "user_id", kind: Kind::Text, filters: true, orders: true },
        FieldName { names: &["artifact_uri"], field: "artifact_uri", kind: Kind::Text, filters: true, orders: true },
        FieldName {
            names: &["start_time", "created", "Created"],
            field: "start_time",
            kind: Kind::Number,
            filters: true,
            orders: true,
        },
        FieldName { names: &["end_time"], field: "end_time", kind: Kind::Number, filters: true, orders: true },
    ],
    own: &["attribute", "attributes", "attr", "run"],
    collections: &[
        CollectionName { names: &["metric", "metrics"], collection: "metrics", kind: Kind::Number, orders: true },
        CollectionName {
            names: &["parameter", "parameters", "param", "params"],
            collection: "params",
            kind: Kind::Entry,
            orders: true,
        },
        CollectionName { names: &["tag", "tags"], collection: "tags", kind: Kind::Entry, orders: true },
    ],
    related: &[(&["dataset", "datasets"], "datasets", &["name", "digest", "context"])],
    special: filter::nothing_special,
};

pub(super) fn search(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    if let Some(one @ serde_json::Value::String(_)) = fields.get("experiment_ids")? {
        return Err(fields.wrong("experiment_ids", one));
    }
    let ids = fields.texts("experiment_ids")?;
    if ids.len() > MAX_EXPERIMENTS {
        return Err(Refused::invalid(format!("At most {MAX_EXPERIMENTS} experiments can be searched at once.")));
    }
    let projects = ids.into_iter().map(experiments::parse_id).collect::<Result<Vec<_>, _>>()?;
    let limit = fields.int("max_results")?.unwrap_or(USUAL);
    if limit > MOST {
        return Err(fields.wrong("max_results", &limit.into()));
    }
    if limit < 1 {
        return Err(Refused::invalid(format!(
            "Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer"
        )));
    }
    let query = RunQuery {
        projects,
        stage: experiments::stage(&fields, "run_view_type")?,
        conditions: filter::conditions(fields.text("filter")?.unwrap_or_default(), &RUNS)?,
        order: filter::order(&fields.texts("order_by")?, &RUNS)?,
        offset: 0,
        limit: limit as usize,
    };
    let page = page(front, query, fields.text("page_token")?)?;
    #[derive(Serialize)]
    struct Answer<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        runs: Vec<RunForm<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    reply(&Answer { runs: page.runs.iter().map(RunForm::of).collect(), next_page_token: page.next })
}

/// A page, and the token of the one behind it.
struct Page {
    runs: Vec<Run>,
    next: Option<String>,
}

fn page(front: &Front, mut query: RunQuery, token: Option<&str>) -> Result<Page, Refused> {
    let calls = calls::known_project(front)?.filter(|calls| query.projects.contains(&calls.number));
    let Some(calls) = calls else {
        query.offset = offset(token)?;
        let page = front.parts.catalog.search_runs(&query)?;
        let next = page.more.then(|| next_token(query.offset.saturating_add(query.limit as u64)));
        return Ok(Page { runs: page.runs, next });
    };
    let after = match token.and_then(run_after) {
        Some(after) => Some(after),
        None => {
            query.offset = offset(token)?;
            None
        }
    };
    let page = calls::search(front, &query, &calls, after)?;
    let next = page.more.then(|| match page.after {
        Some((start_ms, id)) => token_after(start_ms, id),
        None => next_token(query.offset.saturating_add(query.limit as u64)),
    });
    Ok(Page { runs: page.runs, next })
}
