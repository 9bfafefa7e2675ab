//! Evaluation datasets over Weir's datasets.

mod form;
mod records;

use http::Method;
use serde::Serialize;
use serde_json::{Map, Value};
use weir_core::access::Role;
use weir_core::id::DatasetId;
use weir_store::catalog::{DatasetQuery, DatasetRecord, NewDataset};

use super::errors::Refused;
use super::filter::{self, CollectionName, FieldName, Kind, Vocabulary, nothing_special};
use super::front::Front;
use super::routes::Endpoint;
use super::wire::{Args, Fields, Reply, next_token, offset, reply};
use form::{Form, to_id};

const ONE: &str = "/3.0/mlflow/datasets/{dataset_id}";
const RECORDS: &str = "/3.0/mlflow/datasets/{dataset_id}/records";
const TAGS: &str = "/3.0/mlflow/datasets/{dataset_id}/tags";
const TAG: &str = "/3.0/mlflow/datasets/{dataset_id}/tags/{key}";
const SEARCH: &str = "/3.0/mlflow/datasets/search";
const PROJECTS: &str = "/3.0/mlflow/datasets/{dataset_id}/experiment-ids";
const ADD: &str = "/3.0/mlflow/datasets/{dataset_id}/add-experiments";
const REMOVE: &str = "/3.0/mlflow/datasets/{dataset_id}/remove-experiments";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint { method: Method::POST, path: "/3.0/mlflow/datasets/create", role: Role::Write, handle: create },
    Endpoint { method: Method::POST, path: SEARCH, role: Role::Read, handle: search },
    Endpoint { method: Method::GET, path: SEARCH, role: Role::Read, handle: search },
    Endpoint { method: Method::GET, path: ONE, role: Role::Read, handle: get },
    Endpoint { method: Method::DELETE, path: ONE, role: Role::Write, handle: delete },
    Endpoint { method: Method::PATCH, path: TAGS, role: Role::Write, handle: set_tags },
    Endpoint { method: Method::DELETE, path: TAG, role: Role::Write, handle: delete_tag },
    Endpoint { method: Method::POST, path: RECORDS, role: Role::Write, handle: records::upsert },
    Endpoint { method: Method::GET, path: RECORDS, role: Role::Read, handle: records::get },
    Endpoint { method: Method::DELETE, path: RECORDS, role: Role::Write, handle: records::delete },
    Endpoint { method: Method::GET, path: PROJECTS, role: Role::Read, handle: experiment_ids },
    Endpoint { method: Method::POST, path: ADD, role: Role::Write, handle: add_experiments },
    Endpoint { method: Method::POST, path: REMOVE, role: Role::Write, handle: remove_experiments },
];

/// The tag that says who does something.
const USER: &str = "mlflow.user";
/// Longest name, in characters.
const NAME: usize = 255;
/// Results of a page where the request names no number, and at most.
const RESULTS: i64 = 1_000;
const MOST_RESULTS: i64 = 50_000;

const VOCABULARY: Vocabulary = Vocabulary {
    fields: &[
        field(&["name"], "name", Kind::TextOrList, true),
        field(&["created_time"], "created_ms", Kind::Number, true),
        field(&["last_update_time"], "updated_ms", Kind::Number, true),
        field(&["created_by"], "created_by", Kind::Text, false),
        field(&["last_updated_by"], "updated_by", Kind::Text, false),
    ],
    own: &[],
    collections: &[CollectionName { names: &["tags"], collection: "tags", kind: Kind::Text, orders: false }],
    related: &[],
    special: nothing_special,
};

const fn field(names: &'static [&'static str], field: &'static str, kind: Kind, orders: bool) -> FieldName {
    FieldName { names, field, kind, filters: true, orders }
}

#[derive(Serialize)]
struct Answer<'a> {
    dataset: Form<'a>,
}

#[derive(Serialize)]
struct Found<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    datasets: Vec<Form<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

fn create(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = fields.required("name")?;
    if name.chars().count() > NAME {
        return Err(Refused::invalid(format!("Dataset name exceeds the maximum length of {NAME} characters")));
    }
    let tags = tags(&fields)?.unwrap_or_default();
    let tags = tags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    let new = NewDataset { name: name.to_owned(), tags, projects: projects(&fields)?, user: None, now_ms: now(front) };
    let user = new.tags.get(USER).cloned();
    let dataset = front.parts.catalog.create_dataset(&NewDataset { user, ..new.clone() })?;
    reply(&Answer { dataset: Form::of(&dataset, &new.projects) })
}

fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    reply(&Answer { dataset: Form::of(&named(front, args)?, &[]) })
}

fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    // What is not there is deleted already.
    if let Some(id) = to_id(args.path("dataset_id")) {
        front.parts.catalog.delete_dataset(id)?;
    }
    Ok(Reply::empty())
}

