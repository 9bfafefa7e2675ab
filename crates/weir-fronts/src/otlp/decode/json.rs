//! OTLP's JSON as protobuf's messages. More is taken than the specification says, because exporters differ: numbers as
//! texts and texts as numbers, `snake_case` names, `null` for what is missing, enums by name.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::logs::v1 as logs_proto;
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::unread;

/// A request for traces.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn traces(body: &[u8]) -> Result<ExportTraceServiceRequest, String> {
    let request: Traces<'_> = parse(body, "resourceSpans")?;
    Ok(ExportTraceServiceRequest { resource_spans: of(request.groups, ResourceSpans::into_proto) })
}

/// A request for logs.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn logs(body: &[u8]) -> Result<ExportLogsServiceRequest, String> {
    let request: Logs<'_> = parse(body, "resourceLogs")?;
    Ok(ExportLogsServiceRequest { resource_logs: of(request.groups, ResourceLogs::into_proto) })
}

/// Reads a body as one object that should have a member of that name.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8], wanted: &str) -> Result<T, String> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(format!("the body is no JSON object; OTLP's JSON is {{\"{wanted}\": [...]}}"));
    }
    serde_json::from_slice(body).map_err(|error| unread::json::<T>(body, &error))
}

/// A list, or null.
type Maybe<T> = Option<Vec<T>>;

fn of<T, U>(list: Maybe<T>, each: impl FnMut(T) -> U) -> Vec<U> {
    list.unwrap_or_default().into_iter().map(each).collect()
}

#[derive(Deserialize)]
struct Traces<'a> {
    #[serde(borrow, default, rename = "resourceSpans", alias = "resource_spans")]
    groups: Maybe<ResourceSpans<'a>>,
}

#[derive(Deserialize)]
struct Logs<'a> {
    #[serde(borrow, default, rename = "resourceLogs", alias = "resource_logs")]
    groups: Maybe<ResourceLogs<'a>>,
}

#[derive(Deserialize)]
struct ResourceSpans<'a> {
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
    #[serde(borrow, alias = "scope_spans", rename = "scopeSpans", alias = "instrumentationLibrarySpans")]
    groups: Maybe<ScopeSpans<'a>>,
    #[serde(alias = "schema_url", rename = "schemaUrl")]
    schema_url: Option<String>,
}

#[derive(Deserialize)]
struct ResourceLogs<'a> {
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
    #[serde(borrow, alias = "scope_logs", rename = "scopeLogs")]
    groups: Maybe<ScopeLogs<'a>>,
    #[serde(alias = "schema_url", rename = "schemaUrl")]
    schema_url: Option<String>,
}

#[derive(Deserialize)]
struct ScopeSpans<'a> {
    #[serde(borrow, alias = "instrumentationLibrary")]
    scope: Option<Scope<'a>>,
    #[serde(borrow)]
    spans: Maybe<Span<'a>>,
    #[serde(alias = "schema_url", rename = "schemaUrl")]
    schema_url: Option<String>,
}

#[derive(Deserialize)]
struct ScopeLogs<'a> {
    #[serde(borrow)]
    scope: Option<Scope<'a>>,
    #[serde(borrow, alias = "log_records", rename = "logRecords")]
    records: Maybe<LogRecord<'a>>,
    #[serde(alias = "schema_url", rename = "schemaUrl")]
    schema_url: Option<String>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    attributes: Maybe<KeyValue<'a>>,
    #[serde(alias = "dropped_attributes_count", rename = "droppedAttributesCount")]
    dropped: Option<Whole<u32>>,
}

#[derive(Deserialize)]
struct Scope<'a> {
    name: Option<String>,
    version: Option<String>,
    #[serde(borrow)]
    attributes: Maybe<KeyValue<'a>>,
    #[serde(alias = "dropped_attributes_count", rename = "droppedAttributesCount")]
    dropped: Option<Whole<u32>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    #[serde(alias = "trace_id")]
    trace_id: Option<Id>,
    #[serde(alias = "span_id")]
    span_id: Option<Id>,
    #[serde(alias = "parent_span_id")]
    parent_span_id: Option<Id>,
    #[serde(alias = "trace_state")]
    trace_state: Option<String>,
    flags: Option<Whole<u32>>,
    name: Option<String>,
    kind: Option<Kind>,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Option<Whole<u64>>,
    #[serde(alias = "end_time_unix_nano")]
    end_time_unix_nano: Option<Whole<u64>>,
    #[serde(borrow)]
    attributes: Maybe<KeyValue<'a>>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: Option<Whole<u32>>,
    #[serde(borrow)]
    events: Maybe<Event<'a>>,
    #[serde(alias = "dropped_events_count")]
    dropped_events_count: Option<Whole<u32>>,
    #[serde(borrow)]
    links: Maybe<Link<'a>>,
    #[serde(alias = "dropped_links_count")]
    dropped_links_count: Option<Whole<u32>>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Option<Whole<u64>>,
    name: Option<String>,
    #[serde(borrow)]
    attributes: Maybe<KeyValue<'a>>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: Option<Whole<u32>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link<'a> {
    #[serde(alias = "trace_id")]
    trace_id: Option<Id>,
    #[serde(alias = "span_id")]
    span_id: Option<Id>,
    #[serde(alias = "trace_state")]
    trace_state: Option<String>,
    #[serde(borrow)]
    attributes: Maybe<KeyValue<'a>>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: Option<Whole<u32>>,
    flags: Option<Whole<u32>>,
}

