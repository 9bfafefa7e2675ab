//! What the spans of a trace come to.

use rusqlite::Connection;
use weir_core::id::TraceId;
use weir_core::money::NanoUsd;
use weir_core::span::{SpanKind, Status};
use weir_core::token::TokenCounts;

use super::key;
use crate::sqlite::names::NameTexts;
use crate::sqlite::row;
use crate::telemetry::StoreError;
use crate::traces::Totals;

/// The totals of one trace.
pub(super) fn of(db: &Connection, texts: &NameTexts, id: TraceId) -> Result<Totals, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT kind, status, start_us, duration_us, cost_nano, prompt_tokens, cached_tokens, cache_write_tokens, \
         cache_write_1h_tokens, completion_tokens, reasoning_tokens, audio_in_tokens, audio_out_tokens, session, user, \
         project FROM spans INDEXED BY spans_key WHERE trace_id = ?1 ORDER BY seq",
    )?;
    let mut rows = statement.query([key(&id)])?;
    let mut totals = Totals::default();
    while let Some(found) = rows.next()? {
        totals.spans += 1;
        let status = found.get::<_, Option<i64>>(1)?.and_then(Status::from_number);
        if matches!(status, Some(Status::Error | Status::RateLimited | Status::Blocked)) {
            totals.errors += 1;
        }
        let (start, duration): (Option<i64>, Option<i64>) = (found.get(2)?, found.get(3)?);
        totals.start_us = totals.start_us.into_iter().chain(start).min();
        let end = duration.map(|duration| start.unwrap_or_default().saturating_add(duration));
        totals.end_us = totals.end_us.max(end);
        let kind = found.get::<_, Option<i64>>(0)?.and_then(SpanKind::from_number);
        if matches!(kind, Some(SpanKind::Llm | SpanKind::Embedding)) {
            if let Some(cost) = found.get::<_, Option<i64>>(4)? {
                let sum = totals.cost.unwrap_or_default().0.saturating_add(cost);
                totals.cost = Some(NanoUsd(sum));
            }
            let mut numbers = [0; 8];
            let mut said = false;
            for (at, number) in numbers.iter_mut().enumerate() {
                if let Some(count) = found.get::<_, Option<i64>>(5 + at)? {
                    (*number, said) = (count, true);
                }
            }
            if said {
                totals.tokens = Some(sum(totals.tokens.unwrap_or_default(), row::tokens_from(numbers)));
            }
        }
        totals.session = totals.session.take().or(found.get(13)?);
        totals.user = totals.user.take().or(found.get(14)?);
        if totals.project.is_none()
            && let Some(number) = found.get(15)?
        {
            totals.project = Some(texts.text(db, number)?.as_ref().to_owned());
        }
    }
    Ok(totals)
}

fn sum(a: TokenCounts, b: TokenCounts) -> TokenCounts {
    TokenCounts {
        prompt: a.prompt.saturating_add(b.prompt),
        completion: a.completion.saturating_add(b.completion),
        cached: a.cached.saturating_add(b.cached),
        cache_write: a.cache_write.saturating_add(b.cache_write),
        cache_write_1h: a.cache_write_1h.saturating_add(b.cache_write_1h),
        reasoning: a.reasoning.saturating_add(b.reasoning),
        audio_in: a.audio_in.saturating_add(b.audio_in),
        audio_out: a.audio_out.saturating_add(b.audio_out),
    }
}
