//! What a span's details hold for its way back: read leniently, as they may have been cut or redacted.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::id::{SpanId, TraceId};

use crate::otlp::wire::{AnyValue, Attributes, Event, Link, Resource, Scope, Status};

/// The members, as `map` writes them.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Details<'a> {
    /// There for spans that came by OTLP.
    pub(super) otlp: Option<Otlp>,
    #[serde(borrow)]
    resource: Option<Sender<'a>>,
    #[serde(borrow)]
    scope: Option<Sender<'a>>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    /// The span's attributes that Weir has added.
    pub(super) derived: Vec<String>,
    pub(super) input: Option<String>,
    pub(super) input_value: Option<String>,
    pub(super) output: Option<String>,
    pub(super) output_value: Option<String>,
    #[serde(borrow)]
    events: Vec<EventJson<'a>>,
    #[serde(borrow)]
    links: Vec<LinkJson<'a>>,
}

/// What of the protocol has no field of its own.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Otlp {
    pub(super) start_ns_rest: u64,
    pub(super) end_ns_rest: u64,
    pub(super) kind: i32,
    pub(super) flags: u32,
    pub(super) trace_state: String,
    pub(super) status: StatusJson,
    pub(super) dropped_attributes: u32,
    pub(super) dropped_events: u32,
    pub(super) dropped_links: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct StatusJson {
    code: i32,
    message: String,
}

/// A resource or a scope.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Sender<'a> {
    name: String,
    version: String,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    dropped_attributes: u32,
    schema_url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EventJson<'a> {
    name: String,
    time_ns: u64,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    dropped_attributes: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LinkJson<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    trace_state: String,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    dropped_attributes: u32,
    flags: u32,
}

impl<'a> Details<'a> {
    /// What stands there; nothing where that is nothing of this kind.
    pub(super) fn read(json: Option<&'a str>) -> Self {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    pub(super) fn attributes(&self) -> Attributes {
        members(self.attributes)
    }

    pub(super) fn resource(&self) -> Resource {
        self.resource.as_ref().map_or_else(Resource::default, |held| Resource {
            attributes: members(held.attributes),
            dropped_attributes: held.dropped_attributes,
            schema_url: held.schema_url.clone(),
        })
    }

    pub(super) fn scope(&self) -> Scope {
        self.scope.as_ref().map_or_else(Scope::default, |held| Scope {
            name: held.name.clone(),
            version: held.version.clone(),
            attributes: members(held.attributes),
            dropped_attributes: held.dropped_attributes,
            schema_url: held.schema_url.clone(),
        })
    }

    pub(super) fn events(&self) -> Vec<Event> {
        let event = |held: &EventJson<'_>| Event {
            name: held.name.clone(),
            time_ns: held.time_ns,
            attributes: members(held.attributes),
            dropped_attributes: held.dropped_attributes,
        };
        self.events.iter().map(event).collect()
    }

    /// The links; one without ids leads nowhere.
    pub(super) fn links(&self) -> Vec<Link> {
        let link = |held: &LinkJson<'_>| Link {
            trace_id: held.trace_id,
            span_id: super::short(held.span_id),
            trace_state: held.trace_state.clone(),
            attributes: members(held.attributes),
            dropped_attributes: held.dropped_attributes,
            flags: held.flags,
        };
        let there = |held: &&LinkJson<'_>| held.trace_id != TraceId::default() && held.span_id != SpanId::default();
        self.links.iter().filter(there).map(link).collect()
    }
}

impl Otlp {
    pub(super) fn status(&self) -> Status {
        Status { code: self.status.code, message: self.status.message.clone() }
    }
}

fn members(json: Option<&RawValue>) -> Attributes {
    match json.and_then(|json| AnyValue::from_json(json.get())) {
        Some(AnyValue::Map(members)) => members,
        _ => Attributes::new(),
    }
}
