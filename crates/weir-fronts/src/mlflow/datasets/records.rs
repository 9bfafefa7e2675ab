//! Records of datasets: they come as a text that holds a list, and go as one.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use weir_core::id::ExampleId;
use weir_core::json::{self, Kind};
use weir_store::catalog::{ExampleQuery, ExampleWrite};

use super::form::{self, record_id, to_id, to_record};
use super::{USER, existing, now};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Reply, reply};

/// Records of a page where the request names no number, and at most.
const RESULTS: i64 = 1_000;
const MOST_RESULTS: i64 = 50_000;
/// Where a record may be from.
const SOURCES: [&str; 5] = ["UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"];

pub(super) fn upsert(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Counts {
        inserted_count: i64,
        updated_count: i64,
    }
    let fields = args.fields();
    let records = fields.required("records")?;
    let wrong =
        || Refused::invalid("Invalid value for parameter 'records' supplied: it must be a JSON list of objects");
    let list = json::elements(records).ok_or_else(wrong)?;
    let records = list.into_iter().map(|record| read(&json::members(record).ok_or_else(wrong)?));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    let id = existing(front, args)?;
    let put = front.parts.catalog.put_examples(id, records, now(front))?;
    let put = put.ok_or_else(|| super::missing(args.path("dataset_id")))?;
    reply(&Counts { inserted_count: put.inserted, updated_count: put.updated })
}

pub(super) fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Page {
        records: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    let fields = args.fields();
    let limit = match fields.int("max_results")?.unwrap_or_default() {
        0 => RESULTS,
        given @ 1.. => given.min(MOST_RESULTS),
        given => {
            return Err(Refused::invalid(format!(
                "Invalid value {given} for parameter 'max_results' supplied. It must be a positive integer"
            )));
        }
    } as usize;
    let after = fields.text("page_token")?.filter(|token| !token.is_empty()).map(place).transpose()?;
    let Some(dataset) = to_id(args.path("dataset_id")) else {
        return reply(&Page { records: "[]".to_owned(), next_page_token: None });
    };
    let query = ExampleQuery { dataset, revision: None, after, limit: limit + 1 };
    let mut found = front.parts.catalog.examples(&query)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let token = |(at, id): (i64, ExampleId)| STANDARD.encode(format!("{at}:{}", record_id(id)));
    let next_page_token = found.last().filter(|_| more).map(|last| token((last.created_ms, last.id)));
    reply(&Page { records: form::records(dataset, &found), next_page_token })
}

pub(super) fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Count {
        deleted_count: i64,
    }
    let fields = args.fields();
    let ids: Vec<_> = fields.texts("dataset_record_ids")?.into_iter().filter_map(to_record).collect();
    let deleted_count = match to_id(args.path("dataset_id")) {
        Some(dataset) if !ids.is_empty() => front.parts.catalog.delete_examples(dataset, &ids, now(front))?,
        _ => 0,
    };
    reply(&Count { deleted_count })
}

/// A record as it was sent.
fn read(members: &[(Cow<'_, str>, &str)]) -> Result<ExampleWrite, Refused> {
    let part = |name: &str| members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| (*value).to_owned());
    let object = |name: &str| match part(name).filter(|part| part != "null") {
        Some(part) if json::kind(&part) != Kind::Object => {
            Err(Refused::invalid(format!("Invalid value for '{name}' of a record supplied: it must be an object")))
        }
        part => Ok(part),
    };
    if part("inputs").as_deref() == Some("null") {
        return Err(Refused::invalid("inputs must be provided"));
    }
    let metadata = object("tags")?;
    let user = metadata.as_deref().and_then(json::members).and_then(|tags| {
        let (_, user) = tags.into_iter().find(|(key, _)| key == USER)?;
        json::unquoted(user).map(Cow::into_owned)
    });
    Ok(ExampleWrite {
        inputs: object("inputs")?.unwrap_or_else(|| "{}".to_owned()),
        outputs: part("outputs"),
        expected: object("expectations")?,
        metadata,
        source: object("source")?.map(|source| from(&source)).transpose()?,
        user,
    })
}

/// Where a record is from, in the form in which it is shown.
fn from(source: &str) -> Result<String, Refused> {
    let members = json::members(source).unwrap_or_default();
    let part = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let kind = part("source_type").and_then(json::unquoted).unwrap_or_default().to_uppercase();
    if !SOURCES.contains(&kind.as_str()) {
        let valid: Vec<_> = SOURCES.iter().map(|source| format!("'{source}'")).collect();
        return Err(Refused::invalid(format!(
            "Invalid dataset record source type: {kind}. Valid source types: [{}]",
            valid.join(", ")
        )));
    }
    let data = part("source_data").filter(|data| json::kind(data) == Kind::Object).unwrap_or("{}");
    Ok(json::object([("source_type", json::quoted(&kind).as_str()), ("source_data", data)]))
}

/// The record that a page token stands for.
fn place(token: &str) -> Result<(i64, ExampleId), Refused> {
    let text = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.as_deref().and_then(|text| text.split_once(':'));
    let place = place.and_then(|(at, id)| Some((at.parse().ok()?, to_record(id)?)));
    place.ok_or_else(|| Refused::invalid("Invalid page token, could not base64-decode"))
}
