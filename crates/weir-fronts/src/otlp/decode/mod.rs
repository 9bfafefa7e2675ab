//! Export requests, in protobuf or JSON, as spans, log records and counts of points.
//!
//! Invariants: a body that cannot be read is refused whole, with what was wrong and where; a span without proper ids
//! is rejected alone. Unknown members are ignored, missing ones have their defaults.

mod json;
mod logs;
mod metrics;
mod proto;
#[cfg(test)]
mod tests;
mod unread;

use prost::Message;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::wire::WireSpan;

pub(super) use logs::LogRecord;
pub(super) use metrics::Points;

/// How a request is encoded, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Binary protobuf.
    Protobuf,
    /// JSON, in OTLP's own flavour: ids are hex.
    Json,
}

/// What a request held.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Decoded<T> {
    /// What can be used.
    pub(super) items: Vec<T>,
    /// How many cannot, and why not the first of them.
    pub(super) rejected: Rejected,
}

/// Items of a request that were rejected alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rejected {
    /// How many.
    pub(super) count: u64,
    /// Which, and what was wrong, of the first ones.
    pub(super) reasons: Vec<String>,
}

/// Most rejected items that an answer names.
const NAMED: usize = 5;

impl Rejected {
    fn add(&mut self, reason: impl FnOnce() -> String) {
        self.count += 1;
        if self.reasons.len() < NAMED {
            self.reasons.push(reason());
        }
    }

    /// The reasons as one text.
    pub(super) fn message(&self) -> String {
        let more = self.count.saturating_sub(self.reasons.len() as u64);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        self.reasons.join("; ") + &more
    }
}

/// The spans of an export request.
///
/// # Errors
/// What is wrong with the body, and where.
pub(super) fn traces(body: &[u8], encoding: Encoding) -> Result<Decoded<WireSpan>, String> {
    read(body, encoding, json::traces).map(spans)
}

/// The same of a request that was decoded already.
pub(super) fn spans(request: ExportTraceServiceRequest) -> Decoded<WireSpan> {
    proto::spans(request)
}

/// The log records of an export request.
///
/// # Errors
/// What is wrong with the body, and where.
pub(super) fn logs(body: &[u8], encoding: Encoding) -> Result<Vec<LogRecord>, String> {
    read(body, encoding, json::logs).map(records)
}

/// The same of a request that was decoded already.
pub(super) fn records(request: ExportLogsServiceRequest) -> Vec<LogRecord> {
    logs::records(request)
}

/// How many points a request for metrics holds.
///
/// # Errors
/// What is wrong with the body, and where.
pub(super) fn metrics(body: &[u8], encoding: Encoding) -> Result<Points, String> {
    match encoding {
        Encoding::Protobuf => {
            ExportMetricsServiceRequest::decode(body).map(|request| points(&request)).map_err(unread::protobuf)
        }
        Encoding::Json => metrics::of_json(body),
    }
}

/// The same of a request that was decoded already.
pub(super) fn points(request: &ExportMetricsServiceRequest) -> Points {
    metrics::of_proto(request)
}

fn read<T: Message + Default>(
    body: &[u8],
    encoding: Encoding,
    of_json: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, String> {
    match encoding {
        Encoding::Protobuf => T::decode(body).map_err(unread::protobuf),
        Encoding::Json => of_json(body),
    }
}
