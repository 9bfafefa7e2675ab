//! `OpenMetrics` as Prometheus text 0.0.4.
//!
//! Invariant: the same series with the same values; only what 0.0.4 does not have (units, exemplars, the end mark) is
//! left out, and a counter's family has its full name.

use crate::prometheus::table::TABLE;

/// Where an exemplar begins. Within a label value the quote would stand behind a backslash, so this is never one.
const EXEMPLAR: &str = " # {trace_id=\"";

/// Converts a page of this module's own metrics.
pub(crate) fn from_open_metrics(page: &str) -> String {
    let mut classic = String::with_capacity(page.len());
    for line in page.split_terminator('\n') {
        let Some(comment) = line.strip_prefix("# ") else {
            classic.push_str(line.split_once(EXEMPLAR).map_or(line, |(sample, _)| sample));
            classic.push('\n');
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        if let (Some(word @ ("HELP" | "TYPE")), Some(family), Some(text)) = (words.next(), words.next(), words.next()) {
            let (name, kind) = describe(family);
            let text = if word == "TYPE" { kind } else { text };
            for part in ["# ", word, " ", name, " ", text, "\n"] {
                classic.push_str(part);
            }
        }
    }
    classic
}

/// The name and the type of a family in 0.0.4.
fn describe(family: &str) -> (&str, &'static str) {
    if TABLE.iter().any(|row| row.alias == Some(family)) {
        return (family, "untyped");
    }
    match TABLE.iter().find(|row| row.family() == family || row.name == family) {
        Some(row) => (row.name, row.kind.as_str()),
        None => (family, "untyped"),
    }
}
