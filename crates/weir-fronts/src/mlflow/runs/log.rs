//! One param, metric point or tag at a time.

use weir_store::catalog::{Batch, NewPoint, Point, PointOfModel, RunProblem};

use super::{parse_id, refused, run_id};
use crate::mlflow::calls;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::names::{MAX_KEY, MAX_PARAM, MAX_TAG, check_key, check_length, cut, invalid};
use crate::mlflow::wire::{Args, Fields, Reply};

pub(super) fn metric(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = run_id(&fields)?;
    let key = fields.required("key")?;
    let value = fields.double("value")?.ok_or_else(|| fields.absent("value"))?;
    let (timestamp_ms, step) = (fields.required_int("timestamp")?, fields.int("step")?.unwrap_or_default());
    let new = NewPoint { key: key.to_owned(), point: Point { timestamp_ms, step, value }, model: of_model(&fields)? };
    check_point(&new.key, &new.point, "")?;
    store(front, id, Batch { metrics: vec![new], ..Batch::default() })
}

/// The logged model that a point is about.
pub(super) fn of_model(fields: &Fields<'_>) -> Result<Option<PointOfModel>, Refused> {
    let text = |name| Ok::<_, Refused>(fields.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned));
    let Some(model) = text("model_id")? else { return Ok(None) };
    Ok(Some(PointOfModel { model, dataset_name: text("dataset_name")?, dataset_digest: text("dataset_digest")? }))
}

/// Refuses a point that MLflow refuses. `place` is what stands before names in messages: `metrics[0].`.
pub(super) fn check_point(key: &str, point: &Point, place: &str) -> Result<(), Refused> {
    // The place is only put together for a message.
    if let Err(refused) = check_key(key, "name") {
        return if place.is_empty() { Err(refused) } else { check_key(key, &format!("{place}name")) };
    }
    if point.timestamp_ms < 0 {
        return Err(Refused::invalid(format!(
            "Invalid value {} for parameter '{place}timestamp' supplied: metric '{key}' (value={}). Timestamp must be a \
             nonnegative long (64-bit integer) ",
            point.timestamp_ms, point.value
        )));
    }
    check_length("Metric name", MAX_KEY, key)
}

pub(super) fn param(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = run_id(&fields)?;
    let (key, value) = checked_param(fields.required("key")?, fields.text("value")?.unwrap_or_default(), "")?;
    match write(front, id, Batch { params: vec![(key, value)], ..Batch::default() })? {
        Ok(()) => Ok(Reply::empty()),
        Err(RunProblem::Params(conflicts)) => Err(match conflicts.first() {
            Some(c) => Refused::invalid(format!(
                "Changing param values is not allowed. Param with key='{}' was already logged with value='{}' for run \
                 ID='{id}'. Attempted logging new value '{}'.",
                c.key, c.old, c.new
            )),
            None => refused(RunProblem::Params(conflicts), id),
        }),
        Err(problem) => Err(refused(problem, id)),
    }
}

/// A param as it is stored: the value cut.
pub(super) fn checked_param(key: &str, value: &str, place: &str) -> Result<(String, String), Refused> {
    check_key(key, &format!("{place}key"))?;
    check_length("Param key", MAX_KEY, key)?;
    Ok((key.to_owned(), cut(value, MAX_PARAM).to_owned()))
}

pub(super) fn set_tag(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = run_id(&fields)?;
    let tag = checked_tag(fields.required("key")?, fields.text("value")?.unwrap_or_default(), "")?;
    store(front, id, Batch { tags: vec![tag], ..Batch::default() })
}

/// A tag as it is stored: the value cut.
pub(super) fn checked_tag(key: &str, value: &str, place: &str) -> Result<(String, String), Refused> {
    check_key(key, &format!("{place}key"))?;
    check_length(&format!("{place}key"), MAX_KEY, key)?;
    Ok((key.to_owned(), cut(value, MAX_TAG).to_owned()))
}

/// The tags of a new run.
pub(super) fn tags(list: &[Fields<'_>]) -> Result<Vec<(String, String)>, Refused> {
    const MOST: usize = 1_000;
    if list.len() > MOST {
        return Err(invalid(
            "tags",
            &list.len().to_string(),
            &format!("a run can be created with at most {MOST} tags"),
        ));
    }
    let tag = |tag: &Fields<'_>| {
        let (key, value) = (tag.text("key")?.unwrap_or_default(), tag.text("value")?.unwrap_or_default());
        checked_tag(key, value, "")
    };
    list.iter().map(tag).collect()
}

pub(super) fn delete_tag(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (id, key) = (fields.required("run_id")?, fields.required("key")?);
    let run = parse_id(id)?;
    match front.parts.catalog.delete_run_tag(run, key) {
        Ok(()) => Ok(Reply::empty()),
        Err(RunProblem::NoTag) => Err(Refused::missing(format!("No tag with name: {key} in run with id {id}"))),
        Err(RunProblem::Missing) if calls::delete_tag(front, run, key)?.is_some() => Ok(Reply::empty()),
        Err(problem) => Err(refused(problem, id)),
    }
}

fn store(front: &Front, id: &str, batch: Batch) -> Result<Reply, Refused> {
    write(front, id, batch)?.map_err(|problem| refused(problem, id))?;
    Ok(Reply::empty())
}

/// Stores a batch of a run, be it a client's or that of a call.
pub(super) fn write(front: &Front, id: &str, batch: Batch) -> Result<Result<(), RunProblem>, Refused> {
    let run = parse_id(id)?;
    // What a call can be told is little; so it is at hand when no client's run has this id.
    let of_call = Batch {
        params: batch.params.clone(),
        metrics: batch.metrics.first().cloned().into_iter().collect(),
        tags: batch.tags.clone(),
    };
    Ok(match front.parts.catalog.log_batch(run, batch) {
        Err(RunProblem::Missing) => calls::log(front, run, of_call)?.ok_or(RunProblem::Missing),
        stored => stored,
    })
}
