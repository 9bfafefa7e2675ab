//! What every record is filed under.

use weir_core::id::{SpanId, TraceId};
use weir_core::span::Span;

use super::Moment;
use super::check::{label, quoted};
use super::new_request_id;

/// The labels that all records share, taken out of them.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    pub(crate) request_id: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) workflow: Option<String>,
    pub(crate) parent: Option<SpanId>,
}

impl Labels {
    /// A span under these labels. What they leave open is the step's within which it was logged; a record without a
    /// request makes one of its own.
    pub(crate) fn into_span(self, moment: &Moment) -> Span {
        let within = moment.within.as_deref();
        // Of another request than the step's, it is no part of the step.
        let within = within.filter(|step| self.request_id.as_ref().is_none_or(|id| *id == step.request_id));
        let request_id =
            self.request_id.or_else(|| within.map(|step| step.request_id.clone())).unwrap_or_else(new_request_id);
        let mut span = Span {
            trace_id: within.map_or_else(|| TraceId::of_request(&request_id), |step| step.trace_id),
            span_id: moment.span_id,
            parent_id: self.parent.or_else(|| within.map(|step| step.span_id)),
            department: label(self.department),
            user: label(self.user),
            session: label(self.session),
            request_id: Some(request_id),
            ..Span::default()
        };
        if let Some(workflow) = label(self.workflow).or_else(|| within.and_then(|step| step.workflow.clone())) {
            span.attributes.insert("workflow".to_owned(), quoted(&workflow));
        }
        span
    }
}
