//! Log records: only what says which event of which span they are.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1 as proto;
use weir_core::id::{SpanId, SpanKey, TraceId};

use super::proto::{any_value, attributes, span_id, trace_id};
use crate::otlp::wire::{AnyValue, Attributes};

/// A log record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::otlp) struct LogRecord {
    /// When it happened, or was seen, in nanoseconds since the epoch.
    pub(in crate::otlp) time_ns: u64,
    /// The span that it belongs to, where it names one.
    pub(in crate::otlp) span: Option<SpanKey>,
    /// The name of the event that it is.
    pub(in crate::otlp) event: String,
    /// What it says.
    pub(in crate::otlp) body: AnyValue,
    /// More of it.
    pub(in crate::otlp) attributes: Attributes,
}

/// The records of a request, in their order.
pub(super) fn records(request: ExportLogsServiceRequest) -> Vec<LogRecord> {
    let scopes = request.resource_logs.into_iter().flat_map(|group| group.scope_logs);
    scopes.flat_map(|scope| scope.log_records).map(record).collect()
}

fn record(record: proto::LogRecord) -> LogRecord {
    let key = |(trace, span): (TraceId, SpanId)| SpanKey { trace, span };
    let attributes = attributes(record.attributes);
    let event = if record.event_name.is_empty() {
        // Until 1.28 the name was an attribute.
        let named = attributes.iter().find(|(name, _)| name == "event.name");
        named.and_then(|(_, value)| value.as_text()).unwrap_or_default().to_owned()
    } else {
        record.event_name
    };
    LogRecord {
        time_ns: if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano },
        span: trace_id(&record.trace_id).zip(span_id(&record.span_id)).map(key),
        event,
        body: any_value(record.body),
        attributes,
    }
}
