//! What a span adds to the rollups, and under which values.

use std::borrow::Cow;

use weir_core::span::{Span, Status};
use weir_core::time::Micros;

use super::super::row::token_columns;
use super::CUBED;
use super::cell::{NUMBERS, Numbers};
use super::measures::Measures;
use super::step::{self, Step};
use super::under::Under;

/// One span's part in the rollups.
#[derive(Debug)]
pub(in crate::sqlite) struct Contribution<'a> {
    pub(in crate::sqlite) start: Micros,
    /// The values that it is counted under; absent ones too.
    pub(in crate::sqlite) under: Under<Option<Cow<'a, str>>>,
    pub(in crate::sqlite) measures: Measures,
}

impl<'a> Contribution<'a> {
    /// `None` for what is not counted: neither call nor step, still open, or without a start.
    pub(in crate::sqlite) fn of(span: &'a Span) -> Option<Self> {
        let start = span.start_us?;
        let latency_us = span.latency_us()?;
        let failed = matches!(span.status, Some(Status::Error | Status::RateLimited | Status::Blocked));
        if span.is_call() {
            let numbers = call_numbers(span, failed, latency_us);
            let measures = Measures::of_call(numbers, latency_us, span.ttft_us, span.status);
            return Some(Self { start, under: Under::Call(call_values(span)), measures });
        }
        let dim = step::number(span.kind?)?;
        let value = Step::of(span)?.encode();
        let mut numbers = [0; NUMBERS];
        let [count, errors, .., latency] = &mut numbers;
        (*count, *errors, *latency) = (1, i64::from(failed), latency_us);
        let under = Under::Step { dim, project: text(span.project.as_ref()), value: Some(Cow::Owned(value)) };
        Some(Self { start, under, measures: Measures::of_step(numbers, latency_us) })
    }
}

fn call_values(span: &Span) -> [Option<Cow<'_, str>>; CUBED] {
    [
        text(span.project.as_ref()),
        text(span.model.as_ref()),
        text(span.provider.as_ref()),
        text(span.department.as_ref()),
        prompt_version(span),
        span.status.map(|s| Cow::Borrowed(s.as_str())),
        text(span.key.as_ref()),
    ]
}

fn text(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|t| Cow::Borrowed(t.as_str()))
}

fn call_numbers(span: &Span, failed: bool, latency_us: i64) -> Numbers {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = token_columns(&span.tokens.unwrap_or_default());
    let cached = span.status == Some(Status::Cached) || matches!(span.cache.as_deref(), Some("hit" | "semantic"));
    [
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
        latency_us,
    ]
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
