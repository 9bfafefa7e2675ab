//! A catalog that another process may be writing, and that an older Weir may have made: a table that it does not have yet
//! is an empty one.

use std::path::Path;

use rusqlite::Connection;
use weir_core::anomaly::Anomaly;

use super::{FILE, Readers, alerts, anomalies, happenings, notifications};
use crate::catalog::{
    AlertEvaluation, AlertQuery, AlertRecord, AlertRuleRecord, AnomalyQuery, ChannelDeliveries, ChannelTest,
    EngineRecord,
};
use crate::events::{EvalQuery, EventQuery, Labelled};
use crate::telemetry::StoreError;

/// Reads it.
#[derive(Debug)]
pub struct CatalogReader {
    readers: Readers,
}

impl CatalogReader {
    /// Opens `<dir>/catalog.db` for reading; `None` where there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let reader = Self { readers: Readers::new(path.clone()) };
        reader.readers.get().and_then(|db| db.snapshot(|db| knows(db, "prompts"))).map_err(|e| e.at(&path))?;
        Ok(Some(reader))
    }

    /// Reads what `table` and those of its migration hold.
    fn read<T: Default>(
        &self,
        table: &str,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.readers.get()?.snapshot(|db| if knows(db, table)? { read(db) } else { Ok(T::default()) })
    }

    /// See [`crate::catalog::Alerts::alerts`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn alerts(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, StoreError> {
        self.read("alerts", |db| alerts::rows::list(db, query))
    }

    /// See [`crate::catalog::Alerts::alert_rules`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn alert_rules(&self) -> Result<Vec<AlertRuleRecord>, StoreError> {
        self.read("alert_rules", alerts::rules::all)
    }

    /// See [`crate::catalog::Alerts::alert_evaluations`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn alert_evaluations(&self) -> Result<Vec<AlertEvaluation>, StoreError> {
        self.read("alert_evaluations", alerts::rows::evaluations)
    }

    /// See [`crate::catalog::Notifications::channel_tests`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn channel_tests(&self) -> Result<Vec<ChannelTest>, StoreError> {
        self.read("channel_tests", notifications::tests_of)
    }

    /// See [`crate::catalog::Notifications::channel_deliveries`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn channel_deliveries(&self, channel: &str) -> Result<ChannelDeliveries, StoreError> {
        self.read("notifications", |db| notifications::deliveries(db, channel))
    }

    /// See [`crate::catalog::Anomalies::anomalies`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn anomalies(&self, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError> {
        self.read("anomalies", |db| anomalies::list(db, query))
    }

    /// See [`crate::catalog::Anomalies::engine`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn engine(&self, project: &str) -> Result<Option<EngineRecord>, StoreError> {
        self.read("anomaly_engines", |db| anomalies::engine_of(db, project))
    }

    /// See [`crate::catalog::Happenings::happenings`].
    ///
    /// # Errors
    /// As there.
    pub fn happenings(&self, query: &EventQuery) -> Result<Vec<Labelled>, StoreError> {
        self.read("model_versions", |db| happenings::events(db, query))
    }

    /// See [`crate::catalog::Happenings::eval_results`].
    ///
    /// # Errors
    /// As there.
    pub fn eval_results(&self, query: &EvalQuery) -> Result<Vec<Labelled>, StoreError> {
        self.read("run_metrics", |db| happenings::results(db, query))
    }
}

fn knows(db: &Connection, table: &str) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)";
    Ok(db.prepare_cached(sql)?.query_row([table], |row| row.get(0))?)
}
