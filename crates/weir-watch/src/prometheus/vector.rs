//! The series of one metric, by their label values.
//!
//! Invariant: never more than the maximum of series. Some are set aside for those named `other`, one for each
//! combination of the closed labels, so that what is past the maximum is still counted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;

use crate::prometheus::cells::{Cell, Count};
use crate::prometheus::names::cut;
use crate::prometheus::sets::OTHER;
use crate::prometheus::table::{Kind, Label, Row};

type Values = Arc<[Box<str>]>;

/// A metric with its series. Clones share them.
#[derive(Debug)]
pub(crate) struct Vector<C> {
    row: &'static Row,
    max: usize,
    dropped: Count,
    series: Arc<RwLock<BTreeMap<Values, C>>>,
}

impl<C> Clone for Vector<C> {
    fn clone(&self) -> Self {
        Self { row: self.row, max: self.max, dropped: self.dropped.clone(), series: Arc::clone(&self.series) }
    }
}

impl<C: Cell> Vector<C> {
    /// No series; a metric without labels has its only one.
    pub(crate) fn new(row: &'static Row, max_series: usize, dropped: Count) -> Self {
        let aside: usize = row.labels.iter().map(|label| label.values.len() + 1).product();
        let vector = Self { row, max: max_series.saturating_sub(aside), dropped, series: Arc::default() };
        if row.labels.is_empty() {
            vector.adopt(C::make(row));
        }
        vector
    }

    /// Makes a cell the only series of a metric without labels.
    pub(crate) fn adopt(&self, cell: C) {
        self.series.write().insert(Values::default(), cell);
    }

    /// The series of these label values, in the row's order; the one named `other` when there is no room for it.
    pub(crate) fn get(&self, values: &[&str]) -> C {
        let values: Values = values.iter().map(|value| Box::from(cut(value))).collect();
        if let Some(cell) = self.series.read().get(&values) {
            return cell.clone();
        }
        let mut series = self.series.write();
        let values = if series.contains_key(&values) || series.len() < self.max || self.row.labels.is_empty() {
            values
        } else {
            self.dropped.inc();
            self.row.labels.iter().zip(values.iter()).map(|(label, value)| past_the_maximum(label, value)).collect()
        };
        series.entry(values).or_insert_with(|| C::make(self.row)).clone()
    }

    /// Every series, copied: a slow page must not hold up a request that needs a new one.
    fn all(&self) -> Vec<(Values, C)> {
        self.series.read().iter().map(|(values, cell)| (Arc::clone(values), cell.clone())).collect()
    }

    /// Forgets the series that do not match.
    pub(crate) fn retain(&self, mut keep: impl FnMut(&[Box<str>]) -> bool) {
        self.series.write().retain(|values, _| keep(values));
    }
}

fn past_the_maximum(label: &Label, value: &str) -> Box<str> {
    let fixed = label.values.contains(&value) || (value.is_empty() && !label.values.is_empty());
    Box::from(if fixed { value } else { OTHER })
}

impl<C: Cell> EncodeMetric for Vector<C> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (values, cell) in &self.all() {
            if values.is_empty() {
                return cell.encode(encoder);
            }
            cell.encode(encoder.encode_family(&Named { labels: self.row.labels, values })?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        match self.row.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        }
    }
}

/// A counter's series under a name of their own, without a type and so without `_total` appended.
#[derive(Debug)]
pub(crate) struct Untyped<C>(pub(crate) Vector<C>);

impl<C: Cell> EncodeMetric for Untyped<C> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (values, cell) in &self.0.all() {
            let Some(count) = cell.count() else { continue };
            encoder.encode_family(&Named { labels: self.0.row.labels, values })?.encode_gauge(&count)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Unknown
    }
}

/// Label values with their names. An empty value says the same as no label, and is left out.
struct Named<'a> {
    labels: &'static [Label],
    values: &'a [Box<str>],
}

impl EncodeLabelSet for Named<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for (label, value) in self.labels.iter().zip(self.values).filter(|(_, value)| !value.is_empty()) {
            (label.name, &**value).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
