//! What a search of traces knows.

use weir_core::query::Target;

use crate::mlflow::filter::{CollectionName, FieldName, Kind, Vocabulary};

const fn field(
    names: &'static [&'static str],
    field: &'static str,
    kind: Kind,
    filters: bool,
    orders: bool,
) -> FieldName {
    FieldName { names, field, kind, filters, orders }
}

/// Fields: `id`, `at` (milliseconds), `duration`, `end`, `status`, `client_request_id`, `name`, `run`, `prompt`, `text`, `experiment`.
/// Collections: `tags`, `metadata`, `span`, `feedback`, `expectation`, `issue`.
pub(super) const TRACES: Vocabulary = Vocabulary {
    fields: &[
        field(&["request_id"], "id", Kind::Pattern, true, true),
        field(&["timestamp_ms", "timestamp"], "at", Kind::Number, true, true),
        field(&["execution_time_ms", "execution_time"], "duration", Kind::Number, true, true),
        field(&["end_time_ms", "end_time"], "end", Kind::Number, true, true),
        field(&["status"], "status", Kind::Pattern, true, true),
        field(&["client_request_id"], "client_request_id", Kind::Pattern, true, false),
        field(&["experiment_id"], "experiment", Kind::Pattern, false, true),
        field(&["name"], "name", Kind::PatternEntry, true, true),
        field(&["run_id"], "run", Kind::PatternEntry, true, true),
        field(&["prompt"], "prompt", Kind::Exact, true, false),
        field(&["text"], "text", Kind::Search, true, false),
    ],
    own: &["attribute", "attributes", "trace"],
    collections: &[
        CollectionName { names: &["tag", "tags"], collection: "tags", kind: Kind::PatternEntry, orders: true },
        CollectionName {
            names: &["request_metadata", "metadata"],
            collection: "metadata",
            kind: Kind::PatternEntry,
            orders: true,
        },
        CollectionName { names: &["feedback"], collection: "feedback", kind: Kind::Any, orders: false },
        CollectionName { names: &["expectation"], collection: "expectation", kind: Kind::Any, orders: false },
    ],
    related: &[(&["span"], "span", &["name", "type", "status"]), (&["issue"], "issue", &["id"])],
    special,
};

fn special(entity: &str, key: &str) -> Option<(Target, Kind)> {
    match (entity, key) {
        ("span", "name") => Some((Target::Related("span", "name"), Kind::Pattern)),
        ("span", "type") => Some((Target::Related("span", "type"), Kind::Pattern)),
        ("span", "status") => Some((Target::Related("span", "status"), Kind::Pattern)),
        ("span", "content") => Some((Target::Related("span", "content"), Kind::Search)),
        ("span", key) => {
            let name = key.strip_prefix("attributes.")?;
            let name = name.trim_matches('`');
            (!name.is_empty()).then(|| (Target::Entry("span", name.to_owned()), Kind::Pattern))
        }
        ("issue", "id") => Some((Target::Related("issue", "id"), Kind::Exact)),
        // The tag and the metadata by which MLflow's own page looks for these.
        ("tag" | "tags", "mlflow.traceName") => Some((Target::Field("name"), Kind::PatternEntry)),
        ("tag" | "tags", "mlflow.linkedPrompts") => Some((Target::Field("prompt"), Kind::Exact)),
        ("metadata" | "request_metadata", "mlflow.sourceRun") => Some((Target::Field("run"), Kind::PatternEntry)),
        _ => None,
    }
}
