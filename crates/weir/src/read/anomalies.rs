//! Anomalies of the files of a data folder: what a server found, brought up to the newest calls in memory.

use std::path::Path;

use anyhow::{Context, bail};
use weir_core::anomaly::{Anomaly, Feedback};
use weir_store::catalog::{Anomalies, AnomalyQuery, MAX_ANOMALIES};
use weir_store::sqlite::{CatalogReader, SqliteCatalog, SqliteStore};
use weir_watch::anomalies::Engine;
use weir_watch::anomalies::live::{Evaluated, Options, evaluate};
use weir_web::api::{AnomalyList, WatchJson, anomalies_query};

use super::offline::Offline;
use super::source::Pairs;
use crate::config;

/// How traffic is judged: as `[watch]` of the configuration says, of `./weir.toml` where none is named.
///
/// # Errors
/// The configuration cannot be read or says what cannot be; the message names the file and the key.
pub(super) fn options(config: Option<&Path>) -> anyhow::Result<Options> {
    config::load(config)?.settings.watch.judging()
}

impl Offline {
    pub(super) fn anomalies(&self, pairs: &Pairs, anew: bool, options: &Options) -> anyhow::Result<String> {
        let asked = anomalies_query::list(pairs, self.clock.now())?;
        let reader = CatalogReader::open(&self.path)?;
        let evaluated = self.evaluated(reader.as_ref(), anew, options)?;
        let list = |query: &AnomalyQuery| -> anyhow::Result<Vec<Anomaly>> {
            let stored = match &reader {
                Some(reader) => reader.anomalies(query)?,
                None => Vec::new(),
            };
            Ok(evaluated.lay_over(query, &stored))
        };
        let anomalies = list(&asked.query)?;
        let open = list(&anomalies_query::open(&asked.query))?;
        let answer = AnomalyList {
            next: anomalies_query::next(&anomalies, asked.query.limit),
            open: !open.is_empty(),
            anomalies,
            watch: WatchJson {
                complete: true,
                projects: evaluated.projects,
                left_out: evaluated.left_out,
                ..WatchJson::default()
            },
        };
        Ok(serde_json::to_string(&answer)?)
    }

    pub(super) fn anomaly_feedback(&self, id: &str, feedback: &str, options: &Options) -> anyhow::Result<String> {
        let feedback = match feedback {
            "expected" => Feedback::Expected,
            _ => Feedback::NewNormal,
        };
        if !self.path.is_dir() {
            bail!("{} is a single file: feedback is kept in a data folder (--data DIR)", self.path.display());
        }
        // Held until the end, so that no server begins meanwhile.
        let _alone = SqliteStore::open(&self.path).context("feedback is given to the running server (--url URL)")?;
        let catalog = SqliteCatalog::open(&self.path)?;
        let reader = CatalogReader::open(&self.path)?;
        catalog.put_anomalies(self.evaluated(reader.as_ref(), false, options)?.write)?;
        let Some(anomaly) = catalog.anomaly(id)? else {
            bail!("there is no anomaly {id:?}: `weir anomalies` lists them");
        };
        let mut engine = catalog.engine(&anomaly.project)?;
        if let Some(record) = &mut engine
            && let Some(mut learned) = Engine::restore(&record.project, options.settings.clone(), &record.state)
        {
            learned.feedback(&anomaly, feedback);
            record.state = learned.save();
        }
        let said = catalog.put_feedback(id, Some(feedback), engine)?;
        Ok(serde_json::to_string(&said)?)
    }

    /// What is not judged yet; everything when that is to be done anew.
    fn evaluated(&self, reader: Option<&CatalogReader>, anew: bool, options: &Options) -> anyhow::Result<Evaluated> {
        let judged = match reader {
            Some(reader) => {
                reader.anomalies(&AnomalyQuery { judged: true, limit: MAX_ANOMALIES, ..AnomalyQuery::default() })?
            }
            None => Vec::new(),
        };
        let record = |project: &str| match reader {
            Some(reader) if !anew => reader.engine(project),
            _ => Ok(None),
        };
        Ok(evaluate(&self.store, options, self.clock.now(), &record, &judged)?)
    }
}
