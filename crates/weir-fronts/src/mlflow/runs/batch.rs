//! `log-batch`: params, metric points and tags, all of them or none.

use weir_store::catalog::{Batch, NewPoint, Point, RunProblem};

use super::{log, refused, run_id};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::names::python_text;
use crate::mlflow::wire::{Args, Fields, Reply};

const MAX_METRICS: usize = 1_000;
const MAX_PARAMS: usize = 100;
const MAX_TAGS: usize = 100;
const MAX_ALL: usize = 1_000;

pub(super) fn log(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = run_id(&fields)?;
    let (metrics, params, tags) = (fields.objects("metrics")?, fields.objects("params")?, fields.objects("tags")?);
    let mut batch = Batch::default();
    for metric in &metrics {
        batch.metrics.push(point(metric)?);
    }
    let pair = |pair: &Fields<'_>| -> Result<(String, String), Refused> {
        Ok((pair.required("key")?.to_owned(), pair.text("value")?.unwrap_or_default().to_owned()))
    };
    batch.params = params.iter().map(pair).collect::<Result<_, _>>()?;
    batch.tags = tags.iter().map(pair).collect::<Result<_, _>>()?;
    check(&mut batch)?;
    store(front, id, batch)
}

fn point(metric: &Fields<'_>) -> Result<NewPoint, Refused> {
    Ok(NewPoint {
        key: metric.required("key")?.to_owned(),
        point: Point {
            value: metric.double("value")?.ok_or_else(|| metric.absent("value"))?,
            timestamp_ms: metric.required_int("timestamp")?,
            step: metric.int("step")?.unwrap_or_default(),
        },
        model: log::of_model(metric)?,
    })
}

/// Refuses what MLflow refuses, in its order; cuts long values.
fn check(batch: &mut Batch) -> Result<(), Refused> {
    for (n, new) in batch.metrics.iter().enumerate() {
        if log::check_point(&new.key, &new.point, "").is_err() {
            log::check_point(&new.key, &new.point, &format!("metrics[{n}]."))?;
        }
    }
    for (n, param) in batch.params.iter_mut().enumerate() {
        *param = log::checked_param(&param.0, &param.1, &format!("params[{n}]."))?;
    }
    for (n, tag) in batch.tags.iter_mut().enumerate() {
        *tag = log::checked_tag(&tag.0, &tag.1, &format!("tags[{n}]."))?;
    }
    limit("metrics", MAX_METRICS, batch.metrics.len())?;
    limit("params", MAX_PARAMS, batch.params.len())?;
    limit("tags", MAX_TAGS, batch.tags.len())?;
    limit("metrics, params, and tags", MAX_ALL, batch.metrics.len() + batch.params.len() + batch.tags.len())?;
    let mut seen = std::collections::HashSet::new();
    let twice: Vec<String> =
        batch.params.iter().filter(|(key, _)| !seen.insert(key)).map(|(key, _)| python_text(key)).collect();
    if !twice.is_empty() {
        return Err(Refused::invalid(format!(
            "Duplicate parameter keys have been submitted: [{}]. Please ensure the request contains only one param value \
             per param key.",
            twice.join(", ")
        )));
    }
    Ok(())
}

fn limit(what: &str, most: usize, are: usize) -> Result<(), Refused> {
    if are <= most {
        return Ok(());
    }
    Err(Refused::invalid(format!(
        "A batch logging request can contain at most {most} {what}. Got {are} {what}. Please split up {what} across \
         multiple requests and try again."
    )))
}

fn store(front: &Front, id: &str, batch: Batch) -> Result<Reply, Refused> {
    match log::write(front, id, batch)? {
        Ok(()) => Ok(Reply::empty()),
        Err(RunProblem::Params(conflicts)) => {
            let shown: Vec<String> = conflicts
                .iter()
                .map(|c| {
                    let (key, old, new) = (python_text(&c.key), python_text(&c.old), python_text(&c.new));
                    format!("{{'key': {key}, 'old_value': {old}, 'new_value': {new}}}")
                })
                .collect();
            Err(Refused::invalid(format!(
                "Changing param values is not allowed. Params were already logged='[{}]' for run ID='{id}'.",
                shown.join(", ")
            )))
        }
        Err(problem) => Err(refused(problem, id)),
    }
}