#[derive(Deserialize)]
struct Status {
    message: Option<String>,
    code: Option<Kind>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord<'a> {
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Option<Whole<u64>>,
    #[serde(alias = "observed_time_unix_nano")]
    observed_time_unix_nano: Option<Whole<u64>>,
    #[serde(borrow)]
    body: Option<Any<'a>>,
    #[serde(borrow)]
    attributes: Maybe<KeyValue<'a>>,
    #[serde(alias = "trace_id")]
    trace_id: Option<Id>,
    #[serde(alias = "span_id")]
    span_id: Option<Id>,
    #[serde(alias = "event_name")]
    event_name: Option<String>,
}

#[derive(Deserialize)]
struct KeyValue<'a> {
    #[serde(default)]
    key: String,
    #[serde(borrow)]
    value: Option<Any<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Any<'a> {
    #[serde(alias = "string_value")]
    string_value: Option<String>,
    #[serde(alias = "bool_value")]
    bool_value: Option<bool>,
    #[serde(alias = "int_value")]
    int_value: Option<Whole<i64>>,
    #[serde(borrow, alias = "double_value")]
    double_value: Option<&'a RawValue>,
    #[serde(borrow, alias = "array_value")]
    array_value: Option<List<Any<'a>>>,
    #[serde(borrow, alias = "kvlist_value")]
    kvlist_value: Option<List<KeyValue<'a>>>,
    #[serde(alias = "bytes_value")]
    bytes_value: Option<Base64>,
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default = "none")]
    values: Maybe<T>,
}

fn none<T>() -> Maybe<T> {
    None
}

impl ResourceSpans<'_> {
    fn into_proto(self) -> proto::ResourceSpans {
        proto::ResourceSpans {
            resource: self.resource.map(Resource::into_proto),
            scope_spans: of(self.groups, |group| proto::ScopeSpans {
                scope: group.scope.map(Scope::into_proto),
                spans: of(group.spans, Span::into_proto),
                schema_url: group.schema_url.unwrap_or_default(),
            }),
            schema_url: self.schema_url.unwrap_or_default(),
        }
    }
}

impl ResourceLogs<'_> {
    fn into_proto(self) -> logs_proto::ResourceLogs {
        logs_proto::ResourceLogs {
            resource: self.resource.map(Resource::into_proto),
            scope_logs: of(self.groups, |group| logs_proto::ScopeLogs {
                scope: group.scope.map(Scope::into_proto),
                log_records: of(group.records, LogRecord::into_proto),
                schema_url: group.schema_url.unwrap_or_default(),
            }),
            schema_url: self.schema_url.unwrap_or_default(),
        }
    }
}

impl Resource<'_> {
    fn into_proto(self) -> ProtoResource {
        ProtoResource {
            attributes: of(self.attributes, KeyValue::into_proto),
            dropped_attributes_count: whole(self.dropped),
            ..ProtoResource::default()
        }
    }
}

impl Scope<'_> {
    fn into_proto(self) -> common::InstrumentationScope {
        common::InstrumentationScope {
            name: self.name.unwrap_or_default(),
            version: self.version.unwrap_or_default(),
            attributes: of(self.attributes, KeyValue::into_proto),
            dropped_attributes_count: whole(self.dropped),
        }
    }
}

