//! What the worker remembers of each rule.

use std::collections::HashMap;

use weir_core::time::Micros;
use weir_store::catalog::{AlertRecord, AlertWrite, Alerts};
use weir_store::telemetry::StoreError;

use super::super::course::Course;
use super::super::document::NotifyOn;
use super::records::{Kept, held};

/// A rule as it was evaluated.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// The newest instant that was judged.
    pub(super) evaluated: Option<Micros>,
    /// Its series.
    pub(super) course: Course,
    /// The channels that were told.
    pub(super) channels: Vec<String>,
    /// What they want to be told.
    pub(super) notify_on: Vec<NotifyOn>,
    /// Whether it was seen switched off since.
    pub(super) paused: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) pages: HashMap<String, Page>,
    loaded: bool,
}

impl Book {
    /// Reads what was remembered before the start; once.
    pub(super) fn load(&mut self, catalog: &dyn Alerts) -> Result<(), StoreError> {
        if self.loaded {
            return Ok(());
        }
        let mut pages: HashMap<String, Page> = HashMap::new();
        for evaluation in catalog.alert_evaluations()? {
            pages.entry(evaluation.rule).or_default().evaluated = Some(evaluation.evaluated_us);
        }
        for record in catalog.every_alert()? {
            let Some((kept, alert)) = read(&record) else { continue };
            let page = pages.entry(record.rule.clone()).or_default();
            page.channels.clone_from(&kept.channels);
            page.notify_on.clone_from(&kept.notify_on);
            page.course.insert(record.fingerprint.clone(), held(kept, &alert));
        }
        self.pages = pages;
        self.loaded = true;
        Ok(())
    }
}

fn read(record: &AlertRecord) -> Option<(Kept, crate::notify::AlertJson)> {
    let kept = serde_json::from_str(&record.state);
    let alert = serde_json::from_str(&record.alert);
    match (kept, alert) {
        (Ok(kept), Ok(alert)) => Some((kept, alert)),
        (kept, alert) => {
            let error = kept.err().or(alert.err()).map(|e| e.to_string()).unwrap_or_default();
            tracing::warn!(fingerprint = record.fingerprint, error, "an alert's state cannot be read; it begins anew");
            None
        }
    }
}

/// Evaluations that are to be written together.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) write: AlertWrite,
    /// What the book says once that is written; `None`: the rule is gone.
    pub(super) pages: Vec<(String, Option<Page>)>,
}

impl Draft {
    /// Writes it, then turns the pages; `told` hears that there are notifications.
    pub(super) fn commit(&mut self, catalog: &dyn Alerts, book: &mut Book, told: &dyn Fn()) -> Result<(), StoreError> {
        let draft = std::mem::take(self);
        let news = !draft.write.notifications.is_empty();
        if !draft.write.is_empty() {
            catalog.put_alerts(draft.write)?;
        }
        if news {
            told();
        }
        for (rule, page) in draft.pages {
            match page {
                Some(page) => drop(book.pages.insert(rule, page)),
                None => drop(book.pages.remove(&rule)),
            }
        }
        Ok(())
    }
}
