//! `docs/metrics.md`, written from the table.

use std::fmt::Write as _;

use crate::prometheus::table::{Kind, Row, TABLE};
use crate::prometheus::{MAX_LABEL_BYTES, MetricsOptions, OBSERVED_MODELS};

/// The page, as Markdown.
#[must_use]
pub fn markdown() -> String {
    let max_series = MetricsOptions::default().max_series;
    let mut page = format!(
        "<!-- Generated from crates/weir-watch/src/prometheus/table.rs; \
         `WEIR_BLESS=1 cargo test -p weir-watch` writes it. -->\n\n\
         # Metrics\n\n\
         `GET /metrics` gives Prometheus text 0.0.4, or OpenMetrics 1.0 with exemplars (`trace_id`, the latest of each \
         bucket) when the `Accept` header asks for `application/openmetrics-text`, as Prometheus does.\n\n\
         - `model` is the model that was asked for, if it is configured or among the first {OBSERVED_MODELS} others \
         that answered; else `other`. Response models likewise.\n\
         - A metric has at most {max_series} series. Past that the labels with free values become `other`, and \
         `weir_metric_series_dropped_total` counts.\n\
         - Label values are cut at {MAX_LABEL_BYTES} bytes. There are no ids, users, keys or texts among them; figures \
         by user, key or tag come from the API.\n\
         - Counters start at 0 with the process. A series appears when it is first recorded; an empty label is left \
         out.\n\
         - Bounds are written as in OpenMetrics in both formats (`le=\"1.0\"`).\n\n\
         | name | type | unit | labels | what it says |\n|---|---|---|---|---|\n"
    );
    for row in TABLE {
        line(&mut page, row);
    }
    page.push_str("\n## Labels with fixed values\n\n| label | of | values |\n|---|---|---|\n");
    for row in TABLE {
        for label in row.labels.iter().filter(|label| !label.values.is_empty()) {
            let values: Vec<_> = label.values.iter().map(|value| format!("`{value}`")).collect();
            // Writing to a String cannot fail.
            _ = writeln!(page, "| `{}` | `{}` | {} |", label.name, row.name, values.join(", "));
        }
    }
    page.push_str("\n## Buckets\n\n| histogram | upper bounds |\n|---|---|\n");
    for row in TABLE.iter().filter(|row| row.kind == Kind::Histogram) {
        let bounds: Vec<_> = row.buckets.iter().map(f64::to_string).collect();
        _ = writeln!(page, "| `{}` | {} |", row.name, bounds.join(", "));
    }
    page
}

fn line(page: &mut String, row: &Row) {
    let labels: Vec<_> = row.labels.iter().map(|label| format!("`{}`", label.name)).collect();
    let name = row.alias.map_or_else(|| format!("`{}`", row.name), |alias| format!("`{}`, `{alias}`", row.name));
    // Writing to a String cannot fail.
    _ = writeln!(page, "| {name} | {} | {} | {} | {}. |", row.kind.as_str(), row.unit, labels.join(", "), row.help);
}
