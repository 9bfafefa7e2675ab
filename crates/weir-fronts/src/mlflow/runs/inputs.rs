//! What runs read and made.

use serde::Serialize;
use weir_store::catalog::DatasetInput;

use super::{parse_id, refused};
use crate::mlflow::errors::Refused;
use crate::mlflow::experiments;
use crate::mlflow::front::Front;
use crate::mlflow::names::check_length;
use crate::mlflow::wire::{Args, Fields, Reply, reply};

/// Datasets or models of one request.
const MOST: usize = 1_000;
/// Experiments whose datasets are listed at once.
const MAX_EXPERIMENTS: usize = 20;
/// Datasets that are listed.
const MAX_SUMMARIES: usize = 1_000;

pub(super) fn log_inputs(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = fields.required("run_id")?;
    let (datasets, models) = (fields.objects("datasets")?, fields.objects("models")?);
    if datasets.len() > MOST || models.len() > MOST {
        return Err(Refused::invalid(format!("A request can log at most {MOST} datasets and {MOST} models.")));
    }
    let datasets = datasets.iter().map(dataset).collect::<Result<Vec<_>, _>>()?;
    let models = models.iter().map(|m| Ok(m.required("model_id")?.to_owned())).collect::<Result<Vec<_>, Refused>>()?;
    let logged = front.parts.catalog.log_inputs(parse_id(id)?, datasets, models);
    logged.map_err(|problem| refused(problem, id))?;
    Ok(Reply::empty())
}

fn dataset(input: &Fields<'_>) -> Result<DatasetInput, Refused> {
    let fields = input.object("dataset")?.ok_or_else(|| input.absent("dataset"))?;
    let needed =
        |name: &str| fields.text(name)?.ok_or_else(|| Refused::invalid(format!("Dataset {name} cannot be None")));
    let optional = |name| Ok::<_, Refused>(fields.text(name)?.map(str::to_owned));
    let dataset = DatasetInput {
        name: needed("name")?.to_owned(),
        digest: needed("digest")?.to_owned(),
        source_type: needed("source_type")?.to_owned(),
        source: needed("source")?.to_owned(),
        schema: optional("schema")?,
        profile: optional("profile")?,
        tags: input.objects("tags")?.iter().map(tag).collect::<Result<_, _>>()?,
    };
    check_length("name", 500, &dataset.name)?;
    check_length("digest", 36, &dataset.digest)?;
    check_length("source", 65_535, &dataset.source)?;
    check_length("schema", 1_048_575, dataset.schema.as_deref().unwrap_or_default())?;
    check_length("profile", 16_777_215, dataset.profile.as_deref().unwrap_or_default())?;
    Ok(dataset)
}

fn tag(tag: &Fields<'_>) -> Result<(String, String), Refused> {
    let needed =
        |name: &str| tag.text(name)?.ok_or_else(|| Refused::invalid(format!("InputTag {name} cannot be None")));
    let (key, value) = (needed("key")?, needed("value")?);
    check_length("key", 255, key)?;
    check_length("value", 500, value)?;
    Ok((key.to_owned(), value.to_owned()))
}

pub(super) fn log_outputs(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = fields.required("run_id")?;
    let models = fields.objects("models")?;
    if fields.get("models")?.is_none() {
        return Err(fields.absent("models"));
    }
    if models.len() > MOST {
        return Err(Refused::invalid(format!("A request can log at most {MOST} models.")));
    }
    let models = models
        .iter()
        .map(|m| Ok((m.required("model_id")?.to_owned(), m.int("step")?.unwrap_or_default())))
        .collect::<Result<Vec<_>, Refused>>()?;
    let logged = front.parts.catalog.log_outputs(parse_id(id)?, models);
    logged.map_err(|problem| refused(problem, id))?;
    Ok(Reply::empty())
}

pub(super) fn search_datasets(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let ids = args.fields().texts("experiment_ids")?;
    if ids.is_empty() {
        return Err(Refused::invalid("SearchDatasets request must specify at least one experiment_id."));
    }
    if ids.len() > MAX_EXPERIMENTS {
        return Err(Refused::invalid(format!(
            "SearchDatasets request cannot specify more than {MAX_EXPERIMENTS} experiment_ids. Received {} \
             experiment_ids.",
            ids.len()
        )));
    }
    let projects = ids.into_iter().map(experiments::parse_id).collect::<Result<Vec<_>, _>>()?;
    #[derive(Serialize)]
    struct Summary {
        experiment_id: String,
        name: String,
        digest: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<String>,
    }
    #[derive(Serialize)]
    struct Answer {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        dataset_summaries: Vec<Summary>,
    }
    let found = front.parts.catalog.datasets_of(&projects, MAX_SUMMARIES)?;
    let summary = |d: weir_store::catalog::DatasetSummary| Summary {
        experiment_id: d.project.to_string(),
        name: d.name,
        digest: d.digest,
        context: d.context,
    };
    reply(&Answer { dataset_summaries: found.into_iter().map(summary).collect() })
}
