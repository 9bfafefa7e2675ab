//! From an MLflow tracking server, or its database, into a data folder.
//!
//! [`source::Source`] is what is read, [`target::Target`] what is written; each kind of thing has a file that moves it from
//! one to the other and compares.

mod artifacts;
mod datasets;
mod db;
mod experiments;
mod form;
mod http;
mod logged_models;
mod prompts;
mod registry;
mod runs;
mod scorers;
mod source;
mod spans;
mod target;
mod traces;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{Kind, Progress, Report};
use crate::config::Loaded;
use source::{REMOTE, Source};
use target::Target;

/// Where it is moved from.
pub(crate) enum From {
    /// The SQLite database, and the folder of its artifacts where it is not the usual one.
    Database(PathBuf, Option<PathBuf>),
    /// The address of a server that runs.
    Server(String),
}

/// What is told of an import.
pub(crate) struct Options {
    /// Whether files that are here with the same size are read again and compared.
    pub(crate) verify: bool,
}

/// What an import works with.
struct Import<'a> {
    source: &'a dyn Source,
    target: Target,
    progress: &'a Progress,
    verify: bool,
    /// The numbers that experiments have here.
    numbers: HashMap<i64, i64>,
    /// Where artifacts of experiments are at the source, and here.
    locations: Vec<(String, String)>,
}

/// Moves everything, and compares.
pub(crate) fn run(
    from: &From,
    data: &Path,
    loaded: &Loaded,
    options: &Options,
    progress: &Progress,
) -> anyhow::Result<Report> {
    match from {
        // The source first: nothing is made where there is nothing to read.
        From::Database(path, artifacts) => {
            let source = db::Database::open(path, artifacts.as_deref())?;
            moved(&source, Target::open(data, loaded)?, options, progress)
        }
        From::Server(url) => {
            let source = http::Server::open(url)?;
            moved(&source, Target::open(data, loaded)?, options, progress)
        }
    }
}

fn moved(source: &dyn Source, target: Target, options: &Options, progress: &Progress) -> anyhow::Result<Report> {
    let (numbers, locations) = (HashMap::new(), Vec::new());
    let mut import = Import { source, target, progress, verify: options.verify, numbers, locations };
    let mut report = Report::default();
    let experiments = experiments::begin(&mut import)?;
    let kinds = Kinds::new();
    // Before runs, which name models, are put into the bin.
    let deleted = runs::all(&import, &experiments, &kinds)?;
    logged_models::all(&import, &experiments, &kinds)?;
    traces::all(&import, &experiments, &kinds)?;
    artifacts::all(&import, &experiments, &kinds, &mut report.notes)?;
    registry::all(&import, &kinds)?;
    datasets::all(&import, &kinds.datasets)?;
    scorers::all(&import, &experiments, &kinds.scorers)?;
    runs::put_away(&import, &deleted)?;
    report.kinds.push(experiments::end(&import, &experiments)?);
    report.kinds.extend(kinds.listed());
    progress.end();
    import.target.close();
    Ok(report)
}

/// Everything that is compared beside experiments.
struct Kinds {
    runs: Kind,
    metrics: Kind,
    logged_models: Kind,
    traces: Kind,
    assessments: Kind,
    artifacts: Kind,
    models: Kind,
    versions: Kind,
    prompts: Kind,
    prompt_versions: Kind,
    datasets: Kind,
    scorers: Kind,
}

impl Kinds {
    fn new() -> Self {
        Self {
            runs: Kind::new("runs"),
            metrics: Kind::new("metric histories"),
            logged_models: Kind::new("logged models"),
            traces: Kind::new("traces"),
            assessments: Kind::new("assessments"),
            artifacts: Kind::new("artifacts"),
            models: Kind::new("registered models"),
            versions: Kind::new("model versions"),
            prompts: Kind::new("prompts"),
            prompt_versions: Kind::new("prompt versions"),
            datasets: Kind::new("datasets"),
            scorers: Kind::new("scorers"),
        }
    }

    /// In the order of the report.
    fn listed(self) -> [Kind; 12] {
        [
            self.runs,
            self.metrics,
            self.logged_models,
            self.traces,
            self.assessments,
            self.artifacts,
            self.models,
            self.versions,
            self.prompts,
            self.prompt_versions,
            self.datasets,
            self.scorers,
        ]
    }
}

impl Import<'_> {
    /// The number that an experiment has here.
    fn number(&self, of: i64) -> anyhow::Result<i64> {
        self.numbers.get(&of).copied().ok_or_else(|| anyhow!("something names experiment {of}, which is not there"))
    }

    /// What an address of the source's artifacts is here.
    fn relocated(&self, uri: &str) -> String {
        let below = |(there, here): &(String, String)| {
            let rest = uri.strip_prefix(there.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| (there.len(), format!("{here}{rest}")))
        };
        let longest = self.locations.iter().filter_map(below).max_by_key(|(length, _)| *length);
        longest.map_or_else(|| uri.to_owned(), |(_, uri)| uri)
    }
}

/// Whether clients reach a location without the server.
fn is_remote(location: &str) -> bool {
    REMOTE.iter().any(|scheme| location.starts_with(scheme))
}

/// The logged model that the source of a version names, or nothing.
fn model_id(source: &str) -> String {
    source.strip_prefix("models:/").filter(|id| id.starts_with("m-")).unwrap_or_default().to_owned()
}

fn now() -> i64 {
    weir_core::time::Clock::system().now().div_euclid(1_000)
}
