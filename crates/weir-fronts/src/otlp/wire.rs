//! A span as OpenTelemetry has it, free of any encoding: made from protobuf, from JSON, or by a library in this process.
//!
//! Invariant: ids are checked already (right length, not zero); everything else is as it was sent.

use std::sync::Arc;

use weir_core::id::{SpanId, TraceId};

/// The value of an attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AnyValue {
    /// Nothing was said.
    #[default]
    Empty,
    /// A text.
    Text(String),
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number, also NaN and the infinities.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<AnyValue>),
    /// Members in their order; the same name may stand twice.
    Map(Attributes),
}

/// Names and values, in the order in which they were sent.
pub type Attributes = Vec<(String, AnyValue)>;

/// A span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WireSpan {
    /// The trace.
    pub trace_id: TraceId,
    /// The span: 8 bytes, in the low half.
    pub span_id: SpanId,
    /// The span that it is a step of.
    pub parent_id: Option<SpanId>,
    /// W3C `tracestate`, as it was sent.
    pub trace_state: String,
    /// W3C trace flags and OpenTelemetry's own bits.
    pub flags: u32,
    /// The name.
    pub name: String,
    /// OpenTelemetry's span kind by its number: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Start, in nanoseconds since the epoch.
    pub start_ns: u64,
    /// End, in nanoseconds since the epoch; 0 while the span is open.
    pub end_ns: u64,
    /// The attributes.
    pub attributes: Attributes,
    /// What happened during the span.
    pub events: Vec<Event>,
    /// Other spans that it has to do with.
    pub links: Vec<Link>,
    /// How it ended.
    pub status: Status,
    /// What the sender left out.
    pub dropped: Dropped,
    /// Who sent it; shared by the spans of one request.
    pub resource: Arc<Resource>,
    /// The instrumentation that made it; shared as well.
    pub scope: Arc<Scope>,
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// 0 not said, 1 ok, 2 error.
    pub code: i32,
    /// The error's message.
    pub message: String,
}

/// How many attributes, events and links the sender left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Attributes.
    pub attributes: u32,
    /// Events.
    pub events: u32,
    /// Links.
    pub links: u32,
}

/// Something that happened during a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// What.
    pub name: String,
    /// When, in nanoseconds since the epoch.
    pub time_ns: u64,
    /// More of it.
    pub attributes: Attributes,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
}

/// A reference to another span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its span.
    pub span_id: SpanId,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// More of it.
    pub attributes: Attributes,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
    /// W3C trace flags and OpenTelemetry's own bits.
    pub flags: u32,
}

/// Who sent a span: a process, a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// What is known of it, as `service.name`.
    pub attributes: Attributes,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
    /// The schema of these attributes; empty when none was named.
    pub schema_url: String,
}

/// The instrumentation that made a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Its name, as `openinference.instrumentation.openai`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// More of it.
    pub attributes: Attributes,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
    /// The schema of the spans' attributes; empty when none was named.
    pub schema_url: String,
}

impl AnyValue {
    /// The text that it is.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl From<&str> for AnyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for AnyValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for AnyValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for AnyValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for AnyValue {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}