fn search(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let limit = match fields.int("max_results")?.unwrap_or_default() {
        0 => RESULTS,
        given @ 1..=MOST_RESULTS => given,
        given => {
            return Err(Refused::invalid(format!(
                "Invalid value {given} for parameter 'max_results' supplied. It must be a positive integer of at most \
                 {MOST_RESULTS}"
            )));
        }
    } as usize;
    let from = offset(fields.text("page_token")?)?;
    let mut found = front.parts.catalog.search_datasets(&DatasetQuery {
        projects: projects(&fields)?,
        conditions: filter::conditions(fields.text("filter_string")?.unwrap_or_default(), &VOCABULARY)?,
        order: filter::order(&fields.texts("order_by")?, &VOCABULARY)?,
        offset: from,
        limit: limit + 1,
    })?;
    let next_page_token = (found.len() > limit).then(|| next_token(from + limit as u64));
    found.truncate(limit);
    reply(&Found { datasets: found.iter().map(|dataset| Form::of(dataset, &[])).collect(), next_page_token })
}

fn set_tags(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let tags = tags(&fields)?.ok_or_else(|| fields.absent("tags"))?;
    // A tag of no value is left as it is, as MLflow leaves it.
    let tags: Vec<_> = tags.into_iter().filter(|(_, value)| value.is_some()).collect();
    let name = args.path("dataset_id");
    let set = match to_id(name) {
        Some(id) => front.parts.catalog.tag_dataset(id, &tags)?,
        None => false,
    };
    if set {
        return Ok(Reply::empty());
    }
    Err(Refused::missing(format!("Could not find evaluation dataset with ID {name}")))
}

fn delete_tag(front: &Front, args: &Args) -> Result<Reply, Refused> {
    if let Some(id) = to_id(args.path("dataset_id")) {
        front.parts.catalog.tag_dataset(id, &[(args.path("key").to_owned(), None)])?;
    }
    Ok(Reply::empty())
}

fn experiment_ids(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Ids {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        experiment_ids: Vec<String>,
    }
    let ids = match to_id(args.path("dataset_id")) {
        Some(id) => front.parts.catalog.dataset_projects(id)?,
        None => Vec::new(),
    };
    reply(&Ids { experiment_ids: ids.iter().map(i64::to_string).collect() })
}

fn add_experiments(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let projects = projects(&args.fields())?;
    link(front, args, &projects, true)
}

fn remove_experiments(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let projects = projects(&args.fields())?;
    link(front, args, &projects, false)
}

fn link(front: &Front, args: &Args, projects: &[i64], linked: bool) -> Result<Reply, Refused> {
    let name = args.path("dataset_id");
    let missing = || Refused::missing(format!("Dataset '{name}' not found"));
    let id = to_id(name).ok_or_else(missing)?;
    if linked && front.parts.catalog.dataset(id)?.is_some() {
        for project in projects {
            if front.parts.catalog.project(*project)?.is_none() {
                return Err(Refused::missing(format!("No Experiment with id={project}")));
            }
        }
    }
    let dataset = front.parts.catalog.link_dataset(id, projects, linked, now(front))?.ok_or_else(missing)?;
    reply(&Answer { dataset: Form::of(&dataset, &[]) })
}

/// The dataset that a path names.
fn named(front: &Front, args: &Args) -> Result<DatasetRecord, Refused> {
    let name = args.path("dataset_id");
    let found = match to_id(name) {
        Some(id) => front.parts.catalog.dataset(id)?,
        None => None,
    };
    found.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refused {
    Refused::missing(format!("Evaluation dataset with id '{name}' not found"))
}

fn existing(front: &Front, args: &Args) -> Result<DatasetId, Refused> {
    named(front, args).map(|dataset| dataset.id)
}

/// Experiments that a request names.
fn projects(fields: &Fields<'_>) -> Result<Vec<i64>, Refused> {
    let number = |text: &str| {
        text.parse().map_err(|_| {
            Refused::invalid(format!("Invalid experiment ID '{text}'. Experiment ID must be a valid integer."))
        })
    };
    fields.texts("experiment_ids")?.into_iter().map(number).collect()
}

/// Keys with their values; none is null.
type Tags = Vec<(String, Option<String>)>;

/// Tags, which are sent as a text of JSON; null has no value.
fn tags(fields: &Fields<'_>) -> Result<Option<Tags>, Refused> {
    let Some(text) = fields.text("tags")?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = |e: String| Refused::invalid(format!("Invalid value for parameter 'tags' supplied: {e}"));
    let tags: Option<Map<String, Value>> = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
    let value = |value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        other => Some(other.to_string()),
    };
    Ok(tags.map(|tags| tags.into_iter().map(|(key, v)| (key, value(v))).collect()))
}

fn now(front: &Front) -> i64 {
    front.parts.clock.now().div_euclid(1_000)
}
