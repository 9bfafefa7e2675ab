//! Alerts of a catalog that another process may be writing.

use std::path::Path;

use rusqlite::Connection;

use super::super::{FILE, Readers};
use super::{rows, rules};
use crate::catalog::{AlertEvaluation, AlertQuery, AlertRecord, AlertRuleRecord, ChannelTest};
use crate::telemetry::StoreError;

/// Reads them.
#[derive(Debug)]
pub struct AlertReader {
    readers: Readers,
}

impl AlertReader {
    /// Opens `<dir>/catalog.db` for reading; `None` where there is none, or one that knows no alerts yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let reader = Self { readers: Readers::new(path.clone()) };
        let known = reader.read(|db| {
            let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'alert_evaluations'";
            Ok(db.query_row(sql, [], |row| row.get::<_, i64>(0))?)
        });
        Ok((known.map_err(|e| e.at(&path))? > 0).then_some(reader))
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.readers.get()?.snapshot(read)
    }

    /// See [`crate::catalog::Alerts::alerts`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn alerts(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, StoreError> {
        self.read(|db| rows::list(db, query))
    }

    /// See [`crate::catalog::Alerts::alert_rules`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rules(&self) -> Result<Vec<AlertRuleRecord>, StoreError> {
        self.read(rules::all)
    }

    /// See [`crate::catalog::Notifications::channel_tests`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn channel_tests(&self) -> Result<Vec<ChannelTest>, StoreError> {
        self.read(super::super::notifications::tests_of)
    }

    /// See [`crate::catalog::Alerts::alert_evaluations`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn evaluations(&self) -> Result<Vec<AlertEvaluation>, StoreError> {
        self.read(rows::evaluations)
    }
}
