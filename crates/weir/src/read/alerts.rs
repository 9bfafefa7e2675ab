//! Alerts of the files of a data folder: as a server left them, and what a rule would have done.

use weir_core::anomaly::Anomaly;
use weir_store::catalog::AnomalyQuery;
use weir_store::events::{EvalQuery, EventQuery, Labelled, ScoreQuery};
use weir_store::sqlite::{CatalogReader, SqliteStore};
use weir_store::sums::{Detail, Largest, Measured, SumGroup};
use weir_store::telemetry::{StatsQuery, StoreError};
use weir_watch::alerts::dry_run::{SPAN, dry_run};
use weir_watch::alerts::live::Shows;
use weir_watch::alerts::reads::{Reads, merged};
use weir_watch::alerts::rule::Rule;
use weir_watch::alerts::rule_set::{Configured, RuleSet};
use weir_web::api::{RuleList, RuleView, alerts_query, list_of_file};

use super::offline::Offline;
use super::source::Pairs;

/// The files as rules look at them.
pub(crate) struct Files<'a> {
    store: &'a SqliteStore,
    catalog: Option<CatalogReader>,
}

impl<'a> Files<'a> {
    /// Those of a folder whose store is open.
    pub(crate) fn open(store: &'a SqliteStore, path: &std::path::Path) -> Result<Self, StoreError> {
        Ok(Self { store, catalog: CatalogReader::open(path)? })
    }
}

impl Reads for Files<'_> {
    fn largest_groups(&self, query: &StatsQuery, most: usize) -> Result<Largest, StoreError> {
        self.store.largest_groups(query, most)
    }

    fn call_sums(
        &self,
        query: &StatsQuery,
        detail: Detail,
        only: Option<&[Vec<Option<String>>]>,
    ) -> Result<Vec<SumGroup>, StoreError> {
        self.store.call_sums(query, detail, only)
    }

    fn score_values(&self, query: &ScoreQuery) -> Result<Vec<Labelled>, StoreError> {
        self.store.score_values(query)
    }

    fn eval_results(&self, query: &EvalQuery) -> Result<Vec<Labelled>, StoreError> {
        self.catalog.as_ref().map_or(Ok(Vec::new()), |catalog| catalog.eval_results(query))
    }

    fn events(&self, query: &EventQuery) -> Result<Vec<Labelled>, StoreError> {
        let of_catalog = self.catalog.as_ref().map_or(Ok(Vec::new()), |catalog| catalog.happenings(query));
        Ok(merged(self.store.span_events(query)?, of_catalog?))
    }

    fn anomalies(&self, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError> {
        self.catalog.as_ref().map_or(Ok(Vec::new()), |catalog| catalog.anomalies(query))
    }
}

impl Offline {
    pub(super) fn alerts(&self, pairs: &Pairs) -> anyhow::Result<String> {
        let reader = CatalogReader::open(&self.path)?;
        let list = list_of_file::<anyhow::Error>(pairs, |query| match &reader {
            Some(reader) => Ok(reader.alerts(query)?),
            None => Ok(Vec::new()),
        })?;
        Ok(serde_json::to_string(&list)?)
    }

    pub(super) fn alert_rules(&self) -> anyhow::Result<String> {
        let reader = CatalogReader::open(&self.path)?;
        let (made, evaluations) = match &reader {
            Some(reader) => (reader.alert_rules()?, reader.alert_evaluations()?),
            None => (Vec::new(), Vec::new()),
        };
        let (set, _) = RuleSet::new(&Configured::default(), &made);
        let show = |listed: &std::sync::Arc<weir_watch::alerts::rule_set::Listed>| {
            let evaluation = evaluations.iter().find(|e| e.rule == listed.id).cloned();
            RuleView::from(Shows { listed: listed.clone(), evaluation, open: (0, 0) })
        };
        Ok(serde_json::to_string(&RuleList { rules: set.iter().map(show).collect() })?)
    }

    pub(super) fn alert_dry_run(&self, rule: &Rule, pairs: &Pairs) -> anyhow::Result<String> {
        let span = alerts_query::dry_run(pairs)?.unwrap_or(SPAN);
        let files = Files::open(&self.store, &self.path)?;
        Ok(serde_json::to_string(&dry_run(rule, &files, self.clock.now(), span)?)?)
    }
}
