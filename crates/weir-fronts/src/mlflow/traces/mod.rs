//! Traces in MLflow's form, version 3 of its protocol: what the client says of a trace, and every trace of any other front,
//! seen through it.
//!
//! Invariants: what a trace says of itself goes before what its spans say; spans that MLflow's client sent come back as they
//! were; spans of others get the attributes that MLflow's client reads, and lose none of their own.

mod artifact;
mod assemble;
mod correlation;
mod delete;
mod experiments;
pub(super) mod id;
mod info;
mod links;
mod metrics;
mod names;
mod preview;
mod read;
mod received;
mod scores;
mod search;
mod spans;
mod start;
mod tags;
mod v2;

pub use received::Experiments;

use http::Method;
use weir_core::access::Role;

use super::routes::Endpoint;

macro_rules! endpoint {
    ($method:ident, $path:literal, $role:ident, $handle:path) => {
        Endpoint { method: Method::$method, path: $path, role: Role::$role, handle: $handle }
    };
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    endpoint!(POST, "/3.0/mlflow/traces", Write, start::start),
    endpoint!(GET, "/3.0/mlflow/traces/get", Read, read::get),
    endpoint!(GET, "/3.0/mlflow/traces/batchGet", Read, read::batch),
    endpoint!(POST, "/3.0/mlflow/traces/batchGetInfos", Read, read::batch_infos),
    endpoint!(POST, "/3.0/mlflow/traces/search", Read, search::search),
    endpoint!(POST, "/3.0/mlflow/traces/calculate-filter-correlation", Read, correlation::correlation),
    endpoint!(POST, "/3.0/mlflow/traces/metrics", Read, metrics::metrics),
    endpoint!(GET, "/3.0/mlflow/traces/{trace_id}", Read, read::info),
    endpoint!(PATCH, "/2.0/mlflow/traces/{trace_id}/tags", Write, tags::set),
    endpoint!(PATCH, "/3.0/mlflow/traces/{trace_id}/tags", Write, tags::set),
    endpoint!(DELETE, "/2.0/mlflow/traces/{trace_id}/tags", Write, tags::delete),
    endpoint!(DELETE, "/3.0/mlflow/traces/{trace_id}/tags", Write, tags::delete),
    endpoint!(POST, "/2.0/mlflow/traces/delete-traces", Write, delete::delete),
    endpoint!(POST, "/3.0/mlflow/traces/delete-traces", Write, delete::delete),
    endpoint!(POST, "/2.0/mlflow/traces/link-to-run", Write, links::to_run),
    endpoint!(POST, "/2.0/mlflow/traces/link-prompts", Write, links::prompts),
    endpoint!(GET, "/2.0/mlflow/get-trace-artifact", Read, artifact::get),
    endpoint!(GET, "/3.0/mlflow/get-trace-artifact", Read, artifact::get),
    endpoint!(POST, "/2.0/mlflow/traces", Write, v2::start),
    endpoint!(GET, "/2.0/mlflow/traces", Read, v2::search),
    endpoint!(PATCH, "/2.0/mlflow/traces/{trace_id}", Write, v2::end),
    endpoint!(GET, "/2.0/mlflow/traces/{trace_id}/info", Read, v2::info),
];

#[cfg(test)]
mod tests;
