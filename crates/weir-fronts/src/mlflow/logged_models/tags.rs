//! Tags of logged models.

use std::collections::BTreeMap;

use weir_store::catalog::LoggedModelProblem;

use super::{answer, refused};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::names::check_length;
use crate::mlflow::wire::{Args, Fields, Reply};

/// Characters of a key, of a param's too.
pub(super) const MAX_KEY: usize = 255;
/// Characters of a value; whole signatures and examples are put there.
const MAX_VALUE: usize = 1 << 20;
/// Tags of one request.
const MAX_TAGS: usize = 1_000;

/// The tags of a request; of a key that comes twice the last one.
pub(super) fn read(fields: &Fields<'_>) -> Result<BTreeMap<String, String>, Refused> {
    pairs(fields, "tags", MAX_TAGS, MAX_VALUE)
}

/// A list of keys and values.
pub(super) fn pairs(
    fields: &Fields<'_>,
    list: &str,
    most: usize,
    longest: usize,
) -> Result<BTreeMap<String, String>, Refused> {
    let given = fields.objects(list)?;
    if given.len() > most {
        return Err(Refused::invalid(format!("A request can contain at most {most} {list}. Got {}.", given.len())));
    }
    let mut pairs = BTreeMap::new();
    for pair in given {
        let (key, value) = (pair.required("key")?, pair.text("value")?.unwrap_or_default());
        check_length("key", MAX_KEY, key)?;
        check_length("value", longest, value)?;
        pairs.insert(key.to_owned(), value.to_owned());
    }
    Ok(pairs)
}

pub(super) fn set(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let id = args.path("model_id");
    let tags = read(&args.fields())?;
    answer(&front.parts.catalog.tag_logged_model(id, tags).map_err(|e| refused(e, id))?)
}

pub(super) fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (id, key) = (args.path("model_id"), args.path("tag_key"));
    front.parts.catalog.untag_logged_model(id, key).map_err(|problem| match problem {
        LoggedModelProblem::NoTag => {
            Refused::missing(format!("No tag with key '{key}' found for model with ID '{id}'."))
        }
        problem => refused(problem, id),
    })?;
    Ok(Reply::empty())
}