impl Span<'_> {
    fn into_proto(self) -> proto::Span {
        proto::Span {
            trace_id: id(self.trace_id),
            span_id: id(self.span_id),
            parent_span_id: id(self.parent_span_id),
            trace_state: self.trace_state.unwrap_or_default(),
            flags: whole(self.flags),
            name: self.name.unwrap_or_default(),
            kind: self.kind.map_or(0, |kind| kind.0),
            start_time_unix_nano: whole(self.start_time_unix_nano),
            end_time_unix_nano: whole(self.end_time_unix_nano),
            attributes: of(self.attributes, KeyValue::into_proto),
            dropped_attributes_count: whole(self.dropped_attributes_count),
            events: of(self.events, |event| proto::span::Event {
                time_unix_nano: whole(event.time_unix_nano),
                name: event.name.unwrap_or_default(),
                attributes: of(event.attributes, KeyValue::into_proto),
                dropped_attributes_count: whole(event.dropped_attributes_count),
            }),
            dropped_events_count: whole(self.dropped_events_count),
            links: of(self.links, |link| proto::span::Link {
                trace_id: id(link.trace_id),
                span_id: id(link.span_id),
                trace_state: link.trace_state.unwrap_or_default(),
                attributes: of(link.attributes, KeyValue::into_proto),
                dropped_attributes_count: whole(link.dropped_attributes_count),
                flags: whole(link.flags),
            }),
            dropped_links_count: whole(self.dropped_links_count),
            status: self.status.map(|status| proto::Status {
                message: status.message.unwrap_or_default(),
                code: status.code.map_or(0, |code| code.0),
            }),
        }
    }
}

impl LogRecord<'_> {
    fn into_proto(self) -> logs_proto::LogRecord {
        logs_proto::LogRecord {
            time_unix_nano: whole(self.time_unix_nano),
            observed_time_unix_nano: whole(self.observed_time_unix_nano),
            body: self.body.map(Any::into_proto),
            attributes: of(self.attributes, KeyValue::into_proto),
            trace_id: id(self.trace_id),
            span_id: id(self.span_id),
            event_name: self.event_name.unwrap_or_default(),
            ..logs_proto::LogRecord::default()
        }
    }
}

impl KeyValue<'_> {
    fn into_proto(self) -> common::KeyValue {
        common::KeyValue { key: self.key, value: self.value.map(Any::into_proto), ..common::KeyValue::default() }
    }
}

impl Any<'_> {
    fn into_proto(self) -> common::AnyValue {
        use common::any_value::Value;
        let list = |list: List<Any<'_>>| common::ArrayValue { values: of(list.values, Any::into_proto) };
        let map = |list: List<KeyValue<'_>>| common::KeyValueList { values: of(list.values, KeyValue::into_proto) };
        let value = self
            .string_value
            .map(Value::StringValue)
            .or(self.bool_value.map(Value::BoolValue))
            .or(self.int_value.map(|int| Value::IntValue(int.0)))
            .or(self.double_value.and_then(double).map(Value::DoubleValue))
            .or(self.array_value.map(|values| Value::ArrayValue(list(values))))
            .or(self.kvlist_value.map(|values| Value::KvlistValue(map(values))))
            .or(self.bytes_value.map(|bytes| Value::BytesValue(bytes.0)));
        common::AnyValue { value }
    }
}

fn whole<T: Default>(number: Option<Whole<T>>) -> T {
    number.map(|number| number.0).unwrap_or_default()
}

fn id(id: Option<Id>) -> Vec<u8> {
    id.map(|id| id.0).unwrap_or_default()
}

/// A double is read from its text: `serde_json` may be off by the last bit. NaN and the infinities are texts.
fn double(raw: &RawValue) -> Option<f64> {
    raw.get().trim_matches('"').parse().ok()
}

/// A whole number, as a number or as a text.
struct Whole<T>(T);

impl<'de, T: std::str::FromStr> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<T: std::str::FromStr> Visitor<'_> for Read<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or one as a text")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
                if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
                    return self.visit_str(&format!("{number:.0}"));
                }
                Err(E::invalid_value(de::Unexpected::Float(number), &self))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
                text.trim().parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        d.deserialize_any(Read(PhantomData)).map(Self)
    }
}

/// An id as hex; what is no hex keeps its bytes, so that its span is rejected alone.
struct Id(Vec<u8>);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let bytes = text.as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        });
        let decoded: Option<Vec<u8>> = bytes.collect();
        Ok(Self(decoded.unwrap_or_else(|| text.as_bytes().to_vec())))
    }
}

/// Bytes as base64.
struct Base64(Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        /// Base64, or the list of numbers that JavaScript's exporter sends.
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
                STANDARD.decode(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Vec<u8>, S::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = list.next_element()? {
                    bytes.push(byte);
                }
                Ok(bytes)
            }
        }
        d.deserialize_any(Read).map(Self)
    }
}

/// An enum by its number or by its name.
struct Kind(i32);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = i32;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number of a kind or status")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<i32, E> {
                Ok(i32::try_from(number).unwrap_or_default())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<i32, E> {
                Ok(i32::try_from(number).unwrap_or_default())
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<i32, E> {
                let kind = proto::span::SpanKind::from_str_name(name).map(|kind| kind as i32);
                let status = || proto::status::StatusCode::from_str_name(name).map(|code| code as i32);
                Ok(kind.or_else(status).or_else(|| name.parse().ok()).unwrap_or_default())
            }
        }
        d.deserialize_any(Read).map(Self)
    }
}
