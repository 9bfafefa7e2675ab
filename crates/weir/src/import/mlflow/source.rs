//! What an MLflow tracking server holds, whatever it is read from, in pages.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::Value;
use weir_store::catalog::{
    DatasetInput, DatasetRecord, Example, LoggedModel, ModelVersion, Point, ProjectRecord, RegisteredModel, RunStatus,
    ScorerRecord,
};

/// Some things, and the token of the page behind them.
pub(super) type Page<T> = anyhow::Result<(Vec<T>, Option<String>)>;

/// The bytes of a file.
pub(super) type Content = BoxStream<'static, Result<Bytes, String>>;

/// A run.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceRun {
    pub(super) id: String,
    /// The source's number of its experiment.
    pub(super) experiment: i64,
    pub(super) name: String,
    pub(super) user: String,
    pub(super) status: RunStatus,
    pub(super) start_ms: i64,
    pub(super) end_ms: Option<i64>,
    pub(super) deleted: bool,
    pub(super) params: Vec<(String, String)>,
    pub(super) tags: Vec<(String, String)>,
    /// Keys of its metrics.
    pub(super) metrics: Vec<String>,
    pub(super) datasets: Vec<DatasetInput>,
    pub(super) models_in: Vec<String>,
    pub(super) models_out: Vec<(String, i64)>,
}

/// A registered model or a prompt.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceModel {
    pub(super) model: RegisteredModel,
    /// The highest number that a version ever had, as far as the source tells.
    pub(super) last_version: i64,
}

/// An evaluation dataset.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceDataset {
    /// Its id at the source.
    pub(super) id: String,
    pub(super) record: DatasetRecord,
    /// The source's numbers of its experiments.
    pub(super) experiments: Vec<i64>,
}

/// A trace in MLflow's own form, with OTLP's spans: names in `snake_case`, ids in hex.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceTrace {
    pub(super) id: String,
    pub(super) info: Value,
    pub(super) spans: Vec<Value>,
    /// Runs that it is linked to.
    pub(super) runs: Vec<String>,
    /// `name/version` of prompts that it was made with.
    pub(super) prompts: Vec<String>,
}

/// What stands in a folder of artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// How many bytes a file has; `None` for a folder.
    pub(super) size: Option<u64>,
}

/// What a location of artifacts is to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Its files can be read.
    Open,
    /// Clients go there by themselves, and go on doing so.
    Stays,
    /// It cannot be read from here.
    Closed,
}

/// A tracking server, or its database. Page tokens are its own. Methods may be called by several threads.
pub(super) trait Source: Sync {
    /// How many of a kind there are, where that is known at once.
    fn count(&self, kind: Counted) -> Option<u64>;

    /// All experiments, deleted ones among them.
    fn experiments(&self) -> anyhow::Result<Vec<ProjectRecord>>;

    /// Runs of an experiment, deleted ones among them.
    fn runs(&self, experiment: i64, page: Option<&str>) -> Page<SourceRun>;

    /// Points of a metric, in any order, each once.
    fn points(&self, run: &str, key: &str, page: Option<&str>) -> Page<Point>;

    /// Logged models of an experiment, with all their points; the project is the source's number.
    fn logged_models(&self, experiment: i64, page: Option<&str>) -> Page<LoggedModel>;

    /// Registered models and prompts, which their tag tells apart.
    fn models(&self, page: Option<&str>) -> Page<SourceModel>;

    /// All versions of a model or prompt, by their numbers.
    fn versions(&self, model: &SourceModel) -> anyhow::Result<Vec<ModelVersion>>;

    /// Evaluation datasets, without their records.
    fn datasets(&self, page: Option<&str>) -> Page<SourceDataset>;

    /// All records of a dataset.
    fn examples(&self, dataset: &str) -> anyhow::Result<Vec<Example>>;

    /// Scorers of an experiment with all their versions; the project is the source's number.
    fn scorers(&self, experiment: i64) -> anyhow::Result<Vec<ScorerRecord>>;

    /// Traces of an experiment.
    fn traces(&self, experiment: i64, page: Option<&str>) -> Page<SourceTrace>;

    /// Whether reading its artifacts again costs little.
    fn is_near(&self) -> bool;

    /// What a location is.
    fn reach(&self, location: &str) -> Reach;

    /// What stands in a folder below a location that is open; what is not there holds nothing.
    fn files(&self, location: &str, folder: &str) -> anyhow::Result<Vec<Entry>>;

    /// A file below a location that is open.
    fn open(&self, location: &str, path: &str) -> anyhow::Result<Content>;
}

/// Kinds that are counted before they are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Runs,
    LoggedModels,
    Models,
    Datasets,
    Traces,
}

/// Places that clients reach without the server.
pub(super) const REMOTE: [&str; 7] = ["s3://", "gs://", "wasbs://", "abfss://", "hdfs://", "dbfs:/", "viewfs://"];

/// Gives out all pages, one after the other.
pub(super) fn pages<T>(
    read: impl Fn(Option<&str>) -> Page<T>,
    mut each: impl FnMut(Vec<T>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut token = None;
    loop {
        let (page, next) = read(token.as_deref())?;
        each(page)?;
        match next.filter(|next| !next.is_empty()) {
            Some(next) if Some(&next) != token.as_ref() => token = Some(next),
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_where_no_token_or_the_same_one_comes() {
        let read = |token: Option<&str>| -> Page<i64> {
            Ok(match token {
                None => (vec![1, 2], Some("a".into())),
                Some("a") => (vec![3], Some("b".into())),
                Some(_) => (vec![4], Some("b".into())),
            })
        };
        let mut all = Vec::new();
        pages(read, |page| {
            all.extend(page);
            Ok(())
        })
        .unwrap();
        assert_eq!(all, [1, 2, 3, 4]);
    }
}
