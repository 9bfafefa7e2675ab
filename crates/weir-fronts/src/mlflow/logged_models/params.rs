//! Params of logged models.

use std::collections::BTreeMap;

use super::{refused, tags};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply};

/// Params of one request; clients send a hundred.
const MAX_PARAMS: usize = 1_000;
/// Characters of a value.
const MAX_VALUE: usize = 100_000;

/// The params of a request.
pub(super) fn read(fields: &Fields<'_>) -> Result<BTreeMap<String, String>, Refused> {
    tags::pairs(fields, "params", MAX_PARAMS, MAX_VALUE)
}

pub(super) fn add(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let id = args.path("model_id");
    let params = read(&args.fields())?;
    front.parts.catalog.add_logged_model_params(id, params).map_err(|e| refused(e, id))?;
    Ok(Reply::empty())
}
