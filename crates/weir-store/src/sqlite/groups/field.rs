//! The fields that have entries, and the columns that these are built from.

use weir_core::filter::Field;

/// What an entry of a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sqlite) enum Shape {
    /// Whole numbers of few kinds: numbers of `names`, closed sets, HTTP status.
    Members,
    /// Texts or ids, by hash.
    Hashes,
    /// The hash of every text of a JSON array.
    EachHash,
    /// Smallest and greatest, and how many rows have one.
    Range,
}

/// A field of the skip index. The place in the list is its stored number: append only.
pub(in crate::sqlite) struct Indexed {
    pub(in crate::sqlite) field: Field,
    pub(in crate::sqlite) column: &'static str,
    pub(in crate::sqlite) shape: Shape,
}

const fn indexed(field: Field, column: &'static str, shape: Shape) -> Indexed {
    Indexed { field, column, shape }
}

/// Every indexed field.
pub(in crate::sqlite) const INDEXED: [Indexed; 26] = [
    indexed(Field::Project, "project", Shape::Members),
    indexed(Field::Model, "model", Shape::Members),
    indexed(Field::Provider, "provider", Shape::Members),
    indexed(Field::Department, "department", Shape::Members),
    indexed(Field::Key, "key", Shape::Members),
    indexed(Field::PromptName, "prompt_name", Shape::Members),
    indexed(Field::PromptVersion, "prompt_version", Shape::Members),
    indexed(Field::Name, "name", Shape::Members),
    indexed(Field::ResponseModel, "response_model", Shape::Members),
    indexed(Field::Operation, "operation", Shape::Members),
    indexed(Field::FinishReason, "finish_reason", Shape::Members),
    indexed(Field::Cache, "cache", Shape::Members),
    indexed(Field::ErrorType, "error_type", Shape::Members),
    indexed(Field::Kind, "kind", Shape::Members),
    indexed(Field::Status, "status", Shape::Members),
    indexed(Field::HttpStatus, "http_status", Shape::Range),
    indexed(Field::User, "user", Shape::Hashes),
    indexed(Field::Session, "session", Shape::Hashes),
    indexed(Field::RequestId, "request_id", Shape::Hashes),
    indexed(Field::SpanId, "span_id", Shape::Hashes),
    indexed(Field::Error, "error", Shape::Hashes),
    indexed(Field::Tag, "tags", Shape::EachHash),
    indexed(Field::Latency, super::super::filter::LATENCY, Shape::Range),
    indexed(Field::Cost, "cost_nano", Shape::Range),
    indexed(Field::TotalTokens, super::super::filter::TOTAL_TOKENS, Shape::Range),
    indexed(Field::Ttft, "ttft_us", Shape::Range),
];

/// The stored number of a field, and what its entries hold.
pub(in crate::sqlite) fn number(field: &Field) -> Option<(usize, Shape)> {
    INDEXED.iter().position(|i| i.field == *field).and_then(|n| INDEXED.get(n).map(|i| (n, i.shape)))
}
