//! Reading what was recorded, from the files or from a running server, and showing it.
//!
//! Invariant: both sources answer the same JSON, made by the same functions of `weir_web::api`; what is shown is made
//! from that JSON only.

pub(crate) mod alerts;
mod anomalies;
pub(crate) mod detail;
pub(crate) mod filters;
pub(crate) mod format;
pub(crate) mod graph;
mod offline;
pub(crate) mod online;
pub(crate) mod parquet;
pub(crate) mod print;
pub(crate) mod rows;
pub(crate) mod source;
mod sse;
pub(crate) mod table;
pub(crate) mod texts;
pub(crate) mod timeline;
