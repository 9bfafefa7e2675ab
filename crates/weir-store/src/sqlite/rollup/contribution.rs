//! What a span adds to the rollups, and under which values.

use std::borrow::Cow;

use weir_core::span::{Span, Status};
use weir_core::time::Micros;

use super::super::row::token_columns;
use super::CUBED;
use super::cell::Measures;

/// One call's part in the rollups.
#[derive(Debug)]
pub(in crate::sqlite) struct Contribution<'a> {
    pub(in crate::sqlite) start: Micros,
    /// Project, model, provider, department, prompt version, status, key: the order of the cube.
    pub(in crate::sqlite) values: [Option<Cow<'a, str>>; CUBED],
    pub(in crate::sqlite) measures: Measures,
}

impl<'a> Contribution<'a> {
    /// `None` for what is not counted: no call, still open, or without a start.
    pub(in crate::sqlite) fn of(span: &'a Span) -> Option<Self> {
        if !span.is_call() {
            return None;
        }
        let start = span.start_us?;
        let latency = span.latency_us()?;
        let text = |t: &'a Option<String>| t.as_deref().map(Cow::Borrowed);
        let values = [
            text(&span.project),
            text(&span.model),
            text(&span.provider),
            text(&span.department),
            prompt_version(span),
            span.status.map(|s| Cow::Borrowed(s.as_str())),
            text(&span.key),
        ];
        let tokens = token_columns(&span.tokens.unwrap_or_default());
        let [t0, t1, t2, t3, t4, t5, t6, t7] = tokens;
        let failed = matches!(span.status, Some(Status::Error | Status::RateLimited | Status::Blocked));
        let cached = span.status == Some(Status::Cached) || matches!(span.cache.as_deref(), Some("hit" | "semantic"));
        let numbers = [
            1,
            i64::from(failed),
            i64::from(cached),
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            span.cost.map_or(0, |c| c.0),
            i64::from(span.cost.is_none()),
            latency,
        ];
        Some(Self { start, values, measures: Measures { numbers, latency_us: latency } })
    }
}

/// `name@version`; the name alone where there is no version.
fn prompt_version(span: &Span) -> Option<Cow<'_, str>> {
    match (&span.prompt_name, &span.prompt_version) {
        (Some(name), Some(version)) => Some(Cow::Owned(format!("{name}@{version}"))),
        (Some(name), None) => Some(Cow::Borrowed(name)),
        (None, Some(version)) => Some(Cow::Owned(format!("@{version}"))),
        (None, None) => None,
    }
}
