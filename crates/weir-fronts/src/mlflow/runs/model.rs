//! `log-model`: the run's tag that lists the models of old clients.

use serde_json::{Map, Value};

use super::{parse_id, refused};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::names::{MAX_TAG, cut, python_text};
use crate::mlflow::wire::{Args, Reply};

const HISTORY: &str = "mlflow.log-model.history";
const NEEDED: [&str; 4] = ["artifact_path", "flavors", "utc_time_created", "run_id"];

pub(super) fn log(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (id, json) = (fields.required("run_id")?, fields.required("model_json")?);
    let Ok(model) = serde_json::from_str::<Map<String, Value>>(json) else {
        let shown = cut(json, 1_000);
        return Err(Refused::invalid(format!("Malformed model info. \n {shown} \n is not a valid JSON.")));
    };
    let missing: Vec<String> = NEEDED.into_iter().filter(|n| !model.contains_key(*n)).map(python_text).collect();
    if !missing.is_empty() {
        let names = missing.join(", ");
        return Err(Refused::invalid(format!("Model json is missing mandatory fields: {{{names}}}")));
    }
    let shown = described(model);
    let change = move |old: Option<&str>| {
        let mut history: Vec<Value> = old.and_then(|old| serde_json::from_str(old).ok()).unwrap_or_default();
        history.push(Value::Object(shown));
        let text = Value::Array(history).to_string();
        // A list that was cut in the middle could not be read.
        if cut(&text, MAX_TAG).len() < text.len() {
            return Err(format!("the tag {HISTORY} of the run has no room for another model"));
        }
        Ok(text)
    };
    let changed = front.parts.catalog.change_run_tag(parse_id(id)?, HISTORY, Box::new(change));
    changed.map_err(|problem| refused(problem, id))?;
    Ok(Reply::empty())
}

/// What the tag says of a model: what it is, not what it was trained with.
fn described(mut model: Map<String, Value>) -> Map<String, Value> {
    for name in ["signature", "saved_input_example_info", "metadata", "model_size_bytes"] {
        model.remove(name);
    }
    if let Some(Value::Object(flavors)) = model.get_mut("flavors") {
        for flavor in flavors.values_mut().filter_map(Value::as_object_mut) {
            flavor.remove("config");
        }
    }
    model
}
