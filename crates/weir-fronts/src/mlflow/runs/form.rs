//! A run as JSON.

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};
use weir_store::catalog::{DatasetInput, Point, Run, RunRecord};

use crate::mlflow::wire::double as double_of;

/// `{"run": ...}`
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub(super) run: RunForm<'a>,
}

#[derive(Serialize)]
pub(in crate::mlflow) struct RunForm<'a> {
    info: Info<'a>,
    data: Data<'a>,
    inputs: Inputs<'a>,
    #[serde(skip_serializing_if = "Outputs::is_empty")]
    outputs: Outputs<'a>,
}

#[derive(Serialize)]
pub(in crate::mlflow) struct Info<'a> {
    run_uuid: Hex,
    run_id: Hex,
    run_name: &'a str,
    experiment_id: Decimal,
    user_id: &'a str,
    status: &'static str,
    start_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    artifact_uri: &'a str,
    lifecycle_stage: &'static str,
}

/// An id, written without an allocation.
struct Hex(weir_core::id::RunId);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A number as a text.
struct Decimal(i64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "metrics")]
    metrics: &'a [(std::sync::Arc<str>, Point)],
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    params: Pairs<'a>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    tags: Pairs<'a>,
}

/// `[{"key": ..., "value": ...}]`
enum Pairs<'a> {
    Interned(&'a [(std::sync::Arc<str>, String)]),
    Owned(&'a [(String, String)]),
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

impl Pairs<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Interned(list) => list.is_empty(),
            Self::Owned(list) => list.is_empty(),
        }
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Interned(list) => serializer.collect_seq(list.iter().map(|(key, value)| Pair { key, value })),
            Self::Owned(list) => serializer.collect_seq(list.iter().map(|(key, value)| Pair { key, value })),
        }
    }
}

fn metrics<S: Serializer>(list: &&[(std::sync::Arc<str>, Point)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut seq = serializer.serialize_seq(Some(list.len()))?;
    for (key, point) in *list {
        seq.serialize_element(&Metric { key, point })?;
    }
    seq.end()
}

/// A metric point with its key.
pub(in crate::mlflow) struct Metric<'a> {
    pub(in crate::mlflow) key: &'a str,
    pub(in crate::mlflow) point: &'a Point,
}

impl Serialize for Metric<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Double(f64);
        impl Serialize for Double {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                double_of(&self.0, serializer)
            }
        }
        let mut form = serializer.serialize_struct("Metric", 4)?;
        form.serialize_field("key", self.key)?;
        form.serialize_field("value", &Double(self.point.value))?;
        form.serialize_field("timestamp", &self.point.timestamp_ms)?;
        form.serialize_field("step", &self.point.step)?;
        form.end()
    }
}

#[derive(Default, Serialize)]
struct Inputs<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dataset_inputs: Vec<DatasetForm<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_inputs: Vec<ModelIn<'a>>,
}

#[derive(Serialize)]
struct ModelIn<'a> {
    model_id: &'a str,
}

#[derive(Default, Serialize)]
struct Outputs<'a> {
    model_outputs: Vec<ModelOut<'a>>,
}

#[derive(Serialize)]
struct ModelOut<'a> {
    model_id: &'a str,
    step: i64,
}

impl Outputs<'_> {
    fn is_empty(&self) -> bool {
        self.model_outputs.is_empty()
    }
}

#[derive(Serialize)]
struct DatasetForm<'a> {
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    tags: Pairs<'a>,
    dataset: Dataset<'a>,
}

#[derive(Serialize)]
struct Dataset<'a> {
    name: &'a str,
    digest: &'a str,
    source_type: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

impl<'a> DatasetForm<'a> {
    fn of(dataset: &'a DatasetInput) -> Self {
        Self {
            tags: Pairs::Owned(&dataset.tags),
            dataset: Dataset {
                name: &dataset.name,
                digest: &dataset.digest,
                source_type: &dataset.source_type,
                source: &dataset.source,
                schema: dataset.schema.as_deref().filter(|text| !text.is_empty()),
                profile: dataset.profile.as_deref().filter(|text| !text.is_empty()),
            },
        }
    }
}

impl<'a> Info<'a> {
    pub(super) fn of(record: &'a RunRecord) -> Self {
        Self {
            run_uuid: Hex(record.id),
            run_id: Hex(record.id),
            run_name: &record.name,
            experiment_id: Decimal(record.project),
            user_id: &record.user,
            status: record.status.as_str(),
            start_time: record.start_ms,
            end_time: record.end_ms.filter(|end| *end != 0),
            artifact_uri: &record.artifact_uri,
            lifecycle_stage: if record.deleted { "deleted" } else { "active" },
        }
    }
}

impl<'a> RunForm<'a> {
    /// A whole run.
    pub(in crate::mlflow) fn of(run: &'a Run) -> Self {
        let out = run.models_out.iter().map(|(model_id, step)| ModelOut { model_id, step: *step });
        Self {
            info: Info::of(&run.record),
            data: Data {
                metrics: &run.metrics,
                params: Pairs::Interned(&run.params),
                tags: Pairs::Interned(&run.tags),
            },
            inputs: Inputs {
                dataset_inputs: run.datasets.iter().map(DatasetForm::of).collect(),
                model_inputs: run.models_in.iter().map(|model_id| ModelIn { model_id }).collect(),
            },
            outputs: Outputs { model_outputs: out.collect() },
        }
    }

    /// A run that was made just now.
    pub(super) fn made(record: &'a RunRecord, tags: &'a [(String, String)]) -> Self {
        Self {
            info: Info::of(record),
            data: Data { metrics: &[], params: Pairs::Owned(&[]), tags: Pairs::Owned(tags) },
            inputs: Inputs::default(),
            outputs: Outputs::default(),
        }
    }
}
