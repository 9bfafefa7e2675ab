//! One way in and one way out of storage.
//!
//! Two roles: telemetry (large: spans and rollups) and the [`catalog`] (small and transactional: prompts).
//!
//! In: the gateway appends a finished call to the [`journal`]; fronts submit batches; [`ingest`] drains both into the
//! store, rows and rollups in one transaction. Out: the [`telemetry::Telemetry`] trait, the same for every engine.
//!
//! Invariants: an acknowledged write is durable; a repeated write changes nothing; rollups never disagree with rows.

pub mod activity;
pub mod artifacts;
pub mod backup;
pub mod catalog;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod events;
pub mod evidence;
pub mod exports;
pub mod ingest;
pub mod journal;
pub mod kept;
mod lock;
pub mod scores;
pub mod sqlite;
pub mod sums;
pub mod telemetry;
pub mod traces;
