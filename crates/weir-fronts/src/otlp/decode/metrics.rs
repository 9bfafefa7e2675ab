//! Metrics: how many points came, by whether they are about models.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::json::parse;

/// Points of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::otlp) struct Points {
    /// Of metrics about models, as `gen_ai.client.token.usage`.
    pub(in crate::otlp) gen_ai: u64,
    /// Of all others.
    pub(in crate::otlp) other: u64,
}

impl Points {
    fn add(&mut self, metric: &str, points: usize) {
        let of = if metric.starts_with("gen_ai.") { &mut self.gen_ai } else { &mut self.other };
        *of += points as u64;
    }
}

/// The points of a protobuf request.
pub(super) fn of_proto(request: &ExportMetricsServiceRequest) -> Points {
    let mut points = Points::default();
    let scopes = request.resource_metrics.iter().flat_map(|group| &group.scope_metrics);
    for metric in scopes.flat_map(|scope| &scope.metrics) {
        points.add(
            &metric.name,
            match &metric.data {
                Some(Data::Gauge(gauge)) => gauge.data_points.len(),
                Some(Data::Sum(sum)) => sum.data_points.len(),
                Some(Data::Histogram(histogram)) => histogram.data_points.len(),
                Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
                Some(Data::Summary(summary)) => summary.data_points.len(),
                None => 0,
            },
        );
    }
    points
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(default, rename = "resourceMetrics", alias = "resource_metrics")]
    groups: Vec<ResourceMetrics>,
}

#[derive(Deserialize)]
struct ResourceMetrics {
    #[serde(default, rename = "scopeMetrics", alias = "scope_metrics")]
    scopes: Vec<ScopeMetrics>,
}

#[derive(Deserialize)]
struct ScopeMetrics {
    #[serde(default)]
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    #[serde(default)]
    name: String,
    gauge: Option<DataJson>,
    sum: Option<DataJson>,
    histogram: Option<DataJson>,
    #[serde(alias = "exponential_histogram")]
    exponential_histogram: Option<DataJson>,
    summary: Option<DataJson>,
}

#[derive(Deserialize)]
struct DataJson {
    #[serde(default, rename = "dataPoints", alias = "data_points")]
    points: Vec<IgnoredAny>,
}

/// The points of a JSON request.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn of_json(body: &[u8]) -> Result<Points, String> {
    let request: Metrics = parse(body, "resourceMetrics")?;
    let mut points = Points::default();
    for metric in request.groups.into_iter().flat_map(|group| group.scopes).flat_map(|scope| scope.metrics) {
        let data = [metric.gauge, metric.sum, metric.histogram, metric.exponential_histogram, metric.summary];
        points.add(&metric.name, data.iter().flatten().map(|data| data.points.len()).sum());
    }
    Ok(points)
}
