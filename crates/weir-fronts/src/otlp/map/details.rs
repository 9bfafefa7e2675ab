//! What is bulky, or only given back: one JSON object, from which the span can be made again as it was sent.
//!
//! - `otlp`: what the protocol has and Weir's span has no field for. Its presence says that the span came so.
//! - `attributes`: those that a field was made of, or that are bulky, as they were sent. All others are attributes of the
//!   span; of those, `derived` names the ones that Weir added.
//! - `input`, `output`: the attribute whose text the span's input or output is, to the byte; `input_value`,
//!   `output_value`: the same of an attribute that was no text and stands there as JSON.
//! - `resource`, `scope`, `events`, `links`: as they were sent.
//! - `documents`: what a retrieval found, in one form; made by Weir, and redundant.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::content::Origin;
use crate::otlp::any_json::Object;
use crate::otlp::wire::{Attributes, Dropped, Event, Link, Resource, Scope, Status};

/// Everything that goes into the details.
#[derive(Serialize)]
pub(super) struct Details<'a> {
    otlp: Otlp<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<ResourceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<ScopeJson<'a>>,
    #[serde(skip_serializing_if = "is_empty", serialize_with = "object")]
    attributes: &'a Attributes,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    derived: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_value: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_value: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkJson<'a>>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    documents: &'a [Value],
}

/// What of the protocol has no field of its own.
#[derive(Default, Serialize)]
pub(super) struct Otlp<'a> {
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) start_ns_rest: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) end_ns_rest: u64,
    #[serde(skip_serializing_if = "is_none")]
    pub(super) kind: i32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) flags: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) trace_state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<StatusJson<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) dropped_attributes: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) dropped_events: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) dropped_links: u32,
}

#[derive(Serialize)]
pub(super) struct StatusJson<'a> {
    code: i32,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

#[derive(Serialize)]
struct ResourceJson<'a> {
    #[serde(skip_serializing_if = "is_empty", serialize_with = "object")]
    attributes: &'a Attributes,
    #[serde(skip_serializing_if = "is_default")]
    dropped_attributes: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    schema_url: &'a str,
}

#[derive(Serialize)]
struct ScopeJson<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "is_empty", serialize_with = "object")]
    attributes: &'a Attributes,
    #[serde(skip_serializing_if = "is_default")]
    dropped_attributes: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    schema_url: &'a str,
}

#[derive(Serialize)]
struct EventJson<'a> {
    name: &'a str,
    time_ns: u64,
    #[serde(skip_serializing_if = "is_empty", serialize_with = "object")]
    attributes: &'a Attributes,
    #[serde(skip_serializing_if = "is_default")]
    dropped_attributes: u32,
}

#[derive(Serialize)]
struct LinkJson<'a> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    trace_state: &'a str,
    #[serde(skip_serializing_if = "is_empty", serialize_with = "object")]
    attributes: &'a Attributes,
    #[serde(skip_serializing_if = "is_default")]
    dropped_attributes: u32,
    #[serde(skip_serializing_if = "is_default")]
    flags: u32,
}

/// What the details are made of besides the protocol's own part.
pub(super) struct Parts<'a> {
    pub(super) attributes: &'a Attributes,
    pub(super) derived: Vec<&'a str>,
    pub(super) input: Option<Origin>,
    pub(super) output: Option<Origin>,
    pub(super) events: &'a [Event],
    pub(super) links: &'a [Link],
    pub(super) resource: &'a Resource,
    pub(super) scope: &'a Scope,
    pub(super) documents: &'a [Value],
}

impl<'a> Otlp<'a> {
    /// How the span ended and what its sender left out.
    pub(super) fn ended(self, status: &'a Status, dropped: Dropped) -> Self {
        let said = *status != Status::default();
        Self {
            status: said.then_some(StatusJson { code: status.code, message: &status.message }),
            dropped_attributes: dropped.attributes,
            dropped_events: dropped.events,
            dropped_links: dropped.links,
            ..self
        }
    }
}

impl<'a> Details<'a> {
    pub(super) fn new(otlp: Otlp<'a>, parts: Parts<'a>) -> Self {
        let split = |origin| match origin {
            Some(Origin::Text(name)) => (Some(name), None),
            Some(Origin::Value(name)) => (None, Some(name)),
            None => (None, None),
        };
        let ((input, input_value), (output, output_value)) = (split(parts.input), split(parts.output));
        Self {
            otlp,
            resource: (*parts.resource != Resource::default()).then_some(ResourceJson {
                attributes: &parts.resource.attributes,
                dropped_attributes: parts.resource.dropped_attributes,
                schema_url: &parts.resource.schema_url,
            }),
            scope: (*parts.scope != Scope::default()).then_some(ScopeJson {
                name: &parts.scope.name,
                version: &parts.scope.version,
                attributes: &parts.scope.attributes,
                dropped_attributes: parts.scope.dropped_attributes,
                schema_url: &parts.scope.schema_url,
            }),
            attributes: parts.attributes,
            derived: parts.derived,
            input,
            input_value,
            output,
            output_value,
            events: parts.events.iter().map(event).collect(),
            links: parts.links.iter().map(link).collect(),
            documents: parts.documents,
        }
    }

    /// As the text of one JSON object.
    pub(super) fn to_json(&self) -> String {
        // It cannot fail: keys are texts and the writer is memory.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn event(event: &Event) -> EventJson<'_> {
    EventJson {
        name: &event.name,
        time_ns: event.time_ns,
        attributes: &event.attributes,
        dropped_attributes: event.dropped_attributes,
    }
}

fn link(link: &Link) -> LinkJson<'_> {
    LinkJson {
        trace_id: link.trace_id.to_string(),
        span_id: link.span_id.to_string(),
        trace_state: &link.trace_state,
        attributes: &link.attributes,
        dropped_attributes: link.dropped_attributes,
        flags: link.flags,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's serialize_with passes a reference")]
fn object<S: Serializer>(attributes: &&Attributes, s: S) -> Result<S::Ok, S::Error> {
    Object(attributes).serialize(s)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_empty(attributes: &&Attributes) -> bool {
    attributes.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_none(n: &i32) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_default(n: &u32) -> bool {
    *n == 0
}
